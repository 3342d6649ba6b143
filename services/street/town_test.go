package street

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// town is the other roles of a small neighbourhood: real listeners with their
// own doors, so that the street meets them as it does outside of tests.
type town struct {
	t                     *testing.T
	mu                    sync.Mutex // guards all below
	cards                 []Card
	phones                []map[string]any
	notices               []map[string]any
	stopped               bool
	lost                  []string
	taps, typed           []string
	presented             []string // phones, and where they were held
	cardsURL, phoneURL    string
	issuerURL, portalURL  string
	secrets               Secrets
	people                []Person
	progress              Progress
	clock                 *stepClock
	token                 httpd.OperatorToken
	street                *Handler
	server                *httptest.Server
	readerOfHanakosPhone  string
	secretsRead, assertOK int
}

// stepClock is a clock that remembers how it was moved.
type stepClock struct {
	mu     sync.Mutex // guards offset
	offset time.Duration
	gate   chan struct{} // when not nil, Advance waits for it
	fail   error
}

func (c *stepClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Date(2026, 11, 22, 6, 4, 5, 0, time.UTC).Add(c.offset)
}

func (c *stepClock) Offset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

func (c *stepClock) Advance(ctx context.Context, d time.Duration) error {
	if c.gate != nil {
		select {
		case <-c.gate:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if c.fail != nil {
		return c.fail
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	return nil
}

const operator = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"

func newTown(t *testing.T) *town {
	t.Helper()
	n := &town{t: t, clock: &stepClock{}, readerOfHanakosPhone: "127.0.0.1:49152", progress: Progress{Usable: true, Done: true}}
	n.token, _ = httpd.ParseOperatorToken(operator)
	n.cards = []Card{
		{ID: "hanako", Resident: "hanako", State: "good"}, {ID: "taro", Resident: "taro", State: "good"},
		{ID: "sakura", Resident: "sakura", State: "no_signature"}, {ID: "mamoru", Resident: "mamoru", State: "held"},
		{ID: "susumu", Resident: "susumu", State: "revoked"}, {ID: "setsuko", Resident: "setsuko", State: "expired"},
	}
	n.people = []Person{
		{ID: "hanako", Name: "手形　花子", Kana: "テガタ　ハナコ", BirthDate: "1980-02-17", Municipality: ui.Text{JA: "手形市", EN: "Tegata City"}, First: true,
			Card: "hanako", Phone: "hanako", Mailbox: "hanako", About: ui.Text{JA: "はじめの一歩に。カードと新しいスマホを持っています", EN: "Start here: she has a card and a new phone"}},
		{ID: "taro", Name: "手形　太郎", Kana: "テガタ　タロウ", BirthDate: "1979-11-03", Municipality: ui.Text{JA: "手形市", EN: "Tegata City"},
			Card: "taro", Phone: "taro", Mailbox: "taro", About: ui.Text{JA: "スマホは登録済み。すぐにログインできます", EN: "His phone is registered: log in at once"}},
		{ID: "sakura", Name: "手形　さくら", Kana: "テガタ　サクラ", BirthDate: "2014-04-01", Municipality: ui.Text{JA: "手形市", EN: "Tegata City"},
			Card: "sakura", Mailbox: "sakura", About: ui.Text{JA: "15歳未満。署名用証明書はありません", EN: "Under 15: no signature certificate"}},
		{ID: "mamoru", Name: "森　守", Kana: "モリ　マモル", BirthDate: "1970-03-15", Municipality: ui.Text{JA: "関所町", EN: "Sekisho Town"},
			Card: "mamoru", Mailbox: "mamoru", About: ui.Text{JA: "カードをなくしたと届け出ました。一時停止中です", EN: "Reported the card lost: both certificates are on hold"}},
		{ID: "susumu", Name: "今井　進", Kana: "イマイ　ススム", BirthDate: "1988-08-08", Municipality: ui.Text{JA: "手形市", EN: "Tegata City"},
			Card: "susumu", Mailbox: "susumu", About: ui.Text{JA: "引っ越したばかり。署名用証明書は失効しています", EN: "Moved lately: his signature certificate is revoked"}},
		{ID: "setsuko", Name: "高橋　節子", Kana: "タカハシ　セツコ", BirthDate: "1958-06-30", Municipality: ui.Text{JA: "関所町", EN: "Sekisho Town"},
			Card: "setsuko", Mailbox: "setsuko", About: ui.Text{JA: "カードの証明書の有効期限が切れています", EN: "The certificates on her card have expired"}},
	}
	n.phones = []map[string]any{
		{"id": "hanako", "model": "Tegata One", "state": "none", "reader": n.readerOfHanakosPhone, "settings": map[string]any{"power": true}},
		{"id": "taro", "model": "Tegata One", "state": "registered", "resident": "taro", "reader": "127.0.0.1:49153", "settings": map[string]any{"power": true}},
	}
	n.secrets = Secrets{
		Cards:  map[string]CardSecrets{"hanako": {SignaturePassword: Show("HANAKO2026"), AuthPIN: Show("4821"), InputPIN: Show("7305"), ResidentPIN: Show("6194")}},
		Phones: map[string]PhoneSecrets{"taro": {AuthPIN: Show("5937"), SignaturePassword: Show("TARO7788"), LockCode: Show("40718265391")}},
		Tills:  map[string]Shown{"asahi": Show("61390427")},
	}
	n.cardsURL, n.phoneURL, n.issuerURL = n.serve(n.cardsDoor()), n.serve(n.phoneDoor()), n.serve(n.issuerDoor())
	n.portalURL = "http://portal.localhost:8404"
	n.open(nil)
	return n
}

// open makes the street; change may alter its configuration first.
func (n *town) open(change func(*Config)) {
	conf := Config{
		Origin: "http://street.localhost:8400",
		Services: []Service{
			{Role: "street", URL: "http://street.localhost:8400", Title: ui.Text{JA: "手形通り", EN: "Tegata Street"}},
			{Role: "issuer", URL: n.issuerURL, Title: ui.Text{JA: "認証局", EN: "Issuer"}},
			{Role: "phone", URL: n.phoneURL, Title: ui.Text{JA: "スマホ", EN: "Phone"}},
			{Role: "portal", URL: n.portalURL, Title: ui.Text{JA: "ポータル", EN: "Portal"}},
			{Role: "cards", URL: n.cardsURL, Title: ui.Text{JA: "カード", EN: "Cards"}},
		},
		Readers: []Reader{{Slot: "kiosk:1", Address: "127.0.0.1:49200"}},
		Token:   n.token,
		Assertion: func(_ context.Context, audience string) (string, error) {
			if audience != n.issuerURL {
				n.t.Errorf("an assertion for %q", audience)
			}
			return "street-assertion", nil
		},
		Progress: func() Progress { n.mu.Lock(); defer n.mu.Unlock(); return n.progress },
		People: func(context.Context) ([]Person, error) {
			n.mu.Lock()
			defer n.mu.Unlock()
			return slices.Clone(n.people), nil
		},
		Secrets: func() (Secrets, error) { n.mu.Lock(); defer n.mu.Unlock(); n.secretsRead++; return n.secrets, nil },
		Clock:   n.clock,
	}
	if change != nil {
		change(&conf)
	}
	h, err := New(conf)
	if err != nil {
		n.t.Fatal(err)
	}
	n.street = h
	n.t.Cleanup(h.Close)
	mux := http.NewServeMux()
	s := httptest.NewServer(mux)
	mux.Handle("/", h.Routes([]string{strings.TrimPrefix(s.URL, "http://"), "street.localhost:8400"}, nil))
	n.t.Cleanup(s.Close)
	n.server = s
}

func (n *town) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	n.t.Cleanup(s.Close)
	return s.URL
}

// operatorOnly refuses whoever does not hold the token, as every role does.
func (n *town) operatorOnly(h http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+operator {
			httpd.WriteProblem(w, r, httpd.ErrOperator)
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		h(w, r)
	}
}

func (n *town) cardsDoor() http.Handler {
	mux := http.NewServeMux()
	at := func(id string) int { return slices.IndexFunc(n.cards, func(c Card) bool { return c.ID == id }) }
	mux.HandleFunc("GET /v1/cards", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) { httpd.WriteJSON(w, 200, n.cards) }))
	mux.HandleFunc("POST /v1/cards/{id}/tap", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Reader string `json:"reader"`
		}
		i := at(r.PathValue("id"))
		if i < 0 {
			httpd.WriteProblem(w, r, errNoCard)
			return
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		n.cards[i].Reader = in.Reader
		n.taps = append(n.taps, r.PathValue("id")+" "+in.Reader)
		w.WriteHeader(204)
	}))
	mux.HandleFunc("POST /v1/cards/{id}/pad", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Number string `json:"number"`
			PIN    string `json:"card_auth_pin"`
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		n.typed = append(n.typed, r.PathValue("id")+" "+in.Number+" "+in.PIN)
		w.WriteHeader(204)
	}))
	mux.HandleFunc("DELETE /v1/cards/{id}/tap", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		i := at(r.PathValue("id"))
		if i < 0 {
			httpd.WriteProblem(w, r, errNoCard)
			return
		}
		n.cards[i].Reader = ""
		w.WriteHeader(204)
	}))
	return mux
}

