package c14n

// Kind is what a node is.
type Kind int

// The kinds of nodes. CDATA sections and references are part of their Text.
const (
	Element Kind = iota
	Text
	Comment
	Instruction // processing instruction
)

// Namespaces that XML itself binds (Namespaces in XML 1.0, section 3).
const (
	SpaceXML   = "http://www.w3.org/XML/1998/namespace"
	spaceXMLNS = "http://www.w3.org/2000/xmlns/"
)

// A Document is a well-formed document. It does not change after Parse.
type Document struct {
	Root  *Node
	Nodes []*Node // Root, and the comments and instructions around it, in order
	Body  int     // where the document goes on after byte order mark and XML declaration
}

// A Node of a document.
type Node struct {
	Kind     Kind
	Parent   *Node // nil at the top
	Children []*Node

	Prefix, Local, Space string // Element: its name; Space is the namespace
	Attrs                []Attr // Element: in the order of the source
	Decls                []Decl // Element: its namespace declarations
	Target               string // Instruction
	Value                string // Text, Comment, Instruction: after normalisation

	// Start and End are the node's place in the source; of an element also where
	// its content begins and ends. For an empty-element tag all but Start are End.
	Start, ContentStart, ContentEnd, End int

	declaring *Node // Element: the nearest from here up that declares a namespace
}

// Attr is an attribute that is no namespace declaration.
type Attr struct{ Prefix, Local, Space, Value string }

// Decl binds a prefix, "" for the default namespace, to a namespace name.
type Decl struct{ Prefix, Space string }

// Is tells whether n is the element of this name.
func (n *Node) Is(space, local string) bool {
	return n.Kind == Element && n.Space == space && n.Local == local
}

// Attr returns the value of an attribute without namespace.
func (n *Node) Attr(local string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Space == "" && a.Local == local {
			return a.Value, true
		}
	}
	return "", false
}

// Name is the element's name as it stands in the source.
func (n *Node) Name() string { return qualified(n.Prefix, n.Local) }

// Name is the attribute's name as it stands in the source.
func (a Attr) Name() string { return qualified(a.Prefix, a.Local) }

func qualified(prefix, local string) string {
	if prefix == "" {
		return local
	}
	return prefix + ":" + local
}

// binding finds the declaration of prefix that is in force at n: the element that
// carries it and its place there; nil when there is none.
func (n *Node) binding(prefix string) (*Node, int) {
	for n != nil && n.declaring != nil {
		e := n.declaring
		for i, d := range e.Decls {
			if d.Prefix == prefix {
				return e, i
			}
		}
		n = e.Parent
	}
	return nil, 0
}

// Namespace returns what prefix is bound to at n, "" when to nothing.
func (n *Node) Namespace(prefix string) string {
	if e, i := n.binding(prefix); e != nil {
		return e.Decls[i].Space
	}
	return ""
}

// Walk calls f for n and everything below it, in document order, but not below
// where f returns false.
func (n *Node) Walk(f func(*Node) bool) {
	if !f(n) {
		return
	}
	for _, c := range n.Children {
		c.Walk(f)
	}
}
