package cms

import (
	"bytes"
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
)

// maxCertificates a message may carry.
const maxCertificates = 10

// A message is SignedData with one signer, as it is written.
type message struct {
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
	unsigned     []byte // the [1] of unsigned attributes, whole, or nil
}

func (m message) marshal() ([]byte, error) {
	var b cryptobyte.Builder
	algorithm := func(b *cryptobyte.Builder, oid asn1.ObjectIdentifier, null bool) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oid)
			if null {
				b.AddASN1NULL()
			}
		})
	}
	digestOID := oidOfDigest(m.digest)
	context := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // ContentInfo
		b.AddASN1ObjectIdentifier(oidSignedData)
		b.AddASN1(context(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // SignedData
				b.AddASN1Int64(1) // RFC 5652, 5.1: id-data and issuerAndSerialNumber
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { algorithm(b, digestOID, m.digestParams) })
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // EncapsulatedContentInfo
					b.AddASN1ObjectIdentifier(oidData)
					if m.content != nil {
						b.AddASN1(context(0), func(b *cryptobyte.Builder) { b.AddASN1OctetString(m.content) })
					}
				})
				b.AddASN1(context(0), func(b *cryptobyte.Builder) { // certificates
					for _, c := range m.certs {
						b.AddBytes(c)
					}
				})
				b.AddASN1(cbasn1.SET, func(b *cryptobyte.Builder) { // signerInfos
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1Int64(1)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { // issuerAndSerialNumber
							b.AddBytes(m.issuer)
							b.AddASN1BigInt(m.serial)
						})
						algorithm(b, digestOID, m.digestParams)
						b.AddASN1(context(0), func(b *cryptobyte.Builder) {
							for _, a := range m.attrs {
								b.AddBytes(a)
							}
						})
						algorithm(b, m.sigOID, m.sigNull)
						b.AddASN1OctetString(m.signature)
						b.AddBytes(m.unsigned)
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

// parseMessage reads SignedData with exactly one signer and signed attributes.
func parseMessage(der []byte) (message, error) {
	var m message
	malformed := func(what string) (message, error) { return message{}, fmt.Errorf("%w: %s", ErrMalformed, what) }
	outer := cryptobyte.String(der)
	var info, explicit, sd cryptobyte.String
	var oid asn1.ObjectIdentifier
	context := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	if !outer.ReadASN1(&info, cbasn1.SEQUENCE) || !outer.Empty() {
		return malformed("no single ContentInfo")
	}
	if !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!info.ReadASN1(&explicit, context(0)) || !info.Empty() ||
		!explicit.ReadASN1(&sd, cbasn1.SEQUENCE) || !explicit.Empty() {
		return malformed("no SignedData")
	}
	var version int64
	if !sd.ReadASN1Integer(&version) || version != 1 {
		return malformed("version of SignedData")
	}
	var digests cryptobyte.String
	if !sd.ReadASN1(&digests, cbasn1.SET) {
		return malformed("digest algorithms")
	}
	var content cryptobyte.String
	if !sd.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidData) {
		return malformed("content type")
	}
	if !content.Empty() {
		var inner, octets cryptobyte.String
		if !content.ReadASN1(&inner, context(0)) || !content.Empty() || !inner.ReadASN1(&octets, cbasn1.OCTET_STRING) || !inner.Empty() {
			return malformed("content")
		}
		m.content = append([]byte{}, octets...)
	}
	var certs cryptobyte.String
	if !sd.ReadASN1(&certs, context(0)) {
		return malformed("certificates are missing")
	}
	for !certs.Empty() {
		var c cryptobyte.String
		if !certs.ReadASN1Element(&c, cbasn1.SEQUENCE) || len(m.certs) == maxCertificates {
			return malformed("certificates")
		}
		m.certs = append(m.certs, c)
	}
	var signers, signer cryptobyte.String
	if !sd.ReadASN1(&signers, cbasn1.SET) || !sd.Empty() {
		return malformed("signers")
	}
	if !signers.ReadASN1(&signer, cbasn1.SEQUENCE) || !signers.Empty() {
		return message{}, ErrSeveralSigners
	}
	if err := m.parseSigner(signer); err != nil {
		return message{}, err
	}
	// Only one form is read: what we would write otherwise is not DER, or is a
	// field (a CRL, a second digest) that nothing here has a use for.
	if again, err := m.marshal(); err != nil || !bytes.Equal(again, der) {
		return malformed("not in DER, or the digest algorithms differ")
	}
	return m, nil
}

// parseSigner reads the content of one SignerInfo (RFC 5652, 5.3).
func (m *message) parseSigner(s cryptobyte.String) error {
	var version int64
	var sid, issuer, attrs, sig cryptobyte.String
	context := func(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }
	m.serial = new(big.Int)
	if !s.ReadASN1Integer(&version) || version != 1 ||
		!s.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Integer(m.serial) || !sid.Empty() {
		return fmt.Errorf("%w: signer identifier", ErrMalformed)
	}
	m.issuer = issuer
	oid, null, ok := readAlgorithm(&s)
	if !ok {
		return fmt.Errorf("%w: digest algorithm", ErrMalformed)
	}
	if m.digest = digestOfOID(oid); m.digest == 0 {
		return ErrWeakDigest
	}
	m.digestParams = null
	if !s.PeekASN1Tag(context(0)) {
		return ErrNoSignedAttributes
	}
	if !s.ReadASN1(&attrs, context(0)) {
		return fmt.Errorf("%w: signed attributes", ErrMalformed)
	}
	for !attrs.Empty() {
		var a cryptobyte.String
		if !attrs.ReadASN1Element(&a, cbasn1.SEQUENCE) {
			return fmt.Errorf("%w: signed attributes", ErrMalformed)
		}
		// X.690, 11.6; twice the same attribute fails here or in attribute().
		if n := len(m.attrs); n > 0 && bytes.Compare(m.attrs[n-1], a) >= 0 {
			return fmt.Errorf("%w: signed attributes are not in the order of DER", ErrMalformed)
		}
		m.attrs = append(m.attrs, a)
	}
	if m.sigOID, m.sigNull, ok = readAlgorithm(&s); !ok {
		return fmt.Errorf("%w: signature algorithm", ErrMalformed)
	}
	if !s.ReadASN1(&sig, cbasn1.OCTET_STRING) {
		return fmt.Errorf("%w: signature", ErrMalformed)
	}
	m.signature = sig
	if !s.Empty() {
		var unsigned cryptobyte.String
		if !s.ReadASN1Element(&unsigned, context(1)) || !s.Empty() {
			return fmt.Errorf("%w: bytes after the signature", ErrMalformed)
		}
		m.unsigned = unsigned
	}
	return nil
}

// readAlgorithm reads an AlgorithmIdentifier whose parameters are absent or NULL.
func readAlgorithm(s *cryptobyte.String) (oid asn1.ObjectIdentifier, null, ok bool) {
	var alg, params cryptobyte.String
	if !s.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) {
		return nil, false, false
	}
	if !alg.Empty() {
		if !alg.ReadASN1(&params, cbasn1.NULL) || !params.Empty() || !alg.Empty() {
			return nil, false, false
		}
		null = true
	}
	return oid, null, true
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
