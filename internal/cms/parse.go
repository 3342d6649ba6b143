package cms

import (
	"bytes"
	"encoding/asn1"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// parseMessage reads SignedData with exactly one signer and signed attributes.
func parseMessage(der []byte, r rules) (message, error) {
	m := message{contentType: r.contentType}
	outer := cryptobyte.String(der)
	var info, explicit, sd cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !outer.ReadASN1(&info, cbasn1.SEQUENCE) || !outer.Empty() {
		return message{}, malformed("no single ContentInfo")
	}
	if !info.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSignedData) ||
		!info.ReadASN1(&explicit, context(0)) || !info.Empty() ||
		!explicit.ReadASN1(&sd, cbasn1.SEQUENCE) || !explicit.Empty() {
		return message{}, malformed("no SignedData")
	}
	var version int64
	if !sd.ReadASN1Integer(&version) || version != m.version() {
		return message{}, malformed("version of SignedData")
	}
	var digests cryptobyte.String
	if !sd.ReadASN1(&digests, cbasn1.SET) {
		return message{}, malformed("digest algorithms")
	}
	var content cryptobyte.String
	if !sd.ReadASN1(&content, cbasn1.SEQUENCE) || !content.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(m.contentType) {
		return message{}, malformed("content type")
	}
	if !content.Empty() {
		var inner, octets cryptobyte.String
		if !content.ReadASN1(&inner, context(0)) || !content.Empty() || !inner.ReadASN1(&octets, cbasn1.OCTET_STRING) || !inner.Empty() {
			return message{}, malformed("content")
		}
		m.content = append([]byte{}, octets...)
	}
	if !r.certsOptional && !sd.PeekASN1Tag(context(0)) {
		return message{}, malformed("certificates are missing")
	}
	var certs cryptobyte.String
	if !sd.ReadOptionalASN1(&certs, nil, context(0)) {
		return message{}, malformed("certificates")
	}
	for !certs.Empty() {
		var c cryptobyte.String
		if !certs.ReadASN1Element(&c, cbasn1.SEQUENCE) || len(m.certs) == maxCertificates {
			return message{}, malformed("certificates")
		}
		m.certs = append(m.certs, c)
	}
	var signers, signer cryptobyte.String
	if !sd.ReadASN1(&signers, cbasn1.SET) || !sd.Empty() {
		return message{}, malformed("signers")
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
		return message{}, malformed("not in DER, or the digest algorithms differ")
	}
	return m, nil
}

// parseSigner reads the content of one SignerInfo (RFC 5652, 5.3).
func (m *message) parseSigner(s cryptobyte.String) error {
	var version int64
	var sid, issuer, attrs, sig cryptobyte.String
	m.serial = new(big.Int)
	if !s.ReadASN1Integer(&version) || version != 1 ||
		!s.ReadASN1(&sid, cbasn1.SEQUENCE) || !sid.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!sid.ReadASN1Integer(m.serial) || !sid.Empty() {
		return malformed("signer identifier")
	}
	m.issuer = issuer
	oid, null, ok := readAlgorithm(&s)
	if !ok {
		return malformed("digest algorithm")
	}
	if m.digest = digestOfOID(oid); m.digest == 0 {
		return ErrWeakDigest
	}
	m.digestParams = null
	if !s.PeekASN1Tag(context(0)) {
		return ErrNoSignedAttributes
	}
	if !s.ReadASN1(&attrs, context(0)) {
		return malformed("signed attributes")
	}
	for !attrs.Empty() {
		var a cryptobyte.String
		if !attrs.ReadASN1Element(&a, cbasn1.SEQUENCE) {
			return malformed("signed attributes")
		}
		// X.690, 11.6; twice the same attribute fails here or in attribute().
		if n := len(m.attrs); n > 0 && bytes.Compare(m.attrs[n-1], a) >= 0 {
			return malformed("signed attributes are not in the order of DER")
		}
		m.attrs = append(m.attrs, a)
	}
	if m.sigOID, m.sigNull, ok = readAlgorithm(&s); !ok {
		return malformed("signature algorithm")
	}
	if !s.ReadASN1(&sig, cbasn1.OCTET_STRING) {
		return malformed("signature")
	}
	m.signature = sig
	if s.Empty() {
		return nil
	}
	var unsigned cryptobyte.String
	if !s.ReadASN1(&unsigned, context(1)) || !s.Empty() || unsigned.Empty() {
		return malformed("bytes after the signature")
	}
	for !unsigned.Empty() {
		var a cryptobyte.String
		if !unsigned.ReadASN1Element(&a, cbasn1.SEQUENCE) || len(m.unsigned) == maxUnsigned {
			return malformed("unsigned attributes")
		}
		m.unsigned = append(m.unsigned, a)
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
