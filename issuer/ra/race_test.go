package ra_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// atOnce calls all of them in the same moment and returns their errors.
func atOnce(calls ...func() error) []error {
	errs := make([]error, len(calls))
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i, call := range calls {
		done.Go(func() {
			ready.Wait()
			errs[i] = call()
		})
	}
	ready.Done()
	done.Wait()
	return errs
}

func TestTwoPhonesAtOnceForOnePerson(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		one, two := w.newPhone(2), w.newPhone(4)
		first, second := one.applyStep(c, false), two.applyStep(c, false)
		errs := atOnce(
			func() (err error) { one.applied, err = w.ra.Apply(t.Context(), first); return err },
			func() (err error) { two.applied, err = w.ra.Apply(t.Context(), second); return err },
		)
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("both answered alike: %v, %v", errs[0], errs[1])
		}
		winner, loser := one, two
		if errs[0] != nil {
			winner, loser = two, one
			errs[1] = errs[0]
		}
		wantCode(t, errs[1], ra.CodeOpenApplication)
		if err := winner.keys(); err != nil {
			t.Fatal(err)
		}
		// The other one insists at the moment in which the first registers.
		register, insist := winner.jws(ra.TypeEnrolment, winner.registerClaims(), nil), loser.applyStep(c, true)
		errs = atOnce(
			func() error { _, err := w.ra.Register(t.Context(), winner.id, register); return err },
			func() (err error) { loser.applied, err = w.ra.Apply(t.Context(), insist); return err },
		)
		if errs[1] != nil {
			t.Fatalf("the second application: %v", errs[1])
		}
		switch {
		case errs[0] == nil: // registered first: it works until the other is registered
			winner.mustBe(status.Good, 0)
		default:
			wantCode(t, errs[0], ra.CodeEnrolmentEnded)
			winner.mustBe(status.Revoked, status.Superseded)
		}
		if err := loser.keys(); err != nil {
			t.Fatal(err)
		}
		if err := loser.register(); err != nil {
			t.Fatal(err)
		}
		loser.mustBe(status.Good, 0)
		winner.mustBe(status.Revoked, status.Superseded)
	})
}

func TestTheSameMessagesManyTimesAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		p := w.newPhone(2)
		apply := p.applyStep(c, false)
		answers := make([]ra.Applied, 6)
		var calls []func() error
		for i := range answers {
			calls = append(calls, func() (err error) { answers[i], err = w.ra.Apply(t.Context(), apply); return err })
		}
		for i, err := range atOnce(calls...) {
			if err != nil || !slices.Equal(answers[i].Nonce, answers[0].Nonce) {
				t.Fatalf("application %d: %v", i, err)
			}
		}
		p.applied = answers[0]
		keys := p.jws(ra.TypeEnrolment, p.keyClaims(), nil)
		issued := make([]ra.Issued, 6)
		calls = nil
		for i := range issued {
			calls = append(calls, func() (err error) { issued[i], err = w.ra.Keys(t.Context(), p.id, keys); return err })
		}
		for i, err := range atOnce(calls...) {
			if err != nil || !slices.Equal(issued[i].Certificates.Auth, issued[0].Certificates.Auth) {
				t.Fatalf("keys %d: %v", i, err)
			}
		}
		p.issued = issued[0]
		register := p.jws(ra.TypeEnrolment, p.registerClaims(), nil)
		calls = nil
		for range 6 {
			calls = append(calls, func() error { _, err := w.ra.Register(t.Context(), p.id, register); return err })
		}
		for _, err := range atOnce(calls...) {
			if err != nil {
				t.Fatal(err)
			}
		}
		p.mustBe(status.Good, 0)
		if n := count(w.notices(), ra.NoticeRegistered); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// The limit on lock codes holds when all tries come in the same moment.
func TestLockCodesAtOnceAreLimitedToo(t *testing.T) {
	w, _, p := registered(t)
	wrong := *p
	wrong.code = w.newPhone(4).code
	guess := digits(&wrong)
	var calls []func() error
	for range 12 {
		calls = append(calls, func() error {
			_, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: guess}, "a")
			return err
		})
	}
	codes := map[string]int{}
	for _, err := range atOnce(calls...) {
		if p, ok := errors.AsType[*problem.Problem](err); ok {
			codes[p.Code]++
		}
	}
	if codes[ra.CodeLockCodeWrong] != ra.TriesAllowed || codes[ra.CodeTooManyTries] != 12-ra.TriesAllowed {
		t.Errorf("got %v", codes)
	}
	w.now = w.now.Add(time.Hour)
}
