// Nothing runs off the side of a small window, or with letters twice as large; every page can be used by keyboard.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { fits, look } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
})

const places = [
  ['street', '/'], ['street', '/cards'], ['street', '/mailbox'], ['street', '/trace'], ['street', '/break'], ['street', '/offers'],
  ['phone', '/'], ['phone', '/p/taro-phone/'], ['phone', '/p/taro-phone/certificates'], ['phone', '/p/taro-phone/certificate'],
  ['phone', '/p/taro-phone/history'], ['phone', '/p/taro-phone/documents'], ['phone', '/p/taro-phone/settings'], ['phone', '/p/taro-phone/scan'], ['phone', '/p/taro-phone/mark'],
  ['phone', '/p/taro-phone/reset-pin'], ['phone', '/p/taro-phone/unlock'], ['phone', '/p/taro-phone/lost'], ['phone', '/p/taro-phone/stop'],
  ['phone', '/p/taro-phone/biometrics'], ['phone', '/p/taro-phone/methods'], ['phone', '/p/taro-phone/quiet'],
  ['phone', '/p/taro-phone/secrets'], ['phone', '/p/taro-phone/change-pin'], ['phone', '/p/taro-phone/forgot'], ['phone', '/p/taro-phone/hand-over'],
  ['phone', '/p/taro-phone/hand-over/repair'], ['phone', '/p/taro-phone/hand-over/card'], ['phone', '/which'], ['phone', '/models'], ['portal', '/give-up'],
  ['phone', '/p/taro-phone/lost/card'], ['phone', '/p/taro-phone/address'], ['phone', '/p/taro-phone/address/keep'], ['phone', '/p/taro-phone/loosen'],
  ['portal', '/lost'], ['portal', '/receipt'], ['portal', '/cases/00000000'], ['helpdesk', '/reports'],
  ['phone', '/p/nobody/'], ['portal', '/'], ['portal', '/home'], ['portal', '/nowhere'],
  ['municipality', '/'], ['municipality', '/nowhere'], ['municipality', '/residents/hanako'], ['municipality', '/residents/susumu'],
  ['municipality', '/residents/hanako/desk/moved'], ['municipality', '/residents/hanako/desk/renamed'], ['municipality', '/residents/hanako/desk/card-new'],
  ['helpdesk', '/'], ['pay', '/'], ['pay', '/till'], ['pay', '/till/asahi'], ['bank', '/'], ['carrier', '/'], ['carrier', '/line'], ['carrier', '/lost'], ['helpdesk', '/helper'], ['helpdesk', '/home'], ['phone', '/p/taro-phone/support'],
]

job('no page scrolls sideways at 320 px, nor at 390 px with letters of twice the size', async () => {
  const page = await (await visitor(narrow)).newPage()
  const wrong = []
  for (const [party, place] of places) {
    await page.goto(town.url(party, place))
    await look(page)
    wrong.push(...await fits(page))
  }
  assert.deepEqual(wrong, [])
})

// Each page in Japanese is looked at where a journey comes to it; all of them once more, in English, in make soak.
const soaks = process.env.TEGATA_LONG === '1' ? job : () => {}
soaks('every page in English, too, is one that axe-core finds nothing serious on', async () => {
  const page = await (await visitor(wide, { locale: 'en-US' })).newPage()
  for (const [party, place] of places) {
    await page.goto(town.url(party, place))
    await look(page)
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en', page.url())
  }
})

job('everything that is said to work leads to a page of its own', async () => {
  const page = await (await visitor(narrow)).newPage()
  await page.goto(town.url('street', '/offers'))
  const said = await page.locator('.menu li').count()
  const links = await page.locator('.menu li a').evaluateAll((all) => all.map((a) => a.href))
  assert.ok(said > 15 && links.length === said, `${links.length} links for ${said} that work`)
  for (const link of links) {
    const answer = await page.goto(link)
    assert.ok(answer.ok() || answer.status() === 401, `${link} answers ${answer.status()}`) // 401: who logs in gets there
  }
})

job('the portal by keyboard alone', async () => {
  const page = await (await visitor(wide)).newPage()
  await page.goto(town.url('portal'))
  await page.keyboard.press('Tab')
  const skip = page.getByRole('link', { name: '本文へ' })
  assert.ok(await skip.evaluate((e) => e === document.activeElement), 'the first stop leads past the header')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  const button = page.getByRole('button', { name: 'この端末のスマホでログイン' })
  assert.ok(await button.evaluate((e) => e === document.activeElement))
  await page.keyboard.press('Enter')
  await is.at(page, /./)
  assert.notEqual(page.url(), town.url('portal'))
})
