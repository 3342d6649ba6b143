// What a person does, by what they can see and hear: roles, labels, words.
import assert from 'node:assert/strict'
import { guided } from './browser.js'
import { look } from './look.js'
import { picture } from './guide.js'

// A person of the sandbox, as the pages call them.
export const people = {
  hanako: '手形　花子', taro: '手形　太郎', sakura: '手形　さくら', tome: '関口　トメ', susumu: '今井　進',
  mamoru: '森　守', setsuko: '高橋　節子', megumi: '伊藤　恵', jiro: '田中　次郎', katsuragi: '葛城　隼人', maria: 'ＳＡＮＴＯＳ　ＭＡＲＩＡ', yoshida: '吉田　澪',
}

// named begins with a person's name; a browser gives every white space as a plain one.
export const named = (person) => new RegExp('^' + people[person].replace(/\s/, '\\s'))

export const heading = (page, name) => page.getByRole('heading', { level: 1, name })
export const press = (page, name) => page.getByRole('button', { name, exact: typeof name === 'string' }).click()
export const follow = (page, name) => page.getByRole('link', { name, exact: typeof name === 'string' }).click()

// at waits for the page with that heading and looks at it.
export const at = async (page, name, shot) => {
  await heading(page, name).waitFor()
  await look(page)
  if (shot) await picture(page, shot)
}

// type enters text as fast as a test may, or as slowly as a reader of the guide can follow.
export const type = async (field, text) => {
  if (guided) await field.pressSequentially(text, { delay: 90 })
  else await field.fill(text)
}

// facts reads the pairs of a definition list.
export const facts = async (within) => {
  const names = await within.getByRole('term').allTextContents()
  const values = await within.getByRole('definition').allTextContents()
  return Object.fromEntries(names.map((n, i) => [n.trim(), values[i].trim()]))
}

// rack reads the invented secrets of some people's cards, as each knows them, by the person.
export const rack = async (context, town, ...persons) => {
  const page = await context.newPage()
  await page.goto(town.url('street', '/cards'))
  await at(page, 'カードの棚')
  const all = {}
  for (const person of persons) {
    const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: people[person] }) })
    await card.getByRole('button', { name: '暗証番号を見る' }).click()
    await card.getByText('練習用の暗証番号').waitFor()
    const found = await facts(card)
    all[person] = { password: found['カードの署名用パスワード'], pin: found['カードの利用者証明用（4けた）'] }
  }
  await look(page)
  await page.close()
  return all
}

export const cardSecrets = async (context, town, person) => (await rack(context, town, person))[person]

// phoneSecrets reads those of the phone that was registered by the sandbox.
export const phoneSecrets = async (context, town, name) => {
  const page = await context.newPage()
  await page.goto(town.url('street'))
  await page.getByRole('button', { name: `暗証番号を見る ${name}` }).click()
  await page.getByText('練習用の暗証番号').waitFor()
  const found = await facts(page.getByRole('main'))
  await page.close()
  return { pin: found['スマホの利用者証明用（4けた）'], password: found['スマホの署名用パスワード'], lockCode: found['停止コード'] }
}

// take takes one of this machine's phones in the hand.
export const take = async (page, town, name) => {
  await page.goto(town.url('phone'))
  await at(page, 'どのスマホを使いますか')
  await page.getByRole('button', { name: new RegExp('^' + name.replace(/\s/, '\\s')) }).click()
  await page.getByRole('main').waitFor()
}

// toTap walks from the phone's home to the screen that waits for the card.
export const toTap = async (page, who, shots = {}) => {
  await follow(page, 'スマホ用電子証明書などの各種設定')
  await at(page, 'スマホ用電子証明書などの各種設定', shots.services)
  await follow(page, /^利用申請/)
  await at(page, 'はじめる前の確認', shots.check)
  await press(page, '申請をはじめる')
  await page.getByRole('heading', { level: 1, name: /^(このスマホの目印|カードの署名用パスワード)$/ }).waitFor()
  if (await heading(page, 'このスマホの目印').isVisible()) {
    await at(page, 'このスマホの目印')
    await page.getByRole('radio', { name: who.picture ?? 'ふじさん' }).check({ force: true })
    await type(page.getByLabel('ことばを決める'), who.word ?? 'あさがお')
    if (shots.mark) await picture(page, shots.mark)
    await press(page, 'この目印にする')
  }
  await at(page, 'カードの署名用パスワード')
  await type(page.getByLabel('カードの署名用パスワード', { exact: true }), who.cardPassword.toLowerCase()) // capital letters by themselves
  if (shots.cardPassword) await picture(page, shots.cardPassword)
  await press(page, '次へ')
  await at(page, '利用規約', shots.terms)
  await press(page, '同意して申請')
  await at(page, 'カードをかざす', shots.tap)
}

