// Package pki holds the words and small shapes that every party must spell the
// same way: kinds of certificate, serial numbers, object identifiers under the
// operator's arc, distinguished names, and the personal attributes inside a
// signature certificate.
//
// It owns no keys and makes no decisions. What a certificate must contain is
// decided in issuer/profile, whether it is good in issuer/status and
// internal/certpath.
//
// The shapes are those of RFC 5280; the attributes follow the published layout of
// the Japanese individual certificates, under an arc of the operator's own.
//
// # Trust
//
// Parsers here read certificates of strangers: they bound what they allocate and
// never panic.
package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
)

// Kind is one of the five kinds of certificate, and the name of the authority
// that issues it.
type Kind string

// The kinds. Card and phone have authorities of their own, and so have signature
// and authentication.
const (
	CardSign  Kind = "card-sign"
	CardAuth  Kind = "card-auth"
	PhoneSign Kind = "phone-sign"
	PhoneAuth Kind = "phone-auth"
	Ops       Kind = "ops" // verifiers, parties, terminals, the feed
)

// Kinds lists all five, in the order of their policy identifiers.
func Kinds() []Kind { return []Kind{CardSign, CardAuth, PhoneSign, PhoneAuth, Ops} }

// ParseKind reads an authority's name from a URL or a message.
func ParseKind(s string) (Kind, error) {
	for _, k := range Kinds() {
		if string(k) == s {
			return k, nil
		}
	}
	return "", fmt.Errorf("pki: no authority is called %.20q", s)
}

// Signature says whether certificates of this kind vouch for signatures.
func (k Kind) Signature() bool { return k == CardSign || k == PhoneSign }

// Authentication says whether certificates of this kind vouch for logins.
func (k Kind) Authentication() bool { return k == CardAuth || k == PhoneAuth }

// Card says whether the key lives in a card, Phone whether in a phone.
func (k Kind) Card() bool  { return k == CardSign || k == CardAuth }
func (k Kind) Phone() bool { return k == PhoneSign || k == PhoneAuth }

// Serial is a certificate serial number: 16 random octets, positive as DER.
type Serial [16]byte

// RandomSerial draws a serial number of 126 random bits. RFC 5280, section
// 4.1.2.2: a serial number is a positive integer of at most 20 octets. The first
// bit is clear so that it is positive, the second set so that its DER form always
// has 16 octets.
func RandomSerial() Serial {
	var s Serial
	rand.Read(s[:]) // never fails
	s[0] = s[0]&0x3F | 0x40
	return s
}

// ParseSerial reads 32 hexadecimal digits.
func ParseSerial(text string) (Serial, error) {
	var s Serial
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(s) {
		return Serial{}, errors.New("pki: a serial number is 32 hexadecimal digits")
	}
	copy(s[:], b)
	return s, nil
}

// SerialFromBig converts the integer of a certificate or an OCSP request. ok is
// false for integers that no authority of ours ever gives out.
func SerialFromBig(n *big.Int) (s Serial, ok bool) {
	if n == nil || n.Sign() <= 0 || n.BitLen() > 8*len(s) {
		return Serial{}, false
	}
	n.FillBytes(s[:])
	return s, true
}

// SerialOf is the serial number of a certificate of ours; zero for a stranger's
// that does not fit.
func SerialOf(c *x509.Certificate) Serial {
	s, _ := SerialFromBig(c.SerialNumber)
	return s
}

// String is the 32 lower case hexadecimal digits.
func (s Serial) String() string { return hex.EncodeToString(s[:]) }

// Big is the integer.
func (s Serial) Big() *big.Int { return new(big.Int).SetBytes(s[:]) }

// Fingerprint is the SHA-256 of DER bytes in hexadecimal.
func Fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:])
}

// SubjectKeyID is method (1) of RFC 5280, section 4.2.1.2: the SHA-1 of the
// subjectPublicKey bits. SHA-1 names a key here; nothing rests on its strength.
func SubjectKeyID(pub crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("pki: key identifier: %w", err)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Bits      asn1.BitString
	}
	if _, err := asn1.Unmarshal(der, &info); err != nil {
		return nil, fmt.Errorf("pki: key identifier: %w", err)
	}
	sum := sha1.Sum(info.Bits.Bytes)
	return sum[:], nil
}

// EncodePEM writes one certificate as PEM.
func EncodePEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// ParsePEM reads all certificates of a PEM file, in order.
func ParsePEM(text []byte) ([]*x509.Certificate, error) {
	var certs []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("pki: certificate %d of the file: %w", len(certs)+1, err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("pki: no certificate in the file")
	}
	return certs, nil
}
