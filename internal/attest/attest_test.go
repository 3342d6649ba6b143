package attest_test

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/attest"
	"tegata/internal/durable"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

var elementOID = asn1.ObjectIdentifier{2, 999, 7}

func at() time.Time { return time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC) }

func good() attest.Hardware {
	return attest.Hardware{
		Level: attest.StrongBox, Brand: "Tegata", Manufacturer: "Sandbox", Model: "T-1",
		Locked: true, Boot: attest.BootVerified,
	}
}

// shop is a maker with one batch, and who trusts it.
type shop struct {
	maker attest.Maker
	batch attest.Batch
	trust attest.Trust
}

func newShop(t testing.TB) shop {
	t.Helper()
	m, err := attest.NewMaker("Virtual phones (software)", at().AddDate(-2, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	b, err := m.NewBatch("T-1", at().AddDate(-1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	return shop{m, b, attest.Trust{Roots: []*x509.Certificate{m.Root}, ElementExtension: elementOID}}
}

func element() attest.Element {
	return attest.Element{ID: [16]byte{1, 2, 3, 15: 9}, ResetCounter: 3}
}

func csr(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "key"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestProof(t *testing.T) {
	s := newShop(t)
	stranger := newShop(t)
	key := pkitest.Key(t, 0)
	other := pkitest.Key(t, 1)
	challenge := sha256.Sum256([]byte("application"))
	old := sha256.Sum256([]byte("an earlier application"))
	attestWith := func(b attest.Batch, pub crypto.PublicKey, ch []byte, hw attest.Hardware, oid asn1.ObjectIdentifier) [][]byte {
		chain, err := b.Attest(pub, ch, hw, oid, element(), at())
		if err != nil {
			t.Fatal(err)
		}
		return chain
	}
	change := func(f func(*attest.Hardware)) [][]byte {
		hw := good()
		f(&hw)
		return attestWith(s.batch, key.Public(), challenge[:], hw, elementOID)
	}
	proper := attestWith(s.batch, key.Public(), challenge[:], good(), elementOID)
	cases := []struct {
		name  string
		proof attest.KeyProof
		want  error
	}{
		{"a key made in verified hardware for this application passes", attest.KeyProof{CSR: csr(t, key), Chain: proper}, nil},
		{"the root may be left out", attest.KeyProof{CSR: csr(t, key), Chain: proper[:2]}, nil},
		{"an unknown maker is refused", attest.KeyProof{CSR: csr(t, key), Chain: attestWith(stranger.batch, key.Public(), challenge[:], good(), elementOID)}, attest.ErrUnknownMaker},
		{"a batch key missing from the chain is refused", attest.KeyProof{CSR: csr(t, key), Chain: [][]byte{proper[0], proper[2]}}, attest.ErrBrokenChain},
		{"a leaf alone leads to no maker", attest.KeyProof{CSR: csr(t, key), Chain: proper[:1]}, attest.ErrUnknownMaker},
		{"a root alone attests nothing", attest.KeyProof{CSR: csr(t, key), Chain: proper[2:]}, attest.ErrBrokenChain},
		{"an attestation of another key is refused", attest.KeyProof{CSR: csr(t, other), Chain: proper}, attest.ErrOtherKey},
		{"an old challenge is refused", attest.KeyProof{CSR: csr(t, key), Chain: attestWith(s.batch, key.Public(), old[:], good(), elementOID)}, attest.ErrOldChallenge},
		{"an empty challenge is refused", attest.KeyProof{CSR: csr(t, key), Chain: attestWith(s.batch, key.Public(), nil, good(), elementOID)}, attest.ErrOldChallenge},
		{"an exportable key is refused", attest.KeyProof{CSR: csr(t, key), Chain: change(func(h *attest.Hardware) { h.Exportable = true })}, attest.ErrExportable},
		{"a key in software is refused", attest.KeyProof{CSR: csr(t, key), Chain: change(func(h *attest.Hardware) { h.Level = attest.Software })}, attest.ErrSoftware},
		{"an unlocked boot loader is refused", attest.KeyProof{CSR: csr(t, key), Chain: change(func(h *attest.Hardware) { h.Locked = false })}, attest.ErrUnlockedBoot},
		{"a system that was not verified is refused", attest.KeyProof{CSR: csr(t, key), Chain: change(func(h *attest.Hardware) { h.Boot = attest.BootSelfSigned })}, attest.ErrUnlockedBoot},
		{"a phone without our extension is refused", attest.KeyProof{CSR: csr(t, key), Chain: attestWith(s.batch, key.Public(), challenge[:], good(), nil)}, attest.ErrNoElement},
		{"a key of another type is refused", attest.KeyProof{CSR: csr(t, pkitest.ECKey(t)), Chain: attestWith(s.batch, pkitest.ECKey(t).Public(), challenge[:], good(), elementOID)}, attest.ErrKeyType},
		{"an empty chain is refused", attest.KeyProof{CSR: csr(t, key)}, attest.ErrMalformed},
		{"an empty request is refused", attest.KeyProof{Chain: proper}, attest.ErrMalformed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			st, pub, err := attest.VerifyProof(c.proof, s.trust, attest.Expectation{Challenge: challenge[:], Type: attest.RSA2048}, at())
			if !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if err != nil {
				return
			}
			if !attest.SameKey(pub, key.Public()) {
				t.Error("not the key of the request")
			}
			if st.ElementID != element().ID || st.ResetCounter != 3 || st.Model != "T-1" || st.Brand != "Tegata" || st.Level != attest.StrongBox {
				t.Errorf("statement %+v", st)
			}
		})
	}
}

// An attested signing key that signs an attestation of its own plays maker.
func TestAttestedKeyAttestsNothing(t *testing.T) {
	s := newShop(t)
	ch := []byte("challenge")
	middle := pkitest.ECKey(t)
	chain, err := s.batch.Attest(middle.Public(), ch, good(), elementOID, element(), at())
	if err != nil {
		t.Fatal(err)
	}
	forged := attest.Batch{Key: middle, Chain: chain}
	key := pkitest.ECKey(t)
	long, err := forged.Attest(key.Public(), ch, good(), elementOID, element(), at())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := attest.VerifyChain(long, s.trust, at()); !errors.Is(err, attest.ErrBrokenChain) {
		t.Fatalf("got %v, want ErrBrokenChain", err)
	}
}

// Even when a maker's own CA is described, the description above the leaf counts
// against the chain.
func TestDescriptionAboveTheLeaf(t *testing.T) {
	s := newShop(t)
	value, err := attest.KeyDescription{UniqueID: []byte{}, Challenge: []byte("x")}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	key := pkitest.ECKey(t)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(5), Subject: pkix.Name{CommonName: "described CA"},
		NotBefore: at().Add(-time.Hour), NotAfter: at().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage:        x509.KeyUsageCertSign,
		ExtraExtensions: []pkix.Extension{{Id: attest.KeyDescriptionOID(), Value: value}},
	}, s.maker.Root, key.Public(), s.maker.Key)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := attest.Batch{Key: key, Chain: [][]byte{der, s.maker.Root.Raw}}.Attest(pkitest.ECKey(t).Public(), []byte("x"), good(), elementOID, element(), at())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := attest.VerifyChain(chain, s.trust, at()); !errors.Is(err, attest.ErrBrokenChain) {
		t.Fatalf("got %v, want ErrBrokenChain", err)
	}
}

func TestTimeAndWithdrawal(t *testing.T) {
	s := newShop(t)
	chain, err := s.batch.Attest(pkitest.ECKey(t).Public(), []byte("c"), good(), elementOID, element(), at())
	if err != nil {
		t.Fatal(err)
	}
	for _, when := range []time.Time{at().AddDate(-5, 0, 0), at().AddDate(50, 0, 0)} {
		if _, _, err := attest.VerifyChain(chain, s.trust, when); !errors.Is(err, attest.ErrChainExpired) {
			t.Errorf("at %v: got %v, want ErrChainExpired", when, err)
		}
	}
	s.trust.Revoked = func(c *x509.Certificate) bool { return bytes.Equal(c.Raw, s.batch.Chain[0]) }
	if _, _, err := attest.VerifyChain(chain, s.trust, at()); !errors.Is(err, attest.ErrMakerRevoked) {
		t.Errorf("got %v, want ErrMakerRevoked", err)
	}
}

// Every byte of a good chain matters.
func TestTampering(t *testing.T) {
	s := newShop(t)
	chain, err := s.batch.Attest(pkitest.ECKey(t).Public(), []byte("challenge"), good(), elementOID, element(), at())
	if err != nil {
		t.Fatal(err)
	}
	for i := range chain[:2] {
		for b := range chain[i] {
			forged := [][]byte{chain[0], chain[1], chain[2]}
			forged[i] = bytes.Clone(chain[i])
			forged[i][b] ^= 1 << (b % 8)
			if _, _, err := attest.VerifyChain(forged, s.trust, at()); err == nil {
				t.Fatalf("certificate %d: byte %d changed and nobody noticed", i, b)
			}
		}
	}
}

func TestMakerAtRest(t *testing.T) {
	dir := t.TempDir()
	keyFile := filepath.Join(dir, "key")
	if err := secret.CreateKeyFile(durable.Files{}, keyFile, secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.OpenSealer(keyFile, secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "maker.sealed")
	m, err := attest.CreateMaker(durable.Files{}, sealer, path, "M", at())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attest.CreateMaker(durable.Files{}, sealer, path, "M", at()); err == nil {
		t.Error("a maker was replaced")
	}
	again, err := attest.OpenMaker(sealer, path)
	if err != nil {
		t.Fatal(err)
	}
	if !attest.SameKey(again.Key.Public(), m.Key.Public()) || !again.Root.Equal(m.Root) {
		t.Error("not the same maker")
	}
}

// OpenSSL reads the extension as the same ASN.1 and verifies the chain.
func TestOpenSSLAgrees(t *testing.T) {
	openssl := pkitest.Tool(t, "openssl")
	s := newShop(t)
	key := pkitest.ECKey(t)
	chain, err := s.batch.Attest(key.Public(), []byte("challenge!"), good(), elementOID, element(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	leaf, batch, root := write("leaf.pem", chain[0]), write("batch.pem", chain[1]), write("root.pem", chain[2])
	out, err := exec.Command(openssl, "verify", "-CAfile", root, "-untrusted", batch, leaf).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "OK") {
		t.Errorf("openssl verify: %v\n%s", err, out)
	}
	st, _, err := attest.VerifyChain(chain, s.trust, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	value, err := st.Description.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	der := filepath.Join(dir, "ext.der")
	if err := os.WriteFile(der, value, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = exec.Command(openssl, "asn1parse", "-inform", "DER", "-in", der).CombinedOutput()
	if err != nil {
		t.Fatalf("openssl asn1parse: %v\n%s", err, out)
	}
	for _, field := range []string{"cont [ 1 ]", "cont [ 702 ]", "cont [ 704 ]", "cont [ 717 ]", "BOOLEAN           :255"} {
		if !strings.Contains(string(out), field) {
			t.Errorf("openssl asn1parse does not show %q:\n%s", field, out)
		}
	}
}
