package pades

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// An update is what an incremental update will add (ISO 32000-1, 7.5.6): objects
// that are new and objects that are written anew.
type update struct {
	view    *view
	next    int // next free object number
	objects map[int]any
	gens    map[int]int // of the objects that are written anew, when not 0
}

// newUpdate begins an update of a whole file.
func newUpdate(pdf []byte) (*update, error) {
	f, err := open(pdf)
	if err != nil {
		return nil, err
	}
	next, err := f.size()
	if err != nil {
		return nil, err
	}
	v := f.view(0, len(pdf))
	// All of it must be readable: what comes after a signature is judged against
	// every object before it, and a file that is signed must stay judgeable.
	if _, err := f.references(v); err != nil {
		return nil, err
	}
	return &update{view: v, next: next, objects: map[int]any{}, gens: map[int]int{}}, nil
}

// add gives a value a new number.
func (u *update) add(v any) ref {
	r := ref{num: u.next}
	u.next++
	u.objects[r.num] = v
	return r
}

// set writes an object anew.
func (u *update) set(r ref, v any) {
	u.objects[r.num] = v
	if r.gen != 0 {
		u.gens[r.num] = r.gen
	}
}

// bytes returns the file with the update after it, and where each object of the
// update begins. The cross-reference is of the kind that the file already has:
// ISO 32000-1, 7.5.8.4 allows both in one file, programs do not.
func (u *update) bytes() ([]byte, map[int]int) {
	f := u.view.file
	last := f.sections[0]
	out := bytes.Clone(f.data)
	if c := out[len(out)-1]; c != '\n' && c != '\r' {
		out = append(out, '\n')
	}
	at := map[int]int{}
	nums := slices.Sorted(maps.Keys(u.objects))
	for _, num := range nums {
		at[num] = len(out)
		out = fmt.Appendf(out, "%d %d obj\n", num, u.gens[num])
		out = appendValue(out, u.objects[num])
		out = append(out, "\nendobj\n"...)
	}
	trailer := dict{"Prev": last.start, "Root": last.trailer["Root"], "Size": u.next}
	for _, k := range []name{"Info", "ID"} {
		if v, ok := last.trailer[k]; ok {
			trailer[k] = v
		}
	}
	start := len(out)
	if last.stream == 0 {
		out = append(out, "xref\n"...)
		for _, run := range runs(nums) {
			out = fmt.Appendf(out, "%d %d\n", run[0], len(run))
			for _, num := range run {
				out = fmt.Appendf(out, "%010d %05d n \n", at[num], u.gens[num])
			}
		}
		out = append(out, "trailer\n"...)
		out = appendValue(out, trailer)
	} else {
		out = u.appendXRefStream(out, nums, at, trailer)
	}
	return fmt.Appendf(out, "\nstartxref\n%d\n%%%%EOF\n", start), at
}

// appendXRefStream writes a cross-reference stream (ISO 32000-1, 7.5.8), unfiltered.
func (u *update) appendXRefStream(out []byte, nums []int, at map[int]int, trailer dict) []byte {
	own := u.next
	at[own] = len(out)
	nums = append(slices.Clone(nums), own)
	index := array{}
	var rows []byte
	for _, run := range runs(nums) {
		index = append(index, run[0], len(run))
		for _, num := range run {
			o, g := at[num], u.gens[num]
			rows = append(rows, 1, byte(o>>24), byte(o>>16), byte(o>>8), byte(o), byte(g>>8), byte(g))
		}
	}
	maps.Copy(trailer, dict{"Type": name("XRef"), "Size": own + 1, "W": array{1, 4, 2}, "Index": index})
	out = fmt.Appendf(out, "%d 0 obj\n", own)
	out = appendValue(out, &stream{dict: trailer, raw: rows})
	return append(out, "\nendobj"...)
}

// runs cuts sorted numbers into runs without gaps.
func runs(nums []int) (list [][]int) {
	for i, n := range nums {
		if i == 0 || nums[i-1] != n-1 {
			list = append(list, nil)
		}
		list[len(list)-1] = append(list[len(list)-1], n)
	}
	return list
}

// changed returns a copy of a dictionary that may be written anew.
func changed(d dict) dict {
	if d = maps.Clone(d); d == nil {
		d = dict{}
	}
	return d
}

// extend appends to the array under a key of a dictionary. The array is written
// anew where it is: as an object of its own, or inside the dictionary, which the
// caller then writes.
func (u *update) extend(d dict, key name, more ...any) error {
	list, err := u.view.listOf(d[key])
	if err != nil {
		return err
	}
	list = append(slices.Clone(list), more...)
	if r, ok := d[key].(ref); ok && u.view.exists(r) {
		u.set(r, list)
		return nil
	}
	d[key] = list
	return nil
}

// exists says whether a reference leads to an object that is no null.
func (v *view) exists(r ref) bool {
	o, err := v.load(r.num)
	return err == nil && o != nil && o.gen == r.gen && o.value != nil
}
