package street

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"tegata/internal/trace"
)

// Limits of the trace. Events beyond are forgotten, oldest first.
const (
	ringEvents = 4000
	ringBytes  = 16 << 20 // bytes of text and PEM

	titleLimit  = 400     // bytes of a title
	detailLimit = 4 << 10 // bytes of one detail
	detailCount = 40
	pemLimit    = 64 << 10 // bytes
	checkLimit  = 4 << 10  // bytes
)

// entry is one event with the number under which its PEM is fetched.
type entry struct {
	ID   int64
	size int
	trace.Event
}

// ring keeps the last events, in the order of their time as far as they arrive
// nearly in order.
type ring struct {
	mu        sync.Mutex // guards all below
	entries   []entry
	next      int64
	bytes     int
	forgotten int64
	maxEvents int
	maxBytes  int
}

func newRing(events, bytes int) *ring {
	return &ring{next: 1, maxEvents: events, maxBytes: bytes}
}

// add cuts an event to size, blanks it, and keeps it.
func (r *ring) add(e trace.Event) int64 {
	e = trim(e)
	size := len(e.From) + len(e.To) + len(e.Kind) + len(e.TitleJA) + len(e.TitleEN) + len(e.PEM) + len(e.Check) + 64
	for k, v := range e.Detail {
		size += len(k) + len(v)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	id := r.next
	r.next++
	// Roles send by themselves, so an event may come after a later one: it
	// takes its place by time, the later number first among equals.
	at := len(r.entries)
	for at > 0 && r.entries[at-1].At.After(e.At) {
		at--
	}
	r.entries = slices.Insert(r.entries, at, entry{ID: id, size: size, Event: e})
	r.bytes += size
	drop := 0
	for len(r.entries)-drop > 1 && (len(r.entries)-drop > r.maxEvents || r.bytes > r.maxBytes) {
		r.bytes -= r.entries[drop].size
		r.forgotten++
		drop++
	}
	r.entries = slices.Delete(r.entries, 0, drop)
	return id
}

// all is a copy of what is kept, oldest first, and how many were forgotten.
func (r *ring) all() ([]entry, int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries), r.forgotten
}

// find is one event by its number.
func (r *ring) find(id int64) (entry, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		if e.ID == id {
			return e, true
		}
	}
	return entry{}, false
}

// trim is e within the limits. Details keep their first ones by name.
func trim(e trace.Event) trace.Event {
	e.From, e.To, e.Kind = cut(e.From, 40), cut(e.To, 40), cut(e.Kind, 40)
	e.TitleJA, e.TitleEN = cut(e.TitleJA, titleLimit), cut(e.TitleEN, titleLimit)
	e.Check = cut(e.Check, checkLimit)
	if len(e.PEM) > pemLimit {
		e.PEM = "" // half a PEM checks nothing
	}
	detail := make(map[string]string, len(e.Detail))
	for i, k := range slices.Sorted(maps.Keys(e.Detail)) {
		if i == detailCount {
			break
		}
		v := e.Detail[k]
		if e.Kind == "apdu" {
			v = blank(v)
		}
		detail[cut(k, 80)] = cut(v, detailLimit)
	}
	e.Detail = detail
	return e
}

// cut is s of at most n bytes, ending in … where something was left off.
func cut(s string, n int) string {
	s = strings.ToValidUTF8(s, "�")
	if len(s) <= n {
		return s
	}
	n -= len("…")
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}

// carriesSecret finds commands whose data is a PIN or password: VERIFY,
// CHANGE REFERENCE DATA and RESET RETRY COUNTER (ISO/IEC 7816-4, 11.6), in
// every class, in the short form with its data.
var carriesSecret = regexp.MustCompile(`(?i)^\s*([0-9a-f]{2})[ ]?(20|21|24|2c)[ ]?([0-9a-f]{2})[ ]?([0-9a-f]{2})[ ]?([0-9a-f]{2})[ ]?[0-9a-f]{2}`)

// blank hides the data of a command that carries a secret. The makers of
// events have done so already; this is the second lock on the same door.
func blank(s string) string {
	m := carriesSecret.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	return strings.ToUpper(strings.Join(m[1:6], " ")) + " ●●●●"
}
