// Package clock is the time of a neighbourhood: the real time plus one offset
// that only grows, so that a sandbox can live a month in a second.
//
// It owns the offset and its file, and the walk forward that stops at each
// moment something is due. What is due, and doing it, is left to the parties
// (Work). In production the offset is zero and there is no file.
//
// # Trust
//
// Whoever can write the file can set the time of the sandbox. Production
// refuses an offset.
package clock

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"tegata/internal/durable"
)

// ErrBackwards comes from Advance when asked to go back.
var ErrBackwards = errors.New("clock: time goes forward only; a new sandbox is made in a new directory")

// Clock tells the time, UTC. Its methods may be called by many goroutines.
type Clock struct {
	real func() time.Time
	keep func(time.Duration) error // nil: the offset is not kept
	walk sync.Mutex                // held by the one who advances

	mu    sync.RWMutex // guards moved
	moved time.Duration
}

// System is the real time; nothing keeps an offset.
func System() *Clock { return &Clock{real: time.Now} }

// Fixed stands at t until it is advanced: for tests.
func Fixed(t time.Time) *Clock { return &Clock{real: func() time.Time { return t }} }

// state is the file's content.
type state struct {
	OffsetNanoseconds int64  `json:"offset_ns"`
	Offset            string `json:"offset"` // the same for people
}

// Create makes the file at path with a clock that shows start now: init begins
// years ago and walks forward. It refuses a file that exists.
func Create(path string, f durable.Files, start time.Time) (*Clock, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("clock: there is one already: %s", path)
	}
	c := at(path, f)
	c.moved = start.Sub(c.real())
	if err := c.keep(c.moved); err != nil {
		return nil, err
	}
	return c, nil
}

// Open reads the offset kept at path; without a file it is zero, and the file
// is made by the first Advance.
func Open(path string, f durable.Files) (*Clock, error) {
	c := at(path, f)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, fmt.Errorf("clock: %w", err)
	}
	var s state
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("clock: %s: %w", path, err)
	}
	c.moved = time.Duration(s.OffsetNanoseconds)
	return c, nil
}

func at(path string, f durable.Files) *Clock {
	return &Clock{real: time.Now, keep: func(d time.Duration) error {
		data, err := json.Marshal(state{int64(d), d.String()})
		if err != nil {
			return fmt.Errorf("clock: %w", err)
		}
		return f.WriteFile(path, append(data, '\n'), 0o600)
	}}
}

// Now is the real time plus the offset, UTC.
func (c *Clock) Now() time.Time { return c.real().Add(c.Offset()).UTC() }

// Offset is how far the clock is from the real time; negative only while init
// walks forward.
func (c *Clock) Offset() time.Duration {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.moved
}

// Advance sets the clock to to, durably, without looking at what is due on the
// way. It returns ErrBackwards when that was passed already.
func (c *Clock) Advance(to time.Time) error {
	c.walk.Lock()
	defer c.walk.Unlock()
	return c.set(to.Sub(c.real()))
}

// set keeps the offset before anybody is told the new time.
func (c *Clock) set(offset time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if offset < c.moved {
		return ErrBackwards
	}
	if c.keep != nil {
		if err := c.keep(offset); err != nil {
			return err
		}
	}
	c.moved = offset
	return nil
}
