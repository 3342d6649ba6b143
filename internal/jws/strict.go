package jws

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep objects and arrays may nest.
const maxDepth = 8

// Encode writes v as JSON without escaping HTML characters and without a line
// break at the end.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Decode reads one JSON value into v, a pointer. Refused are: names that v does
// not have (compared exactly, unlike encoding/json), a name twice in one object,
// null, anything after the value, and text that is not UTF-8. Two readers of
// such bytes could understand different things; one of them would be signed for.
// Errors name no value: it may be personal.
func Decode(data []byte, v any) error {
	if !utf8.Valid(data) {
		return errors.New("not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := walk(d, reflect.TypeOf(v).Elem(), 0); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("something after the value")
	}
	if err := json.Unmarshal(data, v); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			return fmt.Errorf("%q is of the wrong type", wrong.Field)
		}
		return errors.New("not the JSON expected")
	}
	return nil
}

// walk reads one value and compares its names with those of t. A nil t, or one
// that decodes itself, allows any names, each once.
func walk(d *json.Decoder, t reflect.Type, depth int) error {
	if depth > maxDepth {
		return errors.New("nested too deeply")
	}
	tok, err := d.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	if tok == nil {
		return errors.New("null")
	}
	delim, ok := tok.(json.Delim)
	if !ok {
		return nil
	}
	t = plain(t)
	if delim == '[' {
		var elem reflect.Type
		if t != nil && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) {
			elem = t.Elem()
		}
		for d.More() {
			if err := walk(d, elem, depth+1); err != nil {
				return err
			}
		}
		_, err = d.Token()
		return err
	}
	seen := map[string]bool{}
	for d.More() {
		tok, err := d.Token()
		if err != nil {
			return errors.New("not JSON")
		}
		name, _ := tok.(string)
		if seen[name] {
			return errors.New("a name twice in one object")
		}
		seen[name] = true
		member, known := field(t, name)
		if !known {
			return errors.New("a name that is not expected")
		}
		if err := walk(d, member, depth+1); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}

// plain removes pointers, and turns types that decode themselves into nil.
func plain(t reflect.Type) reflect.Type {
	for t != nil && t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t == nil || t.Kind() == reflect.Interface {
		return nil
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	return t
}

// field finds the type of the member called name, exactly so, in t.
func field(t reflect.Type, name string) (reflect.Type, bool) {
	if t == nil {
		return nil, true
	}
	switch t.Kind() {
	case reflect.Map:
		return t.Elem(), true
	case reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			// Claims that several messages share are an embedded struct; encoding/json
			// reads its members as the outer one's.
			if embedded := plain(f.Type); f.Anonymous && tag == "" && embedded != nil {
				if t, ok := field(embedded, name); ok {
					return t, true
				}
				continue
			}
			if f.IsExported() && tag == name && tag != "" && tag != "-" {
				return f.Type, true
			}
		}
	}
	return nil, false
}
