package oidc_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
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
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/ui"
	"tegata/store"
	"tegata/store/storetest"
	storeverifier "tegata/store/verifier"
	"tegata/verifier/document"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// world is a verifier with its OpenID Provider behind a real listener, the issuer's
// answers, two holders, and relying parties that are unmodified clients.
type world struct {
	t        *testing.T
	sandbox  bool
	mu       sync.Mutex // guards offset, meanwhile
	offset   time.Duration
	ops      *pkitest.Authority
	auth     *pkitest.Authority
	sign     *pkitest.Authority
	feedKey  *ecdsa.PrivateKey
	feedCert *x509.Certificate
	entries  map[string]feed.Entry
	index    *feed.Index
	holders  map[string]holder
	enc      *x509.Certificate
	origin   string
	db       *store.DB
	store    *storeverifier.Store
	gateway  *gateway.Gateway
	provider *oidc.Provider
	secret   string // of the client "bank"
	logouts  chan string
	keys     map[string]crypto.Signer // of ID Tokens, by label
	// meanwhile is what happens once after the provider has read what the key names.
	meanwhile map[string]func()
}

type holder struct {
	key   crypto.Signer
	chain []*x509.Certificate // phone-auth
	sign  []*x509.Certificate // phone-sign, of the same key: no test looks at that
}

const feedOf = "http://127.0.0.1:8401" // whose feed it is

const redirectURI = "http://127.0.0.1:9/callback" // nobody listens: browsers in tests stop there

func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().UTC().Add(w.offset)
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	w.offset += d
	w.mu.Unlock()
	w.tell()
}

func each(t *testing.T, body func(t *testing.T, w *world)) {
	t.Helper()
	storetest.EachDSN(t, func(t *testing.T, dsn string) { body(t, newWorld(t, dsn)) })
}

func newWorld(t *testing.T, dsn string) *world { return openWorld(t, dsn, true) }

// openWorld is a world that is a sandbox or a production.
func openWorld(t *testing.T, dsn string, sandbox bool) *world {
	t.Helper()
	w := &world{t: t, sandbox: sandbox, entries: map[string]feed.Entry{}, holders: map[string]holder{}, logouts: make(chan string, 10)}
	w.ops = pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), w.Now())
	w.auth = pkitest.NewAuthority(t, pki.PhoneAuth, pkitest.Key(t, 1), w.Now())
	w.sign = pkitest.NewAuthority(t, pki.PhoneSign, pkitest.Key(t, 2), w.Now())
	w.feedKey = pkitest.ECKey(t)
	w.feedCert = w.ops.Party(t, w.feedKey.Public(), "issuer", pki.RoleFeed, pkitest.Leaf{})
	for _, name := range []string{"hanako", "taro"} {
		key := pkitest.Key(t, 5)
		w.holders[name] = holder{key, []*x509.Certificate{w.auth.Issue(t, key.Public(), pkitest.Leaf{})}, []*x509.Certificate{w.sign.Issue(t, key.Public(), pkitest.Leaf{})}}
		w.enter("phone-auth", w.holders[name].chain[0], feed.Good)
		w.enter("phone-sign", w.holders[name].sign[0], feed.Good)
	}
	server := httptest.NewUnstartedServer(nil)
	t.Cleanup(server.Close)
	w.origin = "http://" + server.Listener.Addr().String()
	db, err := store.Create(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), storeverifier.Schema); err != nil {
		t.Fatal(err)
	}
	w.db, w.store = db, storeverifier.New(db)
	w.openGateway()
	w.openProvider()
	server.Config.Handler = oidc.Beside(
		httpd.Guard(httpd.GuardOptions{Names: []string{server.Listener.Addr().String()}, Pages: true, MaxBody: oidc.MaxForm, Refuse: w.provider.Refuse}, w.provider.Pages()),
		httpd.Guard(httpd.GuardOptions{Names: []string{server.Listener.Addr().String()}, MaxBody: ceremony.MaxPosted}, w.programs()))
	server.Start()
	return w
}

func (w *world) programs() http.Handler {
	mux := http.NewServeMux()
	w.provider.Routes(mux)
	anchors := []document.Anchor{{Kind: pki.Ops, Certificate: w.ops.Cert}, {Kind: pki.PhoneSign, Certificate: w.sign.Cert}}
	labels := []gateway.Anchor{{Kind: pki.Ops, Label: "ops", Certificate: w.ops.Cert}, {Kind: pki.PhoneSign, Label: "phone-sign", Certificate: w.sign.Cert}}
	verify := &document.Handler{Checker: document.Checker{Arc: pki.SandboxArc(), Anchors: anchors, Status: certpath.Feed{Index: w.index, Label: gateway.Labels(labels)}},
		Now: w.Now, Enter: func(rw http.ResponseWriter, r *http.Request, _ time.Time) bool { return w.provider.MayVerify(rw, r) }}
	mux.Handle("POST /v1/verify", verify.Routes())
	mux.Handle("/", w.provider.Signing(w.gateway.Routes()))
	return mux
}

