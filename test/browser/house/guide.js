// The guide's pictures and film: made only with TEGATA_GUIDE=1, so that a test run leaves the tree as it was.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { guided } from './browser.js'

const folder = path.resolve(import.meta.dirname, '../../../docs/guide')
const ffmpeg = (...args) => execFileSync('ffmpeg', ['-loglevel', 'error', '-y', ...args])

// picture saves what the window shows as docs/guide/NAME.png in few colours: pages are flat, so nothing is lost.
export const picture = async (page, name) => {
  if (!guided) return
  mkdirSync(folder, { recursive: true })
  await sleep(1200) // for the film: time to read
  await page.evaluate(() => document.fonts.ready)
  const raw = path.join(tmpdir(), `${name}.${process.pid}.png`)
  await page.screenshot({ path: raw, animations: 'disabled', caret: 'hide' })
  const out = path.join(folder, `${name}.png`)
  for (const colours of [64, 32, 16]) {
    ffmpeg('-i', raw, '-vf', `split[a][b];[a]palettegen=max_colors=${colours}:reserve_transparent=0[p];[b][p]paletteuse=dither=none`, '-pred', 'mixed', '-map_metadata', '-1', out)
    if (statSync(out).size <= 150_000) break
  }
  rmSync(raw)
}

// Film gathers what the page in front shows, with the moment of each frame, and makes one file of it at the end.
export class Film {
  constructor () {
    this.home = guided && mkdtempSync(path.join(tmpdir(), 'tegata-film.'))
    this.frames = []
  }

  // follow films a page from now on; the page before is in front no more.
  async follow (page) {
    if (!guided) return
    await this.session?.detach().catch(() => {})
    const session = this.session = await page.context().newCDPSession(page)
    session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
      if (session !== this.session) return
      const file = path.join(this.home, `${String(this.frames.length).padStart(5, '0')}.jpg`)
      writeFileSync(file, Buffer.from(data, 'base64'))
      this.frames.push({ file, at: metadata.timestamp })
      session.send('Page.screencastFrameAck', { sessionId }).catch(() => {})
    })
    await session.send('Page.startScreencast', { format: 'jpeg', quality: 90, maxWidth: 780, maxHeight: 1688, everyNthFrame: 1 })
  }

  // save writes docs/guide/NAME.webm.
  async save (name) {
    if (!guided) return
    await sleep(1500)
    await this.session?.detach().catch(() => {})
    this.frames.sort((a, b) => a.at - b.at)
    const lines = this.frames.map((f, i) => {
      const next = this.frames[i + 1]?.at ?? f.at + 2
      return `file '${f.file}'\nduration ${Math.min(3, Math.max(0.02, next - f.at)).toFixed(3)}`
    })
    lines.push(`file '${this.frames.at(-1).file}'`)
    const list = path.join(this.home, 'list.txt')
    writeFileSync(list, lines.join('\n'))
    ffmpeg('-f', 'concat', '-safe', '0', '-i', list, '-vf', 'scale=390:844:force_original_aspect_ratio=decrease,pad=390:844:-1:-1:white,fps=10',
      '-c:v', 'libvpx-vp9', '-b:v', '0', '-crf', '38', '-row-mt', '1', '-deadline', 'good', '-cpu-used', '2', '-an', path.join(folder, `${name}.webm`))
    rmSync(this.home, { recursive: true, force: true })
  }
}
