package desk

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
	"time"

	"tegata/holder/reader"
)

// MaxWaiting is how many browsers wait for a card at once. Of one more, the one that has
// waited longest stops.
const MaxWaiting = 8

// numberRests is how long, after its time is over, an entry's number is nobody else's:
// whoever types it late, or from the page of an entry that was dropped, lets nobody in.
const numberRests = 30 * time.Second

// entry is a browser that waits for a card, or that waited and whose number rests.
type entry struct {
	browser [32]byte
	number  string // two digits that this browser alone shows
	until   time.Time
	before  *reader.Tap // what lay in the reader already
	wrong   error       // why the last attempt failed, when another is allowed
	over    error       // why it waits no more; nil while it does
}

// Begin has a browser wait for a card, and returns its new token. earlier is the token
// that it has already, or "". Errors: ErrTaken, ErrCrowded.
func (d *Desk) Begin(earlier string) (token string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.config.Now()
	if s := d.live(); s != nil && s.browser != hash(earlier) {
		return "", ErrTaken
	}
	d.leave(hash(earlier))
	d.entries = slices.DeleteFunc(d.entries, func(e *entry) bool { return !now.Before(e.until.Add(numberRests)) })
	waiting := d.waiting(now)
	number, err := d.number(waiting)
	if err != nil {
		return "", err
	}
	if len(waiting) >= MaxWaiting {
		waiting[0].over = ErrCrowded
	}
	token = rand.Text()
	d.entries = append(d.entries, &entry{browser: hash(token), number: number, until: now.Add(EntryTime), before: d.config.Reader.Current()})
	return token, nil
}

// Leave ends what a browser has here.
func (d *Desk) Leave(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.leave(hash(token))
}

// leave is Leave. The caller holds mu.
func (d *Desk) leave(browser [32]byte) {
	if e := d.entryOf(browser); e != nil {
		e.over = ErrNotSignedIn
	}
	if d.session != nil && d.session.browser == browser {
		d.session = nil
	}
}

// entryOf is a browser's entry, nil for none. The caller holds mu.
func (d *Desk) entryOf(browser [32]byte) *entry {
	i := slices.IndexFunc(d.entries, func(e *entry) bool { return e.browser == browser })
	if i < 0 {
		return nil
	}
	return d.entries[i]
}

// waiting are the browsers that wait, that which has waited longest first. The caller
// holds mu.
func (d *Desk) waiting(now time.Time) []*entry {
	var out []*entry
	for _, e := range d.entries {
		if e.over == nil && now.Before(e.until) {
			out = append(out, e)
		}
	}
	return out
}

// numbered is the browser that waits with a number for what lies in the reader since
// after it began; nil for none.
func (d *Desk) numbered(number string, tap *reader.Tap, now time.Time) *entry {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, e := range d.waiting(now) {
		if e.number == number && e.before != tap {
			return e
		}
	}
	return nil
}

// number draws one that no entry has, and while there is one, one that differs in both
// digits from those of who waits: a slip of one key leads to nobody. The caller holds mu.
// ErrCrowded when all rest.
func (d *Desk) number(waiting []*entry) (string, error) {
	var free, far []string
	for n := range 100 {
		s := fmt.Sprintf("%02d", n)
		if slices.ContainsFunc(d.entries, func(e *entry) bool { return e.number == s }) {
			continue
		}
		free = append(free, s)
		if !slices.ContainsFunc(waiting, func(e *entry) bool { return e.number[0] == s[0] || e.number[1] == s[1] }) {
			far = append(far, s)
		}
	}
	if len(far) > 0 {
		free = far
	}
	if len(free) == 0 {
		return "", ErrCrowded
	}
	n, err := rand.Int(rand.Reader, big.NewInt(int64(len(free))))
	if err != nil {
		return "", fmt.Errorf("desk: draw a number: %w", err)
	}
	return free[n.Int64()], nil
}
