// Package handover is a terminal's side of asking by tap: it waits until a phone is held to
// a slot, and gives it the address of a request.
//
// It owns the two steps on the wire, SELECT of the wallet application and the address in
// ENVELOPE commands (docs/card.md), and what a terminal is told of them. Making the request
// and learning its result are a matter between the terminal's party and the verifier; what
// the person is shown, of the phone.
//
// Standard: ISO/IEC 7816-4 (SELECT by DF name, ENVELOPE, command chaining).
//
// # Trust
//
// What is held to a slot may be anything. It is told the address, which is for the first
// phone that fetches the request and good for two minutes, and nothing of it is believed: not
// even that it is a phone. "Received" says that somebody was asked, never that anybody
// agreed: only the verifier's result says that.
package handover

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/holder/apdu"
	"tegata/holder/reader"
)

// What a terminal may branch on. After each the person may hold a phone again.
var (
	// ErrAddress: no phone would take such an address; nothing was waited for.
	ErrAddress = errors.New("handover: the address of a request has 1 to 2048 bytes")
	// ErrNoWallet: what was held there is no phone: an ID card, for instance.
	ErrNoWallet = errors.New("handover: what was held there takes no requests")
	// ErrNotTaken: the phone takes no request just now: it is not registered, has no
	// network, or has another one in hand.
	ErrNotTaken = errors.New("handover: the phone takes no request now")
	// ErrRemoved: the phone was taken away while it was being given the address. One that had
	// left before is no phone that was held there, and the wait goes on.
	ErrRemoved = reader.ErrCardRemoved
)

// A Slot is where a phone is held; *reader.Reader is one.
type Slot interface {
	// Wait returns the tap in the slot, waiting for one until ctx ends.
	Wait(ctx context.Context) (*reader.Tap, error)
}

// exchangeTime is how long a phone may take over all commands. Someone who holds it there
// does not wait longer.
const exchangeTime = 5 * time.Second

// Request waits until something is held to the slot and hands it the address of a request,
// the request_uri that the verifier gave for it. Nil means that a phone has received it and
// goes on by itself. Then, and after an error, the tap has ended: the person takes the phone
// in the hand, and the next call waits for the next one.
//
// It returns ErrAddress, ErrNoWallet, ErrNotTaken, ErrRemoved, or what ctx ended with; any
// other error is an answer that no phone of ours gives.
func Request(ctx context.Context, slot Slot, requestURI string) error {
	commands := apdu.HandOver(requestURI)
	if commands == nil {
		return ErrAddress
	}
	for {
		tap, err := slot.Wait(ctx)
		if err != nil {
			return err
		}
		if err := give(ctx, tap, commands); !errors.Is(err, errLeft) {
			return err
		}
		<-tap.Removed() // so that the next wait is not for this one
	}
}

// errLeft: what was in the slot went away before it had answered anything. A slot may take a
// moment to see that, so nobody need have been near when the request came.
var errLeft = errors.New("handover: it had left")

// give gives what is in tap the commands, and ends the tap.
func give(ctx context.Context, tap *reader.Tap, commands []apdu.Command) error {
	defer tap.Close()
	within, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	for i, c := range commands {
		err := send(within, tap, c)
		switch {
		case err == nil:
		case i == 0 && errors.Is(err, ErrRemoved):
			return errLeft
		default:
			return meaning(err, i == 0)
		}
	}
	return nil
}

func send(ctx context.Context, tap *reader.Tap, c apdu.Command) error {
	answer, err := tap.Transmit(ctx, c.Bytes())
	if err != nil {
		return err
	}
	r, err := apdu.ParseResponse(answer)
	if err != nil {
		return fmt.Errorf("handover: %w", err)
	}
	return r.Err()
}

// meaning puts our word before what a command was answered with.
func meaning(err error, selecting bool) error {
	_, answered := errors.AsType[*apdu.StatusError](err)
	switch {
	case answered && selecting:
		return fmt.Errorf("%w: %w", ErrNoWallet, err)
	case apdu.IsStatus(err, apdu.SWConditions):
		return fmt.Errorf("%w: %w", ErrNotTaken, err)
	case answered:
		return fmt.Errorf("handover: the phone did not take the request: %w", err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("handover: the phone did not answer in time: %w", err)
	}
	return err
}
