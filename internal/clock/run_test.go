package clock_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tegata/internal/clock"
)

func TestRunDoesWorkAsItFallsDueAndOneThatFailsStopsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		c := clock.System()
		var did []string
		broken := &list{name: "broken", did: &did, due: []time.Time{now}, err: errors.New("the database is away")}
		good := &list{name: "good", did: &did, due: []time.Time{now.Add(-time.Hour), now.Add(90 * time.Second)}}
		failures := 0
		run := func(long time.Duration) {
			ctx, stop := context.WithTimeout(t.Context(), long)
			defer stop()
			c.Run(ctx, time.Second, func(error) { failures++ }, broken, good)
		}
		run(500 * time.Millisecond)
		if len(did) != 1 || failures != 1 {
			t.Errorf("at the start: did %v, %d failures", did, failures)
		}
		run(2 * time.Minute)
		if len(did) != 2 || failures < 100 {
			t.Errorf("after two minutes: did %v, %d failures", did, failures)
		}
	})
}
