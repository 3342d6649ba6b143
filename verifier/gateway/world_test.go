package gateway_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/store"
	"tegata/store/storetest"
	storeverifier "tegata/store/verifier"
	"tegata/verifier/gateway"
)

// A party with its own key and certificate.
type actor struct {
	id    string
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

// A holder's phone: two certificates in one state.
type holder struct {
	name       string
	key        crypto.Signer
	auth, sign []*x509.Certificate
	card       *x509.Certificate // of the person's card, for authentication; the key is the same here
}

// world is a gateway behind a real listener, the parties around it, and a clock.
type world struct {
	t       *testing.T
	mu      sync.Mutex // guards now
	now     time.Time
	ops     *pkitest.Authority
	auth    *pkitest.Authority
	sign    *pkitest.Authority
	cards   *pkitest.Authority
	holders map[string]*holder
	portal  actor // registered, role party
	bank    actor // registered for other purposes
	ghost   actor // certified, but not registered
	ended   actor // registered, certificate revoked
	issuer  *issuer
	config  gateway.Config
	gateway *gateway.Gateway
	server  *httptest.Server
	client  *http.Client
}

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// states of the holders that every world has, by name.
var states = map[string]feed.Status{
	"good": feed.Good, "neighbour": feed.Good, "revoked": feed.Revoked, "held": feed.Held, "expired": feed.Good, "fresh": feed.Good,
}

// newWorld makes everything up to the gateway; status is what differs.
func newWorld(t *testing.T, dsn string) *world {
	t.Helper()
	w := &world{t: t, now: time.Now().Truncate(time.Second).UTC(), holders: map[string]*holder{}, client: httpd.Client(5 * time.Second)}
	w.ops = pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), w.now)
	w.auth = pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), w.now)
	w.sign = pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 2), w.now)
	w.cards = pkitest.NewAuthority(t, pki.CardAuth, pkitest.Key(t, 3), w.now)
	w.holders["unknown"] = w.holder(t, "unknown", w.auth, w.sign, pkitest.Leaf{}) // certified, and no ledger knows it
	for name := range states {
		l := pkitest.Leaf{}
		if name == "expired" {
			l.NotAfter = w.now.Add(-time.Hour)
		}
		if name == "fresh" {
			l.NotBefore = w.now.Add(-freshFor)
		}
		w.holders[name] = w.holder(t, name, w.auth, w.sign, l)
	}
	w.portal, w.bank, w.ghost, w.ended = w.party("portal"), w.party("bank"), w.party("ghost"), w.party("ended")
	w.server = httptest.NewUnstartedServer(nil)
	t.Cleanup(w.server.Close)
	address := w.server.Listener.Addr().String()
	origin := "http://" + address

	db, err := store.Create(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), storeverifier.Schema); err != nil {
		t.Fatal(err)
	}
	signer, enc := pkitest.ECKey(t), pkitest.ECKey(t)
	w.config = gateway.Config{
		ID: "verifier", Origin: origin, Arc: pki.SandboxArc(),
		Anchors: []gateway.Anchor{{Kind: pki.Ops, Label: "ops", Certificate: w.ops.Cert}, {Kind: pki.PhoneAuth, Label: "phone-auth", Certificate: w.auth.Cert},
			{Kind: pki.PhoneSign, Label: "phone-sign", Certificate: w.sign.Cert}, {Kind: pki.CardAuth, Label: "card-auth", Certificate: w.cards.Cert}},
		Sign: gateway.Key{Signer: signer, Chain: []*x509.Certificate{w.ops.Party(t, signer.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: []string{origin}})}},
		Decrypt: gateway.EncryptionKey{Key: enc, Chain: []*x509.Certificate{
			w.ops.Party(t, enc.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: []string{origin}, KeyUsage: x509.KeyUsageKeyAgreement})}},
		SubKey: []byte(strings.Repeat("k", 32)), Store: storeverifier.New(db), Now: w.Now, Client: w.client,
	}
	return w
}

