package xades

import (
	"strings"

	"tegata/internal/c14n"
	"tegata/internal/visible"
)

// LineKind is what a line of a readable document comes from.
type LineKind string

// The kinds of lines. Comments are not part of what is signed, all others are.
const (
	LineElement     LineKind = "element"
	LineAttribute   LineKind = "attribute"
	LineNamespace   LineKind = "namespace"
	LineText        LineKind = "text" // beside elements, or where a comment was cut in
	LineComment     LineKind = "comment"
	LineInstruction LineKind = "instruction"
)

// Line is one thing that a document says.
type Line struct {
	Kind  LineKind
	Depth int    // 0 is the document element
	Label string // name of the element, attribute, prefix or instruction
	Value string // "" for an element that has others inside
}

// Readable is an XML document as people read it: a line for each element, attribute,
// namespace declaration, text, comment and processing instruction, in order. Nothing
// is left out but white space between elements, and nothing is hidden: characters
// that cannot be seen, or change the direction of others, are written [U+202E].
//
// Errors: ErrMalformed, ErrDTD, ErrEntity, ErrLimit.
func Readable(document []byte) ([]Line, error) {
	doc, err := c14n.Parse(document)
	if err != nil {
		return nil, err
	}
	var lines []Line
	for _, n := range doc.Nodes {
		lines = appendLines(lines, n, 0)
	}
	return lines, nil
}

func appendLines(lines []Line, n *c14n.Node, depth int) []Line {
	line := func(kind LineKind, depth int, label, value string) {
		lines = append(lines, Line{kind, depth, visible.Text(label), visible.Text(value)})
	}
	switch n.Kind {
	case c14n.Comment:
		line(LineComment, depth, "", n.Value)
		return lines
	case c14n.Instruction:
		line(LineInstruction, depth, n.Target, n.Value)
		return lines
	case c14n.Text:
		if strings.TrimSpace(n.Value) != "" {
			line(LineText, depth, "", n.Value)
		}
		return lines
	}
	only := len(n.Children) == 1 && n.Children[0].Kind == c14n.Text
	if only {
		line(LineElement, depth, n.Name(), n.Children[0].Value)
	} else {
		line(LineElement, depth, n.Name(), "")
	}
	for _, d := range n.Decls {
		line(LineNamespace, depth+1, d.Prefix, d.Space)
	}
	for _, a := range n.Attrs {
		line(LineAttribute, depth+1, a.Name(), a.Value)
	}
	if !only {
		for _, c := range n.Children {
			lines = appendLines(lines, c, depth+1)
		}
	}
	return lines
}

// CheckMeaning returns ErrMeaningless for a document that says nothing to anybody:
// no text, no value of an attribute. Nobody is asked to sign one.
//
// Errors: ErrMeaningless, ErrMalformed, ErrDTD, ErrEntity, ErrLimit.
func CheckMeaning(document []byte) error {
	doc, err := c14n.Parse(document)
	if err != nil {
		return err
	}
	if !meaningful(doc) {
		return ErrMeaningless
	}
	return nil
}

// CheckSignable returns nil for a document that Sign would envelop: besides what
// CheckMeaning finds, ErrSigned for one that has a signature, ErrComment and
// ErrDuplicateID for one that could be read in two ways.
func CheckSignable(document []byte) error {
	d := &Draft{options: Options{Form: Enveloped}, document: document}
	return d.accept()
}

// meaningful finds a text or value that can be seen. Ids and the attributes of xml:
// are about the document, instructions and comments no content of it, and what an
// earlier signature consists of says nothing either; what that envelops does.
func meaningful(doc *c14n.Document) bool {
	found := false
	says := func(s string) { found = found || visible.Any(s) }
	doc.Root.Walk(func(n *c14n.Node) bool {
		if n.Kind == c14n.Text {
			says(n.Value)
		}
		switch {
		case n.Is(spaceDS, "SignedInfo"), n.Is(spaceDS, "SignatureValue"), n.Is(spaceDS, "KeyInfo"), n.Is(spaceXAdES, "QualifyingProperties"):
			return false
		case n.Space == spaceDS:
			return true
		}
		for _, a := range n.Attrs {
			if !isID(a) && a.Space != c14n.SpaceXML {
				says(a.Value)
			}
		}
		return !found
	})
	return found
}
