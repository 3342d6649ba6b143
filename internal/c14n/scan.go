package c14n

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// scanner reads the smallest parts of XML.
type scanner struct {
	src string
	pos int
}

func (s *scanner) malformed(what string) error {
	return fmt.Errorf("%w: %s at byte %d", ErrMalformed, what, s.pos)
}

func (s *scanner) at(token string) bool { return strings.HasPrefix(s.src[s.pos:], token) }

func (s *scanner) skip(token string) bool {
	if !s.at(token) {
		return false
	}
	s.pos += len(token)
	return true
}

// space skips white space (XML 1.0, production 3) and returns how much.
func (s *scanner) space() int {
	start := s.pos
	for s.pos < len(s.src) && strings.IndexByte(" \t\r\n", s.src[s.pos]) >= 0 {
		s.pos++
	}
	return s.pos - start
}

// characters refuses what is not UTF-8 or not a character of XML, everywhere.
func (s *scanner) characters() error {
	for i := 0; i < len(s.src); {
		if i+8 <= len(s.src) && plain(s.src[i:i+8]) {
			i += 8
			continue
		}
		r, size := utf8.DecodeRuneInString(s.src[i:])
		if r == utf8.RuneError && size == 1 || !isChar(r) {
			s.pos = i
			return s.malformed("a character that XML does not have, or another encoding than UTF-8,")
		}
		i += size
	}
	return nil
}

// plain tells whether eight bytes are ASCII without control characters, as nearly all
// of most documents is. The subtraction borrows into the highest bit of a byte below
// the space.
func plain(eight string) bool {
	w := binary.LittleEndian.Uint64([]byte(eight))
	return (w|(w-0x2020202020202020))&0x8080808080808080 == 0
}

// isChar is XML 1.0, production 2.
func isChar(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// nameStart is XML 1.0, production 4, as pairs of first and last.
var nameStart = [...][2]rune{
	{':', ':'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}, {0xC0, 0xD6}, {0xD8, 0xF6}, {0xF8, 0x2FF}, {0x370, 0x37D}, {0x37F, 0x1FFF},
	{0x200C, 0x200D}, {0x2070, 0x218F}, {0x2C00, 0x2FEF}, {0x3001, 0xD7FF}, {0xF900, 0xFDCF}, {0xFDF0, 0xFFFD}, {0x10000, 0xEFFFF},
}

// nameMore is what production 4a adds.
var nameMore = [...][2]rune{{'-', '.'}, {'0', '9'}, {0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}

func within(r rune, ranges [][2]rune) bool {
	for _, pair := range ranges {
		if r >= pair[0] && r <= pair[1] {
			return true
		}
	}
	return false
}

// name reads a Name (XML 1.0, production 5).
func (s *scanner) name() (string, error) {
	start := s.pos
	for s.pos < len(s.src) {
		r, size := utf8.DecodeRuneInString(s.src[s.pos:])
		if !within(r, nameStart[:]) && (s.pos == start || !within(r, nameMore[:])) {
			break
		}
		s.pos += size
	}
	switch {
	case s.pos == start:
		return "", s.malformed("no name")
	case s.pos-start > maxName:
		return "", fmt.Errorf("%w: a name of %d bytes", ErrLimit, s.pos-start)
	}
	return s.src[start:s.pos], nil
}

// split takes a QName apart (Namespaces in XML 1.0, production 7).
func (s *scanner) split(name string) (prefix, local string, err error) {
	prefix, local, colon := strings.Cut(name, ":")
	if !colon {
		return "", prefix, nil
	}
	first, _ := utf8.DecodeRuneInString(local)
	if prefix == "" || local == "" || strings.Contains(local, ":") || !within(first, nameStart[:]) {
		return "", "", s.malformed("a qualified name")
	}
	return prefix, local, nil
}

// predefined are the only entities (XML 1.0, section 4.6).
var predefined = []struct {
	reference string
	is        rune
}{{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&apos;", '\''}, {"&quot;", '"'}}

// reference reads a character reference or one of the five entities.
func (s *scanner) reference() (rune, error) {
	for _, p := range predefined {
		if s.skip(p.reference) {
			return p.is, nil
		}
	}
	if !s.at("&#") {
		return 0, fmt.Errorf("%w at byte %d", ErrEntity, s.pos)
	}
	digits, _, ended := strings.Cut(s.src[s.pos+len("&#"):min(len(s.src), s.pos+16)], ";")
	base, number := 10, digits
	if rest, hex := strings.CutPrefix(digits, "x"); hex {
		base, number = 16, rest
	}
	v, err := strconv.ParseUint(number, base, 32)
	if !ended || err != nil || v > utf8.MaxRune || !isChar(rune(v)) {
		return 0, s.malformed("a character reference")
	}
	s.pos += len("&#") + len(digits) + len(";")
	return rune(v), nil
}

// quoted reads an attribute's value and normalises it as CDATA, which without a
// DTD every attribute is (XML 1.0, section 3.3.3).
func (s *scanner) quoted() (string, error) {
	if !s.at(`"`) && !s.at("'") {
		return "", s.malformed("an attribute without quotes")
	}
	quote := s.src[s.pos]
	s.pos++
	var value strings.Builder
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; c {
		case quote:
			s.pos++
			return value.String(), nil
		case '<':
			return "", s.malformed("< in an attribute")
		case '&':
			r, err := s.reference()
			if err != nil {
				return "", err
			}
			value.WriteRune(r)
		case '\t', '\n', '\r':
			value.WriteByte(' ')
			if !s.skip("\r\n") { // one line end (section 2.11)
				s.pos++
			}
		default:
			value.WriteByte(c)
			s.pos++
		}
	}
	return "", s.malformed("an attribute does not end")
}

// declaration reads the XML declaration (XML 1.0, production 23), if there is one.
func (s *scanner) declaration() error {
	if !s.at("<?xml ") && !s.at("<?xml\t") && !s.at("<?xml\r") && !s.at("<?xml\n") {
		return nil
	}
	s.pos += len("<?xml")
	for i, part := range []struct {
		name  string
		valid func(string) bool
	}{
		{"version", func(v string) bool { return v == "1.0" }},
		{"encoding", func(v string) bool { return strings.EqualFold(v, "UTF-8") }},
		{"standalone", func(v string) bool { return v == "yes" || v == "no" }},
	} {
		before := s.pos
		spaces := s.space()
		if !s.at(part.name) {
			if i == 0 {
				return s.malformed("an XML declaration without version")
			}
			s.pos = before
			continue
		}
		s.pos += len(part.name)
		s.space()
		if spaces == 0 || !s.skip("=") {
			return s.malformed("the XML declaration")
		}
		s.space()
		value, err := s.quoted()
		if err != nil {
			return err
		}
		if !part.valid(value) {
			return s.malformed("the XML declaration's " + part.name)
		}
	}
	if s.space(); !s.skip("?>") {
		return s.malformed("the XML declaration")
	}
	return nil
}
