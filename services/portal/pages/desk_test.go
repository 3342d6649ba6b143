package pages

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/portal"
)

// fullUse is a use with everything that a verifier tells of one.
func fullUse() portal.Use {
	return portal.Use{At: moment().Unix(), Party: "aoba", Name: ceremony.Text{JA: "あおば銀行", EN: "Aoba bank"}, Purpose: ceremony.Text{JA: "本人の確認", EN: "Proof of who you are"},
		Kind: ceremony.Login, Risk: ceremony.R2, Channel: ceremony.Cross, Verdict: ceremony.Failed, Code: "function-locked",
		Why: ceremony.Text{JA: "あなたが止めている種類の利用です。", EN: "You have locked uses of this kind."}, Category: ceremony.Private, PurposeCode: "login",
		AMR: []string{"user", "swk"}, Receipt: "pTz7Jq0c5Zf1k2wYdWmX3A"}
}

func everyRule() ceremony.Rules {
	return ceremony.Rules{Version: 3, Locked: []ceremony.Category{ceremony.Kiosk, ceremony.Private}, Daily: []ceremony.DailyLimit{{Uses: 3}, {Of: ceremony.Clinic, Uses: 12}},
		Quiet:  &ceremony.QuietHours{From: 23*60 + 30, To: 6 * 60, Refuse: true},
		Raised: []ceremony.Raised{{Of: ceremony.Tax, To: ceremony.DemandPassword}, {Party: "aoba", Purpose: "login", To: ceremony.DemandPIN}}}
}

