// What a person can do wrong, or is refused for, on the pages: each has its own sentence, and nothing is lost.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor } from './house/browser.js'
import { picture } from './house/guide.js'
import { slowHand } from './house/hand.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
const secrets = {}
before(async () => {
  town = await start()
  await town.ready()
  for (const id of ['spare', 'second', 'third']) await town.newPhone(id)
  const context = await visitor(narrow)
  const all = await is.rack(context, town, 'maria', 'susumu', 'mamoru', 'setsuko', 'megumi')
  for (const [person, { password }] of Object.entries(all)) secrets[person] = password
  await context.close()
})

const maria = { person: 'maria', pin: '6284', password: 'SORA2HIKO', picture: 'ねこ', word: 'みかん' }
const alert = (page, words) => page.getByRole('alert').filter({ hasText: words }).waitFor()

job('a wrong card password: which secret, how many tries are left, and on with the right one', async () => {
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, 'spare')
  await is.toTap(phone, { ...maria, cardPassword: 'CHIGAU99' })
  await is.holdCard(phone, 'maria')
  await is.at(phone, 'カードの署名用パスワード')
  await alert(phone, 'カードの署名用パスワードが違います。')
  await phone.getByText('あと4回入力できます').first().waitFor()
  await picture(phone, '32-wrong-card-password')
  for (const entry of ['ab1', 'カード', '']) { // in our words, not in a bubble of the browser's
    await phone.getByLabel('カードの署名用パスワード', { exact: true }).fill(entry)
    await is.press(phone, '次へ')
    await phone.getByText('6〜16文字の英字と数字で入力してください。').waitFor()
    await is.at(phone, 'カードの署名用パスワード')
    await phone.reload()
    await is.at(phone, 'カードの署名用パスワード')
  }
  await phone.getByLabel('カードの署名用パスワード', { exact: true }).fill(secrets.maria)
  await is.press(phone, '次へ')
  await is.at(phone, 'スマホの暗証番号を決める') // the card is still there and the terms are agreed to
})

job('weak and differing entries are refused before anything is made; a break goes on where it was', async () => {
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, 'spare')
  await phone.getByText('利用申請の途中です').waitFor()
  await is.follow(phone, '続きをする')
  await is.at(phone, '利用申請の続き')
  await is.press(phone, '続きをする')
  for (const [pin, again, words] of [
    ['0000', '0000', '同じ文字だけ'], ['1234', '1234', '並んだもの'], ['0912', '0912', '誕生日'], ['6284', '6285', '2回の入力が違います'],
  ]) {
    await is.choosePIN(phone, pin, again)
    await phone.getByText(words).waitFor()
  }
  await is.choosePIN(phone, maria.pin)
  await is.choosePassword(phone, secrets.maria)
  await phone.getByText('カードと同じパスワードは使えません').waitFor()
  await is.choosePassword(phone, maria.password, 'SORA2HIKA')
  await phone.getByText('2回の入力が違います').waitFor()
  await is.follow(phone, '前の画面へ戻る')
  await is.at(phone, 'スマホの暗証番号を決める')
})

job('a second application of the same person asks first', async () => {
  const phone = await (await visitor(narrow)).newPage()
  const begin = async () => {
    await is.take(phone, town, 'second')
    await is.toTap(phone, { ...maria, cardPassword: secrets.maria })
    await is.holdCard(phone, 'maria')
    await is.at(phone, 'ほかの申請が途中です')
  }
  await begin()
  await is.press(phone, '前の申請を残して、ここではやめる')
  await is.at(phone, 'ホーム')
  await phone.getByText('利用申請をやめました。').waitFor()
  await is.press(phone, 'カードを離す')
  await begin()
  await is.press(phone, '前の申請をやめて、このスマホで続ける')
  await is.finish(phone, maria)
  await is.code(phone)
  await phone.getByText('に確かめた状態です。').waitFor()
  // The phone that was left hears of it at its next step, and can begin anew.
  await is.take(phone, town, 'spare')
  await is.follow(phone, '続きをする')
  await is.press(phone, '続きをする')
  await is.choosePIN(phone, maria.pin)
  await is.choosePassword(phone, maria.password)
  await is.at(phone, 'はじめる前の確認')
  await alert(phone, 'この申請または登録は終わっています。')
})

job('cards that are under 15, revoked, on hold or expired are refused, each in its own words', async () => {
  const phone = await (await visitor(narrow)).newPage()
  for (const [person, words] of [
    ['sakura', /15歳未満の方は申請できません。/], ['susumu', /失効/], ['mamoru', /停止/], ['setsuko', /有効期(限|間)/],
  ]) {
    await is.take(phone, town, 'third')
    await is.toTap(phone, { word: 'つばめ', picture: 'とり', cardPassword: secrets[person] ?? 'NASHI00' })
    await is.holdCard(phone, person)
    await is.at(phone, 'カードをかざす')
    await alert(phone, words)
    await is.press(phone, 'カードを離す')
  }
})

