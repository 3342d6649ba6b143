package reader

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"

	"tegata/internal/secret"
)

// A Token is what can be held to a reader: card.Card, either profile.
type Token interface {
	PowerOn()
	PowerOff()
	Reset()
	// ATR is the answer to reset, at most 33 bytes.
	ATR() []byte
	// Transmit answers one command; it must take any bytes.
	Transmit(command []byte) []byte
}

// Insert dials the slot at addr and serves t there until ctx ends or the slot
// hangs up; both end without an error. addr is a Reader's or that of the vpcd
// driver of a system's pcscd (127.0.0.1:35963).
func Insert(ctx context.Context, addr string, t Token) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("reader: insert: %w", err)
	}
	return Serve(ctx, conn, t)
}

// Serve is the card's side of a tap: it answers on conn for t until ctx ends or
// the other side hangs up, and closes conn. t is powered off when it returns. An
// error means that the other side did not keep to the protocol or that the
// connection broke.
func Serve(ctx context.Context, conn net.Conn, t Token) error {
	defer t.PowerOff()
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	// Debian's vpcd sends length and body in two segments; without quick
	// acknowledgement each command would wait 40 ms for ours. The kernel forgets
	// the option, so it is set again before each wait.
	ack := func() { quickAck(conn) }
	for {
		var more bool
		var err error
		secret.Within(func() { more, err = serveOne(ctx, conn, t, ack) }) // it may be VERIFY
		if !more {
			return err
		}
	}
}

// serveOne answers one message. more is false when the tap is over.
func serveOne(ctx context.Context, conn net.Conn, t Token, ack func()) (more bool, err error) {
	message, err := readFrame(conn, ack)
	switch {
	case ctx.Err() != nil, hungUp(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("reader: serve: %w", err)
	}
	answer, err := respond(t, message)
	if err != nil || answer == nil {
		return err == nil, err
	}
	if err := writeFrame(conn, answer); err != nil {
		if ctx.Err() != nil || hungUp(err) {
			return false, nil
		}
		return false, fmt.Errorf("reader: serve: %w", err)
	}
	return true, nil
}

// hungUp reports whether err is what one sees of a slot that went away, orderly
// or with its process.
func hungUp(err error) bool {
	return err == io.EOF || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// respond acts on one message; a nil answer is none.
func respond(t Token, message []byte) ([]byte, error) {
	if len(message) == 0 {
		return nil, fmt.Errorf("%w: 0 bytes", errFrame)
	}
	if len(message) == 1 {
		switch message[0] {
		case powerOff:
			t.PowerOff()
			return nil, nil
		case powerOn:
			t.PowerOn()
			return nil, nil
		case reset:
			t.Reset()
			return nil, nil
		case askATR:
			return t.ATR(), nil
		}
	}
	return t.Transmit(message), nil
}
