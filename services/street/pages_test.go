package street

import (
	"io/fs"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/trace"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

func TestEveryStringIsThereAndUsed(t *testing.T) {
	pages, err := fs.Sub(pageFiles, "pages")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, pages, ".")
}

// samplePages is every page in every state that it has.
func samplePages(n *town) []uitest.Page {
	now := n.clock.Now()
	made := Progress{Steps: []Step{
		{Name: ui.Text{JA: "認証局の鍵", EN: "the authority's keys"}, State: "done"},
		{Name: ui.Text{JA: "二つの役所の住民記録", EN: "the registers of two towns"}, State: "done"},
		{Name: ui.Text{JA: "最初のカード", EN: "the first card"}, Count: 1, Of: 2, State: "now"},
		{Name: ui.Text{JA: "登録済みのスマホ", EN: "a registered phone"}, State: "next"},
		{Name: ui.Text{JA: "ほかの住人のカード", EN: "the other people's cards"}, Of: 12, State: "next"},
	}}
	failed := made
	failed.Failed = "sandbox: issue card hanako: the ledger is read-only"
	later := made
	later.Usable, later.Steps = true, []Step{{Name: ui.Text{JA: "ほかの住人のカード", EN: "other people's cards"}, Count: 5, Of: 12, State: "now"}}
	first, ready := n.people[0], n.people[1]
	box := &secretsBox{For: "card-hanako", where: "first", Lines: []secretLine{{"card_signature_password", "HANAKO2026"}, {"card_auth_pin", "4821"}, {"card_input_pin", "7305"}, {"card_resident_pin", "6194"}}}
	short := &secretsBox{For: box.For, where: "first", Lines: box.Lines[:1]}
	readyBox := &secretsBox{For: "phone-taro", where: "ready", Lines: []secretLine{{"phone_auth_pin", "5937"}, {"phone_signature_password", "TARO7788"}, {"lock_code", "40718265391"}}}
	home := homePage{Progress: Progress{Usable: true, Done: true}, Phone: "http://phone.localhost:8403/p/hanako/", Portal: "http://portal.localhost:8404",
		First: first, Ready: ready, ReadyPhone: "http://phone.localhost:8403/p/taro/", Now: now}
	homeDone, homeLeft, homeOpen, homeReady, homeBare := home, home, home, home, home
	homeDone.Registered, homeDone.LoggedIn, homeDone.Ahead = true, true, true
	homeLeft.Progress, homeOpen.Secrets, homeReady.Secrets = later, short, readyBox
	homeBare.Phone, homeBare.Portal, homeBare.First, homeBare.Ready = "", "", Person{}, Person{}
	away := ui.TroubleOf(nil, httpd.Unreachable)

	var cards []rackCard
	for i, c := range n.cards {
		cards = append(cards, rackCard{Card: c, Person: n.people[i], Known: true})
	}
	cards[1].Reader, cards[1].At, cards[1].AtOwner = "127.0.0.1:49153", "phone:taro", ready.Said()
	cards[0].Secrets, cards[2].Tries, cards[3].Tries = box, &Tries{0, 2}, &Tries{0, 3}
	cards = append(cards, rackCard{Card: Card{ID: "visitor-9", State: "", Reader: "127.0.0.1:49200"}, At: "kiosk:1"})

	var notices []Notice
	for i, x := range [][2]string{{"スマホの登録が終わりました", "スマホの電子証明書を2つ発行しました。\n心あたりがないときは、停止コードですぐに止めてください。"}, {"スマホの利用申請を受け付けました", "あなたのカードで、スマホの利用申請がありました。"}} {
		var nt Notice
		nt.ID, nt.At, nt.JA, nt.EN = x[0], now.Add(-time.Duration(i)*time.Minute), words{x[0], x[1]}, words{"Your phone was registered", "Two certificates were issued.\nIf this was not you, use the lock code at once."}
		nt.To.Address = "hanako"
		notices = append(notices, nt)
	}
	someBoxes := boxes(n.people, []Notice{notices[1], notices[0]})

	h := n.street
	story := n.tell(now)
	tr := tracePage{More: 3, Forgotten: 12345}
	for _, s := range stories(story) {
		v := storyView{Story: s, ID: "s" + s.Key, Open: true, Today: len(tr.Stories) < 2}
		for _, row := range s.Rows() {
			v.Rows = append(v.Rows, h.rowView(row))
		}
		tr.Stories = append(tr.Stories, v)
	}
	phones := []phoneView{{Phone: Phone{ID: "hanako", State: "none"}, Owner: first, Known: true}, {Phone: Phone{ID: "taro", State: "registered"}, Owner: ready, Known: true}}
	off := false
	phonesOff := []phoneView{phones[0], phones[1]}
	phonesOff[1].Settings.Power = &off
	brk := breakPage{Held: cards[1:2], Phones: phones, HasIssuer: true, Now: now, Losable: phones[1:], Cards: 6, Tricks: n.street.tricks()}
	walking := breakPage{Phones: phonesOff, HasIssuer: true, OCSPStopped: true, Now: now, Walking: true, Did: "clock"}
	wrong := breakPage{PhonesAway: away, CardsAway: away, Now: now, Birth: "1979-11-03", LostWrong: ui.TroubleOf(nil, errLockCodeWrong.With("tries_left", 4)), WalkFailed: away}
	offersAll := offersPage{Now: offersNow(), Planned: offersPlanned()}
	for _, g := range offersAll.Now {
		for i, o := range g.Offers {
			if o.ID != "trusted" { // does not run
				g.Offers[i].Runs, g.Offers[i].URL = true, "/trace"
			}
		}
	}
	return []uitest.Page{
		{Name: "making", Screen: ui.Screen{Page: "making", Data: makingPage{Progress: made}, Poll: time.Second}},
		{Name: "making-failed", Screen: ui.Screen{Page: "making", Data: makingPage{Progress: failed}}},
		{Name: "home", Screen: ui.Screen{Page: "home", Data: home}},
		{Name: "home-left", Screen: ui.Screen{Page: "home", Data: homeLeft, Poll: 2 * time.Second}},
		{Name: "home-done", Screen: ui.Screen{Page: "home", Data: homeDone}},
		{Name: "home-secrets", Screen: ui.Screen{Page: "home", Data: homeOpen}},
		{Name: "home-ready-secrets", Screen: ui.Screen{Page: "home", Data: homeReady}},
		{Name: "home-bare", Screen: ui.Screen{Page: "home", Data: homeBare}},
		{Name: "rack", Screen: ui.Screen{Page: "rack", Data: rackPage{Cards: cards}}},
		{Name: "rack-empty", Screen: ui.Screen{Page: "rack", Data: rackPage{Left: true}}},
		{Name: "rack-away", Screen: ui.Screen{Page: "rack", Data: rackPage{Trouble: away}}},
		{Name: "hold", Screen: ui.Screen{Page: "hold", Data: holdPage{Reader: n.readerOfHanakosPhone, Slot: "phone:hanako", Owner: first.Said(), Back: "http://phone.localhost:8403/p/hanako/register", Cards: cards}}},
		{Name: "hold-where", Screen: ui.Screen{Page: "hold", Data: holdPage{Readers: []Reader{{Slot: "phone:hanako", Address: n.readerOfHanakosPhone}, {Slot: "kiosk:1", Address: "127.0.0.1:49200"}}}}},
		{Name: "hold-nowhere", Screen: ui.Screen{Page: "hold", Data: holdPage{}}},
		{Name: "hold-away", Screen: ui.Screen{Page: "hold", Data: holdPage{Reader: "127.0.0.1:49200", Slot: "kiosk:1", Trouble: away}}},
		{Name: "mailbox", Screen: ui.Screen{Page: "mailbox", Data: mailboxPage{Boxes: someBoxes}}},
		{Name: "mailbox-one", Screen: ui.Screen{Page: "mailbox", Data: mailboxPage{Boxes: someBoxes, Open: &someBoxes[0], Notices: notices, More: 4}}},
		{Name: "mailbox-empty", Screen: ui.Screen{Page: "mailbox", Data: mailboxPage{Boxes: someBoxes, Open: &someBoxes[1]}}},
		{Name: "mailbox-away", Screen: ui.Screen{Page: "mailbox", Data: mailboxPage{Trouble: away}}},
		{Name: "offers", Screen: ui.Screen{Page: "offers", Data: offersAll}},
		{Name: "shop", Screen: ui.Screen{Page: "shop", Data: emptyShop()}},
		{Name: "shop-phone", Screen: ui.Screen{Page: "shop", Data: shopPage{Link: "http://phone.localhost:8403/open?request_uri=x"}}},
		{Name: "shop-passed", Screen: ui.Screen{Page: "shop", Data: shopSaid("passed", "")}},
		{Name: "shop-refused", Screen: ui.Screen{Page: "shop", Data: shopSaid("failed", "holder-rules")}},
		{Name: "shop-signed", Screen: ui.Screen{Page: "shop", Data: shopGot()}},
		{Name: "trace", Screen: ui.Screen{Page: "trace", Data: tr}},
		{Name: "trace-empty", Screen: ui.Screen{Page: "trace", Data: tracePage{}}},
		{Name: "break", Screen: ui.Screen{Page: "break", Data: brk}},
		{Name: "break-walking", Screen: ui.Screen{Page: "break", Data: walking, Poll: time.Second}},
		{Name: "break-wrong", Screen: ui.Screen{Page: "break", Data: wrong, Bad: true}},
	}
}

