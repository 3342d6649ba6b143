// The bank: an account is opened by a signature on the phone, once a person, undone in its first days, and closed; what was suspended before the review opens nothing.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor } from './house/browser.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, secrets
let phone = 'taro-phone'
before(async () => {
  town = await start()
  await town.ready()
  await town.tegata('clock', 'advance', '2d') // on the first day a phone signs for nobody
  secrets = await is.phoneSecrets(await visitor(narrow), town, is.people.taro)
})

// shot keeps a picture where somebody asked for pictures, and looks that nothing runs off the side.
const shot = async (page, name) => {
  assert.ok(await sideways(page) <= 0, `${name} runs off the side`)
  if (!process.env.TEGATA_SHOTS) return
  mkdirSync(process.env.TEGATA_SHOTS, { recursive: true })
  await page.screenshot({ path: `${process.env.TEGATA_SHOTS}/bank-${name}.png`, fullPage: true })
}

// signsIn has taro sign in at the bank.
const signsIn = async () => {
  const page = await (await visitor(narrow)).newPage()
  await page.goto(town.url('phone', `/p/${phone}/`))
  await is.press(page, /^このスマホを持つ/)
  await page.getByRole('main').waitFor()
  await page.goto(town.url('bank'))
  await is.at(page, '普通預金口座を開く')
  await shot(page, 'start')
  await is.press(page, 'スマートフォンで確認して始める')
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  for (const what of [/^名前/, /^住所/, /^生年月日/, /^性別/]) await page.getByRole('checkbox', { name: what }).check()
  await is.type(page.getByLabel('スマホの利用者証明用の暗証番号'), secrets.pin)
  await is.press(page, '同意する')
  await is.at(page, 'あなたの口座')
  return page
}

// applies has taro apply and sign.
const applies = async (page) => {
  await is.at(page, '口座の申し込み')
  await is.press(page, '申込書を確かめる')
  await page.getByText('職業と取引の目的を選んでください。').waitFor()
  await page.getByLabel('会社員・団体職員').check()
  await page.getByLabel('貯蓄').check()
  await shot(page, 'apply')
  await is.press(page, '申込書を確かめる')
  await shot(page, 'check')
  await signsApplication(page)
}

// signs has the document signed that is shown.
const signs = async (page, sentence) => {
  await is.press(page, 'スマートフォンで署名する')
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  await page.getByText(sentence).waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(secrets.password)
  await is.press(page, '署名する')
}

// signsApplication has the application signed that is shown.
const signsApplication = async (page) => {
  await is.at(page, '申込書の確認')
  await signs(page, '口座を他人に譲り渡したり使わせたりしません。')
  await is.at(page, '申し込みの受付票')
  await page.getByText('審査しています').waitFor()
}

job('AT-B01: a signature opens the account, once, and the record says how', async () => {
  let page = await signsIn()
  await is.follow(page, '口座を申し込む')
  await applies(page)
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座を開きました。').waitFor()
  await shot(page, 'receipt')
  await page.goto(town.url('bank', '/home'))
  await page.getByText('0000001').waitFor()
  await shot(page, 'open')
  await page.goto(town.url('bank', '/apply'))
  await page.getByText('口座は、おひとり1つです。').waitFor()
  await page.goto(town.url('bank', '/account'))
  await is.press(page, '50,000円を入れる')
  await page.getByText('50,000円').first().waitFor()
  await shot(page, 'account')
  await page.goto(town.url('bank', '/close'))
  await is.press(page, '解約する')
  await page.getByText('口座にお金が残っています。').waitFor()
  await is.press(page, 'すべて引き出す')
  await page.getByText('口座を開いてから8日間は、1日に合わせて10,000円までしか出せません。').waitFor()
  await page.goto(town.url('bank', '/received'))
  await page.getByText('スマートフォンの署名用電子証明書による署名').waitFor()
  await shot(page, 'received')

  // A securities account beside it, by another signature.
  await page.goto(town.url('bank', '/home'))
  await is.follow(page, '証券口座の申し込み')
  await is.at(page, '証券口座の申し込み')
  for (const what of ['会社員・団体職員', '貯蓄', '特定口座（源泉徴収あり）']) await page.getByLabel(what).check()
  await shot(page, 'securities')
  await is.press(page, '申込書を確かめる')
  await signsApplication(page)
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座を開きました。').waitFor()
  await page.goto(town.url('bank', '/home'))
  await page.getByText('8000001').waitFor()
  await shot(page, 'home-securities')
  await page.goto(town.url('bank', '/close?product=securities'))
  await is.press(page, '解約する')

  // Another phone has other certificates and is the same customer, who gets no second account.
  await town.newPhone('taro-second')
  const { card_signature_password } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards.taro
  const file = path.join(town.home, 'second.json')
  writeFileSync(file, JSON.stringify({ card_signature_password, phone_auth_pin: '5937', phone_signature_password: 'BANKTEST8' }), { mode: 0o600 })
  const { stderr } = await town.running('phone', 'enrol', 'taro-second', '-card', 'taro', '-secrets', file)
  secrets = { pin: '5937', password: 'BANKTEST8', lockCode: stderr.match(/\d{3,4}(?:[ -]\d{3,4})+/)[0].replace(/\D/g, '') }
  phone = 'taro-second'
  await town.tegata('clock', 'advance', '8d')
  page = await signsIn()
  await page.getByText('0000001').waitFor()
  await page.goto(town.url('bank', '/undo'))
  await page.getByText('口座の開設を取り消せる期間が過ぎました。').waitFor()
  await page.goto(town.url('bank', '/account'))
  await is.press(page, 'すべて引き出す')
  await page.getByText('-50,000円').waitFor()
  await page.goto(town.url('bank', '/apply'))
  await page.getByText('口座は、おひとり1つです。').waitFor()
  await page.goto(town.url('bank', '/close'))
  await is.press(page, '解約する')
  await page.getByText('口座を解約しました。').first().waitFor()
})

