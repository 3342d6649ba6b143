package pay_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

func TestACharge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.charged(t, "c1", 3000)
		w.charged(t, "c1", 3000) // a reload
		w.balance(t, 3000)
		w.told(t, "charge")
		if _, err := w.Charge(t.Context(), "s1", "c1", "m1", 2000); !errors.Is(err, pay.ErrMoved) {
			t.Errorf("the same id of another amount: %v", err)
		}
		var wg sync.WaitGroup
		for range 4 { // a double click, on four machines
			wg.Go(func() {
				if _, err := w.Charge(t.Context(), "s1", "c2", "m1", 1000); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		w.balance(t, 4000)
		if w.bank.taken["c1"] != 1 || w.bank.taken["c2"] != 1 {
			t.Errorf("taken %v", w.bank.taken)
		}
	})
}

func TestAnUnclearAnswerIsAskedAgainUntilItIsClear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.bank.lost = 2 // the bank took the money, and its answer is lost
		if c, err := w.Charge(t.Context(), "s1", "c1", "m1", 3000); !errors.Is(err, pay.ErrUnclear) || c.State != pay.ChargeAsked {
			t.Errorf("%+v, %v", c, err)
		}
		w.balance(t, 0)
		if err := w.Close(t.Context(), "s1"); !errors.Is(err, pay.ErrUnsettled) {
			t.Errorf("closed meanwhile: %v", err)
		}
		if _, err := w.Charge(t.Context(), "s1", "c2", "m1", 7001); !errors.Is(err, pay.ErrFirstDay) {
			t.Errorf("what waits counts: %v", err)
		}
		w.due(t, 59*time.Second)
		w.balance(t, 0)
		w.due(t, time.Second)
		w.balance(t, 0)
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(2*time.Minute)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.due(t, 2*time.Minute)
		w.balance(t, 3000)
		w.due(t, time.Hour)
		w.balance(t, 3000)
		if w.bank.taken["c1"] != 1 {
			t.Errorf("taken %v", w.bank.taken)
		}

		// Nothing was done at the bank, and the holder asks again.
		w.bank.down = true
		if _, err := w.Charge(t.Context(), "s1", "c3", "m1", 1000); !errors.Is(err, pay.ErrUnclear) {
			t.Errorf("%v", err)
		}
		if _, err := w.AskAgain(t.Context(), "s1", "c3"); !errors.Is(err, pay.ErrUnclear) {
			t.Errorf("%v", err)
		}
		w.bank.down = false
		if c, err := w.AskAgain(t.Context(), "s1", "c3"); err != nil || c.State != pay.ChargeDone {
			t.Errorf("%+v, %v", c, err)
		}
		w.balance(t, 4000)
		if err := w.signs(t, "w2", "s2", hanako); err != nil {
			t.Fatal(err)
		}
		if _, err := w.AskAgain(t.Context(), "s2", "c3"); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("another person's charge: %v", err)
		}
	})
}

// A wallet that died between its record and the bank's answer finds the charge by itself.
func TestAKilledChargeIsNeitherLostNorTwice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		rule := func(pay.Standing) error { return nil }
		if _, err := w.store.AskCharge(t.Context(), w.now, w.now, pay.Charge{ID: "c1", Wallet: "w1", Mandate: "m1", Amount: 700, NextAt: w.now.Add(time.Minute)}, rule); err != nil {
			t.Fatal(err)
		}
		w.due(t, time.Minute)
		w.balance(t, 700)
		w.bank.mu.Lock()
		w.bank.charges["c2"] = 800 // the bank took it before the wallet died
		w.bank.mu.Unlock()
		if _, err := w.store.AskCharge(t.Context(), w.now, w.now, pay.Charge{ID: "c2", Wallet: "w1", Mandate: "m1", Amount: 800, NextAt: w.now.Add(time.Minute)}, rule); err != nil {
			t.Fatal(err)
		}
		w.due(t, time.Minute)
		w.balance(t, 1500)
		if w.bank.taken["c1"] != 1 || w.bank.taken["c2"] != 0 {
			t.Errorf("taken %v", w.bank.taken)
		}
	})
}

func TestTheBankRefusesACharge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		for _, code := range []string{"bank-charge-once", "bank-charge-day", "bank-charge-first", "bank-charge-funds", "bank-mandate-over"} {
			w.bank.refuse = code
			for range 2 { // the second is what was recorded: the bank is not asked again
				c, err := w.Charge(t.Context(), "s1", "c-"+code, "m1", 5000)
				no, ok := errors.AsType[*pay.BankRefusal](err)
				if !ok || no.Code != code || c.State != pay.ChargeRefused || c.Why != code {
					t.Errorf("%s: %+v, %v", code, c, err)
				}
			}
			w.told(t, "charge-refused")
		}
		w.balance(t, 0)
		w.bank.refuse = "bank-letter" // decides nothing
		if _, err := w.Charge(t.Context(), "s1", "c1", "m1", 5000); !errors.Is(err, pay.ErrUnclear) {
			t.Errorf("%v", err)
		}
		w.due(t, time.Minute)
		w.balance(t, 5000)
	})
}

