package cms

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Unsigned attributes of ETSI EN 319 122-1 (RFC 5126 for the older ones).
var (
	oidSignatureTimeStamp = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 14}
	oidCertificateValues  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 23}
	oidRevocationValues   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 2, 24}
	oidArchiveTimeStampV3 = asn1.ObjectIdentifier{0, 4, 0, 1733, 2, 4}
	oidHashIndexV3        = asn1.ObjectIdentifier{0, 4, 0, 19122, 1, 5}
)

// An unsignedAttribute is what anybody may have added after the signature.
type unsignedAttribute struct {
	oid    asn1.ObjectIdentifier
	values [][]byte
}

// readUnsigned reads the unsigned attributes. Those of which a signature has one at
// most, with one value, are refused when there are more: two stories about one thing
// are none.
func (s *Signed) readUnsigned() error {
	s.unsigned = nil
	for _, raw := range s.message.unsigned {
		oid, values, err := readAttribute(raw)
		if err != nil {
			return err
		}
		a := unsignedAttribute{oid: oid}
		for !values.Empty() {
			var value cryptobyte.String
			var tag cbasn1.Tag
			if !values.ReadAnyASN1Element(&value, &tag) || len(a.values) == maxUnsigned {
				return malformed("unsigned attribute")
			}
			a.values = append(a.values, value)
		}
		s.unsigned = append(s.unsigned, a)
	}
	for _, single := range []asn1.ObjectIdentifier{oidCertificateValues, oidRevocationValues, oidHashIndexV3} {
		if len(s.values(single)) > 1 {
			return malformed(fmt.Sprintf("unsigned attribute %v has several values", single))
		}
	}
	return nil
}

// values returns all values of an attribute.
func (s *Signed) values(oid asn1.ObjectIdentifier) (list [][]byte) {
	for _, a := range s.unsigned {
		if a.oid.Equal(oid) {
			list = append(list, a.values...)
		}
	}
	return list
}

// add adds an unsigned attribute with one value. Attributes that stand in the order
// of DER stay so; others keep their places.
func (s *Signed) add(oid asn1.ObjectIdentifier, value []byte) error {
	a, err := attribute(oid, func(b *cryptobyte.Builder) { b.AddBytes(value) })
	if err != nil {
		return err
	}
	if len(s.message.unsigned) >= maxUnsigned {
		return fmt.Errorf("cms: a signature has at most %d unsigned attributes", maxUnsigned)
	}
	inOrder := slices.IsSortedFunc(s.message.unsigned, bytes.Compare)
	s.message.unsigned = append(slices.Clone(s.message.unsigned), a)
	if inOrder {
		slices.SortFunc(s.message.unsigned, bytes.Compare)
	}
	return s.readUnsigned()
}

// SignatureImprint is the digest that a signature-time-stamp is over: of the value of
// the signature, without tag and length (ETSI EN 319 122-1, 5.3).
func (s *Signed) SignatureImprint(h crypto.Hash) []byte {
	d := h.New()
	d.Write(s.message.signature)
	return d.Sum(nil)
}

// SignatureTimeStamps are the time-stamp tokens over the signature (B-T), unchecked.
func (s *Signed) SignatureTimeStamps() [][]byte { return s.values(oidSignatureTimeStamp) }

// AddSignatureTimeStamp adds a time-stamp token over the signature: the signature is
// then B-T. That the token is over this signature is the caller's to know.
func (s *Signed) AddSignatureTimeStamp(token []byte) error {
	return s.add(oidSignatureTimeStamp, token)
}

