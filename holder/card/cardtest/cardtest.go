// Package cardtest makes a personalised ID card for tests, with certificates of
// two small authorities of its own.
//
// It owns nothing that a running Tegata has: real certificates come from the
// authority by its profiles.
//
// # Trust
//
// None. The keys are published with the source (package pkitest).
package cardtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"path/filepath"
	"testing"
	"time"

	"tegata/holder/card"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// Made is a card with what its holder knows.
type Made struct {
	Card     *card.Card
	Place    card.Place
	PIN      secret.PIN
	Password secret.Password
	// Certificates and Authorities are what was written into the card.
	Certificates, Authorities map[pki.Kind][]byte
}

// Options change what New makes. The zero value is an adult's card.
type Options struct {
	Under15 bool                 // no signature certificate
	Hook    func(durable.Moment) // told of the card's writes
}

// New makes a card in a temporary directory: PIN 1357, password TEGATA2357.
func New(t testing.TB, o Options) *Made {
	t.Helper()
	m := Blank(t, o)
	p := card.Personalisation{Certificates: m.Certificates, Authorities: m.Authorities, AuthPIN: m.PIN}
	if !o.Under15 {
		p.SignPassword = m.Password
	}
	if err := m.Card.Personalise(p); err != nil {
		t.Fatal(err)
	}
	return m
}

// Blank makes the same card without personalising it.
func Blank(t testing.TB, o Options) *Made {
	t.Helper()
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if err := secret.CreateKeyFile(durable.Files{}, key, secret.Sandbox); err != nil {
		t.Fatal(err)
	}
	sealer, err := secret.OpenSealer(key, secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	m := &Made{Place: card.Place{
		Files: durable.Files{Hook: o.Hook}, Sealer: sealer,
		Path: filepath.Join(dir, "card"), CounterPath: filepath.Join(dir, "counter"),
	}}
	m.PIN, m.Password = PIN(t, "1357"), Password(t, "TEGATA2357")
	keys := map[pki.Kind]*rsa.PrivateKey{pki.CardAuth: pkitest.Key(t, 0), pki.CardSign: pkitest.Key(t, 1)}
	m.Card, err = card.Create(m.Place, card.Spec{
		Token: card.Token{Serial: "0000000020500003", CardID: "TEGATA0001", Municipality: "13101", Expires: "20351231"},
		Cost:  secret.TestCost(), Keys: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Certificates, m.Authorities = Certificates(t, keys)
	if o.Under15 {
		delete(m.Certificates, pki.CardSign)
		delete(m.Authorities, pki.CardSign)
	}
	return m
}

// PIN parses digits.
func PIN(t testing.TB, digits string) secret.PIN {
	t.Helper()
	p, err := secret.ParsePIN(digits)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Password parses letters and digits.
func Password(t testing.TB, text string) secret.Password {
	t.Helper()
	p, err := secret.ParsePassword(text)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Certificates makes a certificate, and its authority's, for each of the keys.
// All are DER and valid for two years around now.
func Certificates(t testing.TB, keys map[pki.Kind]*rsa.PrivateKey) (certificates, authorities map[pki.Kind][]byte) {
	t.Helper()
	certificates, authorities = map[pki.Kind][]byte{}, map[pki.Kind][]byte{}
	for kind, key := range keys {
		root := pkitest.Key(t, 2)
		usage, extended := x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		if kind.Signature() {
			root = pkitest.Key(t, 3)
			usage |= x509.KeyUsageContentCommitment
			extended = []x509.ExtKeyUsage{x509.ExtKeyUsageEmailProtection}
		}
		now := time.Now() // foreign programs check with the machine's clock
		authority := &x509.Certificate{
			SerialNumber: big.NewInt(1), Subject: pkix.Name{Country: []string{"JP"}, Organization: []string{"Tegata Test"}, CommonName: string(kind)},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0),
			IsCA: true, MaxPathLenZero: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		}
		authorities[kind] = certify(t, authority, authority, root.Public(), root)
		leaf := &x509.Certificate{
			SerialNumber: pki.RandomSerial().Big(), Subject: pkix.Name{Country: []string{"JP"}, CommonName: "holder of " + string(kind)},
			NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0), BasicConstraintsValid: true,
			KeyUsage: usage, ExtKeyUsage: extended,
		}
		parent, err := x509.ParseCertificate(authorities[kind])
		if err != nil {
			t.Fatal(err)
		}
		certificates[kind] = certify(t, leaf, parent, key.Public(), root)
	}
	return certificates, authorities
}

func certify(t testing.TB, template, parent *x509.Certificate, public any, signer *rsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
