// Has this browser told of notices (Push API). The form carries what the browser's push service gave.
'use strict'
const bytes = (s) => Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
const text = (b) => btoa(String.fromCharCode(...new Uint8Array(b))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
const able = isSecureContext && 'serviceWorker' in navigator && 'PushManager' in window
for (const el of document.querySelectorAll('[data-push]')) el.hidden = !able
for (const el of document.querySelectorAll('[data-push-none]')) el.hidden = able
for (const form of document.querySelectorAll('form[data-push-key]')) {
  form.addEventListener('submit', async (event) => {
    if (form.elements.endpoint.value) return
    event.preventDefault()
    const failed = document.querySelector('[data-push-failed]')
    failed.hidden = true
    try {
      if (await Notification.requestPermission() !== 'granted') throw new Error('refused')
      const worker = await navigator.serviceWorker.register('/push-sw.js')
      await navigator.serviceWorker.ready
      const given = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(form.dataset.pushKey) })
      form.elements.endpoint.value = given.endpoint
      form.elements.p256dh.value = text(given.getKey('p256dh'))
      form.elements.auth.value = text(given.getKey('auth'))
      form.submit()
    } catch {
      failed.hidden = false
    }
  })
}
