// What this browser shows when the portal says that there is a notice. A push carries nothing but that; the words are
// here, and the notice itself is where it always is.
'use strict'
self.addEventListener('push', (event) => {
  event.waitUntil(self.registration.showNotification('お知らせがあります / There is a notice', {
    body: 'いつもの送り先に届いています。心当たりがないときは、開いて確かめてください。\nIt is where your notices always go. Open this to look.',
    tag: 'notice', lang: 'ja',
  }))
})
self.addEventListener('notificationclick', (event) => {
  event.notification.close()
  event.waitUntil(self.clients.openWindow('/home'))
})
