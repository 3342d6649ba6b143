// The mobile carrier: a line is taken out by a signature on the phone and its eSIM bound to the key that signed; moving the number is told to the old
// SIM and to the mail, which can stop it for a day.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import { keep } from './house/keep.js'
import { fits } from './house/look.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

const taro = { phone: 'taro-phone', person: 'taro', mail: 'taro@mail.example' }
const second = { phone: 'taro-second', person: 'taro', pin: '6182', password: 'MORI7KAZE' }
const yoshida = { phone: 'yoshida-phone', person: 'yoshida', mail: 'mio@mail.example', pin: '5174', password: 'YAMA7UMI' }
const kaede = { phone: 'kaede-phone', person: 'kaede', pin: '6042', password: 'KAEDE2010' }

let town
before(async () => {
  town = await start()
  await town.ready()
  yoshida.lockCode = await enrol(yoshida, 'yoshida')
  await enrol(kaede, 'kaede')
  await town.tegata('clock', 'advance', '2d') // on the first day a phone signs for nobody
  Object.assign(taro, await is.phoneSecrets(await visitor(narrow), town, is.people.taro))
})

// enrol registers a new phone with somebody's card; an earlier phone's certificates end by that.
const enrol = async ({ phone, pin, password }, card) => {
  await town.newPhone(phone)
  const { card_signature_password } = JSON.parse(readFileSync(path.join(town.home, 'data', 'sandbox-secrets.json'), 'utf8')).cards[card]
  const file = path.join(town.home, `${phone}.json`)
  writeFileSync(file, JSON.stringify({ card_signature_password, phone_auth_pin: pin, phone_signature_password: password }), { mode: 0o600 })
  const { stderr } = await town.running('phone', 'enrol', phone, '-card', card, '-secrets', file)
  return stderr.match(/\d{3,4}(?:[ -]\d{3,4})+/)[0].replace(/\D/g, '')
}

// shot looks that nothing runs off the side, once for each page whoever sees it, and keeps a picture where somebody asked for pictures.
const fitted = new Set()
const shot = async (page, name) => {
  const kind = name.replace(/^(taro|yoshida)-|-.*@.*$/g, '')
  if (!fitted.has(kind)) assert.deepEqual(await fits(page), [])
  fitted.add(kind)
  await keep(page, `carrier-${name}`)
}

// inHand opens a browser in which that phone is taken in the hand: to the carrier, the browser is the phone.
const inHand = async (who, size = narrow) => {
  const page = await (await visitor(size)).newPage()
  await page.goto(town.url('phone', `/p/${who.phone}/`))
  await is.press(page, /^このスマホを持つ/)
  await page.getByRole('main').waitFor()
  return page
}

// logIn has somebody log in, and let the carrier have the three facts, or none.
const logIn = async (page, who, name = '', gives = true) => {
  await page.goto(town.url('carrier'))
  await is.at(page, 'スマートフォンで契約する回線')
  if (name) await shot(page, `${name}-start`)
  if (await page.getByRole('link', { name: 'あなたの回線へ進む' }).isVisible()) {
    await is.follow(page, 'あなたの回線へ進む')
    await is.at(page, 'あなた名義の回線')
    return
  }
  await is.press(page, 'スマートフォンで確認して始める')
  await confirms(page, who, gives)
}

const confirms = async (page, who, gives = true) => {
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  for (const fact of ['名前', '住所', '生年月日']) await page.getByLabel(fact).setChecked(gives)
  assert.equal(await page.getByLabel('性別').count(), 0, 'a line needs no more than it says')
  await is.type(page.getByLabel('スマホの利用者証明用の暗証番号'), who.pin)
  await is.press(page, /^(同意|ログイン)する$/)
  await is.at(page, 'あなた名義の回線')
}

// signs has the document that is shown signed on the phone in the same browser.
const signs = async (page, who, sentence) => {
  await page.getByRole('button', { name: 'スマートフォンで署名する' }).dblclick()
  await is.press(page, /この端末|このスマホ/)
  await is.at(page, /からの確認$/)
  await page.getByText(sentence).waitFor()
  await page.getByLabel('スマホの署名用パスワード', { exact: true }).fill(who.password)
  await is.press(page, '署名する')
}

