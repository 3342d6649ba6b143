// Package jws reads and writes the signed objects that Tegata's parties pass to
// each other: JWS in compact form (RFC 7515), one signature, one message type per
// `typ`, and an explicit list of algorithms for each type.
//
// It owns the envelope: the header, the signature and strict JSON. What a message
// means, and whether its certificate leads to an authority, is left to packages
// ceremony, feed and certpath. The cryptography is the standard library's. A message
// is read once and by strict rules; go-jose names the algorithms, and agrees in the
// tests with what is written.
//
// # Trust
//
// Nothing that is parsed here is trusted. A Message gives its content away only
// through Unverified, whose name says what it is, or through Verify and
// VerifyWith, which check the signature first. Even then only the key is proved:
// the caller still has to validate the chain.
package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// What can be wrong with a message. Everything Parse and Verify return wraps one
// of these.
var (
	// ErrMalformed: not a compact JWS of this type with strict JSON inside.
	ErrMalformed = errors.New("jws: malformed")
	// ErrAlgorithm: an algorithm or key that this type of message does not allow.
	ErrAlgorithm = errors.New("jws: algorithm or key not allowed")
	// ErrSignature: the signature does not fit the key and the bytes.
	ErrSignature = errors.New("jws: signature mismatch")
)

// Algorithms that may be allowed (RFC 7518, section 3.1). Nothing else exists
// here: no `none`, no HMAC, no RSA with PKCS#1 v1.5 padding.
const (
	ES256 = jose.ES256
	ES384 = jose.ES384
	PS256 = jose.PS256
)

// A Kind says what the header of one type of message must say.
type Kind struct {
	Typ      string                    // RFC 7515, section 4.1.9; compared exactly
	Algs     []jose.SignatureAlgorithm // allow-list
	MaxBytes int                       // of the compact form; longer is malformed
	Bare     bool                      // may come without x5c: the reader knows the key already
}

// maxChain bounds x5c. A party's has two certificates; a phone's attestation, as
// its makers write them, up to six.
const maxChain = 6

// A Message is a parsed JWS whose signature nobody has checked yet.
type Message[T any] struct {
	raw       string
	alg       jose.SignatureAlgorithm
	chain     []*x509.Certificate
	signature []byte
	claims    T
}

// Unverified returns the claims before the signature was checked: for finding
// out which rules apply, never for acting on.
func (m *Message[T]) Unverified() T { return m.claims }

// Chain returns the certificates of x5c, leaf first; empty when there were none.
// They are parsed, not validated.
func (m *Message[T]) Chain() []*x509.Certificate { return m.chain }

// Algorithm returns the algorithm of the header, one of the allowed ones.
func (m *Message[T]) Algorithm() jose.SignatureAlgorithm { return m.alg }

// Raw returns the exact compact form that was parsed.
func (m *Message[T]) Raw() string { return m.raw }

// Hash returns the base64url SHA-256 of the exact compact form.
func (m *Message[T]) Hash() string { return Hash(m.raw) }

// Verify checks the signature with the key of the first certificate of x5c and
// returns the claims. The chain is not validated: that is certpath's work.
func (m *Message[T]) Verify() (T, error) {
	if len(m.chain) == 0 {
		var none T
		return none, fmt.Errorf("%w: no certificate in the header", ErrMalformed)
	}
	return m.VerifyWith(m.chain[0].PublicKey)
}

// VerifyWith checks the signature with a key that the caller knows from
// elsewhere, and returns the claims. It returns ErrAlgorithm when the key is not
// of the algorithm's kind and ErrSignature when the signature does not fit.
func (m *Message[T]) VerifyWith(key crypto.PublicKey) (T, error) {
	var none T
	if err := fits(m.alg, key); err != nil {
		return none, err
	}
	// RFC 7515, section 5.2: the signature is over the first two parts as they came.
	input := m.raw[:max(0, strings.LastIndexByte(m.raw, '.'))]
	if verify(key, m.alg, []byte(input), m.signature) != nil {
		return none, ErrSignature
	}
	return m.claims, nil
}

// Hash returns the base64url SHA-256 of s, the form in which messages name each
// other.
func Hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// Sign writes claims as a compact JWS of kind k. chain is leaf first and goes
// into x5c; it may be empty only for a Bare kind. The algorithm follows from the
// signer's key and must be in k's list: P-256 is ES256, P-384 is ES384, RSA is
// PS256.
func Sign(k Kind, signer crypto.Signer, chain []*x509.Certificate, claims any) (string, error) {
	alg, err := algorithmOf(signer.Public())
	if err != nil {
		return "", err
	}
	if !slices.Contains(k.Algs, alg) {
		return "", fmt.Errorf("%w: %s is not for %s", ErrAlgorithm, alg, k.Typ)
	}
	if len(chain) == 0 && !k.Bare {
		return "", fmt.Errorf("jws: sign %s: no certificate", k.Typ)
	}
	payload, err := Encode(claims)
	if err != nil {
		return "", fmt.Errorf("jws: sign %s: %w", k.Typ, err)
	}
	h := header{Alg: string(alg), Typ: k.Typ}
	for _, c := range chain { // RFC 7515, section 4.1.6: base64, not base64url, of DER
		h.X5C = append(h.X5C, base64.StdEncoding.EncodeToString(c.Raw))
	}
	protected, err := Encode(h)
	if err != nil {
		return "", fmt.Errorf("jws: sign %s: %w", k.Typ, err)
	}
	// RFC 7515, section 5.1: what is signed is the first two parts as they are sent.
	encoding := base64.RawURLEncoding
	message := make([]byte, 0, encoding.EncodedLen(len(protected))+encoding.EncodedLen(len(payload))+128)
	message = append(encoding.AppendEncode(message, protected), '.')
	message = encoding.AppendEncode(message, payload)
	signature, err := sign(signer, alg, message)
	if err != nil {
		return "", fmt.Errorf("jws: sign %s: %w", k.Typ, err)
	}
	compact := string(encoding.AppendEncode(append(message, '.'), signature))
	if len(compact) > k.MaxBytes {
		return "", fmt.Errorf("jws: sign %s: %d bytes is more than %d", k.Typ, len(compact), k.MaxBytes)
	}
	return compact, nil
}