func TestLimitsOfCharges(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1") // 20,000 at once, 50,000 a day; 10,000 in the first 24 hours
		refuses := func(id string, amount int64, want error) {
			t.Helper()
			if _, err := w.Charge(t.Context(), "s1", id, "m1", amount); !errors.Is(err, want) {
				t.Errorf("%d: %v, want %v", amount, err, want)
			}
		}
		refuses("c0", 0, pay.ErrAmount)
		refuses("c0", -1, pay.ErrAmount)
		refuses("c0", 20_001, pay.ErrChargeOnce)
		refuses("c0", 10_001, pay.ErrFirstDay)
		w.charged(t, "c1", 9_000)
		refuses("c2", 1_001, pay.ErrFirstDay)
		w.charged(t, "c3", 1_000)
		w.now = w.now.Add(24 * time.Hour)
		w.charged(t, "c4", 20_000)
		w.charged(t, "c5", 20_000)
		refuses("c6", 10_001, pay.ErrChargeDay)
		w.charged(t, "c7", 10_000)
		for day := range 4 {
			w.now = w.now.Add(24 * time.Hour)
			for i := range 2 {
				w.charged(t, fmt.Sprint("d", day, i), 20_000)
			}
			w.charged(t, fmt.Sprint("e", day), 10_000)
		}
		w.balance(t, 260_000)
		w.now = w.now.Add(24 * time.Hour)
		w.charged(t, "f1", 20_000)
		w.charged(t, "f2", 20_000)
		refuses("f3", 1, pay.ErrBalance)
		w.now = w.now.Add(365 * 24 * time.Hour)
		refuses("f4", 1, pay.ErrMandateOver)
		w.told(t, "charge-refused")
	})
}

// pays opens a sale at a till of its own, and pays it from the wallet of s1.
func (w *world) pays(t *testing.T, id string, amount int64) error {
	t.Helper()
	sale := pay.Sale{ID: id, Shop: "till " + id, Name: "茶屋", Amount: amount, ExpiresAt: w.now.Add(2 * time.Minute)}
	if _, err := w.store.OpenSale(t.Context(), w.now, sale); err != nil {
		return err
	}
	return w.Pay.Pay(t.Context(), "s1", sale)
}

