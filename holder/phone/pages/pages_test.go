package pages

import (
	"io/fs"
	"testing"
	"time"

	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
)

func TestEveryStringIsThereInBothLanguagesAndNoneIsLeftOver(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}

// moment is when the samples are looked at.
func moment() time.Time { return time.Date(2026, 11, 22, 0, 41, 0, 0, time.UTC) }

func sampleLook(stage Stage) Look {
	l := Look{
		ID: "hanako", Name: "佐藤 花子のスマホ", Now: moment(), Stage: stage, OpenUntil: moment().Add(20 * time.Hour),
		Holder: "佐藤 花子", Picture: "sakura", Word: "ことりのうた", Model: "Tegata One",
		Models: []Model{{"one", "Tegata One", true}, {"old", "Tegata Zero", false}}, Boot: "verified",
		NFC: true, Network: true, Power: true, ReaderPort: "127.0.0.1:8431", PINTries: 3, PasswordTries: 5,
	}
	if stage == StageNone {
		l.Holder, l.Picture, l.Word = "", "", ""
	}
	if stage == StageRegistered || stage == StageIssued {
		state := "good"
		if stage == StageIssued {
			state = "held"
		}
		for _, kind := range []string{"phone-auth", "phone-sign"} {
			l.Certificates = append(l.Certificates, Certificate{Kind: kind, State: state, Serial: "5f3a9c0b77e1424d8a6f0c2b9e3d1a54",
				NotBefore: moment(), NotAfter: moment().AddDate(4, 2, 0), Issuer: "C=JP, O=Tegata Sandbox, OU=for user authentication"})
		}
	}
	return l
}

func sampleAsk() Ask {
	return Ask{
		ID: "r1", Channel: "same", Kind: "login", Risk: "R1", Secret: "pin", Tries: 3, Until: moment().Add(9 * time.Minute),
		Party: Party{ID: "portal", Name: ui.Text{JA: "みやこ市民ポータル", EN: "Miyako citizens' portal"}, Mark: "portal", Since: moment().AddDate(-1, 0, 0)},
		What:  ui.Text{JA: "ポータルにログインします。", EN: "Log in to the portal."},
		Data:  []Datum{{Code: "name"}, {Code: "address", Optional: true}},
		Next:  ui.Text{JA: "ポータルのホームが開きます。", EN: "The portal's home page opens."},
	}
}