// holdCard holds a card of the street to the phone whose screen waits for one.
export const holdCard = async (page, person, shots = {}) => {
  await follow(page, '練習用のカードをかざす')
  await at(page, 'どのカードをかざしますか', shots.hold)
  await page.getByRole('button', { name: named(person) }).click()
}

// choosePIN and choosePassword set the phone's own secrets, twice each.
export const choosePIN = async (page, pin, again = pin, shots = {}) => {
  await at(page, 'スマホの暗証番号を決める')
  const pad = page.getByRole('group', { name: '数字のボタン' })
  if (await pad.isVisible() && pin === again) {
    for (const digit of pin + again) await pad.getByRole('button', { name: digit, exact: true }).click() // it goes on to the second field by itself
  } else {
    await type(page.getByLabel('利用者証明用の暗証番号', { exact: true }), pin)
    await type(page.getByLabel('もう一度、同じ4けた'), again)
  }
  if (shots.pin) await picture(page, shots.pin)
  await press(page, '次へ')
}

export const choosePassword = async (page, password, again = password, shots = {}) => {
  await at(page, 'スマホの署名用パスワードを決める')
  await type(page.getByLabel('署名用パスワード', { exact: true }), password.toLowerCase())
  await type(page.getByLabel('もう一度、同じパスワード'), again.toLowerCase())
  if (shots.password) await picture(page, shots.password)
  await press(page, '鍵を作る')
}

// register is the whole registration, from the phone's home to its home. It returns the lock code.
export const register = async (page, who, shots = {}) => {
  await toTap(page, who, shots)
  await holdCard(page, who.person, shots)
  await finish(page, who, shots)
  return code(page, shots)
}

// finish sets the secrets and registers; the done page is left open.
export const finish = async (page, who, shots = {}) => {
  if (page.context().scriptless) await press(page, 'カードを読み取る')
  await at(page, 'スマホの暗証番号を決める')
  const away = page.getByRole('button', { name: 'カードを離す' })
  if (await away.isVisible()) await away.click()
  await choosePIN(page, who.pin, who.pin, shots)
  await choosePassword(page, who.password, who.password, shots)
  await at(page, '登録して使いはじめる', shots.register)
  await press(page, '登録する')
}

// code notes the lock code, which is shown once, and goes home.
export const code = async (page, shots = {}) => {
  await at(page, '登録が終わりました', shots.done)
  const said = await page.getByRole('main').innerText()
  const [lockCode] = said.match(/\d{3,4}(?:[ -]\d{3,4})+/) ?? assert.fail(`no lock code in: ${said}`)
  await press(page, '紙に書きました')
  await at(page, /さん$/, shots.home)
  return lockCode
}

// approve answers the request that the phone shows.
export const approve = async (page, pin, shots = {}) => {
  await at(page, /からの確認$/, shots.request)
  await type(page.getByLabel('スマホの利用者証明用の暗証番号'), pin)
  if (shots.unlock) await picture(page, shots.unlock)
  await press(page, 'ログインする')
}

// home waits for the portal's home and uncovers the name.
export const portalHome = async (page, name, shots = {}) => {
  await at(page, 'ホーム')
  assert.equal(await page.getByText(name).isVisible(), false, 'the name is masked until it is pressed')
  if (shots.masked) await picture(page, shots.masked)
  await page.getByText('表示する', { exact: true }).click()
  await page.getByText(name).waitFor()
  if (shots.portal) await picture(page, shots.portal)
}
