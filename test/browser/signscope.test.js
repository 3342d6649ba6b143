// A service that knows OpenID Connect alone (openid-client: private_key_jwt, pushed requests, DPoP) has a document signed on a phone's own page.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { before } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as jose from 'jose' // openid-client brings it
import * as oidc from 'openid-client'
import { job, narrow, visitor } from './house/browser.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { approved, register, site } from './house/relying.js'
import { town as start } from './house/town.js'

let town, password
before(async () => {
  town = await start()
  await town.ready()
  await town.tegata('clock', 'advance', '2d') // on the first day a phone signs for nobody
  password = (await is.phoneSecrets(await visitor(narrow), town, is.people.taro)).password
})

const text = 'I apply for a savings account.\n普通預金口座を申し込みます。\n'

// service registers a client and returns its configuration, keys, DPoP handle and site.
const service = async (id) => {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', pair.privateKey)
  const here = await site()
  const back = `${here.origin}/callback`
  const { issuer } = await register(town, {
    id, name: { ja: '手形第一銀行', en: 'First Bank of Tegata' }, mark: '行', profile: 'fapi2', authentication: 'private_key_jwt',
    jwks: { keys: [{ kty, crv, x, y, kid: 'k1', alg: 'ES256', use: 'sig' }] }, redirect_uris: [back],
    purpose: { code: 'login', risk_floor: 'R2', claims: ['name'], sentence: { ja: 'ログインします。', en: 'Log in.' } },
    sign_purposes: [{ code: 'open', risk_floor: 'R3', claims: ['name'], sentence: { ja: '口座開設の申込書に署名します。', en: 'Sign the application for an account.' } }],
  })
  const config = await oidc.discovery(new URL(issuer), id, {}, oidc.PrivateKeyJwt({ key: pair.privateKey, kid: 'k1' }), { execute: [oidc.allowInsecureRequests] })
  return { config, issuer, here, back, jwk: { kty, crv, x, y, d, kid: 'k1' }, DPoP: oidc.getDPoPHandle(config, await oidc.randomDPoPKeyPair('ES256')) }
}

// bring brings a document and returns the answer.
const bring = async ({ config, issuer, DPoP }, more = {}) => {
  const own = await oidc.clientCredentialsGrant(config, { scope: 'sign' }, { DPoP })
  const body = { document: Buffer.from(text).toString('base64'), name: 'application.txt', media_type: 'text/plain', format: 'cades', purpose: 'open', ...more }
  return oidc.fetchProtectedResource(config, own.access_token, new URL('/api/sign-transactions', issuer), 'POST', JSON.stringify(body), new Headers({ 'content-type': 'application/json' }), { DPoP })
}

const push = async ({ config, issuer, back, DPoP }, id) => {
  const kept = { expectedState: oidc.randomState(), expectedNonce: oidc.randomNonce(), pkceCodeVerifier: oidc.randomPKCECodeVerifier() }
  const url = await oidc.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: back, scope: 'openid sign name', acr_values: `${issuer}/acr/r3`, sign_transaction_id: id, state: kept.expectedState, nonce: kept.expectedNonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(kept.pkceCodeVerifier), code_challenge_method: 'S256',
  }, { DPoP })
  return { url, kept }
}

const result = ({ config, issuer, DPoP }, token, id) =>
  oidc.fetchProtectedResource(config, token, new URL(`/api/sign-transactions/${id}/result`, issuer), 'GET', undefined, undefined, { DPoP })

// signs has taro open the address, read the document on the phone and sign it, and returns where the service finds the answer.
const signs = async (bank, url) => {
  const page = await (await visitor(narrow)).newPage()
  await is.take(page, town, is.people.taro)
  await page.goto(url.href)
  await page.getByText('application.txt').waitFor()
  assert.ok(await sideways(page) <= 0, 'the page does not run off the side')
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  await page.getByText('普通預金口座を申し込みます。').waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(password)
  await is.press(page, '署名する')
  await page.getByText('店に戻りました').waitFor()
  return new URL(page.url())
}

