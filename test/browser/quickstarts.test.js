// The quick starts as the developers' page shows them, with a client's own id and addresses in them, run as they stand: built, started, and a resident who answers by itself logs in.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Plain } from './house/plain.js'
import { site } from './house/relying.js'
import { town as start } from './house/town.js'

const root = path.resolve(import.meta.dirname, '../..')
const nginx = '/usr/sbin/nginx' // Debian's, which is not in everybody's PATH
const run = promisify(execFile)
let town, folder
before(async () => {
  town = await start()
  await town.ready()
  folder = mkdtempSync(path.join(tmpdir(), 'tegata-quick-'))
})
after(() => rmSync(folder, { recursive: true, force: true }))

// free is an origin on the loopback at which nobody listens.
const free = async () => {
  const held = await site()
  held.stop()
  return new URL(held.origin)
}

const text = (html) => html.replace(/&#34;|&quot;/g, '"').replace(/&#39;/g, "'").replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&#43;/g, '+').replace(/&amp;/g, '&')

// service registers a service at the page, and returns its values with the quick starts that its own page shows, by name.
const service = async (callback, more = {}) => {
  const at = town.url('verifier', '/developers')
  const developer = new Plain(new URL(at).origin)
  const done = await developer.post(at + '/new', {
    name_ja: '青葉書店', name_en: 'Aoba Books', sentence_ja: '注文の一覧を見ます。', sentence_en: 'See your orders.', redirect_uris: callback, profile: 'basic', risk: 'R1', claims: 'name', ...more,
  })
  const shown = [...done.text.matchAll(/<code>([^<]+)<\/code>/g)].map((m) => m[1])
  assert.equal(done.status, 200, done.text)
  const page = await developer.post(at + '/client', { client: shown[0], token: shown.at(-1) })
  const codes = Object.fromEntries([...page.text.matchAll(/<summary>([^<]*)<\/summary><div class="table-box"[^>]*><pre><code>(.*?)<\/code><\/pre>/gs)].map((m) => [text(m[1]), text(m[2])]))
  return { id: shown[0], secret: shown.length === 3 ? shown[1] : undefined, codes }
}

// running starts a program and returns when it listens at origin; stop ends it.
const running = async (t, origin, command, args, env = {}) => {
  const program = spawn(command, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const out of [program.stdout, program.stderr]) out.on('data', (d) => { said += d })
  t.after(() => { program.kill(); if (!t.passed) t.diagnostic(said) })
  for (const end = Date.now() + 20_000; ; await sleep(50)) {
    if (await fetch(origin, { redirect: 'manual' }).then(() => true, () => false)) return
    assert.ok(Date.now() < end && program.exitCode === null, `${command} does not listen: ${said}`)
  }
}

// answered has a new browser go to a client's address and the resident who always approves answer, and returns where the browser is led.
const answered = async (address) => {
  const browser = new Plain(new URL(town.url('verifier')).origin)
  const asked = await browser.get(address)
  assert.match(asked.url, /\/login\/[\w-]+$/, asked.text)
  const to = await browser.post(asked.url + '/ask', { with: 'this' })
  assert.match(to.away ?? '', /\/open\?request_uri=/, to.text)
  const answer = await fetch(`http://127.0.0.1:${town.base}/residents/auto-approves/answer`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ request: to.away }),
  })
  const out = await answer.json()
  assert.ok(out.approved, JSON.stringify(out))
  return (await browser.get(out.redirect)).away
}

// greets logs in at a service that says hello.
const greets = async (origin) => {
  const browser = new Plain(origin)
  const { away } = await browser.get(`${origin}/login`)
  const { status, text } = await browser.get(await answered(away))
  assert.equal(status, 200, text)
  assert.match(text, /^Hello, [^ ]+　[^ ]+ \([\w-]{20,}\)\.\n$/)
}

const built = async (name, code) => {
  const source = path.join(folder, name + '.go')
  writeFileSync(source, code)
  await run('go', ['build', '-o', path.join(folder, name), source], { cwd: root })
  return path.join(folder, name)
}

// placed is a file from where Node finds the libraries.
const placed = (t, code) => {
  const dir = path.join(import.meta.dirname, 'node_modules', `.quick-${process.pid}-${Math.random().toString(36).slice(2)}`)
  mkdirSync(dir, { recursive: true })
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  writeFileSync(path.join(dir, 'server.mjs'), code)
  return path.join(dir, 'server.mjs')
}

test('Go and Node, with a secret', async (t) => {
  for (const [name, begin] of [['Go', async (code) => [await built('secret', code)]], ['Node', async (code) => [process.execPath, placed(t, code)]]]) {
    const here = await free()
    const { secret, codes } = await service(`${here.origin}/callback`)
    const [command, ...args] = await begin(codes[name])
    await running(t, here.origin, command, args, { CLIENT_SECRET: secret })
    await greets(here.origin)
  }
})