func deskSamples() []uitest.Page {
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data}}
	}
	terminal := fullUse()
	terminal.Channel, terminal.Terminal, terminal.Place = ceremony.Tap, "kiosk-7", ceremony.Text{JA: "中央店", EN: "Central shop"}
	terminal.Verdict, terminal.Code, terminal.Claims, terminal.AMR = ceremony.Passed, "", []string{"name"}, []string{"pwd"}
	older := portal.Use{At: moment().Unix(), Party: "portal", Name: ceremony.Text{JA: "窓口", EN: "Desk"}, Purpose: ceremony.Text{JA: "ログイン", EN: "Login"},
		Kind: ceremony.Login, Risk: ceremony.R1, Channel: ceremony.Same, Verdict: ceremony.Passed}
	signed := fullUse()
	signed.Kind, signed.Verdict, signed.Code = ceremony.SignDoc, ceremony.Passed, ""
	signed.Document = &ceremony.UsedDocument{Name: "契約書.pdf", Format: "pades", MediaType: "application/pdf", SHA256: "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg"}
	unsigned := signed
	unsigned.Verdict, unsigned.Code = ceremony.Failed, "holder-refused"
	several := signed
	several.Document, several.Documents = nil, []ceremony.UsedDocument{
		{Name: "口座開設の申込書.pdf", Format: "pades", MediaType: "application/pdf", SHA256: "qMNa9YlN5Q7oQzq2m3nZb2Kp0f4r8s1t6u9v3w7x5yA"},
		{Name: "規約.txt", Format: "cades", MediaType: "text/plain", SHA256: "Zx1c3V5b7N9mQ2w4E6r8T0y1U3i5O7p9A1s3D5f7G9h"}}
	severalNot := several
	severalNot.Verdict, severalNot.Code = ceremony.Failed, "holder-refused"
	opened := portal.Case{Number: "01234567", UseID: "x", Use: fullUse(), OpenedAt: moment()}
	held := opened
	held.Suspended = moment()
	stuck := caseOf(opened)
	again := opened
	again.Hold.Due = moment()
	stuck.Session = true
	stuck.Trouble = ui.TroubleOf(nil, portal.ErrNoSuspend)
	seen := portal.Snapshot{At: moment(), Queries: []portal.Query{{At: moment(), Verifier: "portal", What: "certificates"}, {At: moment(), Verifier: "verifier", What: "linkage"},
		{At: moment(), Verifier: "verifier", What: "attributes", Claims: []string{"name"}, Refused: "release-invalid"}, {At: moment(), Verifier: "helpdesk", What: "support", Agent: "agent-7"}, {At: moment(), Verifier: "helpdesk", What: "something new"}}}
	rules := everyRule()
	first := ceremony.Rules{Version: 1, Locked: rules.Locked}
	told := ceremony.HeldRules{Rules: rules, Changes: []ceremony.RulesChanged{{At: moment().Unix(), By: ceremony.RulesByCard, Rules: rules}, {At: moment().Unix(), By: ceremony.RulesByParty, Rules: first}}}
	done := rulesOf(told)
	done.Done = true
	locks, limits, quiet, none := rulePage{ID: "x"}, rulePage{ID: "x"}, rulePage{ID: "x"}, rulePage{ID: "x"}
	fillLocks(&locks, rules, nil)
	fillLimits(&limits, rules, nil)
	fillQuiet(&quiet, rules, nil)
	fillQuiet(&none, ceremony.Rules{}, nil)
	none.Trouble = ui.TroubleOf(nil, portal.ErrRulesForm)
	classes := rulePage{ID: "x"}
	(&Handler{opt: Options{Portal: onePortal{}}}).fillClasses(&classes, rules, httptest.NewRequest("GET", "/rules/classes?use="+fullUse().Receipt, nil))
	wait := ceremony.RulesProposal{From: rules, To: ceremony.Rules{Version: 4, Quiet: rules.Quiet, Daily: []ceremony.DailyLimit{{Uses: 2}}}, ExpiresAt: moment().Add(24 * time.Hour).Unix()}
	link := "http://phone.localhost:8403/open?rules=http%3A%2F%2F127.0.0.1%3A8402%2Fv1%2Frules%2Fproposals%2FpTz7Jq0c5Zf1k2wYdWmX3A"
	after := wait
	after.From, after.Done = wait.To, true
	standing := func(state string, events ...portal.ReportEvent) casePage {
		p := caseOf(held)
		p.Told, p.Session, p.Standing = true, true, portal.ReportStanding{State: state, Events: events}
		if state == "closed" {
			p.Standing.Outcome = "not-theirs"
		}
		return p
	}
	worked := []portal.ReportEvent{{At: moment(), What: "reported"}, {At: moment(), What: "viewed", Agent: "A-01"}, {At: moment(), What: "taken", Agent: "A-01"}, {At: moment(), What: "noted", Agent: "A-01", Code: "explained"}}
	return []uitest.Page{
		page("43-case-waiting", "case", standing(portal.ReportWaiting)), page("43-case-unknown", "case", standing(portal.ReportUnknown)),
		page("43-case-untaken", "case", standing(portal.ReportUntaken)),
		page("43-case-open", "case", standing("open", worked[0])), page("43-case-taken", "case", standing("taken", worked...)),
		page("43-case-closed", "case", standing("closed", append(worked[:4:4], portal.ReportEvent{At: moment(), What: "closed", Agent: "A-02", Code: "not-theirs"})...)),
		page("40-use", "use", usePage{Use: useOf(fullUse()), AsOf: moment(), CanSuspend: true}),
		page("41-use-terminal", "use", usePage{Use: useOf(terminal), AsOf: moment(), Case: "01234567"}),
		page("42-use-signed", "use", usePage{Use: useOf(signed), AsOf: moment()}), page("42-use-not-signed", "use", usePage{Use: useOf(unsigned), AsOf: moment()}),
		page("42-use-several", "use", usePage{Use: useOf(several), AsOf: moment()}), page("42-use-several-not", "use", usePage{Use: useOf(severalNot), AsOf: moment()}),
		page("42-use-older", "use", usePage{Use: useOf(older), AsOf: moment()}),
		page("43-case", "case", caseOf(held)), page("44-case-not-held", "case", stuck), page("44-case-again", "case", caseOf(again)),
		page("45-cases", "cases", casesPage{[]casePage{caseOf(opened), standing(portal.ReportWaiting), standing("taken"), standing("closed")}}), page("46-cases-none", "cases", casesPage{}),
		page("47-seen", "seen", seenOf(seen)), page("48-seen-none", "seen", seenPage{AsOf: moment()}), page("49-seen-missing", "seen", seenPage{Missing: true, AsOf: moment()}),
		page("50-rules", "rules", done), page("51-rules-none", "rules", rulesOf(ceremony.HeldRules{})),
		page("52-locks", "locks", locks), page("53-limits", "limits", limits), page("54-quiet", "quiet", quiet), page("55-quiet-none", "quiet", none),
		page("56-classes", "classes", classes),
		page("57-loosen", "loosen", loosenOf(wait, link)), page("58-loosen-done", "loosen", loosenOf(after, link)),
	}
}

