// Copies the slices of Noto Sans JP that the pages use into ../static/fonts and
// writes fonts.css beside this file. Which slices: every one with a kanji of JIS
// X 0208 level 1, kana or Latin in weight 400; the 60 most frequent in weight
// 700, for headings. What is missing falls back to the system's font.
import { readFileSync, writeFileSync, mkdirSync, copyFileSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const from = join(here, 'node_modules/@fontsource/noto-sans-jp')
const to = join(here, '../static/fonts')

const wanted = {
  400: (n) => n === 'latin' || n === 'latin-ext' || (n >= 5 && n <= 49) || (n >= 60 && n <= 119),
  700: (n) => n === 'latin' || (n >= 60 && n <= 119),
}

mkdirSync(to, { recursive: true })
for (const f of readdirSync(to)) rmSync(join(to, f))
let css = '/* made by fonts.mjs */\n'
for (const [weight, keep] of Object.entries(wanted)) {
  const faces = readFileSync(join(from, `${weight}.css`), 'utf8')
  for (const m of faces.matchAll(/\/\* noto-sans-jp-(\S+)-\d+-normal \*\/[^}]*unicode-range: ([^;]+);/g)) {
    const name = m[1].replace(/[[\]]/g, '')
    if (!keep(/^\d+$/.test(name) ? Number(name) : name)) continue
    const file = `noto-sans-jp-${name}-${weight}-normal.woff2`
    copyFileSync(join(from, 'files', file), join(to, file))
    css += `@font-face{font-family:"Noto Sans JP";font-style:normal;font-display:swap;font-weight:${weight};` +
      `src:url(fonts/${file}) format("woff2");unicode-range:${m[2]}}\n`
  }
}
copyFileSync(join(from, 'LICENSE'), join(to, 'LICENSE.txt'))
writeFileSync(join(here, 'fonts.css'), css)