// takesOut has somebody take out a line as far as the signature; the first time with what one does wrong.
const takesOut = async (page, who, plan, name = '') => {
  const first = name === 'taro'
  await is.follow(page, /^(回線を契約する|もう1本契約する)$/)
  await is.at(page, 'プランを選ぶ')
  if (first) {
    await is.press(page, '契約書を確かめる')
    await page.getByText('プランを選んでください。').first().waitFor()
  }
  await page.getByLabel(plan).check()
  if (name) await page.getByLabel('お知らせのメールアドレス').fill(first ? '二つ @' : who.mail)
  await is.press(page, '契約書を確かめる')
  if (first) {
    await page.getByText('@ の入ったメールアドレスを、半角で1つだけ入力してください。').waitFor()
    assert.ok(await page.getByLabel(plan).isChecked(), 'what was chosen is kept')
    await shot(page, `${name}-apply`)
    await page.getByLabel('お知らせのメールアドレス').fill(who.mail)
    await is.press(page, '契約書を確かめる')
  }
  await is.at(page, '契約書の確認')
  if (first) { // another page of the same browser draws another contract: what is signed is what is shown
    const other = await page.context().newPage()
    await other.goto(town.url('carrier', '/apply'))
    await other.getByLabel(plan).check()
    await is.press(other, '契約書を確かめる')
    await is.at(other, '契約書の確認')
    const drawn = await other.getByText(/^契約番号/).innerText()
    await is.press(page, 'スマートフォンで署名する')
    await page.getByText(drawn).waitFor()
    await other.close()
  }
  if (name) await shot(page, `${name}-check`)
  await signs(page, who, '回線を他人に譲り渡したり使わせたりしません。')
  await is.at(page, 'あなた名義の回線')
}

// active waits for the one line that is being activated, and opens it.
const active = async (page, number) => {
  await page.getByText('開通の準備中').waitFor()
  await town.tegata('clock', 'advance', '2m')
  await page.getByRole('link', { name: number }).click()
  await is.at(page, number)
}

// puts the eSIM of the line that is shown into the phone that is this browser, by one more signature of the key that it is bound to.
const puts = async (page, who, name = '') => {
  await is.follow(page, 'eSIM をスマートフォンに入れる')
  await is.at(page, 'eSIM をスマートフォンに入れる')
  if (name) await shot(page, `${name}-install`)
  const number = await page.getByText(/^[0-9A-F]{8}$/).innerText()
  await is.press(page, '申込書を確かめる')
  await is.at(page, '申込書の確認')
  await page.getByText(`入れるスマートフォンの番号：${number}`).waitFor()
  if (name) await shot(page, `${name}-install-request`)
  await signs(page, who, '上のとおり申し込みます。')
  await is.at(page, 'このスマートフォンの回線')
  await page.getByText('手形モバイルへようこそ。').waitFor()
}

// asks has somebody ask for a change of the line, and sign the request; where the line is shown already, from there.
const asks = async (page, who, number, change, name = '') => {
  if (!(await is.heading(page, number).isVisible())) {
    await logIn(page, who)
    await page.getByRole('link', { name: number }).click()
    await is.at(page, number)
  }
  await is.follow(page, change)
  await is.at(page, change)
  if (name) await shot(page, `${name}-change`)
  await is.press(page, '申込書を確かめる')
  await is.at(page, '申込書の確認')
  if (name) await shot(page, `${name}-request`)
  await signs(page, who, '上のとおり申し込みます。')
  await is.at(page, number)
}

// link opens the latest mail to an address and follows its link.
const link = async (title, address) => {
  const page = await (await visitor(wide)).newPage()
  await page.goto(town.url('street', `/mailbox?to=${address}`))
  const letter = page.getByRole('listitem').filter({ hasText: title }).first()
  await letter.getByRole('link').click()
  await page.getByRole('main').waitFor()
  return page
}

const confirmsMail = async (address) => {
  const page = await link('お知らせの送り先を確認してください。', address)
  await is.at(page, 'お知らせの送り先の確認')
  await shot(page, `mail-${address}`)
  await page.getByRole('button', { name: 'このアドレスで受け取る' }).dblclick()
  await page.getByText('確認しました。').waitFor()
}

const first = '070-0000-0001'
const reissue = 'eSIM を再発行する（機種変更）'

