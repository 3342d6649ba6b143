package pay_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tegata/internal/durable"
	"tegata/services/pay"
	"tegata/store"
	paystore "tegata/store/pay"
	"tegata/store/storetest"
)

// crash is what a hook panics with: the process ends there.
type crash struct{}

func crashing(f func() error) (crashed bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			if r != (crash{}) {
				panic(r)
			}
			crashed = true
		}
	}()
	return false, f()
}

// over is the wallet of another process.
func (w *world) over(db *store.DB, c *pay.Bank) {
	w.db, w.store = db, paystore.New(db)
	w.Pay = pay.New(pay.Config{Store: w.store, Verifier: w, VerifierURL: "http://verifier", Bank: c, Now: func() time.Time { return w.now }})
}

// A wallet whose process ends before or after any commit of its life: what the bank took is in
// the ledger, what is linked here is linked there and the other way round, and a sale is paid
// with its line or not at all. Whoever did not see an answer begins anew under another id, as
// a person does whose session is gone.
func TestAWalletWhoseProcessIsCutOffAddsUp(t *testing.T) {
	for fatal := 1; ; fatal++ {
		dsn, seen, armed := storetest.SQLite(t), 0, false
		hook := func(durable.Moment) {
			if seen++; armed && seen == fatal {
				panic(crash{})
			}
		}
		db, err := store.Create(t.Context(), dsn, store.WithHook(hook))
		if err == nil {
			err = db.Migrate(t.Context(), paystore.Schema)
		}
		if err != nil {
			t.Fatal(err)
		}
		w := &world{now: noon, says: verdict("passed", hanako.Name)}
		b, c := newBank(t, hanako, func() time.Time { return w.now })
		w.bank = b
		w.over(db, c)
		armed, seen = true, 0
		try := 0
		active := func() string {
			all, err := w.Mandates(t.Context(), "s1")
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range all {
				if m.State == pay.MandateActive {
					return m.ID
				}
			}
			return ""
		}
		sold := ""
		till := func() *pay.Tills { return pay.NewTills(w.Pay, &asker{}, pay.Shop{ID: "till " + sold}) }
		life := []func() error{
			func() error { return w.signs(t, "w1", "s1", hanako) },
			func() error {
				if _, err := w.Wallet(t.Context(), "s1"); err != nil {
					return err
				}
				if active() != "" {
					return nil
				}
				try++
				id := fmt.Sprint("m", try)
				if _, _, err := w.Link(t.Context(), "s1", hanako, id, "state", 20_000, 50_000); err != nil {
					return err
				}
				_, err := w.Return(t.Context(), "s1", id, "code-"+id, "")
				return err
			},
			func() error {
				try++
				_, err := w.Charge(t.Context(), "s1", fmt.Sprint("c", try), active(), 3000)
				return err
			},
			func() error {
				try++
				sold = fmt.Sprint("p", try)
				return w.pays(t, sold, 1000)
			},
			func() error { return till().SetCode(t.Context(), "till "+sold, tillDigits) },
			func() error {
				_, _, err := till().Enter(t.Context(), "till "+sold, tillDigits, "")
				return err
			},
			func() error { return till().GiveBack(t.Context(), "till "+sold, sold, "f1", 400) }, // the form again has the same id
			func() error {
				if id := active(); id != "" {
					return w.End(t.Context(), "s1", id)
				}
				return nil
			},
		}
		crashes := 0
		for i, step := range life {
			crashed, err := crashing(step)
			if crashed {
				crashes++
				armed = false
				db.Close() // what it says is no matter: the process is gone
				if db, err = store.Open(t.Context(), dsn); err != nil {
					t.Fatal(err)
				}
				w.over(db, c)
				err = step()
			}
			if err != nil && !errors.Is(err, pay.ErrSecond) {
				t.Fatalf("cut off at %d, step %d: %v", fatal, i, err)
			}
		}
		armed = false
		w.due(t, 16*time.Minute)
		w.due(t, time.Minute)

		taken, links := int64(0), 0
		for _, amount := range b.charges {
			taken += amount
		}
		entries, err := w.store.Entries(t.Context(), "w1")
		if err != nil {
			t.Fatalf("cut off at %d: %v", fatal, err)
		}
		in, out, back := int64(0), int64(0), int64(0)
		for _, e := range entries {
			switch e.Kind {
			case pay.EntryCharge:
				in += e.Amount
			case pay.EntryPayment:
				out -= e.Amount
			case pay.EntryRefund:
				back += e.Amount
			}
		}
		if in != taken || taken == 0 {
			t.Errorf("cut off at %d: the bank took %d, the wallet has %d", fatal, taken, in)
		}
		var paid int64
		err = db.Read(t.Context(), func(tx store.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM sale WHERE state = 'paid'`).Scan(&paid)
		})
		if err != nil || paid != out || out == 0 {
			t.Errorf("cut off at %d: %d was sold, %d went: %v", fatal, paid, out, err)
		}
		var lines, refunded int64
		err = db.Read(t.Context(), func(tx store.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT CAST((SELECT SUM(amount) FROM refund) AS BIGINT), CAST((SELECT SUM(refunded) FROM sale) AS BIGINT)`).Scan(&lines, &refunded)
		})
		if err != nil || lines != 400 || refunded != 400 || back != 400 {
			t.Errorf("cut off at %d: %d in refunds, %d at sales, %d in the ledger: %v", fatal, lines, refunded, back, err)
		}
		for id := range b.asked {
			if !b.ended[id] {
				links++
			}
		}
		if links != 0 || active() != "" {
			t.Errorf("cut off at %d: %d links at the bank, %q here", fatal, links, active())
		}
		if at, ok, err := w.NextDue(t.Context()); ok || err != nil {
			t.Errorf("cut off at %d: due at %v, %v", fatal, at, err)
		}
		if err := db.CheckAudit(t.Context()); err != nil {
			t.Errorf("cut off at %d: %v", fatal, err)
		}
		db.Close()
		if crashes == 0 {
			if fatal < 15 {
				t.Errorf("only %d moments: the test does not see the life", fatal)
			}
			return
		}
	}
}
