package pki

import (
	"encoding/asn1"
	"fmt"
	"unicode/utf8"
)

// The attribute types that our names use (RFC 5280, appendix A.1).
var (
	OIDCountry            = asn1.ObjectIdentifier{2, 5, 4, 6}
	OIDOrganization       = asn1.ObjectIdentifier{2, 5, 4, 10}
	OIDOrganizationalUnit = asn1.ObjectIdentifier{2, 5, 4, 11}
	OIDLocality           = asn1.ObjectIdentifier{2, 5, 4, 7}
	OIDCommonName         = asn1.ObjectIdentifier{2, 5, 4, 3}
)

// RDN is one relative distinguished name with one attribute.
type RDN struct {
	Type  asn1.ObjectIdentifier
	Value string
}

type attributeTypeAndValue struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

// Name encodes RDNs in the given order, each on its own. pkix.Name would put two
// organizationalUnits into one multi-valued RDN and lose the order of the rest.
func Name(rdns ...RDN) ([]byte, error) {
	type set []attributeTypeAndValue
	sequence := make([]asn1.RawValue, 0, len(rdns))
	for _, r := range rdns {
		value, err := directoryString(r)
		if err != nil {
			return nil, err
		}
		der, err := asn1.MarshalWithParams(set{{r.Type, value}}, "set")
		if err != nil {
			return nil, fmt.Errorf("pki: name: %w", err)
		}
		sequence = append(sequence, asn1.RawValue{FullBytes: der})
	}
	der, err := asn1.Marshal(sequence)
	if err != nil {
		return nil, fmt.Errorf("pki: name: %w", err)
	}
	return der, nil
}

// directoryString picks the string type: RFC 5280, appendix A.1: countryName is a
// PrintableString of two letters; section 4.1.2.4: all else is UTF8String. Upper
// bounds are those of appendix A.1 (64 characters, 128 for a locality).
func directoryString(r RDN) (asn1.RawValue, error) {
	if r.Type.Equal(OIDCountry) {
		if len(r.Value) != 2 {
			return asn1.RawValue{}, fmt.Errorf("pki: name: a country is two letters")
		}
		return asn1.RawValue{Tag: asn1.TagPrintableString, Bytes: []byte(r.Value)}, nil
	}
	limit := 64
	if r.Type.Equal(OIDLocality) {
		limit = 128
	}
	if n := utf8.RuneCountInString(r.Value); n == 0 || n > limit || !utf8.ValidString(r.Value) {
		return asn1.RawValue{}, fmt.Errorf("pki: name: attribute %v must have 1 to %d characters", r.Type, limit)
	}
	return asn1.RawValue{Tag: asn1.TagUTF8String, Bytes: []byte(r.Value)}, nil
}
