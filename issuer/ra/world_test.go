package ra_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"os"
	"sync"
	"tegata/internal/durable"

	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
)

const issuerURL = "http://127.0.0.1:8401"

var began = time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC)

// world is a whole issuer over a real store, with a clock that tests move.
type world struct {
	t      testing.TB
	now    time.Time
	db     *store.DB
	store  *issuer.Store
	ledger *status.Ledger
	ca     *ca.CA
	ra     *ra.RA
	maker  attest.Maker
	policy ra.Policy
	key    []byte
	dir    string
	sealer *secret.Sealer
	shares []status.Option // of its ledger
}

// fresh is the directory of an issuer that was just made. Every test begins with
// a copy of it: making authorities and tables takes longer than most tests.
var fresh = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tegata-ra-")
	if err != nil {
		return "", err
	}
	ctx := context.Background()
	db, err := store.Create(ctx, "sqlite:"+filepath.Join(dir, "issuer.db"))
	if err != nil {
		return dir, err
	}
	if err := db.Migrate(ctx, issuer.Schema); err != nil {
		return dir, err
	}
	w := &world{now: began, db: db, dir: dir, key: make([]byte, 32)}
	if err := w.found(ctx); err != nil {
		return dir, err
	}
	return dir, db.Close()
})

// newWorld makes one on SQLite.
func newWorld(t testing.TB) *world {
	t.Helper()
	return worldAt(t, t.TempDir())
}

// worldAt makes one on SQLite in an empty directory.
func worldAt(t testing.TB, dir string) *world {
	t.Helper()
	template, err := fresh()
	if err != nil {
		t.Fatal(err)
	}
	copyWorld(t, dir, template)
	w := opened(t, dir)
	t.Cleanup(func() {
		// Whatever happened in the test: the ledger is what the audit records tell.
		if w.db.Ping(context.Background()) == nil { // not closed by the test
			if err := issuer.New(w.db).CheckLedger(context.Background()); err != nil {
				t.Error(err)
			}
		}
		w.db.Close()
	})
	return w
}

// quickDir is a directory for tests that make many worlds and claim nothing about what
// a disk keeps: in memory, where there is such a place.
func quickDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "tegata-ra-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// copied is a copy of the world at rest in a directory; end leaves nothing of it.
func copied(t testing.TB, from string) *world {
	t.Helper()
	dir := quickDir(t)
	copyWorld(t, dir, from)
	return opened(t, dir)
}

func (w *world) end() {
	w.db.Close()
	os.RemoveAll(w.dir)
}

