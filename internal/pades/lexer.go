package pades

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
)

// A lexer reads values from bytes. It stops at the end of data, which may be the
// end of a revision rather than of the file.
type lexer struct {
	data   []byte
	pos    int
	depth  int
	budget *budget
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// whiteSpace is ISO 32000-1, table 1.
const whiteSpace = " \n\r\t\f\x00"

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	switch c {
	case '(', ')', '<', '>', '[', ']', '{', '}', '/', '%':
		return true
	}
	return false
}

// skip passes white space and comments (ISO 32000-1, 7.2.2 and 7.2.3).
func (l *lexer) skip() {
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			for l.pos < len(l.data) && l.data[l.pos] != '\n' && l.data[l.pos] != '\r' {
				l.pos++
			}
		default:
			return
		}
	}
}

// word reads regular characters up to a space or delimiter; empty at one.
func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.data) && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	return string(l.data[start:l.pos])
}

// keyword passes w, which must come next.
func (l *lexer) keyword(w string) error {
	l.skip()
	if at := l.pos; l.word() != w {
		l.pos = at
		return malformed("no %q at byte %d", w, at)
	}
	return nil
}

// integer reads a plain number without a sign.
func (l *lexer) integer() (int, error) {
	l.skip()
	at := l.pos
	n, ok := unsigned(l.word())
	if !ok {
		return 0, malformed("no number at byte %d", at)
	}
	return n, nil
}

