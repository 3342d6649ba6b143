// The main job: from a card to a phone that logs in, as a person does it, on a phone and on a screen.
import assert from 'node:assert/strict'
import { job, narrow, visitor } from './house/browser.js'
import { Film } from './house/guide.js'
import * as is from './house/person.js'
import { look } from './house/look.js'
import { town as start } from './house/town.js'

let town

job('the start page answers with progress at once', async (t) => {
  const page = await (await visitor(narrow)).newPage()
  town = await start()
  await town.printed(/^http:\/\/street\.localhost:\d+\/$/m)
  await page.goto(town.url('street'))
  await page.getByRole('heading', { level: 1 }).waitFor()
  const took = Date.now() - town.began
  t.diagnostic(`seen after ${took} ms`) // told, not judged: machines are noisy
  await look(page)
  // The page follows the work by itself, and says when the first card and phone can be used.
  await page.getByRole('link', { name: 'スマホを開いて始める' }).waitFor({ timeout: 60_000 })
})

job('the first card and phone work while the rest of the town is being made', async () => {
  const { services, readers } = await (await fetch(`http://127.0.0.1:${town.base}/services.json`)).json()
  assert.ok(services.some((s) => s.role === 'phone'))
  assert.ok(readers.some((r) => r.slot === 'phone:hanako-phone'))
})

job('hanako registers her phone and logs in to the portal on it', async () => {
  const context = await visitor(narrow)
  let film = new Film()
  const street = await context.newPage()
  await film.follow(street)
  await street.goto(town.url('street'))
  await is.at(street, 'カードを、スマホの身分証に', '01-start')
  const { password } = await is.cardSecrets(context, town, 'hanako')
  const opened = context.waitForEvent('page')
  await is.follow(street, 'スマホを開いて始める')
  const phone = await opened
  await film.follow(phone)
  await is.at(phone, 'ホーム', '02-phone')
  const hanako = { person: 'hanako', cardPassword: password, pin: '4826', password: 'KAZE2026', picture: 'ふじさん', word: 'あさがお' }
  const lockCode = await is.register(phone, hanako, {
    services: '03-services', check: '04-check', mark: '05-mark', cardPassword: '06-card-password', terms: '07-terms', tap: '08-tap', hold: '09-hold',
    pin: '10-pin', password: '11-password', register: '12-register', done: '13-done', home: '14-home',
  })
  assert.match(lockCode.replace(/\D/g, ''), /^\d{11}$/)
  await phone.getByText('使えます').first().waitFor()
  assert.equal(await phone.getByText('使えます').count(), 2, 'exactly one pair of certificates')

  await film.save('register')
  film = new Film()
  const portal = await context.newPage()
  await film.follow(portal)
  await portal.goto(town.url('portal'))
  await is.at(portal, 'スマホでログイン', '15-portal')
  await is.press(portal, 'この端末のスマホでログイン')
  await is.approve(portal, hanako.pin, { request: '16-request', unlock: '17-pin' })
  await is.portalHome(portal, is.people.hanako, { masked: '18-masked', portal: '19-home' })
  const said = await portal.getByRole('main').innerText()
  for (const line of ['スマホの利用者証明用', 'スマホの署名用', '使えます', '有効期限', '最近の利用と、断られた試み', '確認できました']) assert.match(said, new RegExp(line))
  await film.save('log-in')
  await portal.getByRole("button", { name: "ログアウト" }).first().click()
  await context.close()
})
