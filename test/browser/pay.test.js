// The wallet: opened by a signature on the phone, linked to an account of the same person and no other, charged, stopped, and told when the bank's side ends.
import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
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
  if (!process.env.TEGATA_SHOTS) return
  mkdirSync(process.env.TEGATA_SHOTS, { recursive: true })
  await page.screenshot({ path: `${process.env.TEGATA_SHOTS}/pay-${name}-390.png`, fullPage: true })
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.screenshot({ path: `${process.env.TEGATA_SHOTS}/pay-${name}-1280.png`, fullPage: true })
  await page.setViewportSize(narrow.viewport)
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
