package bank_test

import (
	"errors"
	"strings"
	"testing"

	"tegata/services/bank"
)

func TestAHeldAccountIsNotClosed(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person(newcomer, hanako)
		account := c.opens(t, "n1")
		c.enters(nil)
		if err := c.Hold(t.Context(), c.link(t)); err != nil {
			t.Fatal(err)
		}
		for _, balance := range []int64{0, 500} { // it is not told to take out what does not go out
			if balance > 0 {
				if err := c.Cash(t.Context(), account, "IN", balance); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Close(t.Context(), newcomer, bank.Deposit); !errors.Is(err, bank.ErrHeld) {
				t.Errorf("with %d in it: %v", balance, err)
			}
		}
		if a := c.do("GET", "/home", nil); strings.Contains(a.text, `href="/close"`) {
			t.Error("its page offers to close it")
		}
		if a := c.do("POST", "/close", nil); a.location != "/close?product=deposit" {
			t.Errorf("%d %s", a.status, a.location)
		}
		a := c.do("GET", "/close?product=deposit", nil)
		for _, has := range []string{"bank-held", `href="/release?product=deposit"`, `href="/undo?product=deposit"`} {
			if !strings.Contains(a.text, has) {
				t.Errorf("the page has no %s", has)
			}
		}
		if strings.Contains(a.text, `action="/close"`) {
			t.Error("the page has a button to close it")
		}
		if s := c.current(t, newcomer).State; s != bank.Opened {
			t.Errorf("it is %s", s)
		}
	})
}

func TestALetterTellsThatAnAccountWasClosedInItsFirstDays(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.opens(t, "n1")
		for range 2 {
			if err := w.Close(t.Context(), newcomer, bank.Deposit); err != nil {
				t.Fatal(err)
			}
		}
		l := w.letters(t, "bank-closed")
		if len(l) != 1 || strings.Contains(l[0].JA.Body, hanako.Name) {
			t.Fatalf("%+v", l)
		}
		w.opens(t, "n2")
		w.now = w.now.Add(bank.Cooling)
		if err := w.Close(t.Context(), newcomer, bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if n := len(w.letters(t, "bank-closed")); n != 1 {
			t.Errorf("%d letters, one of a close after those days", n)
		}
	})
}
