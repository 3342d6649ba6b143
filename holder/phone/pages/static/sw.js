// Keeps the look, never a page: what is on a screen is asked for each time.
'use strict'
self.addEventListener('install', () => self.skipWaiting())
self.addEventListener('activate', (e) => e.waitUntil(self.clients.claim()))
self.addEventListener('fetch', (e) => {
  const url = new URL(e.request.url)
  if (e.request.method !== 'GET' || url.origin !== location.origin || !url.pathname.startsWith('/static/')) return
  e.respondWith(caches.open('look').then(async (cache) => {
    const kept = await cache.match(e.request)
    if (kept) return kept
    const fresh = await fetch(e.request)
    if (fresh.ok) cache.put(e.request, fresh.clone())
    return fresh
  }))
})
