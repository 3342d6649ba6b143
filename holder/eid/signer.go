package eid

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"

	"tegata/holder/apdu"
	"tegata/internal/secret"
)

// ErrMechanism says that a signature was asked for that the card cannot make:
// RSASSA-PSS with anything but SHA-256 and a salt of its length, or a hash
// without a DigestInfo.
var ErrMechanism = errors.New("eid: the card cannot sign like that")

// Signer verifies a key's secret, reads its certificate and returns the key.
// The Signer is good until the tap is over, the application is selected again,
// or ctx ends. Errors: those of Verify, ErrAbsent.
func (j *JPKI) Signer(ctx context.Context, which Secret, value secret.Revealer) (*Signer, error) {
	if err := j.Verify(ctx, which, value); err != nil {
		return nil, err
	}
	return j.signer(ctx, which)
}

// signer is the key whose secret was verified.
func (j *JPKI) signer(ctx context.Context, which Secret) (*Signer, error) {
	what, file := "authentication certificate", apdu.EFAuthCertificate
	if which == SignPassword {
		what, file = "signature certificate", apdu.EFSignCertificate
	}
	c, err := j.certificate(ctx, what, file)
	if err != nil {
		return nil, err
	}
	public, ok := c.PublicKey.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("eid: the %s is not of an RSA key: %w", what, ErrAnswer)
	}
	return &Signer{ctx: ctx, jpki: j, which: which, public: public, certificate: c}, nil
}

// A Signer is a key in the card, as a crypto.Signer. It is for one goroutine.
type Signer struct {
	// ctx is kept against the house's rule: crypto.Signer has no room for one,
	// and a signer lives no longer than the call that has it.
	ctx         context.Context
	jpki        *JPKI
	which       Secret
	public      *rsa.PublicKey
	certificate *x509.Certificate
}

// Certificate is the key's certificate.
func (s *Signer) Certificate() *x509.Certificate { return s.certificate }

// Public is the public key of the certificate.
func (s *Signer) Public() crypto.PublicKey { return s.public }

// Sign has the card sign a digest: RSASSA-PKCS1-v1_5 with SHA-1, SHA-256,
// SHA-384 or SHA-512, or, for *rsa.PSSOptions, RSASSA-PSS with SHA-256. The
// random source is the card's own. The signature is checked before it is
// returned. Errors: ErrMechanism, ErrLocked, the tap's.
func (s *Signer) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	hash := opts.HashFunc()
	if !hash.Available() || len(digest) != hash.Size() {
		return nil, fmt.Errorf("%w: a digest of %d bytes", ErrMechanism, len(digest))
	}
	p1, data := apdu.SignPSS, digest
	pss, isPSS := opts.(*rsa.PSSOptions)
	if isPSS {
		if hash != crypto.SHA256 || !saltFits(pss.SaltLength) {
			return nil, fmt.Errorf("%w: RSASSA-PSS with %v", ErrMechanism, hash)
		}
	} else {
		prefix, ok := digestInfo(hash)
		if !ok {
			return nil, fmt.Errorf("%w: %v", ErrMechanism, hash)
		}
		p1, data = apdu.SignVerbatim, append(prefix, digest...)
	}
	signature, err := s.jpki.send(s.ctx, apdu.Command{
		CLA: 0x80, INS: apdu.InsSign, P1: p1, P2: apdu.ByShortID(s.which.keyFile()), Data: data, Le: 256,
	})
	if err != nil {
		return nil, fmt.Errorf("eid: sign: %w", meaning(err))
	}
	if isPSS {
		err = rsa.VerifyPSS(s.public, hash, digest, signature, nil)
	} else {
		err = rsa.VerifyPKCS1v15(s.public, hash, digest, signature)
	}
	if err != nil {
		return nil, fmt.Errorf("eid: sign: %w: not a signature of its key", ErrAnswer)
	}
	return signature, nil
}

func saltFits(length int) bool {
	return length == rsa.PSSSaltLengthEqualsHash || length == rsa.PSSSaltLengthAuto || length == crypto.SHA256.Size()
}

// digestInfo is the DER before the digest in a DigestInfo (RFC 8017, 9.2, note 1).
func digestInfo(hash crypto.Hash) ([]byte, bool) {
	switch hash {
	case crypto.SHA1:
		return []byte{0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}, true
	case crypto.SHA256:
		return []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}, true
	case crypto.SHA384:
		return []byte{0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30}, true
	case crypto.SHA512:
		return []byte{0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40}, true
	}
	return nil, false
}
