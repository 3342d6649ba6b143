// How many screens and inputs a way takes, as the person who goes it counts them.
import assert from 'node:assert/strict'

// Pages that go on by themselves, and the start page, which stands for the hand that holds a card.
const onTheWay = /^\/(login\/phone|open|login\/return|p\/[^/]+\/request|p\/.*\/done)$/

// Walk counts from the moment it is made.
export class Walk {
  constructor (page) {
    this.screens = []
    this.inputs = 0
    page.on('framenavigated', (frame) => {
      const { host, pathname } = new URL(frame.url())
      if (frame !== page.mainFrame() || host.startsWith('street.') || onTheWay.test(pathname)) return
      if (this.screens.at(-1) !== host + pathname) this.screens.push(host + pathname) // an error keeps the screen
    })
  }

  // types is an input: one field that the person fills in, or chooses in.
  async types (does) {
    this.inputs++
    await does
  }

  // took says that the way was no longer than it may be, and as long as it is.
  took (screens, inputs) {
    assert.ok(screens <= 4 && inputs <= 2, 'a way has four screens and two inputs at most')
    assert.equal(this.screens.length, screens, `screens: ${this.screens.join(' ')}`)
    assert.equal(this.inputs, inputs, 'inputs')
  }
}
