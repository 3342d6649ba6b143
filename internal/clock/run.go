package clock

import (
	"context"
	"time"
)

// Run has due work done until ctx ends: all that is overdue at once, and then
// whatever falls due, looked at every so often in real time. failed is told of
// errors (it may be nil); the work stays due and is tried again. One Run serves
// all roles of a process, and it never works at the same time as a walk.
func (c *Clock) Run(ctx context.Context, every time.Duration, failed func(error), work ...Work) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		// One by one: a role whose database is away must not stop the others.
		for _, w := range work {
			if err := c.AdvanceThrough(ctx, 0, w); err != nil && ctx.Err() == nil && failed != nil {
				failed(err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