// onePortal knows one use.
type onePortal struct{ Portal }

func (onePortal) UseOf(context.Context, string, string) (portal.Home, portal.Use, error) {
	return portal.Home{Snapshot: portal.Snapshot{Uses: []portal.Use{fullUse()}}}, fullUse(), nil
}

// Every fact of a use is on its page; what an older record lacks is not made up.
func TestAUseInFull(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Says(t, site, deskSamples(), "40-use", map[ui.Lang][]string{
		ui.JA: {"あおば銀行「本人の確認」", "あなたが止めている種類の利用です。", "別の端末の画面", "ログイン・会社やお店のサービス", "画面ロック（指紋・顔など）", "R2", "pTz7Jq0c5Zf1k2wYdWmX3A", "function-locked", "/uses/pTz7Jq0c5Zf1k2wYdWmX3A/not-me"},
		ui.EN: {"You have locked uses of this kind.", "companies and shops"},
	})
	uitest.Says(t, site, deskSamples(), "41-use-terminal", map[ui.Lang][]string{ui.JA: {"中央店", "kiosk-7", "署名用パスワード", "/cases/01234567"}})
	uitest.Says(t, site, deskSamples(), "42-use-signed", map[ui.Lang][]string{ui.JA: {"契約書.pdf", "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg", "署名（署名用電子証明書の氏名・住所・生年月日・性別を含みます）"}})
	uitest.Says(t, site, deskSamples(), "42-use-not-signed", map[ui.Lang][]string{ui.JA: {"契約書.pdf", "渡していません"}})
	both := []string{"口座開設の申込書.pdf", "qMNa9YlN5Q7oQzq2m3nZb2Kp0f4r8s1t6u9v3w7x5yA", "規約.txt", "Zx1c3V5b7N9mQ2w4E6r8T0y1U3i5O7p9A1s3D5f7G9h"}
	uitest.Says(t, site, deskSamples(), "42-use-several", map[ui.Lang][]string{ui.JA: append(both[:4:4], "署名（署名用電子証明書の氏名・住所・生年月日・性別を含みます）")})
	uitest.Says(t, site, deskSamples(), "42-use-several-not", map[ui.Lang][]string{ui.JA: append(both[:4:4], "渡していません")})
	uitest.Says(t, site, deskSamples(), "42-use-older", map[ui.Lang][]string{ui.JA: {"記録がありません", "このスマホと同じ端末"}})
	uitest.Says(t, site, deskSamples(), "47-seen", map[ui.Lang][]string{ui.JA: {"この窓口（くらしの窓口）", "確認を受け持つ機関", "相談窓口（ヘルプデスク）", "担当 agent-7", "サポート番号で、あなたのスマホの状態を見ました。", "ほかのことをたずねました", "断られました"}})
	uitest.Says(t, site, deskSamples(), "57-loosen", map[ui.Lang][]string{ui.JA: {"「会社やお店のサービス」を、また使えるようにします。", "まだ変わっていません", "1日の回数を、3回から2回にします"}})
}

// A report that the helpdesk has says how it stands there, in each of its states.
func TestACaseSaysHowItStandsAtTheHelpdesk(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, words := range map[string][]string{
		"43-case-waiting": {"まだ届いていません", "この番号を伝えてください"}, "43-case-unknown": {"いま、相談窓口の状況を確かめられません"},
		"43-case-untaken": {"相談窓口は、この届け出を受け付けられませんでした", "この届け出の控えです"}, "44-case-again": {"まだ止まっていません", "自動でもくりかえします"},
		"43-case-open": {"担当者を待っています"}, "43-case-taken": {"担当者が調べています", "担当 A-01", "電話で、どの利用かを説明しました"},
		"43-case-closed": {"終わりました", "あなたの利用ではありませんでした"},
	} {
		uitest.Says(t, site, deskSamples(), name, map[ui.Lang][]string{ui.JA: words})
	}
}

