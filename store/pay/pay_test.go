package pay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/services/pay"
	"tegata/services/relying"
	"tegata/store"
	paystore "tegata/store/pay"
	"tegata/store/storetest"
)

// world is the wallet over a real store, with a strict bank and a verifier that says what a
// test wants.
type world struct {
	*pay.Pay
	db    *store.DB
	store *paystore.Store
	bank  *bank
	now   time.Time
	says  relying.Verdict
	down  error
}

func (w *world) Verify(context.Context, []byte, []byte) (relying.Verdict, error) {
	return w.says, w.down
}

func verdict(word, name string) (v relying.Verdict) {
	text := fmt.Sprintf(`{"verdict":%q,"signatures":[{"signer":{"kind":"phone-sign","name":%q},"status":{"state":"good"}}]}`, word, name)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

var (
	hanako = pay.Attributes{Name: "佐藤 花子", Address: "東京都千代田区1", Birthdate: "1990-02-03", Gender: "female"}
	ken    = pay.Attributes{Name: "鈴木 健", Address: "東京都千代田区2", Birthdate: "1988-05-06", Gender: "male"}
	young  = pay.Attributes{Name: "佐藤 花子", Address: "東京都千代田区1", Birthdate: "2010-02-03", Gender: "female"}
)

// noon is 12:00 in Japan.
var noon = time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)

func each(t *testing.T, body func(*testing.T, *world)) {
	storetest.Each(t, paystore.Schema, func(t *testing.T, db *store.DB) {
		w := &world{db: db, store: paystore.New(db), now: noon, says: verdict("passed", hanako.Name)}
		b, c := newBank(t, hanako, func() time.Time { return w.now })
		w.bank = b
		w.Pay = pay.New(pay.Config{Store: w.store, Verifier: w, VerifierURL: "http://verifier", Bank: c, Now: func() time.Time { return w.now }})
		body(t, w)
	})
}

// signs draws and signs the terms.
func (w *world) signs(t *testing.T, id, sub string, who pay.Attributes) error {
	t.Helper()
	d, err := w.Draw(t.Context(), id, sub, who)
	if err != nil {
		return err
	}
	return w.Receive(t.Context(), sub, d, who, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms")})
}

func (w *world) opened(t *testing.T) {
	t.Helper()
	if err := w.signs(t, "w1", "s1", hanako); err != nil {
		t.Fatal(err)
	}
}

// links links an account of a holder to the wallet of s1.
func (w *world) links(t *testing.T, id string) (pay.Mandate, error) {
	t.Helper()
	m, to, err := w.Link(t.Context(), "s1", hanako, id, "state", 20_000, 50_000)
	if err != nil {
		t.Fatal(err)
	}
	if to != w.bank.server.URL+"/mandates/"+id || w.bank.asked[id].Holder != hanako || w.bank.asked[id].State != "state" {
		t.Errorf("led to %s with %+v", to, w.bank.asked[id])
	}
	return w.Return(t.Context(), "s1", m.ID, "code-"+id, "")
}

func (w *world) linked(t *testing.T, id string) {
	t.Helper()
	if m, err := w.links(t, id); err != nil || m.State != pay.MandateActive || m.Account != "•••0001" || m.FirstLimit != 10_000 || m.LimitOnce != 20_000 || m.Evidence == "" {
		t.Fatalf("%+v, %v", m, err)
	}
}

func (w *world) charged(t *testing.T, id string, amount int64) {
	t.Helper()
	if c, err := w.Charge(t.Context(), "s1", id, "m1", amount); err != nil || c.State != pay.ChargeDone {
		t.Fatalf("%s: %+v, %v", id, c, err)
	}
}

func (w *world) balance(t *testing.T, want int64) {
	t.Helper()
	a, err := w.Wallet(t.Context(), "s1")
	if err != nil || a.Balance != want {
		t.Errorf("balance %d, want %d, %v", a.Balance, want, err)
	}
	entries, err := w.store.Entries(t.Context(), a.ID)
	sum := int64(0)
	for _, e := range entries {
		sum += e.Amount
	}
	if err != nil || sum != want {
		t.Errorf("the ledger says %d, want %d, %v", sum, want, err)
	}
}

func (w *world) due(t *testing.T, after time.Duration) {
	t.Helper()
	w.now = w.now.Add(after)
	if err := w.RunDue(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
}

func (w *world) told(t *testing.T, kind string) {
	t.Helper()
	a, err := w.Wallet(t.Context(), "s1")
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.store.Notices(t.Context(), a.ID, 1)
	if err != nil || len(list) != 1 || list[0].Kind != kind {
		t.Errorf("told %+v, want %s, %v", list, kind, err)
	}
}

func TestAWalletIsOpenedOnceAPerson(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		a, err := w.Wallet(t.Context(), "s1")
		if err != nil || !a.Open() || a.Holder != hanako || a.Record.Method != pay.MethodSignature || a.Record.Issuer != "phone-sign" || len(a.Record.SignatureSHA256) != 64 ||
			string(a.Signature) != "cms" || len(a.Terms) == 0 || a.Balance != 0 || a.NightOpen || a.Stopped() {
			t.Fatalf("%+v, %v", a, err)
		}
		if err := w.signs(t, "w2", "s1", hanako); !errors.Is(err, pay.ErrSecond) {
			t.Errorf("a second wallet: %v", err)
		}
		if err := w.signs(t, "w3", "s2", hanako); err != nil { // a namesake is another person
			t.Errorf("a namesake: %v", err)
		}
		if _, err := w.Wallet(t.Context(), "s9"); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("a stranger: %v", err)
		}
		w.told(t, "opened")
	})
}

func TestASecondClickOpensNothingMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, err := w.Draw(t.Context(), "w1", "s1", hanako)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				if err := w.Receive(t.Context(), "s1", d, hanako, relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		other := d
		other.ID = "w2"
		if err := w.Receive(t.Context(), "s1", other, hanako, relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}); !errors.Is(err, pay.ErrSecond) {
			t.Errorf("two drafts: %v", err)
		}
		stranger := d
		if err := w.Receive(t.Context(), "s2", stranger, hanako, relying.Signed{Verdict: "passed", Sub: "s2", Signature: []byte("cms")}); !errors.Is(err, pay.ErrSecond) {
			t.Errorf("another person under the same id: %v", err)
		}
	})
}

func TestWhatOpensNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		child := hanako
		child.Birthdate = "2011-11-29" // 15 tomorrow
		if _, err := w.Draw(t.Context(), "w1", "s1", child); !errors.Is(err, pay.ErrTooYoung) {
			t.Errorf("below 15: %v", err)
		}
		d, err := w.Draw(t.Context(), "w1", "s1", hanako)
		if err != nil {
			t.Fatal(err)
		}
		good := relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}
		for name, c := range map[string]struct {
			login  pay.Attributes
			signed relying.Signed
			says   relying.Verdict
			down   error
		}{
			"failed at the provider":     {hanako, relying.Signed{Verdict: "failed", Sub: "s1"}, verdict("passed", hanako.Name), nil},
			"signed by another person":   {hanako, relying.Signed{Verdict: "passed", Sub: "s2"}, verdict("passed", hanako.Name), nil},
			"another login":              {ken, good, verdict("passed", hanako.Name), nil},
			"failed at the verifier":     {hanako, good, verdict("failed", hanako.Name), nil},
			"undecided at the verifier":  {hanako, good, verdict("indeterminate", hanako.Name), nil},
			"another's certificate":      {hanako, good, verdict("passed", ken.Name), nil},
			"the verifier out of reach":  {hanako, good, relying.Verdict{}, errors.New("down")},
			"a verdict without a signer": {hanako, good, relying.Verdict{Verdict: "passed"}, nil},
		} {
			w.says, w.down = c.says, c.down
			if err := w.Receive(t.Context(), "s1", d, c.login, c.signed); err == nil {
				t.Errorf("%s: a wallet was opened", name)
			} else if c.down == nil && !errors.Is(err, pay.ErrSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.Wallet(t.Context(), "s1"); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("something is there: %v", err)
		}
	})
}

func TestAWalletEndsEmpty(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.charged(t, "c1", 500)
		if err := w.Close(t.Context(), "s1"); !errors.Is(err, pay.ErrMoney) {
			t.Errorf("with money: %v", err)
		}
		if err := w.pays(t, "p1", 500); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(t.Context(), "s1"); err != nil {
			t.Fatal(err)
		}
		w.due(t, 0)
		if !w.bank.ended["m1"] {
			t.Error("the bank was not told")
		}
		a, err := w.Wallet(t.Context(), "s1")
		if err != nil || a.Open() || !a.Record.RetentionUntil.Equal(w.now.AddDate(7, 0, 0)) {
			t.Errorf("%+v, %v", a, err)
		}
		if err := w.signs(t, "w2", "s1", hanako); err != nil {
			t.Errorf("again: %v", err)
		}
		w.due(t, 7*366*24*time.Hour)
		var holders int
		err = w.db.Read(t.Context(), func(tx store.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT COUNT(*) FROM wallet WHERE id = 'w1' AND (sub <> '' OR holder <> '{}' OR record <> '{}')`).Scan(&holders)
		})
		if err != nil || holders != 0 {
			t.Errorf("the record stayed: %d, %v", holders, err)
		}
		if entries, err := w.store.Entries(t.Context(), "w1"); err != nil || len(entries) != 2 {
			t.Errorf("the ledger: %+v, %v", entries, err)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
