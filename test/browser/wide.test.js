// The main job once more, on a screen of 1280 px, by a woman of 78; and what double clicks, reloads and going back do.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, visitor, wide } from './house/browser.js'
import { look } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
  await town.newPhone('tome-phone')
})

const tome = { person: 'tome', pin: '7395', password: 'KAWA1948', picture: 'さくら', word: 'うめぼし' }

job('tome registers and logs in on a wide screen; reload, back and double clicks change nothing', async () => {
  const context = await visitor(wide)
  tome.cardPassword = (await is.cardSecrets(context, town, 'tome')).password
  const phone = await context.newPage()
  await is.take(phone, town, 'tome-phone')
  await is.toTap(phone, tome)
  await phone.reload()
  await is.at(phone, 'カードをかざす')
  await is.holdCard(phone, 'tome')
  await is.at(phone, 'スマホの暗証番号を決める')
  await phone.reload()
  await is.at(phone, 'スマホの暗証番号を決める')
  await is.press(phone, 'カードを離す')
  await is.choosePIN(phone, tome.pin)
  await is.choosePassword(phone, tome.password)
  await is.at(phone, '登録して使いはじめる')
  await phone.goBack()
  await is.at(phone, '登録して使いはじめる') // back never leads into a step that is done
  await phone.getByRole('button', { name: '登録する' }).dblclick()
  await is.at(phone, '登録が終わりました')
  await phone.reload()
  const lockCode = await is.code(phone)
  assert.equal(await phone.getByText('使えます').count(), 2, 'exactly one pair of certificates')

  await phone.goBack()
  await is.at(phone, '登録が終わりました')
  assert.doesNotMatch(await phone.getByRole('main').innerText(), new RegExp(lockCode), 'the code is shown once')
  const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', 'tome-phone'))
  assert.deepEqual(certificates.map((c) => [c.kind, c.status]).sort(), [['phone-auth', 'good'], ['phone-sign', 'good']])

  const portal = await context.newPage()
  await portal.goto(town.url('portal'))
  await is.at(portal, 'スマホでログイン')
  await portal.getByRole('button', { name: 'この端末のスマホでログイン' }).dblclick()
  await is.at(portal, /からの確認$/)
  await portal.reload()
  await is.at(portal, /からの確認$/)
  await wrongPIN(portal, 'ログインする', 2)
  await portal.goBack()
  await look(portal)
  assert.ok(await portal.getByRole('heading', { level: 1 }).isVisible(), 'back shows a page')
  await portal.goForward()
  await is.at(portal, /からの確認$/)
  await portal.getByLabel('スマホの利用者証明用の暗証番号').fill(tome.pin)
  await portal.getByRole('button', { name: 'ログインする' }).dblclick()
  await is.portalHome(portal, is.people.tome)
  await portal.reload()
  await is.at(portal, 'ホーム')
  await portal.goBack()
  await look(portal)
  assert.ok(await portal.getByRole('heading', { level: 1 }).isVisible(), 'back shows a page')
  await portal.goto(town.url('portal'))
  await is.at(portal, 'ホーム') // still logged in
  await portal.getByRole('navigation').or(portal.getByRole('banner')).getByRole('button', { name: 'ログアウト' }).first().click()
  await portal.getByText('ログアウトしました').waitFor()
  await portal.goto(town.url('portal', '/home'))
  await is.at(portal, /ログインしていません/)
})

const alert = (page, words) => page.getByRole('alert').filter({ hasText: words }).waitFor()

// wrongPIN enters a wrong one with two clicks, and reloads: one try is gone, and it stays so.
const wrongPIN = async (page, button, left) => {
  await page.getByLabel('スマホの利用者証明用の暗証番号').fill('9517')
  await page.getByRole('button', { name: button, exact: true }).dblclick()
  await alert(page, 'スマホの暗証番号（4けた）が違います。')
  await look(page)
  await page.reload() // a form sent again would ask first, or cost another try
  await alert(page, 'スマホの暗証番号（4けた）が違います。')
  await page.getByText(`あと${left}回入力できます`).first().waitFor()
  const { tries } = JSON.parse(await town.tegata('phone', 'show', '-json', 'tome-phone'))
  assert.equal(tries.pin, left)
}

job('a wrong PIN, a wrong box and a wrong link: reload, back and double clicks change nothing', async () => {
  const phone = await (await visitor(wide)).newPage()
  await is.take(phone, town, 'tome-phone')
  await is.follow(phone, 'スマホ用電子証明書などの各種設定')
  await is.follow(phone, /^暗証番号を確かめる/)
  await wrongPIN(phone, '確かめる', 2)
  await phone.goBack()
  await look(phone)
  assert.ok(await phone.getByRole('heading', { level: 1 }).isVisible(), 'back shows a page')
  await phone.goForward()
  await wrongPIN(phone, '確かめる', 1)
  await phone.getByLabel('スマホの利用者証明用の暗証番号').fill(tome.pin)
  await phone.getByRole('button', { name: '確かめる', exact: true }).dblclick()
  await phone.getByText('本人であることを確かめました。').waitFor()
  for (const [place, button, words] of [
    ['/p/tome-phone/stop', '失効させる', '「分かりました」に印を付けてください'],
    ['/p/tome-phone/scan', '開く', 'http で始まるリンクを貼り付けてください。'],
  ]) {
    await phone.goto(town.url('phone', place))
    await is.press(phone, button)
    await phone.getByText(words).waitFor()
    await phone.reload()
    await phone.getByText(words).waitFor()
    await look(phone)
  }
  await phone.goto(town.url('phone', '/p/tome-phone/mark'))
  await phone.getByLabel('ことばを決める').fill('')
  await is.press(phone, 'この目印にする')
  await phone.getByText('絵を1つ選び、1〜12文字のことばを入れてください。').waitFor()
  await look(phone)
  const street = await (await visitor(wide)).newPage()
  await street.goto(town.url('street', '/break'))
  await street.getByText('自分で登録したスマホを届け出る').click()
  await street.getByLabel('生年月日').fill('1948-05-05')
  await street.getByLabel('停止コード').fill('12345678901')
  await is.press(street, '一時停止する')
  await alert(street, '停止コードのどこかの数字が違います。')
  assert.equal(await street.getByLabel('生年月日').inputValue(), '1948-05-05')
  await street.reload()
  await is.at(street, 'こわしてみる')
})

job('phone and portal side by side, from one press', async () => {
  const context = await visitor(wide)
  const street = await context.newPage()
  await street.goto(town.url('street'))
  await is.press(street, 'スマホとポータルを並べて開く')
  while (context.pages().length < 3) await context.waitForEvent('page')
  const titles = await Promise.all(context.pages().slice(1).map(async (p) => { await p.getByRole('main').waitFor(); return new URL(p.url()).hostname }))
  assert.deepEqual(titles.sort(), ['phone.localhost', 'portal.localhost'])
})
