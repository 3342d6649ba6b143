package gateway_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/store/storetest"
)

func sqliteFor(t *testing.T) string { return storetest.SQLite(t) }

// refresh moves the feed to the clock's moment.
func (w *world) refresh() {
	w.t.Helper()
	if w.issuer == nil {
		return
	}
	f := w.follower()
	f.Index = w.config.Feed
	if _, err := f.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// Up to path-invalid a failed answer must change nothing: after each of these the
// right answer still passes.
func TestAttacksThatMustNotSpoilARequest(t *testing.T) {
	attacks(t, inFeed(t, sqliteFor(t)))
}

func attacks(t *testing.T, w *world) {
	good := w.holders["good"]
	stranger := pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 6), w.Now()) // same name, another key
	cards := pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 7), w.Now())
	other := w.mustFetch(w.must().RequestURI)
	cases := []struct {
		name   string
		attack func(t *testing.T, p *phone) error
		code   string
	}{
		{"nothing at all", func(_ *testing.T, p *phone) error { _, err := p.sendSealed(""); return err }, "answer-malformed"},
		{"an answer that is not sealed", func(_ *testing.T, p *phone) error { _, err := p.sendSealed(p.compose(good)); return err }, "answer-malformed"},
		{"an answer sealed to the asking party", func(_ *testing.T, p *phone) error {
			p.sealTo = w.ops.Party(w.t, w.portal.key.Public(), "portal", pki.RoleParty, pkitest.Leaf{KeyUsage: x509.KeyUsageKeyAgreement})
			_, err := p.send(p.compose(good))
			return err
		}, "answer-malformed"},
		{"something sealed that is no answer", func(_ *testing.T, p *phone) error { _, err := p.send("a.b.c"); return err }, "answer-malformed"},
		{"the request itself sent back", func(_ *testing.T, p *phone) error { _, err := p.send(p.req.Raw()); return err }, "answer-malformed"},
		{"more granted than asked", func(_ *testing.T, p *phone) error {
			_, err := p.answer("good", func(a *ceremony.Answer) { a.Granted = []string{"address"} })
			return err
		}, "answer-malformed"},
		{"a card's certificate", func(t *testing.T, p *phone) error {
			_, err := p.send(p.compose(w.holder(t, "card", cards, cards, pkitest.Leaf{})))
			return err
		}, "unsupported-certificate"},
		{"an answer for another audience", func(_ *testing.T, p *phone) error {
			_, err := p.answer("good", func(a *ceremony.Answer) { a.Audience = "verifier2" })
			return err
		}, "wrong-request"},
		{"an answer to another request", func(_ *testing.T, p *phone) error {
			_, err := p.send(other.compose(good))
			return err
		}, "wrong-request"},
		{"an answer with another nonce", func(_ *testing.T, p *phone) error {
			_, err := p.answer("good", func(a *ceremony.Answer) { a.Nonce = ceremony.NewID() })
			return err
		}, "wrong-request"},
		{"an answer to an edited request", func(_ *testing.T, p *phone) error {
			_, err := p.answer("good", func(a *ceremony.Answer) { a.Request = hashOf(p.req.Raw() + "x") })
			return err
		}, "wrong-request"},
		{"posted to another request's address", func(_ *testing.T, p *phone) error {
			compact := p.compose(good)
			q := *p
			q.post = other.post
			_, err := q.send(compact)
			return err
		}, "wrong-request"},
		{"posted to a request that nobody made", func(_ *testing.T, p *phone) error {
			q := *p
			q.post = w.config.Origin + "/v1/requests/" + ceremony.NewID() + "/answer"
			_, err := q.send(p.compose(good))
			return err
		}, "request-unknown"},
		{"an answer from yesterday", func(_ *testing.T, p *phone) error {
			_, err := p.answer("good", func(a *ceremony.Answer) { a.IssuedAt -= 86400 })
			return err
		}, "phone-clock"},
		{"an answer with an edited claim", func(_ *testing.T, p *phone) error {
			compact := p.compose(good)
			parts := strings.Split(compact, ".")
			body, _ := base64.RawURLEncoding.DecodeString(parts[1])
			body = bytes.Replace(body, []byte(`"ctr":1`), []byte(`"ctr":2`), 1)
			parts[1] = base64.RawURLEncoding.EncodeToString(body)
			_, err := p.send(strings.Join(parts, "."))
			return err
		}, "signature-mismatch"},
		{"another person's certificate", func(_ *testing.T, p *phone) error {
			_, err := p.send(p.compose(&holder{"thief", pkitest.Key(t, 3), good.auth, good.sign, nil}))
			return err
		}, "signature-mismatch"},
		{"an authority of the same name and another key", func(t *testing.T, p *phone) error {
			_, err := p.send(p.compose(w.holder(t, "forged", stranger, stranger, pkitest.Leaf{})))
			return err
		}, "path-invalid"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p := w.mustFetch(w.must().RequestURI)
			wantCode(t, c.attack(t, p), c.code)
			p.sealTo = w.config.Decrypt.Chain[0]
			if taken, err := p.answer("good"); err != nil || taken.Verdict != ceremony.Passed {
				t.Errorf("the attack spoiled the request: %+v, %v", taken, err)
			}
		})
	}
}

