package gateway_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pki"
)

// desk is a login of a person at the portal, which brings the grant for the rules.
func (w *world) desk(h string) string {
	w.t.Helper()
	started := w.must()
	taken, err := w.mustFetch(started.RequestURI).answer(h)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := w.result(w.portal, started, codeIn(w.t, taken.Redirect))
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Grants[ceremony.ScopeRules]
}

func (w *world) granted(grant string) []httpd.Header {
	return []httpd.Header{w.bearer(w.portal, ""), {Name: ceremony.GrantHeader, Value: grant}}
}

func (w *world) raise(grant string, r ceremony.Rules) (held ceremony.HeldRules, err error) {
	w.t.Helper()
	return held, httpd.PutJSON(w.t.Context(), w.client, w.config.Origin+"/v1/rules", ceremony.RulesChange{ID: ceremony.NewID(), Rules: r}, &held, w.granted(grant)...)
}

func (w *world) mustRaise(grant string, r ceremony.Rules) {
	w.t.Helper()
	if held, err := w.raise(grant, r); err != nil || held.Rules.Hash() != r.Hash() {
		w.t.Fatalf("%+v, %v", held, err)
	}
}

func (w *world) rulesOf(grant string) (held ceremony.HeldRules, err error) {
	return held, httpd.GetJSON(w.t.Context(), w.client, w.config.Origin+"/v1/rules", &held, w.granted(grant)...)
}

// bankAsks is a request of the bank's: private, or what purpose says.
func (w *world) bankAsks(purpose string) (ceremony.Started, *phone) {
	w.t.Helper()
	started, err := w.start(w.bank, w.ask(func(r *ceremony.Request) {
		r.Issuer = "bank"
		crossing(r)
		if purpose == "visit" {
			r.Purpose, r.Kind = ceremony.Purpose{Code: purpose, Sentence: healthSentence}, ceremony.Eligibility
		}
	}))
	if err != nil {
		w.t.Fatal(err)
	}
	return started, w.mustFetch(started.RequestURI)
}

// use answers the bank for a person, unlocked in a way.
func (w *world) use(h, purpose string, amr ...string) (ceremony.Started, error) {
	w.t.Helper()
	started, p := w.bankAsks(purpose)
	_, err := p.answer(h, func(a *ceremony.Answer) {
		a.Match = started.Match
		if amr != nil {
			a.AMR = amr
		}
	})
	return started, err
}

func (w *world) word(h string, r ceremony.Rules, change ...func(*cardword.Word)) []byte {
	w.t.Helper()
	card := w.holders[h].card
	word := cardword.Word{CertificateSHA256: pki.Fingerprint(card.Raw), Nonce: ceremony.NewID(), Purpose: cardword.LowerRules,
		RulesSHA256: r.Hash(), Time: w.Now().UTC().Format(time.RFC3339), Verifier: "verifier"}
	for _, c := range change {
		c(&word)
	}
	der, err := cms.Sign(w.holders[h].key, card, word.Canonical(), w.Now(), false)
	if err != nil {
		w.t.Fatal(err)
	}
	return der
}

func (w *world) loosen(proposal string, word []byte) (done ceremony.Loosened, err error) {
	return done, httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/v1/rules/loosenings", ceremony.Loosening{Proposal: proposal, Word: word}, &done)
}

func (w *world) propose(grant string, r ceremony.Rules) string {
	w.t.Helper()
	id := ceremony.NewID()
	for range 2 { // pressed twice, it is one
		var out ceremony.RulesPrepared
		err := httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/v1/rules/proposals", ceremony.RulesChange{ID: id, Rules: r}, &out, w.granted(grant)...)
		if err != nil || out.URL != w.config.Origin+"/v1/rules/proposals/"+id {
			w.t.Fatalf("%+v, %v", out, err)
		}
	}
	return id
}

func TestALockedFunctionIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant := w.desk("good")
		w.mustRaise(grant, ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Private, ceremony.Government}})
		started, err := w.use("good", "login")
		if p := wantCode(t, err, "function-locked"); p.Extra["category"] != "private" {
			t.Errorf("%v", p.Extra)
		}
		if _, err := w.use("good", "visit"); err != nil {
			t.Errorf("a clinic is not private: %v", err)
		}
		if _, err := w.use("neighbour", "login"); err != nil {
			t.Errorf("somebody else's lock: %v", err)
		}
		// The party hears that a rule stood in the way, and not which; nor does its receipt say.
		r, err := w.result(w.bank, started, "")
		if err != nil || r.Code != "holder-rules" || r.Sub != "" || len(r.AMR) != 0 || r.Verdict != ceremony.Failed {
			t.Errorf("%+v, %v", r, err)
		}
		if m, err := ceremony.ParseReceipt(r.Receipt); err != nil || m.Unverified().Code != "holder-rules" {
			t.Errorf("receipt %+v, %v", m, err)
		}
		// The desk stays open, though government is locked; there the attempt is on record.
		started = w.must()
		taken, err := w.mustFetch(started.RequestURI).answer("good")
		if err != nil {
			t.Fatalf("the desk is locked out: %v", err)
		}
		if r, err = w.result(w.portal, started, codeIn(t, taken.Redirect)); err != nil {
			t.Fatal(err)
		}
		var uses ceremony.Uses
		if err := httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/uses", &uses, w.granted(r.Grants[ceremony.ScopeUses])...); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(uses.Uses, func(u ceremony.Use) bool { return u.Code == "function-locked" })
		if i < 0 {
			t.Fatalf("%+v", uses)
		}
		if u := uses.Uses[i]; u.Category != ceremony.Private || u.Party != "bank" || u.PurposeCode != "login" || !slices.Contains(u.AMR, "pin") || u.Receipt == "" || u.Why.JA == "" {
			t.Errorf("%+v", u)
		}
	})
}

func TestQuietHours(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hour := func(d time.Duration) int {
			at := w.Now().Add(d).In(pki.JST)
			return at.Hour()*60 + at.Minute()
		}
		grant := w.desk("good")
		q := ceremony.QuietHours{From: hour(-time.Hour), To: hour(2 * time.Hour)}
		w.mustRaise(grant, ceremony.Rules{Version: 1, Quiet: &q})
		_, err := w.use("good", "login", "user", "swk")
		wantCode(t, err, "quiet-hours-pin")
		if _, err := w.use("good", "login"); err != nil {
			t.Errorf("the PIN in quiet hours: %v", err)
		}
		q.Refuse = true
		w.mustRaise(grant, ceremony.Rules{Version: 2, Quiet: &q})
		_, err = w.use("good", "login")
		wantCode(t, err, "quiet-hours")
		w.desk("good") // the desk answers at any hour, to the PIN
		started := w.must()
		_, err = w.mustFetch(started.RequestURI).answer("good", func(a *ceremony.Answer) { a.AMR = []string{"user", "swk"} })
		wantCode(t, err, "quiet-hours-pin")
		w.advance(2 * time.Hour)
		w.refresh()
		if _, err := w.use("good", "login", "user", "swk"); err != nil {
			t.Errorf("after quiet hours: %v", err)
		}
	})
}

func TestARaisedClassWantsMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant := w.desk("good")
		rules := ceremony.Rules{Version: 1, Raised: []ceremony.Raised{{Of: ceremony.Clinic, To: ceremony.DemandPIN}, {Party: "bank", Purpose: "login", To: ceremony.DemandPassword}}}
		w.mustRaise(grant, rules)
		_, err := w.use("good", "visit", "user", "swk")
		if p := wantCode(t, err, "risk-raised"); p.Extra["needs"] != "pin" {
			t.Errorf("%v", p.Extra)
		}
		if _, err := w.use("good", "visit"); err != nil {
			t.Error(err)
		}
		_, err = w.use("good", "login")
		if p := wantCode(t, err, "risk-raised"); p.Extra["needs"] != "password" {
			t.Errorf("%v", p.Extra)
		}
		started, err := w.use("good", "login", "pwd", "swk")
		if err != nil {
			t.Fatalf("the password: %v", err)
		}
		if r, err := w.result(w.bank, started, ""); err != nil || r.Verdict != ceremony.Passed || !slices.Contains(r.AMR, "pwd") {
			t.Errorf("%+v, %v", r, err)
		}
		// The password answers an R1 request of nobody who did not ask for that.
		_, err = w.use("neighbour", "login", "pwd", "swk")
		wantCode(t, err, "risk-not-met")
	})
}

func TestADailyLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant := w.desk("good")
		w.mustRaise(grant, ceremony.Rules{Version: 1, Daily: []ceremony.DailyLimit{{Of: ceremony.Private, Uses: 1}, {Uses: 2}}})
		if _, err := w.use("good", "login"); err != nil {
			t.Fatal(err)
		}
		_, err := w.use("good", "login")
		wantCode(t, err, "daily-limit")
		if _, err := w.use("good", "visit"); err != nil {
			t.Errorf("another category: %v", err)
		}
		_, err = w.use("good", "visit")
		wantCode(t, err, "daily-limit") // of all together
		w.desk("good")                  // not counted
		_, tomorrow := ceremony.DayOf(w.Now())
		w.advance(tomorrow.Sub(w.Now()))
		w.refresh()
		if _, err := w.use("good", "login"); err != nil {
			t.Errorf("tomorrow: %v", err)
		}
	})
}

// wantOne fails the test unless one of many passed and the others have this code.
func wantOne(t *testing.T, errs []error, code string) {
	t.Helper()
	passed := 0
	for _, err := range errs {
		if err == nil {
			passed++
		} else {
			wantCode(t, err, code)
		}
	}
	if passed != 1 {
		t.Errorf("%d of %d passed", passed, len(errs))
	}
}

// Two answers at once against a limit of one: exactly one passes.
func TestALimitOfOneIsOneAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.mustRaise(w.desk("good"), ceremony.Rules{Version: 1, Daily: []ceremony.DailyLimit{{Uses: 1}}})
		const at = 6
		errs := make([]error, at)
		var wg sync.WaitGroup
		for i := range at {
			started, p := w.bankAsks("login")
			compact := p.compose(w.holders["good"], func(a *ceremony.Answer) { a.Match = started.Match })
			wg.Go(func() { _, errs[i] = p.send(compact) })
		}
		wg.Wait()
		wantOne(t, errs, "daily-limit")
	})
}

