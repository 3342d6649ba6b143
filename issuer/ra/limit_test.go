package ra_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/problem"
	"tegata/issuer/ra"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// byLockCode is a stop by the lock code, perhaps refused.
func (l life) byLockCode() error {
	_, err := l.w.ra.Suspend(l.t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(l.p)}, "198.51.100.7")
	return err
}

// byCard is a stop by the card on another phone.
func (l life) byCard() error {
	_, err := l.w.ra.Suspend(l.t.Context(), ra.Suspension{Word: l.c.says(l.p, l.c.word(nil, ra.WordSuspend))}, "")
	return err
}

// teased is a life whose phone somebody stopped as often as is allowed, an hour apart.
func teased(t *testing.T, db *store.DB) (l life, first time.Time) {
	l = lifeIn(t, db)
	first = l.w.now
	for range ra.SuspensionsAllowed {
		l.suspend()
		l.suspend() // pressed again: it is on hold already, and that costs nothing
		l.resume()
		l.w.pass(time.Hour)
	}
	return l, first
}

func TestTheSameCodeStopsAGoodPhoneThreeTimesInAWeek(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l, first := teased(t, db)
		for range ra.TriesPerSource + 1 { // the code is right: these are no wrong tries
			p := wantCode(t, l.byLockCode(), ra.CodeSuspensionLimit)
			if want := int64(first.Add(ra.SuspensionsWindow).Sub(l.w.now)/time.Second) + 1; p.Status != 429 || p.Extra["retry_after"] != want {
				t.Fatalf("got %d and %v, want 429 and %d", p.Status, p.Extra, want)
			}
		}
		l.are("good", "revoked superseded")
		// The owner's own ways have no limit.
		for range ra.SuspensionsAllowed + 1 {
			if err := l.byCard(); err != nil {
				t.Fatal(err)
			}
			l.are("held lost", "revoked superseded")
			l.resume()
			if err := l.w.suspendAtPortal(t.Context(), l.c); err != nil {
				t.Fatal(err)
			}
			l.are("held lost", "revoked superseded")
			l.resume()
		}
		l.w.pass(first.Add(ra.SuspensionsWindow).Sub(l.w.now) - time.Second)
		wantCode(t, l.byLockCode(), ra.CodeSuspensionLimit)
		l.w.pass(time.Second)
		if err := l.byLockCode(); err != nil {
			t.Fatalf("a week after the first: %v", err)
		}
		l.are("held lost", "revoked superseded")
		l.mustBeWhole()
	})
}

// What is on hold already can be reported lost by anybody who may, and costs nothing:
// a phone that fell silent needs the card from then on.
func TestWhatIsOnHoldIsStoppedWithoutLimit(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l, _ := teased(t, db)
		if err := (&scene{life: l}).copied(); err != nil {
			t.Fatal(err)
		}
		if err := l.byLockCode(); err != nil {
			t.Fatal(err)
		}
		l.are("held lost+suspected", "revoked superseded")
	})
}

// Where no card could lift a hold, nobody stops for fun, and the owner has no way left
// but these: nothing is limited. So a thief with phone, card and PIN wins no race: the
// card is reported lost, and then the lock code stops the phone for good.
func TestWithoutACardThereIsNoLimit(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l, _ := teased(t, db)
		wantCode(t, l.byLockCode(), ra.CodeSuspensionLimit)
		l.event(ra.EventCardLost)
		if err := l.byLockCode(); err != nil {
			t.Fatal(err)
		}
		l.are("held lost", "revoked superseded")
		_, err := l.p.sendResume(l.p.resumeClaims(l.c.says(l.p, l.c.word(l.p, ra.WordResume))))
		wantCode(t, err, ra.CodeCardHeld)
		l.event(ra.EventCardFound)
		l.resume()
		wantCode(t, l.byLockCode(), ra.CodeSuspensionLimit)
	})
}

// The last one that is allowed says so, and each says how the card undoes it.
func TestThePersonIsToldHowToUndoAStop(t *testing.T) {
	w, c, p := registered(t)
	l := life{t: t, w: w, c: c, p: p}
	for range ra.SuspensionsAllowed {
		l.suspend()
		l.resume()
		w.pass(time.Minute) // notices of one moment have no order
	}
	out, err := w.ra.Outbox(t.Context(), "", 100)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range out.Notices {
		if m.Kind != ra.NoticeSuspended {
			continue
		}
		n++
		if !strings.Contains(m.JA.Body, "停止コードにより") || !strings.Contains(m.JA.Body, "カードをかざして再開できます") || !strings.Contains(m.EN.Body, "hold the card to it to resume") {
			t.Errorf("%d: %s / %s", n, m.JA.Body, m.EN.Body)
		}
		last := n == ra.SuspensionsAllowed
		if strings.Contains(m.JA.Body, "7日のうちに3回") != last || strings.Contains(m.EN.Body, "three times in 7 days") != last {
			t.Errorf("%d: %s / %s", n, m.JA.Body, m.EN.Body)
		}
	}
	if n != ra.SuspensionsAllowed {
		t.Errorf("told %d times", n)
	}
}

// The limit holds when many stop the phone in the same moment: one of them counts.
func TestSuspensionsAtOnceAreLimitedToo(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		var calls []func() error
		for range 6 {
			calls = append(calls, l.byLockCode)
		}
		for n := range ra.SuspensionsAllowed + 2 {
			codes := map[string]int{}
			for _, err := range atOnce(calls...) {
				if p, ok := errors.AsType[*problem.Problem](err); ok {
					codes[p.Code]++
				} else if err != nil {
					t.Fatal(err)
				}
			}
			if n < ra.SuspensionsAllowed {
				if len(codes) > 0 {
					t.Fatalf("round %d: %v", n+1, codes)
				}
				l.resume()
			} else if codes[ra.CodeSuspensionLimit] != len(calls) {
				t.Fatalf("round %d: %v", n+1, codes)
			}
		}
		l.mustBeWhole()
	})
}
