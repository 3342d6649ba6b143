package profile

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tegata/internal/pki"
)

// maxCardFile is the largest certificate in bytes: more than the longest name and
// address need, less than the certificate files of card and phone hold.
const maxCardFile = 8192

// shape is what a profile demands of a parsed certificate.
type shape struct {
	extensions []asn1.ObjectIdentifier // exactly these, in this order
	critical   []asn1.ObjectIdentifier // and exactly these of them critical
	keyUsage   x509.KeyUsage
	uses       []asn1.ObjectIdentifier // extended key usages
	subject    []asn1.ObjectIdentifier // attribute types, one an RDN
}

func (o Operator) shape(c Certificate) shape {
	authorityDN := []asn1.ObjectIdentifier{pki.OIDCountry, pki.OIDOrganization, pki.OIDOrganizationalUnit, pki.OIDOrganizationalUnit}
	switch c.Purpose {
	case Authority:
		s := shape{
			extensions: []asn1.ObjectIdentifier{oidAuthorityKeyID, oidSubjectKeyID, oidKeyUsage, oidBasicConstraints},
			critical:   []asn1.ObjectIdentifier{oidKeyUsage, oidBasicConstraints},
			keyUsage:   x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
			subject:    authorityDN,
		}
		if o.Sandbox {
			s.extensions = append(s.extensions, pki.SandboxMark().Id)
		}
		return s
	case Responder:
		return shape{
			extensions: []asn1.ObjectIdentifier{oidAuthorityKeyID, oidSubjectKeyID, oidKeyUsage, oidExtKeyUsage, oidOCSPNoCheck},
			critical:   []asn1.ObjectIdentifier{oidKeyUsage},
			keyUsage:   x509.KeyUsageDigitalSignature,
			uses:       []asn1.ObjectIdentifier{oidUseOCSPSigning},
			subject:    append(authorityDN, pki.OIDCommonName),
		}
	}
	s := shape{
		extensions: []asn1.ObjectIdentifier{oidAuthorityKeyID, oidSubjectKeyID, oidKeyUsage, oidExtKeyUsage,
			oidPolicies, oidSubjectAltName, oidCRLDistribution, oidAuthorityInfo},
		critical: []asn1.ObjectIdentifier{oidKeyUsage, oidPolicies},
		keyUsage: x509.KeyUsageDigitalSignature,
	}
	switch {
	case c.Kind.Signature():
		s.keyUsage |= x509.KeyUsageContentCommitment
		s.uses = []asn1.ObjectIdentifier{oidUseDocument, oidUseEmail}
		s.subject = []asn1.ObjectIdentifier{pki.OIDCountry, pki.OIDLocality, pki.OIDLocality, pki.OIDCommonName}
	case c.Kind.Authentication():
		s.uses = []asn1.ObjectIdentifier{oidUseClientAuth}
		s.subject = []asn1.ObjectIdentifier{pki.OIDCountry, pki.OIDCommonName}
	default:
		if c.Party.Encryption {
			s.keyUsage = x509.KeyUsageKeyAgreement
		}
		if c.Party.Role == pki.RoleTSA {
			s.critical = append(s.critical, oidExtKeyUsage)
		}
		s.uses = []asn1.ObjectIdentifier{o.Arc.Role(c.Party.Role)}
		s.subject = []asn1.ObjectIdentifier{pki.OIDCountry, pki.OIDOrganization, pki.OIDCommonName}
	}
	return s
}

// Conforms parses der and says how it differs from c's profile, if it does. It
// reads the certificate as a relying party would and shares nothing with TBS.
func (o Operator) Conforms(der []byte, c Certificate) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("profile: the certificate does not parse: %w", err)
	}
	for _, check := range []func(*x509.Certificate, Certificate) error{
		o.conformsHead, o.conformsExtensions, o.conformsKeyUse, o.conformsNames, o.conformsPointers,
	} {
		if err := check(cert, c); err != nil {
			return err
		}
	}
	// The card's files: OpenSC takes a certificate's size from a two-octet length.
	if c.Purpose == Holder && (len(der) > maxCardFile || der[0] != 0x30 || der[1] != 0x82) {
		return fmt.Errorf("profile: a certificate of %d bytes does not fit the card's file", len(der))
	}
	return nil
}