// What nothing is done about does not look as if something were.
func TestACaseThatIsGivenUpDoesNotSayThatItGoesOn(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, sends := range map[string]string{"44-case-not-held": "自動でも", "43-case-untaken": "自動で送ります"} {
		if uitest.Has(t, site, deskSamples(), name, ui.JA, sends) {
			t.Errorf("%s says %q", name, sends)
		}
	}
}

// Nobody is sent to a desk that cannot look a report's number up.
func TestACaseSaysWhatItsNumberIsFor(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	uitest.Says(t, site, deskSamples(), "43-case", map[ui.Lang][]string{
		ui.JA: {"この届け出の控えです", "役所の窓口や電話の相談窓口では、この番号を調べられません", "ポータルの運営者", "pTz7Jq0c5Zf1k2wYdWmX3A", "スマホが手元にあるとき", "手元にないときは"},
		ui.EN: {"for your own record", "Neither the municipal office nor the help desk can look it up", "operator finds the record"},
	})
	for l, sends := range map[ui.Lang]string{ui.JA: "相談窓口に伝えて", ui.EN: "Tell this number"} {
		if uitest.Has(t, site, deskSamples(), "43-case", l, sends) {
			t.Errorf("in %s, the person is sent with the number to who cannot look it up", l)
		}
	}
}

// Nobody is offered to leave who has left: the report that stops the phone ends the login.
func TestACaseOffersToLogOutWhoIsLoggedIn(t *testing.T) {
	site, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"43-case": false, "44-case-not-held": true} {
		if got := uitest.Has(t, site, deskSamples(), name, ui.JA, `action="/logout"`); got != want {
			t.Errorf("%s: to log out is offered: %t", name, got)
		}
	}
}

// casesPortal has one case opened at a moment, of which the helpdesk has not heard.
type casesPortal struct {
	Portal
	opened time.Time
	later  time.Duration // after the phone was stopped, the login
}

func (p casesPortal) CaseOf(context.Context, string, string) (portal.Case, error) {
	return portal.Case{Number: "01234567", Use: fullUse(), OpenedAt: p.opened, Suspended: p.opened}, nil
}

func (p casesPortal) CasesOf(ctx context.Context, token string) ([]portal.Case, error) {
	c, err := p.CaseOf(ctx, token, "")
	return []portal.Case{c, c}, err
}

func (casesPortal) StandingOf(context.Context, portal.Case) portal.ReportStanding {
	return portal.ReportStanding{State: portal.ReportWaiting}
}

func (p casesPortal) SessionOf(context.Context, string) (portal.Session, portal.Account, error) {
	return portal.Session{Begun: p.opened.Add(p.later)}, portal.Account{}, nil
}

// A login from before the phone was stopped is over, also while the portal has not heard
// of the hold; one from after it goes on.
func TestALoginFromBeforeTheHoldIsOver(t *testing.T) {
	for later, goesOn := range map[time.Duration]bool{-time.Minute: false, time.Minute: true} {
		h, err := New(Options{Portal: casesPortal{opened: moment(), later: later}, Now: moment})
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		h.Routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cases/01234567", nil))
		if strings.Contains(w.Body.String(), `action="/logout"`) != goesOn || strings.Contains(w.Body.String(), "このログインも終わりました") == goesOn {
			t.Errorf("begun %v after the hold: %s", later, w.Body)
		}
	}
}

