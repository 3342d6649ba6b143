package gateway_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

func TestAnAnswerThatComesAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		sealed, err := ceremony.Seal(p.compose(w.holders["good"]), p.sealTo)
		if err != nil {
			t.Fatal(err)
		}
		const many = 8
		type result struct {
			taken ceremony.Taken
			err   error
		}
		mine, theirs := make(chan result, many), make(chan result, many)
		thief := *p
		thief.id = ceremony.NewID()
		if _, err := p.sendSealed(sealed); err != nil {
			t.Fatal(err)
		}
		for range many {
			go func() { taken, err := p.sendSealed(sealed); mine <- result{taken, err} }()
			go func() { taken, err := thief.sendSealed(sealed); theirs <- result{taken, err} }()
		}
		codes := map[string]bool{}
		for range many {
			r := <-mine // the phone whose line broke hears the verdict again
			if r.err != nil || r.taken.Verdict != ceremony.Passed {
				t.Fatalf("%+v, %v", r.taken, r.err)
			}
			codes[codeIn(t, r.taken.Redirect)] = true
			r = <-theirs // a copy in other hands is a replay
			wantCode(t, r.err, "request-used")
		}
		worked := 0
		for code := range codes {
			if _, err := w.result(w.portal, started, code); err == nil {
				worked++
			}
		}
		if worked != 1 {
			t.Errorf("%d of %d response codes worked", worked, many)
		}
		if taken, err := p.sendSealed(sealed); err != nil || taken.Redirect != "" {
			t.Errorf("after the code was used: %+v, %v", taken, err)
		}
		if uses, err := w.config.Store.Uses(t.Context(), "person-good", 10); err != nil || len(uses) != 1 {
			t.Errorf("%d uses, %v", len(uses), err)
		}
		w.advance(5 * time.Minute)
		_, err = p.sendSealed(sealed)
		wantCode(t, err, "request-expired")
	})
}

func TestManyAnswersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := w.mustFetch(w.must().RequestURI)
		const many = 8
		results := make(chan error, many)
		for range many {
			q := *p
			q.id = ceremony.NewID()
			compact := p.compose(w.holders["good"]) // PSS: each is another text
			go func() { _, err := q.send(compact); results <- err }()
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
	})
}

func TestAFailedVerdictComesAgainAsItWas(t *testing.T) {
	w := inFeed(t, sqliteFor(t))
	p := w.mustFetch(w.must(crossing).RequestURI)
	sealed, err := ceremony.Seal(p.compose(w.holders["good"], func(a *ceremony.Answer) { a.Match = "99" }), p.sealTo)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := p.sendSealed(sealed)
		if told := wantCode(t, err, "match-wrong"); told.Extra["verdict"] != "failed" {
			t.Errorf("%v", told.Extra)
		}
	}
}

// Who carries a phone's answer posts that, and hears again what came of it; it refuses nothing
// in the phone's name, fetches nothing, and is nobody with another answer.
func TestWhoCarriesAnAnswerDoesNothingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		started := w.must()
		p := w.mustFetch(started.RequestURI)
		sealed, err := ceremony.Seal(p.compose(w.holders["good"]), p.sealTo)
		if err != nil {
			t.Fatal(err)
		}
		carrier, other := *p, *p
		carrier.id = ceremony.Bearer(sha256.Sum256([]byte(p.id)), sealed)
		other.id = ceremony.Bearer(sha256.Sum256([]byte(p.id)), sealed+"x")
		nothingElse := func() {
			t.Helper()
			var out ceremony.Taken
			err := httpd.PostJSON(t.Context(), w.client, p.post, ceremony.Posted{Decline: ceremony.ReasonUnwanted}, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: carrier.id})
			wantCode(t, err, "phone-header-missing")
			_, err = w.fetch(started.RequestURI, carrier.id)
			wantCode(t, err, "phone-header-missing")
		}
		nothingElse()
		for range 2 {
			if taken, err := carrier.sendSealed(sealed); err != nil || taken.Verdict != ceremony.Passed {
				t.Fatalf("%+v, %v", taken, err)
			}
		}
		nothingElse()
		_, err = other.sendSealed(sealed)
		wantCode(t, err, "request-used")
		if taken, err := p.sendSealed(sealed); err != nil || taken.Verdict != ceremony.Passed {
			t.Errorf("the phone, later: %+v, %v", taken, err)
		}
	})
}