func (o Operator) conformsHead(cert *x509.Certificate, c Certificate) error {
	issuer := cert.RawSubject
	if c.Purpose != Authority {
		issuer = c.Issuer.Certificate.RawSubject
	}
	switch {
	case cert.Version != 3:
		return errors.New("profile: not an X.509 v3 certificate")
	case pki.SerialOf(cert) != c.Serial || len(cert.SerialNumber.Bytes()) != len(c.Serial):
		return errors.New("profile: the serial number is not the recorded one of 16 octets")
	case cert.SignatureAlgorithm != c.Issuer.Algorithm.X509():
		return fmt.Errorf("profile: the signature algorithm is %v", cert.SignatureAlgorithm)
	case !bytes.Equal(cert.RawIssuer, issuer):
		return errors.New("profile: the issuer's name is not that of the authority, byte for byte")
	case !cert.NotBefore.Equal(c.NotBefore) || !cert.NotAfter.Equal(c.NotAfter):
		return errors.New("profile: the validity is not the one asked for")
	}
	if key, ok := c.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !key.Equal(cert.PublicKey) {
		return errors.New("profile: the public key is not the one asked for")
	}
	return checkKey(c.Kind, c.Purpose, c.Issuer.Algorithm, cert.PublicKey)
}

func (o Operator) conformsExtensions(cert *x509.Certificate, c Certificate) error {
	want := o.shape(c)
	for i, e := range cert.Extensions {
		if i >= len(want.extensions) || !e.Id.Equal(want.extensions[i]) {
			return fmt.Errorf("profile: extension %v has no place in this certificate", e.Id)
		}
		critical := slices.ContainsFunc(want.critical, e.Id.Equal)
		if e.Critical != critical {
			return fmt.Errorf("profile: extension %v: critical must be %t", e.Id, critical)
		}
	}
	if len(cert.Extensions) != len(want.extensions) {
		return fmt.Errorf("profile: extension %v is missing", want.extensions[len(cert.Extensions)])
	}
	return nil
}

func (o Operator) conformsKeyUse(cert *x509.Certificate, c Certificate) error {
	want := o.shape(c)
	if cert.KeyUsage != want.keyUsage {
		return fmt.Errorf("profile: key usage is %b, not %b", cert.KeyUsage, want.keyUsage)
	}
	uses, err := extendedUses(cert)
	if err != nil {
		return err
	}
	if !slices.EqualFunc(uses, want.uses, asn1.ObjectIdentifier.Equal) {
		return errors.New("profile: the extended key usages are not those of the profile")
	}
	if c.Purpose == Authority {
		if !cert.IsCA || !cert.BasicConstraintsValid || cert.MaxPathLen != 0 || !cert.MaxPathLenZero {
			return errors.New("profile: an authority is a CA with path length 0")
		}
		return nil
	}
	if cert.IsCA {
		return errors.New("profile: only an authority's own certificate is a CA's")
	}
	if c.Purpose == Holder && (len(cert.PolicyIdentifiers) != 1 || !cert.PolicyIdentifiers[0].Equal(o.Arc.Policy(c.Kind))) {
		return errors.New("profile: the policy is not that of the kind")
	}
	return nil
}

// extendedUses reads the extended key usages in order; x509.Certificate splits
// them into known and unknown ones.
func extendedUses(cert *x509.Certificate) ([]asn1.ObjectIdentifier, error) {
	for _, e := range cert.Extensions {
		if e.Id.Equal(oidExtKeyUsage) {
			var uses []asn1.ObjectIdentifier
			if rest, err := asn1.Unmarshal(e.Value, &uses); err != nil || len(rest) > 0 {
				return nil, errors.New("profile: the extended key usages are malformed")
			}
			return uses, nil
		}
	}
	return nil, nil
}

func (o Operator) conformsNames(cert *x509.Certificate, c Certificate) error {
	var types []asn1.ObjectIdentifier
	for _, attribute := range cert.Subject.Names { // one an RDN: checked by count below
		types = append(types, attribute.Type)
	}
	var rdns []asn1.RawValue
	if _, err := asn1.Unmarshal(cert.RawSubject, &rdns); err != nil || len(rdns) != len(types) {
		return errors.New("profile: each RDN of the subject has one attribute")
	}
	if !slices.EqualFunc(types, o.shape(c).subject, asn1.ObjectIdentifier.Equal) {
		return errors.New("profile: the subject is not in the form of the profile")
	}
	m, subject := c.Subject.Municipality, cert.Subject
	switch {
	case c.Purpose != Holder: // the name of the authority, checked as issuer
	case c.Kind.Signature() && !slices.Equal(subject.Locality, []string{m.Prefecture, m.City}),
		c.Kind == pki.Ops && (subject.CommonName != c.Party.ID || !slices.Equal(subject.Organization, []string{o.Organization})),
		c.Subject.CommonName != "" && subject.CommonName != c.Subject.CommonName:
		return errors.New("profile: the subject is not the one asked for")
	}
	keyID, err := pki.SubjectKeyID(cert.PublicKey)
	if err != nil || !bytes.Equal(keyID, cert.SubjectKeyId) {
		return errors.New("profile: the subject key identifier is not that of the key")
	}
	if c.Purpose != Holder {
		return nil
	}
	return o.conformsAltName(cert, c)
}