func (n *town) phoneDoor() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/phones", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(w, 200, map[string]any{"phones": n.phones})
	}))
	mux.HandleFunc("POST /v1/phones/{id}/settings", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Power bool `json:"power"`
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		for _, p := range n.phones {
			if p["id"] == r.PathValue("id") {
				p["settings"] = map[string]any{"power": in.Power}
			}
		}
		httpd.WriteJSON(w, 200, map[string]any{})
	}))
	mux.HandleFunc("POST /v1/phones/{id}/present", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Reader string `json:"reader"`
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		if !slices.ContainsFunc(n.phones, func(p map[string]any) bool { return p["id"] == r.PathValue("id") }) {
			httpd.WriteProblem(w, r, errNoPhone)
			return
		}
		n.presented = append(n.presented, r.PathValue("id")+" "+in.Reader)
		httpd.WriteJSON(w, 200, map[string]any{})
	}))
	mux.HandleFunc("POST /v1/phones/{id}/reset", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		for _, p := range n.phones {
			if p["id"] == r.PathValue("id") {
				p["state"], p["resident"] = "none", ""
			}
		}
		httpd.WriteJSON(w, 200, map[string]any{})
	}))
	return mux
}

var errLockCodeWrong = problem.New(problem.Refused, 403, "lock-code-wrong",
	problem.Text{Title: "停止コードか生年月日が違います", Detail: "何も変わっていません。"}, problem.Text{Title: "The lock code or the birth date is wrong", Detail: "Nothing has changed."})

