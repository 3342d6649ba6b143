// Writes docs/guide/README.md and guide.json, which the portal shows, from the captions and the pictures that are there.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const folder = path.resolve(import.meta.dirname, '../../../docs/guide')
const { title, more, chapters } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'captions.json'), 'utf8'))
const lines = [`# ${title.ja} / ${title.en}`, '', ...more, '']
for (const [i, c] of chapters.entries()) {
  lines.push(`## ${i + 1}. ${c.ja} / ${c.en}`, '')
  if (c.text) lines.push(`${c.text.ja} / ${c.text.en}`, '')
  const cells = c.pictures.map((p) => {
    if (!existsSync(path.join(folder, `${p.name}.png`))) throw new Error(`the guide has no picture ${p.name}`)
    return `${p.ja}<br>${p.en}<br>![${p.ja}](${p.name}.png)`
  })
  if (cells.length) lines.push('| | |', '|---|---|')
  for (let j = 0; j < cells.length; j += 2) lines.push(`| ${cells[j]} | ${cells[j + 1] ?? ''} |`)
  lines.push('')
}
lines.push(`## ${chapters.length + 1}. よくある質問 / Questions people ask`, '')
for (const { q, a } of JSON.parse(readFileSync(path.join(folder, 'questions.json'), 'utf8'))) {
  lines.push(`**${q.ja}** ${a.ja}<br>**${q.en}** ${a.en}`, '')
}
writeFileSync(path.join(folder, 'README.md'), lines.join('\n').trimEnd() + '\n')
writeFileSync(path.join(folder, 'guide.json'), JSON.stringify(chapters, null, 1) + '\n')
