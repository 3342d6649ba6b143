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

// said takes the trouble that the step before left.
func (d *draft) said() *ui.Trouble {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.trouble
	d.trouble = nil
	return t
}

// drafts holds one draft a phone: a phone has one screen.
type drafts struct {
	mu  sync.Mutex // guards all
	all map[string]*draft
}

func newDrafts() *drafts { return &drafts{all: make(map[string]*draft)} }

// of is the draft of a phone; what was entered longer ago than draftLife is
// gone.
func (ds *drafts) of(id string, at time.Time) *draft {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	d := ds.all[id]
	if d == nil {
		d = &draft{outcomes: make(map[string]outcome)}
		ds.all[id] = d
	}
	d.mu.Lock()
	old := at.Sub(d.touched) > draftLife
	d.touched = at
	d.mu.Unlock()
	if old {
		d.forget()
		d.change(func(d *draft) { d.trouble, d.outcomes = nil, make(map[string]outcome) })
	}
	return d
}