job('the card is taken away in the middle: nothing was sent, and the next reading goes through', async () => {
  const context = await visitor(narrow)
  const phone = await context.newPage()
  await is.take(phone, town, 'third')
  await is.toTap(phone, { cardPassword: secrets.megumi })
  const { readers } = await (await fetch(`http://127.0.0.1:${town.base}/services.json`)).json()
  const hand = await slowHand(readers.find((r) => r.slot === 'phone:third').address, 250)
  const away = town.insert('megumi', hand.address)
  try {
    await phone.waitForRequest(/enrol\/apply$/) // the card is noticed and the reading begins
    await phone.waitForTimeout(1500) // a slow card: its tries are asked first
    const street = await context.newPage()
    await street.goto(town.url('street', '/break'))
    await is.press(street, /^離す 伊藤/)
    await is.at(phone, 'カードをかざす', '33-card-removed')
    // In the middle of the application, or of the question how many tries are left, which comes before it.
    await alert(phone, /読み取りの途中でカードが離れました。|カードがかざされていません。/)
  } finally {
    away()
    hand.release()
  }
  await is.holdCard(phone, 'megumi')
  await is.at(phone, 'スマホの暗証番号を決める')
})

job('NFC, network, model and boot state: what is missing is said before the first step', async () => {
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, 'spare')
  const menu = () => phone.getByRole('navigation', { name: 'スマホのメニュー' })
  const change = async (act) => {
    await menu().getByRole('link', { name: '設定' }).click()
    await is.at(phone, 'スマホの設定')
    await act()
    await is.at(phone, 'スマホの設定')
    await menu().getByRole('link', { name: 'ホーム' }).click()
    await is.follow(phone, 'スマホ用電子証明書などの各種設定')
    await is.follow(phone, /^利用申請/)
    await is.at(phone, 'はじめる前の確認')
  }
  const choose = (label, word) => async () => {
    const list = phone.getByLabel(label, { exact: true })
    const option = await list.getByRole('option').filter({ hasText: word }).first().textContent()
    await list.selectOption(option)
    await is.press(phone, `変える ${label}`)
  }
  const flip = (name) => () => phone.getByRole('switch', { name }).click()
  for (const [off, words, on] of [
    [flip(/^NFC/), '設定でオンにしてください', flip(/^NFC/)],
    [flip(/^ネットワーク/), 'つながっていません。設定で', flip(/^ネットワーク/)],
    [choose('機種', '未対応'), 'この機種には対応していません', choose('機種', 'T-1')],
    [choose('起動の状態', '改造'), '改造されているか、確かめられない状態です', choose('起動の状態', '元のまま')],
  ]) {
    await change(off)
    await phone.getByText(words).first().waitFor()
    assert.equal(await phone.getByRole('button', { name: '申請をはじめる' }).count(), 0)
    await is.follow(phone, '各種設定へ戻る')
    await menu().getByRole('link', { name: '設定' }).waitFor()
    await change(on)
    await phone.getByRole('button', { name: '申請をはじめる' }).waitFor()
    await is.follow(phone, '各種設定へ戻る')
  }
})

job('a wrong PIN at login leaves tries, three wrong ones block, and the password sets a new PIN', async () => {
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, 'second')
  await phone.goto(town.url('portal'))
  await is.press(phone, 'この端末のスマホでログイン')
  for (const left of ['あと2回', 'あと1回']) {
    await is.approve(phone, '9517')
    await alert(phone, 'スマホの暗証番号（4けた）が違います。')
    await phone.getByText(left).first().waitFor()
  }
  await is.approve(phone, '9517')
  await is.at(phone, /./, '34-blocked')
  await alert(phone, 'ロックされています')
  await is.follow(phone, '暗証番号（4けた）を忘れた')
  await is.at(phone, '暗証番号（4けた）を忘れた')
  await phone.getByLabel('スマホの署名用パスワード', { exact: true }).fill(maria.password)
  await phone.getByLabel('新しい暗証番号', { exact: true }).fill('8163')
  await phone.getByLabel('もう一度、同じ4けた').fill('8163')
  await is.press(phone, '変える')
  await phone.getByText('暗証番号を変えました。').waitFor()
  await phone.goto(town.url('portal'))
  await is.press(phone, 'この端末のスマホでログイン')
  await is.approve(phone, '8163')
  await is.portalHome(phone, is.people.maria)
})
