package relying_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/services/relying"
	"tegata/services/relying/relyingtest"
)

// shop is a service with the least that a service has: one document to sign, and a page for
// whoever is logged in.
type shop struct {
	t        *testing.T
	provider *shopProvider
	pages    *relying.Pages[basket]
	site     *httptest.Server
	browser  *http.Client
	got      []string // what the shop was told, in its order
	signs    string   // what the document says
}

// basket is what the shop's sessions keep.
type basket struct{ From, Awaits string }

// shopProvider is the stand-in, with what goes wrong at a provider.
type shopProvider struct {
	relyingtest.Provider
	refuses error // what Begin says to a signature
	away    bool  // a logout token cannot be checked
	asked   []relying.Request
}

func (p *shopProvider) Begin(ctx context.Context, q relying.Request) (relying.Login, string, error) {
	p.asked = append(p.asked, q)
	if q.Transaction != "" && p.refuses != nil {
		return relying.Login{}, "", p.refuses
	}
	return p.Provider.Begin(ctx, q)
}

func (p *shopProvider) ReadLogout(ctx context.Context, token string) (relying.Ended, error) {
	if p.away {
		return relying.Ended{}, relying.ErrProvider
	}
	return p.Provider.ReadLogout(ctx, token)
}

// words are the shop's.
var words = relying.Words{Declined: said("shop-declined"), Answer: said("shop-answer"), Signature: said("shop-signature"), Provider: said("shop-provider")}

func said(code string) *problem.Problem {
	return problem.NewRefused(403, code, "だめでした。", "もう一度。", "No.", "Again.")
}

func opens(t *testing.T, change func(*relying.PagesConfig[basket])) *shop {
	t.Helper()
	s := &shop{t: t, provider: &shopProvider{Provider: relyingtest.Provider{Who: relying.Person{Sub: "hanako", SID: "1", Claims: relying.Claims{Name: "手形 花子"}}}}, signs: "one"}
	text := func(json string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(json)} }
	c := relying.PagesConfig[basket]{
		Client: s.provider, Party: ui.Party{ID: "shop", Name: ui.Text{JA: "みせ", EN: "Shop"}, Mark: "bank"}, Now: time.Now,
		HTML: fstest.MapFS{"ja.json": text(`{"start":"はじめへ"}`), "en.json": text(`{"start":"To the start"}`),
			"go.html": text(`{{define "title"}}x{{end}}{{define "main"}}<a href="{{.}}">x</a>{{end}}`)},
		Facts: []string{"name", "address"}, SignFacts: []string{"name"}, Start: "start",
		Trouble: func(w http.ResponseWriter, err error) *ui.Trouble { return ui.TroubleOf(w, words.Of(err)) },
		Leads:   func(v relying.Session[basket]) ui.Screen { return ui.Screen{Page: "go", Data: v.To} },
		Awaits: func(v relying.Session[basket]) (relying.Awaited, bool) {
			return relying.Awaited{Content: []byte(v.Keeps.Awaits), At: "/outcome", Receive: func(_ context.Context, login relying.Claims, signed relying.Signed) (string, error) {
				s.got = append(s.got, fmt.Sprintf("%s signed by %s for %s", signed.Verdict, login.Name, v.Sub))
				return "/signed", nil
			}}, v.Keeps.Awaits != ""
		},
		Settled: func(k *basket, err error) { k.Awaits = "" },
		GaveUp:  func(context.Context) error { s.got = append(s.got, "gave up"); return nil },
		Asked:   func(r *http.Request) basket { return basket{From: r.PostFormValue("from")} },
	}
	if change != nil {
		change(&c)
	}
	var err error
	if s.pages, err = relying.NewPages(c); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.pages.Mount(mux)
	mux.HandleFunc("GET /home", s.pages.LoggedIn(func(w http.ResponseWriter, _ *http.Request, _ string, v relying.Session[basket]) {
		fmt.Fprintf(w, "%s from %q, last at %q busy %t trouble %t", v.Sub, v.Keeps.From, v.Taken.To, v.Taken.Busy, v.Taken.Trouble != nil)
	}))
	mux.HandleFunc("POST /sign", s.pages.LoggedIn(func(w http.ResponseWriter, r *http.Request, token string, v relying.Session[basket]) {
		s.pages.Sign(w, r, token, v, relying.Document{Content: []byte(s.signs), Facts: []string{"address"}}, func(k *basket) { k.Awaits = s.signs })
	}))
	s.site = httptest.NewServer(mux)
	t.Cleanup(s.site.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return s
}

