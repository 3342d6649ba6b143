// Reads a QR code with the camera. The picture stays in this page.
'use strict'
const video = document.querySelector('[data-camera]')
const says = document.querySelector('[data-camera-says]')
const start = document.querySelector('[data-camera-start]')
const scanForm = document.querySelector('form[data-scan]')
if (video && start && scanForm) {
  const canvas = document.createElement('canvas')
  const draw = canvas.getContext('2d', { willReadFrequently: true })
  let stream
  const stop = () => { if (stream) for (const t of stream.getTracks()) t.stop(); stream = null; video.hidden = true }
  const look = () => {
    if (!stream) return
    if (video.readyState === video.HAVE_ENOUGH_DATA) {
      canvas.width = video.videoWidth
      canvas.height = video.videoHeight
      draw.drawImage(video, 0, 0)
      const picture = draw.getImageData(0, 0, canvas.width, canvas.height)
      const code = jsQR(picture.data, picture.width, picture.height, { inversionAttempts: 'dontInvert' })
      if (code && /^https?:\/\/\S+$/.test(code.data)) {
        says.textContent = says.dataset.found
        stop()
        scanForm.elements.link.value = code.data
        scanForm.requestSubmit()
        return
      }
      if (code && code.data) says.textContent = says.dataset.other
    }
    setTimeout(look, 120)
  }
  start.addEventListener('click', async () => {
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' }, audio: false })
    } catch {
      says.textContent = says.dataset.none
      return
    }
    start.hidden = true
    video.srcObject = stream
    video.hidden = false
    await video.play()
    says.textContent = says.dataset.looking
    look()
  })
  addEventListener('pagehide', stop)
}
