package reader

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// A Reader is a terminal's slot. It holds one card at a time: while one is in,
// others that dial are hung up on. Until then it is the first of those that dial
// to say its ATR that is in: who dials and says nothing keeps no card out.
type Reader struct {
	listener net.Listener
	observe  func(Exchange)

	mu      sync.Mutex    // guards the fields below
	current *Tap          // nil while the slot is empty
	dialled []net.Conn    // have not said an ATR yet, oldest first; at most maxDialled
	changed chan struct{} // closed and replaced when current changes
	closed  bool
}

// powerTime is how long a card may take to say its ATR before the slot takes it
// for no card.
const powerTime = 5 * time.Second

// maxDialled is how many may be asked for their ATR at once; one more sends the
// oldest away.
const maxDialled = 8

// An Option adjusts a Reader.
type Option func(*Reader)

// Observe has f told of each exchange of each tap, in order. f must not block.
func Observe(f func(Exchange)) Option { return func(r *Reader) { r.observe = f } }

// Listen opens a slot at addr, host and port of a loopback interface; port 0
// takes a free one. Other interfaces are refused: a tap has no authentication.
func Listen(addr string, options ...Option) (*Reader, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("reader: listen: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("reader: listen: %s is not a loopback address", host)
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("reader: listen: %w", err)
	}
	r := &Reader{listener: l, changed: make(chan struct{})}
	for _, option := range options {
		option(r)
	}
	go r.accept()
	return r, nil
}

// Addr is where cards dial, as host:port.
func (r *Reader) Addr() string { return r.listener.Addr().String() }

// Close shuts the slot and ends the tap in it.
func (r *Reader) Close() error {
	err := r.listener.Close() // ends accept
	r.mu.Lock()
	r.closed = true
	tap := r.current
	r.sendAway(0)
	r.mu.Unlock()
	if tap != nil {
		tap.Close()
	}
	return err
}

// Current returns the tap in the slot, or nil.
func (r *Reader) Current() *Tap {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == nil || r.current.over() {
		return nil
	}
	return r.current
}

// Wait returns the tap in the slot, waiting for one until ctx ends.
func (r *Reader) Wait(ctx context.Context) (*Tap, error) {
	for {
		r.mu.Lock()
		tap, changed := r.current, r.changed
		r.mu.Unlock()
		if tap != nil && !tap.over() {
			return tap, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("reader: wait for a card: %w", ctx.Err())
		}
	}
}

// Changed is closed at the next change of Current; ask for it first, then look.
func (r *Reader) Changed() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.changed
}

// accept asks whoever dials for an ATR until the slot is shut.
func (r *Reader) accept() {
	for {
		conn, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.sendAway(maxDialled - 1)
		r.dialled = append(r.dialled, conn)
		r.mu.Unlock()
		go r.take(conn) // ends within powerTime, or with the slot
	}
}

// sendAway hangs up on the oldest of those who have not said an ATR, until at
// most so many are left. The caller holds mu.
func (r *Reader) sendAway(left int) {
	for len(r.dialled) > left {
		r.dialled[0].Close()
		r.dialled = r.dialled[1:]
	}
}

// goodbye is how long a card that dials waits for the one before it to be seen
// leaving: the two connections are not ordered.
const goodbye = 200 * time.Millisecond

func (r *Reader) free() bool {
	tap := r.Current()
	if tap == nil {
		return true
	}
	select {
	case <-tap.Removed():
		return true
	case <-time.After(goodbye):
		return false
	}
}

// take makes the card at conn current if it is the first to say its ATR, and
// empties the slot when it is removed.
func (r *Reader) take(conn net.Conn) {
	var tap *Tap
	if r.free() {
		ctx, cancel := context.WithTimeout(context.Background(), powerTime)
		defer cancel()
		tap, _ = newTap(ctx, conn, r.observe) // an error is no card; newTap has hung up
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.dialled = slices.DeleteFunc(r.dialled, func(c net.Conn) bool { return c == conn })
	switch {
	case tap == nil:
		conn.Close()
		return
	case r.closed, r.current != nil && !r.current.over():
		tap.Close()
		return
	}
	r.sendAway(0)
	r.set(tap)
	go r.empty(tap)
}

// empty empties the slot once tap is over.
func (r *Reader) empty(tap *Tap) {
	<-tap.Removed()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.current == tap {
		r.set(nil)
	}
}

// set changes what is in the slot. The caller holds mu.
func (r *Reader) set(tap *Tap) {
	r.current = tap
	close(r.changed)
	r.changed = make(chan struct{})
}
