// The wallet: opened by a signature on the phone, linked to an account of the same person and no other, charged, stopped, and told when the bank's side ends.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { keep } from './house/keep.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, taro, hanako
const own = { phone_auth_pin: '4826', phone_signature_password: 'PAYTEST7' }

before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(narrow)
  taro = { name: is.people.taro, ...await is.phoneSecrets(context, town, is.people.taro) }
  const card = await is.cardSecrets(context, town, 'hanako')
  const file = path.join(town.home, 'hanako.json')
  writeFileSync(file, JSON.stringify({ card_signature_password: card.password, card_auth_pin: card.pin, ...own }), { mode: 0o600 })
  await town.tegata('phone', 'enrol', 'hanako-phone', '-card', 'hanako', '-secrets', file)
  hanako = { name: is.people.hanako, pin: own.phone_auth_pin, password: own.phone_signature_password }
  // On its first day a phone signs for nobody, and at night a wallet moves no money: it becomes ten in the morning.
  const now = new Date((await town.tegata('clock', 'show')).split(' ')[0])
  const hours = 48 + (24 + 10 - (now.getUTCHours() + 9) % 24) % 24
  await town.tegata('clock', 'advance', `${hours}h`)
})

// shot keeps a picture where somebody asked for pictures, at both sizes, and looks that nothing runs off the side.
const shot = async (page, name) => {
  assert.ok(await sideways(page) <= 0, `${name} runs off the side`)
  await keep(page, `pay-${name}`)
}

// confirms lets a party have all four at the phone of somebody.
const confirms = async (page, who) => {
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  for (const what of [/^名前/, /^住所/, /^生年月日/, /^性別/]) await page.getByRole('checkbox', { name: what }).check()
  await is.type(page.getByLabel('スマホの利用者証明用の暗証番号'), who.pin)
  await is.press(page, '同意する')
}

// signs signs what the phone shows.
const signs = async (page, who, text) => {
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  await page.getByText(text).first().waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(who.password)
  await is.press(page, '署名する')
}

// holding is a browser of somebody's with their phone in the hand.
const holding = async (who, page) => {
  page ??= await (await visitor(narrow)).newPage()
  await is.take(page, town, who.name)
  return page
}

// entersWallet logs in at the wallet.
const entersWallet = async (who) => {
  const page = await holding(who)
  await page.goto(town.url('pay'))
  await is.at(page, 'スマートフォンで払う')
  await is.press(page, 'スマートフォンで確認して始める')
  await confirms(page, who)
  await is.at(page, 'あなたのウォレット')
  return page
}

job('a wallet is opened by a signature, once a person', async () => {
  const page = await (await visitor(narrow)).newPage()
  await page.goto(town.url('pay'))
  await is.at(page, 'スマートフォンで払う')
  await shot(page, 'start')
  const wallet = await entersWallet(taro)
  await wallet.getByText('まだウォレットがありません。').waitFor()
  await is.follow(wallet, '規約を読んで申し込む')
  await is.at(wallet, '利用規約の確認')
  await shot(wallet, 'terms')
  await is.press(wallet, 'スマートフォンで署名する')
  await signs(wallet, taro, '本人名義の銀行口座からだけです。')
  await is.at(wallet, 'あなたのウォレット')
  await wallet.getByText('ウォレットが開きました').waitFor()
  await shot(wallet, 'home-new')
  await wallet.goBack() // the way back signs nothing a second time
  await wallet.goto(town.url('pay', '/terms'))
  await wallet.getByText('ウォレットは、おひとり1つです。').first().waitFor()
  await wallet.goto(town.url('pay', '/received'))
  await is.at(wallet, 'てがたペイが受け取った情報')
  await wallet.getByText('スマートフォンの署名用電子証明書による署名').waitFor()
  await shot(wallet, 'received')
})

job('one press stops a wallet; to start it again takes the phone', async () => {
  const wallet = await entersWallet(taro)
  await wallet.goto(town.url('pay', '/settings'))
  await is.at(wallet, '守りと設定')
  await shot(wallet, 'settings')
  await is.press(wallet, 'いますぐ止める')
  await wallet.getByText('止まっています', { exact: true }).waitFor()
  await shot(wallet, 'settings-stopped')
  await wallet.goto(town.url('pay', '/home'))
  await wallet.getByText('から止めています').waitFor()
  await wallet.goto(town.url('pay', '/settings'))
  await is.press(wallet, 'スマートフォンで確認して再開する')
  await confirms(wallet, taro)
  await is.at(wallet, '守りと設定')
  await wallet.getByText('いますぐ止める').waitFor()
})

