// The device's screen lock (finger, face) in place of the PIN: registering it, logging in by it, putting it first, five
// failures, stopping it. Chromium's virtual authenticator plays the platform.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

const id = 'katsuragi-phone'
const own = { phone_auth_pin: '6182', phone_signature_password: 'MORI7KAZE' }
const useLock = '画面ロックでログインする'

let town
before(async () => {
  town = await start()
  await town.ready()
  await town.newPhone(id)
  const card = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards.katsuragi
  const secrets = path.join(town.home, 'katsuragi.json')
  writeFileSync(secrets, JSON.stringify({ card_signature_password: card.card_signature_password, ...own }), { mode: 0o600 })
  await town.tegata('phone', 'enrol', id, '-card', 'katsuragi', '-secrets', secrets)
})

// platform gives a page a device with a screen lock of its own.
const platform = async (page, more = {}) => {
  const cdp = await page.context().newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const options = { protocol: 'ctap2', transport: 'internal', hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more }
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options })
  return {
    knows: (isUserVerified) => cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified }),
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials,
    forget: () => cdp.send('WebAuthn.clearCredentials', { authenticatorId }),
    leave: () => cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId }),
  }
}

const pin = (page) => page.getByLabel('スマホの利用者証明用の暗証番号')

const settings = async (page, name) => {
  await page.goto(town.url('phone', `/p/${id}/certificates`))
  await is.at(page, 'スマホ用電子証明書などの各種設定')
  await is.follow(page, name)
}

// enrol registers the lock of the page's device, as far as the page that asks for it.
const enrol = async (page, shots = {}) => {
  await settings(page, /^生体認証の利用/)
  await is.at(page, '生体認証の利用')
  await is.type(pin(page), own.phone_auth_pin)
  if (shots.pin) await picture(page, shots.pin, pin(page))
  await is.press(page, '次へ')
  await is.at(page, '画面ロックを登録する', shots.lock)
  await is.press(page, '画面ロック（指紋・顔など）を登録する')
}

// asked begins a login at the portal and waits for the phone's question.
const asked = async (page) => {
  await page.context().clearCookies({ domain: 'portal.localhost' })
  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
  await is.at(page, /からの確認$/)
}

const inHand = async (size = narrow) => {
  const page = await (await visitor(size)).newPage()
  await page.goto(town.url('phone', `/p/${id}/`))
  await is.press(page, /^このスマホを持つ/)
  await is.at(page, /さん$/)
  return page
}

// awake lets the lock unlock at every hour, so that this test may run at night.
const awake = async (page) => {
  await settings(page, /^認証方法の設定/)
  await is.at(page, '認証方法の設定')
  await page.getByText('23:00から6:00までは、暗証番号だけが使えます。').waitFor()
  await is.follow(page, '使わない時間を変える')
  await is.at(page, '使わない時間を変える', '84-quiet-hours')
  await page.getByLabel('いつから').selectOption('0:00')
  await page.getByLabel('いつまで').selectOption('0:00')
  await is.type(pin(page), own.phone_auth_pin)
  await is.press(page, 'この時間にする')
  await page.getByText('どの時間でも使えます。').waitFor()
  await is.at(page, '認証方法の設定')
}

