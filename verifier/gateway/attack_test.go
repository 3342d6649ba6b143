package gateway_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/httpd"
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
			_, err := p.send(p.compose(&holder{"thief", pkitest.Key(t, 3), good.auth, good.sign}))
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
		{name: "a pair that is an hour old, for class R3", holder: "fresh", code: "cooling-off", sub: "SIG_CONSTRAINTS_FAILURE", ask: []func(*ceremony.Request){moving},
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

func TestRepliesThatComeTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.mustFetch(w.must().RequestURI)
		compact := p.compose(w.holders["good"])
		sealed, err := ceremony.Seal(compact, p.sealTo)
		if err != nil {
			t.Fatal(err)
		}
		const many = 8
		results := make(chan error, many)
		for range many {
			go func() {
				_, err := p.sendSealed(sealed)
				results <- err
			}()
		}
		passed := 0
		for range many {
			if err := <-results; err == nil {
				passed++
			} else {
				wantCode(t, err, "request-used")
			}
		}
		if passed != 1 {
			t.Errorf("%d of %d passed", passed, many)
		}
		if uses, err := w.config.Store.Uses(t.Context(), "person-good", 10); err != nil || len(uses) != 1 {
			t.Errorf("%d uses, %v", len(uses), err)
		}
	})
}

func TestWhoGetsTheRequest(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	fetch := func(uri, phone string) error { _, err := w.fetch(uri, phone); return err }
	t.Run("the first phone, and that phone again", func(t *testing.T) {
		started := w.must()
		mine := ceremony.NewID()
		for range 2 {
			if err := fetch(started.RequestURI, mine); err != nil {
				t.Fatal(err)
			}
		}
		wantCode(t, fetch(started.RequestURI, ceremony.NewID()), "request-taken")
	})
	t.Run("a link preview uses nothing up", func(t *testing.T) {
		started := w.must()
		wantCode(t, fetch(started.RequestURI, ""), "phone-header-missing")
		wantCode(t, fetch(started.RequestURI, "short"), "phone-header-missing")
		if err := fetch(started.RequestURI, ceremony.NewID()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a QR code lives 60 seconds", func(t *testing.T) {
		started := w.must(crossing)
		w.advance(61 * time.Second)
		wantCode(t, fetch(started.RequestURI, ceremony.NewID()), "qr-expired")
		w.refresh()
	})
	t.Run("a link lives as long as the request", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		w.advance(5 * time.Minute)
		wantCode(t, fetch(started.RequestURI, p.id), "request-expired")
		_, err := p.answer("good")
		wantCode(t, err, "request-expired")
		w.refresh()
		if r, err := w.result(w.portal, started, ""); err != nil || r.State != ceremony.StateExpired {
			t.Errorf("%+v, %v", r, err)
		}
	})
	t.Run("nobody after the answer", func(t *testing.T) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		if _, err := p.answer("good"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, fetch(started.RequestURI, p.id), "request-used")
	})
	t.Run("nothing at an address that nobody made", func(t *testing.T) {
		wantCode(t, fetch(w.config.Origin+"/r/"+ceremony.NewID(), ceremony.NewID()), "request-unknown")
	})
}

func TestWhoLearnsTheResult(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	started := w.must()
	p := w.mustFetch(started.RequestURI)
	taken, err := p.answer("good")
	if err != nil {
		t.Fatal(err)
	}
	code := codeIn(t, taken.Redirect)
	jti := p.req.Unverified().ID
	get := func(id string, header ...httpd.Header) error {
		var out ceremony.Result
		return httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/requests/"+id, &out, header...)
	}
	wantCode(t, get(started.ResultID), "caller-unproved")
	wantCode(t, get(jti, w.bearer(w.portal, code)), "result-unknown") // whoever photographed the code has only this id
	_, err = w.result(w.bank, started, code)
	wantCode(t, err, "result-unknown")
	// A login link mailed to a victim: the attacker began, the victim's browser got
	// the code, the attacker's polls for the verdict.
	r, err := w.result(w.portal, started, "")
	if err != nil || r.Verdict != "" || r.Sub != "" {
		t.Errorf("polling gave %+v, %v", r, err)
	}
	_, err = w.result(w.portal, started, ceremony.NewID())
	wantCode(t, err, "browser-binding-lost")
	header := w.bearer(w.portal, code)
	if err := get(started.ResultID, header); err != nil {
		t.Fatal(err)
	}
	wantCode(t, get(started.ResultID, header), "caller-unproved") // the assertion played back
	_, err = w.result(w.portal, started, code)
	wantCode(t, err, "browser-binding-lost")

	started = w.must()
	if taken, err = w.mustFetch(started.RequestURI).answer("good"); err != nil {
		t.Fatal(err)
	}
	w.advance(60 * time.Second)
	w.refresh()
	_, err = w.result(w.portal, started, codeIn(t, taken.Redirect))
	wantCode(t, err, "browser-binding-lost")
}

