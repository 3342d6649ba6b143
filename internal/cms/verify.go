package cms

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	_ "crypto/sha512" // SHA-384 and SHA-512 of crypto.Hash
	"crypto/subtle"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Signed is a message: after Parse what it claims, after Verify what is true.
type Signed struct {
	Content      []byte              // inside, or given; nil after Parse of a detached one
	Detached     bool                // the content is not inside
	Certificate  *x509.Certificate   // of the signer, as the signed attributes name it
	Certificates []*x509.Certificate // all that came along, in no order that means anything
	SigningTime  time.Time           // claimed by the signer, UTC
	Digest       crypto.Hash
	message      message
	attributes   map[string]cryptobyte.String // the one value of each, by OID
}

// Parse reads a message without checking any signature.
//
// Errors: ErrMalformed, ErrSeveralSigners, ErrNoSignedAttributes,
// ErrWeakDigest, ErrNoSigningCertificate, ErrCertificate.
func Parse(der []byte) (*Signed, error) {
	m, err := parseMessage(der)
	if err != nil {
		return nil, err
	}
	s := &Signed{Content: m.content, Detached: m.content == nil, Digest: m.digest, message: m}
	for _, raw := range m.certs {
		c, err := x509.ParseCertificate(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %v", ErrMalformed, err)
		}
		s.Certificates = append(s.Certificates, c)
		if bytes.Equal(c.RawIssuer, m.issuer) && c.SerialNumber.Cmp(m.serial) == 0 && s.Certificate == nil {
			s.Certificate = c
		}
	}
	if s.Certificate == nil {
		return nil, fmt.Errorf("%w: the signer's is not inside", ErrCertificate)
	}
	if err := s.readAttributes(); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify reads a message and checks it. content is the detached content; for a
// message with its content inside it is nil or the same bytes.
//
// Errors: those of Parse, and ErrNoContent, ErrContent, ErrSignature.
func Verify(der, content []byte) (*Signed, error) {
	s, err := Parse(der)
	if err != nil {
		return nil, err
	}
	if s.Detached {
		if content == nil {
			return nil, ErrNoContent
		}
		s.Content = content
	} else if content != nil && !bytes.Equal(content, s.Content) {
		return nil, ErrContent
	}
	h := s.Digest.New()
	h.Write(s.Content)
	var claimed cryptobyte.String
	value := s.attributes[oidMessageDigest.String()]
	if !value.ReadASN1(&claimed, cbasn1.OCTET_STRING) || !value.Empty() {
		return nil, fmt.Errorf("%w: message-digest", ErrMalformed)
	}
	if subtle.ConstantTimeCompare(h.Sum(nil), claimed) != 1 {
		return nil, ErrContent
	}
	toVerify, err := wrap(cbasn1.SET, s.message.attrs)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	h = s.Digest.New()
	h.Write(toVerify)
	if err := checkSignature(s.Certificate.PublicKey, s.message, h.Sum(nil)); err != nil {
		return nil, err
	}
	return s, nil
}

// readAttributes indexes the signed attributes and checks all that needs no
// content (RFC 5652, 5.3 and 11; ETSI EN 319 122-1, 5.1 and 5.2).
func (s *Signed) readAttributes() error {
	s.attributes = map[string]cryptobyte.String{}
	for _, raw := range s.message.attrs {
		der := cryptobyte.String(raw)
		var attr, values cryptobyte.String
		var oid asn1.ObjectIdentifier
		if !der.ReadASN1(&attr, cbasn1.SEQUENCE) || !attr.ReadASN1ObjectIdentifier(&oid) ||
			!attr.ReadASN1(&values, cbasn1.SET) || !attr.Empty() || values.Empty() {
			return fmt.Errorf("%w: attribute", ErrMalformed)
		}
		if _, twice := s.attributes[oid.String()]; twice {
			return fmt.Errorf("%w: attribute %v comes twice", ErrMalformed, oid)
		}
		s.attributes[oid.String()] = values
	}
	// RFC 5652, 11.1 and 11.2: with signed attributes, content-type and
	// message-digest MUST be there, with one value each.
	contentType := s.attributes[oidContentType.String()]
	var oid asn1.ObjectIdentifier
	if !contentType.ReadASN1ObjectIdentifier(&oid) || !contentType.Empty() || !oid.Equal(oidData) {
		return fmt.Errorf("%w: content-type", ErrMalformed)
	}
	when := s.attributes[oidSigningTime.String()]
	if err := s.readSigningTime(when); err != nil {
		return err
	}
	return s.checkSigningCertificate(s.attributes[oidSigningCertV2.String()])
}

// readSigningTime reads RFC 5652, 11.3; CAdES B-B requires the attribute.
func (s *Signed) readSigningTime(v cryptobyte.String) error {
	ok := false
	switch {
	case v.PeekASN1Tag(cbasn1.UTCTime):
		ok = v.ReadASN1UTCTime(&s.SigningTime)
	case v.PeekASN1Tag(cbasn1.GeneralizedTime):
		ok = v.ReadASN1GeneralizedTime(&s.SigningTime) && s.SigningTime.Year() >= 2050
	}
	if !ok || !v.Empty() {
		return fmt.Errorf("%w: signing-time", ErrMalformed)
	}
	s.SigningTime = s.SigningTime.UTC()
	return nil
}

// checkSigningCertificate reads SigningCertificateV2 (RFC 5035, section 3): the
// first ESSCertIDv2 names the signer's certificate by hash, so that another
// certificate of the same key cannot be put in its place.
func (s *Signed) checkSigningCertificate(v cryptobyte.String) error {
	if v == nil {
		return ErrNoSigningCertificate
	}
	var list, certs, id, hash cryptobyte.String
	if !v.ReadASN1(&list, cbasn1.SEQUENCE) || !v.Empty() || !list.ReadASN1(&certs, cbasn1.SEQUENCE) || !certs.ReadASN1(&id, cbasn1.SEQUENCE) {
		return fmt.Errorf("%w: signing-certificate-v2", ErrMalformed)
	}
	digest := crypto.SHA256
	if id.PeekASN1Tag(cbasn1.SEQUENCE) {
		oid, _, ok := readAlgorithm(&id)
		if !ok {
			return fmt.Errorf("%w: signing-certificate-v2", ErrMalformed)
		}
		if digest = digestOfOID(oid); digest == 0 {
			return ErrWeakDigest
		}
	}
	if !id.ReadASN1(&hash, cbasn1.OCTET_STRING) {
		return fmt.Errorf("%w: signing-certificate-v2", ErrMalformed)
	}
	h := digest.New()
	h.Write(s.Certificate.Raw)
	if subtle.ConstantTimeCompare(h.Sum(nil), hash) != 1 {
		return fmt.Errorf("%w: signing-certificate-v2 names another", ErrCertificate)
	}
	return nil
}

// checkSignature verifies the signature over a digest of the attributes.
func checkSignature(pub crypto.PublicKey, m message, sum []byte) error {
	var ok bool
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < 2048 {
			return fmt.Errorf("%w: RSA key of %d bits", ErrSignature, k.N.BitLen())
		}
		named := map[crypto.Hash]asn1.ObjectIdentifier{
			crypto.SHA256: oidSHA256WithRSA, crypto.SHA384: oidSHA384WithRSA, crypto.SHA512: oidSHA512WithRSA,
		}[m.digest]
		if !m.sigOID.Equal(oidRSA) && !m.sigOID.Equal(named) {
			return fmt.Errorf("%w: algorithm %v", ErrSignature, m.sigOID)
		}
		ok = rsa.VerifyPKCS1v15(k, m.digest, sum, m.signature) == nil
	case *ecdsa.PublicKey:
		named := map[crypto.Hash]asn1.ObjectIdentifier{
			crypto.SHA256: oidECDSAWithSHA256, crypto.SHA384: oidECDSAWithSHA384, crypto.SHA512: oidECDSAWithSHA512,
		}[m.digest]
		if !m.sigOID.Equal(named) {
			return fmt.Errorf("%w: algorithm %v", ErrSignature, m.sigOID)
		}
		ok = ecdsa.VerifyASN1(k, sum, m.signature)
	default:
		return fmt.Errorf("%w: key of type %T", ErrSignature, pub)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// Fingerprint is the SHA-256 of the signer's certificate.
func (s *Signed) Fingerprint() [32]byte { return sha256.Sum256(s.Certificate.Raw) }

// Marshal returns the message as it was parsed.
func (s *Signed) Marshal() ([]byte, error) { return s.message.marshal() }
