// Package limit counts what one source sends, and says when it has sent too much.
//
// It owns the counters, in memory: an instance that starts again has forgotten them.
// What counts, and what a source is told, is its caller's.
//
// # Trust
//
// Sources are strangers': as many as there are addresses may come, so that only the
// latest ones are remembered.
package limit

import (
	"sync"

	"golang.org/x/time/rate"
)

// maxSources bounds what is remembered.
const maxSources = 10_000

// Sources counts by source: a burst, then some a second. Its methods may be called at
// once.
type Sources struct {
	perSecond rate.Limit
	burst     int

	mu      sync.Mutex // guards the rest
	sources map[string]*rate.Limiter
	order   []string // oldest first; bounds the map
}

// NewSources lets each source send burst at once, and perSecond a second after that.
func NewSources(perSecond float64, burst int) *Sources {
	return &Sources{perSecond: rate.Limit(perSecond), burst: burst, sources: map[string]*rate.Limiter{}}
}

// Open tells whether source may still send; it counts nothing and keeps nothing.
func (l *Sources) Open(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sources[source]
	return !ok || s.Tokens() >= 1
}

// Count counts one of source's, and tells whether it was still within the limit.
func (l *Sources) Count(source string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, ok := l.sources[source]
	if !ok {
		if len(l.order) == maxSources {
			delete(l.sources, l.order[0])
			l.order = l.order[1:]
		}
		s = rate.NewLimiter(l.perSecond, l.burst)
		l.sources[source] = s
		l.order = append(l.order, source)
	}
	return s.Allow()
}