// ReplaceTimeStamp puts a token in the place of one that is there already, such as
// the same with validation data added. An archive time-stamp that covers the former
// no longer holds afterwards.
func (s *Signed) ReplaceTimeStamp(former, token []byte) error {
	for i, a := range s.unsigned {
		if !a.oid.Equal(oidSignatureTimeStamp) && !a.oid.Equal(oidArchiveTimeStampV3) {
			continue
		}
		at := slices.IndexFunc(a.values, func(v []byte) bool { return bytes.Equal(v, former) })
		if at < 0 {
			continue
		}
		values := slices.Clone(a.values)
		values[at] = token
		raw, err := attribute(a.oid, func(b *cryptobyte.Builder) { addEach(b, values) })
		if err != nil {
			return err
		}
		inOrder := slices.IsSortedFunc(s.message.unsigned, bytes.Compare)
		s.message.unsigned = slices.Clone(s.message.unsigned)
		s.message.unsigned[i] = raw
		if inOrder {
			slices.SortFunc(s.message.unsigned, bytes.Compare)
		}
		return s.readUnsigned()
	}
	return fmt.Errorf("cms: the time-stamp to be replaced is not there")
}

// ValidationData is what a signature or a time-stamp token carries so that it can be
// checked when nobody can be asked any more (B-LT): certificates, and OCSP answers as
// BasicOCSPResponse (RFC 6960, 4.2.1). CRLs have no place here: one of ours tells of
// a whole municipality.
type ValidationData struct {
	Certificates []*x509.Certificate
	OCSP         [][]byte
}

// maxValidationData bounds the certificates and the answers that are read, each.
const maxValidationData = 16

// ValidationData reads certificate-values and revocation-values (ETSI EN 319 122-1,
// A.1.1.2 and A.1.2.2; RFC 5126, 6.3.3 and 6.3.4). It is empty when there are none.
// ErrMalformed when they do not parse or hold anything but certificates and OCSP
// answers.
func (s *Signed) ValidationData() (ValidationData, error) {
	var v ValidationData
	for _, value := range s.values(oidCertificateValues) {
		list, err := sequenceOf(value)
		if err != nil {
			return v, malformed("certificate-values")
		}
		for _, der := range list {
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return v, fmt.Errorf("%w: certificate-values: %v", ErrMalformed, err)
			}
			v.Certificates = append(v.Certificates, c)
		}
	}
	for _, value := range s.values(oidRevocationValues) {
		der := cryptobyte.String(value)
		var fields, answers cryptobyte.String
		// RevocationValues ::= SEQUENCE { crlVals [0], ocspVals [1], otherRevVals [2] },
		// in a module of explicit tags.
		if !der.ReadASN1(&fields, cbasn1.SEQUENCE) || !fields.ReadASN1(&answers, context(1)) || !fields.Empty() {
			return v, malformed("revocation-values with anything but OCSP answers")
		}
		var err error
		if v.OCSP, err = sequenceOf(answers); err != nil {
			return v, malformed("revocation-values")
		}
	}
	return v, nil
}

// sequenceOf splits a SEQUENCE OF SEQUENCE.
func sequenceOf(der []byte) (list [][]byte, err error) {
	in := cryptobyte.String(der)
	var items, item cryptobyte.String
	if !in.ReadASN1(&items, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, ErrMalformed
	}
	for !items.Empty() {
		if !items.ReadASN1Element(&item, cbasn1.SEQUENCE) || len(list) == maxValidationData {
			return nil, ErrMalformed
		}
		list = append(list, item)
	}
	return list, nil
}

// AddValidationData adds certificate-values and revocation-values: a signature with a
// time-stamp is then B-LT. A signature takes them once; what is to be kept of a later
// time-stamp's authority goes into that token.
func (s *Signed) AddValidationData(v ValidationData) error {
	if len(s.values(oidCertificateValues)) > 0 || len(s.values(oidRevocationValues)) > 0 {
		return fmt.Errorf("cms: the signature has validation data already")
	}
	var certs, answers cryptobyte.Builder
	certs.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, c := range v.Certificates {
			b.AddBytes(c.Raw)
		}
	})
	answers.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(context(1), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { addEach(b, v.OCSP) })
		})
	})
	for _, one := range []struct {
		oid   asn1.ObjectIdentifier
		value cryptobyte.Builder
	}{{oidCertificateValues, certs}, {oidRevocationValues, answers}} {
		der, err := one.value.Bytes()
		if err != nil {
			return fmt.Errorf("cms: validation data: %w", err)
		}
		if err := s.add(one.oid, der); err != nil {
			return err
		}
	}
	return nil
}
