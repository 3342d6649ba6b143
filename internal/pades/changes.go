package pades

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// What a later update may not do; Change.Err wraps one of these.
var (
	ErrPageChanged       = errors.New("pades: a page, its content, or something it is drawn with was changed after the signature")
	ErrAnnotationChanged = errors.New("pades: an annotation was added or changed after the signature")
	ErrFormChanged       = errors.New("pades: a form field or its value was changed after the signature")
	ErrCatalogChanged    = errors.New("pades: the document's catalog, trailer or information was changed after the signature")
	ErrObjectRemoved     = errors.New("pades: an object was removed after the signature")
	ErrObjectActivated   = errors.New("pades: something prepared before the signature was brought to light after it")
	ErrObjectUnexplained = errors.New("pades: an object was added after the signature that nothing allowed needs")
	ErrSignatureVisible  = errors.New("pades: a signature field that covers part of a page was added after the signature")
	ErrUpdateStructure   = errors.New("pades: a later update is not written so that all programs read it the same way")
)

// What a later update may add.
const (
	AddedEvidence  = "evidence"   // a document security store, or more in it
	AddedTimeStamp = "time-stamp" // a document time-stamp
	AddedSignature = "signature"
	AddedField     = "field" // an empty signature field
)

// A Change is one thing that a later update did.
type Change struct {
	Revision int    // of the update, counted from 1
	Object   int    // its number; 0: not one object
	Added    string // one of the Added words; empty when Err is not nil
	Err      error  // nil: may be
}

// judge fills in what was changed after each signature. Every update is judged by
// itself, against the revision before it, so that nothing can be changed and
// changed back.
func (f *file) judge(list []*Signature) error {
	first := list[0]
	end := first.end
	p, err := f.references(f.view(first.from, first.end)) // all of it can be read
	if err != nil {
		return err
	}
	for k := first.from - 1; k >= 0; k-- {
		j, err := f.judgeUpdate(k, end, p)
		if err != nil {
			return err
		}
		end = j.new.end
		for _, s := range list {
			if s.from > k {
				s.Later = append(s.Later, j.changes...)
			}
			// It may leave out the end of line after the marker, nothing else.
			if s.from == k && (s.end > end || !onlySpace(f.data[s.end:end])) {
				return fmt.Errorf("%w: field %q: it does not end where its revision ends", ErrByteRange, s.Field)
			}
		}
		for num, o := range j.objects {
			p.note(num, o.value)
		}
	}
	// What follows the last update is of no revision. A cross-reference of the signed
	// part may have pointed there before it was written.
	if !onlySpace(f.data[end:]) {
		for _, s := range list {
			s.Later = append(s.Later, Change{Revision: f.revision(0), Err: fmt.Errorf("%w: bytes after the last update", ErrUpdateStructure)})
		}
	}
	return nil
}

func onlySpace(b []byte) bool { return len(bytes.TrimLeft(b, whiteSpace)) == 0 }

// parents remembers which object refers to an object: its number, or several.
type parents map[int]int

const (
	several     = -1
	fromTrailer = -2
)

// note records the references of one object.
func (p parents) note(num int, value any) {
	here := map[int]bool{}
	eachRef(value, func(r ref) {
		if known, ok := p[r.num]; here[r.num] || ok && known != num {
			p[r.num] = several
		} else {
			p[r.num] = num
		}
		here[r.num] = true
	})
}

// references reads all objects of a revision for the references in them. What a
// signed object refers to and is not there yet could be brought to light later.
func (f *file) references(v *view) (parents, error) {
	p := parents{}
	done := map[int]bool{}
	for _, s := range f.sections[v.from:] {
		p.note(fromTrailer, s.trailer)
		for num := range s.entries {
			if done[num] {
				continue
			}
			done[num] = true
			o, err := v.load(num)
			if err != nil {
				return nil, err
			}
			if o != nil {
				p.note(num, o.value)
			}
		}
	}
	return p, nil
}

// A judgement compares one update with the revision before it.
type judgement struct {
	section   *section
	old, new  *view
	parents   parents
	revision  int
	objects   map[int]*object // of the update
	explained map[int]bool    // of those: allowed
	fields    map[int]bool    // new signature fields
	changes   []Change
}

func (j *judgement) refuse(num int, err error, format string, args ...any) {
	j.changes = append(j.changes, Change{Revision: j.revision, Object: num, Err: fmt.Errorf("%w: %s", err, fmt.Sprintf(format, args...))})
}

func (j *judgement) allow(num int, what string) {
	j.changes = append(j.changes, Change{Revision: j.revision, Object: num, Added: what})
}

