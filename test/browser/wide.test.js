// The main job once more, on a screen of 1280 px, by a woman of 78; and what double clicks, reloads and going back do.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, visitor, wide } from './house/browser.js'
import { look } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
  await town.newPhone('tome-phone')
})

const tome = { person: 'tome', pin: '7395', password: 'KAWA1948', picture: 'さくら', word: 'うめぼし' }

job('tome registers and logs in on a wide screen; reload, back and double clicks change nothing', async () => {
  const context = await visitor(wide)
  tome.cardPassword = (await is.cardSecrets(context, town, 'tome')).password
  const phone = await context.newPage()
  await is.take(phone, town, 'tome-phone')
  await is.toTap(phone, tome)
  await phone.reload()
  await is.at(phone, 'カードをかざす')
  await is.holdCard(phone, 'tome')
  await is.at(phone, 'スマホの暗証番号を決める')
  await phone.reload()
  await is.at(phone, 'スマホの暗証番号を決める')
  await is.press(phone, 'カードを離す')
  await is.choosePIN(phone, tome.pin)
  await is.choosePassword(phone, tome.password)
  await is.at(phone, '登録して使いはじめる')
  await phone.goBack()
  await is.at(phone, '登録して使いはじめる') // back never leads into a step that is done
  await phone.getByRole('button', { name: '登録する' }).dblclick()
  await is.at(phone, '登録が終わりました')
  await phone.reload()
  const lockCode = await is.code(phone)
  assert.equal(await phone.getByText('使えます').count(), 2, 'exactly one pair of certificates')

  await phone.goBack()
  await is.at(phone, '登録が終わりました')
  assert.doesNotMatch(await phone.getByRole('main').innerText(), new RegExp(lockCode), 'the code is shown once')
  const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', 'tome-phone'))
  assert.deepEqual(certificates.map((c) => [c.kind, c.status]).sort(), [['phone-auth', 'good'], ['phone-sign', 'good']])

  const portal = await context.newPage()
  await portal.goto(town.url('portal'))
  await is.at(portal, 'スマホでログイン')
  await portal.getByRole('button', { name: 'この端末のスマホでログイン' }).dblclick()
  await is.at(portal, /からの確認$/)
  await portal.reload()
  await is.at(portal, /からの確認$/)
  await portal.getByLabel('スマホの利用者証明用の暗証番号').fill(tome.pin)
  await portal.getByRole('button', { name: 'ログインする' }).dblclick()
  await is.portalHome(portal, is.people.tome)
  await portal.reload()
  await is.at(portal, 'ホーム')
  await portal.goBack()
  await look(portal)
  assert.ok(await portal.getByRole('heading', { level: 1 }).isVisible(), 'back shows a page')
  await portal.goto(town.url('portal'))
  await is.at(portal, 'ホーム') // still logged in
  await portal.getByRole('navigation').or(portal.getByRole('banner')).getByRole('button', { name: 'ログアウト' }).first().click()
  await portal.getByText('ログアウトしました').waitFor()
  await portal.goto(town.url('portal', '/home'))
  await is.at(portal, /ログインしていません/)
})

job('phone and portal side by side, from one press', async () => {
  const context = await visitor(wide)
  const street = await context.newPage()
  await street.goto(town.url('street'))
  await is.press(street, 'スマホとポータルを並べて開く')
  while (context.pages().length < 3) await context.waitForEvent('page')
  const titles = await Promise.all(context.pages().slice(1).map(async (p) => { await p.getByRole('main').waitFor(); return new URL(p.url()).hostname }))
  assert.deepEqual(titles.sort(), ['phone.localhost', 'portal.localhost'])
})
