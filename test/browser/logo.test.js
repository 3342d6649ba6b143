// A developer gives a service a picture: the page of the login and the phone show it beside the name, and no request goes to the service for it.
import assert from 'node:assert/strict'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { keep } from './house/keep.js'
import { fits, look } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
})

const callback = 'http://127.0.0.1:9/callback' // nobody listens
const file = (name) => path.resolve(import.meta.dirname, '../../internal/ui/static', name)

// shot keeps a picture of a page where TEGATA_SHOTS names a folder, for a person to look at.
const shot = async (page, name) => {
  await look(page)
  assert.deepEqual(await fits(page), [])
  await keep(page, name)
}

// drawn is how many pixels a side the picture beside the name really has in this browser.
const drawn = (page) => page.locator('.who img').evaluate((img) => [img.naturalWidth, img.naturalHeight])

for (const [size, name] of [[narrow, 'narrow'], [wide, 'wide']]) {
  job(`a logo from the developers' page to the phone: ${name}`, async () => {
    const context = await visitor(size)
    const page = await context.newPage()
    await page.goto(town.url('verifier', '/developers/new'))
    for (const [label, text] of [['サービスの名前（日本語）', '青葉書店'], ['サービスの名前（英語）', 'Aoba Books'], ['ログインの目的（日本語）', '注文の一覧を見ます。'], ['ログインの目的（英語）', 'See your orders.']]) {
      await page.getByLabel(label).fill(text)
    }
    await page.getByLabel('redirect_uris', { exact: true }).fill(callback)
    await page.getByText('文書の署名を頼む').click()
    await shot(page, `logo-${name}-1`)
    await is.press(page, '登録する')
    await is.at(page, '登録しました')
    const [id] = await page.locator('dd code').allInnerTexts()
    await is.press(page, 'サービスのページへ')
    await page.getByLabel('PNG の画像').setInputFiles(file('icon.svg'))
    await is.press(page, 'この画像をロゴにする')
    await page.getByText('壊れていない PNG の画像').waitFor()
    await shot(page, `logo-${name}-2`)
    await page.getByLabel('PNG の画像').setInputFiles(file('icon-192.png'))
    await is.press(page, 'この画像をロゴにする')
    await page.getByRole('img', { name: 'いまのロゴ' }).waitFor()
    await shot(page, `logo-${name}-3`)

    await is.take(page, town, is.people.taro)
    const asked = []
    page.on('request', (r) => asked.push(r.url()))
    await page.goto(town.url('verifier', '/authorize?' + new URLSearchParams({
      client_id: id, response_type: 'code', redirect_uri: callback, scope: 'openid', state: 's', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256',
    })))
    await is.at(page, '青葉書店からの依頼')
    assert.deepEqual(await drawn(page), [192, 192])
    await shot(page, `logo-${name}-4`)
    await is.press(page, 'この端末のスマホで答える')
    await is.at(page, /からの確認$/)
    assert.deepEqual(await drawn(page), [192, 192])
    await shot(page, `logo-${name}-5`)
    assert.deepEqual(asked.filter((url) => url.startsWith('http://127.0.0.1:9/')), [])
    await is.press(page, /断る/)
  })
}
