package ra

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"testing"
	"time"

	"tegata/internal/attest"
	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// bench is the part of the authority that reads strangers' bytes: everything up
// to the store, which is not there.
type bench struct {
	ra    *RA
	at    time.Time
	id    string
	key   crypto.Signer
	chain []*x509.Certificate
	apply ApplyClaims
	keys  KeysClaims
}

func newBench(f *testing.F) *bench {
	f.Helper()
	check := func(err error) {
		f.Helper()
		if err != nil {
			f.Fatal(err)
		}
	}
	b := &bench{at: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), key: pkitest.ECKey(f), id: base64.RawURLEncoding.EncodeToString(make([]byte, 16))}
	maker, err := attest.NewMakerWithKey(pkitest.ECKey(f), "Maker", b.at)
	check(err)
	batch, err := maker.NewBatch("One", b.at)
	check(err)
	b.ra = &RA{config: Config{URL: "http://issuer", Arc: pki.SandboxArc(), Terms: Terms{Version: "1"},
		Policy: Policy{Roots: []*x509.Certificate{maker.Root}, MinLevel: attest.TrustedEnvironment, Models: []Model{{"Maker", "One"}}}}}
	prove := func(key crypto.Signer, challenge []byte) [][]byte {
		hw := attest.Hardware{Level: attest.TrustedEnvironment, Manufacturer: "Maker", Model: "One", Locked: true, Boot: attest.BootVerified}
		chain, err := batch.Attest(key.Public(), challenge, hw, pki.SandboxArc().ElementExtension(), attest.Element{}, b.at)
		check(err)
		return chain
	}
	for _, der := range prove(b.key, DeviceKeyChallenge(b.id)) {
		c, err := x509.ParseCertificate(der)
		check(err)
		b.chain = append(b.chain, c)
	}
	card := pkitest.Key(f, 0)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: pki.RandomSerial().Big()}, &x509.Certificate{}, card.Public(), card)
	check(err)
	cert, err := x509.ParseCertificate(der)
	check(err)
	spki, err := x509.MarshalPKIXPublicKey(b.key.Public())
	check(err)
	hash := sha256.Sum256(spki)
	content := Application{ApplicantCertificateSHA256: pki.Fingerprint(der), Certificates: []string{"phone-auth", "phone-sign"},
		DeviceKeySHA256: hex.EncodeToString(hash[:]), Enrolment: b.id, Nonce: b.id, TermsVersion: "1", Time: b.at.Format(time.RFC3339)}
	signed, err := cms.Sign(card, cert, content.Canonical(), b.at, false)
	check(err)
	common := StepClaims{Aud: "http://issuer", ID: b.id, Step: StepApply, IAT: b.at.Unix(), Ctr: 1}
	b.apply = ApplyClaims{StepClaims: common, Application: signed}
	proof := func(i int) KeyProof {
		key := pkitest.Key(f, i)
		csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
		check(err)
		return KeyProof{CSR: csr, Chain: prove(key, KeyChallenge(signed, nil))}
	}
	common.Step = StepKeys
	b.keys = KeysClaims{StepClaims: common, Auth: proof(1), Sign: proof(2)}
	return b
}

// read takes a step as each door does, as far as the store.
func (b *bench) read(step string) (took string) {
	if m, err := parseStep[ApplyClaims](b.ra, TypeEnrolment, step, StepApply, "", b.at); err == nil {
		if s, err := first(m); err == nil {
			hash, _, err := spkiHash(s.key)
			_, _, bad := b.ra.attested("device", rawChain(s.chain), DeviceKeyChallenge(s.claims.ID), attest.P256, b.at)
			if _, wrong := b.ra.application(s.claims, hash, b.at); err == nil && bad == nil && wrong == nil {
				took = "apply"
			}
		}
	}
	device, err := x509.MarshalPKIXPublicKey(b.key.Public())
	if err != nil {
		return took
	}
	if m, err := parseStep[KeysClaims](b.ra, TypeEnrolment, step, StepKeys, b.id, b.at); err == nil {
		if s, err := follow(m, device); err == nil {
			_, bad := requestedKeys(EnrolmentRecord{}, s.claims)
			challenge := KeyChallenge(b.apply.Application, nil)
			_, _, wrong := b.ra.proved("auth", s.claims.Auth, challenge, b.at)
			_, _, wrong2 := b.ra.proved("sign", s.claims.Sign, challenge, b.at)
			if bad == nil && wrong == nil && wrong2 == nil {
				took = "keys"
			}
		}
	}
	if m, err := parseStep[RegisterClaims](b.ra, TypeEnrolment, step, StepRegister, b.id, b.at); err == nil {
		follow(m, device)
	}
	if m, err := parseStep[CheckInClaims](b.ra, TypeCheckIn, step, StepCheckIn, "", b.at); err == nil {
		follow(m, device)
	}
	return took
}

func (b *bench) sign(f testing.TB, claims any) string {
	f.Helper()
	s, err := jws.Sign(stepKind(TypeEnrolment), b.key, b.chain, claims)
	if err != nil {
		f.Fatal(err)
	}
	return s
}

// FuzzStep hands any text to the doors that a stranger reaches: nothing panics,
// and nothing but what the element signed is taken.
func FuzzStep(f *testing.F) {
	b := newBench(f)
	honest := map[string]bool{}
	for _, claims := range []any{b.apply, b.keys, b.apply.StepClaims} {
		s := b.sign(f, claims)
		honest[s] = true
		f.Add(s)
	}
	f.Add("")
	f.Add("..")
	f.Add("eyJhbGciOiJub25lIiwidHlwIjoidGVnYXRhLWVucm9sbWVudCtqd3QifQ.e30.")
	f.Fuzz(func(t *testing.T, step string) {
		if took := b.read(step); took != "" && !honest[step] {
			t.Errorf("%s took %q", took, step)
		}
	})
}

// FuzzClaims is a phone whose element signs whatever it is given: the claims,
// the application and the key proofs are any bytes. Nothing panics, and an
// application that is taken is the card's own.
func FuzzClaims(f *testing.F) {
	b := newBench(f)
	for _, claims := range []any{b.apply, b.keys} {
		text, err := jws.Encode(claims)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, claims []byte) {
		if !json.Valid(claims) || len(claims) > maxStep/2 {
			return
		}
		switch b.read(b.sign(t, json.RawMessage(claims))) {
		case "apply":
			var c ApplyClaims
			if err := jws.Decode(claims, &c); err != nil || string(c.Application) != string(b.apply.Application) {
				t.Errorf("another application than the card's was taken: %s", claims)
			}
		case "keys":
			var c KeysClaims
			if err := jws.Decode(claims, &c); err != nil || string(c.Auth.CSR) != string(b.keys.Auth.CSR) {
				t.Errorf("other keys than the element's were taken: %s", claims)
			}
		}
	})
}