func TestAPayment(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.charged(t, "c1", 5000)
		for range 2 { // the shop's repeat
			if err := w.pays(t, "p1", 1200); err != nil {
				t.Fatal(err)
			}
		}
		w.balance(t, 3800)
		w.told(t, "payment")
		if err := w.pays(t, "p1", 1300); !errors.Is(err, pay.ErrMoved) {
			t.Errorf("the same id of another amount: %v", err)
		}
		if err := w.pays(t, "p2", 3801); !errors.Is(err, pay.ErrFunds) {
			t.Errorf("more than there is: %v", err)
		}
		w.told(t, "payment-refused")
		var paid atomic.Int64
		var wg sync.WaitGroup
		for i := range 8 { // eight tills at once, and money for three
			wg.Go(func() {
				switch err := w.pays(t, fmt.Sprint("q", i), 1200); {
				case err == nil:
					paid.Add(1)
				case !errors.Is(err, pay.ErrFunds):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if paid.Load() != 3 {
			t.Errorf("%d payments", paid.Load())
		}
		w.balance(t, 200)
		if err := w.pays(t, "r1", 50_001); !errors.Is(err, pay.ErrPayOnce) {
			t.Errorf("%v", err)
		}
	})
}

func TestADaysPayments(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.signs(t, "w1", "s1", young); err != nil {
			t.Fatal(err)
		}
		w.bank.account = young
		m, _, err := w.Link(t.Context(), "s1", young, "m1", "state", 5000, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Return(t.Context(), "s1", m.ID, "code-m1", ""); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Charge(t.Context(), "s1", "c0", "m1", 5001); !errors.Is(err, pay.ErrChargeOnce) {
			t.Errorf("at 16: %v", err)
		}
		w.charged(t, "c1", 5000)
		w.charged(t, "c2", 5000)
		w.now = w.now.Add(24 * time.Hour)
		w.charged(t, "c3", 5000)
		if err := w.pays(t, "p0", 5001); !errors.Is(err, pay.ErrPayOnce) {
			t.Errorf("at 16: %v", err)
		}
		for _, id := range []string{"p1", "p2"} {
			if err := w.pays(t, id, 5000); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.pays(t, "p3", 1); !errors.Is(err, pay.ErrPayDay) {
			t.Errorf("a day: %v", err)
		}
		// 23:59 and 0:00 are two days in Japan, and both are night.
		if err := w.Lower(t.Context(), "s1", pay.Day); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(24*time.Hour + 11*time.Hour + 59*time.Minute)
		if err := w.pays(t, "p4", 1); !errors.Is(err, pay.ErrPayDay) {
			t.Errorf("at 23:59: %v", err)
		}
		w.now = w.now.Add(time.Minute)
		if err := w.pays(t, "p5", 1); err != nil {
			t.Errorf("at 0:00: %v", err)
		}
	})
}

func TestNightAndStop(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.charged(t, "c1", 5000)
		moves := func(what string, want error) {
			t.Helper()
			id := what + w.now.String()
			if err := w.pays(t, id, 1); !errors.Is(err, want) {
				t.Errorf("%s: payment: %v", what, err)
			}
			if _, err := w.Charge(t.Context(), "s1", "c"+id, "m1", 1); !errors.Is(err, want) {
				t.Errorf("%s: charge: %v", what, err)
			}
		}
		evening := noon.Add(11*time.Hour - time.Second) // 22:59:59
		for at, want := range map[time.Time]error{
			evening: nil, evening.Add(time.Second): pay.ErrNight, evening.Add(5 * time.Hour): pay.ErrNight, evening.Add(7 * time.Hour): pay.ErrNight,
			evening.Add(7*time.Hour + time.Second): nil,
		} {
			w.now = at
			moves(at.String(), want)
		}
		w.now = evening.Add(2 * time.Hour)
		if err := w.Protect(t.Context(), "s1", pay.Day); err == nil {
			t.Error("a press lowered the protection")
		}
		if err := w.Lower(t.Context(), "s1", pay.Stop); err == nil {
			t.Error("that lowers nothing")
		}
		for range 2 {
			if err := w.Lower(t.Context(), "s1", pay.Day); err != nil {
				t.Fatal(err)
			}
		}
		moves("night, allowed", nil)
		if err := w.Protect(t.Context(), "s1", pay.Night); err != nil {
			t.Fatal(err)
		}
		moves("night, closed again", pay.ErrNight)
		w.now = noon.Add(48 * time.Hour)
		for range 2 {
			if err := w.Protect(t.Context(), "s1", pay.Stop); err != nil {
				t.Fatal(err)
			}
		}
		moves("stopped", pay.ErrStopped)
		if err := w.Lower(t.Context(), "s1", pay.Resume); err != nil {
			t.Fatal(err)
		}
		w.told(t, "resumed")
		moves("resumed", nil)
	})
}

func TestTheLedgerIsAddedToOnly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.charged(t, "c1", 5000)
		for _, query := range []string{`UPDATE entry SET amount = 9000, balance = 9000`, `DELETE FROM entry`} {
			err := w.db.Write(t.Context(), func(tx store.Tx) error {
				_, err := tx.Exec(t.Context(), query)
				return err
			})
			if err == nil || !strings.Contains(err.Error(), "added to only") {
				t.Errorf("%s: %v", query, err)
			}
		}
		w.balance(t, 5000)
		w.bank.lost = 1
		if _, err := w.Charge(t.Context(), "s1", "c2", "m1", 1); !errors.Is(err, pay.ErrUnclear) {
			t.Fatal(err)
		}
		// A line that somebody slipped in past the program.
		err := w.db.Write(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO entry (wallet, seq, at_ms, kind, ref, amount, balance, what) VALUES ('w1', 2, 1, 'charge', 'x', 1, 9000, '')`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.Entries(t.Context(), "w1"); !errors.Is(err, pay.ErrLedger) {
			t.Errorf("read: %v", err)
		}
		if err := w.pays(t, "p1", 1); !errors.Is(err, pay.ErrLedger) {
			t.Errorf("a payment: %v", err)
		}
		if _, err := w.Charge(t.Context(), "s1", "c3", "m1", 1); !errors.Is(err, pay.ErrLedger) || w.bank.taken["c3"] != 0 {
			t.Errorf("a charge: %v", err)
		}
		if _, err := w.AskAgain(t.Context(), "s1", "c2"); !errors.Is(err, pay.ErrLedger) {
			t.Errorf("a charge that waited: %v", err)
		}
		// What was taken at the bank stays recorded as waiting: nothing is lost.
		if list, err := w.store.Waiting(t.Context(), "w1"); err != nil || len(list) != 1 || list[0].ID != "c2" {
			t.Errorf("%+v, %v", list, err)
		}
		if err := w.RunDue(t.Context(), w.now.Add(time.Minute)); err != nil {
			t.Errorf("one wallet's trouble: %v", err)
		}
	})
}
