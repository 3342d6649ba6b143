package portal_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/services/portal"
	portalstore "tegata/store/portal"
)

// halting is a store at which something happens right before a session is read for the n-th
// time.
type halting struct {
	portal.Store
	n      int // counts down
	before func()
}

func (s *halting) Session(ctx context.Context, token [32]byte, at time.Time) (portal.Session, portal.Account, error) {
	if s.n--; s.n == 0 && s.before != nil {
		f := s.before
		s.before = nil // which reads sessions, too
		f()
	}
	return s.Store.Session(ctx, token, at)
}

// A report is pressed twice, and the phone's hold ends the session while the second press is
// worked on, wherever that is: it finds the case of the first, and its number.
func TestAReportPressedTwiceFindsItsCaseWheneverTheSessionEnds(t *testing.T) {
	reached := 0
	for n := 1; n <= 6; n++ {
		t.Run(fmt.Sprint("before read ", n), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				store := &halting{Store: portalstore.New(w.db)}
				var err error
				if w.Portal, err = portal.New(w.config, store); err != nil {
					t.Fatal(err)
				}
				login := ceremony.NewID()
				session, use := w.useOf(t, login)
				first, err := w.NotMe(t.Context(), session, use)
				if err != nil || w.suspensions != 1 {
					t.Fatalf("%+v, %v", first, err)
				}
				store.n, store.before = n, func() {
					reached = max(reached, n)
					w.tell(t, w.verifier, nil, login, ceremony.CertificateHeld)
					w.hear(t)
				}
				second, err := w.NotMe(t.Context(), session, use)
				if err != nil || second.Number != first.Number || w.suspensions != 1 {
					t.Errorf("case %q after %q, %v; stopped %d times", second.Number, first.Number, err, w.suspensions)
				}
			})
		})
	}
	if reached < 2 || reached == 6 {
		t.Errorf("the session ended before read %d at the latest: not all places are tried", reached)
	}
}
