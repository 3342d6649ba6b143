package bank_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/relying"
	"tegata/store"
	bankstore "tegata/store/bank"
	"tegata/store/storetest"
)

// world is the bank over a real store, and a verifier that says what a test wants.
type world struct {
	*bank.Bank
	store *bankstore.Store
	now   time.Time
	says  relying.Verdict
	by    map[string]relying.Verdict // of a signature, in place of says
	late  time.Duration              // of the verifier's news
	down  error
}

func (w *world) Verify(_ context.Context, signature, _ []byte) (relying.Verdict, error) {
	says, ok := w.by[string(signature)]
	if !ok {
		says = w.says
	}
	says.Signatures[0].Status.ThisUpdate = w.now.Add(-w.late)
	return says, w.down
}

func verdict(word, name, status string) (v relying.Verdict) {
	text := fmt.Sprintf(`{"verdict":%q,"signatures":[{"signer":{"kind":"phone-sign","name":%q},"status":{"state":%q}}]}`, word, name, status)
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

var hanako = bank.Attributes{Name: "佐藤 花子", Address: "東京都千代田区1", Birthdate: "1990-02-03", Gender: "female"}

var choices = bank.Choices{Occupation: "employee", Purpose: "saving", Card: true, Product: bank.Deposit}

func each(t *testing.T, body func(*testing.T, *world)) {
	storetest.Each(t, bankstore.Schema, func(t *testing.T, db *store.DB) {
		w := &world{store: bankstore.New(db), now: time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC), says: verdict("passed", hanako.Name, "good")}
		var err error
		w.Bank, err = bank.New(bank.Config{Store: w.store, Verifier: w, VerifierURL: "http://verifier", Origin: "http://bank", ReviewAfter: time.Minute, Now: func() time.Time { return w.now }})
		if err != nil {
			t.Fatal(err)
		}
		body(t, w)
	})
}

// signs draws and signs an application.
func (w *world) signs(t *testing.T, id, sub string) error {
	t.Helper()
	d, err := w.Draw(t.Context(), id, sub, hanako, choices)
	if err != nil {
		return err
	}
	return w.Receive(t.Context(), sub, d, hanako, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms")})
}

func (w *world) reviewed(t *testing.T, after time.Duration) {
	t.Helper()
	w.now = w.now.Add(after)
	if err := w.RunDue(t.Context(), w.now); err != nil {
		t.Fatal(err)
	}
}

func (w *world) current(t *testing.T, sub string) bank.Application {
	t.Helper()
	a, err := w.Current(t.Context(), sub, bank.Deposit)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAnAccountIsOpenedAndClosed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.signs(t, "a1", "s1"); err != nil {
			t.Fatal(err)
		}
		w.reviewed(t, 30*time.Second)
		if a := w.current(t, "s1"); a.State != bank.Reviewing {
			t.Fatalf("reviewed too early: %+v", a)
		}
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(30*time.Second)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.reviewed(t, time.Minute)
		a := w.current(t, "s1")
		if a.State != bank.Opened || a.Number != "0000001" || a.Record.Reviewer == "" || a.Record.StatusAtReview != "good" || !a.Record.RetentionUntil.IsZero() ||
			a.Record.Method != bank.MethodSignature || a.Record.Issuer != "phone-sign" || len(a.Record.SignatureSHA256) != 64 || a.Attributes != hanako || a.Choices != choices {
			t.Fatalf("%+v", a)
		}
		if err := w.signs(t, "a2", "s1"); !errors.Is(err, bank.ErrSecond) {
			t.Errorf("a second account: %v", err)
		}
		// Who has the same name, address and birthday and is another person is another customer.
		if err := w.signs(t, "a3", "s2"); err != nil {
			t.Errorf("a namesake: %v", err)
		}
		for range 2 { // the second click changes nothing
			if err := w.Close(t.Context(), "s1", bank.Deposit); err != nil {
				t.Fatal(err)
			}
		}
		if a := w.current(t, "s1"); a.State != bank.Closed || !a.Record.RetentionUntil.Equal(w.now.AddDate(7, 0, 0)) {
			t.Errorf("%+v", a)
		}
		if err := w.signs(t, "a4", "s1"); err != nil {
			t.Errorf("a new account after the old one was closed: %v", err)
		}
		w.reviewed(t, time.Minute)
		w.now = w.now.AddDate(7, 0, 1)
		w.reviewed(t, 0)
		if err := w.Close(t.Context(), "nobody", bank.Deposit); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("nobody's account: %v", err)
		}
		if err := w.Close(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
	})
}

// AT-B03: held between signing and review.
func TestAHeldCertificateStopsTheReview(t *testing.T) {
	for _, state := range []string{"held", "revoked"} {
		each(t, func(t *testing.T, w *world) {
			if err := w.signs(t, "a1", "s1"); err != nil {
				t.Fatal(err)
			}
			w.says = verdict("indeterminate", hanako.Name, state)
			w.reviewed(t, time.Minute)
			if a := w.current(t, "s1"); a.State != bank.Stopped || a.Why != bank.WhyCertificate || a.Number != "" || a.Record.RetentionUntil.IsZero() {
				t.Errorf("%+v", a)
			}
		})
	}
}