// From certificate-expired on a failed answer is a verdict: it is stored, told to
// the party, and the nonce is used up.
func TestVerdictsThatEndARequest(t *testing.T) {
	verdicts(t, inFeed(t, sqliteFor(t)), "revoked", "held")
}

func verdicts(t *testing.T, w *world, holders ...string) {
	for _, c := range []struct {
		name, holder, code, sub string
		ask                     []func(*ceremony.Request)
		answer                  []func(*ceremony.Answer)
	}{
		{name: "an expired certificate", holder: "expired", code: "certificate-expired", sub: "EXPIRED"},
		{name: "a revoked certificate", holder: "revoked", code: "certificate-revoked", sub: "REVOKED"},
		{name: "a certificate on hold", holder: "held", code: "certificate-held", sub: "REVOKED"},
		{name: "the password where the PIN is asked for", holder: "good", code: "risk-not-met", sub: "SIG_CONSTRAINTS_FAILURE", answer: []func(*ceremony.Answer){withPassword}},
		{name: "the PIN where the password is asked for", holder: "good", code: "risk-not-met", sub: "SIG_CONSTRAINTS_FAILURE", ask: []func(*ceremony.Request){moving}},
		{name: "biometrics for class R3", holder: "good", code: "risk-not-met", sub: "SIG_CONSTRAINTS_FAILURE", ask: []func(*ceremony.Request){moving},
			answer: []func(*ceremony.Answer){func(a *ceremony.Answer) { a.AMR = []string{"user"} }}},
		{name: "a pair that is a minute short of a day old, for class R3", holder: "fresh", code: "cooling-off", sub: "SIG_CONSTRAINTS_FAILURE", ask: []func(*ceremony.Request){moving},
			answer: []func(*ceremony.Answer){withPassword}},
		{name: "a number that is not on the screen", holder: "good", code: "match-wrong", sub: "CUSTOM", ask: []func(*ceremony.Request){crossing},
			answer: []func(*ceremony.Answer){func(a *ceremony.Answer) { a.Match = "99" }}},
	} {
		if c.holder != "good" && c.holder != "expired" && c.holder != "fresh" && !contains(holders, c.holder) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			started := w.must(c.ask...)
			p := w.mustFetch(started.RequestURI)
			_, err := p.answer(c.holder, c.answer...)
			told := wantCode(t, err, c.code)
			if told.Kind != problem.Refused || told.Extra["verdict"] != "failed" {
				t.Errorf("told as %s, %v", told.Kind, told.Extra)
			}
			code := ""
			if redirect, ok := told.Extra["redirect"].(string); ok {
				code = codeIn(t, redirect)
			}
			r, err := w.result(w.portal, started, code)
			if err != nil || r.Verdict != ceremony.Failed || r.Code != c.code || r.SubIndication != c.sub || r.Sub != "" || len(r.Grants) > 0 || len(r.Claims) > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			m, err := ceremony.ParseReceipt(r.Receipt)
			if err != nil {
				t.Fatal(err)
			}
			if receipt, err := m.Verify(); err != nil || receipt.Code != c.code {
				t.Errorf("%+v, %v", receipt, err)
			}
			_, err = p.answer("good", func(a *ceremony.Answer) { a.Match = started.Match })
			wantCode(t, err, "request-used")
		})
	}
}

func contains(list []string, s string) bool { return strings.Contains(strings.Join(list, " "), s) }

func withPassword(a *ceremony.Answer) { a.AMR = []string{"pwd", "swk"} }

func moving(r *ceremony.Request) {
	r.Purpose, r.Kind, r.Risk = ceremony.Purpose{Code: "move", Sentence: moveSentence}, ceremony.Consent, ceremony.R3
}

