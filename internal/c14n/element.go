package c14n

import (
	"fmt"
	"strings"
)

// startTag reads a start tag or an empty-element tag and binds its names.
func (p *parser) startTag() error {
	if p.open == nil && p.doc.Root != nil {
		return p.malformed("a second document element")
	}
	e := &Node{Kind: Element, Start: p.pos}
	p.pos += len("<")
	name, err := p.name()
	if err != nil {
		return err
	}
	if e.Prefix, e.Local, err = p.split(name); err != nil {
		return err
	}
	if err := p.attributes(e); err != nil {
		return err
	}
	empty := p.skip("/")
	if !p.skip(">") {
		return p.malformed("a start tag")
	}
	if p.scope = append(p.scope, e.Decls...); len(p.scope) > maxNamespaces {
		return fmt.Errorf("%w: more than %d namespaces", ErrLimit, maxNamespaces)
	}
	if err := p.bind(e); err != nil {
		return err
	}
	if p.open == nil {
		p.doc.Root = e
	}
	if err := p.add(e); err != nil {
		return err
	}
	if p.depth++; p.depth > MaxDepth {
		return fmt.Errorf("%w: deeper than %d", ErrLimit, MaxDepth)
	}
	if e.declaring = e; len(e.Decls) == 0 {
		e.declaring = nil
		if e.Parent != nil {
			e.declaring = e.Parent.declaring
		}
	}
	p.open = e
	e.ContentStart, e.ContentEnd = p.pos, p.pos
	if empty {
		p.close(e)
	}
	return nil
}

// attributes reads attributes and sorts the namespace declarations out.
func (p *parser) attributes(e *Node) error {
	for n := 0; ; n++ {
		spaces := p.space()
		if p.at(">") || p.at("/>") {
			return nil
		}
		if spaces == 0 {
			return p.malformed("a start tag")
		}
		if n == maxAttributes {
			return fmt.Errorf("%w: more than %d attributes", ErrLimit, maxAttributes)
		}
		name, err := p.name()
		if err != nil {
			return err
		}
		a := Attr{}
		if a.Prefix, a.Local, err = p.split(name); err != nil {
			return err
		}
		p.space()
		if !p.skip("=") {
			return p.malformed("an attribute without a value")
		}
		p.space()
		if a.Value, err = p.quoted(); err != nil {
			return err
		}
		switch {
		case name == "xmlns":
			err = p.declare(e, Decl{"", a.Value})
		case a.Prefix == "xmlns":
			err = p.declare(e, Decl{a.Local, a.Value})
		default:
			e.Attrs = append(e.Attrs, a)
		}
		if err != nil {
			return err
		}
	}
}

// declare adds a namespace declaration (Namespaces in XML 1.0, sections 2.2 and 3).
func (p *parser) declare(e *Node, d Decl) error {
	for _, other := range e.Decls {
		if other.Prefix == d.Prefix {
			return p.malformed("a namespace declared twice")
		}
	}
	switch {
	case d.Prefix == "xmlns",
		(d.Prefix == "xml") != (d.Space == SpaceXML), // the one to the other and to nothing else
		d.Space == spaceXMLNS,
		d.Prefix != "" && d.Space == "": // only Namespaces 1.1 undeclares prefixes
		return p.malformed("a namespace declaration that XML reserves")
	case len(d.Space) > maxName:
		return fmt.Errorf("%w: a namespace name of %d bytes", ErrLimit, len(d.Space))
	case d.Space != "" && !absolute(d.Space):
		// Canonical XML 1.0, section 1.3: MUST report an operation failure on
		// documents containing relative namespace names.
		return p.malformed("a relative namespace name")
	case strings.ContainsAny(d.Space, "&<>\"' \t\r\n"):
		// No URI but for &; some canonicalisers write these as they are, so that one
		// document would have two canonical forms.
		return p.malformed("a namespace name that would have to be escaped")
	}
	e.Decls = append(e.Decls, d)
	return nil
}

// absolute tells whether a namespace name begins with a scheme (RFC 3986, 3.1).
func absolute(uri string) bool {
	scheme, _, colon := strings.Cut(uri, ":")
	for i, c := range []byte(scheme) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (i == 0 || !(c >= '0' && c <= '9') && strings.IndexByte("+-.", c) < 0) {
			return false
		}
	}
	return colon && scheme != ""
}

// bind gives element and attributes their namespaces and refuses two attributes of
// one name (Namespaces in XML 1.0, section 6.3).
func (p *parser) bind(e *Node) error {
	var err error
	if e.Space, err = p.lookup(e.Prefix); err != nil {
		return err
	}
	seen := make(map[[2]string]bool, len(e.Attrs))
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if a.Prefix != "" { // the default namespace is not for attributes
			if a.Space, err = p.lookup(a.Prefix); err != nil {
				return err
			}
		}
		if name := [2]string{a.Space, a.Local}; seen[name] {
			return p.malformed("an attribute that comes twice")
		} else {
			seen[name] = true
		}
	}
	return nil
}

func (p *parser) lookup(prefix string) (string, error) {
	if prefix == "xml" {
		return SpaceXML, nil
	}
	for i := len(p.scope) - 1; i >= 0; i-- {
		if p.scope[i].Prefix == prefix {
			return p.scope[i].Space, nil
		}
	}
	if prefix == "" {
		return "", nil
	}
	return "", p.malformed("a prefix that is not declared")
}
