package carrier_test

import (
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/services/carrier"
	"tegata/services/relying"
	"tegata/services/relying/relyingtest"
)

// customer is a browser before the carrier's pages.
type customer struct {
	*world
	provider *relyingtest.Provider
	site     *httptest.Server
	browser  *http.Client
}

func comes(t *testing.T, w *world) *customer {
	t.Helper()
	c := &customer{world: w, provider: &relyingtest.Provider{Who: relying.Person{Sub: "s1", Claims: relying.Claims{Name: hanako.Name, Birthdate: hanako.Birthdate, Address: relying.Address{Formatted: hanako.Address}}}}}
	h, err := carrier.NewHandler(carrier.Options{Carrier: w.Carrier, Party: c.provider, Sandbox: true, Now: func() time.Time { return w.now }})
	w.must(err)
	c.site = httptest.NewServer(h.Routes())
	t.Cleanup(c.site.Close)
	jar, err := cookiejar.New(nil)
	w.must(err)
	c.browser = &http.Client{Jar: jar, Timeout: 10 * time.Second}
	return c
}

// opens and sends return where the browser is then, and what it reads there.
func (c *customer) opens(path string) (at, text string) {
	c.t.Helper()
	res, err := c.browser.Get(c.site.URL + path)
	c.must(err)
	return c.read(res)
}

func (c *customer) sends(path string, form url.Values) (at, text string) {
	c.t.Helper()
	res, err := c.browser.PostForm(c.site.URL+path, form)
	c.must(err)
	return c.read(res)
}

func (c *customer) read(res *http.Response) (at, text string) {
	c.t.Helper()
	defer res.Body.Close()
	var b strings.Builder
	c.must(res.Write(&b))
	return res.Request.URL.Path, b.String()
}

var (
	atProvider = regexp.MustCompile(`authorize\?state=([A-Z0-9]+)`)
	draftShown = regexp.MustCompile(`name="draft" value="(\w+)"`)
)

// back is what the provider would have the browser bring back from the page that leads there.
func (c *customer) back(at, text string) string {
	c.t.Helper()
	m := atProvider.FindStringSubmatch(text)
	if at != "/go" || m == nil {
		c.t.Fatalf("at %s no way to the provider: %s", at, text)
	}
	return "/callback?code=x&state=" + m[1]
}

// draws fills in a contract, and presses to sign it; it returns the way back.
func (c *customer) draws() string {
	c.t.Helper()
	_, text := c.sends("/apply", url.Values{"plan": {"leaf"}})
	m := draftShown.FindStringSubmatch(text)
	if m == nil {
		c.t.Fatalf("no contract is shown: %s", text)
	}
	return c.back(c.sends("/check", url.Values{"draft": {m[1]}}))
}

func TestALineOverThePages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := comes(t, w)
		if at, _ := c.opens(c.back(c.sends("/login", nil))); at != "/home" {
			t.Fatalf("logged in at %s", at)
		}
		counted := func() int64 {
			t.Helper()
			all, err := w.store.Counts(t.Context())
			w.must(err)
			return all["gave-up"]
		}
		if _, text := c.opens(c.draws() + "&error=access_denied"); !strings.Contains(text, "carrier-declined") || counted() != 1 {
			t.Errorf("declined, %d counted: %s", counted(), text)
		}
		// What came to nothing is asked for under another transaction, and by its own draft.
		back := c.draws()
		c.provider.Who.Sub = "s2"
		if _, text := c.opens(back); !strings.Contains(text, "carrier-signature") {
			t.Errorf("signed by another person: %s", text)
		}
		c.provider.Who.Sub = "s1"
		if all, err := w.Lines(t.Context(), "s1"); err != nil || len(all) != 0 {
			t.Fatalf("%v, %v", all, err)
		}
		back = c.draws()
		if at, _ := c.opens(back); at != "/home" {
			t.Errorf("signed at %s", at)
		}
		for _, again := range []string{back, "/callback?code=x&state=y"} { // a reload; anything
			if at, _ := c.opens(again); at != "/home" {
				t.Errorf("%s again: at %s", again, at)
			}
		}
		w.passes(time.Minute)
		all, err := w.Lines(t.Context(), "s1")
		if err != nil || len(all) != 1 || all[0].State != carrier.Active {
			t.Fatalf("%+v, %v", all, err)
		}
		// A request about a line leads back to it.
		_, text := c.sends("/lines/"+all[0].ID+"/change/reissue", nil)
		if m := draftShown.FindStringSubmatch(text); m == nil {
			t.Errorf("no request is shown: %s", text)
		} else if at, _ := c.opens(c.back(c.sends("/check", url.Values{"draft": {m[1]}}))); at != "/lines/"+all[0].ID {
			t.Errorf("signed at %s", at)
		}
		if !w.line("s1", all[0].ID).Waits() {
			t.Error("nothing was asked for")
		}
		if at, _ := c.sends("/leave", nil); at != "/" {
			t.Errorf("left at %s", at)
		}
		if at, _ := c.opens("/home"); at != "/" {
			t.Errorf("after it at %s", at)
		}
	})
}
