package c14n

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
)

// What a document can be refused for.
var (
	// ErrMalformed: not a well-formed, namespace-well-formed document in UTF-8.
	ErrMalformed = errors.New("c14n: malformed XML")
	// ErrDTD: a document type declaration, internal or external.
	ErrDTD = errors.New("c14n: document type declaration")
	// ErrEntity: a reference to an entity that is not one of XML's own five.
	ErrEntity = errors.New("c14n: entity reference")
	// ErrLimit: larger, deeper or more than this package reads.
	ErrLimit = errors.New("c14n: beyond a limit")
)

// Limits of a document.
const (
	MaxSize  = 4 << 20 // bytes
	MaxDepth = 100     // elements inside one another

	maxNodes      = 100_000
	maxAttributes = 128      // of one element, namespace declarations included
	maxNamespaces = 128      // in force at one place
	maxName       = 512      // bytes; of a namespace too
	maxCanonical  = 16 << 20 // bytes: the exclusive form repeats namespaces
)

// Parse reads a document. The result refers to nothing in source.
//
// Errors: ErrMalformed, ErrDTD, ErrEntity, ErrLimit.
func Parse(source []byte) (*Document, error) {
	if len(source) > MaxSize {
		return nil, fmt.Errorf("%w: %d bytes", ErrLimit, len(source))
	}
	p := &parser{scanner: scanner{src: string(source)}, doc: &Document{}}
	if err := p.document(); err != nil {
		return nil, err
	}
	return p.doc, nil
}

type parser struct {
	scanner
	doc   *Document
	open  *Node // the element we are in, nil outside the root
	depth int
	nodes int
	scope []Decl // in force here, innermost last
}

func (p *parser) document() error {
	if err := p.characters(); err != nil {
		return err
	}
	p.skip("\ufeff") // a byte order mark is no part of the document
	if err := p.declaration(); err != nil {
		return err
	}
	p.doc.Body = p.pos
	for p.pos < len(p.src) {
		if err := p.next(); err != nil {
			return err
		}
	}
	switch {
	case p.open != nil:
		return p.malformed("an element does not end")
	case p.doc.Root == nil:
		return p.malformed("no element")
	}
	return nil
}

// next reads one node, tag or run of text.
func (p *parser) next() error {
	switch {
	case p.at("<!--"):
		return p.comment()
	case p.at("<![CDATA["):
		return p.text()
	case p.at("<!DOCTYPE"):
		return fmt.Errorf("%w at byte %d", ErrDTD, p.pos)
	case p.at("<!"):
		return p.malformed("a declaration")
	case p.at("<?"):
		return p.instruction()
	case p.at("</"):
		return p.endTag()
	case p.at("<"):
		return p.startTag()
	case p.open == nil:
		if p.space() == 0 {
			return p.malformed("text outside the document element")
		}
		return nil
	}
	return p.text()
}

// add puts n where we are.
func (p *parser) add(n *Node) error {
	if p.nodes++; p.nodes > maxNodes {
		return fmt.Errorf("%w: more than %d nodes", ErrLimit, maxNodes)
	}
	if n.Parent = p.open; p.open != nil {
		p.open.Children = append(p.open.Children, n)
		return nil
	}
	p.doc.Nodes = append(p.doc.Nodes, n)
	return nil
}

// comment: XML 1.0, production 15; "--" must not occur within.
func (p *parser) comment() error {
	start := p.pos
	p.pos += len("<!--")
	length := strings.Index(p.src[p.pos:], "--")
	if length < 0 || !strings.HasPrefix(p.src[p.pos+length:], "-->") {
		return p.malformed("a comment")
	}
	value := lineEnds(p.src[p.pos : p.pos+length])
	p.pos += length + len("-->")
	return p.add(&Node{Kind: Comment, Value: value, Start: start, End: p.pos})
}

// instruction: XML 1.0, productions 16 and 17.
func (p *parser) instruction() error {
	start := p.pos
	p.pos += len("<?")
	target, err := p.name()
	if err != nil {
		return err
	}
	if strings.EqualFold(target, "xml") || strings.Contains(target, ":") {
		return p.malformed("the target of a processing instruction")
	}
	spaces := p.space()
	length := strings.Index(p.src[p.pos:], "?>")
	if length < 0 || spaces == 0 && length > 0 {
		return p.malformed("a processing instruction")
	}
	value := lineEnds(p.src[p.pos : p.pos+length])
	p.pos += length + len("?>")
	return p.add(&Node{Kind: Instruction, Target: target, Value: value, Start: start, End: p.pos})
}

// text reads characters, references and CDATA sections up to the next markup; they
// are one node (Canonical XML 1.0, section 2.1).
func (p *parser) text() error {
	if p.open == nil {
		return p.malformed("text outside the document element")
	}
	start := p.pos
	pieces := make([]string, 0, 4)
	for p.pos < len(p.src) {
		if p.skip("<![CDATA[") {
			length := strings.Index(p.src[p.pos:], "]]>")
			if length < 0 {
				return p.malformed("a CDATA section does not end")
			}
			pieces = append(pieces, lineEnds(p.src[p.pos:p.pos+length]))
			p.pos += length + len("]]>")
			continue
		}
		if p.at("<") {
			break
		}
		run, err := p.run()
		if err != nil {
			return err
		}
		pieces = append(pieces, run)
	}
	value := strings.Join(pieces, "") // one piece, as nearly always, is not copied
	if value == "" {                  // an empty CDATA section is nothing
		return nil
	}
	return p.add(&Node{Kind: Text, Value: value, Start: start, End: p.pos})
}

// run reads characters and references up to the next "<".
func (p *parser) run() (string, error) {
	end := len(p.src)
	if length := strings.IndexByte(p.src[p.pos:], '<'); length >= 0 {
		end = p.pos + length
	}
	if strings.Contains(p.src[p.pos:end], "]]>") { // XML 1.0, section 2.4
		return "", p.malformed("]]> in text")
	}
	var value strings.Builder
	for {
		plain, _, more := strings.Cut(p.src[p.pos:end], "&")
		p.pos += len(plain)
		if plain = lineEnds(plain); !more && value.Len() == 0 {
			return plain, nil
		}
		value.WriteString(plain)
		if !more {
			return value.String(), nil
		}
		r, err := p.reference()
		if err != nil {
			return "", err
		}
		value.WriteRune(r)
	}
}

// lineEnds normalises line ends (XML 1.0, section 2.11).
func lineEnds(s string) string {
	if !strings.Contains(s, "\r") {
		return s
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

func (p *parser) endTag() error {
	if p.open == nil {
		return p.malformed("an end tag without a start")
	}
	e := p.open
	e.ContentEnd = p.pos
	p.pos += len("</")
	name, err := p.name()
	if err != nil {
		return err
	}
	p.space()
	if name != e.Name() || !p.skip(">") {
		return p.malformed("an end tag")
	}
	p.close(e)
	return nil
}

func (p *parser) close(e *Node) {
	e.End = p.pos
	p.scope = p.scope[:len(p.scope)-len(e.Decls)]
	p.open = e.Parent
	p.depth--
}

// Trimmed is source, which d was read from, as it becomes part of another document:
// without byte order mark and XML declaration. Instructions and comments around
// the element stay.
func (d *Document) Trimmed(source []byte) []byte {
	return bytes.TrimSpace(source[d.Body:])
}
