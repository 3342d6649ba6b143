// What other pages, other browsers and other parties cannot do.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before } from 'node:test'
import { job, narrow, visitor, wide } from './house/browser.js'
import * as is from './house/person.js'
import { town as start } from './house/town.js'

let town, taro, stranger
before(async () => {
  town = await start()
  await town.ready()
  const context = await visitor(wide)
  taro = await is.phoneSecrets(context, town, is.people.taro)
  await context.close()
})
after(() => stranger?.close())

// site serves one page under another host of the loopback, as a stranger's site does.
const site = async (html) => {
  stranger?.close()
  stranger = http.createServer((_, w) => { w.setHeader('Content-Type', 'text/html; charset=utf-8'); w.end(`<!doctype html><title>stranger</title><main>${html}</main>`) })
  await new Promise((ok) => stranger.listen(0, '127.0.0.1', ok))
  return `http://stranger.localhost:${stranger.address().port}/`
}

job("one party's cookie never reaches another", async () => {
  const context = await visitor(narrow)
  const sent = []
  context.on('request', (r) => sent.push(r.allHeaders().then((h) => [new URL(r.url()).hostname.split('.')[0], h.cookie ?? ''], () => undefined)))
  const page = await context.newPage()
  await is.take(page, town, '手形　太郎')
  await page.goto(town.url('portal'))
  await is.press(page, 'この端末のスマホでログイン')
  await is.approve(page, taro.pin)
  await is.at(page, 'ホーム')
  for (const [party, place] of [['street', '/'], ['phone', '/p/taro-phone/'], ['street', '/cards'], ['portal', '/home']]) {
    await page.goto(town.url(party, place))
    await page.getByRole('main').waitFor()
  }
  const all = (await Promise.all(sent)).filter(Boolean)
  const of = (party) => new Set(all.filter(([p]) => p === party).flatMap(([, c]) => c.split('; ').map((x) => x.split('=')[0])).filter((n) => n && n !== 'language'))
  assert.deepEqual([...of('portal')].sort(), ['portal-login', 'portal-session'])
  assert.deepEqual([...of('phone')], ['phone'], 'the phone gets its own cookie only')
  assert.deepEqual([...of('street')], [], 'the street gets none')
  for (const c of await context.cookies()) {
    assert.match(c.domain, /^(portal|phone|street)\.localhost$/, 'no cookie is for a whole domain')
    if (c.name !== 'language') assert.ok(c.httpOnly, `${c.name} is out of scripts' reach`)
  }
})

job("a stranger's page that posts to the phone is refused, and nothing changes", async () => {
  const page = await (await visitor(narrow)).newPage()
  const to = town.url('phone', '/p/taro-phone/settings')
  await page.goto(await site(`<form method="post" action="${to}"><input type="hidden" name="what" value="power"><button>Win a prize</button></form>`))
  await is.press(page, 'Win a prize')
  await is.at(page, /ほかのサイトからの操作は受け付けません/, '35-stranger')
  await page.goto(town.url('phone', '/p/taro-phone/'))
  await is.at(page, /太郎さん$/) // it is still on
  // Nor by script, from the stranger's page or from the portal's.
  for (const from of [stranger && `http://stranger.localhost:${stranger.address().port}/`, town.url('portal')]) {
    await page.goto(from)
    const told = await page.evaluate(async ([url]) => {
      const tries = [{ method: 'GET' }, { method: 'POST', body: new URLSearchParams({ what: 'power' }) }, { method: 'POST', mode: 'no-cors', body: new URLSearchParams({ what: 'power' }) }]
      const heard = []
      for (const t of tries) heard.push(await fetch(url, { credentials: 'include', ...t }).then((r) => r.type === 'opaque' ? 'nothing' : r.text(), () => 'nothing'))
      return heard
    }, [to])
    assert.deepEqual(told, ['nothing', 'nothing', 'nothing'])
  }
  await page.goto(town.url('phone', '/p/taro-phone/'))
  await is.at(page, /太郎さん$/)
})

job("a stranger's page cannot show the phone or the portal in a frame", async () => {
  const page = await (await visitor(wide)).newPage()
  const framed = [town.url('phone', '/p/taro-phone/'), town.url('portal'), town.url('street')]
  await page.goto(await site(framed.map((url, i) => `<iframe title="prize ${i}" src="${url}" width="400" height="300"></iframe>`).join('')))
  await page.waitForLoadState('networkidle')
  for (const i of framed.keys()) {
    assert.equal(await page.frameLocator(`iframe[title="prize ${i}"]`).getByRole('main').count(), 0, framed[i])
    assert.match(page.frames()[i + 1].url(), /^chrome-error:/, 'the browser shows its own refusal')
  }
})

job('a name that a stranger points at this machine is not answered', async () => {
  const page = await (await visitor(narrow)).newPage()
  const answer = await page.goto(town.url('phone').replace('phone.localhost', 'rebound.localhost'))
  assert.equal(answer.status(), 421)
  await page.getByText('この名前ではこの窓口を利用できません。').waitFor()
})

job("somebody else's login link logs nobody in", async () => {
  // A stranger begins a login and sends taro the link that leads to the phone.
  const theirs = await (await visitor(wide)).newPage()
  const led = theirs.waitForRequest(/\/open\?request_uri=/)
  await theirs.goto(town.url('portal'))
  await is.press(theirs, 'この端末のスマホでログイン')
  const link = (await led).url()
  await theirs.getByRole('main').waitFor()

  const taros = await (await visitor(narrow)).newPage()
  await is.take(taros, town, '手形　太郎')
  await taros.goto(link)
  await is.approve(taros, taro.pin)
  await is.at(taros, 'このブラウザーで始めたログインではありません。', '36-other-browser')
  await taros.goto(town.url('portal', '/home'))
  await is.at(taros, /ログインしていません/)
  await theirs.goto(town.url('portal', '/home'))
  await is.at(theirs, /ログインしていません/)
  // The link has been used: it opens nothing a second time.
  await taros.goto(link)
  await is.at(taros, /この依頼にはもう回答がありました。/)
  assert.equal(await taros.getByRole('button', { name: 'ログインする' }).count(), 0)
})

job('dubious requests: where a link leads is shown first, and each is refused in its own words', async () => {
  const page = await (await visitor(narrow)).newPage()
  await is.take(page, town, '手形　太郎')
  for (const [trick, words] of [
    ['登録されていない相手からの依頼', '登録されていない相手からの依頼です。'], ['途中で書き換えられた依頼', '依頼が途中で書き換えられています。'],
    ['有効時間の過ぎた依頼', '依頼の有効時間が過ぎました。'], ['回答がよそへ送られる依頼', '回答の送り先が、検証者のものではありません。'],
  ]) {
    await page.goto(town.url('street', '/break'))
    await is.follow(page, `スマホで開く ${trick}`)
    await is.at(page, 'どこからの依頼か、確かめてください', trick.startsWith('登録') ? '40-elsewhere' : undefined)
    await page.getByText(town.url('street').replace(/\/$/, ''), { exact: true }).waitFor()
    await is.press(page, '心当たりがあるので、依頼を確かめる')
    await is.at(page, new RegExp(words))
  }
  await page.goto(town.url('phone', '/p/taro-phone/history'))
  await is.at(page, '利用の履歴', '41-history-refused')
  for (const words of ['登録されていない相手からの依頼です。', '回答の送り先が、検証者のものではありません。']) await page.getByText(words).first().waitFor()
})
