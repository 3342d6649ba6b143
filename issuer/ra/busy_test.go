package ra

import (
	"context"
	"errors"
	"testing"
	"time"

	"tegata/internal/problem"
	"tegata/internal/secret"
)

// A stranger's flood of lock codes waits in line instead of taking the memory of
// the authority; whoever gives up waiting has neither asked the store nor lost a try.
func TestLockCodesAreComparedAFewAtATime(t *testing.T) {
	r := &RA{now: time.Now, comparing: make(chan struct{}, 1)}
	r.comparing <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var code string
	secret.GenerateLockCode().Reveal(func(b []byte) { code = string(b) })
	if _, err := r.Suspend(ctx, Suspension{BirthDate: "1980-02-17", LockCode: code}, "a"); !errors.Is(err, problem.Busy) {
		t.Errorf("got %v, want busy", err)
	}
}
