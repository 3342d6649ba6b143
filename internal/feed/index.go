package feed

import (
	"sync"
	"time"

	"tegata/internal/jws"
)

// skew is how far in the future a batch's moment may lie.
const skew = 30 * time.Second

// An Index is a follower's copy of the feed. The zero value has nothing and is
// stale. It is safe for concurrent use.
type Index struct {
	mu      sync.RWMutex // guards everything below
	issuer  string
	entries map[key]Entry
	seq     uint64
	hash    string // of the last batch that was not empty
	at      time.Time
	partial bool   // in the middle of a snapshot
	floor   uint64 // the highest sequence this follower ever saw, kept over restarts
	next    *Index // a snapshot being read while the old index goes stale
}

type key struct{ authority, serial string }

// NewIndex returns an empty index that refuses a snapshot ending before floor:
// the highest sequence that was seen before a restart.
func NewIndex(issuer string, floor uint64) *Index { return &Index{issuer: issuer, floor: floor} }

// Position returns what the next call to the issuer must name: the sequence and
// the hash of the last batch; 0 and "" ask for a snapshot.
func (x *Index) Position() (after uint64, prev string) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.next != nil {
		return x.next.seq, x.next.hash
	}
	return x.seq, x.hash
}

// Restart forgets the position so that the next batch is a snapshot. What is
// known goes on answering until it is stale.
func (x *Index) Restart() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.next = &Index{issuer: x.issuer, floor: max(x.floor, x.seq)}
}

// Apply takes in a batch whose signature and path the caller has checked.
// ErrGap: it does not continue what is here; the caller restarts. ErrBack: it is
// older than what was seen. ErrOtherIssuer: it is not this feed's. After an error the
// index is unchanged.
func (x *Index) Apply(m *jws.Message[Batch], at time.Time) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.next != nil {
		if err := x.next.apply(m, at); err != nil {
			return err
		}
		if !x.next.partial {
			n := x.next
			x.entries, x.seq, x.hash, x.at, x.partial, x.floor, x.next = n.entries, n.seq, n.hash, n.at, false, n.floor, nil
		}
		return nil
	}
	return x.apply(m, at)
}

func (x *Index) apply(m *jws.Message[Batch], at time.Time) error {
	b := m.Unverified()
	moment := time.UnixMilli(b.AtMS)
	if b.Issuer != x.issuer {
		return ErrOtherIssuer
	}
	if b.From != x.seq || b.Prev != x.hash {
		return ErrGap
	}
	if b.Snapshot && x.seq != 0 && !x.partial || !b.Snapshot && x.partial {
		return ErrGap
	}
	if moment.Before(x.at) || moment.After(at.Add(skew)) {
		return ErrBack
	}
	if b.Snapshot && !b.More && b.To < x.floor {
		return ErrBack
	}
	if moment.Add(MaxAge).Before(at) {
		return ErrStale // a recorded batch, played back later
	}
	if x.entries == nil {
		x.entries = make(map[key]Entry, len(b.Entries))
	}
	for _, e := range b.Entries {
		x.entries[key{e.Authority, e.Serial}] = e
	}
	x.at, x.partial = moment, b.More
	if b.Snapshot || b.To > b.From {
		x.seq, x.hash = b.To, m.Hash()
	}
	x.floor = max(x.floor, x.seq)
	return nil
}

// Lookup returns the state of one certificate as of at. ErrStale when the index
// is older than MaxAge or still being read; false when the feed does not know
// the certificate.
func (x *Index) Lookup(authority, serial string, at time.Time) (Entry, time.Time, bool, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if err := x.fresh(at); err != nil {
		return Entry{}, time.Time{}, false, err
	}
	e, ok := x.entries[key{authority, serial}]
	return e, x.at, ok, nil
}

// Health describes the index to an operator.
type Health struct {
	Fresh   bool      `json:"fresh"`
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"` // of the last batch; zero when there was none
	Entries int       `json:"entries"`
}

// Health returns the state of the index as of at.
func (x *Index) Health(at time.Time) Health {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return Health{Fresh: x.fresh(at) == nil, Seq: x.seq, At: x.at, Entries: len(x.entries)}
}

func (x *Index) fresh(at time.Time) error {
	if x.entries == nil || x.partial || at.Sub(x.at) > MaxAge || x.at.Sub(at) > skew {
		return ErrStale
	}
	return nil
}
