// The ways to stop a phone, each from a browser that was never there before: at most four screens and two inputs. The
// fifth, somebody trusted, is counted in trusted.test.js, and what an agent of the helpdesk does in helpdesk.test.js.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import { apart, fits } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'
import { Walk } from './house/walk.js'

const own = { phone_auth_pin: '6182', phone_signature_password: 'MORI7KAZE' }
const id = 'katsuragi-lost'
const birth = '1985-01-08'

let town, file, lockCode, cardPIN
before(async () => {
  town = await start()
  await town.ready()
  const { cards } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8'))
  cardPIN = cards.katsuragi.card_auth_pin
  file = path.join(town.home, `${id}.json`)
  writeFileSync(file, JSON.stringify({ ...cards.katsuragi, ...own }), { mode: 0o600 })
  await town.newPhone(id)
  const { stderr } = await town.running('phone', 'enrol', id, '-card', 'katsuragi', '-secrets', file)
  lockCode = stderr.match(/lock code: ([\d -]+)/)[1].trim()
  await town.newPhone('borrowed')
})

// stopped sees that the phone is, and brings it back with the card for the next way.
const stopped = async () => {
  const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', id))
  assert.equal(certificates.find((c) => c.kind === 'phone-auth').status, 'held')
  await town.tegata('phone', 'found', id, '-card', 'katsuragi', '-secrets', file)
}

for (const [name, size] of [['on a phone', narrow], ['on a desk', wide]]) {
  job(`by lock code: three screens, two inputs, ${name}`, async () => {
    const page = await (await visitor(size)).newPage()
    const walk = new Walk(page)
    await page.goto(town.url('portal'))
    await is.at(page, 'スマホでログイン')
    await is.follow(page, /^スマホをなくしたとき/)
    await is.at(page, 'なくしたスマホを止める')
    await walk.types(page.getByLabel('生年月日').fill(birth))
    await walk.types(page.getByLabel('停止コード（11けた）').fill(lockCode))
    await is.press(page, '一時停止する')
    await is.at(page, 'これからすること')
    walk.took(3, 2)
    await stopped()
  })
}

job('by card, on a phone that somebody lends: four screens, one input', async () => {
  const page = await (await visitor(narrow)).newPage()
  await is.take(page, town, 'borrowed') // the phone in the hand, as an app is
  const walk = new Walk(page)
  await page.goto(town.url('phone', '/p/borrowed/'))
  await is.at(page, 'ホーム')
  await is.follow(page, /^なくしたスマホを、カードで止める/)
  await is.at(page, 'カードで止める')
  await walk.types(page.getByLabel('カードの利用者証明用の暗証番号').fill(cardPIN))
  await is.press(page, '次へ')
  await is.at(page, 'カードをかざす')
  await is.holdCard(page, 'katsuragi')
  await page.getByText('スマホの電子証明書を止めました。もう誰も使えません。').waitFor()
  walk.took(4, 1)
  await stopped()
})

for (const [name, size, more] of [['on a phone', narrow], ['without script, on a desk', wide, { javaScriptEnabled: false }]]) {
  job(`by the portal: four screens, one input, ${name}`, async () => {
    const page = await (await visitor(size, more)).newPage()
    await is.take(page, town, id)
    const walk = new Walk(page)
    await page.goto(town.url('portal'))
    await is.at(page, 'スマホでログイン')
    await page.getByText('自分のスマホを止める').click()
    await is.press(page, 'この端末のスマホで止める')
    await walk.types(is.approve(page, own.phone_auth_pin))
    await is.at(page, 'スマホを一時停止する')
    await is.press(page, 'いますぐ一時停止する')
    await is.at(page, 'これからすること')
    walk.took(4, 1)
    await stopped()
  })
}

job('by the helpdesk: who calls is told where to, two screens on, and types nothing', async () => {
  const page = await (await visitor(narrow)).newPage()
  const walk = new Walk(page)
  await page.goto(town.url('portal'))
  await is.follow(page, /^スマホをなくしたとき/)
  await is.at(page, 'なくしたスマホを止める')
  await page.getByText('ヘルプデスクに電話して、氏名・住所・生年月日・性別を伝えます。').waitFor()
  walk.took(2, 0)
})

job('where notices go is changed with the card, and taken back; nothing touches', async () => {
  const page = await (await visitor(narrow)).newPage()
  await is.take(page, town, 'borrowed')
  const wrong = []
  await is.follow(page, 'スマホ用電子証明書などの各種設定')
  await is.follow(page, /^お知らせの送り先/)
  await is.at(page, 'お知らせの送り先')
  wrong.push(...await fits(page))
  assert.ok(await apart(page.getByRole('link', { name: '取り消しに進む' }), page.getByText('いまの送り先は、このスマホには出ません。')) >= 16)
  const field = page.getByLabel('新しいメールアドレス')
  assert.deepEqual(await field.evaluate((e) => [e.inputMode, e.autocapitalize]), ['email', 'none'])
  await field.fill('katsuragi')
  await is.press(page, '次へ')
  await page.getByText('@ の入ったメールアドレスを、半角で1つだけ入力してください。').waitFor()
  await page.goto(town.url('phone', '/p/borrowed/address'))
  const film = new Film()
  await film.follow(page)
  await field.fill('katsuragi.hayato.of.tegata@mail.example.jp')
  await picture(page, '124-address')
  await is.press(page, '次へ')
  await is.at(page, 'この送り先に変えます', '125-address-card')
  wrong.push(...await fits(page))
  assert.ok(await apart(page.getByRole('group', { name: '数字のボタン' }), page.locator('.keypad + .small')) >= 16)
  const shown = page.getByText('katsuragi.hayato.of.tegata@mail.example.jp')
  assert.ok(await shown.evaluate((e) => parseFloat(getComputedStyle(e).fontSize)) >= 18, 'the address is read large')
  await page.getByLabel('カードの利用者証明用の暗証番号').fill(cardPIN)
  await is.press(page, '次へ')
  await is.at(page, 'カードをかざす')
  await is.holdCard(page, 'katsuragi')
  await page.getByText('送り先の変更を受け付けました').waitFor()
  await picture(page, '126-address-changed')
  await page.goto(town.url('phone', '/p/borrowed/address/keep'))
  await is.at(page, '送り先の変更を取り消す', '127-address-keep')
  wrong.push(...await fits(page))
  assert.ok(await apart(page.getByRole('button', { name: '次へ' }), page.getByText('お知らせは、これまでの送り先に届きます。')) >= 16)
  await page.getByLabel('カードの利用者証明用の暗証番号').fill(cardPIN)
  await is.press(page, '次へ') // the card still lies there
  await page.getByText('送り先の変更を取り消しました').waitFor()
  await picture(page, '128-address-kept')
  await film.save('address')
  assert.deepEqual(wrong, [])
})
