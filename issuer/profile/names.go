package profile

import (
	"crypto/rand"
	"fmt"
	"strings"

	"tegata/internal/pki"
)

const country = "JP"

// unit is the OU that says what an authority's certificates are for.
func unit(k pki.Kind) string {
	switch {
	case k.Signature():
		return "for digital signature"
	case k.Authentication():
		return "for user authentication"
	default:
		return "for operations"
	}
}

// AuthorityName is the DN of an authority. Card and phone share the words and
// differ in the operator's unit, so that no two authorities share a DN.
// All generations of one authority do: choose the issuer by key identifier.
func (o Operator) AuthorityName(k pki.Kind) ([]byte, error) {
	return pki.Name(o.authorityRDNs(k)...)
}

func (o Operator) authorityRDNs(k pki.Kind) []pki.RDN {
	operator := o.Unit
	switch {
	case k.Card():
		operator += " (card)"
	case k.Phone():
		operator += " (phone)"
	}
	return []pki.RDN{
		{Type: pki.OIDCountry, Value: country},
		{Type: pki.OIDOrganization, Value: o.Organization},
		{Type: pki.OIDOrganizationalUnit, Value: unit(k)},
		{Type: pki.OIDOrganizationalUnit, Value: operator},
	}
}

// subjectName is the DN of c's subject.
func (o Operator) subjectName(c Certificate) ([]byte, error) {
	switch {
	case c.Purpose == Authority:
		return o.AuthorityName(c.Kind)
	case c.Purpose == Responder:
		return pki.Name(append(o.authorityRDNs(c.Kind), pki.RDN{Type: pki.OIDCommonName, Value: "OCSP responder " + c.Issuer.Label()})...)
	case c.Kind.Signature():
		m := c.Subject.Municipality
		return pki.Name(
			pki.RDN{Type: pki.OIDCountry, Value: country},
			pki.RDN{Type: pki.OIDLocality, Value: m.Prefecture},
			pki.RDN{Type: pki.OIDLocality, Value: m.City},
			pki.RDN{Type: pki.OIDCommonName, Value: c.commonName()})
	case c.Kind.Authentication():
		return pki.Name(
			pki.RDN{Type: pki.OIDCountry, Value: country},
			pki.RDN{Type: pki.OIDCommonName, Value: c.commonName()})
	default:
		return pki.Name(
			pki.RDN{Type: pki.OIDCountry, Value: country},
			pki.RDN{Type: pki.OIDOrganization, Value: o.Organization},
			pki.RDN{Type: pki.OIDCommonName, Value: c.Party.ID})
	}
}

// commonName is the CN that c asks for or, when it asks for none, time, sequence
// and office for a signature certificate and random digits for an authentication
// certificate. The sequence is drawn with the serial number rather than counted,
// so that replicas need not agree on it.
func (c Certificate) commonName() string {
	if c.Subject.CommonName != "" {
		return c.Subject.CommonName
	}
	s := c.Serial
	if c.Kind.Signature() {
		sequence := (uint32(s[4])<<16 | uint32(s[5])<<8 | uint32(s[6])) % 1_000_000
		return fmt.Sprintf("%s%06d%s", c.NotBefore.UTC().Format("20060102150405"), sequence, c.Subject.Municipality.Code)
	}
	return strings.ToUpper(rand.Text()) // 26 letters and digits, 130 random bits
}

// uuidURN is a random UUID (RFC 9562, section 5.4: version 4).
func uuidURN() string {
	var u [16]byte
	rand.Read(u[:]) // never fails
	u[6] = u[6]&0x0F | 0x40
	u[8] = u[8]&0x3F | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Partition is the CRL partition that c will be listed in: by municipality for
// signature certificates, by the first byte of the serial number for
// authentication certificates, since those are shown at every login and must not
// tell where a person lives. Parties and responders share one partition.
func (c Certificate) Partition() string {
	switch {
	case c.Purpose != Holder || c.Kind == pki.Ops:
		return OnePartition
	case c.Kind.Signature():
		return c.Subject.Municipality.Code
	default:
		return fmt.Sprintf("%02x", c.Serial[0])
	}
}

// OnePartition is the partition of certificates that need no finer one: parties'
// and responders'.
const OnePartition = "all"

// OCSPURL is where status is asked.
func (o Operator) OCSPURL() string { return o.BaseURL + "/ocsp" }

// CRLURL is where a partition's CRL is fetched.
func (o Operator) CRLURL(label, partition string) string {
	return o.BaseURL + "/crl/" + label + "/" + partition + ".crl"
}

// AuthorityURL is where an authority's certificate is fetched.
func (o Operator) AuthorityURL(label string) string { return o.BaseURL + "/ca/" + label + ".cer" }

// CPSURL is where the certification practice statement is read.
func (o Operator) CPSURL() string { return o.BaseURL + "/cps" }

// PartitionName is the directory name of a CRL partition.
func (o Operator) PartitionName(k pki.Kind, label, partition string) ([]byte, error) {
	return pki.Name(
		pki.RDN{Type: pki.OIDCountry, Value: country},
		pki.RDN{Type: pki.OIDOrganization, Value: o.Organization},
		pki.RDN{Type: pki.OIDOrganizationalUnit, Value: "CRL Distribution Points"},
		pki.RDN{Type: pki.OIDOrganizationalUnit, Value: unit(k)},
		pki.RDN{Type: pki.OIDCommonName, Value: label + " " + partition})
}