// at is one request of the browser: its status, where it is led, and what it reads.
func (s *shop) at(method, path string, form url.Values) (status int, to, text string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.site.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	if refresh, led := strings.CutPrefix(res.Header.Get("Refresh"), "0; url="); led {
		return res.StatusCode, refresh, string(body)
	}
	return res.StatusCode, res.Header.Get("Location"), string(body)
}

// leads presses what leads to the provider, and returns what the provider would have the
// browser bring back.
func (s *shop) leads(path string, form url.Values) string {
	s.t.Helper()
	if status, to, text := s.at("POST", path, form); to != "/go" {
		s.t.Fatalf("%s: %d %s %s", path, status, to, text)
	}
	_, to, _ := s.at("GET", "/go", nil)
	_, state, ok := strings.Cut(to, relyingtest.Origin+"/authorize?state=")
	if !ok {
		s.t.Fatalf("%s leads to %q", path, to)
	}
	return "/callback?code=x&state=" + state
}

func (s *shop) isAt(method, path string, want string) {
	s.t.Helper()
	if status, to, text := s.at(method, path, nil); to != want {
		s.t.Errorf("%s %s: %d, led to %q instead of %q: %s", method, path, status, to, want, text)
	}
}

func (s *shop) reads(path string, status int, want string) {
	s.t.Helper()
	if got, to, text := s.at("GET", path, nil); got != status || !strings.Contains(text, want) {
		s.t.Errorf("%s: %d, led to %q, without %q: %s", path, got, to, want, text)
	}
}

func TestTheWayThereAndBack(t *testing.T) {
	s := opens(t, nil)
	s.isAt("GET", "/home", "/")
	s.isAt("GET", "/go", "/home") // nothing leads anywhere
	back := s.leads("/login", url.Values{"from": {"window"}})
	if q := s.provider.asked[0]; q.ACR != "r2" || !slices.Equal(q.Scopes, []string{"name", "address"}) {
		t.Errorf("asked for %+v", q)
	}
	for _, strange := range []string{"?code=x&state=y", "?error=access_denied&state=", ""} {
		s.reads("/callback"+strange, 403, "shop-answer")
	}
	s.isAt("GET", back, "/home")
	s.reads("/home", 200, `hanako from ""`) // nothing goes on that the service does not say
	for range 2 {                           // a reload, and the way back
		s.isAt("GET", back, "/home")
	}
	s.isAt("POST", "/leave", "/")
	s.isAt("GET", "/home", "/")
	s.reads("/nowhere", 404, "no-such-page")
	s.reads("/nowhere", 404, "はじめへ")
}

func TestWhoArrivesIsTheServicesToReceive(t *testing.T) {
	away := errors.New("no line")
	for name, c := range map[string]struct {
		err        error
		status     int
		led, shows string
	}{
		"with a way on": {nil, http.StatusSeeOther, "/from/window", `hanako from "window"`},
		// The person is in all the same, with what the service let go on.
		"with an error": {away, http.StatusInternalServerError, "", `hanako from "window"`},
	} {
		s := opens(t, func(c2 *relying.PagesConfig[basket]) {
			c2.Arrived = func(_ context.Context, who *relying.Person, before relying.Session[basket], now *relying.Session[basket]) (string, error) {
				now.Keeps = before.Keeps
				return "/from/" + before.Keeps.From, c.err
			}
		})
		if status, to, text := s.at("GET", s.leads("/login", url.Values{"from": {"window"}}), nil); status != c.status || to != c.led {
			t.Errorf("%s: %d %q %s", name, status, to, text)
		}
		s.reads("/home", 200, c.shows)
	}
}

func TestWhatIsSignedIsReceivedOnce(t *testing.T) {
	s := opens(t, nil)
	s.isAt("GET", s.leads("/login", nil), "/home")
	s.leads("/sign", nil)
	back := s.leads("/sign", nil) // a double click
	if q := s.provider.asked[2]; q.ACR != "r3" || !slices.Equal(q.Scopes, []string{"sign", "name", "address"}) || q.Transaction == "" {
		t.Errorf("asked for %+v", q)
	}
	if k := s.provider.Keys; k[0] != k[1] {
		t.Errorf("a double click brought it as %v", k)
	}
	s.isAt("GET", back, "/signed")
	s.isAt("GET", back, "/home")
	if !slices.Equal(s.got, []string{"passed signed by 手形 花子 for hanako"}) {
		t.Errorf("%v", s.got)
	}
	s.reads("/home", 200, `last at "/signed" busy false trouble false`)
}