func TestRulesAreRaisedFreelyAndLoweredOnlyWithTheCard(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant := w.desk("good")
		locked := ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Private}}
		w.mustRaise(grant, locked)
		w.mustRaise(grant, locked) // again: nothing happens
		_, err := w.raise(grant, ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Private, ceremony.Tax}})
		wantCode(t, err, "rules-changed") // on what did not hold any more
		free := ceremony.Rules{Version: 2, Daily: []ceremony.DailyLimit{{Uses: 3}}}
		_, err = w.raise(grant, free)
		wantCode(t, err, "rules-need-card")
		_, err = w.raise(grant, ceremony.Rules{Version: 2, Daily: []ceremony.DailyLimit{{Uses: 0}}})
		wantCode(t, err, "rules-malformed")
		_, err = w.raise(w.desk("neighbour"), ceremony.Rules{Version: 1, Locked: []ceremony.Category{ceremony.Tax}})
		if err != nil {
			t.Fatal(err)
		}
		if err := httpd.PutJSON(t.Context(), w.client, w.config.Origin+"/v1/rules", ceremony.RulesChange{ID: ceremony.NewID(), Rules: free}, nil,
			w.bearer(w.bank, ""), httpd.Header{Name: ceremony.GrantHeader, Value: grant}); err == nil {
			t.Error("a grant in other hands")
		}

		id := w.propose(grant, free)
		var p ceremony.RulesProposal
		if err := httpd.GetJSON(t.Context(), w.client, w.config.Origin+"/v1/rules/proposals/"+id, &p); err != nil || p.To.Hash() != free.Hash() || p.From.Hash() != locked.Hash() {
			t.Fatalf("%+v, %v", p, err)
		}
		if _, err := w.use("good", "login"); err == nil {
			t.Error("what was only prepared holds")
		}
		for name, bad := range map[string]struct {
			proposal string
			word     []byte
			code     string
		}{
			"a neighbour's card":           {id, w.word("neighbour", free), "rules-other-card"},
			"a card on hold":               {id, w.word("held", free), "rules-card"},
			"a card that was revoked":      {id, w.word("revoked", free), "rules-card"},
			"a card that has expired":      {id, w.word("expired", free), "rules-card"},
			"a card that nobody knows":     {id, w.word("unknown", free), "status-unknown"},
			"other rules than prepared":    {id, w.word("good", ceremony.Rules{Version: 2}), "rules-word"},
			"for another verifier":         {id, w.word("good", free, func(w *cardword.Word) { w.Verifier = "elsewhere" }), "rules-word"},
			"a word to suspend":            {id, w.word("good", free, func(w *cardword.Word) { w.Purpose, w.RulesSHA256, w.Verifier = cardword.Suspend, "", "" }), "rules-word"},
			"of yesterday":                 {id, w.word("good", free, func(c *cardword.Word) { c.Time = w.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339) }), "rules-word-time"},
			"nothing that was prepared":    {ceremony.NewID(), w.word("good", free), "rules-proposal-unknown"},
			"rules without their proposal": {"", w.word("good", free), "rules-word"},
		} {
			_, err := w.loosen(bad.proposal, bad.word)
			if p := wantCode(t, err, bad.code); p == nil {
				t.Error(name)
			}
		}
		// The phone's key is no card's, though it is the same person's.
		phone := w.holders["good"]
		card := phone.card
		phone.card = phone.auth[0]
		_, err = w.loosen(id, w.word("good", free))
		wantCode(t, err, "rules-card")
		phone.card = card

		word := w.word("good", free)
		if done, err := w.loosen(id, word); err != nil || done.Version != 2 {
			t.Fatalf("%+v, %v", done, err)
		}
		if _, err := w.loosen(id, word); err != nil {
			t.Errorf("the same word again, whose answer was lost: %v", err)
		}
		_, err = w.loosen(id, w.word("good", free)) // another word for what is done
		wantCode(t, err, "rules-changed")
		if _, err := w.use("good", "login"); err != nil {
			t.Errorf("loosened: %v", err)
		}
		held, err := w.rulesOf(grant)
		if err != nil || held.Rules.Hash() != free.Hash() || len(held.Changes) != 2 || held.Changes[0].By != ceremony.RulesByCard || held.Changes[1].Party != "portal" {
			t.Errorf("%+v, %v", held, err)
		}

		// None at all, without the portal: once, and whatever held.
		none := w.word("good", ceremony.Rules{})
		if done, err := w.loosen("", none); err != nil || done.Version != 3 {
			t.Fatalf("%+v, %v", done, err)
		}
		w.mustRaise(grant, ceremony.Rules{Version: 4, Locked: []ceremony.Category{ceremony.Private}})
		_, err = w.loosen("", none)
		wantCode(t, err, "rules-changed") // a word counts once
		if _, err := w.use("good", "login"); err == nil {
			t.Error("a used word ended a new lock")
		}
		// A change prepared on older rules does not undo what was raised since.
		stale := w.propose(grant, ceremony.Rules{Version: 5})
		w.mustRaise(grant, ceremony.Rules{Version: 5, Locked: []ceremony.Category{ceremony.Private, ceremony.Kiosk}})
		_, err = w.loosen(stale, w.word("good", ceremony.Rules{Version: 5}))
		wantCode(t, err, "rules-changed")
		w.advance(24 * time.Hour)
		w.refresh()
		_, err = w.loosen(stale, w.word("good", ceremony.Rules{Version: 5}))
		wantCode(t, err, "rules-proposal-over")
	})
}

// Of two that raise at once, one is told that the other was first.
func TestOfTwoChangesAtOnceOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		grant := w.desk("good")
		errs := make([]error, 4)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = w.raise(grant, ceremony.Rules{Version: 1, Daily: []ceremony.DailyLimit{{Uses: i + 1}}})
			})
		}
		wg.Wait()
		wantOne(t, errs, "rules-changed")
	})
}

// Rules of somebody whom the issuer could not name are unknown, and nothing passes.
func TestRulesThatCannotBeAskedRefuseNothingAndAllowNothing(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	w.issuer.mu.Lock()
	w.issuer.down = true
	w.issuer.mu.Unlock()
	_, err := w.use("good", "login")
	wantCode(t, err, "person-unavailable")
}