job('a screen lock is registered, logs in, is put first, fails five times, and is stopped', async () => {
  const page = await inHand()
  const device = await platform(page)
  const film = new Film()
  await film.follow(page)
  await enrol(page, { pin: '81-biometrics', lock: '82-enrol-lock' })
  await page.getByText('画面ロック（指紋・顔など）を使えるようになりました。').waitFor()
  await is.at(page, '生体認証の利用', '83-enrolled')
  const [made] = await device.credentials()
  assert.equal(made.rpId, 'phone.localhost')
  assert.equal(made.isResidentCredential, false)
  await awake(page)

  // The PIN first, the lock beside it.
  await asked(page)
  assert.ok(await pin(page).isVisible() && await page.getByRole('button', { name: useLock }).isVisible())
  await page.getByText('画面ロック（指紋・顔など）：あと5回ためせます。').waitFor()
  await is.press(page, useLock)
  await is.portalHome(page, '葛城')

  // Put first: the PIN is one press away.
  await settings(page, /^認証方法の設定/)
  await is.at(page, '認証方法の設定')
  await page.getByRole('radio', { name: '画面ロック（指紋・顔など）' }).check({ force: true })
  await is.press(page, 'この順にする')
  await page.getByText('先に出すものを変えました。').waitFor()
  await is.at(page, '認証方法の設定', '85-methods')
  await asked(page)
  assert.equal(await pin(page).isVisible(), false, 'the PIN waits behind its line')
  await picture(page, '86-lock-asked', page.getByRole('button', { name: useLock }))
  await is.press(page, useLock)
  await is.portalHome(page, '葛城')
  await film.pause()
  await asked(page)
  await page.getByText('暗証番号を使う').click()
  await is.type(pin(page), own.phone_auth_pin)
  await is.press(page, 'ログインする')
  await is.portalHome(page, '葛城')

  // Five that the device does not know.
  await asked(page)
  await device.knows(false)
  for (let left = 4; left >= 0; left--) {
    await is.press(page, useLock)
    if (left > 0) {
      await page.getByText('画面ロック（指紋・顔など）で確認できませんでした。').first().waitFor()
      await page.getByText(`画面ロック（指紋・顔など）：あと${left}回ためせます。`).waitFor()
      await is.at(page, /からの確認$/)
    }
  }
  await page.getByRole('alert').getByText('画面ロック（指紋・顔など）で5回続けて確認できませんでした。').first().waitFor()
  await is.at(page, /からの確認$/, '87-only-pin')
  assert.equal(await page.getByRole('button', { name: useLock }).isVisible(), false, 'only the PIN is left')
  await device.knows(true)
  await is.type(pin(page), own.phone_auth_pin)
  await is.press(page, 'ログインする')
  await is.portalHome(page, '葛城')

  // The PIN gave it back. At home, where nobody asks:
  await settings(page, /^暗証番号を確かめる/)
  await is.at(page, '暗証番号を確かめる')
  await is.press(page, '画面ロックで確認する')
  await page.getByText('本人であることを確かめました。').waitFor()

  // A device that lost the credential, as after its own reset: the PIN.
  await asked(page)
  await device.forget()
  await is.press(page, useLock)
  await page.getByText('画面ロック（指紋・顔など）で確認できませんでした。').first().waitFor()
  assert.ok(await pin(page).isVisible(), 'the PIN is there at once')

  await page.goto(town.url('phone', `/p/${id}/history`))
  await is.at(page, '利用の履歴')
  for (const said of ['生体認証の登録', '画面ロックを使わない時間の変更', '画面ロック（指紋・顔など）で5回続けて確認できませんでした。']) {
    await page.getByText(said).first().waitFor()
  }

  await film.follow(page)
  await settings(page, /^生体認証の利用/)
  await is.press(page, '使うのをやめる')
  await page.getByText('画面ロックを使うのをやめました。').waitFor()
  await is.at(page, '生体認証の利用', '88-lock-stopped')
  await film.save('biometrics')
  await asked(page)
  assert.equal(await page.getByRole('button', { name: useLock }).count(), 0)
  assert.ok(await pin(page).isVisible())
})

job('a key that can leave the device, a cancelled lock and a browser without one are told in words', async () => {
  const page = await inHand(wide)
  const copied = await platform(page, { defaultBackupEligibility: true })
  await enrol(page)
  await page.getByText('この端末の外へ持ち出せる鍵なので、登録できません。').first().waitFor()
  await is.at(page, '生体認証の利用')
  await copied.knows(false)
  await enrol(page)
  await page.getByText('画面ロック（指紋・顔など）を登録できませんでした。').first().waitFor()
  await is.at(page, '生体認証の利用')
  await copied.leave()
  await page.reload()
  await page.getByText('このブラウザでは、端末の画面ロックを使えません').waitFor()
  await is.at(page, '生体認証の利用')
  assert.equal(await pin(page).isVisible(), false)
})

job('without script the PIN is there and the button is not', async () => {
  const ready = await inHand()
  await platform(ready)
  await enrol(ready)
  await ready.getByText('画面ロック（指紋・顔など）を使えるようになりました。').waitFor()
  await settings(ready, /^認証方法の設定/)
  await ready.getByRole('radio', { name: '画面ロック（指紋・顔など）' }).check({ force: true })
  await is.press(ready, 'この順にする')
  await ready.getByText('先に出すものを変えました。').waitFor()

  const page = await inHandWithoutScript()
  await asked(page)
  assert.equal(await page.getByRole('button', { name: useLock }).isVisible(), false)
  await pin(page).fill(own.phone_auth_pin)
  await is.press(page, 'ログインする')
  await is.portalHome(page, '葛城')
  await page.goto(town.url('phone', `/p/${id}/biometrics`))
  await is.press(page, '使うのをやめる')
  await page.getByText('このブラウザでは、端末の画面ロックを使えません').waitFor()
})

const inHandWithoutScript = async () => {
  const page = await (await visitor(narrow, { javaScriptEnabled: false })).newPage()
  await page.goto(town.url('phone', `/p/${id}/`))
  await is.press(page, /^このスマホを持つ/)
  return page
}
