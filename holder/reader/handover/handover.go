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
	_, err := exchange(ctx, slot, requestURI, false)
	return err
}

// Answer waits until the phone that received a request is held to the slot again, without a
// network: it then gives its answer, for the terminal's party to post (Carried of package
// ceremony). A phone that has the request and no answer yet, or a network, gives none: nil,
// and the next call waits for the next tap. Errors are Request's.
func Answer(ctx context.Context, slot Slot, requestURI string) ([]byte, error) {
	return exchange(ctx, slot, requestURI, true)
}

// exchange is one tap: the address goes to the phone, and what it answers comes back.
func exchange(ctx context.Context, slot Slot, requestURI string, fetch bool) ([]byte, error) {
	commands := apdu.HandOver(requestURI)
	if commands == nil {
		return nil, ErrAddress
	}
	for {
		tap, err := slot.Wait(ctx)
		if err != nil {
			return nil, err
		}
		answer, err := give(ctx, tap, commands, fetch)
		if !errors.Is(err, errLeft) {
			return answer, err
		}
		<-tap.Removed() // so that the next wait is not for this one
	}
}

// errLeft: what was in the slot went away before it had answered anything. A slot may take a
// moment to see that, so nobody need have been near when the request came.
var errLeft = errors.New("handover: it had left")

// give gives what is in tap the commands, and ends the tap.
func give(ctx context.Context, tap *reader.Tap, commands []apdu.Command, fetch bool) ([]byte, error) {
	defer tap.Close()
	within, cancel := context.WithTimeout(ctx, exchangeTime)
	defer cancel()
	var last apdu.Response
	for i, c := range commands {
		r, err := send(within, tap, c)
		switch {
		case err == nil:
			last = r
		case i == 0 && errors.Is(err, ErrRemoved):
			return nil, errLeft
		default:
			return nil, meaning(err, i == 0)
		}
	}
	if !fetch || !apdu.IsMore(last.SW) {
		return nil, nil
	}
	answer, err := fetched(within, tap)
	if err != nil {
		return nil, meaning(err, false)
	}
	return answer, nil
}

// fetched is the answer that a phone said waits, part by part.
func fetched(ctx context.Context, tap *reader.Tap) ([]byte, error) {
	var object []byte
	for {
		r, err := send(ctx, tap, apdu.GetResponse())
		if err != nil {
			return nil, err
		}
		object = append(object, r.Data...)
		if len(r.Data) == 0 || len(object) > apdu.MaxCarried+8 {
			return nil, errAnswer
		}
		if apdu.IsMore(r.SW) {
			continue
		}
		tag, length, header, err := apdu.ParseHeader(object)
		if err != nil || tag != apdu.TagCarried || len(object) != header+length {
			return nil, errAnswer
		}
		return object[header:], nil
	}
}

// errAnswer: no phone of ours gives such an answer.
var errAnswer = errors.New("handover: what the phone gave is no answer")

func send(ctx context.Context, tap *reader.Tap, c apdu.Command) (apdu.Response, error) {
	answer, err := tap.Transmit(ctx, c.Bytes())
	if err != nil {
		return apdu.Response{}, err
	}
	r, err := apdu.ParseResponse(answer)
	if err != nil {
		return r, fmt.Errorf("handover: %w", err)
	}
	if apdu.IsMore(r.SW) { // received, and something waits
		return r, nil
	}
	return r, r.Err()
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
