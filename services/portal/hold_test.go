package portal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/services/portal"
	portalstore "tegata/store/portal"
)

// useOf is a browser that is logged in, and the use that it can report.
func (w *world) useOf(t *testing.T, login string) (session, use string) {
	t.Helper()
	session = w.deskLogin(t, login)
	home, err := w.HomeOf(t.Context(), session)
	if err != nil {
		t.Fatal(err)
	}
	return session, portal.UseID(home.Snapshot.Uses[0])
}

// A browser that goes away once it has sent what stops a phone takes nothing back.
func TestAPhoneIsStoppedThoughTheBrowserGoesAway(t *testing.T) {
	code := secret.GenerateLockCode()
	for name, stop := range map[string]func(ctx context.Context, w *world, session, use string) error{
		"by lock code": func(ctx context.Context, w *world, _, _ string) error {
			_, err := w.SuspendByLockCode(ctx, "1980-02-17", code, "203.0.113.5")
			return err
		},
		"logged in": func(ctx context.Context, w *world, session, _ string) error {
			_, err := w.Suspend(ctx, session)
			return err
		},
		"somebody else's": func(ctx context.Context, w *world, session, _ string) error {
			return w.SuspendCharge(ctx, session, "t")
		},
		"with a report": func(ctx context.Context, w *world, session, use string) error {
			c, err := w.NotMe(ctx, session, use)
			if err == nil && c.Suspended.IsZero() {
				err = errors.New("the case says that it is not stopped")
			}
			return err
		},
		"for a report": func(ctx context.Context, w *world, session, use string) error {
			asked := w.asked
			w.asked, w.unheld = nil, true
			c, err := w.NotMe(context.WithoutCancel(ctx), session, use)
			if err == nil {
				return errors.New("it was stopped at once")
			}
			w.asked, w.unheld = asked, false
			_, err = w.HoldFor(ctx, session, c.Number)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				session, use := w.useOf(t, "")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				w.asked = cancel
				if err := stop(ctx, w, session, use); err != nil || w.suspensions != 1 || ctx.Err() == nil {
					t.Errorf("%v, stopped %d times, the browser: %v", err, w.suspensions, ctx.Err())
				}
			})
		})
	}
}

// What a report was to stop is asked for until it is, though the browser is gone, its
// session is over and nobody presses again.
func TestAReportsPhoneIsStoppedWhenTheIssuerIsBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		session, use := w.useOf(t, "")
		due := func() {
			t.Helper()
			if err := w.HoldDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		w.unheld = true
		c, err := w.NotMe(ctx, session, use)
		if err == nil || !c.Suspended.IsZero() || c.Hold.Due.IsZero() {
			t.Fatalf("%+v, %v", c, err)
		}
		if err := w.Logout(ctx, session); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(5 * time.Second)
		due()
		w.unheld = false
		due() // each try is put off before it is made
		if w.suspensions != 0 {
			t.Errorf("before its time: stopped %d times", w.suspensions)
		}
		w.now = w.now.Add(5 * time.Second)
		w.lost = true // it is done, and nobody learns it
		due()
		w.now = w.now.Add(10 * time.Second)
		due()
		if w.suspensions != 2 || !w.repeated {
			t.Errorf("asked %d times, by itself: %t", w.suspensions, w.repeated)
		}
		w.now = w.now.Add(time.Hour)
		due()
		session, _ = w.useOf(t, "")
		c, err = w.CaseOf(ctx, session, c.Number)
		if err != nil || w.suspensions != 2 || c.Suspended.IsZero() || c.Hold != (portal.Hold{Tries: 3}) {
			t.Errorf("asked %d times, %+v, %v", w.suspensions, c, err)
		}
	})
}

// What the issuer refuses for good is not asked again, and says why; a later login asks
// anew.
func TestAReportsPhoneThatCannotBeStopped(t *testing.T) {
	for _, code := range []string{"grant-invalid", "unknown-person", "person-not-registered", "no-phone", "bad-request"} {
		t.Run(code, func(t *testing.T) { cannotBeStopped(t, code) })
	}
}

