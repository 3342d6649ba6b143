package gateway_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/verifier/gateway"
)

var (
	paySentence = ceremony.Text{JA: "お店に支払います。", EN: "Pay at the shop."}
	amount      = []ceremony.Line{{Label: ceremony.Text{JA: "金額", EN: "Amount"}, Value: ceremony.Text{JA: "1,280円", EN: "1,280 yen"}}}
	tillPlace   = ceremony.Text{JA: "手形ストア本町店 レジ1", EN: "Tegata Store Honcho, till 1"}
	tillAddress = ceremony.Text{JA: "手形市本町1", EN: "1 Honcho, Tegata"}
)

// shop is a party with a till that is registered, and others that are not.
type shop struct {
	actor
	party gateway.Party
	till  ceremony.Terminal
}

// terminal certifies a terminal; its certificate is what the feed says.
func (w *world) terminal(id string, role pki.Role, s feed.Status, l pkitest.Leaf) ceremony.Terminal {
	w.t.Helper()
	c := w.ops.Party(w.t, pkitest.ECKey(w.t).Public(), id, role, l)
	w.issuer.set("ops", c, s)
	return ceremony.Terminal{ID: id, Place: tillPlace, Address: tillAddress, X5C: base64.StdEncoding.EncodeToString(c.Raw)}
}

func registered(t ceremony.Terminal) ceremony.RegisteredTerminal {
	c, err := t.Certificate()
	if err != nil {
		return ceremony.RegisteredTerminal{}
	}
	return ceremony.RegisteredTerminal{ID: t.ID, Place: t.Place, Address: t.Address, Key: ceremony.KeyID(c)}
}

func openShop(w *world, more ...ceremony.Terminal) *shop {
	w.t.Helper()
	s := &shop{actor: w.party("shop")}
	w.issuer.set("ops", s.chain[0], feed.Good)
	s.till = w.terminal("till-1", pki.RoleTerminal, feed.Good, pkitest.Leaf{})
	s.party = gateway.Party{ID: "shop", Name: ceremony.Text{JA: "手形ペイ", EN: "Tegata Pay"}, Mark: "払", Keys: keys(s.actor), VerifiedSince: "2026-05-01",
		Purposes: []ceremony.RegisteredPurpose{{Code: "pay", Sentence: paySentence, RiskFloor: ceremony.R2}, {Code: "login", Sentence: loginSentence, RiskFloor: ceremony.R1}}}
	for _, t := range append(more, s.till) {
		s.party.Terminals = append(s.party.Terminals, registered(t))
	}
	if err := w.gateway.Register(w.t.Context(), audit.System("verifier"), s.party); err != nil {
		w.t.Fatal(err)
	}
	w.refresh()
	return s
}

// charge is a request of the till's for a payment.
func (s *shop) charge(w *world, change ...func(*ceremony.Request)) ceremony.Request {
	return w.ask(append([]func(*ceremony.Request){func(r *ceremony.Request) {
		own := s.till
		r.Issuer, r.Purpose, r.Kind, r.Risk, r.Write = "shop", ceremony.Purpose{Code: "pay", Sentence: paySentence}, ceremony.Write, ceremony.R2, amount
		r.Channel, r.Terminal, r.Expires = ceremony.Tap, &own, r.IssuedAt+120
	}}, change...)...)
}

func TestATapIsAnsweredAndToldToItsParty(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := openShop(w)
		for _, risk := range []ceremony.Risk{ceremony.R2, ceremony.R3} {
			started, err := w.start(s.actor, s.charge(w, func(r *ceremony.Request) { r.Risk = risk }))
			if err != nil || started.Match != "" {
				t.Fatalf("%+v, %v", started, err)
			}
			p := w.mustFetch(started.RequestURI)
			_, err = w.fetch(started.RequestURI, ceremony.NewID()) // a second phone at the same till
			wantCode(t, err, "request-taken")
			taken, err := p.answer("good", func(a *ceremony.Answer) {
				if risk == ceremony.R3 {
					a.AMR = []string{"pwd", "swk"}
				}
			})
			if err != nil || taken.Verdict != ceremony.Passed || taken.Redirect != "" {
				t.Fatalf("%+v, %v", taken, err)
			}
			// The till polls: no browser began this.
			r, err := w.result(s.actor, started, "")
			if err != nil || r.State != ceremony.StateDone || r.Verdict != ceremony.Passed || r.Sub == "" || r.Channel != ceremony.Tap || r.Receipt == "" {
				t.Errorf("%+v, %v", r, err)
			}
			_, err = w.result(w.portal, started, "")
			wantCode(t, err, "result-unknown")
		}
		uses, err := w.config.Store.Uses(t.Context(), "person-good", 10)
		if err != nil || len(uses) != 2 || uses[0].Terminal != "till-1" || uses[0].Place != tillPlace || uses[0].Channel != ceremony.Tap {
			t.Errorf("history %+v, %v", uses, err)
		}
	})
}

