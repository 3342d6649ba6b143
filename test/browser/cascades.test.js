// What the register and the clock do to a phone: each row of the table in docs/lifecycle.md, played at the officer's
// desk, on the start page and with phones in the hand. It lets months pass: last.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { look } from './house/look.js'
import { Film, picture } from './house/guide.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

const own = { phone_auth_pin: '6182', phone_signature_password: 'MORI7KAZE' }
const good = '使えます'
const held = '一時停止中'
const revoked = '失効しました'

let town
const lockCodes = {}
before(async () => {
  town = await start()
  await town.ready()
})

// secretsOf is what a person knows of a card.
const secretsOf = (card) => JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards[card]

// enrol gives a person a phone that is registered with a card.
const enrol = async (phone, card) => {
  const file = path.join(town.home, `${phone}.json`)
  writeFileSync(file, JSON.stringify({ ...secretsOf(card), ...own }), { mode: 0o600 })
  await town.newPhone(phone)
  const { stderr } = await town.running('phone', 'enrol', phone, '-card', card, '-secrets', file)
  lockCodes[phone] = stderr.match(/lock code: ([\d -]+)/)[1].trim()
}

// states reads what a phone says of its certificates: authentication, signature.
const states = async (context, phone) => {
  const page = await context.newPage()
  await page.goto(town.url('phone', `/p/${phone}/certificate`))
  await page.getByRole('heading', { level: 1 }).waitFor()
  const all = await page.locator('section.panel .state').allTextContents()
  await page.close()
  return all.map((s) => s.trim())
}

const are = async (context, phone, auth, sign) => assert.deepEqual(await states(context, phone), [auth, sign], phone)

// letters reads a person's mailbox: titles, the newest first.
const letters = async (context, person) => {
  const page = await context.newPage()
  await page.goto(town.url('street', `/mailbox?to=${person}`))
  await page.getByRole('heading', { level: 1 }).waitFor()
  const titles = await page.locator('.letters h2').allTextContents()
  const bodies = await page.locator('.letters li').allInnerTexts()
  await page.close()
  return titles.map((title, i) => ({ title: title.trim(), text: bodies[i] }))
}

const newest = async (context, person, title, ...says) => {
  const [letter] = await letters(context, person)
  assert.equal(letter?.title, title)
  for (const words of says) assert.ok(letter.text.includes(words), `${words} is not in: ${letter.text}`)
}

// pass lets days pass on the start page.
const pass = async (context, days) => {
  const page = await context.newPage()
  await page.goto(town.url('street', '/break'))
  await is.heading(page, 'こわしてみる').waitFor()
  await page.getByText('ほかの日数を進める').click()
  await page.getByLabel('何日進めますか').fill(String(days))
  await is.press(page, 'この日数だけ進める')
  await page.getByText('時計を進めています…').last().waitFor({ state: 'hidden', timeout: 120_000 })
  await page.getByRole('button', { name: '31日進める' }).waitFor({ timeout: 120_000 })
  await page.close()
}

// breaking presses one button of the start page's "break it".
const breaking = async (context, name) => {
  const page = await context.newPage()
  await page.goto(town.url('street', '/break'))
  await is.heading(page, 'こわしてみる').waitFor()
  await is.press(page, name)
  await page.locator('.notice-ok').waitFor()
  await page.close()
}

// desk does one deed for a resident, through its three screens. With shots each is looked at and kept for the guide.
const desk = async (context, resident, deed, enter = async () => {}, shots, film) => {
  const page = await context.newPage()
  await film?.follow(page)
  const seen = async (name, part) => { if (shots) { await look(page); await picture(page, shots + name, part) } }
  await page.goto(town.url('municipality', `/residents/${resident}`))
  await seen('resident')
  await is.follow(page, deed)
  await page.getByText('1 / 3').waitFor()
  await enter(page)
  await seen('enter', page.getByRole('heading', { name: '電子証明書はこうなります' }))
  await is.press(page, '確認へ進む')
  await is.heading(page, 'この内容でよいですか').waitFor()
  await seen('review')
  await page.locator('.btn-main').click()
  await is.heading(page, '受け付けました').waitFor()
  await page.getByText('続きは自動で行います').waitFor({ state: 'hidden' })
  await seen('done')
  await page.close()
}

const address = (where, on) => async (page) => {
  await page.getByLabel('新しい住所').fill(where)
  if (on) await page.getByLabel(/^異動日/).fill(on)
}

// today is the town's date in Japan, days from now.
const today = async (context, days = 0) => {
  const page = await context.newPage()
  await page.goto(town.url('street', '/break'))
  const now = await page.locator('.clock-now time').getAttribute('datetime')
  await page.close()
  return new Date(Date.parse(now) + 9 * 3600e3 + days * 24 * 3600e3).toISOString().slice(0, 10)
}