// open builds the gateway and registers the parties.
func (w *world) open() *world {
	w.t.Helper()
	var err error
	if w.gateway, err = gateway.New(w.config); err != nil {
		w.t.Fatal(err)
	}
	w.server.Config.Handler = httpd.Guard(httpd.GuardOptions{Names: []string{w.server.Listener.Addr().String()}, MaxBody: 8 << 20}, w.gateway.Routes())
	w.server.Start()
	for _, p := range []gateway.Party{
		{ID: "portal", Name: ceremony.Text{JA: "住民ポータル", EN: "Residents' portal"}, Mark: "住", Keys: keys(w.portal), VerifiedSince: "2026-04-01",
			Origins: []string{"http://portal.localhost:8404"}, ReturnURLs: []string{"http://portal.localhost:8404/return"},
			Grants: []string{ceremony.ScopeCertificates, ceremony.ScopeUses, ceremony.ScopeRules},
			Purposes: []ceremony.RegisteredPurpose{
				{Code: "login", Sentence: loginSentence, RiskFloor: ceremony.R1, Claims: []string{"name", "address", "birthdate", "gender"}, Category: ceremony.Government},
				{Code: "health", Sentence: healthSentence, RiskFloor: ceremony.R2},
				{Code: "move", Sentence: moveSentence, RiskFloor: ceremony.R3},
			}},
		{ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "銀", Keys: keys(w.bank), VerifiedSince: "2026-05-01",
			Origins: []string{"http://bank.localhost:8410"}, ReturnURLs: []string{"http://bank.localhost:8410/return"},
			Purposes: []ceremony.RegisteredPurpose{{Code: "login", Sentence: loginSentence, RiskFloor: ceremony.R1},
				{Code: "visit", Sentence: healthSentence, RiskFloor: ceremony.R1, Category: ceremony.Clinic}}},
		{ID: "ended", Name: ceremony.Text{JA: "元業者", EN: "Former party"}, Mark: "元", Keys: keys(w.ended), VerifiedSince: "2026-05-01",
			Origins: []string{"http://ended.localhost:8499"}, ReturnURLs: []string{"http://ended.localhost:8499/return"},
			Purposes: []ceremony.RegisteredPurpose{{Code: "login", Sentence: loginSentence, RiskFloor: ceremony.R1}}},
	} {
		if err := w.gateway.Register(w.t.Context(), audit.System("verifier"), p); err != nil {
			w.t.Fatal(err)
		}
	}
	return w
}

var (
	loginSentence  = ceremony.Text{JA: "マイページにログインします。", EN: "Log in to your page."}
	healthSentence = ceremony.Text{JA: "健診の記録を見ます。", EN: "Look at your check-ups."}
	moveSentence   = ceremony.Text{JA: "転出届を出します。", EN: "Tell that you are moving."}
)

func keys(a actor) []string { return []string{ceremony.KeyID(a.chain[0])} }

func (w *world) party(id string) actor {
	key := pkitest.ECKey(w.t)
	return actor{id, key, []*x509.Certificate{w.ops.Party(w.t, key.Public(), id, pki.RoleParty, pkitest.Leaf{})}}
}

func (w *world) holder(t *testing.T, name string, auth, sign *pkitest.Authority, l pkitest.Leaf) *holder {
	key := pkitest.Key(t, 5)
	return &holder{name, key, []*x509.Certificate{auth.Issue(t, key.Public(), l)}, []*x509.Certificate{sign.Issue(t, key.Public(), l)}, w.cards.Issue(t, key.Public(), l)}
}

// inFeed is a world whose gateway follows the change feed of a small issuer.
func inFeed(t *testing.T, dsn string) *world {
	t.Helper()
	w := newWorld(t, dsn)
	w.issuer = newIssuer(w)
	w.config.Issuer = w.issuer.server.URL
	f := w.follower()
	if _, err := f.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.config.Feed = f.Index
	w.config.Status = certpath.Feed{Index: f.Index, Label: gateway.Labels(w.config.Anchors)}
	return w.open()
}

// each runs body on every database.
func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) { body(t, inFeed(t, dsn)) })
}

// ask is a request of the portal's for login, as the portal writes it.
func (w *world) ask(change ...func(*ceremony.Request)) ceremony.Request {
	id := ceremony.NewID()
	r := ceremony.Request{
		Issuer: "portal", Audience: "verifier", ID: id, Nonce: ceremony.NewID(), IssuedAt: w.Now().Unix(), Expires: w.Now().Add(5 * time.Minute).Unix(),
		Purpose: ceremony.Purpose{Code: "login", Sentence: loginSentence}, Kind: ceremony.Login, Risk: ceremony.R1,
		Channel: ceremony.Same, ResponseURI: w.config.Origin + "/v1/requests/" + id + "/answer",
	}
	for _, c := range change {
		c(&r)
	}
	return r
}

func crossing(r *ceremony.Request) {
	r.Channel, r.Match = ceremony.Cross, []string{"17", "42", "88"}
}

func (w *world) bearer(a actor, code string) httpd.Header {
	w.t.Helper()
	claims := ceremony.NewClientAssertion(a.id, "verifier", w.Now())
	claims.ResponseCode = code
	compact, err := ceremony.SignClientAssertion(a.key, a.chain, claims)
	if err != nil {
		w.t.Fatal(err)
	}
	return httpd.Bearer(compact)
}

