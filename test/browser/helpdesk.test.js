// The helpdesk: an agent signs in with the own card, looks by support number, suspends by four facts; who helps reads.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import { look, sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
const phone = { pin: '6284', password: 'UMI7HAMA' }
before(async () => {
  town = await start()
  await town.ready()
  const { cards } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8'))
  const file = path.join(town.home, 'ken.json')
  const secrets = { card_signature_password: cards['ken-sekisho'].card_signature_password, phone_auth_pin: phone.pin, phone_signature_password: phone.password }
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 })
  await town.newPhone('ken-phone')
  await town.tegata('phone', 'enrol', 'ken-phone', '-card', 'ken-sekisho', '-secrets', file)
})

// noSecret looks at the page as every other, and for fields of a kind that no console may have (AT-S02).
const noSecret = async (page, heading) => {
  await is.at(page, heading)
  assert.equal(await page.locator('input[type=password], [data-pin], [data-keypad]').count(), 0, `${page.url()} has a field for a secret`)
  assert.ok(await sideways(page) <= 0, `${page.url()} scrolls sideways`)
}

// enter signs an agent in: the card is put to the desk's reader, and the number on the screen and its PIN typed at the reader's own key pad.
const enter = async (page, person, pin) => {
  await page.goto(town.url('helpdesk'))
  await noSecret(page, '手形ヘルプデスク')
  await is.press(page, 'カードで入る')
  await noSecret(page, 'カードで入る')
  await page.getByText('あなたのカードを読み取り口に置いてください。').waitFor()
  const number = await page.locator('.bignumber').innerText()
  assert.match(number, /^\d\d$/)
  await is.follow(page, 'カード置き場からカードを置く（練習用の町）')
  await is.at(page, 'どのカードをかざしますか')
  await page.getByRole('button', { name: is.named(person) }).click()
  await is.at(page, '読み取り口のキーパッド')
  await page.getByLabel('窓口の画面の番号（2けた）', { exact: true }).fill(number)
  await page.getByLabel('カードの利用者証明用暗証番号（4けた）', { exact: true }).fill(pin)
  await is.press(page, '押す')
}

for (const [name, size] of [['on a phone', narrow], ['on a desk', wide]]) {
  job(`an agent looks by support number and suspends, ${name}`, async () => {
    const context = await visitor(size)
    const { pin } = await is.cardSecrets(context, town, 'jiro')
    const page = await context.newPage()
    await enter(page, 'jiro', pin)
    await noSecret(page, 'どんな電話ですか')
    await page.getByText('担当：A-01').waitFor()

    const holder = await (await visitor(narrow)).newPage()
    await is.take(holder, town, 'ken-phone')
    await is.follow(holder, 'スマホ用電子証明書などの各種設定')
    const shots = size === narrow // for the guide
    const shot = async (page, name, part) => { if (shots) await picture(page, name, part) }
    const call = new Film()
    if (shots) await call.follow(holder)
    await is.follow(holder, /^サポート番号/)
    await is.at(holder, 'サポート番号')
    await shot(holder, '130-support')
    await is.press(holder, /番号を作る/)
    const shown = await holder.locator('.bignumber').innerText()
    assert.match(shown, /^\d{3} \d{3}$/)
    await look(holder)
    await shot(holder, '131-support-number')
    if (shots) await call.follow(page)

    await is.follow(page, /^サポート番号で状態を見る/)
    await noSecret(page, 'サポート番号で状態を見る')
    await page.getByLabel('サポート番号（6けた）').fill(shown)
    await is.press(page, '状態を見る')
    await noSecret(page, 'いまの状態')
    await shot(page, '132-agent-sees')
    const text = await page.getByRole('main').innerText()
    assert.match(text, /登録が終わり、使っています/)
    assert.doesNotMatch(text, /佐藤|健|1990|見本県/, 'nothing says whose phone it is')
    await is.follow(page, 'ホームへ')
    await call.pause()

    const helper = await (await visitor(size)).newPage()
    const beside = new Film()
    if (shots) await beside.follow(helper)
    await helper.goto(town.url('helpdesk', '/helper'))
    await noSecret(helper, 'そばで手伝う方へ')
    await is.type(helper.getByLabel('サポート番号（6けた）'), shown)
    await shot(helper, '136-helper')
    await is.press(helper, '状態を見る')
    await noSecret(helper, 'そばで手伝う方へ')
    await helper.getByText('登録が終わり、使っています').waitFor()
    await shot(helper, '137-helper-sees', helper.getByText('登録が終わり、使っています'))
    if (shots) await beside.save('helper')
    assert.equal(await helper.getByRole('main').getByRole('button').count(), 0, 'a helper has nothing to press')

    if (shots) await call.follow(page)
    await is.follow(page, /^なくしたスマホを止める/)
    await noSecret(page, /なくしたスマホを止める/)
    await shot(page, '133-four-facts')
    await page.getByLabel('氏名').fill('佐藤 健')
    await page.getByLabel('生年月日').fill('1990-05-05')
    await page.getByLabel('男性').check({ force: true })
    await page.getByLabel('住所').fill('見本県手形市三丁目4番5号')
    await is.press(page, 'このスマホを一時停止する')
    await page.getByText('この4つの情報で一時停止できるスマホはありません。').waitFor()
    await shot(page, '134-not-that')
    await noSecret(page, /なくしたスマホを止める/)
    await page.getByLabel('住所').fill('見本県関所町字川原55')
    await is.press(page, 'このスマホを一時停止する')
    await noSecret(page, '相手に言うこと')
    await shot(page, '135-what-to-say')
    if (shots) await call.save('helpdesk')
    const number = await page.locator('.lockcode').innerText()
    await is.follow(page, 'ホームへ')
    await is.follow(page, 'すべての記録')
    await noSecret(page, '記録')
    await page.getByRole('link', { name: new RegExp(`^${number}`) }).click()
    await noSecret(page, `記録 ${number}`)
    const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', 'ken-phone'))
    assert.deepEqual(certificates.map((c) => c.status), ['held', 'held'])

    // The card is taken away: the page that was left open says so by itself.
    const table = await context.newPage()
    await table.goto(town.url('street', '/cards'))
    const card = table.getByRole('listitem').filter({ has: table.getByRole('heading', { name: is.people.jiro }) })
    await card.getByRole('button', { name: /離す/ }).click()
    await noSecret(page, /カードが読み取り口から離れたので、終了しました。/)
  })
}

job('without script, too; and a card that is not on the roster opens nothing', async () => {
  const reading = await visitor(narrow)
  const { pin } = await is.cardSecrets(reading, town, 'hanako')
  const page = await (await visitor(narrow, { javaScriptEnabled: false })).newPage()
  await enter(page, 'hanako', pin)
  await page.getByRole('heading', { level: 1, name: /この窓口の名簿にありません/ }).waitFor()
  const table = await reading.newPage()
  await table.goto(town.url('street', '/cards'))
  const card = table.getByRole('listitem').filter({ has: table.getByRole('heading', { name: is.people.hanako }) })
  await card.getByRole('button', { name: /離す/ }).click()
})
