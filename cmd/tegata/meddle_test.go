package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/sandbox"
)

// meddled is a neighbourhood where somebody sits on the line between phone and
// verifier, and one of whose parties is a stranger.
type meddled struct {
	*neighbourhood
	stranger identity
	proxied  string // the verifier, as seen through another address
	change   atomic.Pointer[func(path, answer string) string]
	taro     string // the file of secrets of whose phone it is
	phone    string // which that is; "taro-phone" until it is another
	t        *testing.T
}

// meddle shows that a phone refuses what was not asked as registered, whoever
// brings it, and that the next real login works all the same.
func (s *streets) meddle(t *testing.T) {
	m := s.meddled(t)
	signed := func(who *identity, change func(*ceremony.Request)) func(path, answer string) string {
		return func(path, answer string) string {
			if !strings.HasPrefix(path, "/r/") {
				return answer
			}
			q := parsed(t, answer).Unverified()
			change(&q)
			compact, err := ceremony.SignRequest(who.signer, who.chain, q)
			if err != nil {
				t.Error(err)
			}
			return compact
		}
	}
	portal, answered := &m.portal.who, m.answered()
	cases := []struct {
		name   string
		change func(path, answer string) string
		link   func(string) string
		want   string
	}{
		{name: "a request that was edited on its way", want: "request-signature",
			change: edited("/r/", func(q map[string]any) { q["risk"] = "R2" })},
		{name: "more data than the portal registered", want: "not-as-registered",
			change: signed(portal, func(q *ceremony.Request) { q.Claims = []string{ceremony.ClaimName, ceremony.ClaimAddress} })},
		{name: "another sentence than the registered one", want: "not-as-registered",
			change: signed(portal, func(q *ceremony.Request) { q.Purpose.Sentence.JA = "本人確認のためです。" })},
		{name: "a party that is not registered", want: "party-not-registered",
			change: signed(&m.stranger, func(q *ceremony.Request) { q.Issuer = "stranger" })},
		{name: "a party that calls itself the portal", want: "not-as-registered",
			change: signed(&m.stranger, func(*ceremony.Request) {})},
		{name: "an answer address that is not the verifier's", want: "answer-address",
			change: signed(portal, func(q *ceremony.Request) { q.ResponseURI = m.proxied + "/v1/requests/" + q.ID + "/answer" })},
		{name: "a request for another verifier", want: "answer-address",
			change: signed(portal, func(q *ceremony.Request) { q.Audience = "elsewhere" })},
		{name: "a request whose time is over", want: "request-expired",
			change: signed(portal, func(q *ceremony.Request) { q.IssuedAt, q.Expires = q.IssuedAt-600, q.IssuedAt-1 })},
		{name: "a request that was answered before", want: "request-used",
			change: func(path, answer string) string {
				if strings.HasPrefix(path, "/r/") {
					return answered
				}
				return answer
			}},
		{name: "a registration that was edited on its way", want: "verifier-unknown",
			change: edited("/v1/parties/", func(r map[string]any) { r["mark"] = "🏦" })},
		{name: "a registration that a stranger signed", want: "verifier-unknown",
			change: func(path, answer string) string {
				if !strings.HasPrefix(path, "/v1/parties/") {
					return answer
				}
				r, err := ceremony.ParseRegistration(answer)
				if err == nil {
					answer, err = ceremony.SignRegistration(m.stranger.signer, m.stranger.chain, r.Unverified())
				}
				if err != nil {
					t.Error(err)
				}
				return answer
			}},
		{name: "a real request that somebody else passes on", want: "answer-address",
			link: func(link string) string {
				return strings.ReplaceAll(link, url.QueryEscape(m.settings.machine("verifier")), url.QueryEscape(m.proxied))
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m.t = t
			_, link := m.login()
			if c.link != nil {
				link = c.link(link)
			}
			if c.change != nil {
				m.change.Store(&c.change)
			}
			code, said := m.approve(link)
			m.change.Store(nil)
			if code != exitRefused || !strings.Contains(said, "("+c.want+")") {
				t.Errorf("exit %d, want %s:\n%s", code, c.want, said)
			}
			// Nothing is lost: no try, and the next login goes through.
			var phone phoneView
			m.ask("/v1/phones/taro-phone", &phone)
			if got := string(phone.Tries); !strings.Contains(got, `"pin":3`) {
				t.Errorf("tries left: %s", got)
			}
			browser, link := m.login()
			code, said = m.approve(link)
			if code != exitDone {
				t.Fatalf("the login after it: exit %d\n%s", code, said)
			}
			home := &bytes.Buffer{}
			m.must(browser.open(home, http.MethodGet, strings.TrimSpace(said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]), nil, nil))
			if !strings.Contains(home.String(), "/home\n") {
				t.Errorf("the login after it led to\n%s", home)
			}
		})
	}
	seen, err := newVisitor()
	m.must(err)
	history := &bytes.Buffer{}
	m.must(seen.open(history, http.MethodGet, m.settings.page("phone")+"/p/taro-phone/history", nil, nil))
	for _, c := range cases {
		if !strings.Contains(history.String(), "\n番号： "+c.want+"\n") {
			t.Errorf("%s (%s) is not in the history:\n%s", c.name, c.want, history)
		}
	}
}

