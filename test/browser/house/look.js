// What is looked at on every page that a test visits.
import { AxeBuilder } from '@axe-core/playwright'
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

// What was read already, by this file and by those before it.
const note = process.env.TEGATA_TOWN && path.join(process.env.TEGATA_TOWN, 'looked-at')
const seen = new Set(note && existsSync(note) ? readFileSync(note, 'utf8').split('\n') : [])

// look has axe-core read the page and sees that nothing runs off its side. A page that was read before, in the same
// state, is not read again: state is its language, its path without ids, its first headings and its alerts.
export const look = async (page) => {
  try {
    await read(page)
  } catch (e) {
    if (!/context was destroyed|frame was detached/i.test(e.message)) throw e
    await page.waitForLoadState() // it was on its way to the next one, which is the page to look at
    await read(page)
  }
}

const read = async (page) => {
  await page.getByRole('main').waitFor()
  if (page.context().scriptless) return // axe needs script; the same pages are read by visitors who have it
  assert.ok(await sideways(page) <= 0, `${page.url()} scrolls sideways by ${await sideways(page)} px`)
  assert.deepEqual(await crooked(page), [], `the header of ${page.url()} is crooked`)
  const parts = await page.locator('h1, h2, [role=alert]').allTextContents()
  const place = new URL(page.url()).pathname.replace(/[\w-]{20,}/g, '…').replace(/^\/p\/[^/]+/, '/p/…')
  const lang = await page.evaluate(() => document.documentElement.lang)
  const state = [lang, place, ...parts.slice(0, 5)].join(' ').replace(/\s+/g, ' ').replace(/(^| )\S+ \S+さん/g, '…さん')
  if (seen.has(state)) return
  // Without legacy mode axe opens a page of its own to gather frames; these pages have none.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  const bad = violations.filter((v) => ['serious', 'critical'].includes(v.impact))
  assert.deepEqual(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`), [], `axe-core at ${page.url()}`)
  seen.add(state)
  if (note) appendFileSync(note, state + '\n')
}

// fits sees what of a page runs off the side of a small window, or with letters twice as large.
export const fits = async (page) => {
  const wrong = []
  const at = new URL(page.url())
  const size = page.viewportSize()
  await page.setViewportSize({ width: 320, height: 640 })
  if (await sideways(page) > 0) wrong.push(`${at.host}${at.pathname} at 320 px: ${await sideways(page)} px too wide`)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%' })
  if (await sideways(page) > 0) wrong.push(`${at.host}${at.pathname} at 200 %: ${await sideways(page)} px too wide`)
  await page.evaluate(() => { document.documentElement.style.fontSize = '' })
  await page.setViewportSize(size)
  return wrong
}

// crooked is what stands in the header's line and not at its middle: neighbours whose heights overlap by less than half.
const crooked = (page) => page.evaluate(() => {
  const all = [...document.querySelectorAll('header a, header button')].map((e) => ({ name: e.textContent.trim(), box: e.getBoundingClientRect() })).filter((e) => e.box.height > 0)
  const wrong = []
  for (const [i, b] of all.entries()) {
    const a = all[i - 1]
    if (!a || b.box.left < a.box.right - 1) continue // the first of a line
    const [p, q] = [a, b].map(({ box }) => (box.top + box.bottom) / 2)
    if (Math.abs(p - q) > 4) wrong.push(`${a.name} at ${p}, ${b.name} at ${q}`)
  }
  return wrong
})

// apart is the gap in px between two things that stand one under the other.
export const apart = async (upper, lower) => {
  const [a, b] = [await upper.boundingBox(), await lower.boundingBox()]
  return b.y - (a.y + a.height)
}

// sideways is by how many px the page is wider than the window.
export const sideways = (page) => page.evaluate(() => {
  const e = document.documentElement
  return e.scrollWidth - e.clientWidth
})