func (o Operator) conformsAltName(cert *x509.Certificate, c Certificate) error {
	attributes, err := pki.ParseAttributes(o.Arc, cert)
	var uris []string
	for _, u := range cert.URIs {
		uris = append(uris, u.String())
	}
	switch {
	case len(cert.DNSNames)+len(cert.EmailAddresses)+len(cert.IPAddresses) > 0:
		return errors.New("profile: no kind of certificate names hosts or addresses")
	case c.Kind.Signature():
		if err != nil || attributes != c.Subject.Attributes || len(uris) > 0 {
			return errors.New("profile: the six attributes are not those of the person")
		}
	case !errors.Is(err, pki.ErrNoAttributes):
		return errors.New("profile: only a signature certificate carries personal attributes")
	case c.Kind.Authentication():
		if len(uris) != 1 || !strings.HasPrefix(uris[0], "urn:uuid:") || len(uris[0]) != 45 {
			return errors.New("profile: an authentication certificate is named by one urn:uuid")
		}
	case !slices.Equal(uris, append([]string{PartyURN(c.Party.ID)}, c.Party.Origins...)):
		return errors.New("profile: the names are not those of the party")
	}
	return nil
}

func (o Operator) conformsPointers(cert *x509.Certificate, c Certificate) error {
	issuer := cert.SubjectKeyId
	if c.Purpose != Authority {
		issuer = c.Issuer.Certificate.SubjectKeyId
	}
	if !bytes.Equal(cert.AuthorityKeyId, issuer) {
		return errors.New("profile: the authority key identifier is not that of the authority")
	}
	if c.Purpose != Holder {
		return nil
	}
	label := c.Issuer.Label()
	if !slices.Equal(cert.OCSPServer, []string{o.OCSPURL()}) || !slices.Equal(cert.IssuingCertificateURL, []string{o.AuthorityURL(label)}) {
		return errors.New("profile: authority information access does not point at this operator")
	}
	if !slices.Equal(cert.CRLDistributionPoints, []string{o.CRLURL(label, c.Partition())}) {
		return errors.New("profile: the CRL distribution point is not that of the partition")
	}
	return errors.Join(o.conformsDirectoryName(cert, c), o.conformsPolicy(cert, c))
}

// extensionValue finds an extension that conformsExtensions saw.
func extensionValue(cert *x509.Certificate, id asn1.ObjectIdentifier) []byte {
	for _, e := range cert.Extensions {
		if e.Id.Equal(id) {
			return e.Value
		}
	}
	return nil
}

// conformsDirectoryName looks at the second name of the distribution point, which
// crypto/x509 does not read: the partition's place in a directory.
func (o Operator) conformsDirectoryName(cert *x509.Certificate, c Certificate) error {
	var points []struct {
		Name struct {
			Full []asn1.RawValue `asn1:"optional,tag:0"`
		} `asn1:"optional,tag:0"`
	}
	wrong := errors.New("profile: the directory name of the CRL distribution point is not that of the partition")
	rest, err := asn1.Unmarshal(extensionValue(cert, oidCRLDistribution), &points)
	if err != nil || len(rest) > 0 || len(points) != 1 || len(points[0].Name.Full) != 2 {
		return wrong
	}
	directory := points[0].Name.Full[1]
	var name pkix.RDNSequence
	if _, err := asn1.Unmarshal(directory.Bytes, &name); err != nil || directory.Tag != 4 || len(name) != 5 {
		return wrong
	}
	want := []pki.RDN{{Type: pki.OIDCountry, Value: country}, {Type: pki.OIDOrganization, Value: o.Organization},
		{Type: pki.OIDOrganizationalUnit, Value: "CRL Distribution Points"}, {Type: pki.OIDOrganizationalUnit, Value: unit(c.Kind)},
		{Type: pki.OIDCommonName, Value: c.Issuer.Label() + " " + c.Partition()}}
	for n, rdn := range name {
		if len(rdn) != 1 || !rdn[0].Type.Equal(want[n].Type) || rdn[0].Value != want[n].Value {
			return wrong
		}
	}
	return nil
}

// conformsPolicy looks at the qualifier of the policy: the address of the practice
// statement and nothing else.
func (o Operator) conformsPolicy(cert *x509.Certificate, c Certificate) error {
	var policies []struct {
		ID         asn1.ObjectIdentifier
		Qualifiers []struct {
			ID  asn1.ObjectIdentifier
			URI string `asn1:"ia5"`
		}
	}
	rest, err := asn1.Unmarshal(extensionValue(cert, oidPolicies), &policies)
	if err != nil || len(rest) > 0 || len(policies) != 1 || !policies[0].ID.Equal(o.Arc.Policy(c.Kind)) ||
		len(policies[0].Qualifiers) != 1 || !policies[0].Qualifiers[0].ID.Equal(oidCPS) || policies[0].Qualifiers[0].URI != o.CPSURL() {
		return errors.New("profile: the policy's qualifier is not the address of the practice statement")
	}
	return nil
}
