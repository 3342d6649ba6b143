// The person's desk at the portal: limits that hold at once, the card that loosens them, and a use that was not mine.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { guided, job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

// A phone of its own: what is locked and stopped here is nobody else's in this town.
const id = 'desk-phone'
const own = { phone_auth_pin: '6182', phone_signature_password: 'MORI7KAZE' }

let town, card
before(async () => {
  town = await start()
  await town.ready()
  await town.newPhone(id)
  card = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards.katsuragi
  const secrets = path.join(town.home, 'desk.json')
  writeFileSync(secrets, JSON.stringify({ card_signature_password: card.card_signature_password, ...own }), { mode: 0o600 })
  await town.tegata('phone', 'enrol', id, '-card', 'katsuragi', '-secrets', secrets)
})

// atDesk logs in to the portal with the phone on this device.
const atDesk = async (page) => {
  await is.take(page, town, id)
  await page.goto(town.url('portal'))
  const out = page.getByRole('main').getByRole('button', { name: 'ログアウト' })
  if (await out.isVisible()) { // what the desk shows is of its login
    await out.click()
    await page.goto(town.url('portal'))
  }
  await is.press(page, 'この端末のスマホでログイン')
  await is.approve(page, own.phone_auth_pin)
  await is.at(page, 'ホーム')
}

// shop has the trial counter ask for something, and answers with the PIN.
const shop = async (page, what) => {
  await page.goto(town.url('street', '/shop'))
  await is.at(page, 'ためしの窓口')
  await page.getByRole('button', { name: what }).click()
  await is.approve(page, own.phone_auth_pin)
}

// change opens one of the questions about limits.
const change = async (page, name, shot) => {
  await page.goto(town.url('portal', '/rules'))
  await is.at(page, '使い方の制限', shot)
  await page.getByRole('link', { name }).click()
}

// confirm holds the card to the phone whose screen shows what gets looser.
const confirm = async (page, words, shot) => {
  await is.at(page, 'この内容に変えます')
  await page.getByText(words).waitFor()
  await is.type(page.getByLabel('カードの利用者証明用の暗証番号'), card.card_auth_pin)
  if (shot) await picture(page, shot)
  await is.press(page, '次へ')
  // The screen that waits for a card is passed at once when one is there since before.
  const hold = page.getByRole('link', { name: '練習用のカードをかざす' })
  const read = page.getByRole('button', { name: 'カードを読み取る' })
  const done = page.getByText('制限をゆるめました。もう使えます。')
  await hold.or(read).or(done).first().waitFor()
  if (await hold.isVisible()) await is.holdCard(page, 'katsuragi')
  if (page.context().scriptless) await read.click()
  await done.waitFor()
}

const lockThenLoosen = async (page, shots = {}) => {
  await atDesk(page)
  await shots.film?.follow(page)
  await change(page, /種類ごとに止める/, shots.rules)
  await is.at(page, '種類ごとに止める')
  await page.getByRole('checkbox', { name: /会社やお店のサービス/ }).check()
  if (shots.locks) await picture(page, shots.locks)
  await is.press(page, 'この内容にする')
  await page.getByText('決めた内容で、すぐに働きます。').waitFor()
  await page.getByRole('link', { name: /種類ごとに止める.*会社やお店のサービス/ }).waitFor()

  await shop(page, /ためしの店の会員/)
  await is.at(page, 'あなたが止めている種類の利用です。', shots.refused)
  await page.getByText('相手には何も渡されていません。').waitFor()
  await page.getByRole('link', { name: '制限をゆるめる' }).waitFor() // the way on
  await page.getByText('function-locked').waitFor()

  await change(page, /種類ごとに止める/)
  await page.getByText('止めています。使えるようにするにはカードが必要です').waitFor()
  await page.getByRole('checkbox', { name: /会社やお店のサービス/ }).uncheck()
  await is.press(page, 'この内容にする')
  await is.at(page, 'カードが必要です', shots.needCard)
  await page.getByText('まだ変わっていません').waitFor()
  const waiting = page.url()
  await page.getByRole('link', { name: 'スマホの画面を開く' }).click()
  await confirm(page, '「会社やお店のサービス」を、また使えるようにします。', shots.confirm)
  await page.goto(waiting)
  await page.getByText('カードで確かめて、変えました。').waitFor()
  if (shots.done) await picture(page, shots.done)
  await shots.film?.save('limits')

  await shop(page, /ためしの店の会員/)
  await is.at(page, 'ためしの窓口')
  await page.getByText('確かめられました').waitFor()
}

