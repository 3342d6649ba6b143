package pay_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/ui"
	"tegata/services/pay"
	"tegata/services/relying"
	"tegata/services/relying/relyingtest"
)

func person(sub string, a pay.Attributes) relying.Person {
	return relying.Person{Sub: sub, SID: "sid-" + sub, Claims: relying.Claims{Name: a.Name, Birthdate: a.Birthdate, Gender: a.Gender, Address: relying.Address{Formatted: a.Address}}}
}

// pages is the wallet's site with a browser in front of it.
type pages struct {
	*world
	t        *testing.T
	site     *httptest.Server
	provider *relyingtest.Provider
	browser  *http.Client
}

func opens(t *testing.T, w *world) *pages {
	p := &pages{world: w, t: t, provider: &relyingtest.Provider{Who: person("s1", hanako)}}
	h, err := pay.NewHandler(pay.Options{Pay: w.Pay, Party: p.provider, Bank: ui.Text{JA: "手形銀行", EN: "Tegata Bank"}, Key: &w.bank.payer.PublicKey, KeyID: "k1", Sandbox: true, Now: func() time.Time { return w.now }})
	if err != nil {
		t.Fatal(err)
	}
	p.site = httptest.NewServer(h.Routes())
	t.Cleanup(p.site.Close)
	p.browser = p.another()
	return p
}

func (p *pages) another() *http.Client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		p.t.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// get and post return the page that came of it, whose path, and its status.
func (p *pages) get(path string) (status int, at, body string) {
	p.t.Helper()
	return p.answer(p.browser.Get(p.site.URL + path))
}

func (p *pages) post(path string, form url.Values) (status int, at, body string) {
	p.t.Helper()
	return p.answer(p.browser.PostForm(p.site.URL+path, form))
}

func (p *pages) answer(res *http.Response, err error) (int, string, string) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return res.StatusCode, res.Request.URL.RequestURI(), string(body)
}

// through goes to the provider whose address the page names, and comes back.
func (p *pages) through(body string) (int, string, string) {
	p.t.Helper()
	m := regexp.MustCompile(`authorize\?state=([A-Z0-9]+)`).FindStringSubmatch(body)
	if m == nil {
		p.t.Fatalf("no way to the provider on %s", body)
	}
	return p.get("/callback?state=" + m[1])
}

func (p *pages) in() {
	p.t.Helper()
	_, _, body := p.post("/login", nil)
	if _, at, _ := p.through(body); at != "/home" {
		p.t.Fatalf("logged in at %s", at)
	}
}

func (p *pages) signUp() {
	p.t.Helper()
	p.in()
	if _, at, body := p.get("/terms"); at != "/terms" || !strings.Contains(body, "1回50,000円") {
		p.t.Fatalf("%s: %s", at, body)
	}
	p.post("/terms", nil)
	_, _, body := p.post("/terms", nil) // a double click
	if _, at, home := p.through(body); at != "/home" || !strings.Contains(home, "残高") {
		p.t.Fatalf("signed at %s: %s", at, home)
	}
}

// toBank begins a link and returns the state and the id that the bank was given.
func (p *pages) toBank() asked {
	p.t.Helper()
	_, _, body := p.post("/link", url.Values{"once": {"20000"}, "day": {"50000"}})
	_, at, body := p.through(body)
	m := regexp.MustCompile(regexp.QuoteMeta(p.bank.server.URL) + `/mandates/([A-Z0-9]+)`).FindStringSubmatch(body)
	if at != "/go" || m == nil {
		p.t.Fatalf("at %s: %s", at, body)
	}
	return p.bank.asked[m[1]]
}

func TestSigningUpOnThePages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		for _, path := range []string{"/home", "/accounts", "/charge", "/history", "/ledger.csv", "/settings"} {
			if _, at, _ := p.get(path); at != "/" {
				t.Errorf("a stranger at %s is at %s", path, at)
			}
		}
		p.in()
		if _, at, _ := p.get("/charge"); at != "/home" {
			t.Errorf("without a wallet at %s", at)
		}
		p.get("/terms")
		_, _, body := p.post("/terms", nil)
		m := regexp.MustCompile(`authorize\?state=([A-Z0-9]+)`).FindStringSubmatch(body)
		if status, _, body := p.get("/callback?error=access_denied&state=" + m[1]); status != 403 || !strings.Contains(body, "pay-declined") {
			t.Errorf("declined: %d %s", status, body)
		}
		p.browser = p.another()
		p.signUp()
		if _, at, _ := p.get("/callback?state=x"); at != "/home" { // a reload
			t.Errorf("again: %s", at)
		}
		if status, _, body := p.get("/terms"); status != 409 || !strings.Contains(body, "pay-second") {
			t.Errorf("a second wallet: %d", status)
		}
		if _, _, body := p.get("/received"); !strings.Contains(body, hanako.Name) || !strings.Contains(body, "7年") {
			t.Error("the record is not shown")
		}
		if _, _, terms := p.get("/received/terms.txt"); !strings.Contains(terms, "生年月日："+ui.Date(ui.JA, hanako.Born())) {
			t.Errorf("what was signed: %q", terms)
		}
		if status, _, signature := p.get("/received/terms.txt.p7s"); status != 200 || signature == "" {
			t.Errorf("its signature: %d", status)
		}
		if status, _, _ := p.get("/received/other.txt"); status != 404 {
			t.Errorf("another file: %d", status)
		}
		if status, _, _ := p.post("/v1/logout", url.Values{"logout_token": {"bad"}}); status != 400 {
			t.Errorf("a bad logout token: %d", status)
		}
		p.post("/v1/logout", url.Values{"logout_token": {"good"}})
		for _, mine := range []string{"/home", "/received/terms.txt"} {
			if _, at, _ := p.get(mine); at != "/" {
				t.Errorf("logged out at %s", at)
			}
		}
	})
}

