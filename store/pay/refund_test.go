package pay_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

// sold sells something to s1 and returns its id.
func (s *shop) sold(amount int64) string {
	s.t.Helper()
	id := rand.Text()
	s.asker.says(pay.Answer{Sub: "s1"})
	if err := s.tills.Sell(s.t.Context(), "asahi", id, amount); err != nil {
		s.t.Fatal(err)
	}
	if sale := s.ends(id); sale.State != pay.SalePaid {
		s.t.Fatalf("%+v", sale)
	}
	s.asker.says(pay.Answer{Open: true})
	return id
}

func (s *shop) refunded(sale string, want int64) {
	s.t.Helper()
	v, _, err := s.tills.See(s.t.Context(), "asahi", sale)
	list, more := s.store.Refunds(s.t.Context(), sale)
	sum := int64(0)
	for _, f := range list {
		sum += f.Amount
	}
	if err != nil || more != nil || v.Refunded != want || sum != want || v.Left() != v.Amount-want {
		s.t.Errorf("%d refunded, lines of %d, want %d: %v, %v", v.Refunded, sum, want, err, more)
	}
}

func TestAShopGivesBackWhatWasPaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(9000)
		sale := s.sold(1200)
		back := func(id string, amount int64) error { return s.tills.GiveBack(t.Context(), "asahi", sale, id, amount) }
		for range 2 { // a double click
			if err := back("f1", 500); err != nil {
				t.Fatal(err)
			}
		}
		w.balance(t, 8300)
		w.told(t, pay.EntryRefund)
		s.refunded(sale, 500)
		for id, c := range map[string]struct {
			amount int64
			want   error
		}{"f1": {400, pay.ErrMoved}, "f2": {701, pay.ErrRefundOver}, "f3": {0, pay.ErrAmount}, "f4": {-1, pay.ErrAmount}, "f5": {1 << 62, pay.ErrRefundOver}} {
			if err := back(id, c.amount); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", id, err, c.want)
			}
		}
		if err := s.tills.GiveBack(t.Context(), "asahi", s.sold(100), "f1", 500); !errors.Is(err, pay.ErrMoved) {
			t.Errorf("the id of another sale's: %v", err)
		}
		if err := s.tills.GiveBack(t.Context(), "nowhere", sale, "f6", 1); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("no such shop: %v", err)
		}
		if err := s.tills.GiveBack(t.Context(), "asahi", "none", "f6", 1); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("no such sale: %v", err)
		}
		if err := s.tills.Sell(t.Context(), "asahi", "open", 300); err != nil {
			t.Fatal(err)
		}
		for range 2 { // neither one that waits, nor one that is over
			if err := s.tills.GiveBack(t.Context(), "asahi", "open", "f7", 1); !errors.Is(err, pay.ErrRefundUnpaid) {
				t.Errorf("unpaid: %v", err)
			}
			s.tills.Cancel(t.Context(), "asahi", "open")
		}
		// Neither the night nor a stopped wallet keeps money from coming back.
		if err := w.Protect(t.Context(), "s1", pay.Stop); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(12 * time.Hour)
		if err := back("f8", 700); err != nil {
			t.Fatal(err)
		}
		w.balance(t, 8900)
		s.refunded(sale, 1200)
		if err := back("f9", 1); !errors.Is(err, pay.ErrRefundOver) {
			t.Errorf("all of it: %v", err)
		}
		if err := back("f1", 500); err != nil { // the first one again, long after
			t.Errorf("again: %v", err)
		}
		w.balance(t, 8900)
		paid, given, err := w.store.Takings(t.Context(), "asahi", noon.Add(-time.Hour))
		if err != nil || paid != 1300 || given != 1200 {
			t.Errorf("%d paid, %d given back, %v", paid, given, err)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// What came back does not open the day's limit again: the limit is of what went.
func TestARefundDoesNotOpenTheDaysLimit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		sale := s.sold(1200)
		if err := s.tills.GiveBack(t.Context(), "asahi", sale, "f1", 1200); err != nil {
			t.Fatal(err)
		}
		a, err := w.Wallet(t.Context(), "s1")
		if err != nil {
			t.Fatal(err)
		}
		if st, err := w.Standing(t.Context(), a); err != nil || st.PaidToday != 1200 || st.ChargedToday != 5000 {
			t.Errorf("%+v, %v", st, err)
		}
	})
}

func TestWhenNothingIsGivenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(1200)
		sale := s.sold(1200)
		if err := w.Close(t.Context(), "s1"); err != nil {
			t.Fatal(err)
		}
		if err := s.tills.GiveBack(t.Context(), "asahi", sale, "f1", 1200); !errors.Is(err, pay.ErrRefundWallet) {
			t.Errorf("into a wallet that is closed: %v", err)
		}
		s.refunded(sale, 0)
		w.now = w.now.Add(90*24*time.Hour + time.Second)
		if err := s.tills.GiveBack(t.Context(), "asahi", sale, "f1", 1200); !errors.Is(err, pay.ErrRefundLate) {
			t.Errorf("late: %v", err)
		}
		// The wallet that is open now is not the one that paid.
		if err := w.signs(t, "w2", "s1", hanako); err != nil {
			t.Fatal(err)
		}
		w.now = noon.Add(time.Hour)
		if err := s.tills.GiveBack(t.Context(), "asahi", sale, "f1", 1200); !errors.Is(err, pay.ErrRefundWallet) {
			t.Errorf("into another wallet: %v", err)
		}
	})
}

// Two tills, and more, press at the same time: in all it is never more than was paid.
func TestTillsGiveBackAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		sale := s.sold(1000)
		var done, over atomic.Int64
		var wg sync.WaitGroup
		for i := range 12 {
			for range 2 { // each is pressed twice
				wg.Go(func() {
					switch err := s.tills.GiveBack(t.Context(), "asahi", sale, fmt.Sprint("f", i), 300); {
					case err == nil:
						done.Add(1)
					case errors.Is(err, pay.ErrRefundOver):
						over.Add(1)
					default:
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		if done.Load() != 6 || over.Load() != 18 {
			t.Errorf("%d given back, %d refused", done.Load(), over.Load())
		}
		s.refunded(sale, 900)
		w.balance(t, 4900)
		// Not past the program either.
		for _, query := range []string{`UPDATE sale SET refunded = 1001`, `UPDATE sale SET refunded = -1`} {
			err := w.db.Write(t.Context(), func(tx store.Tx) error {
				_, err := tx.Exec(t.Context(), query)
				return err
			})
			if err == nil {
				t.Error(query)
			}
		}
	})
}

func TestATillsRefundPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		sale := s.sold(1200)
		p := s.pages()
		own := p.enters("asahi")
		if _, _, body := p.get("/till/asahi/sales"); !strings.Contains(body, sale) || !strings.Contains(body, "1,200円") || strings.Contains(body, hanako.Name) {
			t.Error(body)
		}
		if _, at, _ := p.get("/till/asahi/sales?slip=" + sale); at != "/till/asahi/"+sale {
			t.Errorf("at %s", at)
		}
		_, _, body := p.get("/till/asahi/" + sale + "/refund")
		form := url.Values{"form": {own}, "id": {hidden(t, body, "id")}, "amount": {"200"}}
		for range 2 { // a double click, and a reload
			if _, at, body := p.post("/till/asahi/"+sale+"/refund", form); at != "/till/asahi/"+sale || !strings.Contains(body, "返金しました") || !strings.Contains(body, "返せる残りは1,000円です。") || strings.Contains(body, hanako.Name) {
				t.Errorf("at %s: %s", at, body)
			}
		}
		w.balance(t, 4000)
		for _, amount := range []string{"1,001", "0", "-1", "千円"} {
			if _, at, body := p.post("/till/asahi/"+sale+"/refund", url.Values{"form": {own}, "id": {rand.Text()}, "amount": {amount}}); at != "/till/asahi/"+sale+"/refund" || !strings.Contains(body, "お金は動いていません") {
				t.Errorf("%s: at %s", amount, at)
			}
		}
		if _, _, body := p.post("/till/asahi/"+sale+"/refund", url.Values{"form": {own}, "id": {"short"}, "amount": {"1"}}); !strings.Contains(body, "pay-moved") {
			t.Error(body)
		}
		// A wallet's trouble is its holder's: the till is not told of the ledger.
		err := w.db.Write(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO entry (wallet, seq, at_ms, kind, ref, amount, balance, what) VALUES ('w1', 9, 1, 'charge', 'x', 1, 9000, '')`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, body := p.post("/till/asahi/"+sale+"/refund", url.Values{"form": {own}, "id": {rand.Text()}, "amount": {"1"}}); !strings.Contains(body, "pay-refund-wallet") || strings.Contains(body, "残高") {
			t.Error(body)
		}
		s.refunded(sale, 200)
	})
}