// opensAccount opens an account at the bank and puts practice money into it.
const opensAccount = async (who) => {
  const page = await holding(who)
  await page.goto(town.url('bank'))
  await is.press(page, 'スマートフォンで確認して始める')
  await confirms(page, who)
  await is.at(page, 'あなたの口座')
  await is.follow(page, '口座を申し込む')
  await is.at(page, '口座の申し込み')
  await page.getByLabel('会社員・団体職員').check()
  await page.getByLabel('貯蓄').check()
  await is.press(page, '申込書を確かめる')
  await is.at(page, '申込書の確認')
  await is.press(page, 'スマートフォンで署名する')
  await signs(page, who, '口座を他人に譲り渡したり使わせたりしません。')
  await is.at(page, '申し込みの受付票')
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('口座を開きました。').waitFor()
  await page.goto(town.url('bank', '/account'))
  await is.press(page, '50,000円を入れる')
  await page.getByText('50,000', { exact: false }).first().waitFor()
  return page
}

// toBank begins a link and waits on the bank's page.
const toBank = async (page, who) => {
  await page.goto(town.url('pay', '/accounts'))
  await is.at(page, '銀行口座')
  await is.follow(page, '銀行口座をつなぐ')
  await is.at(page, '銀行口座をつなぐ')
  await shot(page, 'link')
  await page.getByRole('group', { name: '1回に引き落とせる上限' }).getByLabel('20,000円').check()
  await page.getByRole('group', { name: '1日に引き落とせる上限' }).getByLabel('50,000円').check()
  await is.press(page, 'スマートフォンで確認して進む')
  await confirms(page, who)
  await page.getByRole('heading', { level: 1, name: /^(ご本人の確認|口座からの引き落としの許可)$/ }).waitFor()
}

// allows has somebody log in at the bank, where they are not, and sign the permission.
const allows = async (page, who) => {
  if (await is.heading(page, 'ご本人の確認').isVisible()) {
    await is.press(page, 'スマートフォンで確認する')
    await confirms(page, who)
  }
  await is.at(page, '口座からの引き落としの許可')
  await shot(page, 'bank-permission')
  await is.press(page, 'スマートフォンで署名する')
  await signs(page, who, 'てがたペイ')
}

job('AT-B06: an account of somebody else is linked at neither side', async () => {
  await opensAccount(hanako)
  const wallet = await entersWallet(taro)
  await toBank(wallet, taro)
  const there = wallet.url()
  await holding(hanako, wallet) // her phone, at his browser
  await wallet.goto(there)
  await is.press(wallet, 'スマートフォンで確認する')
  await confirms(wallet, hanako)
  await is.press(wallet, 'もとのサービスへ戻る') // only now is it refused for good
  await wallet.getByText('口座の名義人が、あなたと一致しません。').waitFor()
  await shot(wallet, 'refused')
  assert.equal(await wallet.getByText(hanako.name.replace(/\s/, ' ')).count(), 0, 'the wallet tells whose account it was')
  await wallet.goto(town.url('pay', '/accounts'))
  await wallet.getByText('つながりませんでした').waitFor()
  await wallet.goto(town.url('pay', '/charge'))
  await wallet.getByText('先に、銀行口座をつないでください。').waitFor()
})