job('a text is brought, signed on the phone, and fetched by the login that signed it', async () => {
  const bank = await service('sign-bank')
  try {
    const brought = await bring(bank)
    assert.equal(brought.status, 201, await brought.clone().text())
    const { sign_transaction_id: id } = await brought.json()
    const { url, kept } = await push(bank, id)
    const tokens = await oidc.authorizationCodeGrant(bank.config, await signs(bank, url), { ...kept, idTokenExpected: true }, undefined, { DPoP: bank.DPoP })
    assert.equal(tokens.claims().acr, `${bank.issuer}/acr/r3`)
    assert.ok(tokens.claims().amr.includes('pwd'), `${tokens.claims().amr}`)
    const answer = await result(bank, tokens.access_token, id)
    assert.equal(answer.status, 200, await answer.clone().text())
    const signed = await answer.json()
    assert.equal(signed.verdict, 'passed')
    assert.equal(signed.sub, tokens.claims().sub)
    assert.equal(signed.signed.signatures[0].signer.kind, 'phone-sign')
    // Others read it: the signature is over the bytes that were brought.
    const folder = mkdtempSync(path.join(tmpdir(), 'signscope-'))
    try {
      writeFileSync(path.join(folder, 'a.p7s'), Buffer.from(signed.signature, 'base64'))
      writeFileSync(path.join(folder, 'a.txt'), text)
      const authorities = path.join(folder, 'authorities.pem')
      writeFileSync(authorities, await (await fetch(`http://127.0.0.1:${town.base + 1}/ca/bundle.pem`)).text())
      execFileSync('openssl', ['cms', '-verify', '-cades', '-binary', '-inform', 'DER', '-in', `${folder}/a.p7s`, '-content', `${folder}/a.txt`,
        '-CAfile', authorities, '-purpose', 'any', '-out', `${folder}/b.txt`], { stdio: 'pipe' })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    // The client's own token opens nothing of it.
    const own = await oidc.clientCredentialsGrant(bank.config, { scope: 'sign' }, { DPoP: bank.DPoP })
    await assert.rejects(result(bank, own.access_token, id), (e) => e.status === 403 || e.response?.status === 403 || e.cause?.[0]?.parameters?.error === 'insufficient_scope')
  } finally {
    bank.here.stop()
  }
})

job('a text, a PDF and an XML document are read and signed under one password without script, and the phone keeps copies', async () => {
  const bank = await service('three-bank')
  try {
    const counter = await (await visitor(narrow)).newPage() // a browser finds the name, Node does not
    await counter.goto(town.url('street', '/shop'))
    const paper = async (what) => Buffer.from(await counter.evaluate(async (at) => Array.from(new Uint8Array(await (await fetch(at)).arrayBuffer())), `/shop/paper/${what}`))
    const long = `${'declaration'.repeat(12)}.xml` // no place to break it
    const documents = [
      { name: 'application.txt', media_type: 'text/plain', format: 'cades', document: Buffer.from(text) },
      { name: 'terms.pdf', media_type: 'application/pdf', format: 'pades', document: await paper('pdf') },
      { name: long, media_type: 'application/xml', format: 'xades', document: await paper('xml') },
    ]
    const brought = await bring(bank, {
      document: undefined, name: undefined, media_type: undefined, format: undefined,
      documents: documents.map((d) => ({ ...d, document: d.document.toString('base64') })),
    })
    assert.equal(brought.status, 201, await brought.clone().text())
    const { sign_transaction_id: id } = await brought.json()
    const { url, kept } = await push(bank, id)
    const context = await visitor(narrow, { javaScriptEnabled: false })
    const page = await context.newPage()
    await page.goto(town.url('phone'))
    await is.press(page, is.named('taro'))
    await page.goto(url.href)
    for (const { name } of documents) await page.getByText(name).waitFor()
    assert.ok(await sideways(page) <= 0, 'the login page does not run off the side')
    await is.press(page, /この端末|このスマホ/)
    await is.at(page, /からの確認$/)
    assert.deepEqual(await page.getByRole('heading', { level: 2, name: /^\d \/ 3/ }).allInnerTexts(), ['1', '2', '3'].map((n) => `${n} / 3　署名する文書`))
    assert.ok(await sideways(page) <= 0, 'the page does not run off the side')
    await page.setViewportSize({ width: 320, height: 640 })
    assert.ok(await sideways(page) <= 0, 'nor at 320 px')
    await is.follow(page, long)
    assert.ok(page.url().endsWith('#document-3'))
    const field = page.getByLabel('スマホの署名用パスワード', { exact: true })
    const read = (name) => page.getByRole('checkbox', { name: `「${name}」を終わりまで読みました` })
    await read('application.txt').check()
    await read(long).check()
    await field.fill(password)
    await is.press(page, '署名する')
    await page.getByText('まだ読んでいない文書があります。').waitFor()
    const [viewer] = await Promise.all([context.waitForEvent('page'), is.follow(page, 'PDFを開いて読む')])
    await viewer.close()
    await read('terms.pdf').check()
    assert.ok(await read('application.txt').isChecked(), 'what was ticked stays ticked')
    await field.fill(password)
    await is.press(page, '署名する')
    await page.getByText('店に戻りました').waitFor()
    const tokens = await oidc.authorizationCodeGrant(bank.config, new URL(page.url()), { ...kept, idTokenExpected: true }, undefined, { DPoP: bank.DPoP })
    const signed = await (await result(bank, tokens.access_token, id)).json()
    assert.equal(signed.verdict, 'passed')
    assert.deepEqual(signed.documents.map((d) => [d.name, d.verdict, d.signed.signatures[0].format]),
      [['application.txt', 'passed', 'CAdES'], ['terms.pdf', 'passed', 'PAdES'], [long, 'passed', 'XAdES']])
    // What the bank has, the person has too, and can take out and erase.
    await page.goto(town.url('phone', '/p/taro-phone/'))
    await is.follow(page, '署名した書類')
    await is.at(page, '署名した書類')
    for (const { name } of documents) await page.getByRole('link', { name, exact: true }).first().waitFor()
    assert.ok(await sideways(page) <= 0, 'the list does not run off the side')
    await is.follow(page, long)
    await is.at(page, long)
    assert.ok(await sideways(page) <= 0, 'nor does a copy')
    await page.goBack()
    await page.getByRole('link', { name: 'terms.pdf', exact: true }).first().click()
    await is.at(page, 'terms.pdf')
    const [file] = await Promise.all([page.waitForEvent('download'), is.follow(page, '署名の入った文書を取り出す')])
    assert.equal(file.suggestedFilename(), 'signed-terms.pdf')
    assert.deepEqual(readFileSync(await file.path()), Buffer.from(signed.documents[1].signature, 'base64'))
    await page.getByText('この書類を消す').click()
    await page.getByRole('checkbox', { name: '消すと元に戻せないことが分かりました' }).check()
    await is.press(page, '消す')
    await page.getByText('消しました。').waitFor()
    assert.equal(await page.getByRole('link', { name: 'terms.pdf', exact: true }).count(), 0)
  } finally {
    bank.here.stop()
  }
})

job('the result is sealed to a key of the service', async () => {
  const bank = await service('seal-bank')
  try {
    const { publicKey, privateKey } = await jose.generateKeyPair('ECDH-ES+A256KW', { crv: 'P-256' })
    const { sign_transaction_id: id } = await (await bring(bank, { encrypt: { ...await jose.exportJWK(publicKey), alg: 'ECDH-ES+A256KW' } })).json()
    const { url, kept } = await push(bank, id)
    const tokens = await oidc.authorizationCodeGrant(bank.config, await signs(bank, url), { ...kept, idTokenExpected: true }, undefined, { DPoP: bank.DPoP })
    const answer = await result(bank, tokens.access_token, id)
    assert.equal(answer.headers.get('content-type'), 'application/jose')
    const { plaintext } = await jose.compactDecrypt(await answer.text(), privateKey)
    assert.equal(JSON.parse(new TextDecoder().decode(plaintext)).verdict, 'passed')
  } finally {
    bank.here.stop()
  }
})

job('the quick start for signing in docs/relying-parties.md runs as it stands there', async () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/relying-parties.md'), 'utf8')
  const [, code] = page.match(/```mjs\n(.*?)```/s) ?? assert.fail('there is no code for signing')
  const bank = await service('quick-sign')
  bank.here.stop() // its address is the quick start's now
  const here = new URL(bank.here.origin)
  const folder = path.join(import.meta.dirname, 'node_modules', '.quick-sign') // from where Node finds the module
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'sign.mjs'), code.replaceAll('127.0.0.1:9000', here.host))
  const server = spawn(process.execPath, ['sign.mjs'], {
    cwd: folder, stdio: ['ignore', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, ISSUER: bank.issuer, CLIENT_ID: 'quick-sign', CLIENT_KEY: JSON.stringify(bank.jwk), PURPOSE: 'open' },
  })
  let said = ''
  server.stderr.on('data', (d) => { said += d })
  try {
    let began
    for (const end = Date.now() + 20_000; ; await sleep(50)) {
      began = await fetch(`${here.origin}/sign`, { redirect: 'manual' }).catch(() => undefined)
      if (began || Date.now() > end) break
    }
    assert.equal(began?.status, 303, said || 'the server does not answer')
    const answered = await approved(town, began.headers.get('location'))
    assert.equal((await fetch(answered)).status, 400, 'a browser that began nothing')
    const cookie = began.headers.get('set-cookie').split(';')[0]
    assert.match(await (await fetch(answered, { headers: { cookie } })).text(), /^Signed by /, said)
    assert.ok(existsSync(path.join(folder, 'order.txt.p7s')))
  } finally {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})