// header is everything a header may hold. RFC 7515, section 4.1.11: an extension
// named in `crit` that is not understood makes the object invalid; since unknown
// names are refused altogether, so is `crit`.
type header struct {
	Alg string   `json:"alg"`
	Typ string   `json:"typ"`
	X5C []string `json:"x5c,omitempty"`
}

// Parse reads a compact JWS of kind k whose payload is a T. It checks the form,
// `typ`, the algorithm list and the JSON, and no signature.
func Parse[T any](k Kind, compact string) (*Message[T], error) {
	if len(compact) > k.MaxBytes {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrMalformed, k.MaxBytes)
	}
	parts := strings.Split(compact, ".")
	if len(parts) != 3 {
		return nil, fmt.Errorf("%w: not three parts", ErrMalformed)
	}
	var decoded [3][]byte
	for i, part := range parts {
		b, err := base64.RawURLEncoding.Strict().DecodeString(part)
		// Go skips line breaks inside base64: the same signature would then have many spellings.
		if err != nil || strings.ContainsAny(part, "\r\n") {
			return nil, fmt.Errorf("%w: part %d is not base64url", ErrMalformed, i+1)
		}
		decoded[i] = b
	}
	var h header
	if err := Decode(decoded[0], &h); err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrMalformed, err)
	}
	if h.Typ != k.Typ {
		return nil, fmt.Errorf("%w: typ is not %s", ErrMalformed, k.Typ)
	}
	if !slices.Contains(k.Algs, jose.SignatureAlgorithm(h.Alg)) {
		return nil, fmt.Errorf("%w: alg", ErrAlgorithm)
	}
	m := &Message[T]{raw: compact, alg: jose.SignatureAlgorithm(h.Alg)}
	if len(h.X5C) > maxChain || len(h.X5C) == 0 && !k.Bare {
		return nil, fmt.Errorf("%w: x5c holds %d certificates", ErrMalformed, len(h.X5C))
	}
	for i, s := range h.X5C {
		c, err := parseCertificate(s)
		if err != nil {
			return nil, fmt.Errorf("%w: x5c certificate %d", ErrMalformed, i+1)
		}
		m.chain = append(m.chain, c)
	}
	if len(m.chain) > 0 {
		if err := fits(m.alg, m.chain[0].PublicKey); err != nil {
			return nil, err
		}
	}
	if err := Decode(decoded[1], &m.claims); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	m.signature = decoded[2]
	return m, nil
}

// Kept reads a message that the caller itself has checked and kept: the claims and
// nothing else. It has no chain and no algorithm, and verifies by no key.
func Kept[T any](k Kind, compact string) (*Message[T], error) {
	m := &Message[T]{raw: compact}
	parts := strings.Split(compact, ".")
	if len(compact) > k.MaxBytes || len(parts) != 3 {
		return nil, fmt.Errorf("%w: not a message that was kept", ErrMalformed)
	}
	payload, err := base64.RawURLEncoding.Strict().DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(payload, &m.claims) // the strict reading was done before it was kept
	}
	if err != nil {
		return nil, fmt.Errorf("%w: not a message that was kept", ErrMalformed)
	}
	return m, nil
}

func parseCertificate(s string) (*x509.Certificate, error) {
	der, err := base64.StdEncoding.Strict().DecodeString(s)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// algorithmOf names the one algorithm a key is used with.
func algorithmOf(key crypto.PublicKey) (jose.SignatureAlgorithm, error) {
	for _, alg := range []jose.SignatureAlgorithm{ES256, ES384, PS256} {
		if fits(alg, key) == nil {
			return alg, nil
		}
	}
	return "", fmt.Errorf("%w: %T", ErrAlgorithm, key)
}

// fits checks that key is of the kind alg demands: RFC 7518, section 3.4 binds
// each ECDSA algorithm to one curve, section 3.5 wants RSA of 2048 bits or more.
func fits(alg jose.SignatureAlgorithm, key crypto.PublicKey) error {
	switch k := key.(type) {
	case *ecdsa.PublicKey:
		if alg == ES256 && k.Curve == elliptic.P256() || alg == ES384 && k.Curve == elliptic.P384() {
			return nil
		}
	case *rsa.PublicKey:
		if alg == PS256 && k.N.BitLen() >= 2048 && k.N.BitLen() <= 8192 {
			return nil
		}
	}
	return fmt.Errorf("%w: %T with %s", ErrAlgorithm, key, alg)
}
