package tsp

import (
	"bytes"
	"crypto"
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"tegata/internal/cms"
)

// Token is a time-stamp token whose signature was checked.
type Token struct {
	Info
	Signed *cms.Signed // its Certificate is the authority's
}

// Open reads a token and checks all that needs neither the request nor a trust
// anchor: it is over the digest that imprint returns for its algorithm, the signature
// holds, its certificate is named by signing-certificate-v2 and is one for
// time-stamping alone. candidates may be the authority's certificate when the token
// does not carry it.
//
// Errors: those of cms.Verify, and ErrMalformed, ErrWeakDigest, ErrImprint,
// ErrCertificate.
func Open(der []byte, imprint func(crypto.Hash) []byte, candidates ...*x509.Certificate) (*Token, error) {
	signed, err := cms.VerifyTSTInfo(der, candidates...)
	if err != nil {
		return nil, err
	}
	t := &Token{Signed: signed}
	if t.Info, err = ParseInfo(signed.Content); err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(imprint(t.Hash), t.Imprint) != 1 {
		return nil, ErrImprint
	}
	if err := forTimeStamping(signed.Certificate); err != nil {
		return nil, err
	}
	return t, nil
}

// forTimeStamping: RFC 3161, 2.3: the certificate has the extended key usage
// id-kp-timeStamping, critical, and no other.
func forTimeStamping(c *x509.Certificate) error {
	for _, e := range c.Extensions {
		if !e.Id.Equal(asn1.ObjectIdentifier{2, 5, 29, 37}) {
			continue
		}
		var uses []asn1.ObjectIdentifier
		if rest, err := asn1.Unmarshal(e.Value, &uses); err != nil || len(rest) > 0 || !e.Critical ||
			!slices.EqualFunc(uses, []asn1.ObjectIdentifier{oidTimeStamping}, asn1.ObjectIdentifier.Equal) {
			return ErrCertificate
		}
		if c.KeyUsage&^(x509.KeyUsageDigitalSignature|x509.KeyUsageContentCommitment) != 0 {
			return ErrCertificate
		}
		return nil
	}
	return ErrCertificate
}

// Check reads the answer to r and returns the token, opened and in DER (RFC 3161,
// 2.2): granted, over the same imprint, with the same nonce, under the policy that was
// asked for if one was, with the certificate if and only if it was asked for;
// otherwise the certificate is one of candidates.
//
// Errors: *Declined, those of Open, and ErrNonce, ErrPolicy; ErrMalformed too for a
// certificate that was asked for and is not there, or was not and is.
func (r Request) Check(response []byte, candidates ...*x509.Certificate) (*Token, []byte, error) {
	der, err := parseResponse(response)
	if err != nil {
		return nil, nil, err
	}
	t, err := Open(der, func(h crypto.Hash) []byte {
		if h != r.Hash {
			return nil
		}
		return r.Imprint
	}, candidates...)
	switch {
	case err != nil:
		return nil, nil, err
	case r.CertReq != (len(t.Signed.Certificates) > 0): // RFC 3161, 2.4.1
		return nil, nil, fmt.Errorf("%w: certificates, asked for: %t", ErrMalformed, r.CertReq)
	case (t.Nonce == nil) != (r.Nonce == nil) || r.Nonce != nil && t.Nonce.Cmp(r.Nonce) != 0:
		return nil, nil, ErrNonce
	case r.Policy != nil && !t.Policy.Equal(r.Policy):
		return nil, nil, ErrPolicy
	}
	return t, der, nil
}

// Authority is who makes tokens.
type Authority struct {
	Signer   crypto.Signer
	Chain    []*x509.Certificate   // its certificate first; tokens carry all but a self-signed one
	Policy   asn1.ObjectIdentifier // the one under which it works
	Accuracy time.Duration         // how far its clock may be off, a second's rounding included
}

// Check says what is wrong with the authority, if anything: a certificate of another
// key, one that is not for time-stamping, no policy.
func (a Authority) Check() error {
	if a.Signer == nil || len(a.Chain) == 0 || len(a.Policy) == 0 {
		return errors.New("tsp: an authority has a key, a certificate and a policy")
	}
	if k, ok := a.Chain[0].PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(a.Signer.Public()) {
		return errors.New("tsp: the authority's certificate is of another key")
	}
	return forTimeStamping(a.Chain[0])
}

// Stamp signs the token that r asks for, with a serial number that no other token of
// this authority has, as of at (cut to whole seconds). *Declined when r asks for
// another policy; other errors are the signer's.
func (a Authority) Stamp(r Request, serial *big.Int, at time.Time) ([]byte, error) {
	if r.Policy != nil && !r.Policy.Equal(a.Policy) {
		return nil, &Declined{UnacceptedPolicy, ErrPolicy}
	}
	info, err := Info{
		Policy: a.Policy, Hash: r.Hash, Imprint: r.Imprint, Serial: serial, Time: at, Accuracy: a.Accuracy, Nonce: r.Nonce,
	}.marshal()
	if err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	if r.CertReq {
		for _, c := range a.Chain {
			if !bytes.Equal(c.RawSubject, c.RawIssuer) {
				certs = append(certs, c)
			}
		}
	}
	token, err := cms.SignTSTInfo(a.Signer, a.Chain[0], info, certs...)
	if err != nil {
		return nil, fmt.Errorf("tsp: %w", err)
	}
	return token, nil
}