func TestLinkingOnThePages(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		p.signUp()
		if _, at, body := p.post("/link", url.Values{"once": {"20000"}, "day": {"10000"}}); at != "/link" || !strings.Contains(body, "pay-amount") {
			t.Errorf("at %s", at)
		}
		a := p.toBank()
		back := "/bank/return?mandate=" + a.ID + "&code=code-" + a.ID
		if status, _, body := p.get(back + "&state=" + a.ID); status != 403 || !strings.Contains(body, "pay-return") {
			t.Errorf("a wrong state: %d", status)
		}
		mine := p.browser
		p.browser = p.another() // the same person in another browser
		p.in()
		if status, _, body := p.get(back + "&state=" + a.State); status != 403 || !strings.Contains(body, "pay-return") {
			t.Errorf("another browser: %d", status)
		}
		p.browser = mine
		w.bank.down = true
		status, _, body := p.get(back + "&state=" + a.State)
		if status != 502 || !strings.Contains(body, "確認できませんでした") || !strings.Contains(body, "もう一度確かめる") {
			t.Errorf("the bank out of reach: %d %s", status, body)
		}
		w.bank.down = false
		for range 2 { // and a reload
			_, at, body := p.get(back + "&state=" + a.State)
			if at != "/accounts/"+a.ID || !strings.Contains(body, "•••0001") || !strings.Contains(body, "はじめの24時間は、合わせて10,000円まで") {
				t.Errorf("at %s: %s", at, body)
			}
		}
		w.bank.account = ken // AT-B06
		a = p.toBank()
		_, at, body := p.get("/bank/return?mandate=" + a.ID + "&code=code-" + a.ID + "&state=" + a.State)
		if at != "/accounts/"+a.ID || !strings.Contains(body, "名義人が、あなたと一致しません") || strings.Contains(body, ken.Name) {
			t.Errorf("at %s: %s", at, body)
		}
		a = p.toBank()
		if _, _, body := p.get("/bank/return?mandate=" + a.ID + "&error=no_account&state=" + a.State); !strings.Contains(body, "銀行に、あなたの口座がありません") {
			t.Error(body)
		}
		w.bank.down = true
		_, _, body = p.post("/link", url.Values{"once": {"20000"}, "day": {"50000"}})
		if status, _, body := p.through(body); status != 502 || !strings.Contains(body, "確認できませんでした") {
			t.Errorf("the bank out of reach: %d %s", status, body)
		}
	})
}

// Whoever comes back from a login is whom its session is about: nothing that another person
// began goes on.
func TestAnotherPersonComesBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		p.signUp()
		p.provider.Who = person("s2", ken)
		_, _, body := p.post("/link", url.Values{"once": {"20000"}, "day": {"50000"}})
		if _, at, body := p.through(body); at != "/home" || !strings.Contains(body, ken.Name) || len(w.bank.asked) != 0 {
			t.Errorf("at %s, asked %v", at, w.bank.asked)
		}
		p.provider.Who = person("s1", hanako)
		p.browser = p.another()
		p.in()
		a := p.toBank()
		p.provider.Who = person("s2", ken)
		_, _, body = p.post("/login", nil)
		p.through(body)
		if status, _, _ := p.get("/bank/return?mandate=" + a.ID + "&code=code-" + a.ID + "&state=" + a.State); status != 403 {
			t.Errorf("status %d", status)
		}
	})
}

func TestTheBanksDoor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		p := opens(t, w)
		p.signUp()
		a := p.toBank()
		p.get("/bank/return?mandate=" + a.ID + "&code=code-" + a.ID + "&state=" + a.State)
		send := func(letter string) int {
			body, _ := json.Marshal(map[string]string{"letter": letter})
			res, err := http.Post(p.site.URL+"/v1/mandate-ended", "application/json", strings.NewReader(string(body)))
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			return res.StatusCode
		}
		if got := send("x"); got != 401 {
			t.Errorf("nonsense: %d", got)
		}
		for range 2 {
			if got := send(w.bank.letter("mandate-ended+jwt", map[string]any{"id": a.ID, "at": w.now})); got != 200 {
				t.Errorf("status %d", got)
			}
		}
		if _, _, body := p.get("/accounts/" + a.ID); !strings.Contains(body, "銀行の側で終わりました") {
			t.Error(body)
		}
		if status, _, body := p.get("/v1/keys"); status != 200 || !strings.Contains(body, `"k1"`) || strings.Contains(body, `"d"`) {
			t.Errorf("keys: %d %s", status, body)
		}
	})
}
