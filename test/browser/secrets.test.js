// Secrets that are changed, forgotten and locked; and phones that are handed over, also without a line.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, page, context, card
const who = { person: 'yoshida', phone: 'yoshida-phone', pin: '5062', password: 'TOMEI2026' }

before(async () => {
  town = await start()
  await town.ready()
})

const home = (place = '/') => town.url('phone', `/p/${who.phone}${place}`)

// network switches the phone's line on or off, in its settings.
const network = async (on) => {
  await page.goto(home('/settings'))
  const line = page.getByRole('switch', { name: /^ネットワーク/ })
  assert.equal(await line.isChecked(), !on)
  await Promise.all([page.waitForNavigation(), line.click({ force: true })])
  assert.equal(await page.getByRole('switch', { name: /^ネットワーク/ }).isChecked(), on)
}

job('a phone of its own is registered', async () => {
  await town.tegata('phone', 'new', who.phone)
  const first = await visitor(narrow)
  card = await is.cardSecrets(first, town, who.person)
  const p = await first.newPage()
  await p.goto(home())
  await is.register(p, { ...who, cardPassword: card.password })
})

job('the PIN and the password are changed by the present ones', async () => {
  context = await visitor(narrow)
  page = await context.newPage()
  await page.goto(home('/certificates'))
  const film = new Film()
  await film.follow(page)
  await is.follow(page, /^暗証番号とパスワード/)
  await is.at(page, '暗証番号とパスワード', '70-secrets')
  await is.follow(page, /^暗証番号（4けた）を変える/)
  await is.at(page, '暗証番号（4けた）を変える')
  await page.getByText('あと3回入力できます').waitFor()
  const pad = page.getByRole('group', { name: '数字のボタン' })
  for (const digit of who.pin + '73917391') await pad.getByRole('button', { name: digit, exact: true }).click()
  await picture(page, '71-change-pin', page.getByLabel('いまの暗証番号'))
  await is.press(page, '変える')
  await page.getByText('暗証番号を変えました。').waitFor()
  await picture(page, '72-pin-changed')
  who.pin = '7391'

  await page.goto(home('/change-password'))
  await is.at(page, '署名用パスワードを変える')
  await is.type(page.getByLabel('いまの署名用パスワード'), who.password.toLowerCase()) // capital letters by themselves
  await is.type(page.getByLabel('新しい署名用パスワード'), 'neword77')
  await is.type(page.getByLabel('もう一度、同じパスワード'), 'neword77')
  await picture(page, '73-change-password', page.getByLabel('新しい署名用パスワード'))
  await is.press(page, '変える')
  await page.getByText('署名用パスワードを変えました。').waitFor()
  await film.save('secrets')
  who.password = 'NEWORD77'

  await page.goto(home('/change-pin'))
  await page.getByText('あと3回入力できます').waitFor()
  await page.getByLabel('いまの暗証番号').fill('9999')
  await page.getByLabel('新しい暗証番号').fill('7391')
  await page.getByLabel('もう一度、同じ4けた').fill('7391')
  await is.press(page, '変える')
  await page.getByText('スマホの暗証番号（4けた）が違います。').waitFor()
  await page.getByText('あと2回入力できます').first().waitFor()
})

