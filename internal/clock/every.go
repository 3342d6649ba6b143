package clock

import (
	"context"
	"time"
)

// Every calls do every so often in real time until ctx ends; failed is told of errors,
// and what do left undone it finds again. It is for outboxes, which wait for another
// party and must not hold up what Run does.
func Every(ctx context.Context, every time.Duration, do func(context.Context) error, failed func(error)) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := do(ctx); err != nil && ctx.Err() == nil {
			failed(err)
		}
	}
}
