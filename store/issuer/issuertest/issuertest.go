// Package issuertest gives tests a whole issuer: authorities, ledger and
// projections over a real database and a real listener, with a clock that the
// test moves.
//
// # Trust
//
// Its authorities' keys are from the committed pool (pkitest): published.
package issuertest

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu sync.Mutex // guards at
	at time.Time
}

// Now is the moment the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Walk moves the clock, backwards too.
func (c *Clock) Walk(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// Issuer is a whole issuer.
type Issuer struct {
	Config  ca.Config
	DB      *store.DB
	Store   *issuer.Store
	Ledger  *status.Ledger
	CA      *ca.CA
	Handler *status.Handler
	Clock   *Clock
	URL     string // of its listener
	DSN     string // of its database; empty when the test gave one
}

// Start is where a test's clock begins.
var Start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

// Who is the actor of a test.
var Who = audit.Actor{Party: "test", Kind: "system", ID: "test"}

// New makes an issuer on an SQLite database of its own.
func New(t testing.TB) *Issuer { return NewAt(t, Start) }

// NewHooked is New with a hook around the commits (store.WithHook).
func NewHooked(t testing.TB, hook func(durable.Moment)) *Issuer {
	t.Helper()
	return newWith(t, Start, store.WithHook(hook))
}

// NewAt is New with another beginning of the clock: programs that look at the
// machine's clock need time.Now.
func NewAt(t testing.TB, start time.Time) *Issuer {
	t.Helper()
	return newWith(t, start)
}

func newWith(t testing.TB, start time.Time, options ...store.Option) *Issuer {
	t.Helper()
	dsn := storetest.SQLite(t)
	db, err := store.Create(t.Context(), dsn, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), issuer.Schema); err != nil {
		t.Fatal(err)
	}
	i := newOn(t, db, start)
	i.DSN = dsn
	return i
}

// Prepare makes what a CA is created from: a directory whose authorities' keys are
// the pool's (drawing RSA keys would be most of a test's time), a ledger, a clock.
// Nothing is created yet.
func Prepare(t testing.TB, db *store.DB, baseURL string) *Issuer {
	t.Helper()
	return prepare(t, db, baseURL, Start)
}

func prepare(t testing.TB, db *store.DB, baseURL string, start time.Time) *Issuer {
	t.Helper()
	dir := t.TempDir()
	sealing := filepath.Join(dir, "sealing.key")
	if err := secret.CreateKeyFile(durable.Files{}, sealing, secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.OpenSealer(sealing, secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys")
	if err := os.Mkdir(keys, 0o700); err != nil {
		t.Fatal(err)
	}
	for n, kind := range pki.Kinds() {
		label := profile.Label(kind, 1)
		der, err := x509.MarshalPKCS8PrivateKey(pkitest.Key(t, n))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(keys, label+".key"), sealer.Seal("private key "+label, der), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	i := &Issuer{DB: db, Store: issuer.New(db), Clock: &Clock{at: start}, URL: baseURL}
	if i.Ledger, err = status.OpenLedger(t.Context(), i.Store, i.Clock.Now); err != nil {
		t.Fatal(err)
	}
	i.Config = ca.Config{
		Operator: profile.Operator{Organization: "Tegata Test", Unit: "Test Operator", Arc: pki.SandboxArc(), BaseURL: baseURL},
		Dir:      keys, Sealer: sealer, Store: i.Store, Ledger: i.Ledger, Now: i.Clock.Now,
	}
	return i
}

// NewOn makes an issuer on a database that has its tables.
func NewOn(t testing.TB, db *store.DB) *Issuer {
	t.Helper()
	return newOn(t, db, Start)
}

func newOn(t testing.TB, db *store.DB, start time.Time) *Issuer {
	t.Helper()
	server := httptest.NewUnstartedServer(nil)
	i := prepare(t, db, "http://"+server.Listener.Addr().String(), start)
	var err error
	if i.CA, err = ca.Create(t.Context(), i.Config); err != nil {
		t.Fatal(err)
	}
	i.Handler = status.NewHandler(i.Ledger, i.Store, i.CA, nil)
	server.Config.Handler = i.Handler.Routes(http.NotFoundHandler())
	server.Start()
	t.Cleanup(func() {
		server.Close()
		// Whatever happened in the test: the ledger is what the audit records tell.
		if err := i.Store.CheckLedger(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return i
}

// Person is a subject with everything that a signature certificate names.
func Person() profile.Subject {
	name, address := "山田　花子", "東京都千代田区一番町二丁目3番地4"
	return profile.Subject{
		Municipality: profile.Municipality{Code: "131016", Prefecture: "Tokyo-to", City: "Chiyoda-ku"},
		Attributes: pki.Attributes{
			Name: name, NameSubstitution: pki.NoSubstitution(name), Sex: "2", BirthDate: "319800217",
			Address: address, AddressSubstitution: pki.NoSubstitution(address),
		},
	}
}

// Request is a request that the profile of kind allows, for key n of the pool.
func (i *Issuer) Request(t testing.TB, kind pki.Kind, n int) ca.Request {
	t.Helper()
	r := ca.Request{Kind: kind, Holder: "holder", NotAfter: i.Clock.Now().AddDate(4, 0, 0)}
	switch {
	case kind == pki.Ops:
		r.Party = profile.Party{ID: "portal", Role: pki.RoleParty, Origins: []string{"http://portal.localhost:8404"}}
		r.PublicKey = ECKey(t).Public()
	case kind.Signature():
		r.Subject = Person()
		fallthrough
	default:
		r.PublicKey = pkitest.Key(t, n).Public()
	}
	return r
}

// Issue issues a certificate of kind for key n of the pool.
func (i *Issuer) Issue(t testing.TB, kind pki.Kind, n int, hold status.Cause) *x509.Certificate {
	t.Helper()
	r := i.Request(t, kind, n)
	r.Hold = hold
	draft, err := i.CA.Prepare(t.Context(), Who, r)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := i.CA.Issue(t.Context(), Who, draft)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Apply applies changes to the ledger, or fails the test.
func (i *Issuer) Apply(t testing.TB, changes ...status.Change) {
	t.Helper()
	if err := i.Ledger.Apply(t.Context(), Who, changes...); err != nil {
		t.Fatal(err)
	}
}

// ECKey draws a P-256 key.
func ECKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
