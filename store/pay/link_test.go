package pay_test

import (
	"errors"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/services/pay"
)

func TestAnAccountOfTheSamePersonIsLinked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.told(t, "linked")
		// Back and reload find it linked and do nothing.
		if m, err := w.Return(t.Context(), "s1", "m1", "code-m1", ""); err != nil || m.State != pay.MandateActive {
			t.Errorf("%+v, %v", m, err)
		}
		if _, err := w.Return(t.Context(), "s1", "m1", "", "declined"); err != nil {
			t.Errorf("a browser ended a link: %v", err)
		}
		if err := w.signs(t, "w2", "s2", hanako); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Return(t.Context(), "s2", "m1", "code-m1", ""); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("another person's browser: %v", err)
		}
		if err := w.End(t.Context(), "s2", "m1"); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("another person ends it: %v", err)
		}
	})
}

// AT-B06, the wallet's side: whatever the bank's page showed, an account of somebody else,
// by one letter, is not linked, and the bank hears that it is over.
func TestWhatIsNotLinked(t *testing.T) {
	other := func(change func(*pay.Attributes)) func(*pay.Grant) {
		return func(g *pay.Grant) { change(&g.Holder) }
	}
	for name, c := range map[string]struct {
		forge func(*pay.Grant)
		why   string
	}{
		"somebody else's account":   {func(g *pay.Grant) { g.Holder = ken }, pay.WhyHolder},
		"a name by one letter":      {other(func(a *pay.Attributes) { a.Name = "佐藤 花子 " }), pay.WhyHolder},
		"another birthday":          {other(func(a *pay.Attributes) { a.Birthdate = "1990-02-04" }), pay.WhyHolder},
		"another sex":               {other(func(a *pay.Attributes) { a.Gender = "" }), pay.WhyHolder},
		"another address":           {other(func(a *pay.Attributes) { a.Address = "東京都千代田区１" }), pay.WhyHolder},
		"more than was asked":       {func(g *pay.Grant) { g.LimitOnce++ }, pay.WhyLetter},
		"more a day than was asked": {func(g *pay.Grant) { g.LimitDay++ }, pay.WhyLetter},
		"longer than was asked":     {func(g *pay.Grant) { g.ValidTo = g.ValidTo.Add(time.Second) }, pay.WhyLetter},
		"no first limit":            {func(g *pay.Grant) { g.FirstLimit = 0 }, pay.WhyLetter},
		"no end of the first day":   {func(g *pay.Grant) { g.FirstUntil = time.Time{} }, pay.WhyLetter},
		"no evidence":               {func(g *pay.Grant) { g.Evidence = "" }, pay.WhyLetter},
		"another mandate":           {func(g *pay.Grant) { g.ID = "m9" }, pay.WhyLetter},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				w.opened(t)
				w.bank.forge = c.forge
				m, err := w.links(t, "m1")
				if !errors.Is(err, pay.ErrLinkRefused) || m.State != pay.MandateRefused || m.Why != c.why || m.Account != "" {
					t.Errorf("%+v, %v", m, err)
				}
				if !w.bank.ended["m1"] {
					t.Error("the bank was not told")
				}
				if _, err := w.Charge(t.Context(), "s1", "c1", "m1", 100); !errors.Is(err, pay.ErrMandateOver) {
					t.Errorf("a charge: %v", err)
				}
			})
		})
	}
}

func TestAStrangersLetterLinksNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.bank.forger = newKey(t)
		if m, err := w.links(t, "m1"); !errors.Is(err, pay.ErrLinkRefused) || m.Why != pay.WhyLetter {
			t.Errorf("%+v, %v", m, err)
		}
		w.bank.forger = nil
		w.linked(t, "m2")
		w.bank.forger = newKey(t)
		if err := w.Ended(t.Context(), w.bank.letter("mandate-ended+jwt", map[string]any{"id": "m2", "at": w.now})); !errors.Is(err, pay.ErrBankLetter) {
			t.Errorf("a stranger ended it: %v", err)
		}
	})
}

func TestTheBankRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		for id, c := range map[string]struct{ code, reason, why string }{
			"m1": {"", "holder_mismatch", "holder_mismatch"}, // AT-B06, the bank's side
			"m2": {"", "no_account", "no_account"},
			"m3": {"", "declined", "declined"},
			"m4": {"", "", pay.WhyNoCode},
			"m5": {"guessed", "", "bank-mandate-code"},
		} {
			if _, _, err := w.Link(t.Context(), "s1", hanako, id, "state", 1000, 1000); err != nil {
				t.Fatal(err)
			}
			m, err := w.Return(t.Context(), "s1", id, c.code, c.reason)
			if !errors.Is(err, pay.ErrLinkRefused) || m.State != pay.MandateRefused || m.Why != c.why || !w.bank.ended[id] {
				t.Errorf("%s: %+v, %v", id, m, err)
			}
			if _, err := w.Return(t.Context(), "s1", id, "code-"+id, ""); !errors.Is(err, pay.ErrLinkRefused) { // INV-2: what was refused stays so
				t.Errorf("%s came back: %v", id, err)
			}
		}
	})
}

// INV-2: no outage leaves half a link, whichever call it meets.
func TestABankThatIsOutLeavesNoPartialLink(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.bank.down = true
		if m, _, err := w.Link(t.Context(), "s1", hanako, "m1", "state", 1000, 1000); !errors.Is(err, httpd.BadAnswer) || m.ID != "m1" {
			t.Errorf("pushed: %+v, %v", m, err)
		}
		w.bank.down = false
		w.bank.lost = 1 // the bank knows the mandate, and the wallet does not know that it does
		if _, _, err := w.Link(t.Context(), "s1", hanako, "m2", "state", 1000, 1000); !errors.Is(err, httpd.BadAnswer) {
			t.Errorf("pushed: %v", err)
		}
		if _, _, err := w.Link(t.Context(), "s1", hanako, "m3", "state", 1000, 1000); err != nil {
			t.Fatal(err)
		}
		w.bank.lost = 1
		if _, err := w.Return(t.Context(), "s1", "m3", "code-m3", ""); !errors.Is(err, httpd.BadAnswer) {
			t.Errorf("redeemed: %v", err)
		}
		if _, err := w.Charge(t.Context(), "s1", "c1", "m3", 100); !errors.Is(err, pay.ErrMandateOver) {
			t.Errorf("a charge under half a link: %v", err)
		}
		if m, err := w.Return(t.Context(), "s1", "m3", "code-m3", ""); err != nil || m.State != pay.MandateActive { // a reload
			t.Errorf("%+v, %v", m, err)
		}
		if _, _, err := w.Link(t.Context(), "s1", hanako, "m4", "state", 1000, 1000); err != nil {
			t.Fatal(err)
		}
		w.bank.lost = 1
		if _, err := w.Return(t.Context(), "s1", "m4", "code-m4", ""); err == nil {
			t.Error("redeemed")
		}
		w.due(t, 14*time.Minute)
		if w.bank.ended["m4"] {
			t.Error("it lapsed early")
		}
		w.due(t, time.Minute) // nobody came back, or the wallet had died
		for _, id := range []string{"m2", "m4"} {
			if m, err := w.store.Mandate(t.Context(), "w1", id); err != nil || m.State == pay.MandateActive || m.State == pay.MandateAsked || !m.Told || !w.bank.ended[id] {
				t.Errorf("%s: %+v, %v", id, m, err)
			}
		}
		if _, err := w.Return(t.Context(), "s1", "m4", "code-m4", ""); !errors.Is(err, pay.ErrLinkRefused) {
			t.Errorf("after it lapsed: %v", err)
		}
		if m, err := w.store.Mandate(t.Context(), "w1", "m1"); err != nil || m.State != pay.MandateRefused || !m.Told {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

func TestEitherSideEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		w.linked(t, "m1")
		w.linked(t, "m2")
		w.bank.down = true
		if err := w.End(t.Context(), "s1", "m1"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Charge(t.Context(), "s1", "c1", "m1", 100); !errors.Is(err, pay.ErrMandateOver) {
			t.Errorf("a charge: %v", err)
		}
		w.due(t, time.Minute)
		w.bank.down = false
		if at, ok, err := w.NextDue(t.Context()); err != nil || !ok || !at.Equal(w.now.Add(time.Minute)) {
			t.Errorf("next: %v %v %v", at, ok, err)
		}
		w.due(t, time.Minute)
		if !w.bank.ended["m1"] {
			t.Error("the bank was not told")
		}
		letter := w.bank.letter("mandate-ended+jwt", map[string]any{"id": "m2", "at": w.now})
		for range 2 { // the bank repeats it until it is heard
			if err := w.Ended(t.Context(), letter); err != nil {
				t.Fatal(err)
			}
		}
		w.told(t, "ended-by-bank")
		if m, err := w.store.Mandate(t.Context(), "w1", "m2"); err != nil || m.State != pay.MandateEnded || m.EndedBy != pay.ByBank || !m.Told {
			t.Errorf("%+v, %v", m, err)
		}
		if err := w.End(t.Context(), "s1", "m2"); err != nil { // a second end changes nothing
			t.Fatal(err)
		}
		if m, err := w.store.Mandate(t.Context(), "w1", "m2"); err != nil || m.EndedBy != pay.ByBank {
			t.Errorf("%+v, %v", m, err)
		}
		if err := w.Ended(t.Context(), w.bank.letter("mandate-ended+jwt", map[string]any{"id": "m9", "at": w.now})); err != nil {
			t.Errorf("one that is not here: %v", err)
		}
		for _, wrong := range []string{"charge+jwt", "mandate+jwt"} {
			if err := w.Ended(t.Context(), w.bank.letter(wrong, map[string]any{"id": "m2"})); !errors.Is(err, pay.ErrBankLetter) {
				t.Errorf("%s: %v", wrong, err)
			}
		}
		if _, ok, err := w.NextDue(t.Context()); ok || err != nil {
			t.Errorf("something is due: %v", err)
		}
	})
}

func TestWhatMayBeAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opened(t)
		for name, c := range map[string]struct {
			once, day int64
			holder    pay.Attributes
			want      error
		}{
			"nothing":               {0, 100, hanako, pay.ErrAmount},
			"a day below a charge":  {1000, 999, hanako, pay.ErrAmount},
			"too much":              {50_001, 50_001, hanako, pay.ErrChargeOnce},
			"too much a day":        {50_000, 100_001, hanako, pay.ErrChargeDay},
			"too much at 16":        {5_001, 6_000, young, pay.ErrChargeOnce},
			"too much a day at 16":  {5_000, 10_001, young, pay.ErrChargeDay},
			"of somebody too young": {1, 1, pay.Attributes{Birthdate: "2015-01-01"}, pay.ErrTooYoung},
		} {
			if _, _, err := w.Link(t.Context(), "s1", c.holder, "m-"+name, "state", c.once, c.day); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, _, err := w.Link(t.Context(), "s9", hanako, "m9", "state", 1, 1); !errors.Is(err, pay.ErrNotFound) {
			t.Errorf("without a wallet: %v", err)
		}
		if err := w.Protect(t.Context(), "s1", pay.Stop); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Link(t.Context(), "s1", hanako, "m9", "state", 1, 1); !errors.Is(err, pay.ErrStopped) {
			t.Errorf("a stopped wallet: %v", err)
		}
		if len(w.bank.asked) != 0 {
			t.Errorf("the bank was asked: %v", w.bank.asked)
		}
	})
}