func cannotBeStopped(t *testing.T, code string) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		session, use := w.useOf(t, "")
		w.refusal = problem.NewRefused(403, code, "x", "x", "x", "x")
		c, err := w.NotMe(ctx, session, use)
		if problem.From(err).Code != code {
			t.Fatal(err)
		}
		w.now = w.now.Add(5 * time.Second)
		if err := w.HoldDue(ctx); err != nil {
			t.Fatal(err)
		}
		w.refusal = nil
		w.now = w.now.Add(time.Hour)
		if err := w.HoldDue(ctx); err != nil || w.suspensions != 0 {
			t.Errorf("%v, stopped %d times", err, w.suspensions)
		}
		session, _ = w.useOf(t, "")
		c, err = w.CaseOf(ctx, session, c.Number)
		if err != nil || c.Hold != (portal.Hold{Tries: 1, Refused: code}) || !c.Suspended.IsZero() {
			t.Fatalf("%+v, %v", c, err)
		}
		w.unheld = true
		if _, err := w.HoldFor(ctx, session, c.Number); err == nil || w.repeated {
			t.Fatal("stopped")
		}
		w.unheld = false
		w.now = w.now.Add(5 * time.Second)
		if err := w.HoldDue(ctx); err != nil || w.suspensions != 1 {
			t.Errorf("%v, stopped %d times", err, w.suspensions)
		}
	})
}

// A phone that is on hold already needs no more: the case says so, and nobody is asked.
func TestACaseOfAPhoneThatIsOnHoldAlready(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		login := ceremony.NewID()
		session, use := w.useOf(t, login)
		w.unheld = true
		c, err := w.NotMe(t.Context(), session, use)
		if err == nil {
			t.Fatal("stopped")
		}
		w.unheld = false
		w.tell(t, w.verifier, nil, login, ceremony.CertificateHeld)
		w.hear(t)
		if c, err = w.HoldFor(t.Context(), session, c.Number); err != nil || c.Suspended.IsZero() || w.suspensions != 0 {
			t.Errorf("%+v, %v, asked %d times", c, err, w.suspensions)
		}
	})
}

// fullStore is a store whose disk may be full, and whose numbers may be taken.
type fullStore struct {
	portal.Store
	full    bool
	numbers []string // so many are another case's; what was tried
	taken   int
}

func (s *fullStore) OpenCase(ctx context.Context, who audit.Actor, c portal.Case) (portal.Case, error) {
	s.numbers = append(s.numbers, c.Number)
	switch {
	case s.full:
		return portal.Case{}, errors.New("the disk is full")
	case s.taken > 0:
		s.taken--
		return portal.Case{}, portal.ErrTaken
	}
	return s.Store.OpenCase(ctx, who, c)
}

// A number that another case has costs nobody anything, and neither a number nor a record
// is what a phone waits for.
func TestNoPhoneWaitsForANumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		session, use := w.useOf(t, "")
		s := &fullStore{Store: portalstore.New(w.db), full: true}
		var err error
		if w.Portal, err = portal.New(w.config, s); err != nil {
			t.Fatal(err)
		}
		if c, err := w.NotMe(ctx, session, use); !errors.Is(err, portal.ErrCaseUnkept) || c.Number != "" || w.suspensions != 1 {
			t.Errorf("%+v, %v, stopped %d times", c, err, w.suspensions)
		}
		w.unheld = true
		if _, err := w.NotMe(ctx, session, use); err == nil || errors.Is(err, portal.ErrCaseUnkept) {
			t.Errorf("neither a case nor a phone that is stopped: %v", err)
		}
		w.unheld, s.full, s.taken, s.numbers = false, false, 19, nil
		c, err := w.NotMe(ctx, session, use)
		if err != nil || c.Number != s.numbers[len(s.numbers)-1] || len(s.numbers) != 20 || c.Suspended.IsZero() {
			t.Errorf("%+v, %v, tried %q", c, err, s.numbers)
		}
	})
}

// The number of another case, of whoever it is, is taken; the case of the same use is there.
func TestANumberIsOneCases(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx, s := t.Context(), portalstore.New(w.db)
		c := portal.Case{Number: "01234567", Person: "p", UseID: "u", OpenedAt: morning, Hold: portal.Hold{Holder: "h", Grant: ceremony.NewID(), Due: morning}}
		first, err := s.OpenCase(ctx, audit.System("portal"), c)
		if err != nil || first.Hold != c.Hold {
			t.Fatalf("%+v, %v", first, err)
		}
		other := c
		other.UseID = "another use"
		if _, err := s.OpenCase(ctx, audit.System("portal"), other); !errors.Is(err, portal.ErrTaken) {
			t.Errorf("another use: %v", err)
		}
		again := c
		again.Number = "76543210"
		if got, err := s.OpenCase(ctx, audit.System("portal"), again); err != nil || got.Number != c.Number {
			t.Errorf("the same use: %+v, %v", got, err)
		}
		if err := w.db.CheckAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}
