// Unmodified clients of others log in, with the real binary and `tegata phone approve`: openid-client and oauth4webapi.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import { Plain } from './house/plain.js'
import { approved, register, site } from './house/relying.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
})

const words = { ja: 'ログインします。', en: 'Log in.' }
const back = 'http://127.0.0.1:9/callback' // nobody listens: the browser stops there
const client = (id, more = {}) => ({
  id, name: { ja: '青葉書店', en: 'Aoba Books' }, mark: '本', profile: 'basic', authentication: 'client_secret_basic', refresh: true,
  redirect_uris: [back], post_logout_redirect_uris: ['http://127.0.0.1:9/bye'],
  purpose: { code: 'login', risk_floor: 'R2', claims: ['name', 'address', 'birthdate'], sentence: words }, ...more,
})

// keys is a key pair of a client's, and the form in which it is registered.
const keys = async (kid) => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  return { key: pair.privateKey, kid, jwks: { keys: [{ kty, crv, x, y, kid, alg: 'ES256', use: 'sig' }] } }
}

// checks are what a client keeps of one login.
const checks = () => ({ expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), pkceCodeVerifier: oidc.randomPKCECodeVerifier() })
const asks = async (kept, scope) => ({
  redirect_uri: back, scope, state: kept.expectedState, nonce: kept.expectedNonce,
  code_challenge: await oidc.calculatePKCECodeChallenge(kept.pkceCodeVerifier), code_challenge_method: 'S256',
})

test('openid-client: discovery, login, userinfo, refresh, logout', async () => {
  const told = await site()
  try {
    const { client_id: id, client_secret: secret, issuer } = await register(town, client('node-shop', { backchannel_logout_uri: `${told.origin}/logout` }))
    const config = await oidc.discovery(new URL(issuer), id, {}, oidc.ClientSecretBasic(secret), { execute: [oidc.allowInsecureRequests] })
    const kept = checks()
    const url = oidc.buildAuthorizationUrl(config, await asks(kept, 'openid name birthdate'))
    const tokens = await oidc.authorizationCodeGrant(config, new URL(await approved(town, url.href)), { ...kept, idTokenExpected: true })
    const claims = tokens.claims()
    assert.equal(claims.acr, `${issuer}/acr/r2`)
    assert.ok(claims.amr.includes('pin'), `${claims.amr}`)
    const person = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub)
    assert.equal(person.name, '手形　太郎')
    assert.equal(person.birthdate, '1979-11-03')
    assert.equal(person.address, undefined) // not asked for

    const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token)
    assert.notEqual(fresh.access_token, tokens.access_token)
    assert.equal((await oidc.tokenIntrospection(config, fresh.access_token)).active, true)

    const bye = oidc.buildEndSessionUrl(config, { id_token_hint: tokens.id_token, post_logout_redirect_uri: 'http://127.0.0.1:9/bye', state: 's' })
    assert.equal((await new Plain(bye.origin).get(bye.href)).away, 'http://127.0.0.1:9/bye?state=s')
    assert.equal((await oidc.tokenIntrospection(config, fresh.access_token)).active, false)
    await assert.rejects(oidc.fetchUserInfo(config, fresh.access_token, claims.sub))
    await assert.rejects(oidc.refreshTokenGrant(config, fresh.refresh_token), (e) => e.error === 'invalid_grant')
    assert.equal(told.asked.length, 0, 'who logs out is not told of it')
  } finally {
    told.stop()
  }
})

test('openid-client, FAPI 2.0: pushed request, private_key_jwt, DPoP', async () => {
  const own = await keys('k1')
  const { client_id: id, issuer } = await register(town, client('node-broker', { profile: 'fapi2', authentication: 'private_key_jwt', jwks: own.jwks }))
  const config = await oidc.discovery(new URL(issuer), id, {}, oidc.PrivateKeyJwt({ key: own.key, kid: own.kid }), { execute: [oidc.allowInsecureRequests] })
  const DPoP = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
  const kept = checks()
  const url = await oidc.buildAuthorizationUrlWithPAR(config, await asks(kept, 'openid name'), { DPoP })
  assert.ok(url.searchParams.get('request_uri').startsWith('urn:ietf:params:oauth:request_uri:') && !url.searchParams.has('scope'), url.href)
  const tokens = await oidc.authorizationCodeGrant(config, new URL(await approved(town, url.href)), { ...kept, idTokenExpected: true }, undefined, { DPoP })
  assert.equal(tokens.token_type.toLowerCase(), 'dpop')
  const person = await oidc.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  assert.equal(person.name, '手形　太郎')
  const fresh = await oidc.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
  assert.equal((await oidc.fetchUserInfo(config, fresh.access_token, person.sub, { DPoP })).sub, person.sub)
  // A thief who has the token has not the key.
  const other = oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256'))
  await assert.rejects(oidc.fetchUserInfo(config, fresh.access_token, person.sub, { DPoP: other }))
  await assert.rejects(oidc.fetchUserInfo(config, fresh.access_token, person.sub))
  await oidc.tokenRevocation(config, fresh.refresh_token ?? tokens.refresh_token)
  await assert.rejects(oidc.fetchUserInfo(config, fresh.access_token, person.sub, { DPoP }))
})

