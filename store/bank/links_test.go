package bank_test

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"tegata/services/bank"
	"tegata/services/relying"
)

// Who finds two letters may open the first one.
func TestAnEarlierLettersLinkHoldsAsLong(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		account := w.opens(t, "n1")
		first := w.link(t)
		for range 2 {
			if err := w.Hold(t.Context(), first); err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(bank.Cooling - 1) // a link is not of the first eight days alone
			p, err := w.DrawRelease(t.Context(), newcomer, hanako, bank.Deposit)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.ReceivePaper(t.Context(), p, hanako, relying.Signed{Verdict: "passed", Sub: newcomer, Signature: []byte("cms")}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Cash(t.Context(), account, "IN", 1); err != nil {
			t.Fatal(err)
		}
		last := w.link(t)
		w.now = w.now.Add(bank.Cooling)
		for _, link := range []string{first, last} {
			if err := w.Hold(t.Context(), link); !errors.Is(err, bank.ErrCooled) {
				t.Errorf("too late: %v", err)
			}
		}
		w.reviewed(t, 0)
		for _, link := range []string{first, last} {
			if err := w.Hold(t.Context(), link); !errors.Is(err, bank.ErrNotFound) {
				t.Errorf("a link that was forgotten: %v", err)
			}
		}
	})
}

func TestALinksPageSaysWhatIsWrongWithIt(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person(newcomer, hanako)
		c.opens(t, "n1")
		c.enters(nil)
		link := "/hold/" + c.link(t)
		finder := newcomerAt(c, t)
		finder.do("POST", link, nil)
		m := regexp.MustCompile(`name="paper" value="(\w+)"`).FindStringSubmatch(c.do("GET", "/release", nil).text)
		if m == nil {
			t.Fatal("no request is shown")
		}
		c.do("POST", "/release", url.Values{"paper": {m[1]}})
		c.do("GET", c.back(), nil)
		if c.current(t, newcomer).Held() {
			t.Fatal("it is still held")
		}
		says := func(path string, status int, what string) {
			t.Helper()
			if a := finder.do("GET", path, nil); a.status != status || !strings.Contains(a.text, what) {
				t.Errorf("%d %s", a.status, a.text)
			}
		}
		says(link, 200, `action="`+link+`"`)
		says(link+"A", 404, "bank-hold-link")
		finder.do("POST", link+"A", nil)
		if c.current(t, newcomer).Held() {
			t.Error("a mistyped link held it")
		}
		c.now = c.now.Add(bank.Cooling)
		says(link, 409, "bank-undo-late")
		c.reviewed(t, 0)
		says(link, 404, "bank-hold-link")
	})
}
