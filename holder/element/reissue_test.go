package element_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"testing"

	"tegata/holder/element"
	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// A signature key comes alone: until its certificate is written the old one signs
// under the old password, and the authentication key and its PIN never change.
func TestASignatureKeyIsReplacedAlone(t *testing.T) {
	b := newBench(t)
	b.enrol()
	auth, _ := b.el.Certificate(pki.PhoneAuth)
	old, _ := b.el.Certificate(pki.PhoneSign)
	if _, err := b.el.GenerateSignKey([]byte("second")); !errors.Is(err, element.ErrNoSecrets) {
		t.Errorf("a key without a password: %v", err)
	}
	if err := b.el.SetSignPassword(password(t, "NEWWORD9")); err != nil {
		t.Fatal(err)
	}
	first, err := b.el.GenerateSignKey([]byte("second"))
	if err != nil {
		t.Fatal(err)
	}
	b.restart()
	again, err := b.el.GenerateSignKey([]byte("second"))
	if err != nil || !bytes.Equal(spkiOf(t, first.CSR), spkiOf(t, again.CSR)) {
		t.Errorf("another key after a restart (%v)", err)
	}
	if _, err := b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")}); err != nil {
		t.Errorf("the old password, before the new certificate is written: %v", err)
	}
	stranger, strangerCA := authority(t, "sign", pkitest.Key(t, 7))(csrOf(t, pkitest.Key(t, 5)))
	if err := b.el.WriteSignCertificate(stranger, strangerCA); !errors.Is(err, element.ErrNotOurs) {
		t.Errorf("a certificate of another key: %v", err)
	}
	cert, ca := authority(t, "sign", pkitest.Key(t, 7))(first.CSR)
	for range 2 { // written again it changes nothing
		if err := b.el.WriteSignCertificate(cert, ca); err != nil {
			t.Fatal(err)
		}
	}
	if now, _ := b.el.Certificate(pki.PhoneSign); !bytes.Equal(now, cert) || bytes.Equal(now, old) {
		t.Error("the new certificate is not in use")
	}
	if now, _ := b.el.Certificate(pki.PhoneAuth); !bytes.Equal(now, auth) {
		t.Error("the authentication certificate changed")
	}
	if _, err := b.el.Unlock(element.Unlock{Password: password(t, "NEWWORD9")}); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := b.el.Unlock(element.Unlock{Password: password(t, "TEGATA26")}); err == nil {
		t.Error("the old password still opens the signature key")
	}
	if _, err := b.el.Unlock(element.Unlock{PIN: pin(t, "4826")}); err != nil {
		t.Errorf("the PIN: %v", err)
	}
	if err := b.el.WriteSignCertificate(old, ca); !errors.Is(err, element.ErrNoKeys) {
		t.Errorf("an old certificate, with no key on its way: %v", err)
	}
}

func csrOf(t *testing.T, key *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSA}, key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func spkiOf(t *testing.T, csr []byte) []byte {
	t.Helper()
	pub, err := attest.ParseCSR(csr)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
