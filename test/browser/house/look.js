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
  await page.getByRole('main').waitFor()
  if (page.context().scriptless) return // axe needs script; the same pages are read by visitors who have it
  assert.ok(await sideways(page) <= 0, `${page.url()} scrolls sideways by ${await sideways(page)} px`)
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

// sideways is by how many px the page is wider than the window.
export const sideways = (page) => page.evaluate(() => {
  const e = document.documentElement
  return e.scrollWidth - e.clientWidth
})
