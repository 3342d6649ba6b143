package pades

import (
	"encoding/hex"
	"maps"
	"slices"
)

// store compares the document security stores: evidence may be added.
func (j *judgement) store(before, after any) error {
	own := map[int]bool{}
	shaped, err := storeObjects(j.old, before, func(r ref, _ any) { own[r.num] = true })
	if err != nil {
		return err
	}
	if !shaped {
		if !equal(before, after) {
			j.refuse(0, ErrCatalogChanged, "a security store with something else in it")
		}
		return nil // what was written anew of it is judged with the rest
	}
	var added []int
	shaped, err = storeObjects(j.new, after, func(r ref, value any) {
		switch {
		case j.objects[r.num] == nil:
		case !j.inOld(r.num):
			added = append(added, r.num)
		default:
			// An array may be written anew when it was the store's and nobody else's: a
			// page's Contents could be the same array. What it held as evidence stays.
			if _, isStream := value.(*stream); !isStream && own[r.num] && j.parents[r.num] != several {
				j.explained[r.num] = true
				added = append(added, r.num)
			}
		}
	})
	if err != nil {
		return err
	}
	if was, err := j.old.dictOf(before); err != nil {
		return err
	} else if is, err := j.new.dictOf(after); err != nil {
		return err
	} else if !shaped || was != nil && is == nil {
		j.refuse(0, ErrCatalogChanged, "the security store was taken away, or has something else in it")
		return nil
	}
	for _, num := range added {
		if j.added(num) {
			if s, ok := j.objects[num].value.(*stream); ok {
				j.closure(s.dict, 0) // its Length
			}
		}
	}
	if len(added) > 0 || !equal(before, after) {
		r, _ := after.(ref)
		j.allow(r.num, AddedEvidence)
	}
	return nil
}

// storeObjects calls f for every object of a security store (EN 319 142-1,
// 5.4.2): its dictionary, its arrays, VRI and the streams of evidence, into which
// it does not look. It returns false when the store is not shaped as the standard
// says: what lies in a place of its own sort could be something else elsewhere.
func storeObjects(v *view, x any, f func(ref, any)) (shaped bool, err error) {
	shaped = true
	open := func(x any) (value any) {
		if err == nil {
			if value, err = v.resolve(x); err == nil {
				if r, ok := x.(ref); ok {
					f(r, value)
				}
			}
		}
		return value
	}
	evidence := func(x any) {
		if _, ok := open(x).(*stream); !ok {
			shaped = false
		}
	}
	// dictionary calls inside for the entries of a dictionary.
	dictionary := func(x any, inside func(name, any)) {
		d, ok := open(x).(dict)
		shaped = shaped && ok
		for _, k := range slices.Sorted(maps.Keys(d)) {
			if k != "Type" {
				inside(k, d[k])
			}
		}
	}
	list := func(x any) {
		a, ok := open(x).(array)
		shaped = shaped && ok
		for _, e := range a {
			evidence(e)
		}
	}
	ofSignature := func(k name, x any) {
		if digest, err := hex.DecodeString(string(k)); err != nil || len(digest) != 20 {
			shaped = false
		}
		dictionary(x, func(k name, x any) {
			switch k {
			case "Cert", "OCSP", "CRL":
				list(x)
			case "TS":
				evidence(x)
			case "TU":
			default:
				shaped = false
			}
		})
	}
	if x == nil {
		return true, nil
	}
	dictionary(x, func(k name, x any) {
		switch k {
		case "Certs", "OCSPs", "CRLs":
			list(x)
		case "VRI":
			dictionary(x, ofSignature)
		default:
			shaped = false
		}
	})
	return shaped && err == nil, err
}
