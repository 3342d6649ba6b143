package pages

import (
	"sync"
	"time"

	"tegata/internal/secret"
	"tegata/internal/ui"
)

// draftLife is how long what was typed in one step waits for the next.
const draftLife = 15 * time.Minute

// A draft is what a person has entered of a registration and the phone does
// not have yet. It lives in this process only: after a restart the secrets are
// asked for again, everything else goes on where it was.
type draft struct {
	mu       sync.Mutex // guards all below
	touched  time.Time
	card     secret.Password // the card's, until the card has signed
	terms    string          // version agreed to
	pin      secret.PIN      // chosen for the phone
	trouble  *ui.Trouble     // shown once, by the next page
	outcomes map[string]outcome
}

// entered is a copy of what the steps need.
type entered struct {
	card  secret.Password
	terms string
	pin   secret.PIN
}

func (d *draft) entered() entered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return entered{d.card, d.terms, d.pin}
}

func (d *draft) change(f func(*draft)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

// forget drops every secret of the draft.
func (d *draft) forget() {
	d.change(func(d *draft) {
		d.card, d.pin, d.terms = secret.Password{}, secret.PIN{}, ""
	})
}

// said takes the trouble that the step before left. A screen that only asks
// whether anything is new leaves it to the one that the person will see: it may
// ask between the step's answer and the page that the answer leads to.
func (v *visit) said() *ui.Trouble {
	v.draft.mu.Lock()
	defer v.draft.mu.Unlock()
	t := v.draft.trouble
	if !ui.Polling(v.r) {
		v.draft.trouble = nil
	}
	return t
}

// drafts holds one draft a phone: a phone has one screen.
type drafts struct {
	mu    sync.Mutex // guards all below
	all   map[string]*draft
	sweep *time.Timer // draftLife after the last visit to any phone
}

func newDrafts() *drafts { return &drafts{all: make(map[string]*draft)} }

// of is the draft of a phone. What was entered into any phone longer ago than
// draftLife is gone: a page that somebody closed is never asked for again.
func (ds *drafts) of(id string, at time.Time) *draft {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.all[id]
	if d == nil {
		d = &draft{outcomes: make(map[string]outcome)}
		ds.all[id] = d
	}
	ds.drop(at)
	d.change(func(d *draft) { d.touched = at })
	// The hands of the machine's clock, so that it goes without a visit too. The
	// phones' clock may be turned; whichever is first.
	if ds.sweep == nil {
		ds.sweep = time.AfterFunc(draftLife, ds.forgetAll)
	} else {
		ds.sweep.Reset(draftLife)
	}
	return d
}

// drop empties every draft that is too old at a moment.
func (ds *drafts) drop(at time.Time) {
	for _, d := range ds.all {
		d.mu.Lock()
		old := at.Sub(d.touched) > draftLife
		d.mu.Unlock()
		if old {
			d.forget()
			d.change(func(d *draft) { d.trouble, d.outcomes = nil, make(map[string]outcome) })
		}
	}
}

// forgetAll drops what was typed when nobody came for draftLife.
func (ds *drafts) forgetAll() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, d := range ds.all {
		d.forget()
	}
}
