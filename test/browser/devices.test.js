// Logging in with a phone that is registered: on the same device, and from another.
import assert from 'node:assert/strict'
import path from 'node:path'
import { before } from 'node:test'
import { browser, job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import { look } from './house/look.js'
import * as is from './house/person.js'
import { filmQR, readQR } from './house/qr.js'
import { town as start } from './house/town.js'

let town, taro
before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(wide)
  taro = await is.phoneSecrets(context, town, is.people.taro)
})

// fromHere opens the portal on a wide screen and asks for a login with another phone.
const fromHere = async (context) => {
  const portal = await context.newPage()
  await portal.goto(town.url('portal'))
  await is.at(portal, 'スマホでログイン')
  await is.press(portal, '別のスマホでログイン（QRコード）')
  await is.at(portal, 'スマホでQRコードを読み取ってください')
  return portal
}

const qr = (portal) => portal.getByRole('img', { name: 'ログインのQRコード' }).screenshot()

// number is the number that the portal shows.
const number = async (portal) => (await portal.getByLabel(/^番号 \d\d$/).textContent()).trim()

job("taro's phone, registered already, logs in within seconds", async () => {
  const context = await visitor(narrow)
  const street = await context.newPage()
  await street.goto(town.url('street'))
  const opened = context.waitForEvent('page')
  await is.follow(street, /太郎さんのスマホ$/)
  const phone = await opened
  await is.at(phone, /太郎さん$/)
  await is.press(phone, /^このスマホを持つ/) // a link to a phone does not take it in the hand
  await is.at(phone, /太郎さん$/)
  await phone.goto(town.url('portal'))
  const began = Date.now()
  await is.press(phone, 'この端末のスマホでログイン')
  await is.approve(phone, taro.pin)
  await is.portalHome(phone, is.people.taro)
  const took = Date.now() - began
  assert.ok(took < 15_000, `it took ${took} ms`)

  // What there is to know of it: on the phone, and at the portal.
  const film = new Film()
  await film.follow(phone)
  await phone.goto(town.url('phone', '/p/taro-phone/'))
  await is.follow(phone, 'スマホ用電子証明書などの各種設定')
  await is.at(phone, 'スマホ用電子証明書などの各種設定', '42-settings')
  await is.follow(phone, /^電子証明書を確かめる/)
  await phone.getByText('使えます', { exact: true }).first().waitFor()
  await is.at(phone, '電子証明書を確かめる', '43-certificates')
  await phone.goto(town.url('phone', '/p/taro-phone/history'))
  await phone.getByText('認めました').first().waitFor()
  await is.at(phone, '利用の履歴', '44-history')
  await phone.goto(town.url('portal', '/home'))
  await is.at(phone, 'ホーム')
  await picture(phone, '45-portal-state', phone.getByText('いま使えるスマホ'))
  await film.save('status')
})

job('a portal on a screen and a phone in the hand: QR code and number', async () => {
  const portal = await fromHere(await visitor(wide))
  const hand = await visitor(narrow)
  const phone = await hand.newPage()
  const film = new Film(narrow.viewport)
  await is.take(phone, town, '手形　太郎')
  await film.follow(portal)
  await picture(portal, '20-screen-qr')
  const link = readQR(await qr(portal))
  assert.equal(new URL(link).origin, new URL(town.url('phone')).origin, 'the code opens the phone')

  await film.follow(phone)
  await phone.getByRole('navigation', { name: 'スマホのメニュー' }).getByRole('link', { name: '読み取る' }).click()
  await is.at(phone, '読み取る', '21-scan')
  await is.type(phone.getByLabel('リンク'), link)
  await is.press(phone, '開く')
  await phone.getByText('別の端末の画面').waitFor()
  await portal.getByText('スマホで開かれました').waitFor()
  const right = await number(portal)
  const choices = await phone.getByRole('radio').all()
  assert.equal(choices.length, 3)
  await phone.getByRole('radio', { name: right, exact: true }).check({ force: true })
  await picture(phone, '22-number')
  await is.approve(phone, taro.pin)
  await is.at(phone, '送りました', '23-sent')
  await film.follow(portal)
  await is.portalHome(portal, is.people.taro, { portal: '24-screen-home' })
  await film.save('other-screen')
  await portal.getByText('別の端末からのログインなので、30分までです。').waitFor()
  assert.equal((await hand.cookies(town.url('portal'))).length, 0, 'the phone got nothing of the session')
})

