package xades

import (
	"bytes"
	"fmt"

	"tegata/internal/c14n"
)

// maxNested is how many signatures may lie around one another.
const maxNested = 4

// Signatures reads and checks the signature of a document; content is the detached
// content, nil when the signature's document has its content. When the signature
// envelops a document that is signed itself, that signature follows, and so on:
// outermost first. All of them hold, or there is an error.
//
// Errors: every one of this package but ErrMeaningless, ErrSigned, ErrLevel and
// ErrTimeStamp; c14n.ErrBase.
func Signatures(document, content []byte) ([]Signed, error) {
	var list []Signed
	for range maxNested {
		r, err := open(document, content)
		if err != nil {
			return nil, err
		}
		list = append(list, r.signed)
		if document, err = r.nested(); err != nil {
			return nil, err
		}
		if document == nil {
			return list, nil
		}
		content = nil
	}
	return nil, fmt.Errorf("%w: more than %d signatures around one another", ErrLimit, maxNested)
}

// reading is a document with its outermost signature.
type reading struct {
	source    []byte
	doc       *c14n.Document
	ids       map[string]*c14n.Node
	signature *c14n.Node // the ds:Signature

	info       signedInfo
	value      *c14n.Node // SignatureValue
	keyInfo    *c14n.Node
	objects    []*c14n.Node // without that of the properties
	properties *properties  // nil for plain XML Signature

	octets [][]byte // of each reference of info, once checked
	signed Signed
}

// open reads a document and checks its outermost signature.
func open(document, content []byte) (*reading, error) {
	doc, err := c14n.Parse(document)
	if err != nil {
		return nil, err
	}
	r := &reading{source: document, doc: doc}
	if r.ids, err = index(doc); err != nil {
		return nil, err
	}
	if err := r.find(); err != nil {
		return nil, err
	}
	if err := r.read(); err != nil {
		return nil, err
	}
	if err := r.believe(); err != nil {
		return nil, err
	}
	if err := r.dereference(content); err != nil {
		return nil, err
	}
	return r, r.unsigned()
}

// find finds the signature: the document element or one child of it. Below it there
// may be others, which are what it signs; anywhere else there may be none.
func (r *reading) find() error {
	root := r.doc.Root
	if root.Is(spaceDS, "Signature") {
		r.signature = root
		return nil
	}
	for _, c := range root.Children {
		if !c.Is(spaceDS, "Signature") {
			continue
		}
		if r.signature != nil {
			// Each would cover the other, so that they cannot both hold.
			return ErrSeveralSignatures
		}
		r.signature = c
	}
	astray := false
	root.Walk(func(n *c14n.Node) bool {
		if n == r.signature {
			return false
		}
		astray = astray || n.Is(spaceDS, "Signature")
		return !astray
	})
	switch {
	case astray:
		return ErrPlace
	case r.signature == nil:
		return ErrNoSignature
	}
	return nil
}

// read reads the signature's grammar (XML Signature 1.1, section 4.2).
func (r *reading) read() error {
	c, err := children(r.signature)
	if err != nil {
		return err
	}
	info, err := c.need(spaceDS, "SignedInfo")
	if err != nil {
		return err
	}
	if r.info, err = readSignedInfo(info); err != nil {
		return err
	}
	if r.value, err = c.need(spaceDS, "SignatureValue"); err != nil {
		return err
	}
	if r.info.value, err = binary(r.value); err != nil {
		return err
	}
	if r.keyInfo = c.next(spaceDS, "KeyInfo"); r.keyInfo == nil {
		return fmt.Errorf("%w: no KeyInfo", ErrKeyInfo)
	}
	if r.signed.Certificates, err = readKeyInfo(r.keyInfo); err != nil {
		return err
	}
	for object := c.next(spaceDS, "Object"); object != nil; object = c.next(spaceDS, "Object") {
		p, err := r.readObject(object)
		switch {
		case err != nil:
			return err
		case p == nil:
			r.objects = append(r.objects, object)
		case r.properties != nil:
			return fmt.Errorf("%w: there are two", ErrSignedProperties)
		default:
			r.properties = p
		}
	}
	if (r.properties != nil) != (r.info.properties >= 0) {
		return fmt.Errorf("%w: either the properties or the reference to them is missing", ErrSignedProperties)
	}
	return c.end()
}

// signedInfo is ds:SignedInfo (section 4.4) and the value over it.
type signedInfo struct {
	node       *c14n.Node
	method     c14n.Method
	algorithm  algorithm
	references []reference
	properties int // which reference is to the signed properties; -1 when none is
	value      []byte
}

func readSignedInfo(n *c14n.Node) (signedInfo, error) {
	info := signedInfo{node: n, properties: -1}
	c, err := children(n)
	if err != nil {
		return info, err
	}
	method, err := c.need(spaceDS, "CanonicalizationMethod")
	if err != nil {
		return info, err
	}
	if info.method, err = readMethod(method); err != nil {
		return info, err
	}
	if method, err = c.need(spaceDS, "SignatureMethod"); err != nil {
		return info, err
	}
	uri, _ := method.Attr("Algorithm")
	if info.algorithm, err = algorithmOf(uri); err != nil {
		return info, err
	}
	if text, err := leaf(method); err != nil || text != "" {
		return info, fmt.Errorf("%w: with parameters", ErrAlgorithm)
	}
	for n := c.next(spaceDS, "Reference"); n != nil; n = c.next(spaceDS, "Reference") {
		if len(info.references) == maxReferences {
			return info, fmt.Errorf("%w: more than %d references", ErrLimit, maxReferences)
		}
		ref, err := readReference(n)
		if err != nil {
			return info, err
		}
		if ref.kind == typeSignedProperties {
			if info.properties >= 0 {
				return info, fmt.Errorf("%w: referred to twice", ErrSignedProperties)
			}
			info.properties = len(info.references)
		}
		info.references = append(info.references, ref)
	}
	return info, c.end()
}

// nested returns the signed document that the signature envelops, nil when there is
// none. It is the source as it lies in the Object: all of it but comments is in the
// octets that were checked.
func (r *reading) nested() ([]byte, error) {
	for _, object := range r.objects {
		found := false
		object.Walk(func(n *c14n.Node) bool {
			found = found || n.Is(spaceDS, "Signature")
			return !found
		})
		switch {
		case !found:
		case len(r.objects) > 1:
			return nil, fmt.Errorf("%w: a signed document beside other objects", ErrPlace)
		case object.Namespace("") != "":
			// The document would have other names by itself than where it was signed.
			return nil, fmt.Errorf("%w: a signed document below a default namespace", ErrPlace)
		default:
			return bytes.TrimSpace(r.source[object.ContentStart:object.ContentEnd]), nil
		}
	}
	return nil, nil
}
