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
	"slices"
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
	claimed      []byte // the message-digest attribute
	unsigned     []unsignedAttribute
	attributes   map[string]cryptobyte.String // the one value of each, by OID
}

// Parse reads a CAdES message without checking any signature.
//
// Errors: ErrMalformed (perhaps with ErrMissingAttribute or ErrAttribute),
// ErrSeveralSigners, ErrNoSignedAttributes, ErrWeakDigest,
// ErrNoSigningCertificate, ErrCertificate.
func Parse(der []byte) (*Signed, error) { return parse(der, cades(), nil) }

// parse reads a message by rules. candidates may be the signer's certificate when
// the message does not carry it.
func parse(der []byte, r rules, candidates []*x509.Certificate) (*Signed, error) {
	m, err := parseMessage(der, r)
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
	}
	for _, c := range slices.Concat(s.Certificates, candidates) {
		if bytes.Equal(c.RawIssuer, m.issuer) && c.SerialNumber.Cmp(m.serial) == 0 {
			s.Certificate = c
			break
		}
	}
	if s.Certificate == nil {
		return nil, fmt.Errorf("%w: the signer's is not inside", ErrCertificate)
	}
	if err := s.readAttributes(r); err != nil {
		return nil, err
	}
	if err := s.readUnsigned(); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify reads a CAdES message and checks it. content is the detached content; for
// a message with its content inside it is nil or the same bytes.
//
// Errors: those of Parse, and ErrNoContent, ErrContent, ErrSignature.
func Verify(der, content []byte) (*Signed, error) {
	s, err := Parse(der)
	if err != nil {
		return nil, err
	}
	if err := s.Verify(content); err != nil {
		return nil, err
	}
	return s, nil
}

// Verify checks that the signer of a parsed message signed content, as the function
// Verify does, and keeps content as s.Content.
//
// Errors: ErrNoContent, ErrContent, ErrSignature (perhaps with ErrAlgorithm).
func (s *Signed) Verify(content []byte) error {
	switch {
	case !s.Detached && content != nil && !bytes.Equal(content, s.Content):
		return ErrContent
	case s.Detached && content == nil:
		return ErrNoContent
	case s.Detached:
		s.Content = content
	}
	h := s.Digest.New()
	h.Write(s.Content)
	if subtle.ConstantTimeCompare(h.Sum(nil), s.claimed) != 1 {
		return ErrContent
	}
	toVerify, err := wrap(cbasn1.SET, s.message.attrs)
	if err != nil {
		return fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	h = s.Digest.New()
	h.Write(toVerify)
	return checkSignature(s.Certificate.PublicKey, s.message, h.Sum(nil))
}

// readAttributes indexes the signed attributes and checks all that needs no
// content (RFC 5652, 5.3 and 11; ETSI EN 319 122-1, 5.1 and 5.2).
func (s *Signed) readAttributes(r rules) error {
	s.attributes = map[string]cryptobyte.String{}
	for _, raw := range s.message.attrs {
		oid, values, err := readAttribute(raw)
		if err != nil {
			return err
		}
		if _, twice := s.attributes[oid.String()]; twice {
			return contradicts(fmt.Sprintf("attribute %v comes twice", oid))
		}
		s.attributes[oid.String()] = values
	}
	// RFC 5652, 11.1 and 11.2: with signed attributes, content-type and
	// message-digest MUST be there, with one value each; the content type is that
	// of what was signed.
	contentType, claimed := s.attributes[oidContentType.String()], s.attributes[oidMessageDigest.String()]
	if contentType == nil || claimed == nil {
		return fmt.Errorf("%w: %w: content-type or message-digest", ErrMalformed, ErrMissingAttribute)
	}
	var oid asn1.ObjectIdentifier
	if !contentType.ReadASN1ObjectIdentifier(&oid) || !contentType.Empty() || !oid.Equal(r.contentType) {
		return contradicts("content-type")
	}
	if !claimed.ReadASN1((*cryptobyte.String)(&s.claimed), cbasn1.OCTET_STRING) || !claimed.Empty() || len(s.claimed) != s.Digest.Size() {
		return contradicts("message-digest")
	}
	if err := s.readSigningTime(s.attributes[oidSigningTime.String()], r.signingTime); err != nil {
		return err
	}
	return s.checkSigningCertificate(s.attributes[oidSigningCertV2.String()])
}

// readAttribute reads one Attribute (RFC 5652, 5.3); values is not empty.
func readAttribute(raw []byte) (oid asn1.ObjectIdentifier, values cryptobyte.String, err error) {
	der := cryptobyte.String(raw)
	var attr cryptobyte.String
	if !der.ReadASN1(&attr, cbasn1.SEQUENCE) || !der.Empty() || !attr.ReadASN1ObjectIdentifier(&oid) ||
		!attr.ReadASN1(&values, cbasn1.SET) || !attr.Empty() || values.Empty() {
		return nil, nil, malformed("attribute")
	}
	return oid, values, nil
}

func malformed(what string) error { return fmt.Errorf("%w: %s", ErrMalformed, what) }

func contradicts(what string) error {
	return fmt.Errorf("%w: %w: %s", ErrMalformed, ErrAttribute, what)
}

// readSigningTime reads RFC 5652, 11.3.
func (s *Signed) readSigningTime(v cryptobyte.String, p presence) error {
	switch {
	case v == nil && p == demanded:
		return fmt.Errorf("%w: %w: signing-time", ErrMalformed, ErrMissingAttribute)
	case v == nil:
		return nil
	case p == forbidden:
		return ErrSigningTime
	}
	ok := false
	switch {
	case v.PeekASN1Tag(cbasn1.UTCTime):
		ok = v.ReadASN1UTCTime(&s.SigningTime)
	case v.PeekASN1Tag(cbasn1.GeneralizedTime):
		ok = v.ReadASN1GeneralizedTime(&s.SigningTime) && s.SigningTime.Year() >= 2050
	}
	if !ok || !v.Empty() {
		return contradicts("signing-time")
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
			return fmt.Errorf("%w: %w: %v", ErrSignature, ErrAlgorithm, m.sigOID)
		}
		ok = rsa.VerifyPKCS1v15(k, m.digest, sum, m.signature) == nil
	case *ecdsa.PublicKey:
		named := map[crypto.Hash]asn1.ObjectIdentifier{
			crypto.SHA256: oidECDSAWithSHA256, crypto.SHA384: oidECDSAWithSHA384, crypto.SHA512: oidECDSAWithSHA512,
		}[m.digest]
		if !m.sigOID.Equal(named) {
			return fmt.Errorf("%w: %w: %v", ErrSignature, ErrAlgorithm, m.sigOID)
		}
		ok = ecdsa.VerifyASN1(k, sum, m.signature)
	default:
		return fmt.Errorf("%w: %w: key of type %T", ErrSignature, ErrAlgorithm, pub)
	}
	if !ok {
		return ErrSignature
	}
	return nil
}

// Fingerprint is the SHA-256 of the signer's certificate.
func (s *Signed) Fingerprint() [32]byte { return sha256.Sum256(s.Certificate.Raw) }

// Marshal returns the message as it was parsed, with what was added since.
func (s *Signed) Marshal() ([]byte, error) { return s.message.marshal() }
