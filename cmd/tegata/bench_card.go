package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/holder/eid"
	"tegata/holder/reader"
)

// dumpPromise is what a dump of the card may take.
const dumpPromise = 100 * time.Millisecond

// benchCard reads everything of the resident's card that is free to read, over vpcd
// on the loopback, and sends the same commands to a card that gives the same answers
// without looking.
func benchCard(ctx context.Context, b *bench) (all []figure, err error) {
	s, err := b.openStreet(ctx)
	if err != nil {
		return nil, err
	}
	slot, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer slot.Close()
	away, err := s.holdCard(ctx, slot.Addr())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, away()) }()
	tap, err := slot.Wait(ctx)
	if err != nil {
		return nil, err
	}
	heard := &tapRecorder{tap: tap}
	if err := dump(ctx, heard); err != nil {
		return nil, err
	}

	echoSlot, err := reader.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer echoSlot.Close()
	inserted, remove := context.WithCancel(ctx)
	echoed := make(chan error, 1)
	go func() {
		echoed <- reader.Insert(inserted, echoSlot.Addr(), &echoCard{atr: tap.ATR(), answers: heard.answers})
	}()
	defer func() { remove(); err = errors.Join(err, <-echoed) }()
	echo, err := echoSlot.Wait(ctx)
	if err != nil {
		return nil, err
	}

	f, err := b.effort().versus(ctx, 1, func(int) error { return heard.again(ctx, tap) }, func(int) error { return heard.again(ctx, echo) })
	if err != nil {
		return nil, err
	}
	took := time.Duration(float64(time.Second) / f.Ours)
	f.Work = "dump of the card over vpcd"
	f.LimitIs = fmt.Sprintf("the same %d commands to a card that gives the same answers without looking", len(heard.commands))
	f.Notes = []string{fmt.Sprintf("One dump takes %.2f ms; the promise is %.0f ms", milliseconds(took), milliseconds(dumpPromise))}
	return []figure{f}, nil
}

// dump reads what `pkcs15-tool --dump` shows: label, what is there, tries, and the
// certificates that need no secret.
func dump(ctx context.Context, card eid.Transmitter) error {
	j, err := eid.Open(ctx, card)
	if err != nil {
		return err
	}
	if _, _, err := j.Present(ctx); err != nil {
		return err
	}
	for _, which := range []eid.Secret{eid.AuthPIN, eid.SignPassword} {
		if _, err := j.Tries(ctx, which); err != nil {
			return err
		}
	}
	if _, err := j.AuthCertificate(ctx); err != nil {
		return err
	}
	if _, err := j.AuthAuthority(ctx); err != nil {
		return err
	}
	_, err = j.SignAuthority(ctx)
	return err
}

// tapRecorder keeps what goes over a tap.
type tapRecorder struct {
	tap      *reader.Tap
	commands [][]byte
	answers  [][]byte
}

// Transmit implements eid.Transmitter.
func (r *tapRecorder) Transmit(ctx context.Context, command []byte) ([]byte, error) {
	answer, err := r.tap.Transmit(ctx, command)
	r.commands, r.answers = append(r.commands, command), append(r.answers, answer)
	return answer, err
}

// again sends all commands once more.
func (r *tapRecorder) again(ctx context.Context, tap *reader.Tap) error {
	for n, c := range r.commands {
		answer, err := tap.Transmit(ctx, c)
		if err != nil {
			return err
		}
		if len(answer) != len(r.answers[n]) {
			return fmt.Errorf("bench: the card answered %d bytes to command %d, not %d", len(answer), n, len(r.answers[n]))
		}
	}
	return nil
}

// echoCard is a token that answers in the order of what was recorded.
type echoCard struct {
	atr     []byte
	answers [][]byte
	next    int
}

func (e *echoCard) PowerOn()    {}
func (e *echoCard) PowerOff()   {}
func (e *echoCard) Reset()      {}
func (e *echoCard) ATR() []byte { return e.atr }

// Transmit implements reader.Token.
func (e *echoCard) Transmit([]byte) []byte {
	answer := e.answers[e.next%len(e.answers)]
	e.next++
	return answer
}