// shopSaid is the counter after an answer.
func shopSaid(v ceremony.Verdict, code string) shopPage {
	p := emptyShop()
	p.Result = &ceremony.Result{Verdict: v, Code: code}
	return p
}

// shopGot is the counter after a signature.
func shopGot() shopPage {
	p := shopSaid("passed", "")
	paper := papers()[1]
	p.Signed = &shopSigned{What: paper.What, Token: "bm90aGluZyB0byBzZWUgaGU", File: paper.File, Paper: paper, Signer: "手形　太郎", Level: "PAdES B-B"}
	return p
}

func TestPagesInEveryState(t *testing.T) {
	n := newTown(t)
	uitest.Pages(t, n.street.site, samplePages(n))
}

func TestLookAtThePages(t *testing.T) {
	n := newTown(t)
	uitest.Preview(t, n.street.site, samplePages(n))
}

// tell is a registration and a login as the roles tell them.
func (n *town) tell(now time.Time) []entry {
	pem := selfSigned(n.t)
	at := func(s int) time.Time { return now.Add(time.Duration(s) * time.Second) }
	events := []trace.Event{
		{At: at(0), From: "phone", To: "card", Kind: "tap", TitleJA: "カードがかざされました", TitleEN: "The card was held to the phone"},
	}
	for i, c := range [][3]string{
		{"00A4040C0A D392F000260100000001", "カードの公的個人認証アプリを選びました", "Selected the card's signature application"},
		{"00A4020C02 001B", "署名用パスワードのファイルを選びました", "Selected the signature password"},
		{"00200080 0A 48414E414B4F32303236", "署名用パスワードを確かめました", "Verified the signature password"},
		{"00A4020C02 0001", "署名用証明書のファイルを選びました", "Selected the signature certificate"},
		{"00B0000000", "証明書を読みました", "Read the certificate"},
		{"802A008033", "カードの中で署名しました", "Signed inside the card"},
	} {
		events = append(events, trace.Event{At: at(1 + i), From: "phone", To: "card", Kind: "apdu", TitleJA: c[1], TitleEN: c[2], Detail: map[string]string{"command": c[0]}})
	}
	events = append(events,
		trace.Event{At: at(9), From: "phone", To: "issuer", Kind: "http", TitleJA: "利用申請を送りました", TitleEN: "Sent the application", Detail: map[string]string{"enrolment": "mJx0", "path": "POST /v1/enrolments"}},
		trace.Event{At: at(12), From: "issuer", To: "phone", Kind: "certificate", TitleJA: "スマホの利用者証明用証明書を発行しました（登録が済むまで一時停止）", TitleEN: "Issued the phone's authentication certificate, on hold until registered", Detail: map[string]string{"enrolment": "mJx0"}, PEM: pem},
		trace.Event{At: at(13), From: "issuer", Kind: "status", TitleJA: "OCSP レスポンダが証明書の状態を答えました", TitleEN: "The OCSP responder told the status of a certificate", PEM: pem},
		trace.Event{At: at(13), From: "issuer", Kind: "status", TitleJA: "OCSP レスポンダが証明書の状態を答えました", TitleEN: "The OCSP responder told the status of a certificate", PEM: pem},
		trace.Event{At: at(14), From: "issuer", Kind: "status", TitleJA: "OCSP レスポンダが証明書の状態を答えました", TitleEN: "The OCSP responder told the status of a certificate", PEM: pem},
		trace.Event{At: at(15), From: "phone", To: "issuer", Kind: "http", TitleJA: "登録しました。証明書が使えるようになりました", TitleEN: "Registered: the certificates are good now", Detail: map[string]string{"enrolment": "mJx0", "state": "registered"}},
		trace.Event{At: at(200), From: "portal", To: "verifier", Kind: "http", TitleJA: "ログインを頼みました", TitleEN: "Asked for a login", Detail: map[string]string{"request": "Qw8"}},
		trace.Event{At: at(206), From: "verifier", To: "portal", Kind: "verdict", TitleJA: "本人だと確かめました", TitleEN: "Verified who it is", Detail: map[string]string{"request": "Qw8", "verdict": "passed"}, Check: "openssl verify -CAfile BUNDLE FILE", PEM: pem},
		trace.Event{At: at(400), From: "street", To: "issuer", Kind: "break", TitleJA: "証明書の状態を答える窓口（OCSP）を止めました", TitleEN: "The OCSP responder was stopped"},
	)
	r := newRing(100, 1<<20)
	for _, e := range events {
		r.add(e)
	}
	all, _ := r.all()
	return all
}
