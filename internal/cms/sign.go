package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Object identifiers of RFC 5652, RFC 5035, RFC 5754, RFC 3370 and RFC 3161.
var (
	oidData            = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}
	oidSignedData      = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidContentType     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidMessageDigest   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
	oidSigningTime     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 5}
	oidTSTInfo         = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidSigningCertV2   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 47}
	oidRSA             = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidSHA256          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512          = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSHA256WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11}
	oidSHA384WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 12}
	oidSHA512WithRSA   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 13}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
	oidECDSAWithSHA384 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3}
	oidECDSAWithSHA512 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 4}
)

// Sign signs content with signer, whose certificate is cert, as of at (whole
// seconds): CAdES B-B. The result carries the content unless detached, cert, and
// others (the path, for those who have no directory). RSA keys sign with PKCS #1
// v1.5 and SHA-256, EC keys with ECDSA and the hash of their curve's size.
//
// An error is the signer's, wrapped, or about a key of another kind.
func Sign(signer crypto.Signer, cert *x509.Certificate, content []byte, at time.Time, detached bool, others ...*x509.Certificate) ([]byte, error) {
	m, err := signMessage(signer, cert, content, oidData, &at)
	if err != nil {
		return nil, err
	}
	m.carry(append([]*x509.Certificate{cert}, others...))
	if detached {
		m.content = nil
	}
	return m.marshal()
}

// signMessage signs content of a type. The message carries the content, and no
// certificate yet. at is nil for a form without signing-time.
func signMessage(signer crypto.Signer, cert *x509.Certificate, content []byte, contentType asn1.ObjectIdentifier, at *time.Time) (message, error) {
	digest, sigOID, err := algorithms(cert.PublicKey)
	if err != nil {
		return message{}, err
	}
	attrs, err := signedAttributes(cert, content, contentType, digest, at)
	if err != nil {
		return message{}, err
	}
	// RFC 5652, 5.4: the signature is over the attributes with the tag of SET OF,
	// not with the [0] under which they are sent.
	toSign, err := wrap(cbasn1.SET, attrs)
	if err != nil {
		return message{}, err
	}
	h := digest.New()
	h.Write(toSign)
	sig, err := signer.Sign(rand.Reader, h.Sum(nil), digest)
	if err != nil {
		return message{}, fmt.Errorf("cms: sign: %w", err)
	}
	return message{
		contentType: contentType, digest: digest, digestParams: false, sigOID: sigOID, sigNull: sigOID.Equal(oidRSA),
		attrs: attrs, signature: sig, issuer: cert.RawIssuer, serial: cert.SerialNumber,
		content: append([]byte{}, content...), // present even when empty
	}, nil
}

// carry puts certificates into the message, in the order of DER's SET OF.
func (m *message) carry(certs []*x509.Certificate) {
	for _, c := range certs {
		m.certs = append(m.certs, c.Raw)
	}
	slices.SortFunc(m.certs, bytes.Compare)
}

// algorithms returns the digest and the signature algorithm for a key.
func algorithms(pub crypto.PublicKey) (crypto.Hash, asn1.ObjectIdentifier, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		// RFC 3370, 3.2: rsaEncryption, parameters NULL.
		return crypto.SHA256, oidRSA, nil
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return crypto.SHA256, oidECDSAWithSHA256, nil
		case 384:
			return crypto.SHA384, oidECDSAWithSHA384, nil
		}
	}
	return 0, nil, fmt.Errorf("cms: no algorithm for a %T", pub)
}

// signedAttributes returns the attributes of CAdES B-B (ETSI EN 319 122-1,
// 6.3), each in DER, in the order of DER's SET OF; without at, all but signing-time.
func signedAttributes(cert *x509.Certificate, content []byte, contentType asn1.ObjectIdentifier, digest crypto.Hash, at *time.Time) ([][]byte, error) {
	h := digest.New()
	h.Write(content)
	sum := h.Sum(nil)
	certHash := sha256.Sum256(cert.Raw)
	values := []struct {
		oid   asn1.ObjectIdentifier
		value func(*cryptobyte.Builder)
	}{
		{oidContentType, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(contentType) }},
		{oidMessageDigest, func(b *cryptobyte.Builder) { b.AddASN1OctetString(sum) }},
		// RFC 5035, section 3: SigningCertificateV2 of one ESSCertIDv2; its hash
		// algorithm is the default, SHA-256, and therefore absent.
		{oidSigningCertV2, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1OctetString(certHash[:]) })
				})
			})
		}},
		{oidSigningTime, func(b *cryptobyte.Builder) {
			// RFC 5652, 11.3: UTCTime until 2049, GeneralizedTime from 2050.
			if when := at.UTC().Truncate(time.Second); when.Year() < 2050 {
				b.AddASN1UTCTime(when)
			} else {
				b.AddASN1GeneralizedTime(when)
			}
		}},
	}
	if at == nil {
		values = values[:len(values)-1]
	}
	var attrs [][]byte
	for _, v := range values {
		a, err := attribute(v.oid, v.value)
		if err != nil {
			return nil, err
		}
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, bytes.Compare) // X.690, 11.6
	return attrs, nil
}

// attribute is one Attribute (RFC 5652, 5.3) with what value writes as its values.
func attribute(oid asn1.ObjectIdentifier, value func(*cryptobyte.Builder)) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(oid)
		b.AddASN1(cbasn1.SET, value)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: attribute %v: %w", oid, err)
	}
	return der, nil
}

// wrap puts the parts under one tag.
func wrap(tag cbasn1.Tag, parts [][]byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { addEach(b, parts) })
	return b.Bytes()
}