// A case that is on its way to the helpdesk says so and looks again by itself; one that
// has been for long does not reload for ever. The list says how each stands.
func TestACaseOnItsWayLooksAgainByItself(t *testing.T) {
	for age, again := range map[time.Duration]string{time.Second: "3", time.Hour: ""} {
		h, err := New(Options{Portal: casesPortal{opened: moment().Add(-age)}, Now: moment})
		if err != nil {
			t.Fatal(err)
		}
		get := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.Routes().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
			return w
		}
		w := get("/cases/01234567")
		if w.Header().Get("Refresh") != again || strings.Contains(w.Body.String(), "相談窓口に送っています") != (again != "") ||
			strings.Contains(w.Body.String(), "まだ届いていません") != (again == "") {
			t.Errorf("after %v: Refresh %q, %s", age, w.Header().Get("Refresh"), w.Body)
		}
		if list := get("/cases").Body.String(); strings.Count(list, "相談窓口に、まだ届いていません") != 2 {
			t.Errorf("the list says %s", list)
		}
	}
}

// What a form says becomes exactly these rules, and leaves the rest alone.
func TestWhatAFormChooses(t *testing.T) {
	form := func(values url.Values) (locks, limits, quiet, classes ceremony.Rules, errs [4]error) {
		all := [4]ceremony.Rules{everyRule(), everyRule(), everyRule(), everyRule()}
		for i, choose := range []func() error{
			func() error { return chooseLocks(postOf(values), &all[0]) }, func() error { return chooseLimits(postOf(values), &all[1]) },
			func() error { return chooseQuiet(postOf(values), &all[2]) }, func() error { return chooseClasses(postOf(values), &all[3]) },
		} {
			errs[i] = choose()
		}
		return all[0], all[1], all[2], all[3], errs
	}
	locks, limits, quiet, classes, errs := form(url.Values{"lock": {"tax"}, "limit-": {"0"}, "limit-government": {"0"}, "limit-tax": {"0"}, "limit-clinic": {"5"}, "limit-kiosk": {"0"},
		"limit-private": {"0"}, "quiet": {"pin"}, "from": {"22:00"}, "to": {"05:00"}, "class-tax": {""}, "class-clinic": {"pin"}})
	for i, err := range errs {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	want := everyRule()
	want.Locked = []ceremony.Category{ceremony.Tax}
	if locks.Hash() != want.Hash() {
		t.Errorf("locks %+v", locks)
	}
	want = everyRule()
	want.Daily = []ceremony.DailyLimit{{Of: ceremony.Clinic, Uses: 5}}
	if limits.Hash() != want.Hash() {
		t.Errorf("limits %+v", limits)
	}
	want = everyRule()
	want.Quiet = &ceremony.QuietHours{From: 22 * 60, To: 5 * 60}
	if quiet.Hash() != want.Hash() {
		t.Errorf("quiet %+v", quiet)
	}
	want = everyRule()
	want.Raised = []ceremony.Raised{{Of: ceremony.Clinic, To: ceremony.DemandPIN}, {Party: "aoba", Purpose: "login", To: ceremony.DemandPIN}} // the purpose was not on the screen
	if classes.Hash() != want.Hash() {
		t.Errorf("classes %+v", classes)
	}
	_, _, _, classes, _ = form(url.Values{"one aoba login": {""}, "class-tax": {"password"}})
	if len(classes.Raised) != 1 || classes.Raised[0].Of != ceremony.Tax {
		t.Errorf("classes %+v", classes)
	}
	if _, _, _, _, errs := form(url.Values{"limit-": {"many"}, "quiet": {"sometimes"}}); errs[1] == nil || errs[2] == nil {
		t.Error("nonsense was taken")
	}
}

func TestTheListOfChanges(t *testing.T) {
	a, b := ceremony.Rules{Version: 7, Locked: []ceremony.Category{ceremony.Tax}}, ceremony.Rules{Version: 8}
	p := rulesOf(ceremony.HeldRules{Rules: b, Changes: []ceremony.RulesChanged{{By: ceremony.RulesByCard, Rules: b}, {By: ceremony.RulesByParty, Rules: a}}})
	if len(p.Changes) != 1 || !p.Changes[0].Card || !strings.Contains(p.Changes[0].Words[0].JA, "また使える") {
		t.Errorf("%+v: what came before the oldest is not known", p.Changes)
	}
}

func postOf(values url.Values) *http.Request {
	r := httptest.NewRequest("POST", "/", strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return r
}
