// A developer registers a service at the verifier's pages, sees why a request failed, has a test resident answer, and deletes it. By keyboard, too.
import assert from 'node:assert/strict'
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

const callback = 'http://127.0.0.1:9/callback' // nobody listens: the browser stops there

// shot keeps a picture of a page where TEGATA_SHOTS names a folder, for a person to look at.
const shot = async (page, name) => {
  await look(page)
  assert.deepEqual(await fits(page), [])
  await keep(page, name)
}

// fillIn fills the form of a registration.
const fillIn = async (page) => {
  await page.getByLabel('サービスの名前（日本語）').fill('青葉書店')
  await page.getByLabel('サービスの名前（英語）').fill('Aoba Books')
  await page.getByLabel('ログインの目的（日本語）').fill('注文の一覧を見ます。')
  await page.getByLabel('ログインの目的（英語）').fill('See your orders.')
  await page.getByLabel('redirect_uris', { exact: true }).fill(callback)
  await page.getByRole('checkbox', { name: /^名前/ }).check()
}

const asks = (id, more = {}) => town.url('verifier', '/authorize?' + new URLSearchParams({
  client_id: id, response_type: 'code', redirect_uri: callback, scope: 'openid name', state: 's', code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256', ...more,
}))

for (const [size, name] of [[narrow, 'narrow'], [wide, 'wide']]) {
  job(`register, fail, look why, and delete: ${name}`, async () => {
    const context = await visitor(size)
    const page = await context.newPage()
    await page.goto(town.url('street'))
    await is.follow(page, /^開発者の方へ/)
    await is.at(page, '開発者の方へ')
    await shot(page, `developers-${name}-1`)
    await is.follow(page, '新しいサービスを登録する')
    await is.press(page, '登録する') // with nothing in it
    await page.getByText('この登録はできません').waitFor()
    await shot(page, `developers-${name}-2`)
    await fillIn(page)
    await is.press(page, '登録する')
    await is.at(page, '登録しました')
    await shot(page, `developers-${name}-3`)
    const [id, , token] = await page.locator('dd code').allInnerTexts()
    await is.press(page, 'サービスのページへ')
    await is.at(page, '青葉書店')
    await page.getByText('まだ通信はありません').waitFor()

    const browser = await context.newPage()
    await browser.goto(asks(id, { redirect_uri: callback + '/' }))
    await is.press(page, '新しい通信を見る')
    await page.getByText('redirect_uri が登録したものと一致しません').waitFor()

    // A login that a test resident refuses.
    await browser.goto(asks(id))
    await is.press(browser, /別の端末|ほかの端末|QR/)
    const [residents] = await Promise.all([context.waitForEvent('page'), browser.getByRole('link', { name: /試験用の住民/ }).click()])
    await is.at(residents, '自動で答える住民')
    await shot(residents, `residents-${name}-1`)
    await is.press(residents, /この人に答えさせる.*断さん|この人に答えさせる 試験.断/)
    await residents.getByText('holder-refused').waitFor()
    await shot(residents, `residents-${name}-2`)

    await is.press(page, '新しい通信を見る')
    await page.getByText('oauth2-proxy', { exact: true }).click()
    await shot(page, `developers-${name}-4`)
    assert.ok((await page.locator('pre').nth(2).innerText()).includes(id))

    await page.goto(town.url('verifier', '/developers'))
    await page.getByLabel('client_id').fill(id)
    await page.getByLabel('管理トークン').fill(token)
    await is.press(page, '開く')
    await is.at(page, '青葉書店')
    await page.getByLabel('client_id').fill(id)
    await is.press(page, 'このサービスを消す')
    await page.getByText(`${id} を消しました`).waitFor()
    assert.deepEqual((await context.cookies()).filter((c) => /dev|token/.test(c.name)), [])
  })
}

job('register by keyboard alone', async () => {
  const page = await (await visitor(wide)).newPage()
  await page.goto(town.url('verifier', '/developers/new'))
  const tabTo = async (id) => {
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press('Tab')
      if (await page.evaluate((id) => document.activeElement?.id === id, id)) return
    }
    assert.fail(`Tab does not reach ${id}`)
  }
  for (const [id, text] of [['name_ja', '青葉書店'], ['name_en', 'Aoba Books'], ['sentence_ja', '注文を見ます。'], ['sentence_en', 'See your orders.']]) {
    await tabTo(id)
    await page.keyboard.insertText(text)
  }
  await page.keyboard.press('Enter')
  await is.at(page, '登録しました')
})
