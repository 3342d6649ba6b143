package ui

import "strconv"

// Secret is a field for a PIN or password. It stands only on the phone's own
// pages and the phone's own origin; no other party has a use for it. Where it says
// whose the secret is, it links to that origin's page that tells all six apart (/which).
//
// autocomplete is "one-time-code": browsers' password stores skip such fields
// (they ignore "off" on passwords), so nothing is offered, filled or kept.
type Secret struct {
	Name  string // form field
	Label string // which secret, in words
	Hint  string // form of it, in words; "" leaves the line out
	Kind  string // "pin" (4 digits) or "password" (6–16 letters and digits)
	On    string // "card" or "phone": the drawing beside it
	Tries int    // tries left; -1 leaves the line out
	Focus bool   // take the focus when the page opens
	Wrong Wrong  // why the last entry was not taken
	Again bool   // the same secret a second time: no drawing, no hint
}

// Pad says whether the on-screen key pad belongs to the field.
func (s Secret) Pad() bool { return s.Kind == "pin" }

// Max is the greatest number of characters.
func (s Secret) Max() int {
	if s.Kind == "pin" {
		return 4
	}
	return 16
}

// Min is the least number of characters.
func (s Secret) Min() int {
	if s.Kind == "pin" {
		return 4
	}
	return 6
}

// The chain of a field in a template: (pin "name" (t "label")).Of "card" ….

// Of says where the secret lives: "card" or "phone".
func (s Secret) Of(where string) Secret { s.On = where; return s }

// Left sets the number of tries left, shown before typing.
func (s Secret) Left(n int) Secret { s.Tries = n; return s }

// First gives the field the focus.
func (s Secret) First() Secret { s.Focus = true; return s }

// Twice marks the second entry of the same secret.
func (s Secret) Twice() Secret { s.Again, s.On, s.Hint = true, "", ""; return s }

// Because says what was wrong with the last entry; zero says nothing.
func (s Secret) Because(why Wrong) Secret { s.Wrong = why; return s }

// Wrong is what was wrong with an entry, and the code of that in small print.
type Wrong struct{ Words, Code string }

// Field is an ordinary one-line field.
type Field struct {
	Name, Label, Hint, Value, Type, Mode, Wrong string
	Max                                         int
	Optional                                    bool
}

// Holding fills in what was entered before.
func (f Field) Holding(v string) Field { f.Value = v; return f }

// Because says what was wrong with the last entry; "" says nothing.
func (f Field) Because(why string) Field { f.Wrong = why; return f }

// Upto limits the number of characters.
func (f Field) Upto(n int) Field { f.Max = n; return f }

// Steps is where one is on the way: "3 / 6".
type Steps struct {
	At, Of int
	Name   string // what this step is, in words
}

// Text is "3 / 6".
func (s Steps) Text() string { return strconv.Itoa(s.At) + " / " + strconv.Itoa(s.Of) }

// Each is one entry per step: "done", "now" or "next".
func (s Steps) Each() []string {
	out := make([]string, s.Of)
	for i := range out {
		switch {
		case i+1 < s.At:
			out[i] = "done"
		case i+1 == s.At:
			out[i] = "now"
		default:
			out[i] = "next"
		}
	}
	return out
}

// Action is one thing to press: a link, or a form when Post is set.
type Action struct {
	Label, URL string
	Post       bool
}

// Frame is the phone around a page: what the holder chose, and how the phone
// is doing. A page of another party can copy its shape, never the picture and
// word.
type Frame struct {
	Base    string // path of this phone: /p/ID
	Name    string // what this phone is called in the list
	Picture string // one of PictureNames; "" before the holder chose
	Word    string
	Clock   string // 15:04
	NFC     bool
	Network bool
	Power   bool
	Nav     string // which of home, scan, history, settings this is
	Tapped  string // label of what is held to the phone now; "" = nothing
}