job('which one is meant is told apart, on one sheet of paper', async () => {
  const p = await (await visitor(narrow)).newPage()
  await p.goto(home('/change-pin'))
  const [sheet] = await Promise.all([p.waitForEvent('popup'), is.follow(p, 'どの暗証番号ですか？')])
  await is.at(sheet, 'どの暗証番号ですか', '74-which')
  assert.match(sheet.url(), /\/which#phone-pin$/)
  assert.equal(await sheet.getByRole('listitem').filter({ hasText: '回でロックされます' }).count(), 6)
  for (const locale of ['ja-JP', 'en-US']) {
    const desk = await (await visitor(wide, { locale })).newPage()
    await desk.goto(town.url('phone', '/which'))
    const pdf = (await desk.pdf({ format: 'A4', preferCSSPageSize: true })).toString('latin1')
    assert.equal(pdf.match(/\/Type\s*\/Page\b/g).length, 1, `one sheet in ${locale}`)
    await desk.emulateMedia({ media: 'print' })
    assert.equal(await desk.locator('.band').isVisible(), false)
  }
  const portal = await (await visitor(narrow)).newPage()
  await portal.goto(town.url('portal'))
  await is.follow(portal, /^どの暗証番号か分からないとき/)
  await is.at(portal, 'どの暗証番号ですか')
})

job('a forgotten password: the card brings another certificate', async () => {
  context = await visitor(narrow)
  page = await context.newPage()
  const film = new Film()
  await film.follow(page)
  await page.goto(home('/reset-pin'))
  await is.at(page, '暗証番号（4けた）を忘れた', '75-reset-pin')
  await film.pause()
  for (let left = 4; left >= 0; left--) {
    await page.getByLabel('スマホの署名用パスワード').fill('WRONG123')
    await page.getByLabel('新しい暗証番号').fill('5180')
    await page.getByLabel('もう一度、同じ4けた').fill('5180')
    await is.press(page, '変える')
    await page.getByText(left ? `あと${left}回入力できます` : 'スマホの署名用パスワードはロックされています。').first().waitFor()
  }
  await film.follow(page)
  await is.at(page, '暗証番号（4けた）を忘れた', '76-password-blocked') // nothing is asked for, and the way back is there
  assert.equal(await page.getByLabel('スマホの署名用パスワード').count(), 0)
  await is.follow(page, '署名用パスワードを忘れた')
  await is.at(page, '署名用パスワードを忘れた', '77-forgot-password')
  await is.follow(page, 'カードで新しくする')
  await is.at(page, 'カードの署名用パスワード')
  await is.type(page.getByLabel('カードの署名用パスワード', { exact: true }), card.password)
  await picture(page, '78-with-card')
  await is.press(page, '次へ')
  await is.at(page, '利用規約')
  await is.press(page, '同意して申請')
  await is.at(page, 'カードをかざす')
  await is.holdCard(page, who.person)
  await is.choosePassword(page, 'fhkm7396', 'fhkm7396', { password: '79-new-password' })
  await page.getByText('署名用の電子証明書が新しくなりました。').waitFor()
  await picture(page, '80-password-renewed')
  await page.goto(home('/reset-pin'))
  await is.type(page.getByLabel('スマホの署名用パスワード'), 'FHKM7396')
  await is.type(page.getByLabel('新しい暗証番号'), '5180')
  await is.type(page.getByLabel('もう一度、同じ4けた'), '5180')
  await is.press(page, '変える')
  await page.getByText('暗証番号を変えました。').waitFor()
  await film.save('forgotten')
  await page.goto(home('/history'))
  await is.at(page, '利用の履歴')
  await page.getByText('署名用を新しくしました').first().waitFor()
})

job('a phone is handed over without a line, and told when there is one', async () => {
  context = await visitor(narrow)
  page = await context.newPage()
  await network(false)
  await page.goto(home('/certificates'))
  await is.follow(page, /^スマホを手放す・機種変更/)
  await is.at(page, 'スマホを手放す・機種変更')
  for (const [way, heading, shot] of [[/^修理に出す/, '修理に出す前に', '58-repair'], [/^新しいスマホに替える/, '新しいスマホに替える', '57-change']]) {
    await is.follow(page, way)
    await is.at(page, heading, shot)
    await page.goBack()
  }
  await is.follow(page, /^売る・譲る/)
  await is.at(page, '売る・譲る前に')
  await page.getByText('スマホがネットワークにつながっていません。').waitFor()
  await page.getByRole('checkbox').check({ force: true })
  await is.press(page, '失効させる')
  await is.at(page, '失効を確かめられませんでした')
  await page.getByRole('checkbox').check({ force: true })
  await is.press(page, '失効の前に、鍵を消す')
  await is.at(page, '鍵は消しました。失効はまだです')
  await is.press(page, 'いま送る')
  await page.getByText('電子証明書は、まだ失効していません。').first().waitFor()
  assert.equal(await sideways(page) <= 0, true)
  await network(true)
  await page.goto(home('/stopped'))
  const send = page.getByRole('button', { name: 'いま送る' })
  if (await send.isVisible()) await send.click() // unless the phone has told it by itself
  await is.at(page, '利用を終わりました')
  const receipt = await is.facts(page.getByRole('main'))
  const shop = await (await visitor(wide)).newPage()
  await shop.goto(await page.getByRole('link', { name: '失効を確かめるページを開く' }).getAttribute('href'))
  await shop.getByLabel('スマホの印').fill(receipt['スマホの印'])
  await is.press(shop, '確かめる')
  await shop.getByText('失効しています。受け取ってかまいません。').waitFor()
  await shop.getByText('署名した発行者').waitFor()
})