// unsigned reads up to ten digits: offsets of cross-reference tables have ten.
func unsigned(w string) (int, bool) {
	if w == "" || len(w) > 10 {
		return 0, false
	}
	for _, c := range []byte(w) {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(w)
	return n, err == nil
}

// value reads one value; "N G R" is a reference. It reads no streams.
func (l *lexer) value() (any, error) {
	if err := take(&l.budget.values, 1); err != nil {
		return nil, err
	}
	if l.depth++; l.depth > maxNesting {
		return nil, fmt.Errorf("%w: nested too deep", ErrTooLarge)
	}
	defer func() { l.depth-- }()
	l.skip()
	if l.pos >= len(l.data) {
		return nil, malformed("ends in the middle of a value")
	}
	switch c := l.data[l.pos]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '[':
		return l.array()
	case c == '<':
		if l.pos+1 < len(l.data) && l.data[l.pos+1] == '<' {
			return l.dict()
		}
		return l.hexadecimal()
	case c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.':
		return l.number()
	}
	at := l.pos
	switch l.word() {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	l.pos = at
	return nil, malformed("no value at byte %d", at)
}

// name reads /Name (ISO 32000-1, 7.3.5).
func (l *lexer) name() (name, error) {
	l.pos++
	w := l.word()
	if len(w) > 1024 {
		return "", malformed("a name of %d bytes", len(w))
	}
	b := make([]byte, 0, len(w))
	for i := 0; i < len(w); i++ {
		if w[i] == '#' {
			c, err := strconv.ParseUint(w[min(i+1, len(w)):min(i+3, len(w))], 16, 8)
			if err != nil || i+2 >= len(w) {
				return "", malformed("a name with a wrong #")
			}
			b = append(b, byte(c))
			i += 2
			continue
		}
		b = append(b, w[i])
	}
	return name(b), nil
}

// number reads an integer, a reference or a real.
func (l *lexer) number() (any, error) {
	at := l.pos
	w := l.word()
	if n, ok := unsigned(w); ok {
		return l.reference(n), nil
	}
	if n, err := strconv.Atoi(w); err == nil && len(w) <= 12 {
		return n, nil
	}
	dot := false
	for i, c := range []byte(w) {
		switch {
		case c >= '0' && c <= '9', (c == '-' || c == '+') && i == 0:
		case c == '.' && !dot:
			dot = true
		default:
			return nil, malformed("a wrong number at byte %d", at)
		}
	}
	if !dot || len(w) > 64 {
		return nil, malformed("a number out of range at byte %d", at)
	}
	return real(w), nil
}

// reference looks whether n begins "n g R"; if not, only n was read.
func (l *lexer) reference(n int) any {
	back := l.pos
	l.skip()
	if gen, ok := unsigned(l.word()); ok && gen <= 65535 && n > 0 && n <= maxNumber {
		l.skip()
		if l.word() == "R" {
			return ref{n, gen}
		}
	}
	l.pos = back
	return n
}

func (l *lexer) array() (array, error) {
	a := array{}
	for l.pos++; ; {
		if l.skip(); l.pos < len(l.data) && l.data[l.pos] == ']' {
			l.pos++
			return a, nil
		}
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
}

func (l *lexer) dict() (dict, error) {
	d := dict{}
	for l.pos += 2; ; {
		l.skip()
		if l.pos+1 < len(l.data) && l.data[l.pos] == '>' && l.data[l.pos+1] == '>' {
			l.pos += 2
			return d, nil
		}
		if l.pos >= len(l.data) || l.data[l.pos] != '/' {
			return nil, malformed("a dictionary without a key at byte %d", l.pos)
		}
		k, err := l.name()
		if err != nil {
			return nil, err
		}
		v, err := l.value()
		if err != nil {
			return nil, err
		}
		// ISO 32000-1, 7.3.7: no two entries with the same key; programs differ on
		// which of them counts.
		if _, twice := d[k]; twice {
			return nil, malformed("a dictionary has %q twice", k)
		}
		d[k] = v
	}
}

// hexadecimal reads <…> (ISO 32000-1, 7.3.4.3).
func (l *lexer) hexadecimal() (text, error) {
	t := text{start: l.pos, hex: true}
	length := bytes.IndexByte(l.data[l.pos:], '>')
	if length < 0 {
		l.pos = len(l.data) // it was looked at
		return text{}, malformed("a string without an end")
	}
	digits := l.data[t.start+1 : t.start+length]
	l.pos += length + 1
	t.end = l.pos
	var err error
	if t.value, err = hex.AppendDecode(nil, digits); err == nil {
		return t, nil
	}
	// White space may stand between the digits, and a last 0 be left out.
	digits = slices.DeleteFunc(bytes.Clone(digits), isSpace)
	if len(digits)%2 == 1 {
		digits = append(digits, '0')
	}
	if t.value, err = hex.AppendDecode(nil, digits); err != nil {
		return text{}, malformed("a wrong hexadecimal string at byte %d", t.start)
	}
	return t, nil
}

// literal reads (…) with its escapes (ISO 32000-1, 7.3.4.2).
func (l *lexer) literal() (text, error) {
	t := text{start: l.pos, value: []byte{}}
	open := 0
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '(':
			if open++; open == 1 {
				continue
			}
		case ')':
			if open--; open == 0 {
				t.end = l.pos
				return t, nil
			}
		case '\\':
			t.value = l.escape(t.value)
			continue
		}
		t.value = append(t.value, c)
	}
	return text{}, malformed("a string without an end")
}

// escape reads what follows a backslash.
func (l *lexer) escape(b []byte) []byte {
	if l.pos >= len(l.data) {
		return b
	}
	c := l.data[l.pos]
	l.pos++
	switch c {
	case 'n':
		return append(b, '\n')
	case 'r':
		return append(b, '\r')
	case 't':
		return append(b, '\t')
	case 'b':
		return append(b, '\b')
	case 'f':
		return append(b, '\f')
	case '\n':
		return b
	case '\r':
		if l.pos < len(l.data) && l.data[l.pos] == '\n' {
			l.pos++
		}
		return b
	}
	if c < '0' || c > '7' {
		return append(b, c)
	}
	n := int(c - '0')
	for i := 0; i < 2 && l.pos < len(l.data) && l.data[l.pos] >= '0' && l.data[l.pos] <= '7'; i++ {
		n = n*8 + int(l.data[l.pos]-'0')
		l.pos++
	}
	return append(b, byte(n))
}
