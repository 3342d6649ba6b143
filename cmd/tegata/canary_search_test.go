package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
)

// A needle is a secret in all the forms in which it could lie somewhere. A form
// that would turn up by chance is not among them:
//
//   - A password of 16 random characters has none: its text, hexadecimal, base64
//     at each of the three alignments, and UTF-16 are all longer than chance.
//   - Four digits turn up everywhere: in sizes, ports, serial numbers. They count
//     only where they stand alone, that is between bytes that are no letters and
//     no digits, and not as a fraction, a Content-Length or the size of a chunk;
//     or in a form that says what they are: the field of a form or of JSON, the
//     command VERIFY, and base64, hexadecimal or UTF-16 of those. In a megabyte of
//     random bytes the first kind occurs once in 8000 times, the others never.
type needle struct {
	name  string
	forms []form
}

// form is one way of writing a secret.
type form struct {
	name  string
	bytes []byte
	alone bool // counts only where it stands alone
}

// passwordNeedle looks for a password.
func passwordNeedle(name, password string) needle {
	return needle{name, encodings("text", []byte(password))}
}

// pinNeedle looks for a PIN that goes by the given field names.
func pinNeedle(name, pin string, fields ...string) needle {
	n := needle{name, []form{{name: "text", bytes: []byte(pin), alone: true}}}
	for _, f := range fields {
		n.forms = append(n.forms, encodings("form field "+f, []byte(f+"="+pin))...)
		n.forms = append(n.forms, encodings("JSON member "+f, []byte(`"`+f+`":"`+pin+`"`))...)
	}
	for _, p2 := range []byte{0x80, 0x98} {
		n.forms = append(n.forms, encodings("VERIFY", append([]byte{0x00, 0x20, 0x00, p2, 0x04}, pin...))...)
	}
	n.forms = append(n.forms, form{name: "UTF-16", bytes: wide([]byte(pin), false)}, form{name: "UTF-16BE", bytes: wide([]byte(pin), true)},
		form{name: "hexadecimal", bytes: []byte(hex.EncodeToString([]byte(pin)))})
	return n
}

// digitsNeedle looks for digits that are told in groups: so few of them count only where
// they stand alone, or as the given field of a form.
func digitsNeedle(name, groups, field string) needle {
	digits := strings.ReplaceAll(groups, " ", "")
	n := needle{name, []form{{name: "digits", bytes: []byte(digits), alone: true}, {name: "in groups", bytes: []byte(groups), alone: true},
		{name: "groups in a form", bytes: []byte(url.QueryEscape(groups)), alone: true}}}
	for _, text := range []string{digits, url.QueryEscape(groups)} {
		n.forms = append(n.forms, form{name: "form field " + field, bytes: []byte(field + "=" + text)})
	}
	for _, f := range encodings("JSON string", []byte(`"`+digits+`"`))[1:] {
		n.forms = append(n.forms, f)
	}
	return n
}

// keyNeedle looks for bytes, and for their base64url encoded once more.
func keyNeedle(name string, key []byte) needle {
	return needle{name, append(encodings("bytes", key), encodings("base64url", []byte(base64.RawURLEncoding.EncodeToString(key)))...)}
}

// factNeedle looks for words about a person, in the forms of an address and of a form, and
// as logs and JSON quote what does not print.
func factNeedle(name string, spellings ...string) needle {
	n := needle{name: name}
	for _, text := range spellings {
		seen := map[string]bool{}
		for _, f := range append(encodings("text", []byte(text)),
			form{name: "in a form", bytes: []byte(url.QueryEscape(text))}, form{name: "in a path", bytes: []byte(url.PathEscape(text))},
			form{name: "quoted", bytes: unquoted(strconv.Quote(text))}, form{name: "quoted in ASCII", bytes: unquoted(strconv.QuoteToASCII(text))}) {
			if !seen[string(f.bytes)] {
				n.forms = append(n.forms, f)
			}
			seen[string(f.bytes)] = true
		}
	}
	return n
}

func unquoted(s string) []byte { return []byte(s[1 : len(s)-1]) }

