// A QR code as a camera sees it: from what the screen shows to the text, and to a film for Chromium's fake camera.
import jsQR from 'jsqr'
import { writeFileSync } from 'node:fs'
import { PNG } from 'pngjs'

// readQR decodes the code on a screenshot.
export const readQR = (png) => {
  const { data, width, height } = PNG.sync.read(png)
  const code = jsQR(new Uint8ClampedArray(data), width, height)
  if (!code) throw new Error('no QR code on the screenshot')
  return code.data
}

// filmQR writes what a camera of 640 × 480 sees that points at the code: a raw film (YUV4MPEG2, C420) of two frames,
// which Chromium plays over and over.
export const filmQR = (png, file) => {
  const { data, width, height } = PNG.sync.read(png)
  const [w, h] = [640, 480]
  const scale = Math.max(width / (w - 80), height / (h - 40))
  const y = Buffer.alloc(w * h, 200) // the wall behind
  for (let row = 0; row < h; row++) {
    for (let column = 0; column < w; column++) {
      const from = { x: Math.floor((column - w / 2) * scale + width / 2), y: Math.floor((row - h / 2) * scale + height / 2) }
      if (from.x < 0 || from.y < 0 || from.x >= width || from.y >= height) continue
      const i = 4 * (from.y * width + from.x)
      const grey = (299 * data[i] + 587 * data[i + 1] + 114 * data[i + 2]) / 1000
      y[row * w + column] = 16 + Math.round(grey * 219 / 255)
    }
  }
  const frame = Buffer.concat([Buffer.from('FRAME\n'), y, Buffer.alloc(w * h / 2, 128)])
  writeFileSync(file, Buffer.concat([Buffer.from(`YUV4MPEG2 W${w} H${h} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]))
}
