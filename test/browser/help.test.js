// The guide inside the product: every chapter is read on a phone and on a desk, its pictures are there, its film plays.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { look, sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
})

// chapters opens the guide from the first page of the portal, as somebody does who is not logged in.
const chapters = async (page) => {
  await page.goto(town.url('portal'))
  await is.follow(page, /^(手引きとよくある質問|Guide and questions)$/)
  await is.at(page, /^(手引きとよくある質問|Guide and questions)$/)
  const links = page.locator('main a[href^="/help/"]')
  return links.evaluateAll((all) => all.map((a) => a.getAttribute('href')))
}

// Pictures and films are the same files in both languages and at both sizes: they are opened once.
for (const [name, size, opens] of [['has its pictures and its film, on a phone', narrow, true], ['is there, on a desk, in English', { ...wide, locale: 'en-US' }, false]]) {
  job(`every chapter ${name}`, async () => {
    const page = await (await visitor(size)).newPage()
    const all = await chapters(page)
    assert.ok(all.length > 15, `chapters: ${all}`)
    let films = 0
    const fetched = []
    page.on('request', (r) => { if (r.url().endsWith('.webm')) fetched.push(r.url()) })
    for (const place of all) {
      await page.goto(town.url('portal', place))
      await look(page)
      assert.ok(await sideways(page) <= 0, `${place} scrolls sideways`)
      if (place === '/help/questions') continue
      const steps = page.locator('main ol > li')
      assert.ok(await steps.count() > 0, `${place} has no steps`)
      if (!opens) continue
      for (const img of await page.locator('main img').all()) {
        await img.scrollIntoViewIfNeeded() // they are loaded when they come into sight
        const width = await img.evaluate((e) => e.decode().then(() => e.naturalWidth))
        assert.ok(width > 0, `${place}: ${await img.getAttribute('src')}`)
      }
      const film = page.locator('video')
      if (await film.count() === 0) continue
      films++
      assert.deepEqual(fetched, [], 'nothing of a film is loaded before somebody wants it')
      await page.locator('details > summary').first().click()
      const [seconds, still] = await film.evaluate(async (v) => {
        await v.play()
        v.pause()
        const poster = new Image()
        poster.src = v.poster
        await poster.decode()
        return [v.duration, poster.naturalWidth]
      })
      assert.ok(seconds > 5 && seconds < 300, `${place}: a film of ${seconds} s`)
      assert.ok(still > 0, `${place}: its first frame`)
      fetched.length = 0
      assert.ok(await sideways(page) <= 0, `${place} scrolls sideways with its film`)
    }
    assert.ok(!opens || films > 10, `${films} films`)
  })
}

job('without script every step is there to read', async () => {
  const page = await (await visitor(narrow, { javaScriptEnabled: false })).newPage()
  const all = await page.goto(town.url('portal', '/help')).then(() => page.locator('main a[href^="/help/"]').count())
  assert.ok(all > 15)
  await page.goto(town.url('portal', '/help/lost'))
  await page.getByRole('heading', { level: 1, name: /なくした/ }).waitFor()
  await page.locator('details > summary').first().click() // opened by the browser itself
  assert.ok(await page.locator('video[controls]').isVisible())
  assert.ok(await page.locator('main ol > li').count() > 3)
})