// hold holds the card of that number to the phone whose screen waits for one.
const hold = async (page, card) => {
  await is.follow(page, '練習用のカードをかざす')
  await is.at(page, 'どのカードをかざしますか')
  await page.locator(`button[value="${card}"]`).click()
}

job('moved: announced, taken back, done on its day; signatures end, and come back onto the same card and phone', async () => {
  const context = await visitor(wide)
  const phone = 'yoshida-phone'
  await enrol(phone, 'yoshida')
  await are(context, phone, good, good)

  await desk(context, 'yoshida', /^引っ越し/, address('見本県関所町字森8番地', await today(context, 10)))
  await newest(context, 'yoshida', '引っ越しの届け出を受け付けました', '署名用電子証明書が失効します', 'スマホにそのカードをかざすと')
  await are(context, phone, good, good)
  const page = await context.newPage()
  await page.goto(town.url('municipality', '/residents/yoshida'))
  await is.follow(page, '予定を取り消す')
  await is.press(page, '確認へ進む')
  await is.at(page, 'この内容でよいですか')
  await is.press(page, '予定を取り消す')
  await is.at(page, '受け付けました')
  await newest(context, 'yoshida', '届け出を取り消しました')

  const film = new Film()
  await desk(context, 'yoshida', /^引っ越し/, address('見本県関所町字森9番地', await today(context, 1)), '60-desk-', film)
  await film.pause()
  await are(context, phone, good, good)
  await pass(context, 1)
  await are(context, phone, good, revoked)
  await newest(context, 'yoshida', '署名用電子証明書が失効しました', '利用者証明用はそのまま使えます', 'スマホの署名用も新しくできます')

  // Onto the same card at the desk, then with the card into the phone.
  await desk(context, 'yoshida', /^同じカードに署名用電子証明書を入れ直す/, undefined, undefined, film)
  await newest(context, 'yoshida', 'カードに新しい署名用電子証明書が入りました', '署名用を新しくする')
  const hand = await (await visitor(narrow)).newPage()
  await film.follow(hand)
  await hand.goto(town.url('phone', `/p/${phone}/`))
  await picture(hand, '66-moved-phone')
  await is.follow(hand, '署名用を新しくする')
  await is.type(hand.getByLabel('カードの署名用パスワード', { exact: true }), secretsOf('yoshida').card_signature_password)
  await is.press(hand, '次へ')
  await is.at(hand, '利用規約')
  await is.press(hand, '同意して申請')
  await is.at(hand, 'カードをかざす')
  await hold(hand, 'yoshida')
  await is.choosePassword(hand, own.phone_signature_password)
  await hand.getByText('署名用の電子証明書が新しくなりました。').waitFor()
  await picture(hand, '67-moved-done')
  await film.save('moved')
  await are(context, phone, good, good)
})

job('a card whose time is over is said to be, and the desk offers no more than it can do for it', async () => {
  const page = await (await visitor(wide)).newPage()
  await page.goto(town.url('municipality', '/residents/setsuko'))
  await page.getByText('電子証明書の期限が切れています').waitFor()
  await look(page)
  await page.getByRole('link', { name: /^新しいカードを作る/ }).waitFor()
  assert.equal(await page.getByRole('link', { name: /^同じカードに/ }).count(), 0)
})

job('renamed, and then emigrated', async () => {
  const context = await visitor(wide)
  const phone = 'yoshida-phone'
  await desk(context, 'yoshida', /^氏名・性別・生年月日/, async (page) => {
    await page.getByLabel('氏名', { exact: true }).fill('森　澪')
    await page.getByLabel('氏名の読み（カタカナ）').fill('モリ　ミオ')
  })
  await are(context, phone, good, revoked)
  await newest(context, 'yoshida', '署名用電子証明書が失効しました')
  await desk(context, 'yoshida', /^国外への転出/)
  await are(context, phone, revoked, revoked)
  await newest(context, 'yoshida', 'カードとスマホの電子証明書が失効しました', '国内に戻って')
})

job('died: everything ends, and nobody is written to', async () => {
  const context = await visitor(wide)
  await enrol('tome-phone', 'tome')
  const before = (await letters(context, 'tome')).length
  await desk(context, 'tome', /^亡くなった/)
  await are(context, 'tome-phone', revoked, revoked)
  assert.equal((await letters(context, 'tome')).length, before)
})

job('a new card: told when it is made, the phone ends when it is handed over, and is applied for again; the card given back', async () => {
  const context = await visitor(wide)
  await enrol('maria-phone', 'maria')
  await desk(context, 'maria', /^新しいカードを作る/)
  await newest(context, 'maria', '新しいカードが発行されました', '失効します', 'もう一度スマホの利用申請')
  await are(context, 'maria-phone', good, good)
  await desk(context, 'maria', /^新しいカードを渡す/)
  await are(context, 'maria-phone', revoked, revoked)
  await newest(context, 'maria', 'スマホの証明書が失効しました', 'もう一度スマホの利用申請')
  const page = await context.newPage()
  await page.goto(town.url('municipality', '/residents/maria'))
  const card = (await page.locator('.certs li', { hasText: 'お渡し済み' }).first().innerText()).match(/カード番号 (\S+)/)[1]
  assert.notEqual(card, 'maria')
  await enrol('maria-second', card)
  await are(context, 'maria-second', good, good)
  await desk(context, 'maria', /^署名用電子証明書だけをやめる/)
  await are(context, 'maria-second', good, revoked)
  await newest(context, 'maria', 'カードの電子証明書が失効しました')
  await desk(context, 'maria', /^カードを返す/)
  await are(context, 'maria-second', revoked, revoked)
})