// start has a party post a request.
func (w *world) start(a actor, r ceremony.Request) (ceremony.Started, error) {
	compact, err := ceremony.SignRequest(a.key, a.chain, r)
	if err != nil {
		return ceremony.Started{}, err
	}
	var out ceremony.Started
	err = httpd.PostJSON(w.t.Context(), w.client, w.config.Origin+"/v1/requests", ceremony.Start{Request: compact}, &out, w.bearer(a, ""))
	return out, err
}

// must is start for requests that have to be taken.
func (w *world) must(change ...func(*ceremony.Request)) ceremony.Started {
	w.t.Helper()
	started, err := w.start(w.portal, w.ask(change...))
	if err != nil {
		w.t.Fatal(err)
	}
	return started
}

// phone is one phone's view of one request.
type phone struct {
	w      *world
	id     string // PhoneHeader
	req    *jws.Message[ceremony.Request]
	post   string // where the answer goes
	sealTo *x509.Certificate
}

func (w *world) fetch(uri, phoneID string) (*phone, error) {
	body, _, err := httpd.Exchange(w.t.Context(), w.client, http.MethodGet, uri, nil, httpd.Header{Name: ceremony.PhoneHeader, Value: phoneID})
	if err != nil {
		return nil, err
	}
	m, err := ceremony.ParseRequest(string(body))
	if err != nil {
		return nil, err
	}
	return &phone{w, phoneID, m, m.Unverified().ResponseURI, w.config.Decrypt.Chain[0]}, nil
}

func (w *world) mustFetch(uri string) *phone {
	w.t.Helper()
	p, err := w.fetch(uri, ceremony.NewID())
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// compose builds an answer with the holder's authentication key, or the signature
// key when pwd is among the ways of unlocking.
func (p *phone) compose(h *holder, change ...func(*ceremony.Answer)) string {
	p.w.t.Helper()
	q := p.req.Unverified()
	a := ceremony.Answer{Audience: q.Audience, Request: p.req.Hash(), Nonce: q.Nonce, IssuedAt: p.w.Now().Unix(),
		Decision: ceremony.Approve, Granted: q.Claims, AMR: []string{"pin", "swk"}, Counter: 1}
	for _, c := range change {
		c(&a)
	}
	chain := h.auth
	if slices.Contains(a.AMR, "pwd") {
		chain = h.sign
	}
	var released []string
	for _, c := range a.Granted {
		if slices.Contains(ceremony.AttributeClaims(), c) {
			released = append(released, c)
		}
	}
	if len(released) > 0 && a.Release == "" {
		r, err := ceremony.SignRelease(h.key, chain, ceremony.Release{Verifier: "verifier", Claims: released, Request: p.req.Hash(),
			IssuedAt: a.IssuedAt, Expires: a.IssuedAt + 300})
		if err != nil {
			p.w.t.Fatal(err)
		}
		a.Release = r
	}
	compact, err := ceremony.SignAnswer(h.key, chain, a)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return compact
}

func (p *phone) send(compact string) (ceremony.Taken, error) {
	p.w.t.Helper()
	sealed, err := ceremony.Seal(compact, p.sealTo)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return p.sendSealed(sealed)
}

func (p *phone) sendSealed(sealed string) (ceremony.Taken, error) {
	var out ceremony.Taken
	err := httpd.PostJSON(p.w.t.Context(), p.w.client, p.post, ceremony.Posted{Answer: sealed}, &out, httpd.Header{Name: ceremony.PhoneHeader, Value: p.id})
	return out, err
}

func (p *phone) answer(h string, change ...func(*ceremony.Answer)) (ceremony.Taken, error) {
	p.w.t.Helper()
	return p.send(p.compose(p.w.holders[h], change...))
}

func (w *world) result(a actor, started ceremony.Started, code string) (ceremony.Result, error) {
	var out ceremony.Result
	err := httpd.GetJSON(w.t.Context(), w.client, w.config.Origin+"/v1/requests/"+started.ResultID, &out, w.bearer(a, code))
	return out, err
}

// codeIn is the response code of a redirect.
func codeIn(t *testing.T, redirect string) string {
	t.Helper()
	_, code, ok := strings.Cut(redirect, "http://portal.localhost:8404/return?response_code=")
	if !ok || !ceremony.ValidID(code) {
		t.Fatalf("redirect %q", redirect)
	}
	return code
}

// wantCode fails the test unless err is a problem with this code, in both
// languages and with a way on.
func wantCode(t *testing.T, err error, code string) *problem.Problem {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	if p.JA.Title == "" || p.EN.Title == "" || p.JA.Detail == "" || p.EN.Detail == "" {
		t.Errorf("%s lacks words", code)
	}
	return p
}
