package phone_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"tegata/holder/card"
	"tegata/holder/phone"
	"tegata/holder/reader"
	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/certpath"
	"tegata/internal/durable"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	issuerstore "tegata/store/issuer"
	phonestore "tegata/store/phone"
	"tegata/store/storetest"
)

// town is a whole neighbourhood around phones: an issuer over HTTP on a real
// store, cards in a box, a clock that tests move.
type town struct {
	t        testing.TB
	mu       sync.Mutex
	now      time.Time
	issuer   string // URL
	ca       *ca.CA
	ra       *ra.RA
	ledger   *status.Ledger
	people   *issuerstore.Store // the issuer's own
	door     http.Handler
	between  func(http.ResponseWriter, *http.Request) bool // answers instead of the issuer
	box      *card.Box
	phones   *phone.Phones
	config   phone.Config
	sealer   *secret.Sealer
	dir      string
	cardKeys int // of the tests' pool, for the next card
	drawn    int
}

func newTown(t testing.TB) *town {
	t.Helper()
	w := &town{t: t, now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), dir: t.TempDir()}
	keyFile := filepath.Join(w.dir, "key")
	w.must(secret.CreateKeyFile(durable.Files{}, keyFile, secret.Sandbox))
	var err error
	w.sealer, err = secret.OpenSealer(keyFile, secret.Sandbox)
	w.must(err)
	maker, err := attest.NewMaker("Sandbox Maker (software)", w.now)
	w.must(err)
	l := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		between, door := w.between, w.door
		w.mu.Unlock()
		if between == nil || !between(rw, r) {
			door.ServeHTTP(rw, r)
		}
	}))
	w.issuer = "http://" + l
	w.openIssuer(maker)
	w.box, err = card.CreateBox(filepath.Join(w.dir, "cards"), durable.Files{})
	w.must(err)
	db, err := store.Create(t.Context(), storetest.SQLite(t))
	w.must(err)
	w.must(db.Migrate(t.Context(), phonestore.Schema))
	client := httpd.Client(5 * time.Second)
	w.config = phone.Config{
		Store: phonestore.New(db), Dir: filepath.Join(w.dir, "phones"), Sealer: w.sealer, Now: w.clock,
		Arc: pki.SandboxArc(), Cost: secret.TestCost(), Issuer: w.issuer, Client: client, Origin: phoneOrigin,
		Ops: []*x509.Certificate{w.ca.Authority(pki.Ops)}, Status: certpath.OCSP{Client: client},
		Maker: maker, Models: phone.SandboxModels(), TapWait: 200 * time.Millisecond,
		GenerateKey: func() (*rsa.PrivateKey, error) {
			w.drawn++
			return pkitest.Key(t, 2+w.drawn%6), nil
		},
	}
	w.phones = phone.New(w.config)
	t.Cleanup(func() { w.phones.Close(); w.box.Close(); db.Close() })
	return w
}

func (w *town) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *town) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *town) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// serve answers on a port of its own and returns host:port.
func (w *town) serve(h http.Handler) string {
	w.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	s := &http.Server{Handler: h}
	go s.Serve(l) // ends with Close, waited for by nobody: a test's own
	w.t.Cleanup(func() { s.Close() })
	return l.Addr().String()
}

func (w *town) openIssuer(maker attest.Maker) {
	w.t.Helper()
	ctx := w.t.Context()
	db, err := store.Create(ctx, storetest.SQLite(w.t))
	w.must(err)
	w.t.Cleanup(func() { db.Close() })
	w.must(db.Migrate(ctx, issuerstore.Schema))
	s := issuerstore.New(db)
	w.people = s
	w.ledger, err = status.OpenLedger(ctx, s, w.clock)
	w.must(err)
	algorithms := map[pki.Kind]profile.Algorithm{}
	for _, k := range pki.Kinds() {
		algorithms[k] = profile.ECDSAP384SHA384 // fast to make
	}
	w.ca, err = ca.Create(ctx, ca.Config{
		Operator: profile.Operator{Organization: "Tegata Sandbox", Unit: "operator", Arc: pki.SandboxArc(), BaseURL: w.issuer},
		Dir:      filepath.Join(w.dir, "ca"), Sealer: w.sealer, Store: s, Ledger: w.ledger, Now: w.clock, Algorithms: algorithms,
	})
	w.must(err)
	policy := ra.Policy{Roots: []*x509.Certificate{maker.Root}, MinLevel: attest.TrustedEnvironment}
	for _, hw := range phone.SupportedModels() {
		policy.Models = append(policy.Models, ra.Model{Manufacturer: hw.Manufacturer, Model: hw.Model})
	}
	w.ra, err = ra.New(ra.Config{
		URL: w.issuer, Arc: pki.SandboxArc(), Policy: policy, Terms: ra.Terms{Version: "2026-11", JA: "規約", EN: "Terms"},
		Key: make([]byte, 32), LockCost: secret.TestCost(),
	}, s, w.ca, w.clock, ra.Options{})
	w.must(err)
	mux := http.NewServeMux()
	(&ra.Handler{RA: w.ra}).Register(mux)
	door := status.NewHandler(w.ledger, s, w.ca, nil).Routes(mux)
	w.mu.Lock()
	w.door = door
	w.mu.Unlock()
}

