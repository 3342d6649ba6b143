// A document is signed: read on the phone, approved with the password by keyboard, fetched as a file. The clock is moved, so in a town of its own.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor } from './house/browser.js'
import { sideways } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, password
before(async () => {
  town = await start()
  await town.ready()
  await town.tegata('clock', 'advance', '2d') // on the first day a phone signs for nobody
  password = (await is.phoneSecrets(await visitor(narrow), town, is.people.taro)).password
})

// ask goes from the counter to the phone's question.
const ask = async (page, what) => {
  await page.goto(town.url('street', '/shop'))
  await is.at(page, 'ためしの窓口')
  await is.press(page, what)
  await is.at(page, /からの確認$/)
  assert.ok(await sideways(page) <= 0, 'the document does not run off the side')
}

job('a text is read and signed by keyboard, and the signature is fetched', async () => {
  const page = await (await visitor(narrow)).newPage()
  await is.take(page, town, is.people.taro)
  await ask(page, /^文章/)
  await page.getByText('この署名から、お金の支払いや契約は生まれません。').waitFor()
  await page.setViewportSize({ width: 320, height: 640 })
  assert.ok(await sideways(page) <= 0, 'nor at 320 px')
  const field = page.getByLabel('スマホの署名用パスワード', { exact: true })
  for (let i = 0; i < 30 && !await field.evaluate(e => e === document.activeElement); i++) await page.keyboard.press('Tab')
  await page.keyboard.type(password)
  await page.keyboard.press('Enter')
  await page.getByText('署名を確かめました').waitFor()
  const said = await is.facts(page.getByRole('main'))
  assert.equal(said['署名した人'].replace(/\s/g, ''), '手形太郎')
  assert.equal(said['署名の形式'], 'CAdES B-B')
  const [file] = await Promise.all([page.waitForEvent('download'), is.follow(page, /^署名（または/)])
  assert.equal(file.suggestedFilename(), 'promise.txt.p7s')
})

job('a PDF opens in the browser’s own viewer, with nothing of the phone’s origin', async () => {
  const context = await visitor(narrow)
  const page = await context.newPage()
  await is.take(page, town, is.people.taro)
  await ask(page, /^PDF/)
  const [viewer] = await Promise.all([context.waitForEvent('page'), is.follow(page, 'PDFを開いて読む')])
  await viewer.waitForLoadState()
  assert.equal(await viewer.evaluate(() => document.contentType), 'application/pdf')
  assert.equal(await viewer.evaluate(() => window.opener), null)
  const around = await viewer.evaluate(() => [document.scripts.length, document.body.innerText])
  assert.deepEqual(around, [0, ''], 'the page is the viewer’s frame and nothing else')
  await viewer.close()
  await is.press(page, '断る')
  await page.getByText('お受けできませんでした').waitFor()
})

job('an XML document is shown line by line and signed without script', async () => {
  const page = await (await visitor(narrow, { javaScriptEnabled: false })).newPage()
  await page.goto(town.url('phone'))
  await is.press(page, is.named('taro'))
  await page.goto(town.url('street', '/shop'))
  await is.press(page, /^XML/)
  await page.getByRole('listitem').filter({ hasText: '番号 2' }).waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(password)
  await is.press(page, '署名する')
  await page.getByText('署名を確かめました').waitFor()
  assert.equal((await is.facts(page.getByRole('main')))['署名の形式'], 'XAdES B-B')
})
