package xades

import (
	"crypto/x509"
	"fmt"

	"tegata/internal/c14n"
)

const (
	maxProperties = 64 // in UnsignedSignatureProperties
	maxValues     = 64 // certificates, and answers, of all of them
)

// readUnsigned reads UnsignedProperties as far as it is grammar; unsigned reads
// what is in it.
func (r *reading) readUnsigned(p *properties) error {
	c, err := children(p.unsigned)
	if err != nil {
		return err
	}
	if p.list = c.next(spaceXAdES, "UnsignedSignatureProperties"); p.list != nil {
		parts, err := children(p.list)
		if err != nil {
			return err
		}
		if p.elements = parts.rest; len(p.elements) > maxProperties {
			return fmt.Errorf("%w: more than %d unsigned properties", ErrLimit, maxProperties)
		}
	}
	if c.next(spaceXAdES, "UnsignedDataObjectProperties") != nil {
		r.signed.NotEvaluated = append(r.signed.NotEvaluated, "UnsignedDataObjectProperties")
	}
	return c.end()
}

// unsigned reads what was added to the signature later (EN 319 132-1, sections 5.3
// to 5.5), and tells the level.
func (r *reading) unsigned() error {
	p := r.properties
	if p == nil {
		return nil
	}
	if r.signed.Level = LevelB; r.signed.SigningTime.IsZero() {
		r.signed.Level = NoLevel // section 6.3: SigningTime shall be there
	}
	for i, n := range p.elements {
		var err error
		switch {
		case n.Is(spaceXAdES, string(SignatureTimeStamp)):
			err = r.readTimeStamp(i, SignatureTimeStamp, func(m c14n.Method) ([]byte, error) { return m.Element(r.value, nil) })
			r.raise(LevelB, LevelT)
		case n.Is(space141, string(ArchiveTimeStamp)):
			err = r.readTimeStamp(i, ArchiveTimeStamp, func(m c14n.Method) ([]byte, error) { return r.archived(m, i) })
			r.raise(LevelLT, LevelTA)
		case n.Is(spaceXAdES, "CertificateValues"):
			err = r.readCertificates(n)
		case n.Is(spaceXAdES, "RevocationValues"):
			if err = r.readRevocation(n); len(r.signed.OCSP) > 0 {
				r.raise(LevelT, LevelLT)
			}
		case n.Is(space141, "TimeStampValidationData"):
			err = r.readValidationData(n)
		default:
			r.signed.NotEvaluated = append(r.signed.NotEvaluated, n.Local)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// raise goes from one level to the next.
func (r *reading) raise(from, to Level) {
	if r.signed.Level == from {
		r.signed.Level = to
	}
}

// readTimeStamp reads an XAdESTimeStampType (section 5.1.4.3) with one token.
func (r *reading) readTimeStamp(i int, kind TimeStampKind, octets func(c14n.Method) ([]byte, error)) error {
	c, err := children(r.properties.elements[i])
	if err != nil {
		return err
	}
	var method c14n.Method // when absent: Canonical XML 1.0 (section 5.1.4.4)
	if n := c.next(spaceDS, "CanonicalizationMethod"); n != nil {
		if method, err = readMethod(n); err != nil {
			return err
		}
	}
	token, err := c.need(spaceXAdES, "EncapsulatedTimeStamp")
	if err != nil {
		return err
	}
	t := TimeStamp{Kind: kind}
	if t.Token, err = binary(token); err != nil {
		return err
	}
	if t.Octets, err = octets(method); err != nil {
		return err
	}
	if kind == ArchiveTimeStamp {
		for _, other := range r.signed.TimeStamps {
			t.earlier = append(t.earlier, other.Token)
		}
	}
	r.signed.TimeStamps = append(r.signed.TimeStamps, t)
	return c.end()
}

// archived is what an ArchiveTimeStamp after the first n unsigned properties is
// over (section 5.5.2.2): the octets of each reference, then SignedInfo,
// SignatureValue, KeyInfo, those properties, and every Object but that of the
// properties.
func (r *reading) archived(m c14n.Method, n int) ([]byte, error) {
	var all []byte
	for _, octets := range r.octets {
		all = append(all, octets...)
	}
	elements := []*c14n.Node{r.info.node, r.value, r.keyInfo}
	elements = append(elements, r.properties.elements[:n]...)
	elements = append(elements, r.objects...)
	for _, e := range elements {
		octets, err := m.Element(e, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, octets...)
	}
	return all, nil
}

// readCertificates reads CertificateValues (section 5.4.1).
func (r *reading) readCertificates(n *c14n.Node) error {
	return r.values(n, "EncapsulatedX509Certificate", func(value *c14n.Node) error {
		cert, err := readCertificate(value)
		if err != nil {
			return err
		}
		if !r.carries(cert) {
			r.signed.Certificates = append(r.signed.Certificates, cert)
		}
		if len(r.signed.Certificates) > maxCertificates+maxValues {
			return fmt.Errorf("%w: more than %d certificates", ErrLimit, maxValues)
		}
		return nil
	})
}

func (r *reading) carries(cert *x509.Certificate) bool {
	for _, c := range r.signed.Certificates {
		if c.Equal(cert) {
			return true
		}
	}
	return false
}

// readRevocation reads RevocationValues (section 5.4.2). CRLs are left where they
// are: one of a country is larger than a document.
func (r *reading) readRevocation(n *c14n.Node) error {
	c, err := children(n)
	if err != nil {
		return err
	}
	for _, part := range c.rest {
		if !part.Is(spaceXAdES, "OCSPValues") {
			r.signed.NotEvaluated = append(r.signed.NotEvaluated, part.Local)
			continue
		}
		if err := r.values(part, "EncapsulatedOCSPValue", r.readAnswer); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) readAnswer(n *c14n.Node) error {
	der, err := binary(n)
	if err != nil {
		return err
	}
	if len(r.signed.OCSP) == maxValues {
		return fmt.Errorf("%w: more than %d OCSP answers", ErrLimit, maxValues)
	}
	r.signed.OCSP = append(r.signed.OCSP, der)
	return nil
}

// values calls f for each element of this name; others are passed over.
func (r *reading) values(n *c14n.Node, name string, f func(*c14n.Node) error) error {
	c, err := children(n)
	if err != nil {
		return err
	}
	for _, value := range c.rest {
		if !value.Is(spaceXAdES, name) {
			r.signed.NotEvaluated = append(r.signed.NotEvaluated, value.Local)
			continue
		}
		if err := f(value); err != nil {
			return err
		}
	}
	return nil
}

// readValidationData reads TimeStampValidationData (section 5.5.1).
func (r *reading) readValidationData(n *c14n.Node) error {
	c, err := children(n)
	if err != nil {
		return err
	}
	if list := c.next(spaceXAdES, "CertificateValues"); list != nil {
		if err := r.readCertificates(list); err != nil {
			return err
		}
	}
	if list := c.next(spaceXAdES, "RevocationValues"); list != nil {
		if err := r.readRevocation(list); err != nil {
			return err
		}
	}
	return c.end()
}
