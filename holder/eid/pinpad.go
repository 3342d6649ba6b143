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

// SignerAtPad is Signer for AuthPIN with the digits that the holder types at the reader's
// own key pad: whoever calls it never has them. Errors: ErrNothingTyped, to be asked
// again; ErrNoKeyPad; those of Signer.
func (j *JPKI) SignerAtPad(ctx context.Context) (*Signer, error) {
	_, err := j.send(ctx, apdu.VerifyAtPad(apdu.EFAuthPIN))
	switch {
	case apdu.IsStatus(err, apdu.SWPadTimeout), apdu.IsStatus(err, apdu.SWPadCancelled):
		return nil, ErrNothingTyped
	case apdu.IsStatus(err, apdu.SWUnknownClass), apdu.IsStatus(err, apdu.SWUnknownIns):
		return nil, ErrNoKeyPad
	case err != nil:
		return nil, fmt.Errorf("eid: verify at the key pad: %w", refused(AuthPIN, err))
	}
	return j.signer(ctx, AuthPIN)
}
