package bank_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/relying"
)

var forSecurities = bank.Choices{Occupation: "employee", Purpose: "saving", Product: bank.Securities, Tax: "withheld", NISA: true}

func (w *world) buys(t *testing.T, id, sub string) error {
	t.Helper()
	d, err := w.Draw(t.Context(), id, sub, hanako, forSecurities)
	if err != nil {
		return err
	}
	for _, says := range []string{"証券総合口座", "特定口座（源泉徴収あり）", "NISA口座：開設を希望します", "元本を割る"} {
		if !strings.Contains(string(d.Document), says) {
			t.Errorf("the application does not say %q", says)
		}
	}
	return w.Receive(t.Context(), sub, d, hanako, relying.Signed{Verdict: "passed", Sub: sub, Signature: []byte("cms")})
}

func TestASecuritiesAccountHangsOnADepositAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		if err := w.buys(t, "b1", "s1"); !errors.Is(err, bank.ErrNoAccount) {
			t.Fatalf("without a deposit account: %v", err)
		}
		if err := w.signs(t, "a1", "s1"); err != nil {
			t.Fatal(err)
		}
		if err := w.buys(t, "b1", "s1"); !errors.Is(err, bank.ErrNoAccount) {
			t.Errorf("before the deposit account is opened: %v", err)
		}
		w.reviewed(t, time.Minute)
		if err := w.buys(t, "b1", "s1"); err != nil {
			t.Fatal(err)
		}
		if err := w.buys(t, "b2", "s1"); !errors.Is(err, bank.ErrSecond) {
			t.Errorf("a second one: %v", err)
		}
		if err := w.Close(t.Context(), "s1", bank.Deposit); !errors.Is(err, bank.ErrSecurities) {
			t.Errorf("the deposit account was closed under it: %v", err)
		}
		w.reviewed(t, time.Minute)
		a, err := w.Current(t.Context(), "s1", bank.Securities)
		if err != nil || a.State != bank.Opened || a.Number != "8000001" || a.Choices != forSecurities {
			t.Errorf("%+v %v", a, err)
		}
		if a := w.current(t, "s1"); a.Number != "0000001" || a.State != bank.Opened {
			t.Errorf("the deposit account: %+v", a)
		}
		if err := w.Close(t.Context(), "s1", bank.Securities); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(t.Context(), "s1", bank.Deposit); err != nil {
			t.Fatal(err)
		}
		if all, err := w.All(t.Context(), "s1"); err != nil || len(all) != 2 || all[0].State != bank.Closed || all[1].State != bank.Closed {
			t.Errorf("%+v %v", all, err)
		}
	})
}

func TestChoicesFitTheirProduct(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]bank.Choices{
			"no product":                {Occupation: "employee", Purpose: "saving"},
			"another product":           {Occupation: "employee", Purpose: "saving", Product: "gold"},
			"securities without a tax":  {Occupation: "employee", Purpose: "saving", Product: bank.Securities},
			"securities of another tax": {Occupation: "employee", Purpose: "saving", Product: bank.Securities, Tax: "none"},
			"securities with a card":    {Occupation: "employee", Purpose: "saving", Product: bank.Securities, Tax: "general", Card: true},
			"a deposit with NISA":       {Occupation: "employee", Purpose: "saving", Product: bank.Deposit, NISA: true},
			"a deposit with a tax":      {Occupation: "employee", Purpose: "saving", Product: bank.Deposit, Tax: "general"},
		} {
			if _, err := w.Draw(t.Context(), "a", "s1", hanako, c); !errors.Is(err, bank.ErrChoices) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestASecuritiesAccountOverThePages(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.enters(nil)
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, "/apply/securities") {
			t.Errorf("no way to it: %s", a.text)
		}
		if a := c.do("GET", "/apply/securities", nil); a.status != 200 || !strings.Contains(a.text, "特定口座") || strings.Contains(a.text, `name="card"`) {
			t.Errorf("%d %s", a.status, a.text)
		}
		form := url.Values{"product": {"securities"}, "occupation": {"employee"}, "purpose": {"saving"}}
		if a := c.do("POST", "/apply", form); a.location != "/apply/securities" {
			t.Errorf("without a tax: %d %s", a.status, a.location)
		}
		form.Set("tax", "reckoned")
		if a := c.do("POST", "/apply", form); a.location != "/check" {
			t.Errorf("%d %s", a.status, a.location)
		}
		draft := draftOf.FindStringSubmatch(c.do("GET", "/check", nil).text)[1]
		c.do("POST", "/check", url.Values{"draft": {draft}})
		if a := c.do("GET", c.back(), nil); a.location != "/applications/"+draft {
			t.Fatalf("%d %s", a.status, a.location)
		}
		c.reviewed(t, time.Minute)
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, "8000001") || !strings.Contains(a.text, "0000001") || strings.Contains(a.text, "/apply/securities") {
			t.Errorf("%s", a.text)
		}
		if a := c.do("POST", "/close", nil); a.location != "/close" {
			t.Errorf("%d %s", a.status, a.location)
		}
		if a := c.do("GET", "/close", nil); !strings.Contains(a.text, "bank-securities") {
			t.Errorf("%s", a.text)
		}
		for _, product := range []string{"securities", "deposit"} {
			if a := c.do("POST", "/close", url.Values{"product": {product}}); a.location != "/home" {
				t.Errorf("%s: %d %s", product, a.status, a.location)
			}
		}
	})
}
