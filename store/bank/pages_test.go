package bank_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/services/bank"
	"tegata/services/relying"
	"tegata/services/relying/relyingtest"
)

// counter is the bank's site with a browser before it.
type counter struct {
	*pair
	provider *relyingtest.Provider
	site     *httptest.Server
	browser  *http.Client
}

func eachCounter(t *testing.T, body func(*testing.T, *counter)) {
	eachPair(t, func(t *testing.T, p *pair) {
		c := &counter{pair: p, provider: &relyingtest.Provider{Who: person("s1", hanako)}}
		h, err := bank.NewHandler(bank.Options{Bank: p.Bank, Party: c.provider, Keys: public(p.bankKey), Origin: "http://bank", Sandbox: true, Now: func() time.Time { return p.now }})
		if err != nil {
			t.Fatal(err)
		}
		c.site = httptest.NewServer(h.Routes())
		t.Cleanup(c.site.Close)
		c.browser = newBrowser(t)
		body(t, c)
	})
}

// newBrowser has no cookie, and follows nothing by itself.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func person(sub string, a bank.Attributes) relying.Person {
	return relying.Person{Sub: sub, SID: "sid-" + sub, Claims: relying.Claims{Name: a.Name, Birthdate: a.Birthdate, Gender: a.Gender, Address: relying.Address{Formatted: a.Address}}}
}

// answer is what a browser gets.
type answer struct {
	status   int
	location string
	refresh  string
	text     string
}

func (c *counter) do(method, path string, form url.Values) answer {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := c.browser.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("Location"), res.Header.Get("Refresh"), string(text)}
}

var (
	stateOf = regexp.MustCompile(`state=(\w+)`)
	draftOf = regexp.MustCompile(`name="draft" value="(\w+)"`)
)

// back is what the provider would have the browser bring back now.
func (c *counter) back() string {
	c.t.Helper()
	m := stateOf.FindStringSubmatch(c.do("GET", "/go", nil).refresh)
	if m == nil {
		c.t.Fatal("the browser is led nowhere")
	}
	return "/callback?code=x&state=" + m[1]
}

func (c *counter) enters(form url.Values) answer {
	c.t.Helper()
	c.do("POST", "/login", form)
	return c.do("GET", c.back(), nil)
}

// draws has whoever is in draw an application, and returns its id.
func (c *counter) draws() string {
	c.t.Helper()
	c.do("POST", "/apply", url.Values{"occupation": {"employee"}, "purpose": {"saving"}})
	m := draftOf.FindStringSubmatch(c.do("GET", "/check", nil).text)
	if m == nil {
		c.t.Fatal("no application is shown")
	}
	return m[1]
}

func TestNothingOfOnePersonIsShownToTheNext(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person("s5", hanako)
		if a := c.enters(nil); a.location != "/home" {
			t.Fatal(a)
		}
		c.draws()
		// Somebody presses "log in" on a page that was left open.
		taro := bank.Attributes{Name: "手形　太郎", Address: "東京都", Birthdate: "1979-11-03", Gender: "male"}
		c.provider.Who = person("s6", taro)
		c.enters(nil)
		if a := c.do("GET", "/check", nil); a.location != "/home" || strings.Contains(a.text, hanako.Name) {
			t.Errorf("the next one sees it: %d %s", a.status, a.text)
		}
		if a := c.do("GET", "/home", nil); !strings.Contains(a.text, taro.Name) {
			t.Errorf("%d %s", a.status, a.text)
		}
	})
}

func TestAStrangersLinkUsesNothingUp(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.do("POST", "/login", nil)
		back := c.back()
		for _, q := range []string{"?code=x&state=y", "?code=x", "?error=access_denied&state=", ""} {
			if a := c.do("GET", "/callback"+q, nil); a.status != 403 || !strings.Contains(a.text, "bank-answer") {
				t.Errorf("%s: %d", q, a.status)
			}
		}
		if a := c.do("GET", back, nil); a.location != "/home" {
			t.Errorf("the real answer after it: %d %s", a.status, a.location)
		}
		for range 2 { // reload, and the way back
			if a := c.do("GET", back, nil); a.location != "/home" {
				t.Errorf("again: %d %s", a.status, a.location)
			}
		}
	})
}

