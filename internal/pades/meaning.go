package pades

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrMeaningless: nothing in the file can be seen, so nobody can be asked to sign
// it.
var ErrMeaningless = errors.New("pades: no page shows anything")

// CheckMeaning returns nil when at least one page of the file draws something:
// text that is not blank, an image, a painted path or a shading. Whether it is
// white on white, off the page or in a layer that is off is not looked at.
//
// Errors: ErrMeaningless, ErrMalformed, ErrTooLarge, ErrEncrypted,
// ErrUnsupported.
func CheckMeaning(pdf []byte) error {
	f, err := open(pdf)
	if err != nil {
		return err
	}
	v := f.view(0, len(pdf))
	root, _, err := v.root()
	if err != nil {
		return err
	}
	shown := false
	err = v.eachPage(root, func(page dict, _ ref, resources any) error {
		parts, err := v.listOf(page["Contents"])
		if err != nil {
			return err
		}
		// ISO 32000-1, 7.8.2: the streams of an array are one, cut between tokens.
		var content bytes.Buffer
		for _, p := range parts {
			x, err := v.resolve(p)
			if err != nil {
				return err
			}
			s, ok := x.(*stream)
			if !ok {
				continue
			}
			data, err := v.decoded(s)
			if err != nil {
				return err
			}
			content.Write(data)
			content.WriteByte('\n')
		}
		if shown, err = v.draws(content.Bytes(), resources, 0); err == nil && shown {
			return errEnough
		}
		return err
	})
	if err != nil {
		return err
	}
	if !shown {
		return ErrMeaningless
	}
	return nil
}

// CountPages returns the number of pages of the file as it is shown now.
//
// Errors: ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported.
func CountPages(pdf []byte) (int, error) {
	f, err := open(pdf)
	if err != nil {
		return 0, err
	}
	v := f.view(0, len(pdf))
	root, _, err := v.root()
	if err != nil {
		return 0, err
	}
	n := 0
	err = v.eachPage(root, func(dict, ref, any) error { n++; return nil })
	return n, err
}

// draws says whether a content stream paints anything (ISO 32000-1, annex A).
func (v *view) draws(content []byte, resources any, depth int) (bool, error) {
	if depth > 8 {
		return false, fmt.Errorf("%w: forms inside forms", ErrTooLarge)
	}
	if err := take(&v.file.budget.scanned, len(content)); err != nil {
		return false, err
	}
	l := &lexer{data: content, budget: v.file.budget}
	var operands []any
	path := false
	mode := 0 // text rendering mode (9.3.6): 3 paints nothing, 7 only clips
	var saved []int
	for {
		if l.skip(); l.pos >= len(content) {
			return false, nil
		}
		if c := content[l.pos]; isDelimiter(c) || c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.' {
			x, err := l.value()
			if err != nil {
				return false, err
			}
			if operands = append(operands, x); len(operands) > 64 {
				return false, malformed("an operator of a page with more than 64 operands")
			}
			continue
		}
		if err := take(&v.file.budget.values, 1); err != nil {
			return false, err
		}
		switch l.word() {
		case "true", "false", "null":
			continue // operands that no painting operator takes
		case "l", "c", "v", "y", "re":
			path = true
		case "n":
			path = false
		case "f", "F", "f*", "B", "B*", "b", "b*", "S", "s":
			if path {
				return true, nil
			}
		case "sh", "BI":
			return true, nil
		case "Tr":
			if n, ok := last(operands).(int); ok {
				mode = n
			}
		case "q":
			if saved = append(saved, mode); len(saved) > 1000 {
				return false, fmt.Errorf("%w: saved graphics states", ErrTooLarge)
			}
		case "Q":
			if n := len(saved); n > 0 {
				mode, saved = saved[n-1], saved[:n-1]
			}
		case "Tj", "TJ", "'", "\"":
			if mode != 3 && mode != 7 && inked(last(operands)) {
				return true, nil
			}
		case "Do":
			if shown, err := v.drawsObject(last(operands), resources, depth); shown || err != nil {
				return shown, err
			}
		}
		operands = operands[:0]
	}
}

func last(operands []any) any {
	if len(operands) == 0 {
		return nil
	}
	return operands[len(operands)-1]
}

// inked says whether a string, or one of an array's, has something else than
// spaces.
func inked(x any) bool {
	switch x := x.(type) {
	case text:
		return len(bytes.Trim(x.value, " \x00")) > 0
	case array:
		for _, e := range x {
			if inked(e) {
				return true
			}
		}
	}
	return false
}

// drawsObject looks into an external object (ISO 32000-1, 8.8).
func (v *view) drawsObject(x, resources any, depth int) (bool, error) {
	key, ok := x.(name)
	if !ok {
		return false, malformed("Do without a name")
	}
	r, err := v.dictOf(resources)
	if err != nil {
		return false, err
	}
	objects, err := v.dictOf(r["XObject"])
	if err != nil {
		return false, err
	}
	if x, err = v.resolve(objects[key]); err != nil {
		return false, err
	}
	s, ok := x.(*stream)
	if !ok {
		return false, nil
	}
	switch s.dict["Subtype"] {
	case name("Image"):
		return true, nil
	case name("Form"):
		data, err := v.decoded(s)
		if err != nil {
			return false, err
		}
		if own, ok := s.dict["Resources"]; ok {
			resources = own
		}
		return v.draws(data, resources, depth+1)
	}
	return false, nil
}