job('a card lost and found leaves the phone alone; a new phone ends the old one; and it is stopped', async () => {
  const context = await visitor(wide)
  await enrol('jiro-phone', 'jiro')
  await desk(context, 'jiro', /^カードをなくした/)
  await newest(context, 'jiro', 'カードの電子証明書を一時停止しました', 'スマホの証明書はそのまま使えます')
  await are(context, 'jiro-phone', good, good)
  await desk(context, 'jiro', /^カードが見つかった/)
  await newest(context, 'jiro', 'カードの電子証明書を再開しました')
  await enrol('jiro-second', 'jiro')
  await are(context, 'jiro-phone', revoked, revoked)
  await are(context, 'jiro-second', good, good)
  const page = await context.newPage()
  await page.goto(town.url('phone', '/p/jiro-second/stop'))
  await page.getByRole('checkbox').check({ force: true })
  await is.press(page, '失効させる')
  await is.at(page, '利用を終わりました')
  await newest(context, 'jiro', 'スマホの証明書が失効しました')
})

job('reset without a word, and registered anew: what it held before ends', async () => {
  const context = await visitor(wide)
  await enrol('jiro-third', 'jiro')
  await breaking(context, /^初期化する jiro-third/)
  const before = (await letters(context, 'jiro')).length // the authority has heard nothing
  assert.deepEqual(await states(context, 'jiro-third'), [])
  const file = path.join(town.home, 'ken.json')
  writeFileSync(file, JSON.stringify({ ...secretsOf('ken-tegata'), ...own }), { mode: 0o600 })
  await town.tegata('phone', 'enrol', 'jiro-third', '-card', 'ken-tegata', '-secrets', file)
  const [letter] = await letters(context, 'jiro')
  assert.ok((await letters(context, 'jiro')).length > before)
  assert.match(letter.text, /初期化されたか、別の人に登録された/)
  await are(context, 'jiro-third', good, good)
})

// AT-L04, AT-L06
job('on hold for 30 days: told on days 1, 14 and 27, then revoked. Switched off for 60: on hold after 30, then revoked', async () => {
  const context = await visitor(wide)
  await enrol('megumi-phone', 'megumi')
  await enrol('ken-phone', 'ken-sekisho')
  await breaking(context, /^電源を切る ken-phone/)
  const borrowed = await (await visitor(narrow)).newPage()
  await borrowed.goto(town.url('portal', '/lost'))
  await borrowed.getByLabel('生年月日').fill('1983-10-10')
  await borrowed.getByLabel('停止コード（11けた）').fill(lockCodes['megumi-phone'])
  await is.press(borrowed, '一時停止する')
  await is.at(borrowed, 'これからすること')
  await are(context, 'megumi-phone', held, held)
  const still = 'スマホの証明書は一時停止中です'
  const told = async (...days) => {
    const got = (await letters(context, 'megumi')).filter((l) => l.title === still).map((l) => Number(l.text.match(/一時停止から(\d+)日/)[1]))
    assert.deepEqual(got.reverse(), days)
  }
  await told()
  await pass(context, 1)
  await told(1)
  await pass(context, 13)
  await told(1, 14)
  await pass(context, 13)
  await told(1, 14, 27)
  await are(context, 'megumi-phone', held, held)
  assert.deepEqual((await letters(context, 'ken-sekisho')).slice(0, 2).map((l) => l.title), ['まもなくスマホの証明書が一時停止します', 'まもなくスマホの証明書が一時停止します'])
  const mail = await (await visitor(narrow)).newPage()
  await mail.goto(town.url('street', '/mailbox?to=ken-sekisho'))
  await mail.locator('.letters li').first().waitFor()
  await picture(mail, '49-reminder')
  await pass(context, 3)
  await are(context, 'megumi-phone', revoked, revoked)
  await newest(context, 'megumi', 'スマホの証明書が失効しました', '30日たったため')
  await newest(context, 'ken-sekisho', 'スマホの証明書を一時停止しました')
  await pass(context, 30)
  await newest(context, 'ken-sekisho', 'スマホの証明書が失効しました', '60日以上使われていないか、120日以上ロックが解除されていないため')
  await breaking(context, /^電源を入れる ken-phone/)
  await are(context, 'ken-phone', revoked, revoked)
})
