package element_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tegata/holder/element"
	"tegata/internal/attest"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// bench is an element on a workbench: its maker, its directory and its clock.
type bench struct {
	t      *testing.T
	config element.Config
	trust  attest.Trust
	batch  attest.Batch
	hw     attest.Hardware
	el     *element.Element
	now    time.Time
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	m, err := attest.NewMaker("Virtual phones (software)", b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.trust = attest.Trust{Roots: []*x509.Certificate{m.Root}, ElementExtension: pki.SandboxArc().ElementExtension()}
	if b.batch, err = m.NewBatch("T-1", b.now); err != nil {
		t.Fatal(err)
	}
	b.hw = attest.Hardware{Level: attest.StrongBox, Brand: "Tegata", Manufacturer: "Sandbox", Model: "T-1", Locked: true}
	dir := t.TempDir()
	if err := secret.CreateKeyFile(durable.Files{}, filepath.Join(dir, "key"), secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.OpenSealer(filepath.Join(dir, "key"), secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	b.config = element.Config{
		Dir: filepath.Join(dir, "p1"), Sealer: sealer, Arc: pki.SandboxArc(), Cost: secret.TestCost(),
		Now: func() time.Time { return b.now },
		GenerateKey: func() (*rsa.PrivateKey, error) {
			drawn++
			return pkitest.Key(t, drawn), nil
		},
	}
	if b.el, err = element.Create(b.config, b.hw, b.batch); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.el.Close() })
	return b
}

// restart closes the element and wakes it from its files.
func (b *bench) restart() {
	b.t.Helper()
	if err := b.el.Close(); err != nil {
		b.t.Fatal(err)
	}
	el, err := element.Open(b.config)
	if err != nil {
		b.t.Fatal(err)
	}
	b.el = el
}

func pin(t *testing.T, s string) secret.PIN {
	t.Helper()
	p, err := secret.ParsePIN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func password(t *testing.T, s string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// authority issues a certificate over a request.
func authority(t *testing.T, name string, key *rsa.PrivateKey) func(csr []byte) (certificate, authority []byte) {
	t.Helper()
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name, Organization: []string{"Tegata Sandbox"}},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, root, root, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return func(csr []byte) ([]byte, []byte) {
		pub, err := attest.ParseCSR(csr)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
			SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "holder"},
			NotBefore: root.NotBefore, NotAfter: root.NotAfter,
			KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageContentCommitment,
			ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection},
		}, parsed, pub, key)
		if err != nil {
			t.Fatal(err)
		}
		return leaf, der
	}
}

// enrol gives the element a pair of keys with PIN 4826 and password TEGATA26.
func (b *bench) enrol() {
	b.t.Helper()
	t := b.t
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "tegata26")); err != nil {
		t.Fatal(err)
	}
	auth, sign, err := b.el.GenerateKeys([]byte("challenge"))
	if err != nil {
		t.Fatal(err)
	}
	certs, authorities := map[pki.Kind][]byte{}, map[pki.Kind][]byte{}
	certs[pki.PhoneAuth], authorities[pki.PhoneAuth] = authority(t, "auth", pkitest.Key(t, 6))(auth.CSR)
	certs[pki.PhoneSign], authorities[pki.PhoneSign] = authority(t, "sign", pkitest.Key(t, 7))(sign.CSR)
	if err := b.el.WriteCertificates(certs, authorities); err != nil {
		t.Fatal(err)
	}
}

func TestKeysAreProvedAndStaySoOverARestart(t *testing.T) {
	b := newBench(t)
	challenge := []byte("challenge")
	if _, _, err := b.el.GenerateKeys(challenge); !errors.Is(err, element.ErrNoSecrets) {
		t.Errorf("keys without secrets: %v", err)
	}
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "TEGATA26")); err != nil {
		t.Fatal(err)
	}
	auth, sign, err := b.el.GenerateKeys(challenge)
	if err != nil {
		t.Fatal(err)
	}
	want := attest.Expectation{Challenge: challenge, Type: attest.RSA2048, MinLevel: attest.StrongBox}
	st, first, err := attest.VerifyProof(auth, b.trust, want, b.now)
	if err != nil {
		t.Fatal(err)
	}
	if st.ElementID != b.el.ID() || st.ResetCounter != 0 {
		t.Errorf("statement names element %x", st.ElementID)
	}
	if _, other, err := attest.VerifyProof(sign, b.trust, want, b.now); err != nil || attest.SameKey(first, other) {
		t.Errorf("second key: %v", err)
	}
	b.restart()
	again, _, err := b.el.GenerateKeys(challenge)
	if err != nil {
		t.Fatal(err)
	}
	if _, pub, err := attest.VerifyProof(again, b.trust, want, b.now); err != nil || !attest.SameKey(pub, first) {
		t.Errorf("after a restart: %v", err)
	}
	fresh, _, err := b.el.GenerateKeys([]byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	want.Challenge = []byte("another")
	if _, pub, err := attest.VerifyProof(fresh, b.trust, want, b.now); err != nil || attest.SameKey(pub, first) {
		t.Errorf("another challenge must make other keys: %v", err)
	}
	if b.el.HasKeys() {
		t.Error("keys without certificates are in use")
	}
}

