// Package profile says what a certificate must contain: one profile for each kind
// of certificate, the bytes that will be signed (tbsCertificate), and the checks
// that those bytes must pass before an authority's key comes near them.
//
// It owns the operator's names, the form of subjects, extensions and CRL
// partitions, the lints and the profiles' own checks. It holds no keys of
// authorities (package ca) and knows nothing about status (package status).
//
// The standard is RFC 5280; RFC 6960 for OCSP responders and RFC 9336 for the
// purpose "document signing".
//
// # Trust
//
// Callers are not trusted with the form of a certificate: whatever they ask for
// is encoded here, linted, and parsed again by checks that share no code with
// the encoder. They are trusted with its content, such as a person's name:
// package ra verified it.
package profile

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tegata/internal/pki"
)

// Operator is what all certificates of one operator have in common. It is fixed
// when the authorities are made: it is inside their certificates.
type Operator struct {
	Organization string  `json:"organization"` // O of every name, for example "Tegata Sandbox"
	Unit         string  `json:"unit"`         // the operator's own OU, the last RDN of an authority's name
	Arc          pki.Arc `json:"oid_arc"`      // policies, attributes and roles are named under it
	BaseURL      string  `json:"base_url"`     // origin of OCSP, CRLs and authorities' certificates, for example "http://status.example.jp"
	Issuer       string  `json:"issuer"`       // the issuer's own origin where that is another one, for example "https://ca.example.jp"
	Sandbox      bool    `json:"sandbox"`      // its authorities say so (pki.SandboxMark); production refuses them
}

// Check says what is missing in o, if anything.
func (o Operator) Check() error {
	base, err := url.Parse(o.BaseURL)
	switch {
	case o.Organization == "" || o.Unit == "":
		return errors.New("profile: an operator needs an organization and a unit")
	case len(o.Arc) < 2:
		return errors.New("profile: an operator needs an arc of object identifiers")
	case err != nil || base.Host == "" || base.Path != "" || base.Scheme != "http" && base.Scheme != "https":
		return fmt.Errorf("profile: base URL %q is not an origin such as http://127.0.0.1:8401", o.BaseURL)
	}
	return nil
}

// IssuerURL is the issuer's own origin: by it followers of the change feed know whose
// feed it is.
func (o Operator) IssuerURL() string { return cmp.Or(o.Issuer, o.BaseURL) }

// Algorithm is how an authority signs.
type Algorithm string

// The algorithms an authority may have.
const (
	RSA2048SHA256   Algorithm = "rsa-2048-sha256" // today's default
	ECDSAP384SHA384 Algorithm = "ecdsa-p384-sha384"
)

// Hash is the digest that is signed.
func (a Algorithm) Hash() crypto.Hash {
	if a == ECDSAP384SHA384 {
		return crypto.SHA384
	}
	return crypto.SHA256
}

// X509 is the name of a in crypto/x509.
func (a Algorithm) X509() x509.SignatureAlgorithm {
	if a == ECDSAP384SHA384 {
		return x509.ECDSAWithSHA384
	}
	return x509.SHA256WithRSA
}

// Purpose is what a certificate is for under its authority.
type Purpose string

// The purposes. A holder's certificate is a person's or, under ops, a party's.
const (
	Holder    Purpose = "holder"
	Responder Purpose = "responder" // a delegated OCSP responder (RFC 6960, section 4.2.2.2)
	Authority Purpose = "authority" // the authority's own, self-signed
)

// Municipality is where a person is registered.
type Municipality struct {
	Code       string `json:"code"`       // 5 or 6 digits; names the CRL partition of signature certificates
	Prefecture string `json:"prefecture"` // first L of the subject
	City       string `json:"city"`       // second L of the subject
}

// Subject is the person a certificate is for. A zero Subject is right for an
// authentication certificate, which says nothing about a person.
type Subject struct {
	CommonName   string         // empty: made from time, sequence and office, or at random
	Municipality Municipality   // signature certificates only
	Attributes   pki.Attributes // signature certificates only
}

// Party is who an ops certificate is for.
type Party struct {
	ID         string   // registered id, CN of the subject and urn:tegata:party:ID
	Role       pki.Role // what it may act as
	Origins    []string // origins it answers at, each a URI of the subjectAltName
	Encryption bool     // for key agreement (answers are encrypted to it), never for signatures
}

// Issuer is one generation of an authority. Generations share a name and differ
// in their keys.
type Issuer struct {
	Kind        pki.Kind
	Generation  int // from 1
	Algorithm   Algorithm
	Certificate *x509.Certificate
}

// Label is the name of an authority in URLs and files: "card-sign" for the first
// generation, "card-sign-2" for the second.
func (i Issuer) Label() string { return Label(i.Kind, i.Generation) }

// Label is the name of generation n of an authority.
func Label(k pki.Kind, n int) string {
	if n <= 1 {
		return string(k)
	}
	return fmt.Sprintf("%s-%d", k, n)
}

// ParseLabel is the reverse of Label. It refuses a label in another spelling.
func ParseLabel(text string) (pki.Kind, int, error) {
	if k, err := pki.ParseKind(text); err == nil {
		return k, 1, nil
	}
	if cut := strings.LastIndexByte(text, '-'); cut > 0 {
		k, err := pki.ParseKind(text[:cut])
		n, nerr := strconv.Atoi(text[cut+1:])
		if err == nil && nerr == nil && n > 1 && n < 100 && Label(k, n) == text {
			return k, n, nil
		}
	}
	return "", 0, fmt.Errorf("profile: no authority is called %.24q", text)
}

// Certificate is what a certificate will say. TBS spells it out.
type Certificate struct {
	Kind      pki.Kind
	Purpose   Purpose
	Serial    pki.Serial
	Issuer    Issuer // for Authority: Certificate is nil, the rest describes itself
	PublicKey crypto.PublicKey
	NotBefore time.Time // whole seconds
	NotAfter  time.Time // whole seconds, inclusive
	Subject   Subject
	Party     Party
}

// The longest lives of certificates.
const (
	day               = 24 * time.Hour
	AuthorityLifetime = 3652 * day // ten years
	holderLifetime    = 3653 * day // a card's: ten birthdays
	partyLifetime     = 1827 * day // five years
	ResponderLifetime = 30 * day
)

// longest is the longest life of a certificate.
func longest(k pki.Kind, p Purpose) time.Duration {
	switch {
	case p == Authority:
		return AuthorityLifetime
	case p == Responder:
		return ResponderLifetime
	case k == pki.Ops:
		return partyLifetime
	default:
		return holderLifetime
	}
}

// checkKey refuses keys that a profile has no place for: persons have RSA-2048
// with exponent 65537 (what card and element speak), parties and responders
// P-256, authorities what their algorithm says.
func checkKey(k pki.Kind, p Purpose, a Algorithm, pub crypto.PublicKey) error {
	switch {
	case p == Authority && a == ECDSAP384SHA384:
		return checkCurve(pub, elliptic.P384())
	case p == Authority || p == Holder && k != pki.Ops:
		return checkRSA(pub)
	default:
		return checkCurve(pub, elliptic.P256())
	}
}

func checkCurve(pub crypto.PublicKey, curve elliptic.Curve) error {
	key, ok := pub.(*ecdsa.PublicKey)
	if !ok || key.Curve != curve {
		return fmt.Errorf("profile: the public key must be on %s", curve.Params().Name)
	}
	// SEC 1, section 3.2.2.1: a public key is a point on the curve. ECDH checks it.
	if _, err := key.ECDH(); err != nil {
		return fmt.Errorf("profile: the public key is not a point on %s", curve.Params().Name)
	}
	return nil
}
