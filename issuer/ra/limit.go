package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/status"
)

// How often a good phone may be put on hold by ways that need nothing of the owner's
// in hand (Way.limited): a code that was read off a note, a quarrel among friends.
const (
	SuspensionsAllowed = 3
	SuspensionsWindow  = 7 * 24 * time.Hour
)

// countSuspension records that a good phone of a person's is being put on hold in a
// limited way, or refuses: ErrSuspensionLimit, with "retry_after" in seconds. It
// returns how many are left after it.
//
// Each one that counts was ended by the owner's card on that phone, or there would be
// no good phone to hold. So nobody uses up the chances of an owner who cannot reach
// the phone; and where no card of the person's could lift a hold, nothing counts.
func (r *RA) countSuspension(ctx context.Context, tx Tx, at time.Time, person string, way Way) (left int, err error) {
	if canLift, err := r.cardIsGood(ctx, tx, person, at); err != nil || !canLift {
		return SuspensionsAllowed, err
	}
	since := at.Add(-SuspensionsWindow)
	n, oldest, err := tx.Suspensions(ctx, person, since)
	if err != nil {
		return 0, err
	}
	if n >= SuspensionsAllowed {
		wait := oldest.Add(SuspensionsWindow).Sub(at)
		return 0, ErrSuspensionLimit.With("retry_after", int64(wait/time.Second)+1)
	}
	return SuspensionsAllowed - n - 1, tx.PutSuspension(ctx, person, randomID(), way, at, since)
}

// cardIsGood says whether a card of the person's can speak: suspend from any phone,
// and lift a hold.
func (r *RA) cardIsGood(ctx context.Context, tx Tx, person string, at time.Time) (bool, error) {
	certs, err := tx.CertificatesOf(ctx, person)
	if err != nil {
		return false, err
	}
	for _, c := range certs {
		if c.Kind != pki.CardAuth {
			continue
		}
		entry, ok, err := alive(ctx, tx, c, at)
		if err != nil {
			return false, err
		}
		if ok && entry.Status == status.Good {
			return true, nil
		}
	}
	return false, nil
}

// keeping takes a refusal for the limit out of err, so that what else a transaction
// has to say of it is kept.
func keeping(err error) (refusal, rest error) {
	if errors.Is(err, ErrSuspensionLimit) {
		return err, nil
	}
	return nil, err
}