// cut has f answer instead of the issuer when it returns true; nil ends that.
func (w *town) cut(f func(http.ResponseWriter, *http.Request) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.between = f
}

const (
	phoneOrigin             = "http://phone.localhost:8403"
	cardPIN, cardPassword   = "1357", "CARD26PASS"
	phonePIN, phonePassword = "4826", "TEGATA26X"
)

func pin(t testing.TB, s string) secret.PIN {
	t.Helper()
	p, err := secret.ParsePIN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func password(t testing.TB, s string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func resident(id, name string, born time.Time) ra.Person {
	const address = "東京都見本区一丁目2番3号"
	return ra.Person{
		ID: id,
		Attributes: pki.Attributes{
			Name: name, NameSubstitution: pki.NoSubstitution(name), Sex: "2", BirthDate: pki.EraBirthDate(born),
			Address: address, AddressSubstitution: pki.NoSubstitution(address),
		},
		Municipality: ra.Municipality{Code: "131999", Prefecture: "Tokyo", City: "Mihon"},
		Contact:      ra.Contact{Channel: "mailbox", Address: id},
	}
}

// card makes somebody's card, by the municipality's door of the authority.
func (w *town) card(id string, p ra.Person, adult bool) *card.Card {
	w.t.Helper()
	keys := map[pki.Kind]*rsa.PrivateKey{pki.CardAuth: pkitest.Key(w.t, w.cardKeys), pki.CardSign: pkitest.Key(w.t, w.cardKeys+1)}
	c, err := w.box.Create(id, card.Spec{Cost: secret.TestCost(), Keys: keys})
	w.must(err)
	issuance := ra.CardIssuance{ID: id, Person: p}
	issuance.AuthCSR, err = c.CSR(pki.CardAuth)
	w.must(err)
	if adult {
		issuance.SignCSR, err = c.CSR(pki.CardSign)
		w.must(err)
	}
	issued, err := w.ra.IssueCard(w.t.Context(), "city", issuance)
	w.must(err)
	made := card.Personalisation{
		Certificates: map[pki.Kind][]byte{pki.CardAuth: issued.Certificates.Auth},
		Authorities:  map[pki.Kind][]byte{pki.CardAuth: issued.Authorities.Auth},
		AuthPIN:      pin(w.t, cardPIN),
	}
	if adult {
		made.Certificates[pki.CardSign], made.Authorities[pki.CardSign] = issued.Certificates.Sign, issued.Authorities.Sign
		made.SignPassword = password(w.t, cardPassword)
	}
	w.must(c.Personalise(made))
	return c
}

func (w *town) hanako() *card.Card {
	return w.card("hanako", resident("hanako", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC)), true)
}

// phone makes a phone of the first model.
func (w *town) phone(id string) *phone.Phone {
	w.t.Helper()
	p, err := w.phones.Create(w.t.Context(), phone.NewPhone{ID: id, Name: id})
	w.must(err)
	return p
}

// restart ends the phone role as a killed process does, and starts it again.
func (w *town) restart(id string) *phone.Phone {
	w.t.Helper()
	w.must(w.phones.Close())
	w.phones = phone.New(w.config)
	p, err := w.phones.Find(w.t.Context(), id)
	w.must(err)
	return p
}

// hold holds a card to a phone until the returned function takes it away.
func (w *town) hold(c reader.Token, p *phone.Phone) (away func()) {
	w.t.Helper()
	look, err := p.Look(w.t.Context())
	w.must(err)
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		reader.Insert(ctx, look.Reader, c) // ends when it is taken away
	}()
	return func() {
		cancel()
		<-done
		for p.Tapped() && w.t.Context().Err() == nil { // the phone sees it a moment later
			runtime.Gosched()
		}
	}
}

// apply is stage 1 with the card's password.
func apply(p *phone.Phone, t testing.TB, replace bool) error {
	return p.Apply(t.Context(), password(t, cardPassword), "2026-11", replace)
}

// enrol goes the whole way.
func (w *town) enrol(c *card.Card, p *phone.Phone) secret.LockCode {
	w.t.Helper()
	away := w.hold(c, p)
	defer away()
	lock, err := p.Enrol(w.t.Context(), phone.Secrets{
		Card: password(w.t, cardPassword), PIN: pin(w.t, phonePIN), Password: password(w.t, phonePassword),
	}, phone.EnrolOptions{})
	w.must(err)
	return lock
}

// party issues an ops certificate and returns its key and chain.
func (w *town) party(of profile.Party) (crypto.Signer, []*x509.Certificate) {
	w.t.Helper()
	key := pkitest.ECKey(w.t)
	who := audit.System("test")
	d, err := w.ca.Prepare(w.t.Context(), who, ca.Request{Kind: pki.Ops, PublicKey: key.Public(), Party: of, Holder: of.ID, NotAfter: w.clock().AddDate(1, 0, 0)})
	w.must(err)
	c, err := w.ca.Issue(w.t.Context(), who, d)
	w.must(err)
	return key, []*x509.Certificate{c, w.ca.Authority(pki.Ops)}
}
