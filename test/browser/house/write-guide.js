// Writes docs/guide/README.md and guide.json, which the portal shows, from the captions and from the pictures and films
// that are there.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const folder = path.resolve(import.meta.dirname, '../../../docs/guide')
const { title, more, chapters } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'captions.json'), 'utf8'))
const used = new Set()
const need = (file) => {
  if (!existsSync(path.join(folder, file))) throw new Error(`the guide has no ${file}`)
  used.add(file)
  return path.join(folder, file)
}

const lines = [`# ${title.ja} / ${title.en}`, '', ...more, '']
for (const [i, c] of chapters.entries()) {
  if (c.part) lines.push(`**${c.part.ja} / ${c.part.en}**`, '')
  lines.push(`## ${i + 1}. ${c.ja} / ${c.en}`, '')
  if (c.text) lines.push(`${c.text.ja} / ${c.text.en}`, '')
  if (c.film) {
    need(`${c.film}.png`)
    const seconds = execFileSync('ffprobe', ['-v', 'error', '-show_entries', 'format=duration', '-of', 'csv=p=0', need(`${c.film}.webm`)], { encoding: 'utf8' })
    c.seconds = Math.round(Number(seconds))
    lines.push(`[動画（音はありません・${c.seconds}秒） / Film, without sound, ${c.seconds} s](${c.film}.webm)`, '')
  }
  const cells = c.pictures.map((p) => {
    need(`${p.name}.png`)
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
// What no chapter shows would only make the program larger.
const idle = readdirSync(folder).filter((f) => /\.(png|webm)$/.test(f) && !used.has(f))
if (idle.length) throw new Error(`no chapter shows ${idle.join(', ')}`)
writeFileSync(path.join(folder, 'README.md'), lines.join('\n').trimEnd() + '\n')
writeFileSync(path.join(folder, 'guide.json'), JSON.stringify(chapters, null, 1) + '\n')