// opened is the world in a directory; who calls it closes its database.
func opened(t testing.TB, dir string, shares ...status.Option) *world {
	t.Helper()
	db, err := store.Open(t.Context(), "sqlite:"+filepath.Join(dir, "issuer.db"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: began, db: db, dir: dir, key: make([]byte, 32), shares: shares}
	if err := w.reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func copyWorld(t testing.TB, to, from string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(to, "key"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// worldOn makes one over an empty database with tables.
func worldOn(t testing.TB, db *store.DB, at time.Time) *world {
	t.Helper()
	w := &world{t: t, now: at, db: db, dir: t.TempDir(), key: make([]byte, 32)}
	if err := w.found(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

// found makes the keys of the issuer and of a maker of phones, and opens it.
func (w *world) found(ctx context.Context) error {
	if err := secret.CreateKeyFile(durable.Files{}, filepath.Join(w.dir, "key"), secret.Sandbox); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	maker, err := attest.NewMakerWithKey(key, "Sandbox Maker (software)", w.now)
	if err != nil {
		return err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "maker.key"), der, 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "maker.pem"), pki.EncodePEM(maker.Root.Raw), 0o600); err != nil {
		return err
	}
	return w.start(ctx, ca.Create)
}

// reopen is what a second start of the issuer does.
func (w *world) reopen(ctx context.Context) error { return w.start(ctx, ca.Open) }

func (w *world) start(ctx context.Context, how func(context.Context, ca.Config) (*ca.CA, error)) error {
	var err error
	if w.sealer, err = secret.OpenSealer(filepath.Join(w.dir, "key"), secret.Sandbox); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(w.dir, "maker.pem"))
	if err != nil {
		return err
	}
	roots, err := pki.ParsePEM(text)
	if err != nil {
		return err
	}
	der, err := os.ReadFile(filepath.Join(w.dir, "maker.key"))
	if err != nil {
		return err
	}
	key, err := x509.ParseECPrivateKey(der)
	if err != nil {
		return err
	}
	w.maker = attest.Maker{Root: roots[0], Key: key}
	w.policy = ra.Policy{
		Roots: roots, MinLevel: attest.TrustedEnvironment,
		Models: []ra.Model{{Manufacturer: "Tegata", Model: "Tegata One"}, {Manufacturer: "Tegata", Model: "Tegata Two"}},
	}
	return w.build(ctx, how)
}

// build makes the issuer's parts over the database.
func (w *world) build(ctx context.Context, how func(context.Context, ca.Config) (*ca.CA, error)) error {
	w.store = issuer.New(w.db)
	clock := func() time.Time { return w.now }
	var err error
	if w.ledger, err = status.OpenLedger(ctx, w.store, clock, w.shares...); err != nil {
		return err
	}
	algorithms := map[pki.Kind]profile.Algorithm{}
	for _, k := range pki.Kinds() {
		algorithms[k] = profile.ECDSAP384SHA384 // fast to make; which algorithm is no concern of ours
	}
	w.ca, err = how(ctx, ca.Config{
		Operator: profile.Operator{Organization: "Tegata Sandbox", Unit: "operator", Arc: pki.SandboxArc(), BaseURL: issuerURL},
		Dir:      filepath.Join(w.dir, "ca"), Sealer: w.sealer, Store: w.store, Ledger: w.ledger, Now: clock, Algorithms: algorithms,
	})
	if err != nil {
		return err
	}
	w.ra, err = ra.New(ra.Config{
		URL: issuerURL, Arc: pki.SandboxArc(), Policy: w.policy, Terms: ra.Terms{Version: "2026-11", JA: "規約", EN: "Terms"},
		Key: w.key, LockCost: secret.TestCost(),
	}, w.store, w.ca, clock, ra.Options{})
	return err
}

func (w *world) status(der []byte, k pki.Kind) status.Entry {
	w.t.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		w.t.Fatal(err)
	}
	e, err := w.ledger.State(w.t.Context(), k, pki.SerialOf(c))
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) notices() []ra.NoticeKind {
	w.t.Helper()
	out, err := w.ra.Outbox(w.t.Context(), "", 1000)
	if err != nil {
		w.t.Fatal(err)
	}
	var kinds []ra.NoticeKind
	for _, n := range out.Notices {
		kinds = append(kinds, n.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

// pass moves the clock on and stops at each due event, as package clock does.
func (w *world) pass(d time.Duration) {
	w.t.Helper()
	until := w.now.Add(d)
	for {
		due, ok, err := w.ra.NextDue(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		if !ok || due.After(until) {
			break
		}
		if due.After(w.now) {
			w.now = due
		}
		if err := w.ra.RunDue(w.t.Context(), w.now); err != nil {
			w.t.Fatal(err)
		}
	}
	w.now = until
}

// card is a card at rest: its keys and what was issued for it.
type card struct {
	w          *world
	id         string
	person     ra.Person
	auth, sign *rsa.PrivateKey
	issued     ra.CardIssued
}

func hanako() ra.Person {
	return resident("hanako", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC))
}

func resident(id, name string, birth time.Time) ra.Person {
	const address = "東京都見本区一丁目2番3号"
	return ra.Person{
		ID: id,
		Attributes: pki.Attributes{Name: name, NameSubstitution: pki.NoSubstitution(name), Sex: "2", BirthDate: pki.EraBirthDate(birth),
			Address: address, AddressSubstitution: pki.NoSubstitution(address)},
		Municipality: ra.Municipality{Code: "131999", Prefecture: "Tokyo", City: "Mihon"},
		Contact:      ra.Contact{Channel: "mailbox", Address: id},
	}
}

func csr(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// issueCard has a card made for p with the two pool keys from first on.
func (w *world) issueCard(id string, p ra.Person, first int) *card {
	w.t.Helper()
	c := &card{w: w, id: id, person: p, auth: pkitest.Key(w.t, first), sign: pkitest.Key(w.t, first+1)}
	if err := c.issue(); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (c *card) issue() (err error) {
	c.issued, err = c.w.ra.IssueCard(c.w.t.Context(), "city", c.issuance())
	return err
}

func (c *card) issuance() ra.CardIssuance {
	return ra.CardIssuance{ID: c.id, Person: c.person, AuthCSR: csr(c.w.t, c.auth), SignCSR: csr(c.w.t, c.sign)}
}

// moved is the card once the register has told of EventMoved or EventNameChanged.
func (c *card) moved() *card {
	c.person.Attributes = elsewhere(c.person.Attributes)
	return c
}

func elsewhere(a pki.Attributes) pki.Attributes {
	a.Address = "東京都見本区九丁目9番9号"
	a.AddressSubstitution = pki.NoSubstitution(a.Address)
	return a
}

// reissue has the desk put a new signature certificate, of a pool key, onto the card.
func (c *card) reissue(id string, key int) error {
	return c.reissueWith(id, pkitest.Key(c.w.t, key))
}

func (c *card) reissueWith(id string, key *rsa.PrivateKey) error {
	got, err := c.w.ra.ReissueCard(c.w.t.Context(), "city", ra.CardReissue{ID: id, Card: c.id, Person: c.person, SignCSR: csr(c.w.t, key)})
	if err == nil {
		c.sign, c.issued.Certificates.Sign = key, got.Certificates.Sign
	}
	return err
}

func (c *card) event(kind ra.EventKind) (ra.EventDone, error) {
	ev := ra.RegisterEvent{ID: randomID(), Person: c.person.ID, Kind: kind}
	if kind == ra.EventMoved || kind == ra.EventNameChanged {
		ev.Attributes = new(elsewhere(c.person.Attributes))
	}
	if kind == ra.EventAnnounced {
		ev.Of, ev.On = ra.EventMoved, "2027-04-01"
	}
	return c.w.ra.RegisterEvent(c.w.t.Context(), "city", ev)
}

func randomID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// wantCode checks the code of a refusal.
func wantCode(t testing.TB, err error, code ra.Code) *problem.Problem {
	t.Helper()
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return p
}

// auditTrail is all that the audit log says, as text.
func (w *world) auditTrail() (string, error) {
	var all strings.Builder
	err := w.db.Read(w.t.Context(), func(tx store.Tx) error {
		rows, err := tx.Query(w.t.Context(), "SELECT party, kind, actor, action, object, detail FROM store_audit ORDER BY seq")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var field [6]string
			if err := rows.Scan(&field[0], &field[1], &field[2], &field[3], &field[4], &field[5]); err != nil {
				return err
			}
			all.WriteString(strings.Join(field[:], " ") + "\n")
		}
		return rows.Err()
	})
	return all.String(), err
}