func TestAReviewWaitsForAStatus(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.signs(t, "a1", "s1"); err != nil {
			t.Fatal(err)
		}
		good := w.says
		w.down = errors.New("no line")
		w.reviewed(t, time.Minute)
		w.down, w.says = nil, verdict("indeterminate", hanako.Name, "")
		w.reviewed(t, time.Minute)
		if a := w.current(t, "s1"); a.State != bank.Reviewing {
			t.Fatalf("%+v", a)
		}
		w.says = good
		w.reviewed(t, time.Minute)
		if a := w.current(t, "s1"); a.State != bank.Opened {
			t.Errorf("%+v", a)
		}
	})
}

// Who stopped the phone until the review was due counts, also when the news takes its time.
func TestAReviewWaitsForNewsOfItsOwnTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.signs(t, "a1", "s1"); err != nil {
			t.Fatal(err)
		}
		w.late = time.Second
		w.reviewed(t, time.Minute)
		if a := w.current(t, "s1"); a.State != bank.Reviewing {
			t.Fatalf("opened by old news: %+v", a)
		}
		w.says = verdict("indeterminate", hanako.Name, "held")
		w.late = 0
		w.reviewed(t, 5*time.Second)
		if a := w.current(t, "s1"); a.State != bank.Stopped || a.Why != bank.WhyCertificate {
			t.Errorf("%+v", a)
		}
	})
}

func TestOneOfManyClicksCounts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var all sync.WaitGroup
		for range 6 {
			all.Go(func() {
				if err := w.signs(t, "a1", "s1"); err != nil && !errors.Is(err, bank.ErrSecond) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.reviewed(t, time.Minute)
		if a := w.current(t, "s1"); a.Number != "0000001" {
			t.Errorf("%+v", a)
		}
		if err := w.store.Open(t.Context(), w.now, "a1", bank.Record{}, w.now, bank.Word{}); !errors.Is(err, bank.ErrMoved) {
			t.Errorf("decided twice: %v", err)
		}
		counts, err := w.store.Counts(t.Context())
		if err != nil || counts["account"] != 1 {
			t.Errorf("%v %v", counts, err)
		}
	})
}

func TestWhatIsNotReceived(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, want := range map[string]error{"2012-01-01": bank.ErrTooYoung, "2011-11-29": bank.ErrTooYoung, "": bank.ErrFacts} {
			who := hanako
			who.Birthdate = name
			if _, err := w.Draw(t.Context(), "a", "s1", who, choices); !errors.Is(err, want) {
				t.Errorf("born %s: %v", name, err)
			}
		}
		who := hanako
		who.Birthdate = "2008-11-28" // 18 today, in Japan
		if _, err := w.Draw(t.Context(), "a", "s1", who, choices); err != nil {
			t.Error(err)
		}
		for birth, minor := range map[string]bool{"2011-11-28": true, "2008-11-29": true, "2008-11-28": false} {
			who.Birthdate = birth
			if d, err := w.Draw(t.Context(), "a", "s1", who, choices); err != nil || d.Minor != minor {
				t.Errorf("born %s: %+v %v", birth, d, err)
			}
			if _, err := w.Draw(t.Context(), "a", "s1", who, forSecurities); minor != errors.Is(err, bank.ErrMinor) {
				t.Errorf("born %s, securities: %v", birth, err)
			}
		}
		if _, err := w.Draw(t.Context(), "a", "s1", hanako, bank.Choices{Occupation: "king", Purpose: "saving", Product: bank.Deposit}); !errors.Is(err, bank.ErrChoices) {
			t.Errorf("an occupation of their own: %v", err)
		}
		d, err := w.Draw(t.Context(), "a", "s1", hanako, choices)
		if err != nil {
			t.Fatal(err)
		}
		moved := hanako
		moved.Address = "大阪府"
		good := relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}
		for what, err := range map[string]error{
			"another's":       w.Receive(t.Context(), "s2", d, hanako, good),
			"other facts":     w.Receive(t.Context(), "s1", d, moved, good),
			"not passed":      w.Receive(t.Context(), "s1", d, hanako, relying.Signed{Verdict: "failed", Sub: "s1"}),
			"another's name":  w.receiveAs(t, d, good, verdict("passed", "佐藤 太郎", "good")),
			"does not verify": w.receiveAs(t, d, good, verdict("failed", hanako.Name, "good")),
		} {
			if !errors.Is(err, bank.ErrSignature) {
				t.Errorf("%s: %v", what, err)
			}
		}
		if _, err := w.Current(t.Context(), "s1", bank.Deposit); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("something was kept: %v", err)
		}
		if err := w.GaveUp(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func (w *world) receiveAs(t *testing.T, d bank.Draft, s relying.Signed, v relying.Verdict) error {
	old := w.says
	w.says = v
	defer func() { w.says = old }()
	return w.Receive(t.Context(), "s1", d, hanako, s)
}

func TestAListedPersonIsStopped(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		who := bank.Attributes{Name: "架空　制裁太郎", Address: "東京都", Birthdate: "1970-01-01", Gender: "male"}
		w.says = verdict("passed", who.Name, "good")
		d, err := w.Draw(t.Context(), "a1", "s1", who, choices)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Receive(t.Context(), "s1", d, who, relying.Signed{Verdict: "passed", Sub: "s1", Signature: []byte("cms")}); err != nil {
			t.Fatal(err)
		}
		w.reviewed(t, time.Minute)
		if a := w.current(t, "s1"); a.State != bank.Stopped || a.Why != bank.WhyScreening {
			t.Errorf("%+v", a)
		}
	})
}
