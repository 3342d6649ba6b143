package pay_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card/cardtest"
	"tegata/holder/element"
	"tegata/holder/reader"
	"tegata/internal/ui"
	"tegata/services/pay"
	"tegata/services/relying/relyingtest"
	"tegata/store"
)

// asker is the verifier as a till knows it.
type asker struct {
	mu     sync.Mutex
	down   error
	asked  []pay.Sale
	answer pay.Answer
	relays []string
}

func (a *asker) Relay(_ context.Context, q pay.Asked, carried []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.relays = append(a.relays, q.Answer+" "+string(carried))
	a.answer = pay.Answer{Sub: "s1"}
	return nil
}

func (a *asker) Ask(_ context.Context, _ pay.Shop, s pay.Sale) (pay.Asked, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down != nil {
		return pay.Asked{}, a.down
	}
	a.asked = append(a.asked, s)
	return pay.Asked{Address: "https://verifier.example/r/" + s.ID, Result: "result-" + s.ID, Answer: "https://verifier.example/a/" + s.ID}, nil
}

func (a *asker) Result(context.Context, string) (pay.Answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answer, nil
}

func (a *asker) says(x pay.Answer) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = x
}

// shop is one with a till whose reader is real.
type shop struct {
	*world
	t     *testing.T
	asker *asker
	tills *pay.Tills
	slot  *reader.Reader
	one   pay.Shop
}

func newShop(t *testing.T, w *world) *shop {
	t.Helper()
	slot, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slot.Close() })
	s := &shop{world: w, t: t, asker: &asker{answer: pay.Answer{Open: true}}, slot: slot,
		one: pay.Shop{ID: "asahi", Name: ui.Text{JA: "お茶処あさひ", EN: "Asahi"}, Address: ui.Text{JA: "本町1", EN: "1 Honcho"}, Till: "asahi-1", Slot: slot, Reader: slot.Addr()}}
	s.restart()
	if err := s.tills.SetCode(t.Context(), "asahi", tillDigits); err != nil {
		t.Fatal(err)
	}
	return s
}

// tillDigits is the code of the till.
const tillDigits = "40718265"

// pages are the till's, with a browser in front.
func (s *shop) pages() *pages {
	s.t.Helper()
	h, err := pay.NewHandler(pay.Options{Pay: s.Pay, Party: &relyingtest.Provider{}, Tills: s.tills, Hold: "http://street.localhost/hold", Now: func() time.Time { return s.now }})
	if err != nil {
		s.t.Fatal(err)
	}
	p := &pages{world: s.world, t: s.t, site: httptest.NewServer(h.Routes())}
	s.t.Cleanup(p.site.Close)
	p.browser = p.another()
	return p
}

// enters signs this browser in at a shop's till and returns the token of its forms.
func (p *pages) enters(shop string) (form string) {
	p.t.Helper()
	_, at, body := p.post("/till/"+shop+"/enter", url.Values{"code": {"4071-8265"}})
	if at != "/till/"+shop {
		p.t.Fatalf("at %s: %s", at, body)
	}
	return hidden(p.t, body, "form")
}

// hidden is a hidden field of a page.
func hidden(t *testing.T, body, name string) string {
	t.Helper()
	m := regexp.MustCompile(`name="` + name + `" value="([A-Z0-9]+)"`).FindStringSubmatch(body)
	if m == nil {
		t.Fatalf("no %s on %s", name, body)
	}
	return m[1]
}

// restart is what a kill leaves: another process over the same store.
func (s *shop) restart() {
	if s.tills != nil {
		s.tills.Close()
	}
	tills := pay.NewTills(s.Pay, s.asker, s.one)
	s.tills = tills
	s.t.Cleanup(func() { tills.Close() })
}

// held holds a phone to the till until it was handed the request.
func (s *shop) held(id string) {
	s.t.Helper()
	got := make(chan string, 1)
	phone := cardtest.NewPhone(s.t, element.NewWallet(func(address string) uint16 { got <- address; return apdu.SWOK })).Card
	h, err := reader.Hold(s.t.Context(), s.slot.Addr(), phone, func(error) {})
	if err != nil {
		s.t.Fatal(err)
	}
	defer h.Release()
	select {
	case address := <-got:
		if !strings.HasSuffix(address, id) {
			s.t.Errorf("handed %s for %s", address, id)
		}
		<-h.Done() // the till lets go
	case <-time.After(5 * time.Second):
		s.t.Fatal("nothing was handed over")
	}
}

// ends waits until a sale is no longer asked.
func (s *shop) ends(id string) pay.Sale {
	s.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		sale, _, err := s.tills.See(s.t.Context(), "asahi", id)
		if err != nil {
			s.t.Fatal(err)
		}
		if sale.State != pay.SaleAsked || time.Now().After(end) {
			return sale
		}
	}
}

