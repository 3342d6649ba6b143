// Pictures for a person to look at, where TEGATA_SHOTS names a folder: each page on a phone and on a desk.
import { mkdirSync } from 'node:fs'
import { narrow, wide } from './browser.js'

// keep keeps two pictures of a page, and leaves it as wide as it was.
export const keep = async (page, name) => {
  const folder = process.env.TEGATA_SHOTS
  if (!folder) return
  mkdirSync(folder, { recursive: true })
  const was = page.viewportSize()
  for (const { viewport } of [narrow, wide]) {
    await page.setViewportSize(viewport)
    await page.screenshot({ path: `${folder}/${name}-${viewport.width}.png`, fullPage: true })
  }
  await page.setViewportSize(was)
}
