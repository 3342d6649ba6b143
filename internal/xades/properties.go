package xades

import (
	"crypto"
	"fmt"
	"time"

	"tegata/internal/c14n"
)

// properties is xades:QualifyingProperties (EN 319 132-1, section 4.3).
type properties struct {
	node        *c14n.Node // QualifyingProperties
	signed      *c14n.Node // SignedProperties
	unsigned    *c14n.Node // UnsignedProperties, or nil
	certificate struct {   // that SigningCertificateV2 names
		hash  crypto.Hash
		value []byte
	}
	formats  []format
	elements []*c14n.Node // of UnsignedSignatureProperties
	list     *c14n.Node   // UnsignedSignatureProperties itself, or nil
}

// format is a DataObjectFormat (section 5.2.4).
type format struct{ reference, mediaType string }

// readObject returns the properties when object holds them, nil when it holds
// content.
func (r *reading) readObject(object *c14n.Node) (*properties, error) {
	holds := false
	for _, c := range object.Children {
		holds = holds || c.Kind == c14n.Element && c.Space == spaceXAdES
	}
	if !holds {
		return nil, nil
	}
	c, err := children(object)
	if err != nil {
		return nil, err
	}
	if c.next(spaceXAdES, "QualifyingPropertiesReference") != nil {
		return nil, fmt.Errorf("%w: QualifyingPropertiesReference", ErrRemote)
	}
	p := &properties{}
	if p.node, err = c.need(spaceXAdES, "QualifyingProperties"); err != nil {
		return nil, err
	}
	if err := c.end(); err != nil {
		return nil, err
	}
	// Section 4.3.2: Target refers to the Signature that is qualified.
	target, _ := p.node.Attr("Target")
	if id, ok := r.signature.Attr("Id"); !ok || target != "#"+id {
		return nil, fmt.Errorf("%w: they qualify %q", ErrSignedProperties, target)
	}
	if c, err = children(p.node); err != nil {
		return nil, err
	}
	if p.signed, err = c.need(spaceXAdES, "SignedProperties"); err != nil {
		return nil, err
	}
	if err := r.readSigned(p); err != nil {
		return nil, err
	}
	if p.unsigned = c.next(spaceXAdES, "UnsignedProperties"); p.unsigned != nil {
		if err := r.readUnsigned(p); err != nil {
			return nil, err
		}
	}
	return p, c.end()
}

// readSigned reads SignedProperties.
func (r *reading) readSigned(p *properties) error {
	c, err := children(p.signed)
	if err != nil {
		return err
	}
	found := map[string]bool{}
	once := func(n *c14n.Node) error {
		if found[n.Local] {
			return malformed(n, "comes twice")
		}
		found[n.Local] = true
		return nil
	}
	if list := c.next(spaceXAdES, "SignedSignatureProperties"); list != nil {
		parts, err := children(list)
		if err != nil {
			return err
		}
		for _, n := range parts.rest {
			switch {
			case n.Is(spaceXAdES, "SigningTime"):
				if err = once(n); err == nil {
					r.signed.SigningTime, err = readTime(n)
				}
			case n.Is(spaceXAdES, "SigningCertificateV2"):
				if err = once(n); err == nil {
					err = p.readSigningCertificate(n)
				}
			default:
				r.signed.NotEvaluated = append(r.signed.NotEvaluated, n.Local)
			}
			if err != nil {
				return err
			}
		}
	}
	if !found["SigningCertificateV2"] {
		return ErrNoSigningCertificate
	}
	if list := c.next(spaceXAdES, "SignedDataObjectProperties"); list != nil {
		if err := r.readFormats(p, list); err != nil {
			return err
		}
	}
	return c.end()
}

// readTime reads an xsd:dateTime, which must say how far it is from UTC.
func readTime(n *c14n.Node) (time.Time, error) {
	text, err := leaf(n)
	if err != nil {
		return time.Time{}, err
	}
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return time.Time{}, malformed(n, "not a moment in time")
	}
	return at.UTC(), nil
}

// readSigningCertificate reads section 5.2.2. The first Cert is the signer's;
// further ones would be of its path, which certpath builds without them.
func (p *properties) readSigningCertificate(n *c14n.Node) error {
	list, err := children(n)
	if err != nil {
		return err
	}
	cert, err := list.need(spaceXAdES, "Cert")
	if err != nil {
		return err
	}
	if _, remote := cert.Attr("URI"); remote {
		return fmt.Errorf("%w: of a certificate", ErrRemote)
	}
	c, err := children(cert)
	if err != nil {
		return err
	}
	both, err := c.need(spaceXAdES, "CertDigest")
	if err != nil {
		return err
	}
	if c, err = children(both); err != nil {
		return err
	}
	method, err := c.need(spaceDS, "DigestMethod")
	if err != nil {
		return err
	}
	uri, _ := method.Attr("Algorithm")
	if p.certificate.hash, err = digestOf(uri); err != nil {
		return err
	}
	value, err := c.need(spaceDS, "DigestValue")
	if err != nil {
		return err
	}
	p.certificate.value, err = binary(value)
	return err
}

func (r *reading) readFormats(p *properties, list *c14n.Node) error {
	parts, err := children(list)
	if err != nil {
		return err
	}
	for _, n := range parts.rest {
		if !n.Is(spaceXAdES, "DataObjectFormat") {
			r.signed.NotEvaluated = append(r.signed.NotEvaluated, n.Local)
			continue
		}
		f := format{}
		f.reference, _ = n.Attr("ObjectReference")
		c, err := children(n)
		if err != nil {
			return err
		}
		for _, part := range c.rest {
			if part.Is(spaceXAdES, "MimeType") {
				if f.mediaType, err = leaf(part); err != nil {
					return err
				}
			}
		}
		p.formats = append(p.formats, f)
	}
	return nil
}

// formats gives each content the media type that the signer names for it.
func (r *reading) formats() error {
	if r.properties == nil {
		return nil
	}
	for _, f := range r.properties.formats {
		content, known := 0, false
		for i, ref := range r.info.references {
			if i == r.info.properties {
				continue
			}
			if ref.id != "" && f.reference == "#"+ref.id {
				r.signed.Contents[content].MediaType, known = f.mediaType, true
			}
			content++
		}
		if !known {
			return fmt.Errorf("%w: a format for %q", ErrNoTarget, f.reference)
		}
	}
	return nil
}
