// A browser without script or pictures, for what programs of others need one for: it keeps cookies, follows redirects
// and stops where it would leave the verifier's pages.
import http from 'node:http'

export class Plain {
  constructor (origin) {
    this.origin = origin
    this.cookies = new Map()
  }

  get (url) { return this.ask('GET', url) }

  // post sends a form of the page it is on.
  post (url, form) { return this.ask('POST', url, new URLSearchParams(form).toString()) }

  async ask (method, url, body) {
    for (let hops = 0; hops < 20; hops++) {
      const { status, headers, text } = await this.once(method, url, body)
      for (const line of headers['set-cookie'] ?? []) {
        const [, name, value] = line.match(/^([^=]+)=([^;]*)/)
        this.cookies.set(name, value)
      }
      const [, refresh] = (headers.refresh ?? '').match(/url=(.*)$/) ?? []
      const to = headers.location ?? refresh
      const next = to && new URL(to, url)
      // A page that leads on by itself shows it; one that leads away from here is where we stop.
      if (!next || next.origin !== this.origin) return { status, url, text, away: next?.href }
      if (!headers.location) return { status, url, text, away: next.href }
      method = 'GET'; url = next.href; body = undefined
    }
    throw new Error(`redirects without end at ${url}`)
  }

  once (method, url, body) {
    return new Promise((resolve, reject) => {
      const at = new URL(url)
      const headers = { cookie: [...this.cookies].map(([n, v]) => `${n}=${v}`).join('; '), accept: 'text/html' }
      if (body !== undefined) Object.assign(headers, { 'content-type': 'application/x-www-form-urlencoded', origin: at.origin, 'sec-fetch-site': 'same-origin', 'content-length': Buffer.byteLength(body) })
      // Names under localhost are this machine; Node does not know.
      const request = http.request(at, { method, headers, lookup: (_, options, done) => options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4) }, (response) => {
        const parts = []
        response.on('data', (d) => parts.push(d))
        response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(parts).toString() }))
      })
      request.on('error', reject)
      request.end(body)
    })
  }
}