func (w *world) openGateway() {
	w.t.Helper()
	signer, enc := pkitest.ECKey(w.t), pkitest.ECKey(w.t)
	w.enc = w.ops.Party(w.t, enc.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: []string{w.origin}, KeyUsage: x509.KeyUsageKeyAgreement})
	issuer := httptest.NewServer(http.HandlerFunc(w.issuer))
	w.t.Cleanup(issuer.Close)
	w.index = feed.NewIndex(feedOf, 0)
	anchors := []gateway.Anchor{{Kind: pki.Ops, Label: "ops", Certificate: w.ops.Cert}, {Kind: pki.PhoneAuth, Label: "phone-auth", Certificate: w.auth.Cert},
		{Kind: pki.PhoneSign, Label: "phone-sign", Certificate: w.sign.Cert}}
	var err error
	w.gateway, err = gateway.New(gateway.Config{
		ID: "verifier", Origin: w.origin, Arc: pki.SandboxArc(), Anchors: anchors,
		Sign:    gateway.Key{Signer: signer, Chain: []*x509.Certificate{w.ops.Party(w.t, signer.Public(), "verifier", pki.RoleVerifier, pkitest.Leaf{URIs: []string{w.origin}})}},
		Decrypt: gateway.EncryptionKey{Key: enc, Chain: []*x509.Certificate{w.enc}},
		SubKey:  []byte(strings.Repeat("k", 32)), Status: certpath.Feed{Index: w.index, Label: gateway.Labels(anchors)}, Feed: w.index,
		Issuer: issuer.URL, Client: httpd.Client(5 * time.Second), Store: w.store, Now: w.Now,
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) openProvider() {
	w.t.Helper()
	key := pkitest.ECKey(w.t)
	chain := []*x509.Certificate{w.ops.Party(w.t, key.Public(), "openid", pki.RoleParty, pkitest.Leaf{})}
	w.enter("ops", chain[0], feed.Good)
	w.tell()
	who := audit.System("verifier")
	err := w.gateway.Register(w.t.Context(), who, gateway.Party{ID: "openid", Name: ceremony.Text{JA: "ログイン窓口", EN: "Login desk"}, Mark: "verifier",
		Purposes: []ceremony.RegisteredPurpose{{Code: "openid", Sentence: ceremony.Text{JA: "取り次ぎます。", EN: "Pass on."}, RiskFloor: ceremony.R1}},
		Origins:  []string{w.origin}, ReturnURLs: []string{oidc.ReturnURL(w.origin)}, Keys: []string{ceremony.KeyID(chain[0])}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys = map[string]crypto.Signer{}
	w.provider, err = oidc.New(oidc.Config{
		Issuer: w.origin, Pages: w.origin, Party: "openid", Verifier: "verifier", Phone: "http://phone.localhost:8403", Signer: key, Chain: chain,
		Key: func(label string) (crypto.Signer, error) {
			if w.keys[label] == nil {
				w.keys[label] = pkitest.ECKey(w.t)
			}
			return w.keys[label], nil
		},
		Gateway: w.gateway, Store: watched{w.store.OIDC(), w}, Now: w.Now, Name: ui.Text{JA: "ログイン窓口", EN: "Login desk"}, Sandbox: w.sandbox,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	if !w.sandbox {
		return
	}
	var sum string
	w.secret, sum = oidc.NewSecret()
	rp := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { w.logouts <- r.PostFormValue("logout_token") }))
	w.t.Cleanup(rp.Close)
	w.register(oidc.Client{ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "bank", Profile: oidc.Basic,
		Authentication: oidc.SecretBasic, SecretSHA256: sum, RedirectURIs: []string{redirectURI},
		PostLogoutRedirectURIs: []string{"http://127.0.0.1:9/bye"}, BackchannelLogoutURI: rp.URL + "/logout", Refresh: true,
		Purpose: ceremony.RegisteredPurpose{Code: "bank-login", Sentence: ceremony.Text{JA: "口座の画面にログインします。", EN: "Log in to your account."},
			RiskFloor: ceremony.R2, Claims: []string{"name", "address"}}})
}

func (w *world) register(c oidc.Client) {
	w.t.Helper()
	if err := w.provider.Register(w.t.Context(), audit.System("verifier"), c); err != nil {
		w.t.Fatal(err)
	}
}

// enter notes a certificate for the next batch.
func (w *world) enter(authority string, c *x509.Certificate, s feed.Status) {
	e := feed.Entry{Seq: uint64(len(w.entries) + 1), Authority: authority, Serial: pki.SerialOf(c).String(), Status: s, AtMS: w.Now().UnixMilli(),
		GoodMS: w.Now().AddDate(-1, 0, 0).UnixMilli()}
	if old, ok := w.entries[e.Serial]; ok {
		e.Seq = old.Seq
	}
	switch s {
	case feed.Held:
		e.Reason = 6
	case feed.Revoked:
		e.Reason = 1
	}
	w.entries[e.Serial] = e
}

// tell has the verifier hear of all certificates as they are now.
func (w *world) tell() {
	w.t.Helper()
	b := feed.Batch{Issuer: feedOf, To: uint64(len(w.entries)), AtMS: w.Now().UnixMilli(), Snapshot: true}
	for _, e := range w.entries {
		b.Entries = append(b.Entries, e)
	}
	slices.SortFunc(b.Entries, func(x, y feed.Entry) int { return int(x.Seq) - int(y.Seq) })
	compact, err := feed.Sign(w.feedKey, []*x509.Certificate{w.feedCert}, b)
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := feed.Parse(compact)
	if err != nil {
		w.t.Fatal(err)
	}
	w.index.Restart()
	if err := w.index.Apply(m, w.Now()); err != nil {
		w.t.Fatal(err)
	}
	w.gateway.Changed(b)
}

// turn changes a holder's certificate, and the verifier hears of it.
func (w *world) turn(name string, s feed.Status) {
	w.t.Helper()
	w.enter("phone-auth", w.holders[name].chain[0], s)
	w.tell()
}

// issuer is the registered-verifier API: who a certificate's person is, and what that
// person released. Whether the verifier proves itself is package gateway's test.
func (w *world) issuer(rw http.ResponseWriter, r *http.Request) {
	person := func(c []byte) string {
		for name, h := range w.holders {
			if bytes.Equal(h.chain[0].Raw, c) || bytes.Equal(h.sign[0].Raw, c) {
				return "person-" + name
			}
		}
		return ""
	}
	switch r.URL.Path {
	case "/v1/verifier/linkage":
		var q struct{ Certificate []byte }
		if err := httpd.ReadJSON(rw, r, &q); err != nil {
			w.t.Error(err)
		}
		httpd.WriteJSON(rw, 200, ceremony.Linkage{Person: person(q.Certificate)})
	case "/v1/verifier/attributes":
		var q ceremony.AttributesQuery
		if err := httpd.ReadJSON(rw, r, &q); err != nil {
			w.t.Error(err)
		}
		m, err := ceremony.ParseRelease(q.Release)
		if err == nil {
			_, err = m.Verify()
		}
		if err != nil {
			w.t.Error(err)
			return
		}
		all := map[string]string{"name": "手形 花子", "address": "手形市一丁目1番", "birthdate": "1980-02-17", "gender": "female"}
		out := ceremony.Attributes{Person: person(m.Chain()[0].Raw), Claims: map[string]string{}, AsOf: w.Now().Format(time.RFC3339)}
		for _, c := range m.Unverified().Claims {
			out.Claims[c] = all[c]
		}
		httpd.WriteJSON(rw, 200, out)
	}
}

// answer answers a request as a phone does, and returns where the browser goes.
func (w *world) answer(requestURI, name string, change ...func(*ceremony.Answer)) (string, error) {
	w.t.Helper()
	client, phone, h := httpd.Client(5*time.Second), ceremony.NewID(), w.holders[name]
	header := httpd.Header{Name: ceremony.PhoneHeader, Value: phone}
	body, _, err := httpd.Exchange(w.t.Context(), client, http.MethodGet, requestURI, nil, header)
	if err != nil {
		return "", err
	}
	m, err := ceremony.ParseRequest(string(body))
	if err != nil {
		w.t.Fatal(err)
	}
	q := m.Unverified()
	a := ceremony.Answer{Audience: q.Audience, Request: m.Hash(), Nonce: q.Nonce, IssuedAt: w.Now().Unix(), Decision: ceremony.Approve,
		Granted: q.Claims, AMR: []string{"pin", "swk"}, Counter: 1}
	chain, posted := h.chain, ceremony.Posted{}
	if q.Risk == ceremony.R3 {
		chain, a.AMR = h.sign, []string{"pwd", "swk"}
	}
	for _, d := range q.ToSign() {
		signed := w.signed(d, h, header)
		sum := sha256.Sum256(signed)
		a.Results = append(a.Results, base64.RawURLEncoding.EncodeToString(sum[:]))
		sealed, err := ceremony.SealSigned(signed, w.enc)
		if err != nil {
			w.t.Fatal(err)
		}
		posted.Signed = append(posted.Signed, sealed)
	}
	for _, c := range change {
		c(&a)
	}
	if len(a.Granted) > 0 {
		a.Release, err = ceremony.SignRelease(h.key, chain, ceremony.Release{Verifier: "verifier", Claims: a.Granted, Request: m.Hash(),
			IssuedAt: a.IssuedAt, Expires: a.IssuedAt + 300})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	compact, err := ceremony.SignAnswer(h.key, chain, a)
	if err != nil {
		w.t.Fatal(err)
	}
	posted.Answer, err = ceremony.Seal(compact, w.enc)
	if err != nil {
		w.t.Fatal(err)
	}
	var out ceremony.Taken
	err = httpd.PostJSON(w.t.Context(), client, q.ResponseURI, posted, &out, header)
	return out.Redirect, err
}
