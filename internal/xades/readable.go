package xades

import (
	"fmt"
	"strings"
	"unicode"

	"tegata/internal/c14n"
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
		lines = append(lines, Line{kind, depth, visible(label), visible(value)})
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

// visible writes what nobody would see by its number: control and format characters
// (direction marks among them), line separators, private use, and letters that are
// blank. Variation selectors stay: they choose how the kanji of a name is drawn.
func visible(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n', r == '\t':
			b.WriteRune(r)
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp), blank(r):
			fmt.Fprintf(&b, "[U+%04X]", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// blank are letters and symbols without a picture: Hangul fillers, the grapheme
// joiner, Khmer inherent vowels, the Braille blank.
func blank(r rune) bool {
	switch r {
	case 0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0:
		return true
	}
	return false
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

// meaningful finds a text or value that can be seen. Ids and the attributes of xml:
// are about the document, instructions and comments no content of it, and what an
// earlier signature consists of says nothing either; what that envelops does.
func meaningful(doc *c14n.Document) bool {
	found := false
	says := func(s string) {
		for _, r := range s {
			found = found || !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Mn, unicode.Z) && !blank(r)
		}
	}
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