job("the QR code read by the phone's camera", async () => {
  const portal = await fromHere(await visitor(wide))
  const film = path.join(town.home, `camera-${process.pid}.y4m`)
  filmQR(await qr(portal), film)
  const chromium = await browser('--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', `--use-file-for-fake-video-capture=${film}`)
  try {
    const phone = await (await visitor(narrow, {}, chromium)).newPage()
    await is.take(phone, town, '手形　太郎')
    await is.follow(phone, 'QRコードを読み取る')
    await is.at(phone, '読み取る')
    await is.press(phone, 'カメラで読み取る')
    await phone.getByText('別の端末の画面').waitFor()
    await look(phone)
    await phone.getByRole('radio', { name: await number(portal), exact: true }).check({ force: true })
    await is.approve(phone, taro.pin)
    await is.portalHome(portal, is.people.taro)
  } finally {
    await chromium.close()
  }
})

job('a wrong number ends the login, and both screens say so', async () => {
  const portal = await fromHere(await visitor(wide))
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, '手形　太郎')
  await phone.goto(readQR(await qr(portal))) // as the phone's own camera app opens a link
  await is.at(phone, /からの確認$/)
  const right = await number(portal)
  for (const choice of await phone.getByRole('radio').all()) {
    if (await choice.getAttribute('value') === right) continue
    await choice.check({ force: true })
    break
  }
  await is.approve(phone, taro.pin)
  await is.at(phone, /番号が/, '30-wrong-number')
  await is.at(portal, '選ばれた番号が違いました。', '31-wrong-number-screen')
  await portal.goto(town.url('portal', '/home'))
  await is.at(portal, /ログインしていません/)
})

job('refusing is as easy as agreeing, and both screens say so', async () => {
  const portal = await fromHere(await visitor(wide))
  const phone = await (await visitor(narrow)).newPage()
  await is.take(phone, town, '手形　太郎')
  await phone.goto(readQR(await qr(portal)))
  await is.at(phone, /からの確認$/)
  await is.press(phone, '断る')
  await is.at(phone, '断りました')
  await is.at(portal, /「断る」が選ばれました/)
})

job('in English, from the start page to the home of the portal', async () => {
  const page = await (await visitor(wide)).newPage()
  await page.goto(town.url('portal'))
  await is.press(page, 'English')
  await is.at(page, 'Log in with your phone')
  await page.goto(town.url('phone', '/p/taro-phone/'))
  await is.press(page, 'English') // each party asks for itself
  await is.at(page, /^Hello/)
  await is.press(page, /^Take this phone in the hand/)
  await is.at(page, /^Hello/)
  await page.goto(town.url('portal'))
  await is.press(page, 'Log in with the phone on this device')
  await is.at(page, /asks you$/)
  assert.equal(await page.getByRole('document').or(page.locator('html')).first().getAttribute('lang'), 'en')
  await page.getByLabel("The phone's PIN for authentication").fill(taro.pin)
  await is.press(page, 'Log in')
  await is.at(page, 'Home')
  await page.getByText('Last uses and refused attempts').waitFor()
  const said = await page.getByRole('main').innerText()
  assert.doesNotMatch(said.replaceAll(/手形|太郎|令和/g, ''), /[ぁ-んァ-ヶ]/, 'no Japanese is left but names and dates')
  await is.press(page, '日本語')
  await is.at(page, 'ホーム')
})
