// The bank: an account is opened by a signature on the phone, once a person, undone in its first days, and closed; somebody of 16 takes a guardian's signature; what was suspended before the review opens nothing.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor } from './house/browser.js'
import { keep } from './house/keep.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, secrets, kaede
let phone = 'taro-phone'
before(async () => {
  town = await start()
  await town.ready()
  kaede = { phone: 'kaede-phone', ...await enrol('kaede-phone', 'kaede', '6042', 'KAEDE2010') }
  await town.tegata('clock', 'advance', '2d') // on the first day a phone signs for nobody
  secrets = await is.phoneSecrets(await visitor(narrow), town, is.people.taro)
})

// enrol registers a new phone with somebody's card; an earlier phone's certificates end by that.
const enrol = async (phone, card, pin, password) => {
  await town.newPhone(phone)
  const { card_signature_password } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards[card]
  const file = path.join(town.home, `${phone}.json`)
  writeFileSync(file, JSON.stringify({ card_signature_password, phone_auth_pin: pin, phone_signature_password: password }), { mode: 0o600 })
  const { stderr } = await town.running('phone', 'enrol', phone, '-card', card, '-secrets', file)
  return { pin, password, lockCode: stderr.match(/\d{3,4}(?:[ -]\d{3,4})+/)[0].replace(/\D/g, '') }
}

// shot keeps a picture where somebody asked for pictures, and looks that nothing runs off the side.
const shot = async (page, name) => {
  assert.ok(await sideways(page) <= 0, `${name} runs off the side`)
  await keep(page, `bank-${name}`)
}

// inHand opens a browser with somebody's phone in it.
const inHand = async (phone) => {
  const page = await (await visitor(narrow)).newPage()
  await page.goto(town.url('phone', `/p/${phone}/`))
  await is.press(page, /^このスマホを持つ/)
  await page.getByRole('main').waitFor()
  return page
}

// confirms gives the bank the four facts, on the phone in the same browser.
const confirms = async (page, pin) => {
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  for (const what of [/^名前/, /^住所/, /^生年月日/, /^性別/]) await page.getByRole('checkbox', { name: what }).check()
  await is.type(page.getByLabel('スマホの利用者証明用の暗証番号'), pin)
  await is.press(page, '同意する')
}

// signsIn has somebody sign in at the bank: taro, if nobody is named.
const signsIn = async (who = { phone, ...secrets }) => {
  const page = await inHand(who.phone)
  await page.goto(town.url('bank'))
  await is.at(page, '普通預金口座を開く')
  await shot(page, 'start')
  await is.press(page, 'スマートフォンで確認して始める')
  await confirms(page, who.pin)
  await is.at(page, 'あなたの口座')
  return page
}

// applies has whoever is in apply and sign, after which the receipt says something.
const applies = async (page, { password, says } = { password: secrets.password, says: '審査しています' }) => {
  await is.at(page, '口座の申し込み')
  await is.press(page, '申込書を確かめる')
  await page.getByText('職業と取引の目的を選んでください。').waitFor()
  await page.getByLabel('会社員・団体職員').check()
  await page.getByLabel('貯蓄').check()
  await shot(page, 'apply')
  await is.press(page, '申込書を確かめる')
  await shot(page, 'check')
  await signsApplication(page, password, says)
}

// signs has the document signed that is shown.
const signs = async (page, sentence, password = secrets.password) => {
  await is.press(page, 'スマートフォンで署名する')
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  await page.getByText(sentence).waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(password)
  await is.press(page, '署名する')
}

// signsApplication has the application signed that is shown.
const signsApplication = async (page, password = secrets.password, says = '審査しています') => {
  await is.at(page, '申込書の確認')
  await signs(page, '口座を他人に譲り渡したり使わせたりしません。', password)
  await is.at(page, '申し込みの受付票')
  await page.getByText(says).first().waitFor()
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
  secrets = await enrol('taro-second', 'taro', '5937', 'BANKTEST8')
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

// These two are played in Go over the same pages, on both databases; in the browser in make soak.
const soaks = process.env.TEGATA_LONG === '1' ? job : () => {}

soaks('what was opened under pressure is held by the letter, and undone by its owner', async () => {
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

soaks('an account of somebody of 16 takes the signature of a guardian, who sees nothing before they say that they are one', async () => {
  const page = await signsIn(kaede)
  await is.follow(page, '口座を申し込む')
  await applies(page, { password: kaede.password, says: '親権者の同意を待っています' })
  await shot(page, 'awaiting')
  await is.follow(page, '親権者への招待をつくる')
  await is.at(page, 'あなたの口座')
  await is.press(page, '親権者への招待をつくる')
  const invitation = await page.locator('#invitation').innerText()
  await shot(page, 'invitation')
  await page.goto(invitation)
  await page.getByText('申し込んだご本人は、同意できません。').waitFor()
  await shot(page, 'not-guardian')

  const parent = await inHand(phone)
  await parent.goto(invitation)
  await is.at(parent, '親権者の同意')
  assert.equal(await parent.getByText('かえで').count(), 0, 'a stranger sees whose it is')
  await shot(parent, 'consent')
  await is.press(parent, 'スマートフォンで確認する')
  await confirms(parent, secrets.pin)
  await is.at(parent, '親権者の同意')
  assert.equal(await parent.getByText('かえで').count(), 0, 'somebody grown up sees whose it is')
  await shot(parent, 'declare')
  await is.press(parent, '親権者です。申込書を見る')
  await parent.getByText(/氏名：手形.かえで/).waitFor()
  await shot(parent, 'agree')
  await signs(parent, '私は、下の申し込みをした者の親権者です。')
  await parent.getByText('同意を受け取りました。').waitFor()
  await shot(parent, 'consented')
  await parent.goto(town.url('bank', '/received'))
  await parent.getByText('親権者の同意書').waitFor()
  await shot(parent, 'received-consent')

  await page.goto(town.url('bank', '/home'))
  await page.getByText('審査しています').waitFor()
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座を開きました。').waitFor()
  await page.goto(town.url('bank', '/received'))
  await page.getByText('親権者であるとの署名された申告').waitFor()
  await page.goto(town.url('bank', '/apply/securities'))
  await page.getByText('証券口座は、18歳になってから申し込めます。').waitFor()
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
