package reader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"
)

// ErrAddress says that an address is not that of a slot on this machine. A tap is in one
// room, and has no authentication.
var ErrAddress = errors.New("reader: not 127.0.0.1:PORT of this machine")

// dialTime is how long a slot may take to be reached.
const dialTime = 3 * time.Second

// Held is a token that is held to a slot, until somebody takes it away or the slot hangs
// up.
type Held struct {
	addr   string
	cancel context.CancelFunc
	done   chan struct{}
}

// OnThisMachine is nil for host and port of a loopback interface, and ErrAddress for any
// other address.
func OnThisMachine(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return ErrAddress
	}
	return nil
}

// Hold holds t to the slot at addr and returns once
// the slot was reached: the tap outlives ctx. over is told when it has ended, with what
// broke it, if anything did. ErrAddress; any other error is that the slot was not reached.
func Hold(ctx context.Context, addr string, t Token, over func(error)) (*Held, error) {
	if err := OnThisMachine(addr); err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reader: hold: %w", err)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h := &Held{addr: addr, cancel: cancel, done: make(chan struct{})}
	go func() { // ends with the tap: Release waits for it
		defer close(h.done)
		defer cancel()
		err := Serve(life, conn, t)
		if life.Err() != nil {
			err = nil // taken away
		}
		over(err)
	}()
	return h, nil
}

// Addr is where it is held.
func (h *Held) Addr() string { return h.addr }

// Done is closed when it is held no more, and over was told.
func (h *Held) Done() <-chan struct{} { return h.done }

// Release takes it away, and returns when it is.
func (h *Held) Release() {
	h.cancel()
	<-h.done
}
