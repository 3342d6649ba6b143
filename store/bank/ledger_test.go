package bank_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/services/bank"
)

func chargeID(n int) string { return fmt.Sprintf("CHARGE-0123456789-%06d", n) }

func TestChargesKeepTheirLimits(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		account := p.current(t, "s1").Number
		p.active(mandateID)
		if status, code := p.charges(mandateID, chargeID(1), 500); status != 409 || code != "bank-charge-funds" {
			t.Errorf("an empty account: %d %s", status, code)
		}
		for range 2 { // a double click
			if err := p.Cash(t.Context(), account, "KEY-1", 100_000); err != nil {
				t.Fatal(err)
			}
		}
		if n := p.balance(); n != 100_000 {
			t.Fatalf("paid in: %d", n)
		}
		steps := []struct {
			after  time.Duration
			id     int
			amount int64
			code   string
		}{
			{0, 1, 6_000, ""},
			{0, 1, 6_000, ""},             // the same once more
			{0, 1, 7_000, "bank-mandate"}, // another amount under its id
			{0, 2, 4_001, "bank-charge-first"},
			{0, 2, 4_000, ""},
			{0, 3, 1, "bank-charge-first"},
			{0, 3, 30_001, "bank-charge-once"},
			{24 * time.Hour, 3, 30_000, ""}, // 10:01 of the next day, in Japan
			{0, 4, 10_001, "bank-charge-day"},
			{0, 4, 10_000, ""},
			{0, 5, 1, "bank-charge-day"},
			{14 * time.Hour, 5, 30_000, ""}, // after midnight
			{0, 6, 0, "bank-mandate"},
			{0, 6, -5, "bank-mandate"},
			{365 * 24 * time.Hour, 6, 1, "bank-mandate-over"}, // past its end
			{0, 1, 6_000, ""},                                 // what was taken stays told
		}
		for i, s := range steps {
			p.now = p.now.Add(s.after)
			status, code := p.charges(mandateID, chargeID(s.id), s.amount)
			if code != s.code || (code == "") != (status == 200) {
				t.Errorf("step %d: %d %s, want %q", i, status, code, s.code)
			}
		}
		if n := p.balance(); n != 100_000-6_000-4_000-30_000-10_000-30_000 {
			t.Errorf("balance %d", n)
		}
		entries, err := p.Entries(t.Context(), account, 100)
		if err != nil || len(entries) != 6 {
			t.Fatalf("%+v %v", entries, err)
		}
		for i, sum := len(entries)-1, int64(0); i >= 0; i-- {
			if sum += entries[i].Amount; entries[i].Balance != sum {
				t.Errorf("line %d: balance %d, sum %d", i, entries[i].Balance, sum)
			}
		}
	})
}

// Of many at once none takes what is not there.
func TestManyChargesAtOnce(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		account := p.current(t, "s1").Number
		p.active(mandateID)
		if err := p.Cash(t.Context(), account, "KEY-1", 3_500); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		taken := 0
		for i := range 8 {
			all.Go(func() {
				_, err := p.store.Take(t.Context(), p.now, mandateID, bank.Charge{ID: chargeID(i), Amount: 1_000})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					taken++
				} else if !errors.Is(err, bank.ErrFunds) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if taken != 3 || p.balance() != 500 {
			t.Errorf("%d taken, %d left", taken, p.balance())
		}
	})
}