func TestWhatIsSignedIsWhatWasShown(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person("s5", hanako)
		c.enters(nil)
		first := c.draws()
		second := c.draws() // in another tab
		if a := c.do("POST", "/check", url.Values{"draft": {first}}); a.location != "/check" || len(c.provider.Keys) != 0 {
			t.Errorf("the first tab has the second's application signed: %d %s", a.status, a.location)
		}
		for range 2 { // a double click
			c.do("POST", "/check", url.Values{"draft": {second}})
		}
		if len(c.provider.Keys) != 2 || c.provider.Keys[0] != c.provider.Keys[1] || !strings.Contains(string(c.provider.Content), bank.Reference(second)) {
			t.Errorf("brought as %v", c.provider.Keys)
		}
		// The answer is lost on the way: the next try is another transaction, or it would be refused for ever.
		c.provider.Lost = errors.New("no line")
		if a := c.do("GET", c.back(), nil); a.status < 500 {
			t.Errorf("%d", a.status)
		}
		if a := c.do("GET", "/applications/"+second, nil); a.status < 500 {
			t.Errorf("the receipt of what was lost: %d", a.status)
		}
		c.provider.Lost = nil
		c.do("POST", "/check", url.Values{"draft": {second}})
		if k := c.provider.Keys; k[2] == k[1] {
			t.Error("tried again under a used key")
		}
		if a := c.do("GET", c.back(), nil); a.location != "/applications/"+second {
			t.Errorf("%d %s", a.status, a.location)
		}
		if a := c.do("GET", "/applications/"+second, nil); a.status != 200 || strings.Contains(a.text, hanako.Name) {
			t.Errorf("the receipt: %d %s", a.status, a.text)
		}
		// All of it is theirs to see, and nobody else's.
		if a := c.do("GET", "/received/"+second+"/application.txt", nil); a.text != string(c.provider.Content) {
			t.Errorf("%d %s", a.status, a.text)
		}
		if a := c.do("GET", "/received/"+second+"/application.txt.p7s", nil); a.text != "cms" {
			t.Errorf("%d %s", a.status, a.text)
		}
		for _, path := range []string{"/received/" + second + "/other", "/received/a1/application.txt", "/received/none/application.txt"} {
			if a := c.do("GET", path, nil); a.status != 404 {
				t.Errorf("%s: %d", path, a.status)
			}
		}
	})
}

// Who moved is told so, and the way on; the application is there when they come back.
func TestWhoMovedIsToldWhyNothingIsSigned(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.provider.Who = person("s5", hanako)
		for why, code := range map[string]string{"certificate-data-changed: The signature certificate ended.": "bank-data-changed", "": "bank-declined"} {
			c.enters(nil)
			draft := c.draws()
			c.do("POST", "/check", url.Values{"draft": {draft}})
			back, _, _ := strings.Cut(c.back(), "?")
			_, state, _ := strings.Cut(c.back(), "state=")
			state, _, _ = strings.Cut(state, "&")
			a := c.do("GET", back+"?"+url.Values{"error": {"access_denied"}, "error_description": {why}, "state": {state}}.Encode(), nil)
			if a.status != 403 || !strings.Contains(a.text, code) {
				t.Errorf("%q: %d, want %s: %s", why, a.status, code, a.text)
			}
			if a := c.do("GET", "/check", nil); !strings.Contains(a.text, draft) {
				t.Errorf("%q: the application is gone: %d", why, a.status)
			}
		}
	})
}

