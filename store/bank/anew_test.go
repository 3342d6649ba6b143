package bank_test

import (
	"errors"
	"testing"
	"time"

	"tegata/services/bank"
)

// Whoever undoes or closes an account and opens one anew has what is left of the day, and no
// second one.
func TestADayOfTheFirstDaysIsOnePersons(t *testing.T) {
	for what, end := range map[string]func(*testing.T, *world) error{
		"undone": func(t *testing.T, w *world) error { return w.Undo(t.Context(), newcomer, bank.Deposit) },
		"closed": func(t *testing.T, w *world) error { return w.Close(t.Context(), newcomer, bank.Deposit) },
	} {
		each(t, func(t *testing.T, w *world) {
			account := w.opens(t, "n1")
			if err := w.Cash(t.Context(), account, "IN", 6_000); err != nil {
				t.Fatal(err)
			}
			if err := w.Cash(t.Context(), account, "OUT", -6_000); err != nil {
				t.Fatal(err)
			}
			if err := end(t, w); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			account = w.opens(t, "n2")
			for _, s := range []struct {
				after  time.Duration
				key    string
				amount int64
				want   error
			}{
				{0, "IN", 50_000, nil},
				{0, "A", -4_001, bank.ErrCooling},
				{0, "A", -4_000, nil},
				{15 * time.Hour, "B", -10_000, nil}, // after midnight, in Japan
			} {
				w.now = w.now.Add(s.after)
				if err := w.Cash(t.Context(), account, s.key, s.amount); !errors.Is(err, s.want) {
					t.Errorf("%s, %s %d: %v", what, s.key, s.amount, err)
				}
			}
			// What a branch gives back is no money that went out.
			if err := w.Undo(t.Context(), newcomer, bank.Deposit); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(24 * time.Hour)
			account = w.opens(t, "n3")
			if err := w.Cash(t.Context(), account, "IN", 20_000); err != nil {
				t.Fatal(err)
			}
			if err := w.Undo(t.Context(), newcomer, bank.Deposit); err != nil {
				t.Fatal(err)
			}
			account = w.opens(t, "n4")
			if err := w.Cash(t.Context(), account, "IN", 20_000); err != nil {
				t.Fatal(err)
			}
			if err := w.Cash(t.Context(), account, "OUT", -10_000); err != nil {
				t.Errorf("%s: after money was given back: %v", what, err)
			}
		})
	}
}

// A creditor's first day with a customer is not begun again by another account.
func TestAMandatesFirstDayIsOnePersons(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		p.active(mandateID)
		if err := p.Cash(t.Context(), p.current(t, "s1").Number, "KEY-1", 6_000); err != nil {
			t.Fatal(err)
		}
		if status, code := p.charges(mandateID, chargeID(1), 6_000); status != 200 {
			t.Fatal(status, code)
		}
		if err := p.Close(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if err := p.signs(t, "a2", "s1"); err != nil {
			t.Fatal(err)
		}
		p.reviewed(t, time.Minute)
		if err := p.Cash(t.Context(), p.current(t, "s1").Number, "KEY-2", 50_000); err != nil {
			t.Fatal(err)
		}
		second := mandateID + "-2"
		p.active(second)
		for _, s := range []struct {
			id     int
			amount int64
			code   string
		}{{2, 4_001, "bank-charge-first"}, {2, 4_000, ""}, {3, 1, "bank-charge-first"}} {
			if status, code := p.charges(second, chargeID(s.id), s.amount); code != s.code || (status == 200) != (code == "") {
				t.Errorf("%+v: %d %s", s, status, code)
			}
		}
	})
}
