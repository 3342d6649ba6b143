// A browser that is told of notices: what the portal sends to its push service, opened by another implementation of
// RFC 8291, and what the browser then shows. Chromium here reaches no push service, so that one stands beside it.
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import http from 'node:http'
import { after, before } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import ece from 'http_ece'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, taro, service
const got = []
before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(wide)
  taro = await is.phoneSecrets(context, town, is.people.taro)
  await context.close()
  service = http.createServer((request, answer) => {
    const parts = []
    request.on('data', (d) => parts.push(d)).on('end', () => {
      got.push({ path: request.url, headers: request.headers, body: Buffer.concat(parts) })
      answer.writeHead(201).end()
    })
  })
  await new Promise((ok) => service.listen(0, '127.0.0.1', ok))
})
after(() => service?.close())

// waitFor asks again until there is an answer.
const waitFor = async (what, ask) => {
  for (let n = 0; n < 150; n++) {
    const answer = await ask()
    if (answer) return answer
    await sleep(200)
  }
  assert.fail(`waited for ${what}`)
}

job('the browser says that there is a notice, and nothing of it', async () => {
  const context = await visitor(narrow)
  const origin = new URL(town.url('portal')).origin
  await context.grantPermissions(['notifications'], { origin })
  const keys = crypto.createECDH('prime256v1')
  const secret = crypto.randomBytes(16)
  const endpoint = `http://127.0.0.1:${service.address().port}/push/${crypto.randomBytes(12).toString('hex')}`
  await context.addInitScript(({ endpoint, p256dh, auth }) => {
    const bytes = (s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0)).buffer
    PushManager.prototype.subscribe = async (options) => {
      window.asked = { visible: options.userVisibleOnly, key: options.applicationServerKey.length }
      return { endpoint, getKey: (name) => bytes({ p256dh, auth }[name]) }
    }
  }, { endpoint, p256dh: keys.generateKeys('base64'), auth: secret.toString('base64') })
  const page = await context.newPage()
  await is.take(page, town, is.people.taro)
  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  const film = new Film()
  await film.follow(page)
  await picture(page, '120-push-offered', page.getByRole('link', { name: 'お知らせを、この端末にも出す' }))
  await is.follow(page, 'お知らせを、この端末にも出す')
  await is.at(page, 'お知らせを、この端末にも出す', '121-push')
  await is.press(page, 'この端末に出す')
  await page.getByText('1台の端末に出しています。').waitFor()
  await is.at(page, 'お知らせを、この端末にも出す', '122-push-on')
  await film.save('notices')

  // Something of which taro is told.
  await page.goto(town.url('portal', '/trusted/invite'))
  await is.type(page.getByLabel('その人の呼び名'), 'ともだち')
  await is.type(page.getByLabel('相手に見せる、あなたの呼び名'), 'タロウ')
  await is.press(page, '招待の番号を作る')
  await is.at(page, '信頼できる人')
  const push = await waitFor('the push', () => got[0])
  assert.equal(push.path, new URL(endpoint).pathname)
  assert.equal(push.headers['content-encoding'], 'aes128gcm')
  assert.ok(Number(push.headers.ttl) > 0)
  assert.equal(ece.decrypt(push.body, { version: 'aes128gcm', privateKey: keys, authSecret: secret }).toString(), '{"v":1}')
  const [, token, key] = push.headers.authorization.match(/^vapid t=([^,]+), ?k=(\S+)$/)
  const point = Buffer.from(key, 'base64url')
  assert.equal(point.length, 65)
  const [head, claims, signature] = token.split('.')
  const publicKey = crypto.createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') } })
  assert.ok(crypto.verify('sha256', `${head}.${claims}`, { key: publicKey, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64url')), 'the portal signed it')
  const said = JSON.parse(Buffer.from(claims, 'base64url'))
  assert.equal(said.aud, new URL(endpoint).origin)
  assert.ok(said.exp * 1000 > Date.now() && said.exp * 1000 < Date.now() + 24 * 3600_000 + 60_000, 'RFC 8292, section 2: at most a day')

  // The same push, as a push service would bring it to the browser.
  await page.goto(town.url('portal', '/push'))
  await is.at(page, 'お知らせを、この端末にも出す')
  const cdp = await context.newCDPSession(page)
  let id
  cdp.on('ServiceWorker.workerRegistrationUpdated', (e) => { for (const r of e.registrations) if (r.scopeURL.startsWith(origin)) id = r.registrationId })
  await cdp.send('ServiceWorker.enable')
  await waitFor('the worker', () => id)
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true)) // what comes before it is active is lost
  await cdp.send('ServiceWorker.deliverPushMessage', { origin, registrationId: id, data: '{"v":1}' })
  const shown = await waitFor('the notification', () => page.evaluate(async () => {
    const all = await (await navigator.serviceWorker.ready).getNotifications()
    return all.length > 0 && all.map((n) => `${n.title} ${n.body}`)
  }))
  assert.equal(shown.length, 1)
  assert.match(shown[0], /^お知らせがあります \/ There is a notice /)
  assert.doesNotMatch(shown[0], /太郎|タロウ|ともだち|スマホ/)

  // What it was about stands where it always did.
  const mail = await context.newPage()
  await mail.goto(town.url('street', '/mailbox?to=taro'))
  await mail.locator('.letters li').first().waitFor()
  await picture(mail, '123-letters')
  await mail.close()

  // Ended: the next notice is told to nobody here.
  await is.press(page, 'すべての端末で止める')
  await page.getByText('1台の端末に出しています。').waitFor({ state: 'detached' })
  const before = got.length
  await page.goto(town.url('portal', '/trusted'))
  await is.press(page, /^取り消す/)
  await page.goto(town.url('portal', '/trusted/invite'))
  await is.type(page.getByLabel('その人の呼び名'), 'ともだち')
  await is.type(page.getByLabel('相手に見せる、あなたの呼び名'), 'タロウ')
  await is.press(page, '招待の番号を作る')
  await is.at(page, '信頼できる人')
  await sleep(5000)
  assert.equal(got.length, before)
  await is.press(page, /^取り消す/)
})