test('Go and Node, private_key_jwt and fapi2, with the keys that the page makes', async (t) => {
  // The first registration only shows how keys are made.
  const own = async () => {
    const { codes } = await service('http://127.0.0.1:9/callback', { jwks: JSON.stringify({ keys: [{ kty: 'EC', crv: 'P-256', x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU', y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0', kid: 'a', alg: 'ES256', use: 'sig' }] }) })
    const { stdout } = await run(process.execPath, [placed(t, codes['Node: CLIENT_KEY, JWKS'])])
    const [, key, jwks] = stdout.match(/^CLIENT_KEY=(.*)\nJWKS: (.*)\n$/)
    assert.ok(!jwks.includes('"d"') && key.includes('"d"'), 'the private half is where it belongs')
    return { key, jwks }
  }
  const { key, jwks } = await own()
  const node = async (code) => [process.execPath, placed(t, code)]
  for (const [name, begin, more] of [['Go, private_key_jwt', async (code) => [await built('key', code)], {}], ['Node, private_key_jwt', node, {}],
    ['Go, fapi2', async (code) => [await built('fapi2', code)], { profile: 'fapi2', risk: 'R2' }], ['Node, fapi2', node, { profile: 'fapi2', risk: 'R2' }]]) {
    const here = await free()
    const { secret, codes } = await service(`${here.origin}/callback`, { jwks, ...more })
    assert.equal(secret, undefined)
    const [command, ...args] = await begin(codes[name])
    await running(t, here.origin, command, args, { CLIENT_KEY: key })
    await greets(here.origin)
  }
})

// words takes a command apart as a shell does, with the environment's values in it: the page quotes nothing.
const words = (line, env) => line.replace(/\\\n/g, ' ').replace(/\$(\w+)/g, (_, name) => env[name]).trim().split(/\s+/)

const proxy = async () => {
  const program = path.join(folder, 'oauth2-proxy')
  await run('go', ['build', '-modfile=tools/oauth2-proxy.mod', '-o', program, 'github.com/oauth2-proxy/oauth2-proxy/v7'], { cwd: root, env: { ...process.env, CGO_ENABLED: '0' } })
  return program
}

// board is a site that knows nothing of logins; it says as whom somebody came.
const board = async (t) => {
  const server = http.createServer((request, response) => response.end(`${request.url} for ${request.headers['x-forwarded-user']}`))
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${server.address().port}`
}

// reads comes to the board through a login, with an address of its own and a name that it only claims.
const reads = async (origin) => {
  const browser = new Plain(origin)
  const { away } = await browser.get(`${origin}/board.txt?page=2&of=3`)
  const { status, text } = await browser.get(await answered(away))
  assert.equal(status, 200, text)
  assert.match(text, /^\/board\.txt\?page=2&of=3 for [\w-]{20,}$/)
}

test('a site behind oauth2-proxy', async (t) => {
  const here = await free()
  const { secret, codes } = await service(`${here.origin}/oauth2/callback`)
  const [, ...args] = words(codes['oauth2-proxy'], { CLIENT_SECRET: secret, COOKIE_SECRET: 'c'.repeat(32), UPSTREAM: await board(t) })
  await running(t, here.origin, await proxy(), args)
  await reads(here.origin)
})

test('a site behind nginx, which asks oauth2-proxy', async (t) => {
  if (await run(nginx, ['-v']).then(() => false, () => true)) {
    assert.notEqual(process.env.TEGATA_TOOLS, 'required', 'nginx is not installed; `make test` installs it')
    t.skip('SKIPPED: nginx is not installed; `make test` installs it')
    return
  }
  const here = await free()
  const behind = await free()
  const { secret, codes } = await service(`${here.origin}/oauth2/callback`)
  const ours = (code) => code.replaceAll('127.0.0.1:4180', behind.host)
  const [, ...args] = words(ours(codes['nginx (1): oauth2-proxy']), { CLIENT_SECRET: secret, COOKIE_SECRET: 'c'.repeat(32) })
  await running(t, behind.origin, await proxy(), args)
  const server = ours(codes['nginx (2): nginx.conf']).replace('http://127.0.0.1:8080', await board(t))
  const conf = path.join(folder, 'nginx.conf')
  writeFileSync(conf, `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;\nevents {}\nhttp {\naccess_log off;\n${
    ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join('\n')}\n${server}\n}\n`)
  await running(t, here.origin, nginx, ['-p', folder, '-e', `${folder}/nginx.log`, '-c', conf])
  // Whoever only says a name is nobody.
  const claimed = await fetch(`${here.origin}/board.txt`, { headers: { 'x-forwarded-user': 'mallory' }, redirect: 'manual' })
  assert.equal(claimed.status, 302)
  assert.equal((await fetch(`${here.origin}/oauth2/auth`)).status, 404, 'what nginx asks is nobody else\'s')
  await reads(here.origin)
})