// A planted fact, number or key is found however it is written.
func TestNeedlesAreFoundHoweverTheyAreWritten(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("call", "name", "手形　花子")
	for _, c := range []struct {
		n    needle
		in   string
		hits bool
	}{
		{factNeedle("name", "手形　花子"), log.String(), true},
		{factNeedle("name", "手形　花子"), marshal(map[string]string{"name": "手形　花子"}), true},
		{factNeedle("name", "手形　花子"), "GET /call?" + url.Values{"name": {"手形　花子"}}.Encode() + " HTTP/1.1", true},
		{factNeedle("name", "手形　花子"), base64.StdEncoding.EncodeToString([]byte(`{"n":"手形　花子"}`)), true},
		{factNeedle("name", "手形　花子"), "手形　太郎", false},
		{digitsNeedle("number", "482 913", "number"), "number=482913", true},
		{digitsNeedle("number", "482 913", "number"), "number=482+913POST /", true},
		{digitsNeedle("number", "482 913", "number"), `<p class="bignumber">482 913</p>`, true},
		{digitsNeedle("number", "482 913", "number"), base64.RawURLEncoding.EncodeToString([]byte(`{"number":"482913"}`)), true},
		{digitsNeedle("number", "482 913", "number"), "1482913", false},
		{keyNeedle("key", []byte("sixteen bytes ..")), "auth=" + base64.RawURLEncoding.EncodeToString([]byte("sixteen bytes ..")), true},
		{keyNeedle("key", []byte("sixteen bytes ..")), hex.EncodeToString([]byte("sixteen bytes ..")), true},
	} {
		if got := len(find([]byte(c.in), c.n)) > 0; got != c.hits {
			t.Errorf("%s in %q: found %v", c.n.name, c.in, got)
		}
	}
}

// encodings are b itself, hexadecimal, base64 and UTF-16.
func encodings(name string, b []byte) []form {
	all := []form{
		{name: name, bytes: b},
		{name: name + " in hexadecimal", bytes: []byte(hex.EncodeToString(b))},
		{name: name + " in hexadecimal capitals", bytes: bytes.ToUpper([]byte(hex.EncodeToString(b)))},
		{name: name + " in UTF-16", bytes: wide(b, false)},
		{name: name + " in UTF-16BE", bytes: wide(b, true)},
	}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			all = append(all, form{name: fmt.Sprintf("%s in base64 after %d bytes", name, shift), bytes: within(encoding, b, shift)})
		}
	}
	return all
}

// within is the part of a base64 text that b alone decides when shift bytes, and
// others behind it, are encoded with it.
func within(encoding *base64.Encoding, b []byte, shift int) []byte {
	text := encoding.EncodeToString(append(make([]byte, shift), b...))
	first := (shift*8 + 5) / 6
	last := (shift + len(b)) * 8 / 6
	return []byte(text[first:last])
}

// wide is ASCII in UTF-16.
func wide(b []byte, big bool) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(string(b))) {
		if big {
			out = append(out, byte(u>>8), byte(u))
		} else {
			out = append(out, byte(u), byte(u>>8))
		}
	}
	return out
}

// hit is a place where a needle lies.
type hit struct {
	needle, form string
	at           int
	around       string // printable, with what is around it
	before       []byte // up to 16 bytes
}

func (h hit) String() string {
	return fmt.Sprintf("%s as %s at %d: %s", h.needle, h.form, h.at, h.around)
}

// find lists where the needles lie in b.
func find(b []byte, needles ...needle) (hits []hit) {
	for _, n := range needles {
		for _, f := range n.forms {
			for from := 0; ; {
				i := bytes.Index(b[from:], f.bytes)
				if i < 0 {
					break
				}
				at := from + i
				from = at + 1
				if f.alone && !alone(b, at, at+len(f.bytes)) {
					continue
				}
				hits = append(hits, hit{n.name, f.name, at, around(b, at, at+len(f.bytes)), bytes.Clone(b[max(0, at-16):at])})
			}
		}
	}
	return hits
}

// alone says whether b[from:to] stands alone.
func alone(b []byte, from, to int) bool {
	for _, i := range []int{from - 1, to} {
		if i >= 0 && i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z') {
			return false
		}
	}
	before := b[max(0, from-16):from]
	chunk := bytes.HasSuffix(before, []byte("\r\n")) && bytes.HasPrefix(b[to:], []byte("\r\n"))
	return !chunk && !bytes.HasSuffix(before, []byte(".")) && !bytes.HasSuffix(before, []byte("Content-Length: "))
}

// around shows a place with what does not print as dots.
func around(b []byte, from, to int) string {
	b = bytes.Clone(b[max(0, from-48):min(len(b), to+32)])
	for i, c := range b {
		if c < 0x20 || c > 0x7e {
			b[i] = '.'
		}
	}
	return string(b)
}
