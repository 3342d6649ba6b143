package ra_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/attest"
	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

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
	return w.newPhoneWith(pkitest.Key(w.t, first), pkitest.Key(w.t, first+1))
}

func (w *world) newPhoneWith(auth, sign *rsa.PrivateKey) *phone {
	w.t.Helper()
	batch, err := w.maker.NewBatch("Tegata One", w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	p := &phone{
		w: w, id: randomID(), batch: batch, device: pkitest.ECKey(w.t), auth: auth, sign: sign,
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
