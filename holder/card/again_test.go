package card_test

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"testing"
	"time"

	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

// certified is a certificate for the key of a request, long enough for its file.
func certified(t *testing.T, csr []byte) []byte {
	t.Helper()
	request, err := x509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	var key crypto.PublicKey = request.PublicKey
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(9), Subject: pkix.Name{CommonName: "again"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0)}, &x509.Certificate{Subject: pkix.Name{CommonName: "ca"}}, key, pkitest.Key(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestACardSignsWithItsOldKeyUntilTheNewCertificateIsIn(t *testing.T) {
	m := cardtest.New(t, cardtest.Options{})
	run(t, m.Card, "<select jpki> => 9000\n<password> => 9000")
	csr, err := m.Card.NewSignatureKey("order")
	if err != nil {
		t.Fatal(err)
	}
	old, _ := m.Card.PublicKey(pki.CardSign)
	if !old.Equal(pkitest.Key(t, 1).Public()) {
		t.Error("the key changed before its certificate came")
	}
	// The card is put away and taken out again: the waiting key is still there.
	if m.Card, err = card.Open(m.Place); err != nil {
		t.Fatal(err)
	}
	again, err := m.Card.NewSignatureKey("order")
	if err != nil {
		t.Fatal(err)
	}
	want, _ := x509.ParseCertificateRequest(csr)
	got, _ := x509.ParseCertificateRequest(again)
	if !want.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(got.PublicKey) {
		t.Fatal("another key after it was put away")
	}
	if err := m.Card.TakeSignature(m.Certificates[pki.CardAuth], m.Authorities[pki.CardSign], m.Password); !errors.Is(err, card.ErrOtherKey) {
		t.Errorf("a certificate of another key: %v", err)
	}
	run(t, m.Card, "<select jpki> => 9000\n0020009B 05 57524F4E47 => 63C4") // a wrong password
	der := certified(t, csr)
	if err := m.Card.TakeSignature(der, m.Authorities[pki.CardSign], m.Password); err != nil {
		t.Fatal(err)
	}
	if m.Card, err = card.Open(m.Place); err != nil {
		t.Fatal(err)
	}
	now, _ := m.Card.PublicKey(pki.CardSign)
	if !now.Equal(want.PublicKey) || string(m.Card.Certificate(pki.CardSign)) != string(der) || m.Card.TriesLeft(pki.CardSign) != 5 ||
		string(m.Card.Certificate(pki.CardAuth)) != string(m.Certificates[pki.CardAuth]) {
		t.Error("key, certificate or tries are not the new ones, or the authentication certificate changed")
	}
}

func TestAFullDiskCostsNoSignatureKey(t *testing.T) {
	full := false
	m := cardtest.New(t, cardtest.Options{Hook: func(durable.Moment) {
		if full {
			panic("the plug was pulled")
		}
	}})
	csr, err := m.Card.NewSignatureKey("order")
	if err != nil {
		t.Fatal(err)
	}
	full = true
	func() {
		defer func() { recover() }()
		m.Card.TakeSignature(certified(t, csr), m.Authorities[pki.CardSign], m.Password)
		t.Error("it was written without a disk")
	}()
	full = false
	back, err := card.Open(m.Place)
	if err != nil {
		t.Fatal(err)
	}
	key, _ := back.PublicKey(pki.CardSign)
	certificate, err := x509.ParseCertificate(back.Certificate(pki.CardSign))
	if err != nil || !key.Equal(certificate.PublicKey) {
		t.Fatalf("key and certificate do not belong together: %v", err)
	}
	if err := back.TakeSignature(certified(t, csr), m.Authorities[pki.CardSign], m.Password); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestABlankCardAndAChildsCard(t *testing.T) {
	if _, err := cardtest.Blank(t, cardtest.Options{}).Card.NewSignatureKey("o"); !errors.Is(err, card.ErrBlank) {
		t.Errorf("a blank card: %v", err)
	}
	// Who turned 15 gets the first signature certificate onto the card they have.
	m := cardtest.New(t, cardtest.Options{Under15: true})
	csr, err := m.Card.NewSignatureKey("order")
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Card.TakeSignature(certified(t, csr), m.Authorities[pki.CardAuth], m.Password); err != nil {
		t.Fatal(err)
	}
	run(t, m.Card, "<select jpki> => 9000\n<password> => 9000")
}
