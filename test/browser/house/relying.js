// Relying parties of the tests' own: registered by the operator's door, as docs/relying-parties.md says.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { Plain } from './plain.js'

// register registers a client and returns the operator's answer: client_id, issuer and, if it has one, client_secret.
export const register = async (town, client) => {
  const token = readFileSync(path.join(town.home, 'data', 'operator.token'), 'utf8').trim()
  const answer = await fetch(`http://127.0.0.1:${town.base + 2}/v1/clients`, {
    method: 'POST', headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: JSON.stringify(client),
  })
  assert.equal(answer.status, 201, await answer.clone().text())
  return answer.json()
}

// site listens on a free port of the loopback and remembers with what it was asked. stop ends it.
export const site = async () => {
  const asked = []
  const server = http.createServer((request, response) => {
    const parts = []
    request.on('data', (d) => parts.push(d))
    request.on('end', () => {
      asked.push({ url: new URL(request.url, origin), body: Buffer.concat(parts).toString() })
      response.setHeader('content-type', 'text/html; charset=utf-8')
      response.end('<!doctype html><html lang="ja"><meta name="viewport" content="width=device-width"><title>店</title><main style="padding: 24px; font-family: sans-serif"><h1>店に戻りました</h1></main>')
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  return { origin, asked, stop: () => { server.closeAllConnections(); server.close() } }
}

// approved has a new browser go to a client's address and taro's phone approve, and returns where the browser is led.
export const approved = async (town, url) => {
  const file = path.join(town.home, 'taro-phone.json')
  writeFileSync(file, JSON.stringify(JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).phones['taro-phone']), { mode: 0o600 })
  const browser = new Plain(new URL(town.url('verifier')).origin)
  const asked = await browser.get(url)
  assert.match(asked.url, /\/login\/[\w-]+$/, asked.text)
  const to = await browser.post(asked.url + '/ask', { with: 'this' })
  assert.match(to.away ?? '', /\/open\?request_uri=/, to.text)
  const said = await town.tegata('phone', 'approve', 'taro-phone', '-request', to.away, '-secrets', file)
  return (await browser.get(said.trim().split('\n').at(-1))).away
}
