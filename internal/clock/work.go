package clock

import (
	"context"
	"fmt"
	"time"
)

// Work is a role's timed work: applications that run out, phones that fell
// silent, lists to be signed.
type Work interface {
	// NextDue is the earliest moment at which something is to be done; false when
	// nothing is. Work that is overdue has a moment in the past.
	NextDue(ctx context.Context) (at time.Time, ok bool, err error)
	// RunDue does what is due at or before at. It may be called again for work
	// that is done already.
	RunDue(ctx context.Context, at time.Time) error
}

// maxIdleRounds is how often work may name the same moment after doing it.
const maxIdleRounds = 3

// AdvanceThrough moves the clock on by d and has everything done that falls due
// on the way, in the order of the moments, each with the clock standing at its
// moment. It returns when all is done, or at the first error with the clock
// where the work failed; the rest is due then and is done the next time. d may
// be 0: do what is overdue.
func (c *Clock) AdvanceThrough(ctx context.Context, d time.Duration, work ...Work) error {
	if d < 0 {
		return ErrBackwards
	}
	c.walk.Lock()
	defer c.walk.Unlock()
	target := c.Offset() + d // an offset, so that a walk to offset zero ends exactly there
	last, idle := make([]time.Time, len(work)), make([]int, len(work))
	for {
		i, due, found, err := earliest(ctx, work)
		if err != nil {
			return err
		}
		real := c.real()
		if !found || due.After(real.Add(target)) {
			break
		}
		if !due.Equal(last[i]) {
			last[i], idle[i] = due, 0
		} else if idle[i]++; idle[i] == maxIdleRounds {
			return fmt.Errorf("clock: %T still has work at %s after doing it", work[i], due.UTC().Format(time.RFC3339Nano))
		}
		if offset := due.Sub(real); offset > c.Offset() {
			if err := c.set(offset); err != nil {
				return err
			}
		}
		if err := work[i].RunDue(ctx, c.Now()); err != nil {
			return fmt.Errorf("clock: work due at %s: %w", due.UTC().Format(time.RFC3339), err)
		}
	}
	if target <= c.Offset() {
		return nil
	}
	return c.set(target)
}

// earliest asks everyone anew, since one's work can make another's.
func earliest(ctx context.Context, work []Work) (next int, due time.Time, found bool, err error) {
	for i, w := range work {
		at, ok, err := w.NextDue(ctx)
		if err != nil {
			return 0, time.Time{}, false, fmt.Errorf("clock: ask %T what is due: %w", w, err)
		}
		if ok && (!found || at.Before(due)) {
			next, due, found = i, at, true
		}
	}
	return next, due, found, nil
}