job('what was opened under pressure is held by the letter, and undone by its owner', async () => {
  const page = await signsIn()
  await is.follow(page, 'もう一度申し込む')
  await applies(page)
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座を開きました。').waitFor()
  await page.goto(town.url('bank', '/account'))
  await is.press(page, '50,000円を入れる')
  await page.getByText('50,000円').first().waitFor()
  await page.goto(town.url('bank', '/home'))
  await is.at(page, 'あなたの口座')
  await shot(page, 'first-days')

  // The letter goes to the address in the register, and its link opens without a login.
  const reader = await (await visitor(narrow)).newPage()
  await reader.goto(town.url('street', '/mailbox'))
  await reader.getByRole('link', { name: /手形.太郎 様/ }).click()
  await reader.getByText('手形銀行に口座を開きました。').first().waitFor()
  await shot(reader, 'letter')
  await reader.getByRole('link', { name: /\/hold\// }).first().click()
  await is.at(reader, '口座を止める')
  await shot(reader, 'hold')
  await is.press(reader, '口座を止める')
  await reader.getByText('口座を止めました。お金は出ません。').waitFor()
  await reader.goto(town.url('bank', '/undo'))
  await is.at(reader, '普通預金口座を開く') // it does no more than that

  await page.goto(town.url('bank', '/account'))
  await is.press(page, '1,000円を引き出す')
  await page.getByText('口座が止められています。').waitFor()
  await page.goto(town.url('bank', '/home'))
  await is.at(page, 'あなたの口座')
  await shot(page, 'held')
  await is.follow(page, '停止を解く')
  await is.at(page, '停止を解く')
  await shot(page, 'release')
  await signs(page, '口座は私の意思で開きました。')
  await is.at(page, 'あなたの口座')
  await is.follow(page, '口座の開設を取り消す')
  await is.at(page, '口座の開設を取り消す')
  await shot(page, 'undo')
  await is.press(page, '取り消す')
  await page.getByText('口座の開設を取り消しました。').first().waitFor()
  await reader.goto(town.url('street', '/mailbox'))
  await reader.getByRole('link', { name: /手形.太郎 様/ }).click()
  await reader.getByText('手形銀行の口座の開設を取り消しました。').waitFor()
})

job('AT-B03: what is suspended between signing and review opens nothing', async () => {
  const page = await signsIn()
  await is.follow(page, 'もう一度申し込む')
  await applies(page)
  const file = path.join(town.home, 'stop.json')
  writeFileSync(file, JSON.stringify({ birth_date: '1979-11-03', lock_code: secrets.lockCode.replace(/\s/g, '') }), { mode: 0o600 })
  await town.tegata('phone', 'suspend', '-lock-code', file)
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座は開いていません。').waitFor()
  await page.getByText('一時停止中か失効していました').waitFor()
  await shot(page, 'stopped')
  await page.goto(town.url('bank', '/home')) // the login ended with the certificate
  await is.at(page, '普通預金口座を開く')
})
