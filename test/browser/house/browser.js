// Debian's Chromium, the two sizes that the pages are tried at, and what is left of a test that failed.
import { chromium } from 'playwright-core'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'

const flags = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
]

// browser starts Chromium with a fresh profile.
export const browser = (...more) => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...flags, ...more], timeout: 60_000,
})

let one
after(async () => { await one?.close() })

export const guided = process.env.TEGATA_GUIDE === '1'

// A phone in the hand, and a screen on a desk.
export const narrow = {
  viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: 'ja-JP', deviceScaleFactor: guided ? 2 : 1,
}
// For the guide the desk's is smaller: its pictures are read on phones too.
export const wide = guided
  ? { viewport: { width: 760, height: 600 }, locale: 'ja-JP', deviceScaleFactor: 1.5 }
  : { viewport: { width: 1280, height: 800 }, locale: 'ja-JP', deviceScaleFactor: 1 }

const visitors = []

// visitor opens a browser of its own: cookies and storage shared with nobody. Without `from` it is one of the file's
// own Chromium.
export const visitor = async (size, more = {}, from) => {
  from ??= (one ??= await browser())
  const context = await from.newContext({ ...size, ...more })
  context.setDefaultTimeout(30_000)
  context.scriptless = more.javaScriptEnabled === false
  visitors.push(context)
  return context
}

// job is a test whose visitors leave when it ends. When it fails, what they saw last is in test-output/browser.
export const job = (name, body) => test(name, { timeout: 240_000 }, async (t) => {
  try {
    await body(t)
  } catch (e) {
    const folder = path.resolve(import.meta.dirname, '../../../test-output/browser')
    mkdirSync(folder, { recursive: true })
    const pages = visitors.flatMap((c) => c.pages())
    for (const [i, page] of pages.entries()) {
      const file = path.join(folder, `${name.replace(/\W+/g, '-').slice(0, 60)}-${i + 1}.png`)
      await page.screenshot({ path: file, timeout: 5000 }).then(() => t.diagnostic(`${page.url()} looked like ${file}`), () => {})
    }
    throw e
  } finally {
    await Promise.all(visitors.splice(0).map((c) => c.close().catch(() => {})))
  }
})
