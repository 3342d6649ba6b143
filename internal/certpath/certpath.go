// Package certpath decides whether a certificate may be believed: it builds and
// validates its path (RFC 5280, section 6) and learns its status from a feed, an
// OCSP responder (RFC 6960) or a CRL (RFC 5280, section 5).
//
// It owns the checks. Which roots count, and what a caller does when status
// cannot be learned, is the caller's decision; there is no default purpose, no
// default root, and no answer "probably good".
//
// Path validation covers what our hierarchies use: names compared byte for byte,
// policies without mapping or constraints, no name constraints. A certificate
// that brings one of those is refused, never passed over (docs/divergences.md).
//
// # Trust
//
// Only the roots given by the caller are trusted, and only for what their key
// usage says. Certificates, CRLs and OCSP answers are strangers' bytes: bounded in
// size and number before they are looked at.
package certpath

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/pki"
)

// What can be wrong with a path. Validate's errors wrap one of these.
var (
	// ErrNoPath: no chain of signatures, allowed by its certificates, to a root.
	ErrNoPath = errors.New("certpath: no path to a trusted authority")
	// ErrPolicy: the path does not have the policy demanded.
	ErrPolicy = errors.New("certpath: not the policy demanded")
	// ErrUsage: the leaf is not for this use.
	ErrUsage = errors.New("certpath: not for this use")
	// ErrExtension: a critical extension that is not understood, or one that our
	// hierarchies do not have.
	ErrExtension = errors.New("certpath: extension not accepted")
	// ErrExpired: the path is good, but the leaf's time is over.
	ErrExpired = errors.New("certpath: certificate expired")
	// ErrNotYetValid: the path is good, but the leaf's time has not come.
	ErrNotYetValid = errors.New("certpath: certificate not valid yet")
)

// AnyPolicy (RFC 5280, section 4.2.1.4), as Purpose.Policy, demands no policy.
var AnyPolicy = asn1.ObjectIdentifier{2, 5, 29, 32, 0}

// Purpose is what the leaf must be for. Every field that is set is demanded.
type Purpose struct {
	Policy   asn1.ObjectIdentifier   // required; in every certificate below the root
	KeyUsage x509.KeyUsage           // all these bits; 0 demands none
	ExtUsage []asn1.ObjectIdentifier // all these; anyExtendedKeyUsage does not stand for them
}

var oidClientAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}

// For returns the purpose of a person's certificate of one kind.
func For(arc pki.Arc, k pki.Kind) Purpose {
	p := Purpose{Policy: arc.Policy(k), KeyUsage: x509.KeyUsageDigitalSignature}
	switch {
	case k.Signature():
		p.KeyUsage |= x509.KeyUsageContentCommitment
	case k.Authentication():
		p.ExtUsage = []asn1.ObjectIdentifier{oidClientAuth}
	}
	return p
}

// ForRole returns the purpose of a party's signing certificate.
func ForRole(arc pki.Arc, r pki.Role) Purpose {
	return Purpose{
		Policy: arc.Policy(pki.Ops), KeyUsage: x509.KeyUsageDigitalSignature,
		ExtUsage: []asn1.ObjectIdentifier{arc.Role(r)},
	}
}

// ForEncryption returns the purpose of a verifier's certificate that answers are
// sealed to.
func ForEncryption(arc pki.Arc) Purpose {
	p := ForRole(arc, pki.RoleVerifier)
	p.KeyUsage = x509.KeyUsageKeyAgreement
	return p
}

const (
	maxPath  = 5  // certificates, root included
	maxTries = 32 // signatures checked for one leaf
)

// Validate builds a path from leaf to one of roots and checks it as of at,
// following RFC 5280, section 6.1. The issuer of each certificate is chosen by
// authority key identifier and signature, never by name: generations of an
// authority share one. The result is leaf first, root last, at most 5
// certificates. When the path is good but for the leaf's validity, the path is
// returned together with ErrExpired or ErrNotYetValid; other errors come alone.
func Validate(leaf *x509.Certificate, intermediates, roots []*x509.Certificate, p Purpose, at time.Time) ([]*x509.Certificate, error) {
	if len(p.Policy) == 0 {
		return nil, errors.New("certpath: a purpose has a policy")
	}
	b := builder{intermediates: intermediates, roots: roots, at: at}
	if err := leafUsable(leaf, p); err != nil {
		return nil, err
	}
	path := b.extend([]*x509.Certificate{leaf})
	if path == nil {
		if b.reason != nil {
			return nil, b.reason
		}
		return nil, ErrNoPath
	}
	if err := policies(path, p.Policy); err != nil {
		return nil, err
	}
	switch { // RFC 5280, section 4.1.2.5: both ends belong to the validity period
	case at.Before(leaf.NotBefore):
		return path, ErrNotYetValid
	case at.After(leaf.NotAfter):
		return path, ErrExpired
	}
	return path, nil
}

