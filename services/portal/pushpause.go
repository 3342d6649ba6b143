package portal

import (
	"sync"
	"time"
)

// How an address that does not take what it is sent is tried again: ever more seldom,
// and at last not at all. A push service that is away for a day loses nobody.
const (
	pauseFirst   = 15 * time.Second
	pauseLongest = 10 * time.Minute
	giveUpTries  = 12 // in a row
	giveUpAfter  = 24 * time.Hour
)

// pushPauses are the addresses that failed last. They are this process's own: after a
// restart each is tried once more, which costs little.
type pushPauses struct {
	mu sync.Mutex // guards all below
	of map[string]pushPause
}

type pushPause struct {
	tries  int
	since  time.Time // the first of them
	last   time.Time
	length time.Duration
}

// resting tells whether an address is left alone for now. A clock that was set back
// leaves none alone for longer than the longest pause.
func (b *pushPauses) resting(endpoint string, at time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, failed := b.of[endpoint]
	return failed && at.Before(p.last.Add(p.length)) && !at.Before(p.last.Add(-pauseLongest))
}

// failed notes that an address did not take it; over says that it is to be given up.
func (b *pushPauses) failed(endpoint string, at time.Time) (over bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.of[endpoint]
	if p.tries == 0 {
		p.since, p.length = at, pauseFirst
	} else {
		p.length = min(2*p.length, pauseLongest)
	}
	p.tries, p.last = p.tries+1, at
	if p.tries >= giveUpTries && at.Sub(p.since) >= giveUpAfter {
		delete(b.of, endpoint)
		return true
	}
	if b.of == nil {
		b.of = map[string]pushPause{}
	}
	b.of[endpoint] = p
	return false
}

// worked forgets what failed before; so does an address that is gone.
func (b *pushPauses) worked(endpoint string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.of, endpoint)
}
