package pages

import (
	"strings"
	"time"

	"tegata/internal/ceremony"
)

// pressedTwice is within how long the same form, sent once more, is a finger that
// was too fast.
const pressedTwice = 5 * time.Second

// A form that compares a secret is worked on once. Its page carries a word that the
// first sending uses up: a double click, a reload or a page out of the past must
// never cost a try.
type form struct {
	about string // names what the page shows, when the form is about something that may change
	next  string // what the page carries now
	last  string // what was used up last
	to    string // where that led
	left  left   // and what it said there
	at    time.Time
}

// field is a copy of what was sent in a field. The server's own string is a part of the
// whole form: whoever kept it would keep the secret that was typed beside it.
func (v *visit) field(name string) string { return strings.Clone(v.r.PostFormValue(name)) }

// fields is field where there may be several.
func (v *visit) fields(name string) []string {
	v.r.PostFormValue(name) // reads the form
	var copies []string
	for _, value := range v.r.PostForm[name] {
		copies = append(copies, strings.Clone(value))
	}
	return copies
}

// form is the word that the form of this page carries.
func (v *visit) form() string { return v.formAbout("") }

// formAbout is form for a page that shows what about names: with something else to show the
// page carries another word, and those from before count no more.
func (v *visit) formAbout(about string) string {
	var word string
	v.draft.change(func(d *draft) {
		f := d.forms[v.path()]
		if f.about != about {
			f = form{about: about}
		}
		if f.next == "" {
			f.next = ceremony.NewID()
		}
		d.forms[v.path()] = f
		word = f.next
	})
	return word
}

// another says whether the page at path last showed something else than about.
func (v *visit) another(path, about string) (is bool) {
	v.draft.change(func(d *draft) {
		shown := d.forms[path].about
		is = shown != "" && shown != about
	})
	return is
}

// once works on the form of the page at path when it is sent for the first time.
// Sent twice at once it leads where the first led; one from before is asked for anew.
func (v *visit) once(path string, work func()) {
	sent := v.field("form")
	var first, again bool
	var f form
	v.draft.change(func(d *draft) {
		f = d.forms[path]
		first = sent != "" && sent == f.next
		again = sent != "" && sent == f.last && f.to != "" && time.Since(f.at) < pressedTwice
		if first { // before the secret is compared
			f.next, f.last = "", sent
			d.forms[path] = f
		}
	})
	switch {
	case first:
		work()
		v.draft.change(func(d *draft) {
			if _, there := d.forms[path]; !there {
				return // it is over, and asked for no more
			}
			f.to, f.at = v.went, time.Now()
			if d.left.path == v.went {
				f.left = d.left
			}
			d.forms[path] = f
		})
	case again:
		v.draft.change(func(d *draft) { d.left = f.left })
		v.goTo(f.to)
	default:
		v.leaveWord(errOldForm, path)
	}
}