job('AT-B05: a line by signature; a new eSIM is told to the old SIM and stopped from it, and from the mail', async () => {
  const old = await inHand(taro)
  await logIn(old, taro, 'taro', false)
  await is.follow(old, '回線を契約する')
  await is.at(old, /名前・住所・生年月日が要ります。/)
  await shot(old, 'taro-facts')
  await is.press(old, 'もう一度ログインする')
  await confirms(old, taro)
  await page404(old)
  await takesOut(old, taro, /^こだち 20GB/, 'taro')
  await old.goBack() // to the phone, to the callback, to wherever: nothing is taken out twice
  await old.goto(town.url('carrier', '/callback?code=x&state=y'))
  await is.at(old, 'あなた名義の回線')
  await old.getByText('あなた名義の回線：1本').waitFor()
  await active(old, first)
  await shot(old, 'taro-line')
  await puts(old, taro, 'taro')
  await old.reload()
  await old.getByText('手形モバイルへようこそ。').waitFor()
  await confirmsMail(taro.mail)

  // The owner has a new phone, on which all is asked for; the old SIM is still in the old one.
  await enrol(second, 'taro')
  await town.tegata('clock', 'advance', '2d')
  const next = await inHand(second)
  await logIn(next, second)
  await next.getByRole('link', { name: first }).click()
  await is.at(next, first)
  const line = next.url()
  await next.goto(line + '/install')
  await next.getByText('この eSIM は、ほかのスマートフォンに入っています。').waitFor()
  await next.goto(line)
  await is.at(next, first)
  await asks(next, second, first, reissue, 'taro')
  await next.getByText('eSIM の再発行が待っています。').waitFor()
  await shot(next, 'taro-waits')
  await old.getByText('この回線の eSIM の再発行が申し込まれました。').waitFor() // by itself, without a login
  await shot(old, 'taro-told')
  await old.getByRole('button', { name: '止める' }).dblclick()
  await old.getByText('eSIM の再発行を止めました。').waitFor()
  await shot(old, 'taro-vetoed')
  await next.getByText('eSIM の再発行は、止められました。').waitFor()

  // Again, and stopped from the mail, which needs no login either.
  await asks(next, second, first, reissue)
  const mail = await link('eSIM の再発行の申し込みがありました。', taro.mail)
  await is.at(mail, '申し込みを止める')
  await shot(mail, 'stop')
  await mail.reload()
  await is.press(mail, '止める')
  await mail.getByText('eSIM の再発行は、止められました。').waitFor()

  // What nobody stops is done after the day, and what was stopped is not.
  await asks(next, second, first, 'ほかの会社へ乗り換える（MNP）')
  await town.tegata('clock', 'advance', '25h')
  await old.reload()
  await old.getByText('使えます').waitFor()
  assert.equal(await old.getByText('この eSIM は使えなくなりました').count(), 0)
  await logIn(next, second)
  await next.getByRole('link', { name: first }).click()
  await next.getByText(/^\d{10}$/).waitFor()
  await shot(next, 'taro-port')

  // Frozen: no change is taken until the freeze was lifted by a signature and a day.
  await is.at(next, first)
  await is.follow(next, 'SIM の変更を凍結する')
  await is.at(next, 'SIM の変更を凍結する')
  await shot(next, 'taro-freeze')
  await is.press(next, '凍結する')
  await next.getByText('SIM の変更を凍結中').waitFor()
  await shot(next, 'taro-frozen')
  assert.equal(await next.getByText(/^\d{10}$/).count(), 0, 'a reservation that nobody used is void')
  await next.goto(line + '/change/reissue')
  await is.at(next, /SIM の変更を凍結しています。/)
  await next.goto(line + '/change/end')
  await is.at(next, /凍結している回線は、解約できません。/)
  await shot(next, 'taro-refused-end')
  await next.goto(line)
  await is.at(next, first)
  await asks(next, second, first, /^SIM 変更の凍結をやめる/)
  await next.getByText('凍結をやめる申し込みが待っています。').waitFor()
})

// page404 looks that somebody else's line, and none, are the same to a person.
const page404 = async (page) => {
  await page.goto(town.url('carrier', '/lines/NOBODYS'))
  await is.at(page, /見つかりませんでした/)
  await page.goto(town.url('carrier', '/home'))
  await is.at(page, 'あなた名義の回線')
}

job('AT-B05: without a veto the new eSIM works after a day, and the old one is dead', async () => {
  const number = '070-0000-0002'
  const old = await inHand(yoshida, wide)
  await logIn(old, yoshida, 'yoshida')
  await takesOut(old, yoshida, /^このは 3GB/, 'yoshida')
  await active(old, number)
  await puts(old, yoshida, 'yoshida')
  await confirmsMail(yoshida.mail)
  await asks(old, yoshida, number, reissue, 'yoshida')
  await old.getByText('eSIM の再発行が待っています。').waitFor()
  await old.goto(town.url('carrier', '/line'))
  const next = await inHand(yoshida, wide) // the same person and key, another browser: another phone to the carrier
  await next.goto(town.url('carrier', '/line'))
  await next.getByText('手形モバイルの eSIM は入っていません。').waitFor()
  await town.tegata('clock', 'advance', '25h')
  await old.reload()
  await old.getByText('この eSIM は使えなくなりました', { exact: true }).waitFor()
  await shot(old, 'yoshida-dead')
  const late = await link('eSIM の再発行の申し込みがありました。', yoshida.mail)
  await late.getByText('もう止められません。').waitFor()
  await shot(late, 'late')
  await logIn(next, yoshida)
  await next.getByRole('link', { name: number }).click()
  await next.getByText('eSIM を再発行しました。前の eSIM は使えません。').waitFor()
  await puts(next, yoshida)
  await shot(next, 'yoshida-new')
  await asks(next, yoshida, number, '解約する（解約金 0円）', 'yoshida-end')
  await next.getByText('解約が待っています。').waitFor()
  await shot(next, 'yoshida-end-waits')
  await next.goto(town.url('carrier', '/received'))
  await next.getByText('スマートフォンの署名用電子証明書による署名').waitFor()
  await next.getByText('署名した文書を見る').first().click()
  await next.getByText('プラン：このは 3GB').waitFor()
  await shot(next, 'yoshida-received')
  await is.press(next, 'English')
  await is.at(next, 'What Tegata Mobile received')
  await is.press(next, '日本語')
  await next.goto(town.url('carrier', '/contact'))
  await is.at(next, 'お知らせのメール')
  await next.getByText('お知らせを送っています。').waitFor()
  await shot(next, 'yoshida-contact')
})

