package handover_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/card"
	"tegata/holder/card/cardtest"
	"tegata/holder/element"
	"tegata/holder/reader"
	"tegata/holder/reader/handover"
)

const uri = "https://verifier.example/r/AAAAAAAAAAAAAAAAAAAAAA"

func listen(t *testing.T) *reader.Reader {
	t.Helper()
	r, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

// hold holds t to the slot; the tap is over when the channel is closed.
func hold(t *testing.T, slot *reader.Reader, token reader.Token) *reader.Held {
	t.Helper()
	h, err := reader.Hold(t.Context(), slot.Addr(), token, func(error) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Release)
	return h
}

func ended(t *testing.T, h *reader.Held) {
	t.Helper()
	select {
	case <-h.Done():
	case <-time.After(5 * time.Second):
		t.Error("the terminal does not let go")
	}
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// phone is an element whose wallet answers sw.
func phone(t *testing.T, sw uint16) (*card.Card, *[]string) {
	got := &[]string{}
	return cardtest.NewPhone(t, element.NewWallet(func(address string) uint16 {
		*got = append(*got, address)
		return sw
	})).Card, got
}

func TestThePhoneComesAfterTheTerminalBeganToWait(t *testing.T) {
	slot := listen(t)
	done := make(chan error, 1)
	go func() { done <- handover.Request(soon(t), slot, uri) }()
	token, got := phone(t, apdu.SWOK)
	h := hold(t, slot, token)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	ended(t, h)
	if !slices.Equal(*got, []string{uri}) {
		t.Errorf("received %q", *got)
	}
}

func TestWhatATerminalIsTold(t *testing.T) {
	slot := listen(t)
	busy, _ := phone(t, apdu.SWConditions)
	odd, _ := phone(t, apdu.SWMemoryFailure)
	for name, c := range map[string]struct {
		token reader.Token
		want  error
	}{
		"an ID card":               {cardtest.New(t, cardtest.Options{}).Card, handover.ErrNoWallet},
		"a phone without a wallet": {cardtest.NewPhone(t).Card, handover.ErrNoWallet},
		"a phone that takes none":  {busy, handover.ErrNotTaken},
		"a phone taken away early": {answers{busy, []byte{0x90}}, handover.ErrRemoved},
	} {
		t.Run(name, func(t *testing.T) {
			h := hold(t, slot, c.token)
			if err := handover.Request(soon(t), slot, uri); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			ended(t, h)
		})
	}
	h := hold(t, slot, odd)
	if err := handover.Request(soon(t), slot, uri); !apdu.IsStatus(err, apdu.SWMemoryFailure) || errors.Is(err, handover.ErrNoWallet) || errors.Is(err, handover.ErrNotTaken) {
		t.Errorf("an answer that no phone gives: %v", err)
	}
	ended(t, h)
	for _, address := range []string{"", strings.Repeat("x", apdu.MaxURL+1)} {
		if err := handover.Request(soon(t), slot, address); !errors.Is(err, handover.ErrAddress) {
			t.Errorf("%d bytes: %v", len(address), err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	h = hold(t, slot, answers{busy, nil})
	if err := handover.Request(ctx, slot, uri); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a phone that says nothing: %v", err)
	}
	ended(t, h)
	if err := handover.Request(ctx, slot, uri); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody came: %v", err)
	}
}

// A slot may say that a phone is there that has just left: nobody notices, and the next one is
// waited for.
func TestAPhoneThatHadLeftIsNotThePhone(t *testing.T) {
	slot := listen(t)
	early, missed := phone(t, apdu.SWOK)
	h := hold(t, slot, early)
	left, err := slot.Wait(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	h.Release()
	<-left.Removed()
	token, got := phone(t, apdu.SWOK)
	hold(t, slot, token)
	if err := handover.Request(soon(t), &late{slot, left}, uri); err != nil {
		t.Fatal(err)
	}
	if len(*missed) != 0 || !slices.Equal(*got, []string{uri}) {
		t.Errorf("received %q and %q", *missed, *got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := handover.Request(ctx, &late{slot, left}, uri); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nobody came after it: %v", err)
	}
}

// late is a slot that once returns a tap that is over.
type late struct {
	*reader.Reader
	left *reader.Tap
}

func (l *late) Wait(ctx context.Context) (*reader.Tap, error) {
	if left := l.left; left != nil {
		l.left = nil
		return left, nil
	}
	return l.Reader.Wait(ctx)
}

// answers is a phone that answers ENVELOPE its own way: half a response is a phone that goes
// away in the middle of it.
type answers struct {
	*card.Card
	with []byte
}

func (a answers) Transmit(command []byte) []byte {
	if c, err := apdu.ParseCommand(command); err == nil && c.INS == apdu.InsEnvelope {
		return a.with
	}
	return a.Card.Transmit(command)
}