// full is a wallet with money in it.
func (s *shop) full(amount int64) {
	s.t.Helper()
	s.opened(s.t)
	s.linked(s.t, "m1")
	s.charged(s.t, "c1", amount)
}

func TestASaleIsPaidByTap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		for range 2 { // a double click
			if err := s.tills.Sell(t.Context(), "asahi", "s1sale", 1200); err != nil {
				t.Fatal(err)
			}
		}
		if len(s.asker.asked) != 1 || s.asker.asked[0].Name != "お茶処あさひ" {
			t.Errorf("asked %+v", s.asker.asked)
		}
		s.held("s1sale")
		s.asker.says(pay.Answer{Sub: "s1"})
		if sale := s.ends("s1sale"); sale.State != pay.SalePaid || sale.Why != "" {
			t.Errorf("%+v", sale)
		}
		w.balance(t, 3800)
		w.told(t, "payment")
		var told int // nothing at the till says who
		err := w.db.Read(t.Context(), func(tx store.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM sale WHERE result LIKE '%w1%' OR why <> ''`).Scan(&told)
		})
		if err != nil || told != 0 {
			t.Errorf("%d, %v", told, err)
		}
		// A phone that was taken away early: the till did not hear that it had received the request.
		if err := s.tills.Sell(t.Context(), "asahi", "early", 300); err != nil {
			t.Fatal(err)
		}
		if sale := s.ends("early"); sale.State != pay.SalePaid {
			t.Errorf("%+v", sale)
		}
		w.balance(t, 3500)
		if err := s.tills.Cancel(t.Context(), "asahi", "s1sale"); err != nil {
			t.Fatal(err)
		}
		if sale := s.ends("s1sale"); sale.State != pay.SalePaid {
			t.Errorf("a paid sale was let go of: %+v", sale)
		}
	})
}

// A phone that lost its network after the first tap gives its answer at a second one.
func TestASaleIsPaidAtASecondTap(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		if err := s.tills.Sell(t.Context(), "asahi", "twice", 1200); err != nil {
			t.Fatal(err)
		}
		s.held("twice")
		const answer = `{"phone":"p","posted":{"answer":"sealed"}}`
		phone := cardtest.NewPhone(s.t, element.NewCarryingWallet(func(string) uint16 { return apdu.SWConditions }, func(string) []byte { return []byte(answer) })).Card
		h, err := reader.Hold(t.Context(), s.slot.Addr(), phone, func(error) {})
		if err != nil {
			t.Fatal(err)
		}
		defer h.Release()
		if sale := s.ends("twice"); sale.State != pay.SalePaid || len(s.asker.relays) != 1 || s.asker.relays[0] != "https://verifier.example/a/twice "+answer {
			t.Errorf("%+v, %q", sale, s.asker.relays)
		}
		w.balance(t, 3800)
	})
}

func TestASaleIsNotPaid(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		for id, c := range map[string]struct {
			amount int64
			answer pay.Answer
			before func()
			state  pay.SaleState
			why    string
		}{
			"declined":   {100, pay.Answer{Why: pay.WhyDeclined}, nil, pay.SaleRefused, pay.WhyDeclined},
			"not-proven": {100, pay.Answer{Why: pay.WhyNotProven}, nil, pay.SaleRefused, pay.WhyNotProven},
			"unanswered": {100, pay.Answer{Why: pay.WhyUnanswered}, nil, pay.SaleOver, pay.WhyUnanswered},
			"no-wallet":  {100, pay.Answer{Sub: "s9"}, nil, pay.SaleRefused, pay.WhyWallet},
			"funds":      {5001, pay.Answer{Sub: "s1"}, nil, pay.SaleRefused, pay.WhyWallet},
		} {
			s.asker.says(pay.Answer{Open: true})
			if err := s.tills.Sell(t.Context(), "asahi", id, c.amount); err != nil {
				t.Fatal(err)
			}
			s.held(id)
			s.asker.says(c.answer)
			if sale := s.ends(id); sale.State != c.state || sale.Why != c.why {
				t.Errorf("%s: %+v", id, sale)
			}
			if id == "funds" {
				w.told(t, "payment-refused")
			}
		}
		w.balance(t, 5000)
		for amount, want := range map[int64]error{0: pay.ErrAmount, -1: pay.ErrAmount, 50_001: pay.ErrPayOnce} {
			if err := s.tills.Sell(t.Context(), "asahi", "x", amount); !errors.Is(err, want) {
				t.Errorf("%d: %v", amount, err)
			}
		}
		if err := s.tills.Sell(t.Context(), "nowhere", "x", 1); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("no such shop: %v", err)
		}
		s.asker.down = errors.New("down")
		if err := s.tills.Sell(t.Context(), "asahi", "verifier", 1); err == nil {
			t.Error("asked nobody")
		}
		if sale := s.ends("verifier"); sale.State != pay.SaleOver || sale.Why != pay.WhyVerifier {
			t.Errorf("%+v", sale)
		}
	})
}

// INV-2: what a till let go of is never paid, whatever the phone says later.
func TestNothingLeavesASaleThatIsOver(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		sell := func(id string) {
			t.Helper()
			if err := s.tills.Sell(t.Context(), "asahi", id, 100); err != nil {
				t.Fatal(err)
			}
		}
		sell("cancelled")
		s.held("cancelled")
		if err := s.tills.Cancel(t.Context(), "asahi", "cancelled"); err != nil {
			t.Fatal(err)
		}
		sell("older")
		for i := range 20 { // each lets go of the one before, and no phone is asked for that
			sell(fmt.Sprint("between", i))
		}
		sell("newer")
		s.held("newer")
		s.asker.says(pay.Answer{Sub: "s1"})
		if sale := s.ends("newer"); sale.State != pay.SalePaid {
			t.Errorf("%+v", sale)
		}
		for _, id := range []string{"cancelled", "older"} {
			if sale := s.ends(id); sale.State != pay.SaleOver || sale.Why != pay.WhyCancelled {
				t.Errorf("%s: %+v", id, sale)
			}
			if err := w.Pay.Pay(t.Context(), "s1", pay.Sale{ID: id, Amount: 100}); !errors.Is(err, pay.ErrMoved) {
				t.Errorf("%s: %v", id, err)
			}
		}
		w.balance(t, 4900)

		// Killed before the phone's word came: the till's page asks anew.
		s.asker.says(pay.Answer{Open: true})
		sell("killed")
		s.restart()
		if sale, _, err := s.tills.See(t.Context(), "asahi", "killed"); err != nil || sale.State != pay.SaleAsked {
			t.Errorf("%+v, %v", sale, err)
		}
		s.asker.says(pay.Answer{Sub: "s1"})
		if sale := s.ends("killed"); sale.State != pay.SalePaid {
			t.Errorf("%+v", sale)
		}
		w.balance(t, 4800)

		// Killed, and nobody looks until its time is over.
		s.asker.says(pay.Answer{Open: true})
		sell("late")
		s.restart()
		s.asker.says(pay.Answer{Sub: "s1"})
		w.now = w.now.Add(2 * time.Minute)
		if err := w.Pay.Pay(t.Context(), "s1", pay.Sale{ID: "late", Amount: 100}); !errors.Is(err, pay.ErrMoved) {
			t.Errorf("late: %v", err)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || at.After(w.now) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.due(t, 0)
		if sale := s.ends("late"); sale.State != pay.SaleOver || sale.Why != pay.WhyUnanswered {
			t.Errorf("%+v", sale)
		}
		w.balance(t, 4800)
	})
}

func TestATillsPages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		s := newShop(t, w)
		s.full(5000)
		p := s.pages()
		if _, _, body := p.get("/till"); !strings.Contains(body, "お茶処あさひ") {
			t.Error(body)
		}
		if status, _, _ := p.get("/till/nowhere"); status != 404 {
			t.Errorf("status %d", status)
		}
		own := p.enters("asahi")
		_, _, body := p.get("/till/asahi")
		id := hidden(t, body, "id")
		if _, at, body := p.post("/till/asahi", url.Values{"form": {own}, "id": {id}, "amount": {"千円"}}); at != "/till/asahi" || !strings.Contains(body, "pay-amount") {
			t.Errorf("at %s", at)
		}
		form := url.Values{"form": {own}, "id": {id}, "amount": {"1,200"}}
		for range 2 {
			if _, at, body := p.post("/till/asahi", form); at != "/till/asahi/"+id || !strings.Contains(body, "1,200円") || !strings.Contains(body, "かざしてください") {
				t.Errorf("at %s: %s", at, body)
			}
		}
		s.held(id)
		s.asker.says(pay.Answer{Sub: "s1"})
		s.ends(id)
		_, _, body = p.get("/till/asahi/" + id)
		if !strings.Contains(body, "支払いが終わりました") || strings.Contains(body, hanako.Name) || strings.Contains(body, "3,800") {
			t.Error(body)
		}
		other := rand.Text()
		s.asker.says(pay.Answer{Open: true})
		p.post("/till/asahi", url.Values{"form": {own}, "id": {other}, "amount": {"1"}})
		if _, _, body := p.post("/till/asahi/"+other+"/cancel", url.Values{"form": {own}}); !strings.Contains(body, "レジで取り消しました") {
			t.Error(body)
		}
	})
}
