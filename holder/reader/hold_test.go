package reader_test

import (
	"errors"
	"testing"
	"time"

	"tegata/holder/card/cardtest"
	"tegata/holder/reader"
)

func TestATokenIsHeldUntilItIsTakenAwayOrLetGo(t *testing.T) {
	r, token := listen(t), cardtest.New(t, cardtest.Options{}).Card
	over := make(chan error, 2)
	held := func() *reader.Held {
		t.Helper()
		h, err := reader.Hold(t.Context(), r.Addr(), token, func(err error) { over <- err })
		if err != nil {
			t.Fatal(err)
		}
		if h.Addr() != r.Addr() {
			t.Errorf("held to %s", h.Addr())
		}
		return h
	}
	h := held()
	tap := wait(t, r)
	select {
	case <-h.Done():
		t.Error("it was not taken away yet")
	default:
	}
	h.Release()
	removed(t, tap)
	if err := <-over; err != nil {
		t.Errorf("taking it away is no trouble: %v", err)
	}
	h.Release() // again is nothing

	h = held()
	wait(t, r).Close()
	select {
	case <-h.Done():
	case <-time.After(5 * time.Second):
		t.Fatal("let go, and still held")
	}
	if err := <-over; err != nil {
		t.Errorf("letting go is no trouble: %v", err)
	}
	for _, addr := range []string{"192.0.2.1:1", "localhost:1", "127.0.0.1", ""} {
		if _, err := reader.Hold(t.Context(), addr, token, nil); !errors.Is(err, reader.ErrAddress) {
			t.Errorf("%q: %v", addr, err)
		}
	}
	if _, err := reader.Hold(t.Context(), "127.0.0.1:1", token, nil); err == nil || errors.Is(err, reader.ErrAddress) {
		t.Errorf("nobody listens: %v", err)
	}
}
