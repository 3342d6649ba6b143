// Every page works without script: registration and login with JavaScript switched off.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { job, narrow, visitor } from './house/browser.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town
before(async () => {
  town = await start()
  await town.ready()
  await town.newPhone('jiro-phone')
})

job('jiro registers and logs in without script', async () => {
  const reading = await visitor(narrow) // axe needs script: this one only reads the rack
  const jiro = { person: 'jiro', pin: '5174', password: 'YAMA7UMI', cardPassword: (await is.cardSecrets(reading, town, 'jiro')).password }
  const context = await visitor(narrow, { javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(town.url('street'))
  await page.getByRole('link', { name: 'スマホを開いて始める' }).waitFor()
  await is.take(page, town, 'jiro-phone')
  await is.toTap(page, jiro)
  await is.holdCard(page, 'jiro')
  await is.press(page, 'カードを読み取る')
  await is.choosePIN(page, jiro.pin)
  await is.choosePassword(page, jiro.password)
  await is.at(page, '登録して使いはじめる')
  await page.getByRole('button', { name: '登録する' }).dblclick() // nothing keeps the second press back here
  await is.code(page)
  const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', 'jiro-phone'))
  assert.equal(certificates.length, 2, 'exactly one pair of certificates')
  await page.goto(town.url('portal'))
  await is.at(page, 'スマホでログイン')
  await is.press(page, 'この端末のスマホでログイン')
  await is.at(page, /からの確認$/)
  await page.getByLabel('スマホの利用者証明用の暗証番号').fill('9517')
  await page.getByRole('button', { name: 'ログインする' }).dblclick() // two presses, one try
  await page.getByText('スマホの暗証番号（4けた）が違います。').first().waitFor()
  await page.getByText('あと2回入力できます').first().waitFor()
  await page.getByLabel('スマホの利用者証明用の暗証番号').fill(jiro.pin)
  await page.getByRole('button', { name: 'ログインする' }).dblclick()
  await is.portalHome(page, is.people.jiro)
})
