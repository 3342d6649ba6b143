package cms

import (
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What a message can be refused for.
var (
	ErrMalformed            = errors.New("cms: malformed")
	ErrSeveralSigners       = errors.New("cms: not exactly one signer")
	ErrNoSignedAttributes   = errors.New("cms: no signed attributes")
	ErrNoSigningCertificate = errors.New("cms: signed attributes do not name the certificate")
	ErrWeakDigest           = errors.New("cms: digest weaker than SHA-256")
	ErrNoContent            = errors.New("cms: content is neither inside nor given")
	ErrContent              = errors.New("cms: content is not what was signed")
	ErrCertificate          = errors.New("cms: certificate is not the one that was signed with")
	ErrSignature            = errors.New("cms: signature does not match")

	// ErrAlgorithm: the signature algorithm is not one for this key and digest. It
	// comes with ErrSignature.
	ErrAlgorithm = errors.New("cms: signature algorithm does not fit key and digest")
	// ErrMissingAttribute: content-type, message-digest or, where it is demanded,
	// signing-time is not there. It comes with ErrMalformed.
	ErrMissingAttribute = errors.New("cms: a signed attribute is missing")
	// ErrAttribute: a signed attribute stands twice, has several values, or
	// contradicts the message. It comes with ErrMalformed.
	ErrAttribute = errors.New("cms: a signed attribute contradicts the message")
	// ErrSigningTime: a PAdES signature with a signing-time (ETSI EN 319 142-1, 6.3).
	ErrSigningTime = errors.New("cms: signing-time has no place in this signature")
)

// What a message may carry at most.
const (
	maxCertificates = 10
	maxUnsigned     = 32 // attributes; an archived signature gains one every few years
)

// rules are what the forms of a signature differ in.
type rules struct {
	contentType   asn1.ObjectIdentifier
	signingTime   presence
	certsOptional bool
}

// presence says whether an attribute must be there.
type presence int

const (
	demanded presence = iota
	optional
	forbidden
)

// cades is ETSI EN 319 122-1, 6.3; pades ETSI EN 319 142-1, 6.3; token RFC 3161, 2.4.2.
func cades() rules { return rules{contentType: oidData, signingTime: demanded} }
func pades() rules { return rules{contentType: oidData, signingTime: forbidden} }
func token() rules {
	return rules{contentType: oidTSTInfo, signingTime: optional, certsOptional: true}
}

// A message is SignedData with one signer, as it is written.
type message struct {
	contentType  asn1.ObjectIdentifier
	digest       crypto.Hash
	digestParams bool   // digest algorithm written with NULL
	content      []byte // nil: detached
	certs        [][]byte
	issuer       []byte // of the signer's certificate, DER
	serial       *big.Int
	attrs        [][]byte // signed, in order
	sigOID       asn1.ObjectIdentifier
	sigNull      bool
	signature    []byte
	unsigned     [][]byte // attributes as they stand, in order; none: the field is absent
}

func (m message) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SignedData
				b.AddASN1Int64(m.version())
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { addAlgorithm(b, oidOfDigest(m.digest), m.digestParams) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // EncapsulatedContentInfo
					b.AddASN1ObjectIdentifier(m.contentType)
					if m.content != nil {
						b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(m.content) })
					}
				})
				if len(m.certs) > 0 {
					b.AddASN1(context(0), func(b *cryptobyte.Builder) { addEach(b, m.certs) })
				}
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { // signerInfos
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						m.addSigner(b)
						if len(m.unsigned) > 0 {
							b.AddASN1(context(1), func(b *cryptobyte.Builder) { addEach(b, m.unsigned) })
						}
					})
				})
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: write: %w", err)
	}
	return der, nil
}

// addSigner writes the fields of SignerInfo up to the signature: what a signature
// cannot lose without becoming another one.
func (m message) addSigner(b *cryptobyte.Builder) {
	b.AddASN1Int64(1)
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // issuerAndSerialNumber
		b.AddBytes(m.issuer)
		b.AddASN1BigInt(m.serial)
	})
	addAlgorithm(b, oidOfDigest(m.digest), m.digestParams)
	b.AddASN1(context(0), func(b *cryptobyte.Builder) { addEach(b, m.attrs) })
	addAlgorithm(b, m.sigOID, m.sigNull)
	b.AddASN1OctetString(m.signature)
}

// version follows RFC 5652, 5.1: 1 for id-data under an issuerAndSerialNumber, 3
// for any other content type.
func (m message) version() int64 {
	if m.contentType.Equal(oidData) {
		return 1
	}
	return 3
}

func context(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

func addEach(b *cryptobyte.Builder, parts [][]byte) {
	for _, p := range parts {
		b.AddBytes(p)
	}
}

func addAlgorithm(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		if null {
			b.AddASN1NULL()
		}
	})
}

func oidOfDigest(h crypto.Hash) asn1.ObjectIdentifier {
	switch h {
	case crypto.SHA384:
		return oidSHA384
	case crypto.SHA512:
		return oidSHA512
	}
	return oidSHA256
}

// digestOfOID returns 0 for everything weaker than SHA-256.
func digestOfOID(oid asn1.ObjectIdentifier) crypto.Hash {
	for _, h := range []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512} {
		if oid.Equal(oidOfDigest(h)) {
			return h
		}
	}
	return 0
}
