package reader_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card/cardtest"
	"tegata/holder/reader"
)

func listen(t *testing.T, options ...reader.Option) *reader.Reader {
	t.Helper()
	r, err := reader.Listen("127.0.0.1:0", options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// insert holds token to r; the result takes it away and returns Insert's error.
func insert(t *testing.T, r *reader.Reader, token reader.Token) (takeAway func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- reader.Insert(ctx, r.Addr(), token) }()
	takeAway = sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { takeAway() })
	return takeAway
}

func wait(t *testing.T, r *reader.Reader) *reader.Tap {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tap, err := r.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return tap
}

func removed(t *testing.T, tap *reader.Tap) {
	t.Helper()
	select {
	case <-tap.Removed():
	case <-time.After(5 * time.Second):
		t.Fatal("nobody noticed that the card was taken away")
	}
}

var selectJPKI = apdu.Command{INS: apdu.InsSelect, P1: 4, P2: 0x0C, Data: apdu.JPKIAID(), Le: apdu.NoLe}.Bytes()

func TestACardIsHeldToATerminalAndTakenAway(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	r := listen(t)
	if r.Current() != nil {
		t.Fatal("there is a card in an empty slot")
	}
	takeAway := insert(t, r, made.Card)
	tap := wait(t, r)
	if !bytes.Equal(tap.ATR(), made.Card.ATR()) || r.Current() != tap {
		t.Errorf("ATR %X", tap.ATR())
	}
	answer, err := tap.Transmit(t.Context(), selectJPKI)
	if err != nil || !bytes.Equal(answer, []byte{0x90, 0x00}) {
		t.Fatalf("got %X, %v", answer, err)
	}
	if err := tap.Reset(t.Context()); err != nil {
		t.Fatal(err)
	}
	if answer, err := tap.Transmit(t.Context(), []byte{0, 0xA4, 2, 0x0C, 2, 0, 6}); err != nil || !bytes.Equal(answer, []byte{0x6A, 0x82}) {
		t.Errorf("after a reset the application is still selected: %X, %v", answer, err)
	}
	if err := takeAway(); err != nil {
		t.Errorf("the card's side: %v", err)
	}
	removed(t, tap)
	if _, err := tap.Transmit(t.Context(), selectJPKI); !errors.Is(err, reader.ErrCardRemoved) {
		t.Errorf("got %v, want ErrCardRemoved", err)
	}
	if err := tap.Reset(t.Context()); !errors.Is(err, reader.ErrCardRemoved) {
		t.Errorf("got %v, want ErrCardRemoved", err)
	}
	if r.Current() != nil {
		t.Error("the slot is not empty")
	}
}

func TestHoldingTheCardAgainIsANewTap(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	r := listen(t)
	var last *reader.Tap
	for range 5 {
		takeAway := insert(t, r, made.Card)
		tap := wait(t, r)
		if tap == last {
			t.Fatal("the old tap came back")
		}
		if _, err := tap.Transmit(t.Context(), selectJPKI); err != nil {
			t.Fatal(err)
		}
		if err := takeAway(); err != nil {
			t.Fatal(err)
		}
		removed(t, tap)
		last = tap
	}
}