func TestASignatureThatCameToNothing(t *testing.T) {
	for name, c := range map[string]struct {
		happens    func(*shop)
		more, code string
		counted    bool
	}{
		"declined":                {func(*shop) {}, "&error=access_denied", "shop-declined", true},
		"refused":                 {func(*shop) {}, "&error=invalid_request", "shop-provider", false},
		"by another person":       {func(s *shop) { s.provider.Who.Sub = "taro" }, "", "shop-signature", false},
		"of another document":     {func(s *shop) { s.provider.Content = []byte("two") }, "", "shop-answer", false},
		"the provider is away":    {func(s *shop) { s.provider.Lost = relying.ErrProvider }, "", "shop-provider", false},
		"something is the matter": {func(s *shop) { s.provider.Lost = errors.New("no line") }, "", "internal", false},
	} {
		s := opens(t, nil)
		s.isAt("GET", s.leads("/login", nil), "/home")
		back := s.leads("/sign", nil)
		c.happens(s)
		if status, _, text := s.at("GET", back+c.more, nil); status < 400 || !strings.Contains(text, c.code) {
			t.Errorf("%s: %d without %s: %s", name, status, c.code, text)
		}
		if c.counted != slices.Equal(s.got, []string{"gave up"}) || !c.counted && len(s.got) > 0 {
			t.Errorf("%s: the shop was told %v", name, s.got)
		}
		s.reads("/home", 200, `hanako from "", last at "/outcome" busy false trouble true`)
		// The next try is another transaction, or it would be refused for ever.
		s.leads("/sign", nil)
		if k := s.provider.Keys; k[0] == k[1] {
			t.Errorf("%s: tried again under a used key", name)
		}
	}
}

// A provider that knows a transaction as used, of which no answer ever came here, gets another.
func TestATransactionThatIsUsedUp(t *testing.T) {
	s := opens(t, nil)
	s.isAt("GET", s.leads("/login", nil), "/home")
	s.leads("/sign", nil)
	s.provider.refuses = &relying.RefusedError{Code: "invalid_request"}
	s.isAt("POST", "/sign", "/trouble")
	s.reads("/trouble", 403, "shop-provider")
	s.provider.refuses = nil
	s.isAt("GET", s.leads("/sign", nil), "/signed")
	if k := s.provider.Keys; k[0] != k[1] || k[1] == k[2] {
		t.Errorf("brought as %v", k)
	}
}

// While a signature is received, whoever asks for the answer's address again is told where it
// will be shown, and a service says what becomes of an answer to nothing.
func TestAnAnswerThatIsAskedForTwice(t *testing.T) {
	var s *shop
	var back, during string
	s = opens(t, func(c *relying.PagesConfig[basket]) {
		c.Again = func(v relying.Session[basket]) (string, error) {
			if v.Login.State != "" {
				return "", relying.ErrNotAsked
			}
			return v.Taken.To, nil
		}
		c.Awaits = func(relying.Session[basket]) (relying.Awaited, bool) {
			return relying.Awaited{Content: []byte("one"), At: "/outcome", Receive: func(context.Context, relying.Claims, relying.Signed) (string, error) {
				_, during, _ = s.at("GET", back, nil)
				s.reads("/home", 200, `last at "/outcome" busy true trouble false`)
				return "/signed", nil
			}}, true
		}
	})
	s.isAt("GET", s.leads("/login", nil), "/home")
	back = s.leads("/sign", nil)
	s.reads("/callback?code=x&state=y", 403, "shop-answer")
	s.isAt("GET", back, "/signed")
	if during != "/outcome" {
		t.Errorf("meanwhile the second is led to %q", during)
	}
	s.isAt("GET", back, "/signed")
}

func TestNothingIsReceivedThatNothingAwaits(t *testing.T) {
	s := opens(t, func(c *relying.PagesConfig[basket]) {
		c.Awaits = func(relying.Session[basket]) (relying.Awaited, bool) { return relying.Awaited{}, false }
	})
	s.isAt("GET", s.leads("/login", nil), "/home")
	s.reads(s.leads("/sign", nil), 403, "shop-answer")
}

// OpenID Connect Back-Channel Logout 1.0, section 2.8.
func TestTheProviderLogsOut(t *testing.T) {
	s := opens(t, nil)
	s.isAt("GET", s.leads("/login", nil), "/home")
	for _, c := range []struct {
		token string
		away  bool
		want  int
	}{{"bad", false, 400}, {"good", true, 503}} {
		s.provider.away = c.away
		if status, _, _ := s.at("POST", "/v1/logout", url.Values{"logout_token": {c.token}}); status != c.want {
			t.Errorf("%+v: %d", c, status)
		}
		s.reads("/home", 200, "hanako")
	}
	s.provider.away = false
	if status, _, _ := s.at("POST", "/v1/logout", url.Values{"logout_token": {"good"}}); status != 200 {
		t.Errorf("%d", status)
	}
	s.isAt("GET", "/home", "/")
}
