package pades

import (
	"maps"
	"slices"
	"strconv"
)

// added marks an object that is new in the update as allowed. A number that a
// signed object already refers to is not free: what was nothing when it was
// signed would become part of it.
func (j *judgement) added(num int) bool {
	if j.objects[num] == nil || j.inOld(num) {
		return false
	}
	if j.parents[num] != 0 {
		j.refuse(num, ErrObjectActivated, "object %d was referred to before it was there", num)
	}
	j.explained[num] = true
	return true
}

// closure marks the new objects that a value leads to as allowed. Objects of the
// revision before are not followed.
func (j *judgement) closure(v any, depth int) {
	if depth > maxNesting {
		return
	}
	eachRef(v, func(r ref) {
		if !j.explained[r.num] && j.added(r.num) {
			j.closure(j.objects[r.num].value, depth+1)
		}
	})
}

// place marks an object that holds what is compared: the same one as before, and
// one that has no second role; or a new one.
func (j *judgement) place(before, after any) {
	r, ok := after.(ref)
	if !ok || j.objects[r.num] == nil {
		return
	}
	if !j.inOld(r.num) {
		j.added(r.num)
	} else if before == after && j.parents[r.num] != several {
		j.explained[r.num] = true
	}
}

// catalog compares the two catalogs: form, security store and the list of
// extensions may grow.
func (j *judgement) catalog() error {
	before, r, err := j.old.root()
	if err != nil {
		return err
	}
	after, _, err := j.new.root()
	if err != nil {
		j.refuse(0, ErrCatalogChanged, "%v", err)
		return nil
	}
	if j.objects[r.num] != nil {
		j.explained[r.num] = true
	}
	for _, k := range keys(before, after) {
		switch k {
		case "AcroForm", "DSS":
		case "Extensions": // ISO 32000-1, 7.12: names of extensions; draws nothing
			j.place(before[k], after[k])
			j.closure(after[k], 0)
		default:
			if !equal(before[k], after[k]) {
				j.refuse(r.num, ErrCatalogChanged, "%s of the catalog", k)
			}
		}
	}
	if err := j.form(before, after); err != nil {
		return err
	}
	return j.store(before["DSS"], after["DSS"])
}

// form compares the interactive forms: signature fields may be appended.
func (j *judgement) form(root, newRoot dict) error {
	before, err := j.old.dictOf(root["AcroForm"])
	if err != nil {
		return err
	}
	after, err := j.new.dictOf(newRoot["AcroForm"])
	if err != nil {
		return err
	}
	j.place(root["AcroForm"], newRoot["AcroForm"])
	for _, k := range keys(before, after) {
		switch {
		case k == "Fields":
			j.place(before[k], after[k])
		case k == "SigFlags" && (after[k] == 1 || after[k] == 3):
		case !equal(before[k], after[k]):
			j.refuse(0, ErrFormChanged, "%s of the form", k)
		}
	}
	more, ok, err := j.appended(before["Fields"], after["Fields"])
	if err != nil {
		return err
	}
	if !ok {
		j.refuse(0, ErrFormChanged, "fields were taken away or put in another order")
	}
	p, err := j.old.certified(root)
	if err != nil {
		return err
	}
	for _, f := range more {
		if err := j.newField(f, p); err != nil {
			return err
		}
	}
	return j.filledFields(root, p)
}

// appended compares two arrays: the second must begin with the first. It returns
// what comes after.
func (j *judgement) appended(before, after any) (array, bool, error) {
	a, err := j.old.listOf(before)
	if err != nil {
		return nil, false, err
	}
	b, err := j.new.listOf(after)
	if err != nil {
		return nil, false, err
	}
	if len(b) < len(a) || !slices.EqualFunc(a, b[:len(a)], equal) {
		return nil, false, nil
	}
	return b[len(a):], true, nil
}

// fieldKeys are the entries that a later signature field may have: none that
// acts, and none that gives it a second place in the form.
var fieldKeys = map[name]bool{"Type": true, "Subtype": true, "FT": true, "T": true, "TU": true, "TM": true, "V": true, "F": true,
	"Ff": true, "Rect": true, "P": true, "Lock": true, "SV": true, "MK": true, "DA": true, "AP": true, "M": true, "NM": true,
	"H": true, "Q": true}

