package reader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"tegata/holder/apdu"
)

// ErrCardRemoved says that the card or phone was taken away.
var ErrCardRemoved = errors.New("reader: the card was taken away")

// A Tap is one card or phone at a terminal, from when it is held there until it
// is taken away. All methods may be called from any goroutine; one command is
// under way at a time.
type Tap struct {
	link    link
	atr     []byte
	removed chan struct{} // closed once
	observe func(Exchange)

	mu sync.Mutex // one command at a time
}

// An Exchange is one command and its answer, for those who show a person what
// happened. Printing its Command blanks secrets.
type Exchange struct {
	Command  apdu.Command
	Response apdu.Response
}

// link is what a tap goes over: a vpcd connection, or a PC/SC handle.
type link interface {
	// transmit answers one command. Any error means that the tap is over.
	transmit(ctx context.Context, command []byte) ([]byte, error)
	reset(ctx context.Context) error
	close()
}

// ATR is the answer to reset.
func (t *Tap) ATR() []byte { return t.atr }

// Removed is closed when the tap is over.
func (t *Tap) Removed() <-chan struct{} { return t.removed }

// Transmit sends one command and returns the answer, at least a status word.
// When ctx ends first the tap is over, since nobody would know which command a
// late answer belongs to. ErrCardRemoved when the tap is over, whyever;
// apdu.ErrLength, and nothing sent, for what cannot be a command.
func (t *Tap) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	if len(command) < 4 || len(command) > maxFrame { // shorter ones speak to the slot
		return nil, fmt.Errorf("reader: transmit: %w", apdu.ErrLength)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	defer context.AfterFunc(ctx, t.link.close)()
	answer, err := t.link.transmit(ctx, command)
	if err == nil && len(answer) < 2 {
		err = errors.New("the answer has no status word")
	}
	if err != nil {
		t.link.close()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("reader: transmit: %w", ctx.Err())
		}
		return nil, fmt.Errorf("%w (%v)", ErrCardRemoved, err)
	}
	t.tell(command, answer)
	return answer, nil
}

// Reset is a warm reset: what was verified is forgotten.
func (t *Tap) Reset(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.usable(ctx); err != nil {
		return err
	}
	if err := t.link.reset(ctx); err != nil {
		t.link.close()
		return fmt.Errorf("%w (%v)", ErrCardRemoved, err)
	}
	return nil
}

// Close ends the tap from the terminal's side.
func (t *Tap) Close() { t.link.close() }

func (t *Tap) usable(ctx context.Context) error {
	if t.over() {
		return ErrCardRemoved
	}
	return ctx.Err()
}

func (t *Tap) over() bool {
	select {
	case <-t.removed:
		return true
	default:
		return false
	}
}

func (t *Tap) tell(command, answer []byte) {
	if t.observe == nil {
		return
	}
	c, err := apdu.ParseCommand(command)
	if err != nil {
		return // what is no command is not told: it may be a part of one
	}
	if r, err := apdu.ParseResponse(answer); err == nil {
		t.observe(Exchange{Command: c, Response: r})
	}
}

// A wire is a link over a vpcd connection.
type wire struct {
	conn    net.Conn
	answers chan []byte // from listen, one for each question
	removed chan struct{}
	asked   chan struct{} // holds a token while a question is open
	once    sync.Once
}

// newTap powers the card on the other side of conn and asks for its ATR.
func newTap(ctx context.Context, conn net.Conn, observe func(Exchange)) (*Tap, error) {
	w := &wire{conn: conn, answers: make(chan []byte, 1), removed: make(chan struct{}), asked: make(chan struct{}, 1)}
	go w.listen()
	if err := writeFrame(conn, []byte{powerOn}); err != nil {
		w.close()
		return nil, err
	}
	atr, err := w.ask(ctx, []byte{askATR})
	if err == nil && (len(atr) == 0 || len(atr) > 33) { // ISO/IEC 7816-3, 8.2.1
		err = fmt.Errorf("reader: an answer to reset of %d bytes", len(atr))
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return &Tap{link: w, atr: atr, removed: w.removed, observe: observe}, nil
}

// listen receives answers until the card hangs up, which it thereby notices at
// once. An answer without a question ends the tap. The goroutine ends with it.
func (w *wire) listen() {
	defer close(w.removed)
	defer w.close()
	for {
		answer, err := readFrame(w.conn, nil)
		if err != nil {
			return
		}
		select {
		case <-w.asked:
			w.answers <- answer
		default:
			return
		}
	}
}

func (w *wire) ask(ctx context.Context, question []byte) ([]byte, error) {
	select {
	case w.asked <- struct{}{}:
	default:
		return nil, errors.New("reader: a question is open")
	}
	if err := writeFrame(w.conn, question); err != nil {
		return nil, err
	}
	select {
	case answer := <-w.answers:
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.removed:
		select { // the last answer may have come just before
		case answer := <-w.answers:
			return answer, nil
		default:
			return nil, ErrCardRemoved
		}
	}
}

func (w *wire) transmit(ctx context.Context, command []byte) ([]byte, error) {
	return w.ask(ctx, command)
}

func (w *wire) reset(context.Context) error { return writeFrame(w.conn, []byte{reset}) }

func (w *wire) close() { w.once.Do(func() { w.conn.Close() }) }