func leafUsable(leaf *x509.Certificate, p Purpose) error {
	if err := extensions(leaf); err != nil {
		return err
	}
	if leaf.BasicConstraintsValid && leaf.IsCA {
		return fmt.Errorf("%w: an authority is not an end entity", ErrUsage)
	}
	if leaf.KeyUsage&p.KeyUsage != p.KeyUsage {
		return fmt.Errorf("%w: key usage", ErrUsage)
	}
	uses, err := extUsages(leaf)
	if err != nil {
		return err
	}
	for _, want := range p.ExtUsage {
		if !slices.ContainsFunc(uses, want.Equal) {
			return fmt.Errorf("%w: extended key usage", ErrUsage)
		}
	}
	return nil
}

type builder struct {
	intermediates, roots []*x509.Certificate
	at                   time.Time
	tries                int
	reason               error // why the most promising candidate failed
}

// extend finds the issuers of the last certificate of path, depth first.
func (b *builder) extend(path []*x509.Certificate) []*x509.Certificate {
	last := path[len(path)-1]
	for _, root := range b.roots {
		if b.issued(root, last, path) {
			return append(slices.Clone(path), root)
		}
	}
	if len(path) >= maxPath-1 {
		return nil
	}
	for _, ca := range b.intermediates {
		if slices.ContainsFunc(path, ca.Equal) || !b.issued(ca, last, path) {
			continue
		}
		if whole := b.extend(append(slices.Clone(path), ca)); whole != nil {
			return whole
		}
	}
	return nil
}

// issued tells whether ca may have issued, and did issue, the last certificate of
// path.
func (b *builder) issued(ca, child *x509.Certificate, path []*x509.Certificate) bool {
	// RFC 5280, section 4.2.1.1: the identifier is in every certificate that is
	// not self-signed.
	if len(child.AuthorityKeyId) == 0 || !bytes.Equal(child.AuthorityKeyId, ca.SubjectKeyId) {
		return false
	}
	if b.tries++; b.tries > maxTries {
		return false
	}
	if err := signed(child, ca); err != nil {
		return false
	}
	if err := b.mayIssue(ca, child, path); err != nil {
		b.reason = err
		return false
	}
	return true
}

func (b *builder) mayIssue(ca, child *x509.Certificate, path []*x509.Certificate) error {
	// Section 6.1.3 (a)(4): the issuer's name is the working issuer name.
	if !bytes.Equal(child.RawIssuer, ca.RawSubject) {
		return fmt.Errorf("%w: issuer name", ErrNoPath)
	}
	// Section 6.1.3 (a)(2).
	if b.at.Before(ca.NotBefore) || b.at.After(ca.NotAfter) {
		return fmt.Errorf("%w: the authority's certificate is not valid at this time", ErrNoPath)
	}
	// Section 6.1.4 (k), (n): only an authority whose key may sign certificates.
	if ca.Version != 3 || !ca.BasicConstraintsValid || !ca.IsCA || ca.KeyUsage&x509.KeyUsageCertSign == 0 {
		return fmt.Errorf("%w: the issuer is no authority", ErrNoPath)
	}
	// Section 6.1.4 (l), (m): self-issued certificates do not count.
	below := 0
	for _, c := range path[1:] {
		if !bytes.Equal(c.RawSubject, c.RawIssuer) {
			below++
		}
	}
	if (ca.MaxPathLen > 0 || ca.MaxPathLenZero) && below > ca.MaxPathLen {
		return fmt.Errorf("%w: path longer than the authority allows", ErrNoPath)
	}
	return extensions(ca)
}

// signed checks the signature on child with ca's key.
func signed(child, ca *x509.Certificate) error {
	if err := strong(child.SignatureAlgorithm, ca.PublicKey); err != nil {
		return err
	}
	return ca.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
}

// strong refuses SHA-1, MD5, DSA and short RSA keys.
func strong(a x509.SignatureAlgorithm, key any) error {
	switch a {
	case x509.SHA256WithRSA, x509.SHA384WithRSA, x509.SHA512WithRSA,
		x509.SHA256WithRSAPSS, x509.SHA384WithRSAPSS, x509.SHA512WithRSAPSS,
		x509.ECDSAWithSHA256, x509.ECDSAWithSHA384, x509.ECDSAWithSHA512:
	default:
		return fmt.Errorf("%w: signature algorithm %s", ErrNoPath, a)
	}
	if k, ok := key.(*rsa.PublicKey); ok && (k.N.BitLen() < 2048 || k.N.BitLen() > 8192) {
		return fmt.Errorf("%w: RSA key of %d bits", ErrNoPath, k.N.BitLen())
	}
	return nil
}

// policies demands policy in every certificate below the root. RFC 5280, section
// 6.1.3 (d), for paths without mappings: an authority may have anyPolicy instead;
// the leaf, more strictly than there, must name the policy itself.
func policies(path []*x509.Certificate, policy asn1.ObjectIdentifier) error {
	if policy.Equal(AnyPolicy) {
		return nil
	}
	for i, c := range path[:len(path)-1] {
		has := slices.ContainsFunc(c.PolicyIdentifiers, policy.Equal)
		if !has && (i == 0 || !slices.ContainsFunc(c.PolicyIdentifiers, AnyPolicy.Equal)) {
			return ErrPolicy
		}
	}
	return nil
}