func TestFaultsAreSeen(t *testing.T) {
	b := newBench(t)
	cases := []struct {
		name  string
		hw    func(*attest.Hardware)
		fault element.Fault
		want  error
	}{
		{"another key", nil, element.FaultOtherKey, attest.ErrOtherKey},
		{"an old challenge", nil, element.FaultOldChallenge, attest.ErrOldChallenge},
		{"an exportable key", func(h *attest.Hardware) { h.Exportable = true }, element.NoFault, attest.ErrExportable},
		{"an unlocked phone", func(h *attest.Hardware) { h.Locked = false }, element.NoFault, attest.ErrUnlockedBoot},
		{"software", func(h *attest.Hardware) { h.Level = attest.Software }, element.NoFault, attest.ErrSoftware},
	}
	if _, err := b.el.DeviceKey([]byte("earlier")); err != nil {
		t.Fatal(err)
	}
	if err := b.el.SetSecrets(pin(t, "4826"), password(t, "TEGATA26")); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			hw := b.hw
			if c.hw != nil {
				c.hw(&hw)
			}
			if err := b.el.Fit(hw, b.batch, c.fault); err != nil {
				t.Fatal(err)
			}
			auth, _, err := b.el.GenerateKeys([]byte("challenge"))
			if err != nil {
				t.Fatal(err)
			}
			want := attest.Expectation{Challenge: []byte("challenge"), Type: attest.RSA2048}
			if _, _, err := attest.VerifyProof(auth, b.trust, want, b.now); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWrongSecretsCostTriesAlsoOverARestart(t *testing.T) {
	b := newBench(t)
	b.enrol()
	for i, left := range []int{2, 1} {
		_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")})
		wrong := (*element.SecretError)(nil)
		if !errors.As(err, &wrong) || wrong.TriesLeft != left || wrong.Which != element.PIN || !wrong.Compared {
			t.Fatalf("try %d: %v", i, err)
		}
		b.restart()
		if got := b.el.Tries(element.PIN); got != left {
			t.Fatalf("after a restart %d tries, want %d", got, left)
		}
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Fatal(err)
	}
	if got := b.el.Tries(element.PIN); got != 3 {
		t.Errorf("the right PIN left %d tries", got)
	}
	for range 3 {
		_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")})
		if err == nil {
			t.Fatal("wrong PIN passed")
		}
	}
	_, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")})
	if wrong := (*element.SecretError)(nil); !errors.As(err, &wrong) || wrong.TriesLeft != 0 || wrong.Compared {
		t.Errorf("the right PIN of a blocked secret: %v", err)
	}
	if err := b.el.ResetPIN(password(t, "tegata26"), pin(t, "7391")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "7391")}); err != nil {
		t.Errorf("the new PIN: %v", err)
	}
}

// A file put back alone is refused: it would bring tries back.
func TestRollbackIsRefused(t *testing.T) {
	b := newBench(t)
	b.enrol()
	path := filepath.Join(b.config.Dir, "element.sealed")
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "0001")}); err == nil {
		t.Fatal("wrong PIN passed")
	}
	b.el.Close()
	if err := os.WriteFile(path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := element.Open(b.config); !errors.Is(err, secret.ErrRolledBack) {
		t.Errorf("got %v, want ErrRolledBack", err)
	}
}

func TestOneWriter(t *testing.T) {
	b := newBench(t)
	if _, err := element.Open(b.config); !errors.Is(err, element.ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}
