// The phone as an installed app, and the card that is read when it is there.
'use strict'
const manifest = document.querySelector('link[rel=manifest]')
if (manifest && 'serviceWorker' in navigator && isSecureContext) {
  const base = new URL('.', manifest.href).pathname
  navigator.serviceWorker.register(base + 'sw.js', { scope: base }).catch(() => { /* works without */ })
}
// A card that has just been held to the phone is read without a press.
const whenThere = () => {
  const form = document.querySelector('form[data-auto]')
  if (form && !form.dataset.sent) form.requestSubmit()
}
const port = document.getElementById('port')
if (port) new MutationObserver(whenThere).observe(port, { childList: true, subtree: true })
whenThere()
