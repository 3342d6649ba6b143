// Linked services at the portal: a shop that the phone logged in to is on the list, and one press ends what it has.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { job, narrow, visitor, wide } from './house/browser.js'
import { Film } from './house/guide.js'
import * as is from './house/person.js'
import { register, site } from './house/relying.js'
import { town as start } from './house/town.js'

let town, taro, shop, client
before(async () => {
  town = await start()
  await town.ready()
  taro = await is.phoneSecrets(await visitor(wide), town, is.people.taro)
  shop = await site()
  client = await register(town, {
    id: 'books', name: { ja: '青葉書店', en: 'Aoba Books' }, mark: '本', profile: 'basic', authentication: 'client_secret_basic', refresh: true,
    redirect_uris: [`${shop.origin}/callback`], backchannel_logout_uri: `${shop.origin}/logout`,
    purpose: { code: 'orders', risk_floor: 'R2', claims: ['name', 'address'], sentence: { ja: '注文の一覧を見ます。', en: 'See your orders.' } },
  })
})
after(() => shop?.stop())

// PKCE of one login (RFC 7636, appendix B).
const verifier = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'

// token asks at the token endpoint as the shop does.
const token = async (form) => {
  const answer = await fetch(`${client.issuer}/token`, {
    method: 'POST', headers: { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` }, body: new URLSearchParams(form),
  })
  return { status: answer.status, ...await answer.json() }
}

// shopping logs in at the shop with the phone on this device, and returns what the shop got.
const shopping = async (page, shots) => {
  const callback = `${shop.origin}/callback`
  await page.goto(town.url('verifier', '/authorize?' + new URLSearchParams({
    client_id: 'books', response_type: 'code', redirect_uri: callback, scope: 'openid name address', state: 's', code_challenge: challenge, code_challenge_method: 'S256',
  })))
  await is.at(page, '青葉書店からの依頼', shots.asks)
  await is.press(page, 'この端末のスマホで答える')
  await is.at(page, /からの確認$/)
  await page.getByText('注文の一覧を見ます。').waitFor()
  for (const what of [/^名前/, /^住所/]) await page.getByRole('checkbox', { name: what }).check()
  await is.type(page.getByLabel('スマホの利用者証明用の暗証番号'), taro.pin)
  await is.press(page, '同意する')
  await is.at(page, '店に戻りました')
  const { url } = shop.asked.findLast((a) => a.url.pathname === '/callback')
  return token({ grant_type: 'authorization_code', code: url.searchParams.get('code'), redirect_uri: callback, code_verifier: verifier })
}

const ends = async (page, shots = {}) => {
  await is.take(page, town, is.people.taro)
  await shots.film?.follow(page)
  const got = await shopping(page, shots)
  await shots.film?.pause()
  assert.equal(got.status, 200, JSON.stringify(got))
  assert.equal(got.scope, 'openid name address')

  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  await shots.film?.follow(page)
  await is.follow(page, /^連携中のサービス/)
  await is.at(page, '連携中のサービス', shots.links)
  const line = page.getByRole('main').locator('section').filter({ has: page.getByRole('heading', { name: '青葉書店' }) })
  const facts = await is.facts(line)
  assert.equal(facts['渡した情報'], '名前・住所')
  assert.match(facts['はじまり'], /^令和/)
  assert.equal(await page.getByRole('main').locator('input:not([type=hidden])').count(), 0, 'nothing is to be typed')
  shop.asked.length = 0
  await page.getByRole('button', { name: /^終わらせる\s*青葉書店$/ }).click()
  await page.getByText('青葉書店との連携を終わらせました。').waitFor()
  await is.at(page, '連携中のサービス', shots.ended)
  await shots.film?.save('links')
  await page.getByText('あなたが終わらせました。').first().waitFor()
  assert.equal(await line.count(), 0)
  const refused = await token({ grant_type: 'refresh_token', refresh_token: got.refresh_token })
  assert.equal(refused.error, 'invalid_grant')
  for (const end = Date.now() + 10_000; !shop.asked.some((a) => a.url.pathname === '/logout' && a.body.startsWith('logout_token=')); await sleep(50)) {
    assert.ok(Date.now() < end, 'the shop was told of no logout')
  }
  await page.reload() // what was pressed is not pressed again
  await page.getByText('連携中のサービスはありません。').waitFor()
  await page.goto(town.url('portal', '/home'))
  await page.getByRole('main').getByRole('button', { name: 'ログアウト' }).click()
}

job('a service is seen and ended with one press', async () => {
  await ends(await (await visitor(narrow)).newPage(), { film: new Film(), asks: '104-shop-asks', links: '105-links', ended: '106-link-ended' })
})

job('the same without script, on a wide screen', async () => {
  await ends(await (await visitor(wide, { javaScriptEnabled: false })).newPage())
})