job('a lock holds at once, and the card ends it', async () => {
  const page = await (await visitor(narrow)).newPage()
  await lockThenLoosen(page, {
    film: new Film(), rules: '90-rules', locks: '91-locks', refused: '92-locked', needCard: '93-need-card', confirm: '94-loosen', done: '95-loosened',
  })
  // Going back to what is done confirms nothing twice.
  await page.goto(town.url('phone', `/p/${id}/loosen/card`))
  await page.getByText('制限をゆるめました。もう使えます。').waitFor()
})

job('the same without script', async () => {
  await lockThenLoosen(await (await visitor(narrow, { javaScriptEnabled: false })).newPage())
})

job('on a wide screen: every question, a use in full, and one that was not mine', async () => {
  const page = await (await visitor(guided ? narrow : wide)).newPage() // the guide shows what people see on a phone
  await atDesk(page)
  await change(page, /1日の回数を決める/)
  await is.at(page, '1日の回数を決める')
  await page.getByLabel('税金の手続き').selectOption('1日3回まで')
  await picture(page, '96-daily-limit')
  await is.press(page, 'この内容にする')
  await page.getByText('税金の手続き：1日3回まで').waitFor()
  await change(page, /使わない時間を決める/)
  await is.at(page, '使わない時間を決める')
  await page.getByRole('radio', { name: /暗証番号なら使える/ }).check({ force: true })
  await picture(page, '97-quiet')
  await is.press(page, 'この内容にする')
  await page.getByText('23:00から06:00まで、暗証番号だけ').first().waitFor()
  await change(page, /確かめ方をきびしくする/)
  await is.at(page, '確かめ方をきびしくする')
  await page.getByLabel('税金の手続き').selectOption('署名用パスワード')
  await picture(page, '98-classes')
  await is.press(page, 'この内容にする')
  await page.getByText('決めた内容で、すぐに働きます。').waitFor()

  // The PIN falls short once; then the phone asks for the password.
  await shop(page, /ためしの税の窓口/)
  await is.at(page, 'この種類の利用には、より確かな確認をすると、あなたが決めています。')
  await page.goto(town.url('street', '/shop'))
  await page.getByRole('button', { name: /ためしの税の窓口/ }).click()
  await is.at(page, /からの確認$/)
  await page.getByText('あなたが決めた確かめ方です。').waitFor()
  await is.type(page.getByLabel('スマホの署名用パスワード'), own.phone_signature_password)
  await is.press(page, 'ログインする')
  await page.getByText('確かめられました').waitFor()

  // The card ends every limit without the portal.
  await page.goto(town.url('phone', `/p/${id}/loosen`))
  await is.at(page, '制限をゆるめる')
  await is.press(page, '全部なくす')
  await confirm(page, 'すべての制限がなくなります')
  await page.goto(town.url('portal', '/rules'))
  assert.equal(await page.getByText('決めていません').count(), 4)

  await atDesk(page)
  await page.goto(town.url('portal', '/seen'))
  await is.at(page, 'だれが見たか')
  await page.getByText('証明書の状態を見ました。').first().waitFor()
  const film = new Film()
  await film.follow(page)
  await page.goto(town.url('portal', '/uses'))
  await is.at(page, '最近の利用と、断られた試み', '100-uses')
  await page.getByRole('link', { name: /くわしく見る.*ためしの窓口/ }).first().click()
  await is.at(page, '利用のくわしい記録', '101-one-use')
  const facts = await is.facts(page.getByRole('main'))
  assert.equal(facts['確かめ方'], '署名用パスワード')
  assert.match(facts['種類'], /ログイン・税金の手続き/)
  assert.match(facts['受領の番号'], /^[\w-]{22}$/)
  await picture(page, '102-not-me', page.getByRole('button', { name: '身に覚えがない（すぐに止める）' }))
  await page.getByRole('button', { name: '身に覚えがない（すぐに止める）' }).dblclick()
  await is.at(page, /^身に覚えがない届け出 \d{8}$/)
  await page.getByText('スマホを一時停止しました').waitFor()
  await picture(page, '103-case')
  await film.save('not-me')
  const number = (await page.getByRole('heading', { level: 1 }).textContent()).match(/\d{8}/)[0]
  await page.reload() // the login has ended with the phone; the number is still told
  await is.at(page, new RegExp(number))
})