test('oauth4webapi: discovery, login, userinfo, refresh, revocation', async () => {
  const plain = { [oauth.allowInsecureRequests]: true }
  const own = await keys('k2')
  const { client_id: id, issuer } = await register(town, client('node-web', { authentication: 'private_key_jwt', jwks: own.jwks }))
  const as = await oauth.processDiscoveryResponse(new URL(issuer), await oauth.discoveryRequest(new URL(issuer), plain))
  const me = { client_id: id }
  const auth = oauth.PrivateKeyJwt({ key: own.key, kid: own.kid })
  const kept = checks()
  const url = new URL(as.authorization_endpoint)
  url.search = new URLSearchParams({ client_id: id, response_type: 'code', ...await asks(kept, 'openid name') })
  const params = oauth.validateAuthResponse(as, me, new URL(await approved(town, url.href)), kept.expectedState)
  const tokens = await oauth.processAuthorizationCodeResponse(as, me,
    await oauth.authorizationCodeGrantRequest(as, me, auth, params, back, kept.pkceCodeVerifier, plain), { expectedNonce: kept.expectedNonce, requireIdToken: true })
  const { sub } = oauth.getValidatedIdTokenClaims(tokens)
  const person = await oauth.processUserInfoResponse(as, me, sub, await oauth.userInfoRequest(as, me, tokens.access_token, plain))
  assert.equal(person.name, '手形　太郎')
  const refresh = async (token) => oauth.processRefreshTokenResponse(as, me, await oauth.refreshTokenGrantRequest(as, me, auth, token, plain))
  const fresh = await refresh(tokens.refresh_token)
  await oauth.processRevocationResponse(await oauth.revocationRequest(as, me, auth, fresh.refresh_token, plain))
  await assert.rejects(refresh(fresh.refresh_token), (e) => e.error === 'invalid_grant')
})

test('the quick start for Node in docs/relying-parties.md runs as it stands there', async (t) => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/relying-parties.md'), 'utf8')
  const [, code] = page.match(/```js\n(.*?)```/s) ?? assert.fail('there is no code for Node')
  const free = await site()
  free.stop()
  const here = new URL(free.origin)
  const { client_id: id, client_secret: secret, issuer } = await register(town, client('node-quick', { redirect_uris: [`${here.origin}/callback`] }))
  const folder = path.join(import.meta.dirname, 'node_modules', '.quick-start') // from where Node finds the module
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'server.mjs'), code.replaceAll('127.0.0.1:9000', here.host))
  const server = spawn(process.execPath, [path.join(folder, 'server.mjs')], {
    env: { PATH: process.env.PATH, ISSUER: issuer, CLIENT_ID: id, CLIENT_SECRET: secret }, stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  server.stderr.on('data', (d) => { said += d })
  try {
    let began
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      began = await fetch(`${here.origin}/login`, { redirect: 'manual' }).catch(() => undefined)
      if (began || Date.now() > end) break
    }
    assert.equal(began?.status, 303, 'the server does not answer')
    const answered = await approved(town, began.headers.get('location'))
    assert.equal((await fetch(answered)).status, 400, 'a browser that began nothing')
    const cookie = began.headers.get('set-cookie').split(';')[0]
    assert.match(await (await fetch(answered, { headers: { cookie } })).text(), /^Hello, 手形　太郎 \(/)
    assert.equal((await fetch(answered, { headers: { cookie } })).status, 400, 'the same answer again')
  } catch (e) {
    t.diagnostic(said)
    throw e
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})
