package xades

import (
	"crypto"
	"crypto/subtle"
	"fmt"
	"net/url"
	"strings"

	"tegata/internal/c14n"
)

const (
	uriEnveloped = spaceDS + "enveloped-signature"
	typeManifest = spaceDS + "Manifest"

	maxReferences = 8
	maxPrefixes   = 8 // of an InclusiveNamespaces PrefixList
)

// reference is a ds:Reference (XML Signature 1.1, section 4.4.3).
type reference struct {
	id, uri, kind string
	hasURI        bool
	enveloped     bool        // its first transform is enveloped-signature
	method        c14n.Method // by which nodes become octets
	digest        crypto.Hash
	value         []byte
}

// external tells that the reference is not to this document.
func (r reference) external() bool { return !r.hasURI || r.uri != "" && r.uri[0] != '#' }

// check compares the digest of what the reference is to.
func (r reference) check(octets []byte) bool {
	return subtle.ConstantTimeCompare(digest(r.digest, octets), r.value) == 1
}

// readReference reads a Reference and refuses what no document can make right.
func readReference(n *c14n.Node) (reference, error) {
	var r reference
	r.id, _ = n.Attr("Id")
	r.uri, r.hasURI = n.Attr("URI")
	r.kind, _ = n.Attr("Type")
	c, err := children(n)
	if err != nil {
		return r, err
	}
	transformed := false
	if t := c.next(spaceDS, "Transforms"); t != nil {
		transformed = true
		if err := r.readTransforms(t); err != nil {
			return r, err
		}
	}
	method, err := c.need(spaceDS, "DigestMethod")
	if err != nil {
		return r, err
	}
	uri, _ := method.Attr("Algorithm")
	if r.digest, err = digestOf(uri); err != nil {
		return r, err
	}
	value, err := c.need(spaceDS, "DigestValue")
	if err != nil {
		return r, err
	}
	if r.value, err = binary(value); err != nil {
		return r, err
	}
	switch {
	case r.kind == typeManifest: // a list of further references, which are not checked with the signature
		return r, fmt.Errorf("%w: a manifest", ErrTarget)
	case strings.ContainsAny(r.uri, "()"): // XPointer
		return r, fmt.Errorf("%w: %s", ErrTarget, r.uri)
	case r.external() && r.hasURI && !beside(r.uri):
		return r, fmt.Errorf("%w: %.100s", ErrRemote, r.uri)
	case r.external() && transformed:
		return r, fmt.Errorf("%w: of content that is not in the document", ErrTransform)
	}
	return r, c.end()
}

// beside tells whether a reference is no more than the name of a file, which the
// caller gives: no scheme, no host, no folder. It is never followed.
func beside(uri string) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return u.Path != "" && u.Path != "." && u.Path != ".." && !strings.ContainsAny(u.Path, `/\`)
}

// readTransforms accepts enveloped-signature, and after it one canonicalisation.
func (r *reference) readTransforms(n *c14n.Node) error {
	c, err := children(n)
	if err != nil {
		return err
	}
	if len(c.rest) == 0 || len(c.rest) > 2 {
		return fmt.Errorf("%w: %d of them", ErrTransform, len(c.rest))
	}
	canonical := false
	for len(c.rest) > 0 {
		t, err := c.need(spaceDS, "Transform")
		if err != nil {
			return err
		}
		switch uri, _ := t.Attr("Algorithm"); {
		case canonical: // octets already
			return fmt.Errorf("%w: after a canonicalisation", ErrTransform)
		case uri == uriEnveloped && !r.enveloped:
			r.enveloped = true
			if text, err := leaf(t); err != nil || text != "" {
				return fmt.Errorf("%w: enveloped-signature with parameters", ErrTransform)
			}
		default:
			if r.method, err = readMethod(t); err != nil {
				return fmt.Errorf("%w: %w", ErrTransform, err)
			}
			canonical = true
		}
	}
	return nil
}

// readMethod reads a canonicalisation method with its parameters. References to
// this document leave comments out (XML Signature 1.1, section 4.4.3.3), and inside
// a signature there are none, so that the two kinds of methods do the same.
func readMethod(n *c14n.Node) (c14n.Method, error) {
	uri, _ := n.Attr("Algorithm")
	m, ok := c14n.MethodOf(uri)
	if !ok {
		return m, fmt.Errorf("%w: %.100q", ErrAlgorithm, uri)
	}
	m.Comments = false
	c, err := children(n)
	if err != nil {
		return m, err
	}
	if !m.Exclusive { // the others have no parameters
		return m, c.end()
	}
	if p := c.next(c14n.URIExclusive, "InclusiveNamespaces"); p != nil {
		list, _ := p.Attr("PrefixList")
		m.Inclusive = strings.Fields(list)
		if len(m.Inclusive) > maxPrefixes {
			return m, fmt.Errorf("%w: a list of %d prefixes", ErrLimit, len(m.Inclusive))
		}
		for i, prefix := range m.Inclusive {
			if prefix == "#default" {
				m.Inclusive[i] = ""
			}
		}
	}
	return m, c.end()
}