// newField judges one field that was appended.
func (j *judgement) newField(f any, certified int) error {
	r, ok := f.(ref)
	if !ok || !j.added(r.num) {
		j.refuse(0, ErrFormChanged, "a field that is no new object")
		return nil
	}
	d, ok := j.objects[r.num].value.(dict)
	if !ok || d["FT"] != name("Sig") {
		j.refuse(r.num, ErrFormChanged, "object %d is a field of another kind", r.num)
		return nil
	}
	for k := range d {
		if !fieldKeys[k] {
			j.refuse(r.num, ErrFormChanged, "object %d has %s", r.num, k)
		}
	}
	j.fields[r.num] = true
	j.closure(d, 0)
	if shown, err := j.visible(d); err != nil {
		return err
	} else if shown {
		j.refuse(r.num, ErrSignatureVisible, "object %d", r.num)
	}
	return j.newValue(r.num, d["V"], certified)
}

// newValue tells what a signature field was filled with.
func (j *judgement) newValue(num int, v any, certified int) error {
	sig, err := j.new.dictOf(v)
	if err != nil {
		return err
	}
	switch {
	case sig != nil && sig["SubFilter"] == name(SubFilterRFC3161):
		// EN 319 142-1, 5.4.3: allowed whatever a certification signature says.
		j.allow(num, AddedTimeStamp)
	case certified == 1:
		j.refuse(num, ErrClosed, "object %d", num)
	case sig != nil:
		j.allow(num, AddedSignature)
	default:
		j.allow(num, AddedField)
	}
	return nil
}

// visible says whether a widget takes any place on a page. A mark that a later
// signer puts over the text would be an overlay like any other.
func (j *judgement) visible(d dict) (bool, error) {
	if f, ok := d["F"].(int); ok && f&2 != 0 { // ISO 32000-1, table 165: Hidden
		return false, nil
	}
	rect, err := j.new.listOf(d["Rect"])
	if err != nil || len(rect) == 0 {
		return false, err
	}
	if len(rect) != 4 {
		return true, nil
	}
	var at [4]float64
	for i, e := range rect {
		if e, err = j.new.resolve(e); err != nil {
			return true, err
		}
		switch e := e.(type) {
		case int:
			at[i] = float64(e)
		case real:
			if at[i], err = strconv.ParseFloat(string(e), 64); err != nil {
				return true, nil
			}
		default:
			return true, nil
		}
	}
	return at[0] != at[2] && at[1] != at[3], nil
}

// filledFields allows signature fields that were empty and now hold a signature.
func (j *judgement) filledFields(root dict, certified int) error {
	fields, err := j.old.fields(root)
	if err != nil {
		return err
	}
	for _, f := range fields {
		o := j.objects[f.ref.num]
		if o == nil || f.kind != name("Sig") || f.v != nil {
			continue
		}
		d, ok := o.value.(dict)
		v, isRef := d["V"].(ref)
		if !ok || !isRef || j.inOld(v.num) {
			continue // judged with the rest
		}
		rest := changed(d)
		delete(rest, "V")
		if !equal(rest, f.dict) {
			continue
		}
		j.explained[f.ref.num] = true
		j.closure(v, 0)
		if err := j.newValue(f.ref.num, v, certified); err != nil {
			return err
		}
	}
	return nil
}

// pages compares the pages that were written anew, and those that new fields say
// they are on: the widgets of new signature fields may be appended.
func (j *judgement) pages() error {
	candidates := map[int]bool{}
	for num := range j.objects {
		candidates[num] = j.inOld(num) && !j.explained[num]
	}
	for num := range j.fields {
		if p, ok := j.objects[num].value.(dict)["P"].(ref); ok {
			candidates[p.num] = j.inOld(p.num)
		}
	}
	for _, num := range slices.Sorted(maps.Keys(candidates)) {
		if !candidates[num] {
			continue
		}
		before, err := j.old.load(num)
		if err != nil {
			return err
		}
		d, ok := before.value.(dict)
		if !ok || d["Type"] != name("Page") {
			continue // judged with the rest
		}
		if err := j.page(num, d); err != nil {
			return err
		}
	}
	return nil
}

func (j *judgement) page(num int, before dict) error {
	after := before
	if o := j.objects[num]; o != nil {
		j.explained[num] = true
		after, _ = o.value.(dict) // no dictionary: every entry is gone
	}
	for _, k := range keys(before, after) {
		if k != "Annots" && !equal(before[k], after[k]) {
			j.refuse(num, ErrPageChanged, "%s of page object %d", k, num)
		}
	}
	j.place(before["Annots"], after["Annots"])
	more, ok, err := j.appended(before["Annots"], after["Annots"])
	if err != nil {
		return err
	}
	if !ok {
		j.refuse(num, ErrAnnotationChanged, "annotations of page object %d were taken away or put in another order", num)
	}
	for _, a := range more {
		if r, ok := a.(ref); !ok || !j.fields[r.num] {
			j.refuse(num, ErrAnnotationChanged, "page object %d has a new annotation", num)
		}
	}
	return nil
}
