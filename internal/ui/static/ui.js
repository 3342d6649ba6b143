// What pages gain when script runs; each works without it. No secret leaves
// its field here: nothing is stored, logged or sent but by the form itself.
'use strict'

const half = (s) => s.replace(/[！-～]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xfee0))

// Show and hide a secret.
for (const b of document.querySelectorAll('[data-show]')) {
  const field = document.getElementById(b.dataset.show)
  b.hidden = false
  b.addEventListener('click', () => {
    const shown = field.type === 'password'
    field.type = shown ? 'text' : 'password'
    b.setAttribute('aria-pressed', String(shown))
    b.firstElementChild.textContent = shown ? b.dataset.shown : b.dataset.hidden
    field.focus()
  })
}

// Capital letters by themselves; full-width letters become plain ones.
for (const f of document.querySelectorAll('[data-capital]')) {
  f.addEventListener('input', (e) => {
    if (e.isComposing) return
    const v = half(f.value).toUpperCase()
    if (v !== f.value) { const at = f.selectionStart; f.value = v; f.setSelectionRange(at, at) }
  })
}

// Four digits: plain digits only, then on to the next field.
const pins = [...document.querySelectorAll('[data-pin]')]
let last = pins[0]
const onward = (f) => {
  if (f.value.length < 4) return
  const next = pins[pins.indexOf(f) + 1]
  if (next && !next.value) next.focus()
  else if (pins.every((p) => p.value.length === 4)) { const go = (f.closest('details') ?? f.form)?.querySelector('.btn-main'); if (go) go.focus() }
}
for (const f of pins) {
  f.addEventListener('focus', () => { last = f })
  f.addEventListener('input', (e) => {
    if (e.isComposing) return
    const v = half(f.value).replace(/[^0-9]/g, '').slice(0, 4)
    if (v !== f.value) f.value = v
    onward(f)
  })
}
for (const pad of document.querySelectorAll('[data-keypad]')) {
  if (!pins.length) break
  pad.hidden = false
  // On a touch screen the pad replaces the system's keyboard.
  if (matchMedia('(pointer: coarse)').matches) for (const f of pins) f.inputMode = 'none'
  pad.addEventListener('mousedown', (e) => e.preventDefault()) // the field keeps the focus
  pad.addEventListener('click', (e) => {
    const key = e.target.closest('[data-key]')
    if (!key) return
    if (key.dataset.key === 'erase') {
      if (!last.value) { const before = pins[pins.indexOf(last) - 1]; if (before) last = before }
      last.value = last.value.slice(0, -1)
    } else {
      if (last.value.length === 4) { const next = pins[pins.indexOf(last) + 1]; if (!next) return; last = next }
      last.value += key.dataset.key
      if (last.value.length === 4) onward(last)
    }
    last.dispatchEvent(new Event('change', { bubbles: true }))
  })
}

// One press is enough: the button says that work goes on.
for (const form of document.querySelectorAll('form')) {
  form.addEventListener('submit', (e) => {
    if (form.dataset.sent) { e.preventDefault(); return }
    form.dataset.sent = '1'
    const b = e.submitter
    if (b) b.setAttribute('aria-busy', 'true')
    const wait = form.querySelector('[data-wait]')
    if (wait) wait.hidden = false
  })
}
addEventListener('pageshow', (e) => {
  if (!e.persisted) return
  if (document.querySelector('input[name=form]')) { location.reload(); return } // a form that is worked on once is asked for anew
  for (const f of document.querySelectorAll('form')) { delete f.dataset.sent; for (const s of f.querySelectorAll('[data-pin],[data-capital]')) s.value = '' }
})

// Things that only script can do.
for (const el of document.querySelectorAll('[data-script]')) el.hidden = false

// Switches act at once; without script their button stays.
for (const box of document.querySelectorAll('[data-send]')) {
  const b = box.form.querySelector('[data-noscript]')
  if (b) b.hidden = true
  box.addEventListener('change', () => box.form.requestSubmit())
}

// Ask again: replace the living parts, and move on when the page is another.
const main = document.querySelector('main[data-poll]')
if (main) {
  const ask = async () => {
    try {
      const r = await fetch(location.href, { headers: { Accept: 'text/html', 'Tegata-Poll': '1' }, cache: 'no-store' })
      const next = new DOMParser().parseFromString(await r.text(), 'text/html')
      const other = next.querySelector('main')
      if (r.redirected || !other || other.dataset.page !== main.dataset.page) {
        location.replace(r.url) // it has no fragment: with one the browser would only scroll
        return
      }
      for (const el of document.querySelectorAll('[data-live]')) {
        const fresh = next.getElementById(el.id)
        if (fresh && fresh.innerHTML !== el.innerHTML) el.innerHTML = fresh.innerHTML
      }
    } catch { /* offline: ask again later */ }
    setTimeout(ask, Number(main.dataset.poll))
  }
  setTimeout(ask, Number(main.dataset.poll))
}
