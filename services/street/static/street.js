// What the street's pages gain when script runs; each works without it.
'use strict'

// Phone and portal side by side: two windows, as far as the screen is wide.
for (const b of document.querySelectorAll('[data-pair]')) {
  b.addEventListener('click', () => {
    const wide = screen.availWidth, high = screen.availHeight
    const left = screen.availLeft || 0, top = screen.availTop || 0
    const phone = Math.min(440, Math.floor(wide / 2))
    const rest = Math.min(1100, wide - phone)
    const place = (x, w) => `popup,left=${left + x},top=${top},width=${w},height=${high - 80}`
    const a = window.open(b.dataset.beside, '_blank', place(phone, rest))
    const c = window.open(b.dataset.pair, '_blank', place(0, phone))
    if (!a && !c) location.assign(b.dataset.pair) // the browser opens no windows
  })
}

// The trace renews itself: new stories and rows come in, what is unfolded stays.
const stories = document.querySelector('[data-trace]')
if (stories) {
  const every = 2000 // ms
  const refresh = (old, fresh) => { // keeps which details are open
    const open = [...old.querySelectorAll('details')].map((d) => d.open)
    old.innerHTML = fresh.innerHTML
    old.querySelectorAll('details').forEach((d, i) => { if (i in open) d.open = open[i] })
    if (fresh.dataset.sig) old.dataset.sig = fresh.dataset.sig
  }
  const merge = (into, from, same) => {
    const ids = new Set([...from.children].map((c) => c.id))
    for (const c of [...into.children]) if (!ids.has(c.id)) c.remove()
    ;[...from.children].forEach((fresh, i) => {
      let old = document.getElementById(fresh.id)
      if (!old) old = document.importNode(fresh, true)
      else same(old, fresh)
      if (into.children[i] !== old) into.insertBefore(old, into.children[i] || null)
    })
  }
  const row = (old, fresh) => { if (old.dataset.sig !== fresh.dataset.sig) refresh(old, fresh) }
  const story = (old, fresh) => {
    const head = old.querySelector('[data-part=head]'), next = fresh.querySelector('[data-part=head]')
    if (head.innerHTML !== next.innerHTML) head.innerHTML = next.innerHTML
    merge(old.querySelector('.events'), fresh.querySelector('.events'), row)
  }
  const ask = async () => {
    if (!document.hidden) {
      try {
        const r = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' })
        const next = new DOMParser().parseFromString(await r.text(), 'text/html').querySelector('[data-trace]')
        if (next) merge(stories, next, story)
        const nothing = document.getElementById('nothing')
        if (nothing && stories.children.length) nothing.remove()
      } catch { /* away: ask again later */ }
    }
    setTimeout(ask, every)
  }
  setTimeout(ask, every)
}
