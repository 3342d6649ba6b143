package c14n

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Method is one of the canonical forms.
type Method struct {
	Exclusive bool     // Exclusive XML Canonicalization 1.0; otherwise Canonical XML
	V11       bool     // Canonical XML 1.1 instead of 1.0
	Comments  bool     // keep comments
	Inclusive []string // Exclusive: InclusiveNamespaces PrefixList; "" is its #default
}

// Identifiers of the methods without comments.
const (
	URICanonical   = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
	URICanonical11 = "http://www.w3.org/2006/12/xml-c14n11"
	URIExclusive   = "http://www.w3.org/2001/10/xml-exc-c14n#"
)

// MethodOf returns the method that an algorithm identifier names.
func MethodOf(uri string) (Method, bool) {
	switch uri {
	case URICanonical:
		return Method{}, true
	case URICanonical + "#WithComments":
		return Method{Comments: true}, true
	case URICanonical11:
		return Method{V11: true}, true
	case URICanonical11 + "#WithComments":
		return Method{V11: true, Comments: true}, true
	case URIExclusive:
		return Method{Exclusive: true}, true
	case URIExclusive + "WithComments":
		return Method{Exclusive: true, Comments: true}, true
	}
	return Method{}, false
}

// ErrBase: Canonical XML 1.1 of an element below one with xml:base, whose joining
// of references is not done here.
var ErrBase = errors.New("c14n: xml:base above a canonicalised element")

// Document writes the whole document without the element skip, which may be nil.
// The error is ErrLimit.
func (m Method) Document(d *Document, skip *Node) ([]byte, error) {
	w := writer{method: m, skip: skip, out: make([]byte, 0, d.Root.End)} // about as much as the source
	beforeRoot := true
	for _, n := range d.Nodes {
		switch {
		case n == d.Root:
			w.node(n)
			beforeRoot = false
		case n.Kind == Comment && !m.Comments:
		case beforeRoot: // Canonical XML 1.0, section 2.3: a line each, around the element
			w.node(n)
			w.out = append(w.out, '\n')
		default:
			w.out = append(w.out, '\n')
			w.node(n)
		}
	}
	return w.result()
}

// Element writes e and all below it but the element skip, which may be nil, in the
// context of its document. Errors: ErrBase, ErrLimit.
func (m Method) Element(e, skip *Node) ([]byte, error) {
	w := writer{method: m, skip: skip, apex: e, out: make([]byte, 0, e.End-e.Start)} // about as much as the source
	if m.V11 && !m.Exclusive {
		for a := e.Parent; a != nil; a = a.Parent {
			for _, attr := range a.Attrs {
				if attr.Space == SpaceXML && attr.Local == "base" {
					return nil, fmt.Errorf("%w: %s", ErrBase, a.Name())
				}
			}
		}
	}
	w.node(e)
	return w.result()
}

type writer struct {
	method     Method
	skip, apex *Node
	out        []byte
	rendered   []Decl // namespaces of the output's open elements, innermost last
	over       bool   // too much was to be written
}

func (w *writer) result() ([]byte, error) {
	if w.over {
		return nil, fmt.Errorf("%w: a canonical form of more than %d bytes", ErrLimit, maxCanonical)
	}
	return w.out, nil
}

func (w *writer) text(parts ...string) {
	if w.over = w.over || len(w.out) > maxCanonical; w.over {
		return
	}
	for _, p := range parts {
		w.out = append(w.out, p...)
	}
}

// Canonical XML 1.0, section 2.3.
var (
	escapeText  = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xD;")
	escapeValue = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\t", "&#x9;", "\n", "&#xA;", "\r", "&#xD;")
)

func (w *writer) node(n *Node) {
	switch {
	case n == w.skip, w.over:
	case n.Kind == Element:
		w.element(n)
	case n.Kind == Text:
		w.text(escapeText.Replace(n.Value))
	case n.Kind == Comment && w.method.Comments:
		w.text("<!--", n.Value, "-->")
	case n.Kind == Instruction && n.Value == "":
		w.text("<?", n.Target, "?>")
	case n.Kind == Instruction:
		w.text("<?", n.Target, " ", n.Value, "?>")
	}
}