// A terminal's screen is everybody's: what is begun there does not last.
func TestASessionAtATerminalIsShort(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	s := openShop(w)
	started, err := w.start(s.actor, s.charge(w, func(r *ceremony.Request) {
		r.Kind, r.Write, r.Purpose, r.Risk = ceremony.Login, nil, ceremony.Purpose{Code: "login", Sentence: loginSentence}, ceremony.R1
	}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.mustFetch(started.RequestURI).answer("good"); err != nil {
		t.Fatal(err)
	}
	if r, err := w.result(s.actor, started, ""); err != nil || r.SessionUntil != w.Now().Add(30*time.Minute).Unix() || r.Session == "" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTapsThatAreNotTaken(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	revoked := w.terminal("till-2", pki.RoleTerminal, feed.Revoked, pkitest.Leaf{})
	expired := w.terminal("till-3", pki.RoleTerminal, feed.Good, pkitest.Leaf{NotAfter: w.Now().Add(-time.Hour)})
	party := w.terminal("till-4", pki.RoleParty, feed.Good, pkitest.Leaf{})
	stranger := w.terminal("till-5", pki.RoleTerminal, feed.Good, pkitest.Leaf{})
	elsewhere := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 4), w.Now())
	forged := stranger
	forged.ID = "till-6"
	forged.X5C = base64.StdEncoding.EncodeToString(elsewhere.Party(t, pkitest.ECKey(t).Public(), "till-6", pki.RoleTerminal, pkitest.Leaf{}).Raw)
	s := openShop(w, revoked, expired, party, forged)
	at := func(t ceremony.Terminal) func(*ceremony.Request) {
		return func(r *ceremony.Request) { r.Terminal = &t }
	}
	for _, c := range []struct {
		name, code string
		by         actor
		change     func(*ceremony.Request)
	}{
		{"a terminal that is not registered", "terminal-not-registered", s.actor, at(stranger)},
		{"a registered one, said to stand elsewhere", "terminal-not-registered", s.actor, func(r *ceremony.Request) { r.Terminal.Address.JA = "手形市本町2" }},
		{"a registered one's name with another's certificate", "terminal-not-registered", s.actor, func(r *ceremony.Request) { r.Terminal.X5C = stranger.X5C }},
		{"another party's terminal", "terminal-not-registered", w.portal, func(r *ceremony.Request) {
			r.Issuer, r.Purpose, r.Kind, r.Risk, r.Write = "portal", ceremony.Purpose{Code: "login", Sentence: loginSentence}, ceremony.Login, ceremony.R1, nil
		}},
		{"another party's, from another screen", "terminal-not-registered", w.portal, func(r *ceremony.Request) {
			crossing(r)
			r.Issuer, r.Purpose, r.Kind, r.Risk, r.Write = "portal", ceremony.Purpose{Code: "login", Sentence: loginSentence}, ceremony.Login, ceremony.R1, nil
		}},
		{"a revoked certificate", "terminal-certificate", s.actor, at(revoked)},
		{"an expired certificate", "terminal-certificate", s.actor, at(expired)},
		{"a party's certificate in the place of a terminal's", "terminal-certificate", s.actor, at(party)},
		{"a certificate of another authority", "terminal-certificate", s.actor, at(forged)},
		{"below its purpose's class", "below-risk-floor", s.actor, func(r *ceremony.Request) { r.Risk = ceremony.R1 }},
		{"already over", "request-expired", s.actor, func(r *ceremony.Request) { r.IssuedAt -= 120; r.Expires -= 120 }},
		{"paper, which there is none of yet", "kind-not-supported", s.actor, func(r *ceremony.Request) { r.Kind, r.Write = ceremony.IssuePaper, nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.start(c.by, s.charge(w, c.change))
			wantCode(t, err, c.code)
		})
	}
	if _, err := w.start(s.actor, s.charge(w)); err != nil {
		t.Errorf("what is in order: %v", err)
	}
}

// A registration tells of the terminal that was asked about, and of no other.
func TestARegistrationTellsOfOneTerminal(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	s := openShop(w)
	for query, want := range map[string]string{"": "", "?terminal=till-1": "till-1", "?terminal=till-9": "", "?terminal=": ""} {
		body, _, err := httpd.Exchange(t.Context(), w.client, http.MethodGet, w.config.Origin+"/v1/parties/shop"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := ceremony.ParseRegistration(string(body))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if r := m.Unverified().Terminal; r != nil {
			got = r.ID
			if *r != registered(s.till) {
				t.Errorf("%q: %+v", query, r)
			}
		}
		if got != want {
			t.Errorf("%q tells of %q, not %q", query, got, want)
		}
	}
	for name, change := range map[string]func(*gateway.Party){
		"a terminal twice":           func(p *gateway.Party) { p.Terminals = append(p.Terminals, p.Terminals[0]) },
		"a terminal without address": func(p *gateway.Party) { p.Terminals[0].Address.EN = "" },
		"a thousand and one": func(p *gateway.Party) {
			for range 1000 {
				p.Terminals = append(p.Terminals, p.Terminals[0])
			}
		},
	} {
		p := s.party
		p.Terminals = append([]ceremony.RegisteredTerminal(nil), s.party.Terminals...)
		change(&p)
		if err := w.gateway.Register(t.Context(), audit.System("verifier"), p); err == nil || !errors.Is(err, ceremony.ErrMalformed) && !strings.Contains(err.Error(), "terminal") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
