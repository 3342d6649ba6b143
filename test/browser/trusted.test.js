// Two people who trust each other, each with a phone and a browser of their own: one asks, the other stops the first one's phone.
import assert from 'node:assert/strict'
import { before } from 'node:test'
import { guided, job, narrow, visitor, wide } from './house/browser.js'
import { Film, picture } from './house/guide.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'
import { Walk } from './house/walk.js'

let town, taro
const jiro = { person: 'jiro', pin: '5847', password: 'YAMA3KAWA', picture: 'ねこ', word: 'すいか' }
before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(wide)
  taro = await is.phoneSecrets(context, town, is.people.taro)
  jiro.cardPassword = (await is.cardSecrets(context, town, 'jiro')).password
  await context.close()
  await town.newPhone('jiro-trusts')
})

// logIn logs somebody in at the portal with the phone in their hand.
const logIn = async (page, who) => {
  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
  await is.approve(page, who.pin)
  await is.at(page, 'ホーム')
}

job('somebody trusted stops the phone in four screens; the notice says who, and nothing else can be done', async () => {
  const his = await visitor(narrow)
  const owner = await his.newPage()
  await is.take(owner, town, 'jiro-trusts')
  await is.register(owner, jiro)
  await logIn(owner, jiro)
  const film = new Film()
  await film.follow(owner)
  await is.follow(owner, 'スマホを止めてもらう人・頼まれた人')
  await is.at(owner, '信頼できる人', '110-trusted')
  await is.follow(owner, '信頼できる人を招待する')
  await is.at(owner, '信頼できる人を招待する')
  if (!guided) { // the guide shows how it is done
    await is.type(owner.getByLabel('その人の呼び名'), 'http://evil.example/')
    await is.type(owner.getByLabel('相手に見せる、あなたの呼び名'), 'ジロウ')
    await is.press(owner, '招待の番号を作る')
    await owner.getByRole('alert').filter({ hasText: '呼び名は、文字と数字で' }).waitFor()
    assert.equal(await owner.getByLabel('相手に見せる、あなたの呼び名').inputValue(), 'ジロウ', 'what was right is kept')
  }
  await is.type(owner.getByLabel('その人の呼び名'), 'とものたろう')
  if (guided) await is.type(owner.getByLabel('相手に見せる、あなたの呼び名'), 'ジロウ')
  await picture(owner, '111-invite', owner.getByLabel('相手に見せる、あなたの呼び名'))
  await is.press(owner, '招待の番号を作る')
  await is.at(owner, '信頼できる人', '112-number')
  const [code] = (await owner.getByRole('main').innerText()).match(/\d{3} \d{3} \d{3}/)
  await owner.reload() // shown again, and no second one is made
  await is.at(owner, '信頼できる人')
  assert.equal((await owner.getByRole('main').innerText()).match(/\d{3} \d{3} \d{3}/g).join(), code)

  const theirs = await visitor(narrow)
  const friend = await theirs.newPage()
  await is.take(friend, town, is.people.taro)
  await logIn(friend, taro)
  await is.follow(friend, 'スマホを止めてもらう人・頼まれた人')
  await is.at(friend, '信頼できる人')
  await is.follow(friend, '招待の番号を入力する')
  await is.at(friend, '招待の番号を入力する')
  await film.follow(friend)
  await is.type(friend.getByLabel('招待の番号（9けた）'), code)
  await picture(friend, '113-enter-number')
  await is.press(friend, 'つぎへ')
  await is.at(friend, 'ジロウさんのスマホを止める役を引き受けますか', '114-accept')
  assert.equal(await friend.getByText('田中').count(), 0, 'only the chosen name is shown')
  await is.press(friend, '引き受ける')
  await is.at(friend, '信頼できる人')
  await friend.getByText('相手が、あなたの氏名を確かめるのを待っています。').waitFor()

  await owner.reload()
  await is.at(owner, '信頼できる人')
  await owner.getByText('手形　太郎').waitFor()
  await film.follow(owner)
  await picture(owner, '115-confirm')
  await is.press(owner, 'この人に頼む')
  await owner.getByText(/手形　太郎さんが、あなたのスマホを止められます/).waitFor()

  // A browser with no cookies and no earlier session: 1 the first page, 2 the phone with its PIN, 3 the button, 4 done.
  const fresh = await visitor(narrow)
  const page = await fresh.newPage()
  await is.take(page, town, is.people.taro) // the phone in the hand, as an app is
  const walk = new Walk(page)
  await page.goto(town.url('portal'))
  await is.at(page, 'スマホでログイン')
  await film.follow(page)
  await page.getByText('頼まれた人のスマホを止める').click()
  await is.press(page, 'この端末のスマホで止める')
  await walk.types(is.approve(page, taro.pin))
  await is.at(page, '頼まれた人のスマホを止める', '116-stop')
  const pressed = Date.now()
  await is.press(page, 'ジロウさんのスマホを止める')
  await is.heading(page, 'これからすること').waitFor()
  const took = Date.now() - pressed
  assert.ok(took < 10_000, `it took ${took} ms`)
  await is.at(page, 'これからすること', '117-stopped')
  await page.getByText('ジロウさんのスマホを止めました').waitFor()
  await film.save('trusted')
  walk.took(4, 1)
  const { certificates } = JSON.parse(await town.tegata('phone', 'show', '-json', 'jiro-trusts'))
  assert.deepEqual([...new Set(certificates.map((c) => c.status))], ['held'])

  // What the friend sees from now on, and what there is to press.
  await page.goto(town.url('portal', '/trusted'))
  await is.at(page, '信頼できる人')
  await page.getByText('止まっています。元に戻せるのは、本人がカードを使ったときだけです。').waitFor()
  assert.equal(await page.getByRole('button', { name: /再開|元に戻す/ }).count(), 0)
  await is.follow(page, 'ホームへ戻る')
  await is.at(page, 'ホーム')
  assert.equal(await page.getByText('一時停止中').count(), 0, "the friend's own certificates are not touched, and the other's are not shown")

  // The owner is told who it was, and how to undo it.
  const mail = await (await visitor(wide)).newPage()
  await mail.goto(town.url('street', '/mailbox?to=jiro'))
  await mail.getByText(/信頼できる人「とものたろう」により/).waitFor()
  await mail.getByText(/カードをかざして再開できます/).first().waitFor()
  await picture(mail, '118-told')
})

job('on a wide screen, without script, either side ends it', async () => {
  const context = await visitor(wide, { javaScriptEnabled: false })
  const page = await context.newPage()
  await is.take(page, town, is.people.taro)
  await page.goto(town.url('portal', '/trusted/stop'))
  await is.at(page, '頼まれた人のスマホを止める')
  await is.press(page, 'この端末のスマホで止める')
  await is.approve(page, taro.pin)
  await is.at(page, '頼まれた人のスマホを止める')
  await page.goto(town.url('portal', '/trusted'))
  await is.at(page, '信頼できる人')
  await is.press(page, /^関係を終わりにする/)
  await page.getByText('頼まれている人はいません。').waitFor()
  await is.at(page, '信頼できる人')
})