func (w *writer) element(e *Node) {
	outer := len(w.rendered)
	w.text("<", e.Name())
	for _, d := range w.namespaces(e) { // Parse lets no name pass that needs escaping
		if d.Prefix == "" {
			w.text(` xmlns="`, d.Space, `"`)
		} else {
			w.text(" xmlns:", d.Prefix, `="`, d.Space, `"`)
		}
		w.rendered = append(w.rendered, d)
	}
	for _, a := range w.attributes(e) {
		w.text(" ", a.Name(), `="`, escapeValue.Replace(a.Value), `"`)
	}
	w.text(">")
	for _, c := range e.Children {
		w.node(c)
	}
	w.text("</", e.Name(), ">")
	w.rendered = w.rendered[:outer]
}

// namespaces returns what is declared at e in the output, sorted by prefix.
func (w *writer) namespaces(e *Node) []Decl {
	var list []Decl
	for _, prefix := range w.method.prefixes(e, e == w.apex) {
		d := Decl{prefix, e.Namespace(prefix)}
		// Not when the nearest output ancestor has the same; for xmlns="" that is the
		// case too when no ancestor has a default namespace.
		if d.Space != w.current(prefix) {
			list = append(list, d)
		}
	}
	slices.SortFunc(list, func(a, b Decl) int { return cmp.Compare(a.Prefix, b.Prefix) })
	return list
}

func (w *writer) current(prefix string) string {
	for i := len(w.rendered) - 1; i >= 0; i-- {
		if w.rendered[i].Prefix == prefix {
			return w.rendered[i].Space
		}
	}
	return ""
}

// prefixes returns, each once, those whose namespace the method may have to declare
// at e: in Canonical XML the ones declared there, at the apex those from above
// too; in the exclusive form (section 3) the ones visibly utilized and the listed.
func (m Method) prefixes(e *Node, apex bool) []string {
	var list []string
	add := func(p string) {
		if p != "xml" && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	if !m.Exclusive {
		for a := e; a != nil; a = a.Parent {
			for _, d := range a.Decls {
				add(d.Prefix)
			}
			if !apex {
				break
			}
		}
		return list
	}
	add(e.Prefix)
	for _, a := range e.Attrs {
		if a.Prefix != "" {
			add(a.Prefix)
		}
	}
	for _, p := range m.Inclusive {
		if n, _ := e.binding(p); n != nil {
			add(p)
		}
	}
	return list
}

// attributes returns e's attributes in the order of namespace and local name; at
// the apex of Canonical XML with those of xml: that it inherits.
func (w *writer) attributes(e *Node) []Attr {
	list := slices.Clone(e.Attrs)
	if e == w.apex && !w.method.Exclusive {
		for a := e.Parent; a != nil; a = a.Parent {
			for _, attr := range a.Attrs {
				if w.method.inherits(attr) && !slices.ContainsFunc(list, func(b Attr) bool { return b.Space == attr.Space && b.Local == attr.Local }) {
					list = append(list, attr)
				}
			}
		}
	}
	slices.SortFunc(list, func(a, b Attr) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local))
	})
	return list
}

// inherits: Canonical XML 1.0, section 2.4, takes every attribute of xml: from
// omitted ancestors; 1.1, section 2.4, only the two that are inheritable.
func (m Method) inherits(a Attr) bool {
	return a.Space == SpaceXML && (!m.V11 || a.Local == "lang" || a.Local == "space")
}

// Unseen returns the prefix of a namespace declaration at or below e, but not in
// skip, that the method leaves out of the canonical form. Only the exclusive form
// does: what is meant by a prefix inside a value would then not be signed.
func (m Method) Unseen(e, skip *Node) (prefix string, found bool) {
	if !m.Exclusive {
		return "", false
	}
	type place struct {
		element *Node
		index   int
	}
	seen := map[place]bool{}
	below := func(f func(*Node)) {
		e.Walk(func(n *Node) bool {
			if n == skip || n.Kind != Element {
				return false
			}
			f(n)
			return true
		})
	}
	below(func(n *Node) {
		for _, p := range m.prefixes(n, n == e) {
			if at, i := n.binding(p); at != nil {
				seen[place{at, i}] = true
			}
		}
	})
	below(func(n *Node) {
		for i, d := range n.Decls {
			if d.Prefix != "xml" && !seen[place{n, i}] {
				prefix, found = d.Prefix, true
			}
		}
	})
	return prefix, found
}
