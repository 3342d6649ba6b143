// A slow hand: a card that is held to a phone through it answers each command only after a while, so that there is
// time to take it away in the middle of being read.
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

// slowHand returns the address to hold the card to, and release.
export const slowHand = async (reader, delay) => {
  const [host, port] = reader.split(':')
  const server = net.createServer((card) => {
    const phone = net.connect(Number(port), host)
    let held = Promise.resolve()
    phone.on('data', (b) => { held = held.then(() => sleep(delay)).then(() => card.writable && card.write(b)) })
    card.on('data', (b) => phone.writable && phone.write(b))
    for (const [a, b] of [[card, phone], [phone, card]]) {
      a.on('error', () => b.destroy())
      a.on('close', () => b.destroy())
    }
  })
  await new Promise((ok) => server.listen(0, '127.0.0.1', ok))
  return { address: `127.0.0.1:${server.address().port}`, release: () => server.close() }
}