func TestASlotHoldsOneCard(t *testing.T) {
	first, second := cardtest.New(t, cardtest.Options{}), cardtest.New(t, cardtest.Options{})
	r := listen(t)
	insert(t, r, first.Card)
	tap := wait(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := reader.Insert(ctx, r.Addr(), second.Card); err != nil || ctx.Err() != nil {
		t.Fatalf("the second card was not sent away: %v", err)
	}
	if r.Current() != tap {
		t.Error("the second card took the slot")
	}
	if _, err := tap.Transmit(t.Context(), selectJPKI); err != nil {
		t.Error(err)
	}
}

func TestTheTerminalEndsATap(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	r := listen(t)
	done := make(chan error, 1)
	go func() { done <- reader.Insert(t.Context(), r.Addr(), made.Card) }()
	tap := wait(t, r)
	changed := r.Changed()
	tap.Close()
	if err := <-done; err != nil {
		t.Errorf("the card's side: %v", err)
	}
	<-changed
	go func() { done <- reader.Insert(t.Context(), r.Addr(), made.Card) }()
	tap = wait(t, r)
	r.Close()
	removed(t, tap)
	if err := <-done; err != nil {
		t.Errorf("the card's side: %v", err)
	}
	if err := reader.Insert(t.Context(), r.Addr(), made.Card); err == nil {
		t.Error("a card went into a slot that is shut")
	}
}

func TestATapIsOverWhenNobodyWaitsForTheAnswer(t *testing.T) {
	slow := &slowToken{release: make(chan struct{})}
	r := listen(t)
	insert(t, r, slow)
	tap := wait(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := tap.Transmit(ctx, selectJPKI); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the deadline", err)
	}
	close(slow.release)
	removed(t, tap)
	if _, err := tap.Transmit(t.Context(), selectJPKI); !errors.Is(err, reader.ErrCardRemoved) {
		t.Errorf("got %v, want ErrCardRemoved", err)
	}
}

// slowToken answers when it is released.
type slowToken struct{ release chan struct{} }

func (*slowToken) PowerOn()    {}
func (*slowToken) PowerOff()   {}
func (*slowToken) Reset()      {}
func (*slowToken) ATR() []byte { return []byte{0x3B, 0x00} }
func (s *slowToken) Transmit([]byte) []byte {
	<-s.release
	return []byte{0x90, 0x00}
}

func TestWhatIsNoCommandIsNotSent(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	r := listen(t)
	insert(t, r, made.Card)
	tap := wait(t, r)
	for _, b := range [][]byte{nil, {0x00}, {0x01}, {0, 0xA4, 4}, make([]byte, 65536)} {
		if _, err := tap.Transmit(t.Context(), b); !errors.Is(err, apdu.ErrLength) {
			t.Errorf("%d bytes: got %v, want ErrLength", len(b), err)
		}
	}
	if _, err := tap.Transmit(t.Context(), selectJPKI); err != nil {
		t.Errorf("and the tap goes on: %v", err)
	}
}

func TestAnObserverSeesEachExchangeWithoutSecretsInPrint(t *testing.T) {
	made := cardtest.New(t, cardtest.Options{})
	var mu sync.Mutex
	var seen []string
	r := listen(t, reader.Observe(func(e reader.Exchange) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, e.Command.String())
		if e.Response.SW != apdu.SWOK {
			t.Errorf("%v: %04X", e.Command, e.Response.SW)
		}
	}))
	insert(t, r, made.Card)
	tap := wait(t, r)
	tap.Transmit(t.Context(), selectJPKI)
	tap.Transmit(t.Context(), []byte{0, 0x20, 0, 0x98, 4, '1', '3', '5', '7'})
	mu.Lock()
	defer mu.Unlock()
	want := []string{"00 A4 04 0C Lc=10 D392F000260100000001", "00 20 00 98 [secret]"}
	if len(seen) != 2 || seen[0] != want[0] || seen[1] != want[1] {
		t.Errorf("got %q, want %q", seen, want)
	}
}

func TestASlotIsOnTheLoopbackInterface(t *testing.T) {
	for _, addr := range []string{"0.0.0.0:0", "[::]:0", "192.0.2.1:0", ":0", "example.com:0", "127.0.0.1"} {
		if r, err := reader.Listen(addr); err == nil {
			r.Close()
			t.Errorf("listens on %s", addr)
		}
	}
}

// A stranger who dials a slot and speaks out of turn, too long or not at all.
func TestStrangersAtASlot(t *testing.T) {
	for name, said := range map[string][]byte{
		"hangs up":                  nil,
		"an empty ATR":              {0, 0},
		"an ATR of 34 bytes":        append([]byte{0, 34}, make([]byte, 34)...),
		"half a message":            {0, 9, 1},
		"two answers to a question": {0, 2, 0x3B, 0, 0, 2, 0x90, 0},
	} {
		t.Run(name, func(t *testing.T) {
			r := listen(t)
			conn, err := net.Dial("tcp", r.Addr())
			if err != nil {
				t.Fatal(err)
			}
			conn.Write(said)
			conn.(*net.TCPConn).CloseWrite()
			conn.SetReadDeadline(time.Now().Add(5 * time.Second))
			// What was not read when a side hangs up resets the connection.
			if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("not hung up on: %v", err)
			}
			made := cardtest.New(t, cardtest.Options{})
			insert(t, r, made.Card)
			for { // the next card finds the slot free
				tap := wait(t, r)
				if bytes.Equal(tap.ATR(), made.Card.ATR()) {
					return
				}
				removed(t, tap)
			}
		})
	}
}

// Whoever dials and says nothing keeps no card out, however many they are; a card
// that takes its time is still waited for.
func TestSilentStrangersKeepNoCardOut(t *testing.T) {
	r := listen(t)
	var silent []net.Conn
	for range 20 {
		conn, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent = append(silent, conn)
	}
	made := cardtest.New(t, cardtest.Options{})
	began := time.Now()
	insert(t, r, slowStart{made.Card})
	tap := wait(t, r)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("the card was in after %v", took)
	}
	if _, err := tap.Transmit(t.Context(), selectJPKI); err != nil {
		t.Error(err)
	}
	for i, conn := range silent {
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the silent one number %d is still there", i)
		}
	}
}

// slowStart is a card that says its ATR late.
type slowStart struct{ reader.Token }

func (s slowStart) ATR() []byte {
	time.Sleep(700 * time.Millisecond)
	return s.Token.ATR()
}

func TestThisBuildKnowsWhetherItHasPCSC(t *testing.T) {
	if _, err := reader.ListPCSC(); err != nil && !errors.Is(err, reader.ErrNoPCSC) {
		t.Logf("no smart card service here: %v", err)
	}
}