job('a line ends a day after it was asked for; what is suspended between signing and activation gives no line, also when all was killed in between', async () => {
  const page = await inHand(yoshida)
  await town.tegata('clock', 'advance', '25h')
  await logIn(page, yoshida)
  await page.getByRole('link', { name: '070-0000-0002' }).click()
  await page.getByText('解約ずみ').waitFor()
  await shot(page, 'yoshida-ended')
  await is.follow(page, 'あなたの回線へ')
  await takesOut(page, yoshida, /^いずみ データ専用/)
  await page.getByText('開通の準備中').waitFor()
  await town.cut()
  const file = path.join(town.home, 'stop.json')
  writeFileSync(file, JSON.stringify({ birth_date: '1999-12-31', lock_code: yoshida.lockCode }), { mode: 0o600 })
  await town.tegata('phone', 'suspend', '-lock-code', file)
  await town.tegata('clock', 'advance', '2m')
  await page.goto(town.url('carrier', '/home'))
  await is.at(page, 'スマートフォンで契約する回線') // who is logged in is in memory alone
  await page.goto(town.url('street', `/mailbox?to=${yoshida.mail}`)) // who suspended the phone does not log in with it
  await page.getByText('回線は使えるようになりませんでした。').waitFor()
  await shot(page, 'stopped-mail')
})

job('a line of somebody of 16 has the filter, and takes the signature of a guardian', async () => {
  const page = await inHand(kaede)
  await logIn(page, kaede)
  await is.follow(page, '回線を契約する')
  await is.at(page, 'プランを選ぶ')
  await page.getByText('18歳未満の方は、フィルタリングを必ず利用します。').waitFor()
  await page.getByLabel(/^このは 3GB/).check()
  await shot(page, 'minor-apply')
  await is.press(page, '契約書を確かめる')
  await is.at(page, '契約書の確認')
  await signs(page, kaede, '親権者が同意書に署名してから開通します。')
  await is.at(page, 'あなた名義の回線')
  await page.getByText('親権者の同意待ち').waitFor()
  await shot(page, 'minor-home')
  await page.getByRole('link', { name: /このは 3GB/ }).click()
  await is.press(page, '親権者への招待をつくる')
  const invitation = await page.locator('#invitation').innerText()
  await shot(page, 'minor-invitation')
  await page.goto(invitation)
  await page.getByText('申し込んだご本人は、同意できません。').waitFor()

  const parent = await inHand(second)
  await parent.goto(invitation)
  await is.at(parent, '親権者の同意')
  assert.equal(await parent.getByText('かえで').count(), 0, 'a stranger sees whose it is')
  await shot(parent, 'guardian-login')
  await is.press(parent, 'スマートフォンで確認する')
  await is.press(parent, /この端末|このスマホ/)
  await is.at(parent, /からの確認$/)
  for (const fact of ['名前', '住所', '生年月日']) await parent.getByLabel(fact).setChecked(true)
  await is.type(parent.getByLabel('スマホの利用者証明用の暗証番号'), second.pin)
  await is.press(parent, /^(同意|ログイン)する$/)
  await is.at(parent, '親権者の同意')
  assert.equal(await parent.getByText('かえで').count(), 0, 'somebody grown up sees whose it is')
  await shot(parent, 'guardian-declare')
  await is.press(parent, '親権者です。契約書を見る')
  await parent.getByText(/氏名：手形.かえで/).waitFor()
  await shot(parent, 'guardian-check')
  await signs(parent, second, '私は、下の申し込みをした者の親権者です。')
  await parent.getByText('同意を受け取りました。').waitFor()
  await shot(parent, 'guardian-done')
  await parent.goto(town.url('carrier', '/received'))
  await parent.getByText('親権者として署名した同意書').waitFor()
  await shot(parent, 'guardian-received')

  await page.goto(town.url('carrier', '/home'))
  await page.getByText('開通の準備中').waitFor()
  await town.tegata('clock', 'advance', '2m')
  await page.getByText('使えます').waitFor()
})