func TestRequestsThatAreNotTaken(t *testing.T) {
	requests(t, inFeed(t, sqliteFor(t)))
}

func requests(t *testing.T, w *world) {
	post := func(a actor, compact string) error {
		return httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact}, nil, w.bearer(a, ""))
	}
	for _, c := range []struct {
		name, code string
		by         actor
		change     func(*ceremony.Request)
	}{
		{"an unregistered party", "party-not-registered", w.ghost, func(r *ceremony.Request) { r.Issuer = "ghost" }},
		{"a revoked party", "party-certificate", w.ended, func(r *ceremony.Request) { r.Issuer = "ended" }},
		{"in another party's name", "not-as-registered", w.bank, func(*ceremony.Request) {}},
		{"an unregistered purpose", "not-as-registered", w.bank, func(r *ceremony.Request) {
			r.Issuer, r.Purpose = "bank", ceremony.Purpose{Code: "move", Sentence: moveSentence}
		}},
		{"another sentence", "not-as-registered", w.portal, func(r *ceremony.Request) { r.Purpose.Sentence.JA = "景品が当たりました。" }},
		{"data that is not registered", "not-as-registered", w.bank, func(r *ceremony.Request) { r.Issuer, r.Claims = "bank", []string{"address"} }},
		{"below its purpose's class", "below-risk-floor", w.portal, func(r *ceremony.Request) { r.Purpose = ceremony.Purpose{Code: "health", Sentence: healthSentence} }},
		{"for another verifier", "wrong-audience", w.portal, func(r *ceremony.Request) { r.Audience = "verifier2" }},
		{"an answer address at the party", "wrong-address", w.portal, func(r *ceremony.Request) { r.ResponseURI = "http://portal.localhost:8404/answer" }},
		{"an answer address of another request", "wrong-address", w.portal, func(r *ceremony.Request) {
			r.ResponseURI = w.config.Origin + "/v1/requests/" + ceremony.NewID() + "/answer"
		}},
		{"already over", "request-expired", w.portal, func(r *ceremony.Request) { r.IssuedAt -= 600; r.Expires -= 600 }},
		{"from the future", "request-time", w.portal, func(r *ceremony.Request) { r.IssuedAt += 60; r.Expires += 60 }},
		{"a kind that is not built yet", "kind-not-supported", w.portal, func(r *ceremony.Request) { r.Kind, r.Risk = ceremony.SignDoc, ceremony.R3; sign(w, r) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := w.start(c.by, w.ask(c.change))
			wantCode(t, err, c.code)
		})
	}
	t.Run("the same request twice", func(t *testing.T) {
		r := w.ask()
		if _, err := w.start(w.portal, r); err != nil {
			t.Fatal(err)
		}
		_, err := w.start(w.portal, r)
		wantCode(t, err, "request-replayed")
		r.ID = ceremony.NewID()
		r.ResponseURI = w.config.Origin + "/v1/requests/" + r.ID + "/answer"
		_, err = w.start(w.portal, r) // the nonce is the same
		wantCode(t, err, "request-replayed")
	})
	t.Run("edited on the way", func(t *testing.T) {
		compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, w.ask())
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(compact, ".")
		body, _ := base64.RawURLEncoding.DecodeString(parts[1])
		var q map[string]any
		if err := json.Unmarshal(body, &q); err != nil {
			t.Fatal(err)
		}
		q["claims"] = []string{"name"}
		body, _ = json.Marshal(q)
		wantCode(t, post(w.portal, parts[0]+"."+base64.RawURLEncoding.EncodeToString(body)+"."+parts[2]), "not-as-registered")
		wantCode(t, post(w.portal, "x"), "request-malformed")
	})
	t.Run("a return address that is not registered", func(t *testing.T) {
		compact, err := ceremony.SignRequest(w.portal.key, w.portal.chain, w.ask())
		if err != nil {
			t.Fatal(err)
		}
		err = httpd.PostJSON(t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact, ReturnURL: "http://evil.localhost/"}, nil, w.bearer(w.portal, ""))
		wantCode(t, err, "return-url-unknown")
	})
	t.Run("from another site's page, and by another name", func(t *testing.T) {
		for name, set := range map[string]func(*http.Request){
			"wrong-origin": func(r *http.Request) { r.Header.Set("Origin", "http://evil.localhost") },
			"wrong-host":   func(r *http.Request) { r.Host = "evil.example" }, // DNS rebinding
		} {
			req, err := http.NewRequest("POST", w.config.Origin+"/v1/requests", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			set(req)
			resp, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			var p problem.Problem
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil || p.Code != name {
				t.Errorf("got %s, %v; want %s", p.Code, err, name)
			}
			resp.Body.Close()
		}
	})
}

func sign(w *world, r *ceremony.Request) {
	r.Purpose = ceremony.Purpose{Code: "move", Sentence: moveSentence}
	r.Document = &ceremony.Document{Format: "cades", MediaType: "text/plain", SHA256: hashOf("x"), URL: w.config.Origin + "/d"}
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