func TestAMandateOverThePages(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		c.asks(mandateID, hanako)
		if a := c.do("GET", "/mandates/"+mandateID, nil); !strings.Contains(a.text, `name="mandate" value="`+mandateID) || strings.Contains(a.text, hanako.Name) {
			t.Fatalf("to a stranger: %d %s", a.status, a.text)
		}
		other := hanako
		other.Address = "大阪府"
		c.provider.Who = person("s2", other)
		if a := c.enters(url.Values{"mandate": {mandateID}}); a.location != "/mandates/"+mandateID {
			t.Fatalf("%d %s", a.status, a.location)
		}
		// Another person looks: refused, and nothing is lost for the one whom it is about.
		if a := c.do("GET", "/mandates/"+mandateID, nil); !strings.Contains(a.text, "bank-holder") || strings.Contains(a.text, hanako.Address) {
			t.Errorf("to another person: %d %s", a.status, a.text)
		}
		if a := c.do("POST", "/mandates/"+mandateID, nil); a.location != "/mandates/"+mandateID {
			t.Errorf("permitted by another person: %d %s", a.status, a.location)
		}
		c.provider.Who = person("s1", hanako)
		c.enters(url.Values{"mandate": {mandateID}})
		if a := c.do("GET", "/mandates/"+mandateID, nil); a.status != 200 || !strings.Contains(a.text, "30,000円") {
			t.Fatalf("%d %s", a.status, a.text)
		}
		c.do("POST", "/mandates/"+mandateID, nil)
		a := c.do("GET", c.back(), nil)
		if !strings.HasPrefix(a.location, "http://pay/bank/return?code=") || !strings.Contains(a.location, "mandate="+mandateID) {
			t.Fatalf("%d %s", a.status, a.location)
		}
		u, err := url.Parse(a.location)
		if err != nil {
			t.Fatal(err)
		}
		if status, code, _ := c.redeems(mandateID, u.Query().Get("code")); status != 200 {
			t.Errorf("%d %s", status, code)
		}
		if a := c.do("GET", "/mandates", nil); !strings.Contains(a.text, "引き落とせます。") {
			t.Errorf("%s", a.text)
		}
		for range 2 {
			if a := c.do("POST", "/mandates/"+mandateID+"/end", nil); a.location != "/mandates" {
				t.Errorf("%d %s", a.status, a.location)
			}
		}
		if len(c.told) != 1 {
			t.Errorf("told %v", c.told)
		}

		second := mandateID + "-2"
		c.asks(second, hanako)
		c.do("GET", "/mandates/"+second, nil)
		if a := c.do("POST", "/mandates/"+second+"/decline", nil); a.location != "/go" {
			t.Errorf("%d %s", a.status, a.location)
		}
		if a := c.do("GET", "/go", nil); !strings.Contains(a.refresh, "error=declined") {
			t.Errorf("led to %s", a.refresh)
		}
	})
}

func TestTheSandboxsCashMachine(t *testing.T) {
	eachCounter(t, func(t *testing.T, c *counter) {
		if a := c.do("POST", "/account", url.Values{"amount": {"50000"}, "key": {mandateID}}); a.location != "/" {
			t.Errorf("for a stranger: %d %s", a.status, a.location)
		}
		c.enters(nil)
		for range 2 { // a double click
			c.do("POST", "/account", url.Values{"amount": {"50000"}, "key": {mandateID}})
		}
		if n := c.balance(); n != 50_000 {
			t.Errorf("balance %d", n)
		}
		for _, form := range []url.Values{{"amount": {"0"}, "key": {mandateID}}, {"amount": {"1000000"}, "key": {mandateID}}, {"amount": {"x"}, "key": {mandateID}}, {"amount": {"5"}, "key": {"k"}}} {
			c.do("POST", "/account", form)
			if n := c.balance(); n != 50_000 {
				t.Errorf("%v: balance %d", form, n)
			}
		}
		if a := c.do("POST", "/close", nil); a.location != "/account" {
			t.Errorf("closed with money in it: %d %s", a.status, a.location)
		}
		if a := c.do("GET", "/account", nil); !strings.Contains(a.text, "bank-not-empty") || !strings.Contains(a.text, "50,000円") {
			t.Errorf("%s", a.text)
		}
		if a := c.do("POST", "/v1/logout", url.Values{"logout_token": {"bad"}}); a.status != 400 {
			t.Errorf("%d", a.status)
		}
		if a := c.do("POST", "/v1/logout", url.Values{"logout_token": {"good"}}); a.status != 200 {
			t.Errorf("%d", a.status)
		}
		if a := c.do("GET", "/home", nil); a.location != "/" {
			t.Errorf("after the provider's logout: %d %s", a.status, a.location)
		}
	})
}
