package ra_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/attest"
	"tegata/internal/cms"
	"tegata/internal/durable"
	"tegata/internal/jws"
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
	"tegata/store/storetest"
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
}

// newWorld makes one on SQLite.
func newWorld(t testing.TB) *world {
	t.Helper()
	db, err := store.Create(t.Context(), storetest.SQLite(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := migrate(t, db); err != nil {
		t.Fatal(err)
	}
	return worldOn(t, db, began)
}

func worldOn(t testing.TB, db *store.DB, at time.Time) *world {
	t.Helper()
	return worldIn(t, db, at, t.TempDir())
}

func migrate(t testing.TB, db *store.DB) error { return db.Migrate(t.Context(), issuer.Schema) }

func worldIn(t testing.TB, db *store.DB, at time.Time, dir string) *world {
	t.Helper()
	w := &world{t: t, now: at, db: db, dir: dir, key: make([]byte, 32)}
	keyFile := filepath.Join(w.dir, "key")
	if err := secret.CreateKeyFile(durable.Files{}, keyFile); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.sealer, err = secret.OpenSealer(keyFile); err != nil {
		t.Fatal(err)
	}
	if w.maker, err = attest.NewMakerWithKey(pkitest.ECKey(t), "Sandbox Maker (software)", at); err != nil {
		t.Fatal(err)
	}
	w.policy = ra.Policy{
		Roots: []*x509.Certificate{w.maker.Root}, MinLevel: attest.TrustedEnvironment,
		Models: []ra.Model{{Manufacturer: "Tegata", Model: "Tegata One"}, {Manufacturer: "Tegata", Model: "Tegata Two"}},
	}
	w.open(ca.Create)
	return w
}

// open builds the issuer's parts over the database, as a start of the process does.
func (w *world) open(how func(context.Context, ca.Config) (*ca.CA, error)) {
	w.t.Helper()
	if err := w.build(w.t.Context(), how); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) build(ctx context.Context, how func(context.Context, ca.Config) (*ca.CA, error)) error {
	w.store = issuer.New(w.db)
	clock := func() time.Time { return w.now }
	var err error
	if w.ledger, err = status.OpenLedger(ctx, w.store, clock); err != nil {
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
	var err error
	if c.issued, err = w.ra.IssueCard(w.t.Context(), "city", c.issuance()); err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (c *card) issuance() ra.CardIssuance {
	return ra.CardIssuance{ID: c.id, Person: c.person, AuthCSR: csr(c.w.t, c.auth), SignCSR: csr(c.w.t, c.sign)}
}

func (c *card) event(kind ra.EventKind) (ra.EventDone, error) {
	ev := ra.RegisterEvent{ID: randomID(), Person: c.person.ID, Kind: kind}
	if kind == ra.EventMoved || kind == ra.EventNameChanged {
		a := c.person.Attributes
		a.Address = "東京都見本区九丁目9番9号"
		a.AddressSubstitution = pki.NoSubstitution(a.Address)
		ev.Attributes = &a
	}
	return c.w.ra.RegisterEvent(c.w.t.Context(), "city", ev)
}

func randomID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// phone plays an element: a device key, two keys, a counter, a batch key of its maker.
type phone struct {
	w          *world
	id         string
	batch      attest.Batch
	hardware   attest.Hardware
	element    attest.Element
	device     *ecdsa.PrivateKey
	auth, sign *rsa.PrivateKey
	ctr        uint64
	chain      [][]byte // of the device key
	cms        []byte
	applied    ra.Applied
	issued     ra.Issued
	code       secret.LockCode
	// reset counter and unlock time that a check-in claims
	unlocked time.Time
}

// newPhone is a Tegata One with the two pool keys from first on.
func (w *world) newPhone(first int) *phone {
	w.t.Helper()
	batch, err := w.maker.NewBatch("Tegata One", w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &phone{
		w: w, id: randomID(), batch: batch, device: pkitest.ECKey(w.t), auth: pkitest.Key(w.t, first), sign: pkitest.Key(w.t, first+1),
		hardware: attest.Hardware{Level: attest.TrustedEnvironment, Brand: "tegata", Manufacturer: "Tegata", Model: "Tegata One",
			Locked: true, Boot: attest.BootVerified},
	}
	rand.Read(p.element.ID[:])
	p.code = secret.GenerateLockCode()
	return p
}

func (p *phone) attest(pub crypto.PublicKey, challenge []byte) [][]byte {
	p.w.t.Helper()
	chain, err := p.batch.Attest(pub, challenge, p.hardware, pki.SandboxArc().ElementExtension(), p.element, p.w.now)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return chain
}

// claims are the common ones of the phone's next message.
func (p *phone) claims(step ra.StepName) ra.StepClaims {
	p.ctr++
	return ra.StepClaims{Aud: issuerURL, ID: p.id, Step: step, IAT: p.w.now.Unix(), Ctr: p.ctr}
}

func (p *phone) jws(typ string, claims any, chain [][]byte) string {
	p.w.t.Helper()
	var certs []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			p.w.t.Fatal(err)
		}
		certs = append(certs, c)
	}
	kind := jws.Kind{Typ: typ, Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 1 << 20, Bare: true}
	s, err := jws.Sign(kind, p.device, certs, claims)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return s
}

// application is what the card is asked to sign.
func (p *phone) application(c *card) ra.Application {
	spki, err := x509.MarshalPKIXPublicKey(&p.device.PublicKey)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return ra.Application{
		ApplicantCertificateSHA256: pki.Fingerprint(c.issued.Certificates.Sign),
		Certificates:               []string{"phone-auth", "phone-sign"},
		DeviceKeySHA256:            sum(spki), Enrolment: p.id, Nonce: randomID(),
		TermsVersion: "2026-11", Time: p.w.now.Format(time.RFC3339),
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// signWith has the card's key sign content under a certificate.
func (p *phone) signWith(key crypto.Signer, der, content []byte) []byte {
	p.w.t.Helper()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		p.w.t.Fatal(err)
	}
	out, err := cms.Sign(key, cert, content, p.w.now, false)
	if err != nil {
		p.w.t.Fatal(err)
	}
	return out
}

// applyStep is the whole step "apply" with a fresh application, kept for resends.
func (p *phone) applyStep(c *card, replace bool) string {
	if p.chain == nil {
		p.chain = p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(p.id))
	}
	if p.cms == nil {
		p.cms = p.signWith(c.sign, c.issued.Certificates.Sign, p.application(c).Canonical())
	}
	return p.jws(ra.TypeEnrolment, ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: p.cms, Replace: replace}, p.chain)
}

func (p *phone) apply(c *card, replace bool) (err error) {
	p.applied, err = p.w.ra.Apply(p.w.t.Context(), p.applyStep(c, replace))
	return err
}

func (p *phone) keyClaims() ra.KeysClaims {
	challenge := ra.KeyChallenge(p.cms, p.applied.Nonce)
	return ra.KeysClaims{
		StepClaims: p.claims(ra.StepKeys),
		Auth:       ra.KeyProof{CSR: csr(p.w.t, p.auth), Chain: p.attest(&p.auth.PublicKey, challenge)},
		Sign:       ra.KeyProof{CSR: csr(p.w.t, p.sign), Chain: p.attest(&p.sign.PublicKey, challenge)},
	}
}

func (p *phone) keys() (err error) { return p.sendKeys(p.keyClaims()) }

func (p *phone) sendKeys(c ra.KeysClaims) (err error) {
	p.issued, err = p.w.ra.Keys(p.w.t.Context(), p.id, p.jws(ra.TypeEnrolment, c, nil))
	return err
}

func (p *phone) registerClaims() ra.RegisterClaims {
	cost := p.applied.LockCodeCost
	return ra.RegisterClaims{
		StepClaims: p.claims(ra.StepRegister), AuthSHA256: sum(p.issued.Certificates.Auth), SignSHA256: sum(p.issued.Certificates.Sign),
		LockCodeVerifier: secret.NewVerifierWithSalt(p.code, p.applied.LockCodeSalt,
			secret.Cost{Time: cost.TimeCost, MemoryKiB: cost.MemoryKiB, Threads: cost.Threads}),
	}
}

func (p *phone) register() error { return p.sendRegister(p.registerClaims()) }

func (p *phone) sendRegister(c ra.RegisterClaims) error {
	_, err := p.w.ra.Register(p.w.t.Context(), p.id, p.jws(ra.TypeEnrolment, c, nil))
	return err
}

func (p *phone) show() (ra.Standing, error) {
	return p.w.ra.Show(p.w.t.Context(), p.id, p.jws(ra.TypeEnrolment, p.claims(ra.StepShow), nil))
}

// enrol goes the whole way.
func (p *phone) enrol(c *card) {
	p.w.t.Helper()
	for _, step := range []func() error{func() error { return p.apply(c, false) }, p.keys, p.register} {
		if err := step(); err != nil {
			p.w.t.Fatal(err)
		}
	}
	p.unlocked = p.w.now
}

func (p *phone) checkInClaims() ra.CheckInClaims {
	return ra.CheckInClaims{StepClaims: p.claims(ra.StepCheckIn), LastUnlock: p.unlocked.Unix(),
		ResetCounter: uint64(p.element.ResetCounter), VerifiedBoot: "verified", DeviceLocked: new(true)}
}

func (p *phone) checkIn() (ra.CheckedIn, error) { return p.sendCheckIn(p.checkInClaims()) }

func (p *phone) sendCheckIn(c ra.CheckInClaims) (ra.CheckedIn, error) {
	return p.w.ra.CheckIn(p.w.t.Context(), p.jws(ra.TypeCheckIn, c, nil))
}

// pair is the status of both certificates, authentication first.
func (p *phone) pair() [2]status.Entry {
	p.w.t.Helper()
	return [2]status.Entry{p.w.status(p.issued.Certificates.Auth, pki.PhoneAuth), p.w.status(p.issued.Certificates.Sign, pki.PhoneSign)}
}

func (p *phone) mustBe(want status.Status, reason int, holds ...status.Cause) {
	p.w.t.Helper()
	for i, e := range p.pair() {
		if e.Status != want || e.Reason != reason || len(e.Holds) != len(holds) {
			p.w.t.Errorf("certificate %d is %s (reason %d, holds %v), want %s (%d, %v)", i, e.Status, e.Reason, e.Holds, want, reason, holds)
			continue
		}
		for j, h := range e.Holds {
			if h.Cause != holds[j] {
				p.w.t.Errorf("certificate %d is held for %s, want %s", i, h.Cause, holds[j])
			}
		}
	}
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

// nonce is that of the phone's application.
func (p *phone) nonce(t testing.TB) string {
	t.Helper()
	signed, err := cms.Parse(p.cms)
	if err != nil {
		t.Fatal(err)
	}
	var a ra.Application
	if err := json.Unmarshal(signed.Content, &a); err != nil {
		t.Fatal(err)
	}
	return a.Nonce
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
