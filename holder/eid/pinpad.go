package eid

import (
	"context"
	"errors"
	"fmt"

	"tegata/holder/apdu"
)

var (
	// ErrNothingTyped says that nobody has typed a PIN at the reader's key pad yet.
	ErrNothingTyped = errors.New("eid: nothing was typed at the reader's key pad")
	// ErrNoKeyPad says that the reader has none.
	ErrNoKeyPad = errors.New("eid: the reader has no key pad")
)

// NumberAtPad is the number of two digits that the holder typed at the reader's key pad
// together with the PIN: which screen they sit at. It serves once. Errors:
// ErrNothingTyped, to be asked again; ErrNoKeyPad.
func (j *JPKI) NumberAtPad(ctx context.Context) (string, error) {
	number, err := j.send(ctx, apdu.ReadPad())
	if err != nil {
		return "", fmt.Errorf("eid: read the key pad: %w", padProblem(err))
	}
	return string(number), nil
}

// SignerAtPad is Signer for AuthPIN with the digits that the holder types at the reader's
// own key pad: whoever calls it never has them. Errors: ErrNothingTyped, to be asked
// again; ErrNoKeyPad; those of Signer.
func (j *JPKI) SignerAtPad(ctx context.Context) (*Signer, error) {
	if _, err := j.send(ctx, apdu.VerifyAtPad(apdu.EFAuthPIN)); err != nil {
		return nil, fmt.Errorf("eid: verify at the key pad: %w", refused(AuthPIN, padProblem(err)))
	}
	return j.signer(ctx, AuthPIN)
}

// padProblem says what a key pad, or a reader without one, answered; what a card
// answered it leaves as it is.
func padProblem(err error) error {
	switch {
	case apdu.IsStatus(err, apdu.SWPadTimeout), apdu.IsStatus(err, apdu.SWPadCancelled):
		return ErrNothingTyped
	case apdu.IsStatus(err, apdu.SWUnknownClass), apdu.IsStatus(err, apdu.SWUnknownIns):
		return ErrNoKeyPad
	}
	return err
}
