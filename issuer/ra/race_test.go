package ra_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tegata/internal/pki"
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

// Two words of the card in the same moment: the person pressed twice, or holds two
// of the phone's pages open. One resumes, the other finds nothing to resume.
func TestTwoResumesAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lostIn(t, db)
		say := func() func() error {
			step := l.p.jws(ra.TypeCheckIn, l.p.resumeClaims(l.c.says(l.p, l.c.word(l.p, ra.WordResume))), nil)
			return func() error { _, err := l.w.ra.Resume(t.Context(), step); return err }
		}
		one, two := say(), say()
		won := 0
		for _, err := range atOnce(one, two, one, two) { // each is also sent twice
			if err == nil {
				won++
			} else {
				wantCode(t, err, ra.CodeNothingToResume)
			}
		}
		if won != 2 {
			t.Errorf("%d messages were answered, want the two that are the same", won)
		}
		l.are("good", "revoked superseded")
		l.mustTell(ra.NoticeFound, l.w.now, "0")
		l.mustBeWhole()
	})
}

// Lost and found in the same moment: whoever was last is right, and the signature
// certificate has ended in any case.
func TestAResumeAndASuspensionAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lostIn(t, db)
		resume := l.p.jws(ra.TypeCheckIn, l.p.resumeClaims(l.c.says(l.p, l.c.word(l.p, ra.WordResume))), nil)
		word := l.c.says(l.p, l.c.word(nil, ra.WordSuspend))
		for _, err := range atOnce(
			func() error { _, err := l.w.ra.Resume(t.Context(), resume); return err },
			func() error { _, err := l.w.ra.Suspend(t.Context(), ra.Suspension{Word: word}, ""); return err },
		) {
			if err != nil {
				t.Fatal(err)
			}
		}
		if l.told(ra.NoticeSuspended, l.w.now) == "0 0" {
			l.are("held lost", "revoked superseded")
		} else {
			l.are("good", "revoked superseded")
		}
		l.mustTell(ra.NoticeFound, l.w.now, "0")
		l.mustBeWhole()
	})
}

// A new phone is registered in the moment in which the old one insists on a new
// signature certificate: one of the two phones is left, with all that belongs to it.
func TestAReissueAndANewRegistrationAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lostIn(t, db)
		l.resume()
		fresh := l.w.newPhone(4)
		for _, step := range []func() error{func() error { return fresh.apply(l.c, false) }, fresh.keys} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		register := fresh.jws(ra.TypeEnrolment, fresh.registerClaims(), nil)
		q := l.p.again(6)
		wantCode(t, q.applyForSign(l.c), ra.CodeOpenApplication)
		insist := q.applyStep(l.c, true)
		errs := atOnce(
			func() error { _, err := l.w.ra.Register(t.Context(), fresh.id, register); return err },
			func() (err error) { q.applied, err = l.w.ra.Apply(t.Context(), insist); return err },
		)
		switch {
		case (errs[0] == nil) == (errs[1] == nil):
			t.Fatalf("both answered alike: %v, %v", errs[0], errs[1])
		case errs[0] == nil:
			wantCode(t, errs[1], ra.CodeReissueElsewhere)
			fresh.mustBe(status.Good, 0)
			l.are("revoked superseded", "revoked superseded")
		default:
			wantCode(t, errs[0], ra.CodeEnrolmentEnded)
			fresh.mustBe(status.Revoked, status.Superseded)
			for _, step := range []func() error{q.signKey, q.takeOver} {
				if err := step(); err != nil {
					t.Fatal(err)
				}
			}
			l.are("good", "revoked superseded")
		}
		l.mustBeWhole()
	})
}

// A new phone applies, and replaces what is open, in the moment in which the old one
// takes its new certificate over.
func TestATakeoverAndANewApplicationAtOnce(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lostIn(t, db)
		l.resume()
		q := l.p.again(6)
		for _, step := range []func() error{func() error { return q.applyForSign(l.c) }, q.signKey} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		takeOver, fresh := q.takeOverStep(), l.w.newPhone(4)
		insist := fresh.applyStep(l.c, true)
		errs := atOnce(
			func() error { _, err := l.w.ra.Register(t.Context(), q.id, takeOver); return err },
			func() (err error) { fresh.applied, err = l.w.ra.Apply(t.Context(), insist); return err },
		)
		if errs[1] != nil {
			t.Fatal(errs[1])
		}
		want := "good"
		if errs[0] != nil {
			wantCode(t, errs[0], ra.CodeEnrolmentEnded)
			want = "revoked superseded"
		}
		if got := inWords(l.w.status(q.issued.Certificates.Sign, pki.PhoneSign)); got != want {
			t.Errorf("the new signature certificate is %s, want %s", got, want)
		}
		for _, step := range []func() error{fresh.keys, fresh.register} {
			if err := step(); err != nil {
				t.Fatal(err)
			}
		}
		fresh.mustBe(status.Good, 0)
		l.are("revoked superseded", "revoked superseded")
		if e := l.w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked {
			t.Errorf("the old phone's new certificate is %s", e.Status)
		}
		l.mustBeWhole()
	})
}

// lostIn is a phone that was reported lost, in an empty database.
func lostIn(t *testing.T, db *store.DB) life {
	t.Helper()
	l := lifeIn(t, db)
	l.suspend()
	return l
}

// then does something after the first reading.
type then struct {
	ra.Store
	once func()
}

func (s then) Read(ctx context.Context, f func(ra.Tx) error) error {
	err := s.Store.Read(ctx, f)
	s.once()
	return err
}

// A phone that ends while lock codes are compared was not suspended, and nobody is told
// that it was: its owner may have another one by now, with another code.
func TestALockCodeThatComesTooLate(t *testing.T) {
	w, _, p := registered(t)
	stop := p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil)
	late, err := w.another(then{w.store, sync.OnceFunc(func() {
		if _, err := w.ra.Stop(t.Context(), stop); err != nil {
			t.Error(err)
		}
	})})
	if err != nil {
		t.Fatal(err)
	}
	_, err = late.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "a")
	wantCode(t, err, ra.CodeLockCodeWrong)
}
