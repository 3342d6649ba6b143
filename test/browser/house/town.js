// The neighbourhood under test: the real binary, `tegata up` in a directory of its own.
//
// test/browser/run builds the binary and names it in TEGATA_BINARY; TEGATA_TOWN is a directory where the first test
// that asks leaves word of the town it started, so that the files after it use the same one. Without TEGATA_TOWN a
// file starts a town of its own and stops it at the end.
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const binary = process.env.TEGATA_BINARY ?? path.resolve(import.meta.dirname, '../../../bin/tegata')
const run = promisify(execFile)

// free reports whether nothing listens on a port of the loopback.
const free = (port) => new Promise((yes) => {
  const s = net.createServer()
  s.once('error', () => yes(false))
  s.listen(port, '127.0.0.1', () => s.close(() => yes(true)))
})

// freeBase finds a base port whose nineteen ports are all free. Lanes that start a town at the same moment look from
// different ports on (TEGATA_BASE): between looking and listening another could take them.
const freeBase = async () => {
  for (let base = Number(process.env.TEGATA_BASE ?? 20400); base < 30000; base += 100) {
    const all = await Promise.all([...Array(19).keys()].map((i) => free(base + i)))
    if (all.every(Boolean)) return base
  }
  throw new Error('no nineteen free ports in a row')
}

// town starts the neighbourhood, or finds the one that is running.
export const town = async () => {
  const shared = process.env.TEGATA_TOWN
  const note = shared && path.join(shared, 'town.json')
  if (note && existsSync(note)) return new Town(JSON.parse(readFileSync(note, 'utf8')))
  const home = shared ?? mkdtempSync(path.join(tmpdir(), 'tegata-browser.'))
  const base = await freeBase()
  const log = path.join(home, 'up.log')
  const out = openSync(log, 'w')
  const args = ['up', '-data', path.join(home, 'data'), '-listen', `127.0.0.1:${base}`]
  const began = Date.now()
  const child = spawn(binary, args, { stdio: ['ignore', out, out], detached: Boolean(shared) })
  child.unref()
  const word = { pid: child.pid, base, home, log, began }
  if (note) writeFileSync(note, JSON.stringify(word))
  else process.on('exit', () => { child.kill(); rmSync(home, { recursive: true, force: true }) })
  return new Town(word)
}

export class Town {
  constructor (word) { Object.assign(this, word) }

  // url is where a party's pages are; the names and the order of ports are stable.
  url (party, place = '/') {
    const port = { street: 0, issuer: 1, verifier: 2, phone: 3, portal: 4, municipality: 5, bank: 10, carrier: 11, pay: 12, helpdesk: 13 }[party]
    return `http://${party}.localhost:${this.base + port}${place}`
  }

  said () { return readFileSync(this.log, 'utf8') }

  // printed waits until the program has printed what matches.
  async printed (what, seconds = 60) {
    const end = Date.now() + seconds * 1000
    for (;;) {
      const found = this.said().match(what)
      if (found) return found
      if (Date.now() > end) throw new Error(`tegata up did not print ${what}:\n${this.said()}`)
      await sleep(20)
    }
  }

  // cut kills the neighbourhood as a power cut does, and starts it again. Only in a town that the file has for itself.
  async cut () {
    process.kill(this.pid, 'SIGKILL')
    while (!(await free(this.base))) await sleep(50)
    const out = openSync(this.log, 'w')
    const child = spawn(binary, ['up', '-data', path.join(this.home, 'data'), '-listen', `127.0.0.1:${this.base}`], { stdio: ['ignore', out, out] })
    child.unref()
    this.pid = child.pid
    process.on('exit', () => child.kill())
    await this.ready()
  }

  // ready waits for the whole town.
  ready () { return this.printed(/^ready$/m) }

  // tegata runs a command of the same program and returns what it printed.
  async tegata (...args) { return (await this.running(...args)).stdout }

  // running is the same with what people read beside it, on standard error.
  running (...args) {
    const at = ['-data', path.join(this.home, 'data'), '-street', `http://127.0.0.1:${this.base}`]
    return run(binary, [...args.slice(0, 2), ...at, ...args.slice(2)])
  }

  // newPhone puts one more virtual phone on this machine.
  newPhone (id) { return this.tegata('phone', 'new', id) }

  // insert holds a card to an address until the returned function takes it away.
  insert (card, address) {
    const at = ['-data', path.join(this.home, 'data'), '-street', `http://127.0.0.1:${this.base}`]
    const child = spawn(binary, ['card', 'insert', ...at, '-into', `vpcd:${address}`, card], { stdio: 'ignore' })
    return () => child.kill()
  }
}
