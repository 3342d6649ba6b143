package bank_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/guardian"
	"tegata/services/relying"
)

func TestAMinorTakesTheirApplicationBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.Withdraw(t.Context(), "kid"); !errors.Is(err, bank.ErrNotFound) {
			t.Errorf("nothing: %v", err)
		}
		link := w.asksConsent(t, "k1", "kid")
		if err := w.Guardians().Take(t.Context(), link, personOf("mum", hanako)); err != nil {
			t.Fatal(err)
		}
		p, err := w.DrawConsent(t.Context(), link, "mum", hanako)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := w.Withdraw(t.Context(), "kid"); err != nil {
				t.Fatal(err)
			}
		}
		a := w.current(t, "kid")
		if a.State != bank.Stopped || a.Why != guardian.WhyWithdrawn || !a.Record.RetentionUntil.Equal(bank.Retention(w.now)) {
			t.Errorf("%+v", a)
		}
		if err := w.Guardians().Peek(t.Context(), link); !errors.Is(err, guardian.ErrOver) {
			t.Errorf("the guardian hears: %v", err)
		}
		// Also who has the document on their phone at that moment.
		err = w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "passed", Sub: "mum", Signature: []byte("cms of parent")})
		if !errors.Is(err, guardian.ErrOver) {
			t.Errorf("signed after it: %v", err)
		}

		second := w.asksConsent(t, "k2", "kid") // and applies again
		if err := w.consents(t, second, "mum", hanako); err != nil {
			t.Fatal(err)
		}
		if err := w.Withdraw(t.Context(), "kid"); !errors.Is(err, bank.ErrMoved) {
			t.Errorf("after the consent: %v", err)
		}
		w.reviewed(t, time.Minute)
		if a := w.current(t, "kid"); a.State != bank.Opened {
			t.Errorf("%+v", a)
		}
	})
}

func TestTakingAnApplicationBackOverThePages(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		link := c.asksConsent(t, "k1", "kid")
		c.provider.Who = person("kid", kaede)
		c.enters(nil)
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, `action="/withdraw"`) {
			t.Errorf("%s", a.text)
		}
		if a := newcomerAt(c, t).do("POST", "/withdraw", nil); a.location != "/" || c.current(t, "kid").State != bank.Awaiting {
			t.Errorf("without a login: %d %s", a.status, a.location)
		}
		for range 2 {
			if a := c.do("POST", "/withdraw", nil); a.location != "/home" {
				t.Errorf("%d %s", a.status, a.location)
			}
		}
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, "申し込みを取りやめました") || strings.Contains(a.text, `action="/withdraw"`) || !strings.Contains(a.text, `href="/apply"`) {
			t.Errorf("%s", a.text)
		}
		if a := newcomerAt(c, t).do("GET", "/consent/"+link, nil); !strings.Contains(a.text, "guardian-over") {
			t.Errorf("to the guardian: %d %s", a.status, a.text)
		}
	})
}

func TestALetterTellsWhatCameOfAGuardiansConsent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sent := func(want ...string) {
			t.Helper()
			all, err := w.store.Outbox(t.Context(), "", 100)
			if err != nil {
				t.Fatal(err)
			}
			var kinds []string
			for _, n := range all {
				kinds = append(kinds, n.Kind)
				if n.To.Address != kaede.Address+"　"+kaede.Name+" 様" || strings.Contains(n.JA.Body, kaede.Name) {
					t.Errorf("%+v", n)
				}
			}
			if !slices.Equal(kinds, want) {
				t.Errorf("sent %v, want %v", kinds, want)
			}
		}
		w.asksConsent(t, "k1", "kid")
		w.reviewed(t, guardian.Life)
		sent("bank-unconsented")
		link := w.asksConsent(t, "k2", "kid")
		w.by["cms of parent"] = verdict("passed", uncle.Name, "good")
		if err := w.consents(t, link, "uncle", uncle); err != nil {
			t.Fatal(err)
		}
		w.reviewed(t, time.Minute)
		if a := w.current(t, "kid"); a.State != bank.Stopped {
			t.Fatalf("%+v", a)
		}
		sent("bank-unconsented", "bank-unopened")
		// Where nobody had to consent, nobody was promised a letter.
		if err := w.signs(t, "n1", newcomer); err != nil {
			t.Fatal(err)
		}
		w.by = nil
		w.says = verdict("failed", hanako.Name, "revoked")
		w.reviewed(t, time.Minute)
		sent("bank-unconsented", "bank-unopened")
	})
}
