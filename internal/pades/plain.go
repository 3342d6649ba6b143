package pades

import (
	"errors"
	"fmt"
)

// ErrActs: the file does something, shows something at one time or place and not at
// another, or carries other files. What is signed would not be what was seen.
var ErrActs = errors.New("pades: more than pages that stay as they are")

// CheckPlain returns nil when the file is nothing but pages that look the same to
// everybody: no scripts and no actions but going to a place, opening a link or the
// viewer's own commands (ISO 32000-1, 12.6); no XFA form (12.7.8) and none whose looks
// the viewer makes; no layers (8.11); no annotation that is not on the screen (12.5.3),
// but for signature fields; no files inside (7.11.4) and no sound, film or 3D. Objects
// that nothing refers to are looked at too.
//
// Errors: ErrActs, ErrMalformed, ErrTooLarge, ErrEncrypted, ErrUnsupported.
func CheckPlain(pdf []byte) error {
	f, err := open(pdf)
	if err != nil {
		return err
	}
	v := f.view(0, len(pdf))
	done := map[int]bool{}
	for _, s := range f.sections[v.from:] {
		if err := plain(s.trailer); err != nil {
			return err
		}
		for num := range s.entries {
			if done[num] {
				continue
			}
			done[num] = true
			o, err := v.load(num)
			if err != nil {
				return err
			}
			if o == nil {
				continue
			}
			if err := plain(o.value); err != nil {
				return err
			}
		}
	}
	return nil
}

// acting are the keys that make a file act, vary or carry something.
var acting = []name{"JS", "JavaScript", "AA", "XFA", "OCProperties", "OC", "EmbeddedFiles", "EF", "RichMediaContent", "3DD", "AF", "Collection"}

// quiet are the actions that change nothing of what is shown.
var quiet = map[name]bool{"GoTo": true, "URI": true, "Named": true}

// Flags of annotations (ISO 32000-1, table 165).
const (
	annotationHidden = 1 << 1
	annotationNoView = 1 << 5
)

// plain looks at a value and what is written inside it.
func plain(x any) error {
	switch x := x.(type) {
	case *stream:
		return plain(x.dict)
	case array:
		for _, e := range x {
			if err := plain(e); err != nil {
				return err
			}
		}
	case dict:
		for _, key := range acting {
			if x[key] != nil {
				return fmt.Errorf("%w: it has %s", ErrActs, key)
			}
		}
		if kind, ok := x["S"].(name); ok && isAction(x, kind) && !quiet[kind] {
			return fmt.Errorf("%w: an action %s", ErrActs, kind)
		}
		if x["NeedAppearances"] == true {
			return fmt.Errorf("%w: a form that each viewer draws in its own way", ErrActs)
		}
		if flags, ok := x["F"].(int); ok && x["Subtype"] != nil && x["Rect"] != nil && x["FT"] != name("Sig") && flags&(annotationHidden|annotationNoView) != 0 {
			return fmt.Errorf("%w: an annotation that is not on the screen", ErrActs)
		}
		for _, e := range x {
			if err := plain(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// isAction tells an action (ISO 32000-1, 12.6.2) from the other dictionaries that have an
// S: those of structure, transparency, transitions and page labels. Type may be left out.
func isAction(x dict, kind name) bool {
	if t, ok := x["Type"].(name); ok {
		return t == "Action"
	}
	switch kind {
	case "Launch", "Rendition", "Movie", "Sound", "SubmitForm", "ResetForm", "ImportData", "SetOCGState", "Hide", "GoToR", "GoToE", "GoTo3DView",
		"Thread", "Trans", "GoToDp", "RichMediaExecute":
		return true
	}
	return false
}
