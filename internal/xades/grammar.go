package xades

import (
	"encoding/base64"
	"fmt"
	"strings"

	"tegata/internal/c14n"
)

// Namespaces.
const (
	spaceDS    = "http://www.w3.org/2000/09/xmldsig#"
	spaceXAdES = "http://uri.etsi.org/01903/v1.3.2#"
	space141   = "http://uri.etsi.org/01903/v1.4.1#"
)

// typeSignedProperties marks the Reference to the properties (EN 319 132-1, 4.3.1).
const typeSignedProperties = "http://uri.etsi.org/01903#SignedProperties"

// maxValue is the length of one base64 value: a certificate, token or OCSP answer.
const maxValue = 256 << 10

func malformed(n *c14n.Node, what string) error {
	return fmt.Errorf("%w: %s: %s", ErrMalformed, n.Local, what)
}

// cursor walks the element children of an element in order.
type cursor struct {
	of   *c14n.Node
	rest []*c14n.Node
}

// children returns the elements of n. Between them only white space may stand:
// inside a signature nothing is passed over.
func children(n *c14n.Node) (*cursor, error) {
	c := &cursor{of: n}
	for _, child := range n.Children {
		switch {
		case child.Kind == c14n.Element:
			c.rest = append(c.rest, child)
		case child.Kind != c14n.Text || strings.Trim(child.Value, " \t\r\n") != "":
			return nil, malformed(n, "something else than elements")
		}
	}
	return c, nil
}

// next returns the next element when it is of this name, else nil.
func (c *cursor) next(space, local string) *c14n.Node {
	if len(c.rest) == 0 || !c.rest[0].Is(space, local) {
		return nil
	}
	n := c.rest[0]
	c.rest = c.rest[1:]
	return n
}

// need returns the next element, which must be of this name.
func (c *cursor) need(space, local string) (*c14n.Node, error) {
	if n := c.next(space, local); n != nil {
		return n, nil
	}
	return nil, malformed(c.of, "no "+local+" where it belongs")
}

func (c *cursor) end() error {
	if len(c.rest) > 0 {
		return malformed(c.of, "unexpected "+c.rest[0].Local)
	}
	return nil
}

// leaf returns the text of an element that has nothing but text.
func leaf(n *c14n.Node) (string, error) {
	switch {
	case len(n.Children) == 0:
		return "", nil
	case len(n.Children) > 1 || n.Children[0].Kind != c14n.Text:
		return "", malformed(n, "something else than text")
	}
	return n.Children[0].Value, nil
}

// withoutSpace takes out white space (XML 1.0, production 3).
var withoutSpace = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "")

// binary returns the octets of an element of type xsd:base64Binary.
func binary(n *c14n.Node) ([]byte, error) {
	text, err := leaf(n)
	if err != nil {
		return nil, err
	}
	text = withoutSpace.Replace(text)
	if len(text) > maxValue {
		return nil, fmt.Errorf("%w: %s of %d characters", ErrLimit, n.Local, len(text))
	}
	value, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(value) == 0 {
		return nil, malformed(n, "not base64")
	}
	return value, nil
}

// index finds every id of a document. Which attributes are ids is declared by a
// DTD or schema that we do not read, and other readers guess; so each spelling that
// any of them takes for one is, and a value may come only once among all.
func index(doc *c14n.Document) (map[string]*c14n.Node, error) {
	ids := map[string]*c14n.Node{}
	var err error
	doc.Root.Walk(func(n *c14n.Node) bool {
		for _, a := range n.Attrs {
			if !isID(a) {
				continue
			}
			if _, twice := ids[a.Value]; twice {
				err = fmt.Errorf("%w: %q", ErrDuplicateID, a.Value)
			}
			ids[a.Value] = n
		}
		return err == nil
	})
	return ids, err
}

func isID(a c14n.Attr) bool {
	switch a.Space {
	case "":
		return strings.EqualFold(a.Local, "id")
	case c14n.SpaceXML:
		return a.Local == "id"
	}
	// Web Services Security's wsu:Id and its kin.
	return a.Local == "Id" && strings.HasSuffix(a.Space, "wssecurity-utility-1.0.xsd")
}
