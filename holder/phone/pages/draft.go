package pages

import (
	"net/url"
	"sync"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/internal/ui"
)

// draftLife is how long what was typed in one step waits for the next.
const draftLife = 15 * time.Minute

// A draft is what a person has entered of a registration and the phone does
// not have yet. It lives in this process only: after a restart the secrets are
// asked for again, everything else goes on where it was.
type draft struct {
	turn sync.Mutex // held while a form is worked on: what was pressed next waits for what came of it

	mu        sync.Mutex // guards all below
	touched   time.Time
	card      secret.Password   // the card's, until the card has signed
	cardPIN   secret.PIN        // the card's, until the card has said what it was typed for
	cardFor   walk              // that it was typed for
	terms     string            // version agreed to
	pin       secret.PIN        // chosen for the phone
	creation  *element.Creation // of biometrics, until the platform's lock has answered
	receipt   *phone.Receipt    // of another phone that a card revoked here, until the page is left alone
	loosening *phone.Loosening  // opened, for the card to confirm
	confirmed *phone.Loosening  // the one that cardPIN was typed for, when it was for that
	loosened  bool              // and it has: whoever presses once more is told so
	address   string            // to which notices shall go: typed, for the card to confirm
	addressAt time.Time         // when notices begin to go there: accepted
	addressOK string            // the one that cardPIN was typed for, when it was for that
	left      left              // by the last form
	failed    *failure          // what the page of a problem shows
	outcomes  map[string]outcome
	forms     map[string]form // those that compare a secret, by the path of their page
}

func newDraft() *draft { return &draft{outcomes: map[string]outcome{}, forms: map[string]form{}} }

// left is what a form left for the page that it led to. That page says it until the
// person sees another one, so that a reload, or the other language, says the same.
type left struct {
	path    string // of that page, below the phone's own
	query   url.Values
	trouble *ui.Trouble
	wrong   map[string]string // what was wrong with a field: a key of the catalogue
	entered url.Values        // what was entered and is no secret
	seen    bool              // by the person
}

// entered is a copy of what the steps need.
type entered struct {
	card     secret.Password
	cardPIN  secret.PIN
	cardFor  walk
	terms    string
	pin      secret.PIN
	creation *element.Creation
}

func (d *draft) entered() entered {
	d.mu.Lock()
	defer d.mu.Unlock()
	return entered{d.card, d.cardPIN, d.cardFor, d.terms, d.pin, d.creation}
}

func (d *draft) change(f func(*draft)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

// forget drops every secret of the draft.
func (d *draft) forget() {
	d.change(func(d *draft) {
		d.card, d.cardPIN, d.confirmed, d.pin, d.terms, d.creation = secret.Password{}, secret.PIN{}, nil, secret.PIN{}, "", nil
		d.addressOK = ""
	})
}

// said is what a form left for this page.
func (v *visit) said() left {
	v.draft.mu.Lock()
	defer v.draft.mu.Unlock()
	if v.draft.left.path != v.path() {
		return left{}
	}
	return v.draft.left
}

// saw marks what this page said as seen, and drops what was left for another: the
// person has gone on. A screen that only asks whether anything is new sees nothing:
// it may ask between the answer of a form and the page that this leads to.
func (v *visit) saw() {
	if ui.Polling(v.r) {
		return
	}
	v.draft.change(func(d *draft) {
		if d.left.path != v.path() {
			d.left = left{}
		}
		d.left.seen = true
	})
}

// tell keeps what a form has to say for the page at l.path, and goes there: a page
// that answered a form itself would send it again at a reload, and could not be
// come back to.
func (v *visit) tell(l left) {
	v.draft.change(func(d *draft) { d.left = l })
	to := l.path
	if len(l.query) > 0 {
		to += "?" + l.query.Encode()
	}
	v.goTo(to)
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
		d = newDraft()
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
			d.change(func(d *draft) {
				d.left, d.failed, d.receipt, d.loosening, d.loosened, d.address = left{}, nil, nil, nil, false, ""
				d.addressAt = time.Time{}
				clear(d.outcomes)
				clear(d.forms)
			})
		}
	}
}

// forgetAll drops what was typed when nobody came for draftLife.
func (ds *drafts) forgetAll() {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	for _, d := range ds.all {
		d.forget()
		d.change(func(d *draft) { d.address = "" }) // nobody's business but the person's either
	}
}
