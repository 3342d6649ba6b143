package carrier

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/guardian"
	"tegata/services/relying"
)

var at = time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)

func newHandler(t *testing.T) *Handler { return newHandlerFor(t, nil) }

func newHandlerFor(t *testing.T, party relying.Client) *Handler {
	t.Helper()
	h, err := NewHandler(Options{Carrier: New(Config{Now: func() time.Time { return at }}), Party: party, Sandbox: true, Now: func() time.Time { return at }})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestWords(t *testing.T) { uitest.Words(t, os.DirFS("html"), ".") }

// samples are every page in every state.
func samples(t *testing.T) []uitest.Page {
	t.Helper()
	who := Attributes{Name: "手形 花子", Address: "東京都千代田区1", Birthdate: "1990-02-03"}
	record := Record{Method: MethodSignature, Issuer: "phone-sign", Certificate: strings.Repeat("0a", 32), SignatureSHA256: strings.Repeat("0b", 32), VerifiedAt: at, Verifier: "http://verifier",
		CheckedAt: at, StatusAtCheck: "good"}
	sim := SIM{ICCID: "8999900000000000014", Certificate: record.Certificate, State: Ready}
	base := Line{ID: "L1", State: Active, Choices: Choices{Plan: "leaf"}, Attributes: who, Record: record, Number: "070-0000-0001", SIM: sim}
	with := func(f func(*Line)) Line { l := base; f(&l); return l }
	lines := map[string]Line{
		"ready": base, "signed": with(func(l *Line) { l.State, l.Number, l.SIM = Signed, "", SIM{} }),
		"awaiting":      with(func(l *Line) { l.State, l.Number, l.SIM, l.ActivateAt = Awaiting, "", SIM{}, at }),
		"unconsented":   with(func(l *Line) { l.State, l.Why, l.Number = Stopped, guardian.WhyConsent, "" }),
		"elsewhere":     with(func(l *Line) { l.State, l.Why, l.Number = Stopped, guardian.WhyAddress, "" }),
		"guardian held": with(func(l *Line) { l.State, l.Why, l.Number = Stopped, guardian.WhyCertificate, "" }),
		"a minor's":     with(func(l *Line) { l.Record.Guardian = GuardianSameAddress }),
		"stopped":       with(func(l *Line) { l.State, l.Why, l.Number = Stopped, WhyCertificate, "" }),
		"ended":         with(func(l *Line) { l.State, l.EndedAt = Ended, at }),
		"installed":     with(func(l *Line) { l.SIM.State, l.Choices.Plan = Installed, "spring" }),
		"frozen":        with(func(l *Line) { l.Frozen = true }),
		"ported":        with(func(l *Line) { l.Port = Port{"0123456789", at} }),
	}
	var inbox []Message
	var changes []Change
	pages := []uitest.Page{
		{Name: "start", Screen: ui.Screen{Page: "start", Data: startPage{Plans: Plans()}}},
		{Name: "start in", Screen: ui.Screen{Page: "start", Data: startPage{Plans(), true}}},
		{Name: "go", Screen: ui.Screen{Page: "go", Data: goPage{To: "http://verifier/authorize", Step: true}}},
		{Name: "lost", Screen: ui.Screen{Page: "lost", Data: startPage{}}},
		{Name: "home empty", Screen: ui.Screen{Page: "home", Data: homePage{Who: who, Max: MaxLines, Room: true}}},
		{Name: "contact", Screen: ui.Screen{Page: "contact", Data: contactPage{Addresses: []Address{{Address: "a@b.example"}, {Address: "c@d.example", ConfirmedAt: at}, {Address: "e@f.example", ConfirmedAt: at, Until: at}},
			Mail: ui.Field{Name: "mail", Label: "m"}, Lines: 1}}},
		{Name: "contact without a line", Screen: ui.Screen{Page: "contact", Data: contactPage{}}},
		{Name: "received nothing", Screen: ui.Screen{Page: "received", Data: receivedPage{Who: who}}},
		{Name: "inbox empty", Screen: ui.Screen{Page: "inbox", Data: inboxPage{}}},
		{Name: "mail", Screen: ui.Screen{Page: "mail", Data: mailPage{"x", Address{Address: "a@b.example"}}}},
		{Name: "mail done", Screen: ui.Screen{Page: "mail", Data: mailPage{"x", Address{Address: "a@b.example", ConfirmedAt: at}}}},
	}
	for _, must := range []bool{false, true} {
		pages = append(pages, uitest.Page{Name: "apply", Screen: ui.Screen{Page: "apply", Data: applyPage{Who: who, Plans: Plans(), Must: must, Mail: ui.Field{Name: "mail", Label: "m", Type: "text"}}}})
	}
	for _, k := range append([]Kind{""}, Kinds()...) {
		d := Draft{ID: "D1", Kind: k, Line: "L1", Who: who, Document: contract("D1", at, who, base.Choices, Plans()[0], false)}
		if k != "" {
			d.Document = request("D1", at, who, base, k)
			pages = append(pages, uitest.Page{Name: "change " + string(k), Screen: ui.Screen{Page: "change", Data: linePage{L: base, Kind: k}}})
		}
		pages = append(pages, uitest.Page{Name: "check " + string(k), Screen: ui.Screen{Page: "check", Data: checkPage{&d, "/apply"}}})
	}
	inst := Draft{ID: "D2", Kind: Install, Line: "L1", Who: who, Document: installation("D2", at, who, base, Token{})}
	pages = append(pages, uitest.Page{Name: "check install", Screen: ui.Screen{Page: "check", Data: checkPage{&inst, "/lines/L1/install"}}})
	agree := Draft{ID: "D3", Kind: Agree, Who: who, Document: []byte("同意書")}
	pages = append(pages, uitest.Page{Name: "check consent", Screen: ui.Screen{Page: "check", Data: checkPage{&agree, "/home"}}},
		uitest.Page{Name: "line invited", Screen: ui.Screen{Page: "line", Data: linePage{L: lines["awaiting"], Invitation: "http://carrier/consent/ABC"}}})
	for _, step := range []string{stepLogin, stepDeclare, stepNot, stepDone} {
		p := consentPage{Step: step, Link: "ABC", Name: who.Name}
		if step == stepNot {
			p.Trouble = ui.TroubleOf(nil, guardian.ErrMinor)
		}
		pages = append(pages, uitest.Page{Name: "consent " + step, Screen: ui.Screen{Page: "consent", Data: p}})
	}
	changes = append(changes, Change{ID: "C2", Kind: Install, State: Done})
	for _, k := range Kinds() {
		for _, s := range []ChangeState{Waiting, Done, Vetoed, Withdrawn, Halted} {
			c := Change{ID: "C1", Kind: k, State: s, DueAt: at, By: map[ChangeState]string{Vetoed: BySIM, Withdrawn: ByPerson}[s]}
			changes = append(changes, c)
			name := string(k) + " " + string(s)
			lines[name] = with(func(l *Line) { l.Change = c })
			pages = append(pages, uitest.Page{Name: "stop " + name, Screen: ui.Screen{Page: "stop", Data: stopPage{"x", c}}})
			kind := map[ChangeState]string{Waiting: "asked", Done: "done", Vetoed: "vetoed", Withdrawn: "withdrawn", Halted: "stopped"}[s]
			inbox = append(inbox, Message{ID: name, At: at, Kind: kind, Change: c})
		}
	}
	for _, kind := range []string{"welcome", "frozen"} {
		inbox = append(inbox, Message{ID: kind, At: at, Kind: kind})
	}
	dead := sim
	dead.State = Dead
	pages = append(pages, uitest.Page{Name: "inbox", Screen: ui.Screen{Page: "inbox", Data: inboxPage{[]Inbox{{SIM: sim, Number: base.Number, Plan: base.Plan(), Frozen: true, Messages: inbox}, {SIM: dead, Messages: inbox[:1]}}}}})
	var all []Line
	for name, l := range lines {
		all = append(all, l)
		pages = append(pages, uitest.Page{Name: "line " + name, Screen: ui.Screen{Page: "line", Data: linePage{L: l, Here: name == "installed"}}})
		if l.State == Active {
			for _, page := range []string{"install", "freeze"} {
				pages = append(pages, uitest.Page{Name: page + " " + name, Screen: ui.Screen{Page: page, Data: linePage{L: l}}})
			}
		}
	}
	return append(pages, uitest.Page{Name: "home", Screen: ui.Screen{Page: "home", Data: homePage{Who: who, Lines: all, Count: 5, Max: MaxLines}}},
		uitest.Page{Name: "received", Screen: ui.Screen{Page: "received", Data: receivedPage{who, all, []Address{{Address: "a@b.example"}}, changes, []guardian.Consent{{Guardian: guardianOf("s", who), SignedAt: at}}}}})
}

func TestPages(t *testing.T) { uitest.Pages(t, newHandler(t).site, samples(t)) }

// INV-13: no page asks for a secret, and none takes a picture (INV-14).
func TestNoPageAsksForASecretOrAPicture(t *testing.T) {
	h := newHandler(t)
	for _, p := range samples(t) {
		for _, piece := range []string{`type="password"`, `type="file"`, "data-pin"} {
			if uitest.Has(t, h.site, []uitest.Page{p}, p.Name, ui.JA, piece) {
				t.Errorf("%s has %s", p.Name, piece)
			}
		}
	}
}

// Who is stuck is sent to the carrier, and no line begins with the dot between two facts.
func TestTheFootAndTheDots(t *testing.T) {
	h := newHandler(t)
	pages := samples(t)
	for _, p := range pages {
		for lang, foot := range map[ui.Lang]string{ui.JA: "手形モバイルの店舗へ", ui.EN: "a shop of Tegata Mobile"} {
			if !uitest.Has(t, h.site, pages, p.Name, lang, foot) {
				t.Errorf("%s sends nobody to the carrier", p.Name)
			}
			if uitest.Has(t, h.site, pages, p.Name, lang, " ·") {
				t.Errorf("%s may begin a line with a dot", p.Name)
			}
		}
	}
}

// A logout token that could not be checked is not refused: the provider tries again
// (OpenID Connect Back-Channel Logout 1.0, section 2.8).
func TestALogoutThatCouldNotBeChecked(t *testing.T) {
	for name, c := range map[string]struct{ answers, want int }{
		"the provider is away": {http.StatusBadGateway, http.StatusServiceUnavailable},
		"no token":             {http.StatusOK, http.StatusBadRequest},
	} {
		var issuer string
		provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(c.answers)
			fmt.Fprintf(w, `{"issuer":%[1]q,"authorization_endpoint":"%[2]s/a","token_endpoint":"%[2]s/t","jwks_uri":"%[2]s/j","pushed_authorization_request_endpoint":"%[2]s/p",
				"authorization_response_iss_parameter_supported":true,"dpop_signing_alg_values_supported":["ES256"],"token_endpoint_auth_methods_supported":["private_key_jwt"],"id_token_signing_alg_values_supported":["ES256"]}`, issuer, issuer)
		}))
		defer provider.Close()
		issuer = provider.URL
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		party, err := relying.New(relying.Config{Issuer: issuer, ClientID: "carrier", KeyID: "k", Key: key, RedirectURI: "http://carrier/callback", HTTP: provider.Client()})
		if err != nil {
			t.Fatal(err)
		}
		h := newHandlerFor(t, party)
		r := httptest.NewRequest(http.MethodPost, "/v1/logout", strings.NewReader("logout_token=x"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res := httptest.NewRecorder()
		h.Routes().ServeHTTP(res, r)
		if res.Code != c.want || res.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v", name, res.Code, res.Header())
		}
	}
}

func TestEveryRefusalHasWords(t *testing.T) {
	for _, err := range []error{ErrClaims, ErrTooMany, ErrTooYoung, ErrChoices, ErrFilter, ErrAddress, ErrSoon, ErrSignature, ErrWaiting, ErrFrozen, ErrEndFrozen, ErrNotFrozen, ErrNotPortable, ErrBound, ErrInstalled, ErrMoved, ErrNotFound} {
		x := troubleOf(nil, err)
		if x.Status < 400 || x.Status > 499 || x.Status == http.StatusTeapot || !strings.HasPrefix(x.Code, "carrier-") || x.Title.JA == "" || x.Title.EN == "" || x.Detail.JA == "" || x.Detail.EN == "" {
			t.Errorf("%v: %+v", err, x)
		}
	}
}
