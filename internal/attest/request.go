package attest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"fmt"
	"time"
)

// A KeyProof is what an element hands out about a key pair that it made: a
// PKCS#10 request signed by the key itself, and the attestation chain, leaf
// first. In JSON both are standard base64.
type KeyProof struct {
	CSR   []byte   `json:"csr"`
	Chain [][]byte `json:"chain"`
}

// KeyType is a kind of key that an authority accepts.
type KeyType string

// The two kinds of key an element makes.
const (
	RSA2048 KeyType = "rsa-2048" // certificates of a phone
	P256    KeyType = "p-256"    // the device key
)

// An Expectation is what a statement must fulfil.
type Expectation struct {
	Challenge []byte  // the exact challenge; never empty
	Type      KeyType // of the attested key
	MinLevel  SecurityLevel
}

// Verify checks chain as VerifyChain does and then judges the statement: the
// challenge, where the key was made and lives, what it is for, how the phone
// started, and that our extension names the element. It returns the statement,
// also with an error about its content, and the attested public key.
//
// Errors: those of VerifyChain, and ErrOldChallenge, ErrSoftware,
// ErrNotGenerated, ErrExportable, ErrPurpose, ErrUnlockedBoot, ErrNoElement,
// ErrKeyType.
func Verify(chain [][]byte, trust Trust, want Expectation, at time.Time) (Statement, crypto.PublicKey, error) {
	s, leaf, err := VerifyChain(chain, trust, at)
	if err != nil {
		return Statement{}, nil, err
	}
	if err := checkKeyType(leaf.PublicKey, want.Type); err != nil {
		return s, nil, err
	}
	switch {
	case len(want.Challenge) == 0 || subtle.ConstantTimeCompare(s.Challenge, want.Challenge) != 1:
		err = ErrOldChallenge
	case s.Level < max(want.MinLevel, TrustedEnvironment):
		err = ErrSoftware
	case s.Exportable:
		err = ErrExportable
	case !s.Generated:
		err = ErrNotGenerated
	case !s.SignOnly:
		err = ErrPurpose
	case !s.DeviceLocked || s.VerifiedBoot != BootVerified:
		err = ErrUnlockedBoot
	case !s.HasElement:
		err = ErrNoElement
	}
	if err != nil {
		return s, nil, err
	}
	return s, leaf.PublicKey, nil
}

// maxCSR is three times what an element writes for an RSA-2048 key, in bytes.
const maxCSR = 4 << 10

// ParseCSR reads a PKCS#10 request and checks that it is signed by its own key
// (RFC 2986, section 3, note 2). Subject and attributes are of no interest: a
// certificate's content comes from the card and the register.
//
// Errors: ErrMalformed, ErrProof.
func ParseCSR(der []byte) (crypto.PublicKey, error) {
	if len(der) > maxCSR {
		return nil, fmt.Errorf("%w: request of %d bytes", ErrMalformed, len(der))
	}
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fmt.Errorf("%w: request: %v", ErrMalformed, err)
	}
	if csr.SignatureAlgorithm != x509.SHA256WithRSA && csr.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		return nil, fmt.Errorf("%w: signature algorithm %v", ErrMalformed, csr.SignatureAlgorithm)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrProof, err)
	}
	return csr.PublicKey, nil
}

// VerifyProof checks the request and the chain, and that both are about the
// same key.
//
// Errors: ErrRequest with those of ParseCSR, those of Verify, and ErrOtherKey.
func VerifyProof(p KeyProof, trust Trust, want Expectation, at time.Time) (Statement, crypto.PublicKey, error) {
	requested, err := ParseCSR(p.CSR)
	if err != nil {
		return Statement{}, nil, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	s, attested, err := Verify(p.Chain, trust, want, at)
	if err != nil {
		return s, nil, err
	}
	if !SameKey(requested, attested) {
		return s, nil, ErrOtherKey
	}
	return s, requested, nil
}

// SameKey reports whether two public keys have the same encoding.
func SameKey(a, b crypto.PublicKey) bool {
	x, err := x509.MarshalPKIXPublicKey(a)
	if err != nil {
		return false
	}
	y, err := x509.MarshalPKIXPublicKey(b)
	return err == nil && bytes.Equal(x, y)
}

// KeyHash is the SHA-256 of a public key's SubjectPublicKeyInfo: how an
// application names the device key.
func KeyHash(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("attest: public key: %w", err)
	}
	sum := sha256.Sum256(der)
	return sum[:], nil
}

func checkKeyType(pub crypto.PublicKey, want KeyType) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if want == RSA2048 && k.N.BitLen() == 2048 && k.E == 65537 {
			return nil
		}
	case *ecdsa.PublicKey:
		if want == P256 && k.Curve == elliptic.P256() {
			return nil
		}
	}
	return fmt.Errorf("%w: want %s", ErrKeyType, want)
}