// meddled starts a copy of the sandbox in this process.
func (s *streets) meddled(t *testing.T) *meddled {
	m := &meddled{t: t, phone: "taro-phone"}
	m.must(s.make())
	s.one.Lock()
	t.Cleanup(s.one.Unlock)
	dir := filepath.Join(t.TempDir(), "data")
	m.must(s.copyTo(dir))
	set, err := openSettings(dir)
	m.must(err)
	n, err := standardBuild(console{err: t.Output()}, false).openNeighbourhood(t.Context(), dir, set)
	m.must(err)
	m.neighbourhood = n
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- n.run(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatal(err)
	case <-time.After(60 * time.Second):
		t.Fatal("the neighbourhood does not get ready")
	}
	real := *n.doors["verifier"].built.Load()
	between := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { m.pass(w, r, real) })
	n.open("verifier", between)
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = set.listenAt("verifier")
		between.ServeHTTP(w, r)
	}))
	t.Cleanup(relay.Close)
	m.proxied = relay.URL

	room, err := n.openRoom(ctx, dir, "stranger", nil)
	m.must(err)
	party := profile.Party{ID: "stranger", Role: pki.RoleParty, Origins: []string{"http://stranger.localhost:1"}}
	m.stranger, err = certify(ctx, n.issuer.ca, room, "sign", party, n.clock.Now())
	m.must(err)

	_, own := n.secrets.Known("taro-phone")
	text, err := json.Marshal(sandbox.PhoneSecrets{PhoneAuthPIN: own.PhoneAuthPIN, PhoneSignaturePassword: own.PhoneSignaturePassword})
	m.must(err)
	m.taro = string(text)
	return m
}

// pass hands a request on and may change the answer's text.
func (m *meddled) pass(w http.ResponseWriter, r *http.Request, real http.Handler) {
	answer := httptest.NewRecorder()
	real.ServeHTTP(answer, r)
	text := answer.Body.String()
	if change := m.change.Load(); change != nil && answer.Code == http.StatusOK && r.Method == http.MethodGet {
		text = (*change)(r.URL.Path, text)
	}
	for name, values := range answer.Header() {
		if name != "Content-Length" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(answer.Code)
	io.WriteString(w, text)
}

// parsed reads a request that the verifier handed out.
func parsed(t *testing.T, compact string) *jws.Message[ceremony.Request] {
	m, err := ceremony.ParseRequest(strings.TrimSpace(compact))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// edited changes a signed message without its key.
func edited(prefix string, change func(map[string]any)) func(path, answer string) string {
	return func(path, answer string) string {
		if !strings.HasPrefix(path, prefix) {
			return answer
		}
		parts := strings.Split(strings.TrimSpace(answer), ".")
		var content map[string]any
		text, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err == nil {
			err = json.Unmarshal(text, &content)
		}
		if err != nil {
			return "not to be read: " + err.Error()
		}
		change(content)
		text, _ = json.Marshal(content) // what came from JSON goes into it
		parts[1] = base64.RawURLEncoding.EncodeToString(text)
		return strings.Join(parts, ".")
	}
}

func (m *meddled) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// login begins a login in a new browser and returns the link to the phone.
func (m *meddled) login() (*visitor, string) {
	m.t.Helper()
	v, err := newVisitor()
	m.must(err)
	m.must(v.open(io.Discard, http.MethodPost, m.settings.page("portal")+"/login", url.Values{"with": {"this"}}, nil))
	link, err := v.link("/open")
	m.must(err)
	return v, link
}

// approve is `tegata phone approve` of the registered phone.
func (m *meddled) approve(link string) (code int, said string) {
	out := &bytes.Buffer{}
	c := console{in: strings.NewReader(m.taro), out: out, err: out, getenv: func(string) string { return "" }}
	code = run(m.t.Context(), []string{"phone", "approve", m.phone, "-request", link, "-secrets", "-",
		"-street", m.settings.machine("street"), "-data", m.dir}, c)
	return code, out.String()
}

// answered is a request that was approved.
func (m *meddled) answered() string {
	var kept atomic.Pointer[string]
	keep := func(path, answer string) string {
		if strings.HasPrefix(path, "/r/") {
			kept.Store(&answer)
		}
		return answer
	}
	m.change.Store(&keep)
	_, link := m.login()
	code, said := m.approve(link)
	m.change.Store(nil)
	if code != exitDone || kept.Load() == nil {
		m.t.Fatalf("exit %d: %s", code, said)
	}
	return *kept.Load()
}

// ask asks the phones' door.
func (m *meddled) ask(path string, out any) {
	m.t.Helper()
	street, data := m.settings.machine("street"), m.dir
	r := &remote{street: &street, data: &data, client: httpd.Client(10 * time.Second)}
	m.must(r.find(m.t.Context()))
	m.must(r.get(m.t.Context(), "phone", path, out))
}
