package gateway

import (
	"sync"

	"golang.org/x/time/rate"
)

// Failed answers that one source may send: a burst, then a few a second. Answers
// that pass do not count, so that an office behind one address is not locked out
// by its size.
const (
	failuresPerSecond = 1
	failureBurst      = 60
	maxSources        = 10_000
)

// limiter is the rate counter that a failed answer changes, and nothing else.
type limiter struct {
	mu      sync.Mutex // guards the rest
	sources map[string]*rate.Limiter
	order   []string // oldest first; bounds the map
}

func newLimiter() *limiter { return &limiter{sources: map[string]*rate.Limiter{}} }

// open tells whether source may still send answers; it counts nothing and keeps
// nothing.
func (l *limiter) open(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sources[source]
	return !ok || s.Tokens() >= 1
}

// failed counts one failed answer of source.
func (l *limiter) failed(source string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sources[source]
	if !ok {
		if len(l.order) == maxSources {
			delete(l.sources, l.order[0])
			l.order = l.order[1:]
		}
		s = rate.NewLimiter(failuresPerSecond, failureBurst)
		l.sources[source] = s
		l.order = append(l.order, source)
	}
	s.Allow()
}