func TestAnAccountIsClosedEmptyAndWithItsMandates(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		account := p.current(t, "s1").Number
		p.active(mandateID)
		if err := p.Cash(t.Context(), account, "KEY-1", 500); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(t.Context(), "s1", bank.Deposit); !errors.Is(err, bank.ErrNotEmpty) {
			t.Fatalf("closed with money in it: %v", err)
		}
		if err := p.Cash(t.Context(), account, "KEY-2", -501); !errors.Is(err, bank.ErrFunds) {
			t.Errorf("more than there is: %v", err)
		}
		if err := p.Cash(t.Context(), account, "KEY-2", -500); err != nil {
			t.Fatal(err)
		}
		if err := p.Close(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if status, code := p.charges(mandateID, chargeID(1), 1); status != 409 || code != "bank-mandate-over" || len(p.told) != 1 {
			t.Errorf("%d %s, told %v", status, code, p.told)
		}
		if err := p.Cash(t.Context(), account, "KEY-3", 500); err == nil {
			t.Error("money went into a closed account")
		}
		// Whatever was kept long enough goes, with all that hung on it.
		p.now = p.now.AddDate(7, 0, 1)
		p.reviewed(t, 0)
		if _, err := p.store.Mandate(t.Context(), mandateID); !errors.Is(err, bank.ErrMandateUnknown) {
			t.Errorf("the mandate is kept for ever: %v", err)
		}
		if e, err := p.Entries(t.Context(), account, 10); err != nil || len(e) != 0 {
			t.Errorf("the ledger is kept for ever: %v %v", e, err)
		}
	})
}

func TestWhatNobodyFinishesLapses(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		p.asks(mandateID, hanako)
		if at, ok, err := p.NextDue(t.Context()); err != nil || !ok || !at.Equal(p.now.Add(10*time.Minute)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		p.asks(mandateID+"2", hanako)
		code := p.grants(mandateID + "2")
		p.reviewed(t, 10*time.Minute)
		if back, err := p.Outcome(t.Context(), mandateID); err != nil || back != "http://pay/bank/return?error=expired&mandate="+mandateID+"&state=s" {
			t.Errorf("back to %s, %v", back, err)
		}
		if _, err := p.Consider(t.Context(), mandateID, "s1", hanako); !errors.Is(err, bank.ErrMandateOver) {
			t.Errorf("considered: %v", err)
		}
		if status, why, _ := p.redeems(mandateID+"2", code); status != 409 || why != "bank-mandate-over" {
			t.Errorf("redeemed: %d %s", status, why)
		}
		if m, err := p.store.Mandate(t.Context(), mandateID+"2"); err != nil || m.State != bank.Lapsed || m.Holder != (bank.Attributes{}) {
			t.Errorf("%+v %v", m, err)
		}
	})
}

func TestTheCreditorEndsAMandate(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		p.active(mandateID)
		for range 2 {
			if status, code, _ := p.call(p.payKey, "mandate-end+jwt", "/v1/mandates/"+mandateID+"/end", map[string]string{"id": mandateID}); status != 200 {
				t.Errorf("%d %s", status, code)
			}
		}
		all, err := p.Mandates(t.Context(), "s1")
		if err != nil || len(all) != 1 || all[0].State != bank.Ended || all[0].By != bank.ByCreditor || len(p.told) != 0 {
			t.Errorf("%+v %v, told %v", all, err, p.told)
		}
	})
}

// Linking again begins no limit anew.
func TestALinkInPlaceOfAnotherKeepsItsLimits(t *testing.T) {
	eachPair(t, func(t *testing.T, p *pair) {
		if err := p.Cash(t.Context(), p.current(t, "s1").Number, "KEY-1", 100_000); err != nil {
			t.Fatal(err)
		}
		p.active(mandateID)
		if status, code := p.charges(mandateID, chargeID(1), 9_000); status != 200 {
			t.Fatal(status, code)
		}
		second := mandateID + "-2"
		p.active(second)
		if m, err := p.store.Mandate(t.Context(), mandateID); err != nil || m.State != bank.Ended || m.By != bank.ByNewer {
			t.Errorf("two mandates of one account and creditor: %+v %v", m, err)
		}
		if status, code := p.charges(second, chargeID(2), 1_001); status != 409 || code != "bank-charge-first" {
			t.Errorf("a second first day: %d %s", status, code)
		}
		if status, code := p.charges(second, chargeID(2), 1_000); status != 200 {
			t.Errorf("%d %s", status, code)
		}
		p.now = p.now.Add(24 * time.Hour)
		if status, code := p.charges(second, chargeID(3), 30_000); status != 200 {
			t.Errorf("%d %s", status, code)
		}
		third := mandateID + "-3"
		p.active(third)
		if status, code := p.charges(third, chargeID(4), 1); status != 409 || code != "bank-charge-first" {
			t.Errorf("a third first day: %d %s", status, code)
		}
	})
}
