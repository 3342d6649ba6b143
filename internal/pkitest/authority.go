package pkitest

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"net/url"
	"testing"
	"time"

	"tegata/internal/pki"
)

// Authority is a self-signed test authority whose certificates have the shape of
// ours without coming from package ca: what a stranger's verifier would meet.
type Authority struct {
	Kind pki.Kind
	Cert *x509.Certificate
	Key  crypto.Signer
}

// Leaf says what a test certificate differs in. The zero value of a field gives
// what its kind has.
type Leaf struct {
	CN        string
	Serial    pki.Serial
	Policy    asn1.ObjectIdentifier
	KeyUsage  x509.KeyUsage
	ExtUsage  []asn1.ObjectIdentifier
	URIs      []string
	NotBefore time.Time
	NotAfter  time.Time
	OCSP, CRL string
	CA        bool
	MaxPath   int // with CA; 0 forbids further authorities
	Extra     []pkix.Extension
}

// NewAuthority makes an authority of a kind, valid for ten years around at.
func NewAuthority(t testing.TB, kind pki.Kind, key crypto.Signer, at time.Time) *Authority {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: pki.RandomSerial().Big(),
		Subject:      pkix.Name{Country: []string{"JP"}, Organization: []string{"Tegata Test"}, OrganizationalUnit: []string{string(kind)}},
		NotBefore:    at.AddDate(-5, 0, 0).Truncate(time.Second), NotAfter: at.AddDate(5, 0, 0).Truncate(time.Second),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{Kind: kind, Key: key}
	if a.Cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

// Issue signs a certificate for pub.
func (a *Authority) Issue(t testing.TB, pub crypto.PublicKey, l Leaf) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: l.serial(), Subject: pkix.Name{Country: []string{"JP"}, CommonName: l.CN},
		NotBefore: l.NotBefore, NotAfter: l.NotAfter, KeyUsage: l.KeyUsage, UnknownExtKeyUsage: l.ExtUsage,
		ExtraExtensions: l.Extra, IsCA: l.CA, BasicConstraintsValid: l.CA, MaxPathLen: l.MaxPath, MaxPathLenZero: l.CA && l.MaxPath == 0,
	}
	if c.NotBefore.IsZero() {
		c.NotBefore = a.Cert.NotBefore.AddDate(4, 0, 0)
	}
	if c.NotAfter.IsZero() {
		c.NotAfter = a.Cert.NotAfter.AddDate(-1, 0, 0)
	}
	if c.KeyUsage == 0 {
		c.KeyUsage = x509.KeyUsageDigitalSignature
		if a.Kind.Signature() {
			c.KeyUsage |= x509.KeyUsageContentCommitment
		}
	}
	if l.ExtUsage == nil && a.Kind.Authentication() {
		c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}
	policy := l.Policy
	if policy == nil {
		policy = pki.SandboxArc().Policy(a.Kind)
	}
	oid, err := x509.ParseOID(policy.String())
	if err != nil {
		t.Fatal(err)
	}
	c.Policies = []x509.OID{oid}
	for _, s := range l.URIs {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		c.URIs = append(c.URIs, u)
	}
	if l.OCSP != "" {
		c.OCSPServer = []string{l.OCSP}
	}
	if l.CRL != "" {
		c.CRLDistributionPoints = []string{l.CRL}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.Cert, pub, a.Key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func (l Leaf) serial() *big.Int {
	if l.Serial == (pki.Serial{}) {
		return pki.RandomSerial().Big()
	}
	return l.Serial.Big()
}

// Party issues an ops certificate for a party in one role.
func (a *Authority) Party(t testing.TB, pub crypto.PublicKey, id string, role pki.Role, l Leaf) *x509.Certificate {
	t.Helper()
	l.CN = id
	l.URIs = append([]string{"urn:tegata:party:" + id}, l.URIs...)
	if l.ExtUsage == nil {
		l.ExtUsage = []asn1.ObjectIdentifier{pki.SandboxArc().Role(role)}
	}
	return a.Issue(t, pub, l)
}
