// The helpdesk: an agent signs in with the own card, looks by support number, suspends by four facts; who helps reads.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import { apart, fits, look, sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'
import { Walk } from './house/walk.js'

let town
const phone = { pin: '6284', password: 'UMI7HAMA' }
before(async () => {
  town = await start()
  await town.ready()
  const { cards } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8'))
  const file = path.join(town.home, 'ken.json')
  const secrets = { ...cards['ken-sekisho'], phone_auth_pin: phone.pin, phone_signature_password: phone.password }
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
    const walk = new Walk(page) // from the agent's home on: who calls sees no screen and types nothing
    await page.reload()
    await is.follow(page, /^なくしたスマホを止める/)
    await noSecret(page, /なくしたスマホを止める/)
    await shot(page, '133-four-facts')
    assert.deepEqual(await page.locator('main [name]').evaluateAll((all) => [...new Set(all.map((e) => e.name))].sort()), ['address', 'birth_date', 'name', 'sex'], 'four facts, and nothing else')
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
    walk.took(3, 0)
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

job("a use reported as not one's own is in the agents' queue, and its holder sees how it stands", async () => {
  const file = path.join(town.home, 'ken.json')
  await town.tegata('phone', 'found', 'ken-phone', '-card', 'ken-sekisho', '-secrets', file)
  const holder = await (await visitor(narrow)).newPage()
  await is.take(holder, town, 'ken-phone')
  await holder.goto(town.url('portal'))
  await is.press(holder, 'この端末のスマホでログイン')
  await is.approve(holder, phone.pin)
  await is.at(holder, 'ホーム')
  await is.follow(holder, '電子証明書の内容と状態')
  await is.at(holder, '電子証明書の内容と状態')
  await holder.getByText('名前や住所は入っていません。番号だけです。').first().waitFor()
  assert.deepEqual(await fits(holder), [])
  await is.follow(holder, 'ホームへ戻る')
  await holder.getByRole('link', { name: /^くわしく見る・身に覚えがないとき/ }).first().click()
  await is.at(holder, '利用のくわしい記録')
  assert.equal((await is.facts(holder.getByRole('main')))['どこで'], 'このスマホと同じ端末（場所は記録していません）')
  await is.press(holder, '身に覚えがない（すぐに止める）')
  await is.at(holder, /^身に覚えがない届け出/)
  await holder.getByText('相談窓口に届いています。担当者を待っています。').waitFor() // by itself
  assert.equal(await holder.getByRole('button', { name: 'ログアウト' }).count(), 0, 'the login has ended with the phone')
  const number = (await holder.locator('.lockcode').innerText()).trim()
  assert.match(number, /^\d{8}$/)
  const line = await holder.locator('.lockcode').evaluate((e) => { const r = document.createRange(); r.selectNodeContents(e); return r.getClientRects().length })
  assert.equal(line, 1, 'the number is on one line')
  assert.deepEqual(await fits(holder), [])

  const context = await visitor(wide)
  const { pin } = await is.cardSecrets(context, town, 'jiro')
  const agent = await context.newPage()
  await enter(agent, 'jiro', pin)
  await noSecret(agent, 'どんな電話ですか')
  await agent.goto(town.url('helpdesk', '/reports'))
  await noSecret(agent, '身に覚えがない利用の届け出')
  assert.deepEqual(await fits(agent), [])
  await agent.getByRole('link', { name: new RegExp(`^${number}`) }).click()
  await noSecret(agent, `届け出 ${number}`)
  assert.doesNotMatch(await agent.getByRole('main').innerText(), /佐藤|健|1990|見本県/, 'nothing says whose report it is')
  await is.press(agent, 'この届け出を引き受ける')
  await agent.getByText('調べています').first().waitFor()
  assert.ok(await apart(agent.getByRole('button', { name: '記録する' }), agent.getByText('どう終わりましたか')) >= 24, 'two questions stand apart')
  assert.deepEqual(await fits(agent), [])
  await holder.reload()
  await holder.getByText('担当者が調べています。').waitFor()
  await agent.getByRole('radio', { name: '届け出た人の利用ではありませんでした' }).check({ force: true })
  await is.press(agent, 'この届け出を終える')
  await agent.getByText('この届け出は終わっています。').waitFor()
  await holder.reload()
  await holder.getByText('あなたの利用ではありませんでした。').waitFor()

  await town.tegata('phone', 'found', 'ken-phone', '-card', 'ken-sekisho', '-secrets', file)
  const table = await context.newPage()
  await table.goto(town.url('street', '/cards'))
  const card = table.getByRole('listitem').filter({ has: table.getByRole('heading', { name: is.people.jiro }) })
  await card.getByRole('button', { name: /離す/ }).click()
})

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