func TestClassR3WithThePassword(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	started := w.must(moving)
	taken, err := w.mustFetch(started.RequestURI).answer("good", withPassword)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.result(w.portal, started, codeIn(t, taken.Redirect))
	if err != nil || r.ACR != w.config.Origin+"/acr/r3" || len(r.Grants) > 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

// What could not be checked decides nothing: the same answer passes later.
func TestWhatCouldNotBeCheckedDecidesNothing(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	undecided := func(t *testing.T, err error, code string) {
		t.Helper()
		if p := wantCode(t, err, code); p.Kind != problem.CouldNotCheck {
			t.Errorf("told as %s", p.Kind)
		}
	}
	t.Run("the feed is silent for more than 60 seconds", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		w.advance(61 * time.Second)
		_, err := p.answer("good")
		undecided(t, err, "status-unavailable")
		if h := w.gateway.Health(w.Now()); h.Feed.Fresh {
			t.Error("the health page says fresh")
		}
		if r, err := w.result(w.portal, started, ""); err == nil {
			t.Errorf("the party's own certificate could not be checked either: %+v", r)
		}
		w.refresh()
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateOpened || r.Code != "status-unavailable" {
			t.Errorf("%+v, %v", r, err)
		}
		if taken, err := p.answer("good"); err != nil || taken.Verdict != ceremony.Passed {
			t.Errorf("%+v, %v", taken, err)
		}
	})
	t.Run("a certificate that the ledger does not know", func(t *testing.T) {
		p := w.mustFetch(w.must().RequestURI)
		_, err := p.answer("unknown")
		undecided(t, err, "status-unknown")
		w.issuer.set("phone-auth", w.holders["unknown"].auth[0], feed.Good)
		w.refresh()
		if taken, err := p.answer("unknown"); err != nil || taken.Verdict != ceremony.Passed {
			t.Errorf("after it was recorded: %+v, %v", taken, err)
		}
	})
	t.Run("the issuer cannot be asked whose certificate it is", func(t *testing.T) {
		w.issuer.setDown(true)
		p := w.mustFetch(w.must().RequestURI)
		_, err := p.answer("neighbour")
		undecided(t, err, "person-unavailable")
		w.issuer.setDown(false)
		if taken, err := p.answer("neighbour"); err != nil || taken.Verdict != ceremony.Passed {
			t.Errorf("%+v, %v", taken, err)
		}
	})
	t.Run("the issuer cannot be asked for attributes", func(t *testing.T) {
		p := w.mustFetch(w.must(func(r *ceremony.Request) { r.Claims = []string{"name"} }).RequestURI)
		w.issuer.setDown(true)
		_, err := p.answer("neighbour")
		undecided(t, err, "person-unavailable")
		w.issuer.setDown(false)
		if taken, err := p.answer("neighbour"); err != nil || taken.Verdict != ceremony.Passed {
			t.Errorf("%+v, %v", taken, err)
		}
	})
}

func (i *issuer) setDown(down bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.down = down
}

func TestAttacksOnTheRelease(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	naming := func(r *ceremony.Request) { r.Claims = []string{"name", "address"} }
	release := func(p *phone, h *holder, change func(*ceremony.Release)) string {
		r := ceremony.Release{Verifier: "verifier", Claims: []string{"name", "address"}, Request: p.req.Hash(), IssuedAt: w.Now().Unix(), Expires: w.Now().Unix() + 300}
		change(&r)
		compact, err := ceremony.SignRelease(h.key, h.auth, r)
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	good, neighbour := w.holders["good"], w.holders["neighbour"]
	for _, c := range []struct {
		name, code string
		holder     *holder
		change     func(*ceremony.Release)
	}{
		{"another person's release", "wrong-request", neighbour, func(*ceremony.Release) {}},
		{"a release for another verifier", "wrong-request", good, func(r *ceremony.Release) { r.Verifier = "verifier2" }},
		{"a release for another request", "wrong-request", good, func(r *ceremony.Release) { r.Request = hashOf("x") }},
		{"a release of less than was granted", "answer-malformed", good, func(r *ceremony.Release) { r.Claims = []string{"name"} }},
		{"a release of other data", "answer-malformed", good, func(r *ceremony.Release) { r.Claims = []string{"name", "birthdate"} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := w.mustFetch(w.must(naming).RequestURI)
			_, err := p.answer("good", func(a *ceremony.Answer) { a.Release = release(p, c.holder, c.change) })
			wantCode(t, err, c.code)
			if _, err := p.answer("good"); err != nil {
				t.Errorf("spoiled: %v", err)
			}
		})
	}
	t.Run("a release that the issuer refuses ends the request", func(t *testing.T) {
		p := w.mustFetch(w.must(naming).RequestURI)
		old := release(p, good, func(r *ceremony.Release) { r.IssuedAt -= 600; r.Expires = r.IssuedAt + 300 })
		_, err := p.answer("good", func(a *ceremony.Answer) { a.Release = old })
		wantCode(t, err, "attributes-refused")
	})
}

func TestAStrangerWhoSendsRubbishIsSlowedDown(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	p := w.mustFetch(w.must().RequestURI)
	limited := false
	for range 80 {
		_, err := p.sendSealed("x")
		if pr, ok := err.(*problem.Problem); ok && pr.Code == "too-many-answers" {
			limited = true
			break
		}
	}
	if !limited {
		t.Error("80 wrong answers from one address were all looked at")
	}
}