func (n *town) issuerDoor() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sandbox/ocsp", n.operatorOnly(func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			Stopped bool `json:"stopped"`
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		n.stopped = in.Stopped
		httpd.WriteJSON(w, 200, in)
	}))
	mux.HandleFunc("POST /v1/suspensions", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			BirthDate string `json:"birth_date"`
			LockCode  string `json:"lock_code"`
		}
		if err := httpd.ReadJSON(w, r, &in); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		if r.Header.Get("Authorization") != "" {
			n.t.Error("the report of a lost phone carries an authorization: it needs none and must not show one")
		}
		if in.BirthDate != "1979-11-03" || in.LockCode != "40718265391" {
			httpd.WriteProblem(w, r, errLockCodeWrong.With("tries_left", 4))
			return
		}
		n.mu.Lock()
		n.lost = append(n.lost, in.BirthDate)
		n.mu.Unlock()
		httpd.WriteJSON(w, 200, map[string]any{"state": "held"})
	})
	mux.HandleFunc("GET /v1/outbox", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer street-assertion" {
			httpd.WriteProblem(w, r, httpd.ErrOperator)
			return
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		from := 0
		if after := r.FormValue("after"); after != "" {
			from = 1 + slices.IndexFunc(n.notices, func(x map[string]any) bool { return x["id"] == after })
		}
		out := n.notices[from:min(from+2, len(n.notices))] // small pages, so that there are several
		httpd.WriteJSON(w, 200, map[string]any{"notices": slices.Concat([]map[string]any{}, out)})
	})
	return mux
}

// get fetches a page or document of the street.
func (n *town) get(path string) (int, string) {
	n.t.Helper()
	return n.do(http.MethodGet, path, nil)
}

// post sends a form, as a browser on the street's own page does. One that leaves
// something to say is followed to the page that says it; said is of that page.
func (n *town) post(path string, form map[string]string) (int, string, string) {
	n.t.Helper()
	values := make([]string, 0, len(form))
	for k, v := range form {
		values = append(values, k+"="+strings.ReplaceAll(v, "&", "%26"))
	}
	req, _ := http.NewRequest(http.MethodPost, n.server.URL+path, strings.NewReader(strings.Join(values, "&")))
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", n.server.URL)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := httpd.Client(5 * time.Second).Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	to := resp.Header.Get("Location")
	if said := resp.Cookies(); len(said) == 1 && resp.StatusCode == http.StatusSeeOther {
		status, page := n.do(http.MethodGet, to, nil, httpd.Header{Name: "Cookie", Value: said[0].Name + "=" + said[0].Value})
		return status, to, page
	}
	return resp.StatusCode, to, read(n.t, resp)
}

func (n *town) do(method, path string, body any, header ...httpd.Header) (int, string) {
	n.t.Helper()
	var rd = strings.NewReader("")
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			n.t.Fatal(err)
		}
		rd = strings.NewReader(string(b))
	}
	req, _ := http.NewRequest(method, n.server.URL+path, rd)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range header {
		req.Header.Set(h.Name, h.Value)
	}
	resp, err := httpd.Client(5 * time.Second).Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode, read(n.t, resp)
}

func read(t *testing.T, resp *http.Response) string {
	t.Helper()
	var b strings.Builder
	buf := make([]byte, 32<<10)
	for {
		k, err := resp.Body.Read(buf)
		b.Write(buf[:k])
		if err != nil {
			return b.String()
		}
	}
}
