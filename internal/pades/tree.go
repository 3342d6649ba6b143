package pades

import (
	"errors"
	"fmt"
)

// errEnough ends a walk early.
var errEnough = errors.New("enough")

// eachPage calls f for every page in order (ISO 32000-1, 7.7.3.2), with the
// resources that it has or inherits. f may return errEnough.
func (v *view) eachPage(root dict, f func(page dict, r ref, resources any) error) error {
	seen := map[ref]bool{}
	count := 0
	var walk func(node any, inherited any, depth int) error
	walk = func(node any, inherited any, depth int) error {
		r, ok := node.(ref)
		if !ok {
			return malformed("a page that is no object of its own")
		}
		if seen[r] {
			return malformed("the page tree has a page twice")
		}
		seen[r] = true
		if count++; count > maxPages || depth > maxNesting {
			return fmt.Errorf("%w: page tree", ErrTooLarge)
		}
		d, err := v.dictOf(r)
		if err != nil {
			return err
		}
		if res, ok := d["Resources"]; ok {
			inherited = res
		}
		switch d["Type"] {
		case name("Page"):
			return f(d, r, inherited)
		case name("Pages"):
			kids, err := v.listOf(d["Kids"])
			if err != nil {
				return err
			}
			for _, k := range kids {
				if err := walk(k, inherited, depth+1); err != nil {
					return err
				}
			}
			return nil
		}
		return malformed("the page tree has something else than pages")
	}
	if root["Pages"] == nil {
		return nil
	}
	if err := walk(root["Pages"], nil, 0); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// firstPage returns the page that a signature's widget belongs to. A file
// without one is malformed: a widget without a page is none.
func (v *view) firstPage(root dict) (page dict, r ref, err error) {
	err = v.eachPage(root, func(p dict, at ref, _ any) error {
		page, r = p, at
		return errEnough
	})
	if err == nil && page == nil {
		err = fmt.Errorf("%w: no page", ErrMeaningless)
	}
	return page, r, err
}

// A field is a field of the interactive form (ISO 32000-1, 12.7.3).
type field struct {
	name string // fully qualified
	kind any    // FT, inherited
	dict dict
	ref  ref // zero when the field is no object of its own
	v    any // V, not inherited: a signature belongs to one field
}

// fields returns all fields that have a partial name, in order.
//
// Two fields of one fully qualified name are two representations of one field for
// some programs and two fields for others; such a form is malformed.
func (v *view) fields(root dict) ([]field, error) {
	form, err := v.dictOf(root["AcroForm"])
	if err != nil {
		return nil, err
	}
	top, err := v.listOf(form["Fields"])
	if err != nil {
		return nil, err
	}
	var list []field
	names := map[string]bool{}
	seen := map[ref]bool{}
	var walk func(node any, parent field, depth int) error
	walk = func(node any, parent field, depth int) error {
		if depth > maxNesting {
			return fmt.Errorf("%w: field tree", ErrTooLarge)
		}
		f := field{name: parent.name, kind: parent.kind}
		if r, ok := node.(ref); ok {
			if seen[r] {
				return malformed("the form has a field twice")
			}
			seen[r] = true
			f.ref = r
		}
		var err error
		if f.dict, err = v.dictOf(node); err != nil {
			return err
		}
		if kind, ok := f.dict["FT"]; ok {
			if f.kind, err = v.resolve(kind); err != nil {
				return err
			}
		}
		f.v = f.dict["V"]
		title, err := v.resolve(f.dict["T"])
		if err != nil {
			return err
		}
		if t, ok := title.(text); ok {
			if f.name != "" {
				f.name += "."
			}
			f.name += plainText(t)
			if names[f.name] {
				return fmt.Errorf("%w: field %q is twice in the form", ErrDuplicateField, f.name)
			}
			names[f.name] = true
			list = append(list, f)
		} else if f.v != nil && f.kind == name("Sig") {
			list = append(list, f) // a signature without a name is still one
		}
		kids, err := v.listOf(f.dict["Kids"])
		if err != nil {
			return err
		}
		for _, k := range kids {
			if err := walk(k, f, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	for _, node := range top {
		if err := walk(node, field{}, 0); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// certified returns the permission of a certification signature (ISO 32000-1,
// 12.8.2.2): 1 no changes, 2 form filling and signing, 3 annotations too; 0 when
// the file has none.
func (v *view) certified(root dict) (int, error) {
	perms, err := v.dictOf(root["Perms"])
	if err != nil || perms == nil {
		return 0, err
	}
	sig, err := v.dictOf(perms["DocMDP"])
	if err != nil || sig == nil {
		return 0, err
	}
	references, err := v.listOf(sig["Reference"])
	if err != nil {
		return 0, err
	}
	for _, r := range references {
		d, err := v.dictOf(r)
		if err != nil {
			return 0, err
		}
		if d["TransformMethod"] != name("DocMDP") {
			continue
		}
		params, err := v.dictOf(d["TransformParams"])
		if err != nil {
			return 0, err
		}
		p, err := v.resolve(params["P"])
		if err != nil {
			return 0, err
		}
		if p, ok := p.(int); ok && p >= 1 && p <= 3 {
			return p, nil
		}
		return 2, nil // table 254: the default
	}
	return 0, nil
}
