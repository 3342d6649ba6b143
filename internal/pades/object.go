package pades

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// The values of a PDF file (ISO 32000-1, 7.3). Null is nil; a boolean is bool; an
// integer is int.
type (
	name  string
	real  string // as it is written: what we copy must not change
	array []any
	dict  map[name]any
	ref   struct{ num, gen int }
	text  struct {
		value      []byte
		start, end int  // in the bytes it was read from, delimiters included
		hex        bool // written <…>
	}
	stream struct {
		dict dict
		raw  []byte // as stored, still filtered
	}
)

// equal compares two values; where a string was written is no part of it.
// References are compared as references: what they lead to is judged by itself.
func equal(a, b any) bool {
	switch a := a.(type) {
	case array:
		b, ok := b.(array)
		return ok && slices.EqualFunc(a, b, equal)
	case dict:
		b, ok := b.(dict)
		return ok && maps.EqualFunc(a, b, equal)
	case text:
		b, ok := b.(text)
		return ok && bytes.Equal(a.value, b.value)
	case *stream:
		b, ok := b.(*stream)
		return ok && equal(a.dict, b.dict) && bytes.Equal(a.raw, b.raw)
	}
	switch b.(type) {
	case array, dict, text, *stream:
		return false // the others can be compared with ==
	}
	return a == b
}

// eachRef calls f for every reference in v. Values are at most maxNesting deep.
func eachRef(v any, f func(ref)) {
	switch v := v.(type) {
	case ref:
		f(v)
	case array:
		for _, e := range v {
			eachRef(e, f)
		}
	case dict:
		for _, e := range v {
			eachRef(e, f)
		}
	case *stream:
		eachRef(v.dict, f)
	}
}

// appendValue writes v. Dictionaries are written in the order of their keys,
// strings in hexadecimal: nothing in them can then end them.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...)
	case bool:
		return strconv.AppendBool(b, v)
	case int:
		return strconv.AppendInt(b, int64(v), 10)
	case real:
		return append(b, v...)
	case name:
		return appendName(b, v)
	case text:
		b = append(b, '<')
		b = hex.AppendEncode(b, v.value)
		return append(b, '>')
	case ref:
		return fmt.Appendf(b, "%d %d R", v.num, v.gen)
	case array:
		b = append(b, '[')
		for i, e := range v {
			if i > 0 {
				b = append(b, ' ')
			}
			b = appendValue(b, e)
		}
		return append(b, ']')
	case dict:
		b = append(b, "<<"...)
		for _, k := range slices.Sorted(maps.Keys(v)) {
			b = appendName(b, k)
			b = append(b, ' ')
			b = appendValue(b, v[k])
			b = append(b, '\n')
		}
		return append(b, ">>"...)
	case *stream:
		d := maps.Clone(v.dict)
		d["Length"] = len(v.raw)
		b = appendValue(b, d)
		b = append(b, "\nstream\n"...)
		b = append(b, v.raw...)
		return append(b, "\nendstream"...)
	case verbatim:
		return append(b, v...)
	}
	panic(fmt.Sprintf("pades: no form for a %T", v)) // only values of this file reach here
}

// verbatim is written as it is: the places that are filled in later.
type verbatim string

// appendName writes a name (ISO 32000-1, 7.3.5): all but regular printable
// characters as #xx.
func appendName(b []byte, n name) []byte {
	b = append(b, '/')
	for _, c := range []byte(n) {
		if c < '!' || c > '~' || c == '#' || isDelimiter(c) {
			b = fmt.Appendf(b, "#%02X", c)
		} else {
			b = append(b, c)
		}
	}
	return b
}
