// "Break it": what the street lets a person break, and what the pages say then. It changes the town for good: last.
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { look } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, taro
before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(wide)
  taro = await is.phoneSecrets(context, town, is.people.taro)
  await context.close()
})

const street = async (context, place) => {
  const page = await context.newPage()
  await page.goto(town.url('street', place))
  await is.at(page, 'こわしてみる')
  return page
}

// login asks for a login with the phone on this device.
const login = async (page) => {
  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
}

job('a phone that is off does nothing until it is switched on', async () => {
  const context = await visitor(narrow)
  const page = await context.newPage()
  await is.take(page, town, '手形　太郎')
  const breaking = await street(context, '/break')
  await is.press(breaking, /^電源を切る 手形\s太郎/)
  await breaking.getByText('スマホの電源を変えました。').waitFor()
  await login(page)
  await is.at(page, '電源が切れています', '37-off')
  await is.press(page, '電源を入れる')
  await is.at(page, /太郎さん$/)
  await login(page)
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  await page.getByRole('button', { name: 'ログアウト' }).first().click()
})

job('a status that cannot be learned is "could not check", and nobody gets in', async () => {
  const context = await visitor(narrow)
  const page = await context.newPage()
  await is.take(page, town, '手形　太郎')
  const breaking = await street(context, '/break')
  await is.press(breaking, '止める')
  await breaking.getByText('止まっています').waitFor()
  await page.goto(town.url('phone', '/p/taro-phone/')) // its own state is not known either, and the page comes all the same
  await page.getByText('いまの状態は確かめられませんでした。').waitFor()
  await look(page)
  await login(page)
  await is.at(page, /^確認できませんでした/, '38-could-not-check')
  await breaking.bringToFront()
  await is.press(breaking, '動かす')
  await breaking.getByText('動いています').waitFor()
  await page.bringToFront()
  await is.follow(page, 'もう一度ためす')
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  await page.getByRole('button', { name: 'ログアウト' }).first().click()
})

job('31 days without a sign of life put the certificates on hold, and the PIN takes them off', async () => {
  const context = await visitor(narrow)
  const page = await context.newPage()
  await is.take(page, town, '手形　太郎')
  const breaking = await street(context, '/break')
  await is.press(breaking, /^電源を切る 手形\s太郎/)
  await is.press(breaking, '31日進める')
  await breaking.getByText('時計を進めています…').last().waitFor({ state: 'hidden', timeout: 60_000 })
  await breaking.getByRole('button', { name: '31日進める' }).waitFor({ timeout: 60_000 })
  await page.goto(town.url('phone', '/p/taro-phone/'))
  await is.press(page, '電源を入れる')
  await is.at(page, /太郎さん$/)
  await login(page)
  await is.approve(page, taro.pin)
  await is.at(page, /この証明書は一時停止中です/, '39-held')
  await is.follow(page, /へ進む$/)
  await is.at(page, /ログインできませんでした/)

  await page.goto(town.url('phone', '/p/taro-phone/'))
  await is.follow(page, 'スマホ用電子証明書などの各種設定')
  await is.follow(page, /^電子証明書を確かめる/)
  await page.getByText('一時停止中').first().waitFor()
  await page.getByText('しばらく使われていないので止めています。').first().waitFor()
  await is.follow(page, '各種設定へ戻る')
  await is.follow(page, /^暗証番号を確かめる/)
  await is.at(page, '暗証番号を確かめる')
  await page.getByLabel('スマホの利用者証明用の暗証番号').fill(taro.pin)
  await is.press(page, '確かめる')
  await is.at(page, /太郎さん$/)
  await page.getByText('使えます').first().waitFor()
  await login(page)
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  await page.getByRole('button', { name: 'ログアウト' }).first().click()
})

job('a phone that was reported lost logs in nowhere', async () => {
  const context = await visitor(narrow)
  const page = await context.newPage()
  await is.take(page, town, '手形　太郎')
  const breaking = await street(context, '/break')
  await is.press(breaking, /^一時停止する 手形\s太郎/)
  await breaking.getByText('一時停止しました。').waitFor()
  await login(page)
  await is.approve(page, taro.pin)
  await is.at(page, /この証明書は一時停止中です/)
  await page.goto(town.url('phone', '/p/taro-phone/'))
  await page.getByText('一時停止中').first().waitFor()
  await page.goto(town.url('phone', '/p/taro-phone/certificate'))
  await page.getByText('紛失の届け出があり、止めています。').first().waitFor()
  await page.goto(town.url('portal', '/home'))
  await is.at(page, /ログインしていません/)
})