// samples is every page with data that a person could meet.
func samples() []uitest.Page {
	look := sampleLook
	base := func(stage Stage) basePage { return basePage{Base: "/p/hanako", Look: look(stage)} }
	frame := func(stage Stage, nav string) *ui.Frame {
		v := visit{base: "/p/hanako", look: look(stage)}
		return v.frame(nav)
	}
	trouble := func(kind problem.Kind, code, ja, jaDetail, en, enDetail string, tries int) *ui.Trouble {
		p := problem.New(kind, 403, code, problem.Text{Title: ja, Detail: jaDetail}, problem.Text{Title: en, Detail: enDetail})
		if tries >= 0 {
			p = p.With("tries_left", tries)
		}
		t := ui.TroubleOf(nil, p)
		t.RequestID = "req-7Q2M"
		return t
	}
	wrong := trouble(problem.Refused, "wrong-card-password", "カードの署名用パスワードが違います。", "大文字と小文字は区別しません。よく確かめて、もう一度入力してください。", "The card's signature password is wrong.", "Capitals do not matter. Check it and try again.", 3)
	wrongPIN := trouble(problem.Refused, "wrong-phone-pin", "スマホの暗証番号が違います。", "カードではなく、このスマホのために決めた4けたです。", "The phone's PIN is wrong.", "It is the one chosen for this phone, not the card's.", 2)
	var out []uitest.Page
	add := func(name string, stage Stage, nav string, sc ui.Screen) {
		sc.Frame = frame(stage, nav)
		out = append(out, uitest.Page{Name: name, Screen: sc})
	}
	quiet := func(page string, data any) ui.Screen { return ui.Screen{Page: page, Data: data, Quiet: true} }

	out = append(out, uitest.Page{Name: "01-list", Screen: ui.Screen{Page: "list", Data: listPage{Phones: []Brief{
		{ID: "hanako", Name: "佐藤 花子のスマホ", Model: "Tegata One", Holder: true, Power: true, Picture: "sakura", Word: "ことりのうた"},
		{ID: "taro", Name: "佐藤 太郎のスマホ", Model: "Tegata One", Power: true}, {ID: "old", Name: "古いスマホ", Model: "Tegata Zero"},
	}}}})
	add("02-home-none", StageNone, "home", ui.Screen{Page: "home", Data: homePage{basePage: base(StageNone)}})
	add("03-home-open", StageApplied, "home", ui.Screen{Page: "home", Data: homePage{basePage: base(StageApplied)}})
	waiting := base(StageRegistered)
	waiting.Look.Waiting = []Waiting{{ID: "r1", Party: ui.Text{JA: "みやこ市民ポータル", EN: "Portal"}, What: ui.Text{JA: "ポータルにログインします。", EN: "Log in."}}}
	add("04-home-registered", StageRegistered, "home", ui.Screen{Page: "home", Data: homePage{basePage: base(StageRegistered), Done: "registered"}})
	add("05-home-waiting", StageRegistered, "home", ui.Screen{Page: "home", Data: homePage{basePage: waiting}})
	add("06-services", StageNone, "home", ui.Screen{Page: "services", Data: base(StageNone)})
	needs := []Need{{Code: "model", OK: true}, {Code: "boot", OK: true}, {Code: "nfc", OK: true}, {Code: "network", OK: true}, {Code: "card", Ask: true}, {Code: "secret", Ask: true}, {Code: "age", Ask: true}}
	add("10-check", StageNone, "", quiet("check", checkPage{basePage: base(StageNone), Needs: needs, Ready: true}))
	bad := append([]Need(nil), needs...)
	bad[0].OK, bad[2].OK = false, false
	add("11-check-no", StageNone, "", quiet("check", checkPage{basePage: base(StageNone), Needs: bad, Registered: true}))
	add("12-mark", StageNone, "", quiet("mark", markPage{basePage: base(StageNone), Pictures: ui.PictureNames(), Picture: "sakura", Next: "enrol"}))
	add("13-cardpassword", StageNone, "", quiet("cardpassword", secretPage{basePage: base(StageNone)}))
	again := secretPage{basePage: base(StageNone)}
	again.Trouble = wrong
	add("14-cardpassword-wrong", StageNone, "", ui.Screen{Page: "cardpassword", Data: again, Quiet: true, Bad: true})
	add("15-terms", StageNone, "", quiet("terms", termsPage{base(StageNone), Terms{Version: "2026-04"}, []string{"第1条　この規約は、スマホ用電子証明書の利用について定めます。", "第2条　電子証明書は、申請した本人だけが使えます。暗証番号とパスワードを人に教えないでください。", "第3条　スマホをなくしたときは、すぐに利用を止めてください。", "第4条　住所や名前が変わると、署名用電子証明書は使えなくなります。"}}))
	cards := []Card{{ID: "a", Name: "佐藤 花子"}, {ID: "b", Name: "田中 一郎", Note: ui.Text{JA: "期限切れ", EN: "expired"}}}
	add("16-tap", StageNone, "", ui.Screen{Page: "tap", Data: tapPage{basePage: base(StageNone), Cards: cards}, Quiet: true, Poll: tapPoll})
	held := base(StageNone)
	held.Look.Tapped = "佐藤 花子のカード"
	add("17-tap-here", StageNone, "", quiet("tap", tapPage{basePage: held}))
	out[len(out)-1].Screen.Frame.Tapped = held.Look.Tapped
	nonfc := base(StageNone)
	nonfc.Look.NFC = false
	nonfc.Trouble = trouble(problem.YourTurn, "card-removed", "カードが途中で離れました。", "もう一度カードをかざして、終わるまで動かさないでください。", "The card was taken away too early.", "Hold it again and keep it still until it is done.", -1).With(unharmed(), ui.Action{})
	add("18-tap-trouble", StageNone, "", quiet("tap", tapPage{basePage: nonfc}))
	add("19-open", StageNone, "", quiet("open", base(StageNone)))
	add("20-pin", StageApplied, "", quiet("pin", secretPage{basePage: base(StageApplied)}))
	add("21-pin-weak", StageApplied, "", ui.Screen{Page: "pin", Data: secretPage{basePage: base(StageApplied), Wrong: "誕生日は当てられやすいので使えません。別のものにしてください。"}, Quiet: true, Bad: true})
	add("22-password", StageApplied, "", quiet("password", secretPage{basePage: base(StageApplied)}))
	add("23-register", StageIssued, "", quiet("register", base(StageIssued)))
	add("24-done", StageRegistered, "", quiet("done", donePage{base(StageRegistered), "1234 5678 901"}))
	add("25-resume", StageApplied, "", quiet("resume", resumePage{base(StageApplied), "/p/hanako/enrol/pin"}))
	v := visit{base: "/p/hanako", look: look(StageRegistered)}
	add("30-ask-same", StageRegistered, "", quiet("request", v.askPage(sampleAsk())))
	cross := sampleAsk()
	cross.Channel, cross.Browser, cross.Match = "cross", "Chromium・同じネットワーク", []string{"27", "64", "91"}
	wrongAsk := v.askPage(cross)
	add("31-ask-cross", StageRegistered, "", quiet("request", v.askPage(cross)))
	wrongAsk.Trouble, wrongAsk.Match = wrongPIN, "64"
	wrongAsk.Ask.Tries = 1
	add("32-ask-wrong", StageRegistered, "", ui.Screen{Page: "request", Data: wrongAsk, Quiet: true, Bad: true})
	sign := sampleAsk()
	sign.Party = Party{ID: "bank", Name: ui.Text{JA: "あおば銀行", EN: "Aoba bank"}, Mark: "bank", Since: moment().AddDate(-2, 0, 0)}
	sign.Kind, sign.Risk, sign.Secret, sign.Tries, sign.Data = "sign", "R3", "password", 5, nil
	sign.What = ui.Text{JA: "口座をひらく申込書に署名します。", EN: "Sign the application for an account."}
	sign.Write = []ui.Text{{JA: "毎月の引き落とし 12,800円", EN: "12,800 yen a month"}}
	add("33-ask-sign", StageRegistered, "", quiet("request", v.askPage(sign)))
	outcome := Outcome{Approved: true, Redirect: "http://portal.localhost:8404/", Party: sampleAsk().Party.Name, What: sampleAsk().What}
	add("34-answered", StageRegistered, "", quiet("answered", answeredPage{base(StageRegistered), outcome}))
	outcome.Approved, outcome.Redirect = false, ""
	add("35-refused", StageRegistered, "", quiet("answered", answeredPage{base(StageRegistered), outcome}))
	add("40-scan", StageRegistered, "scan", ui.Screen{Page: "scan", Data: scanPage{basePage: base(StageRegistered)}})
	uses := []Use{
		{At: moment(), Kind: "login", Party: sampleAsk().Party.Name, What: sampleAsk().What, Result: "approved", Data: []string{"name"}},
		{At: moment().Add(-time.Hour), Kind: "login", Party: sampleAsk().Party.Name, What: sampleAsk().What, Result: "refused"},
		{At: moment().Add(-2 * time.Hour), Kind: "login", Party: ui.Text{JA: "あおば銀行", EN: "Aoba bank"}, What: sign.What, Result: "failed", Code: "wrong-match"},
		{At: moment().Add(-26 * time.Hour), Kind: "registration", Result: "done"},
	}
	add("41-history", StageRegistered, "history", ui.Screen{Page: "history", Data: historyPage{base(StageRegistered), uses, true}})
	add("42-history-empty", StageNone, "history", ui.Screen{Page: "history", Data: historyPage{basePage: base(StageNone)}})
	add("43-certificate", StageRegistered, "home", ui.Screen{Page: "certificate", Data: base(StageRegistered)})
	lost := base(StageRegistered)
	lost.Look.Certificates[0].State, lost.Look.Certificates[0].Cause, lost.Look.Certificates[1].State = "held", "lost", "revoked"
	add("44-certificate-held", StageRegistered, "home", ui.Screen{Page: "certificate", Data: lost})
	add("50-settings", StageRegistered, "settings", ui.Screen{Page: "settings", Data: settingsPage{base(StageRegistered), []toggle{{"nfc", true}, {"network", false}, {"power", true}}, []string{"verified", "unlocked"}}})
	add("51-off", StageRegistered, "", quiet("off", base(StageRegistered)))
	add("52-lost", StageRegistered, "home", ui.Screen{Page: "lost", Data: base(StageRegistered)})
	add("53-stop", StageRegistered, "", quiet("stop", stopPage{base(StageRegistered)}))
	add("54-stopped", StageEnded, "", quiet("stopped", stoppedPage{base(StageEnded), Receipt{URL: "http://127.0.0.1:8401/v1/revocations/abc", Tag: "K7Q2-M9XA", At: moment()}}))
	for _, k := range []struct {
		kind problem.Kind
		t    *ui.Trouble
	}{
		{problem.Refused, trouble(problem.Refused, "card-revoked", "このカードの署名用電子証明書は失効しています。", "引っ越しなどで住所が変わると失効します。市区町村の窓口で新しくできます。", "The signature certificate of this card is revoked.", "It ends when the address changes. You can renew it at the municipal counter.", -1)},
		{problem.CouldNotCheck, trouble(problem.CouldNotCheck, "unreachable", "相手につながりませんでした。", "何も変わっていません。少し待ってから、もう一度お試しください。", "The other side could not be reached.", "Nothing has changed. Wait a moment and try again.", -1)},
		{problem.OurFault, trouble(problem.OurFault, "internal", "こちらの不具合です。", "操作は完了していません。", "Something went wrong on our side.", "Nothing was completed.", -1)},
		{problem.YourTurn, errStartAgainTrouble()},
	} {
		k.t.With(unharmed(), ui.Action{Label: "ホームへ戻る", URL: "/p/hanako/"})
		add("60-trouble-"+string(k.kind), StageRegistered, "", ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: k.t}})
	}
	return out
}

func errStartAgainTrouble() *ui.Trouble { return ui.TroubleOf(nil, errStartAgain) }

func TestEveryPageRendersInBothLanguages(t *testing.T) {
	site, err := newSite(true)
	if err != nil {
		t.Fatal(err)
	}
	uitest.Pages(t, site, samples())
}

func TestPreview(t *testing.T) {
	site, err := newSite(true)
	if err != nil {
		t.Fatal(err)
	}
	uitest.Preview(t, site, samples())
}