job('AT-B06: the own account is linked, its first day is limited, and either side ends it', async () => {
  const bank = await opensAccount(taro)
  const wallet = await entersWallet(taro)
  await toBank(wallet, taro)
  await allows(wallet, taro)
  await wallet.getByText('はじめの24時間は、合わせて10,000円までです。').waitFor()
  await shot(wallet, 'linked')
  const linked = wallet.url()

  await wallet.goto(town.url('pay', '/charge'))
  await is.at(wallet, 'チャージ')
  await shot(wallet, 'charge')
  await is.press(wallet, 'チャージする')
  await is.at(wallet, 'チャージしました')
  await wallet.getByText('残高は3,000円です。').waitFor()
  await shot(wallet, 'charged')
  await wallet.reload()
  await wallet.goBack()
  await wallet.goto(town.url('pay', '/charge'))
  await wallet.getByLabel('ほかの金額（円）').fill('7001')
  await is.press(wallet, 'チャージする')
  await wallet.getByText('口座をつないで24時間の上限をこえます。').first().waitFor()
  await shot(wallet, 'charge-first')
  await town.tegata('clock', 'advance', '25h')
  await wallet.goto(town.url('pay', '/'))
  await is.press(wallet, 'スマートフォンで確認して始める') // a session lasts half an hour
  await confirms(wallet, taro)
  await is.at(wallet, 'あなたのウォレット')
  await wallet.goto(town.url('pay', '/charge'))
  await wallet.getByLabel('ほかの金額（円）').fill('7001')
  await is.press(wallet, 'チャージする')
  await wallet.getByText('残高は10,001円です。').waitFor()
  await wallet.goto(town.url('pay', '/home'))
  await is.at(wallet, 'あなたのウォレット')
  await shot(wallet, 'home')
  await wallet.goto(town.url('pay', '/history'))
  await is.at(wallet, '履歴')
  await shot(wallet, 'history')
  const [file] = await Promise.all([wallet.waitForEvent('download'), is.follow(wallet, 'CSVで保存する')])
  assert.equal(file.suggestedFilename(), 'tegata-pay.csv')

  // The bank's side ends it, and the wallet is told.
  await bank.goto(town.url('bank'))
  await is.press(bank, 'スマートフォンで確認して始める')
  await confirms(bank, taro)
  await is.at(bank, 'あなたの口座')
  await bank.goto(town.url('bank', '/mandates'))
  await is.follow(bank, '許可を終える')
  await is.press(bank, '終える')
  await bank.getByText('あなたが終えました。').waitFor()
  await wallet.goto(linked)
  await wallet.getByText('銀行の側で終わりました').waitFor()
  await shot(wallet, 'ended-by-bank')

  // Another link, which the wallet ends, and the bank is told.
  await toBank(wallet, taro)
  await allows(wallet, taro)
  await wallet.getByText('はじめの24時間は').waitFor()
  await is.press(wallet, 'つながりを終える')
  await wallet.getByText('あなたがここで終えました').waitFor()
  await wallet.goto(town.url('pay', '/accounts'))
  await is.at(wallet, '銀行口座')
  await shot(wallet, 'accounts')
  await bank.goto(town.url('bank', '/mandates'))
  await bank.getByText('相手のサービスが終えました。').waitFor()
})

job('a till is paid by tap: the phone shows the shop and the amount, and the shop never learns by whom', async () => {
  await town.tegata('clock', 'advance', '25h') // linking again has no second first day: what was charged the day before counts
  const wallet = await entersWallet(taro)
  await toBank(wallet, taro)
  await allows(wallet, taro)
  await wallet.getByText('はじめの24時間は').waitFor()
  await wallet.goto(town.url('pay', '/charge'))
  await is.press(wallet, 'チャージする')
  await is.at(wallet, 'チャージしました')

  const till = await (await visitor(wide)).newPage()
  await till.goto(town.url('pay', '/till'))
  await is.at(till, 'お店の画面')
  await is.follow(till, /お茶処あさひ/)
  await is.at(till, 'お会計')
  // sells has the cashier type an amount and the customer hold the phone there; it returns the page that the phone shows.
  const sells = async (amount) => {
    await till.getByLabel('金額（円）').fill(amount)
    await is.press(till, '支払いを待つ')
    await is.at(till, 'スマートフォンをかざしてください')
    const link = (await town.tegata('phone', 'present', 'taro-phone', '-into', 'pay:asahi')).trim()
    await till.getByText('お客さまが、スマートフォンで確かめています。').waitFor()
    const phone = await wallet.context().newPage()
    await phone.goto(town.url('phone', '/p/taro-phone/request?' + new URLSearchParams({ request_uri: link })))
    await is.at(phone, /からの確認$/)
    await phone.getByText('お茶処あさひ 本町店').first().waitFor()
    return phone
  }
  let phone = await sells('1200')
  await phone.getByText('1,200円').first().waitFor()
  await shot(phone, 'phone-pays')
  await shot(till, 'till-waits')
  await is.type(phone.getByLabel('スマホの利用者証明用の暗証番号'), taro.pin)
  await is.press(phone, '書き込みを認める')
  await is.at(till, '支払いが終わりました')
  await till.getByText('1,200円').waitFor()
  assert.equal(await till.getByText(/太郎/).count(), 0, 'the till tells who paid')
  await shot(till, 'till-paid')
  await wallet.goto(town.url('pay', '/history'))
  await is.at(wallet, '履歴')
  await wallet.getByText('お茶処あさひ 本町店').first().waitFor()

  // Who says no pays nothing.
  await is.follow(till, '次のお会計')
  phone = await sells('300')
  await is.press(phone, /^(同意しない|支払わない|断る|やめる)$/)
  await is.at(till, '支払われていません')

  // More than there is: the shop is not told why, the holder is.
  await is.follow(till, '次のお会計')
  phone = await sells('49999')
  await is.type(phone.getByLabel('スマホの利用者証明用の暗証番号'), taro.pin)
  await is.press(phone, '書き込みを認める')
  await is.at(till, '支払われていません')
  await till.getByText('お客さまのウォレットでは支払えませんでした。').waitFor()
  await shot(till, 'till-refused')
  await wallet.goto(town.url('pay', '/home'))
  await wallet.getByText('残高が足りませんでした。').first().waitFor()
})
