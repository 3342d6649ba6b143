// The guide's pictures and films: made only with TEGATA_GUIDE=1, so that a test run leaves the tree as it was.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { guided } from './browser.js'

const folder = path.resolve(import.meta.dirname, '../../../docs/guide')
const ffmpeg = (...args) => execFileSync('ffmpeg', ['-loglevel', 'error', '-y', ...args])
const largest = 400_000 // bytes of a film: the guide is inside the binary

// flat writes a picture in few colours: pages are flat, so nothing is lost.
const flat = (raw, out, ...more) => {
  for (const colours of [64, 32, 16]) {
    ffmpeg('-i', raw, '-vf', [...more, `split[a][b];[a]palettegen=max_colors=${colours}:reserve_transparent=0[p];[b][p]paletteuse=dither=none`].join(','),
      '-pred', 'mixed', '-map_metadata', '-1', out)
    if (statSync(out).size <= 150_000) break
  }
}

// picture saves what the window shows as docs/guide/NAME.png. Given a part of the page, that is scrolled into sight first.
export const picture = async (page, name, part) => {
  if (!guided) return
  mkdirSync(folder, { recursive: true })
  await part?.first().evaluate((e) => e.scrollIntoView({ block: 'center' }))
  await sleep(1200) // for the film: time to read
  await page.evaluate(() => document.fonts.ready)
  const raw = path.join(tmpdir(), `${name}.${process.pid}.png`)
  await page.screenshot({ path: raw, animations: 'disabled', caret: 'hide' })
  flat(raw, path.join(folder, `${name}.png`))
  rmSync(raw)
}

const text = (s) => s.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

// Film gathers what the page in front shows, with the moment of each frame, and makes one file of it at the end, as
// large as the first page's window, or as it is told. It begins with the name of its chapter, which is also the picture that stands
// for the film until somebody starts it.
export class Film {
  constructor (size) {
    this.size = size
    this.home = guided && mkdtempSync(path.join(tmpdir(), 'tegata-film.'))
    this.frames = []
    this.sessions = new Map()
  }

  // follow films a page from now on; the page before is in front no more.
  async follow (page) {
    if (!guided) return
    await this.pause()
    this.page = page
    this.size ??= page.viewportSize()
    let session = this.sessions.get(page)
    if (!session) {
      session = await page.context().newCDPSession(page)
      this.sessions.set(page, session)
      session.on('Page.screencastFrame', ({ data, metadata, sessionId }) => {
        session.send('Page.screencastFrameAck', { sessionId }).catch(() => {})
        if (session !== this.session) return
        const file = path.join(this.home, `${String(this.frames.length + 1).padStart(5, '0')}.jpg`)
        writeFileSync(file, Buffer.from(data, 'base64'))
        this.frames.push({ file, at: metadata.timestamp })
      })
    }
    this.session = session
    await session.send('Page.startScreencast', { format: 'jpeg', quality: 90, maxWidth: 1520, maxHeight: 1688, everyNthFrame: 1 })
  }

  // pause leaves out what comes until follow is called again. Its session stays: with one that leaves, Chromium takes
  // away the page's virtual authenticators.
  async pause () {
    const session = this.session
    this.session = undefined
    await session?.send('Page.stopScreencast').catch(() => {})
  }

  // save writes docs/guide/NAME.webm and its first frame, NAME.png.
  async save (name) {
    if (!guided) return
    await sleep(1500)
    await this.pause()
    const title = path.join(this.home, '00000.jpg')
    await this.title(name, title)
    this.frames.sort((a, b) => a.at - b.at)
    const lines = [`file '${title}'\nduration 2.5`]
    for (const [i, f] of this.frames.entries()) {
      const next = this.frames[i + 1]?.at ?? f.at + 2
      lines.push(`file '${f.file}'\nduration ${Math.min(2.5, Math.max(0.02, next - f.at)).toFixed(3)}`)
    }
    lines.push(`file '${this.frames.at(-1).file}'`)
    const list = path.join(this.home, 'list.txt')
    writeFileSync(list, lines.join('\n'))
    const { width, height } = this.size
    const out = path.join(folder, `${name}.webm`)
    for (const quality of [38, 46, 54, 62]) {
      ffmpeg('-f', 'concat', '-safe', '0', '-i', list,
        '-vf', `scale=${width}:${height}:force_original_aspect_ratio=decrease,pad=${width}:${height}:-1:-1:white,setsar=1,fps=8`, '-map_metadata', '-1', '-fflags', '+bitexact',
        '-c:v', 'libvpx-vp9', '-b:v', '0', '-crf', String(quality), '-g', '240', '-row-mt', '1', '-deadline', 'good', '-cpu-used', '3', '-an', out)
      if (statSync(out).size <= largest) break
    }
    flat(title, path.join(folder, `${name}.png`), `scale=${width}:-1`)
    rmSync(this.home, { recursive: true, force: true })
  }

  // title draws the first frame: what is shown, in both languages.
  async title (name, file) {
    const { chapters } = JSON.parse(readFileSync(path.join(import.meta.dirname, 'captions.json'), 'utf8'))
    const chapter = chapters.find((c) => c.film === name)
    if (!chapter) throw new Error(`no chapter has the film ${name}`)
    const page = await this.page.context().newPage()
    await page.setViewportSize(this.size)
    await page.setContent(`<!doctype html><html lang="ja"><meta name="viewport" content="width=device-width"><style>
      body { margin: 0; height: 100vh; display: grid; place-content: center; padding: 0 32px; box-sizing: border-box; background: #0017c1; color: #fff; font: 400 20px/1.6 "Noto Sans CJK JP", sans-serif }
      h1 { margin: 0 0 16px; font-size: 32px; line-height: 1.5 } p { margin: 0 }
    </style><h1>${text(chapter.ja)}</h1><p lang="en">${text(chapter.en)}</p>`)
    await page.screenshot({ path: file, type: 'jpeg', quality: 95 })
    await page.close()
  }
}