// judgeUpdate judges section k, whose update begins at a byte.
func (f *file) judgeUpdate(k, start int, p parents) (*judgement, error) {
	s := f.sections[k]
	j := &judgement{section: s, parents: p, revision: f.revision(k),
		objects: map[int]*object{}, explained: map[int]bool{}, fields: map[int]bool{}}
	end, err := f.ending(s)
	if err != nil || s.start < start || s.hybrid {
		j.refuse(0, ErrUpdateStructure, "its cross-reference section is not at its end")
		end = max(start, s.after) // go on, so that the rest is told too
	} else if w := strings.Fields(string(f.data[s.after:end])); len(w) != 3 || w[1] != strconv.Itoa(s.start) {
		j.refuse(0, ErrUpdateStructure, "something stands around startxref")
	}
	j.old, j.new = f.view(k+1, start), f.view(k, end)
	for _, step := range []func() error{j.load, j.trailer, j.catalog, j.pages, j.rest} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// inOld says whether the revision before has an object of this number.
func (j *judgement) inOld(num int) bool {
	_, ok := j.old.lookup(num)
	return ok
}

// load reads the update's objects. They lie inside the update, one after the
// other, with nothing between them: no byte of it is there for some programs only.
func (j *judgement) load() error {
	f := j.old.file
	spans := [][2]int{{j.section.start, j.section.after}}
	for _, num := range slices.Sorted(maps.Keys(j.section.entries)) {
		e := j.section.entries[num]
		if num == j.section.stream && e.offset == j.section.start {
			continue
		}
		if e.kind == isFree {
			if j.inOld(num) {
				j.refuse(num, ErrObjectRemoved, "object %d", num)
			}
			continue
		}
		at := e
		if e.kind == isCompressed {
			at = j.section.entries[e.offset]
		}
		// The shadow attacks "replace" and "hide and replace": the update consists of
		// a cross-reference to what lies in the signed part.
		if at.kind != isInUse || at.offset < j.old.end || at.offset >= j.section.start {
			j.refuse(num, ErrObjectActivated, "object %d is outside the update", num)
			j.explained[num] = true // told
			continue
		}
		o, err := j.new.load(num)
		if err != nil {
			if errors.Is(err, ErrTooLarge) {
				return err
			}
			j.refuse(num, ErrUpdateStructure, "object %d: %v", num, err)
			continue
		}
		j.objects[num] = o
		if e.kind == isInUse {
			spans = append(spans, [2]int{o.start, o.end})
		}
		before, ok := j.old.lookup(num)
		if gen := before.gen; ok && before.kind == isCompressed {
			ok = o.gen == 0
		} else if ok {
			ok = o.gen == gen
		} else {
			ok = o.gen == 0
		}
		if !ok {
			j.refuse(num, ErrUpdateStructure, "object %d has another generation", num)
		}
	}
	slices.SortFunc(spans, func(a, b [2]int) int { return a[0] - b[0] })
	at := j.old.end
	for _, s := range spans {
		if s[0] < at {
			j.refuse(0, ErrUpdateStructure, "objects lie in each other")
		} else if !blank(f.data[at:s[0]]) {
			j.refuse(0, ErrUpdateStructure, "bytes %d to %d belong to nothing", at, s[0])
		}
		at = max(at, s[1])
	}
	return nil
}

// blank says whether bytes are white space, or comments that no program that
// repairs files could take for anything else.
func blank(b []byte) bool {
	for _, line := range strings.FieldsFunc(string(b), func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.Trim(line, " \t\f\x00")
		if line == "" {
			continue
		}
		if line[0] != '%' || strings.Contains(line, "obj") || strings.Contains(line, "xref") || strings.Contains(line, "trailer") {
			return false
		}
	}
	return true
}

// trailer compares the two trailers.
func (j *judgement) trailer() error {
	before, after := j.old.file.sections[j.old.from].trailer, j.section.trailer
	own := map[name]bool{"Size": true, "Prev": true, "XRefStm": true, "Type": true, "W": true, "Index": true,
		"Filter": true, "DecodeParms": true, "Length": true}
	for _, k := range keys(before, after) {
		switch {
		case own[k]:
		case k == "ID":
			// ISO 32000-1, 14.4: the first part stays, the second changes.
			a, _ := before[k].(array)
			b, _ := after[k].(array)
			if len(a) == 2 && (len(b) != 2 || !equal(a[0], b[0])) {
				j.refuse(0, ErrCatalogChanged, "ID of the trailer")
			}
		case !equal(before[k], after[k]):
			j.refuse(0, ErrCatalogChanged, "%s of the trailer", k)
		}
	}
	return nil
}

// keys returns the keys of two dictionaries in order.
func keys(a, b dict) []name {
	all := maps.Clone(b)
	if all == nil {
		all = dict{}
	}
	maps.Copy(all, a)
	return slices.Sorted(maps.Keys(all))
}

// rest names everything in the update that nothing allowed explained.
func (j *judgement) rest() error {
	compressed := map[int]int{} // object stream → objects that the update takes from it
	for _, e := range j.section.entries {
		if e.kind == isCompressed {
			compressed[e.offset]++
		}
	}
	if n := j.section.stream; n != 0 && (j.inOld(n) || j.parents[n] != 0) {
		j.refuse(n, ErrObjectActivated, "the cross-reference stream has the number of something else")
	}
	for _, num := range slices.Sorted(maps.Keys(j.objects)) {
		o := j.objects[num]
		if j.explained[num] {
			continue
		}
		if !j.inOld(num) {
			if n := compressed[num]; n > 0 && j.parents[num] == 0 {
				if s, ok := o.value.(*stream); ok && s.dict["N"] == n {
					continue // its objects are judged one by one
				}
			}
			j.refuse(num, ErrObjectUnexplained, "object %d", num)
			continue
		}
		before, err := j.old.load(num)
		if err != nil {
			return err
		}
		if !equal(before.value, o.value) {
			j.refuse(num, j.kindOf(num, before.value), "object %d", num)
		}
	}
	return nil
}

// kindOf says what it means that an object was written anew.
func (j *judgement) kindOf(num int, before any) error {
	trailer := j.old.file.sections[j.old.from].trailer
	if r, ok := trailer["Info"].(ref); ok && r.num == num {
		return ErrCatalogChanged
	}
	d, ok := before.(dict)
	if !ok || d["Type"] == name("Page") || d["Type"] == name("Pages") {
		return ErrPageChanged
	}
	_, rect := d["Rect"]
	_, kind := d["FT"]
	_, title := d["T"]
	_, value := d["V"]
	switch {
	case kind, value, title && !rect:
		return ErrFormChanged
	case rect:
		return ErrAnnotationChanged
	}
	return ErrPageChanged
}
