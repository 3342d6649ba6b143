package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
)

// SuspendByHolder holds the phone of somebody who is logged in at a party. g is a
// grant whose signature, path and role were checked. It may serve again while it
// lasts: all that it does is suspend, and a lost answer must not leave a person in doubt.
// report, if there is one, is what the person reported at the party: remembered even
// where there is no phone to hold.
func (r *RA) SuspendByHolder(ctx context.Context, party, pairwise, report string, g ceremony.Grant) (Suspended, error) {
	return r.suspendByHolder(ctx, party, pairwise, report, false, g)
}

// RepeatByHolder is SuspendByHolder as the party repeats it by itself, without the
// holder: a report that is kept was held for when it was kept, and holds nothing
// again. Its phone may have been found meanwhile, with the card.
func (r *RA) RepeatByHolder(ctx context.Context, party, pairwise, report string, g ceremony.Grant) (Suspended, error) {
	return r.suspendByHolder(ctx, party, pairwise, report, true, g)
}

func (r *RA) suspendByHolder(ctx context.Context, party, pairwise, report string, repeat bool, g ceremony.Grant) (Suspended, error) {
	at := r.at()
	heldAt := at
	var refusal error
	err := r.store.Write(ctx, func(tx Tx) error {
		refusal, heldAt = nil, at
		person, err := r.granted(ctx, tx, ceremony.ScopeSuspend, party, pairwise, g, at)
		if err != nil {
			return err
		}
		who := audit.Actor{Party: party, Kind: "party", ID: party}
		if kept, err := tx.Report(ctx, report); repeat && err == nil && kept.Person == person && kept.Party == party {
			heldAt = kept.At
			refusal, err = withoutPhone(r.hasPhone(ctx, tx, person))
			return err
		}
		if err := r.keepReport(ctx, tx, at, who, party, report, person); err != nil {
			return err
		}
		refusal, err = withoutPhone(r.losePhoneOf(ctx, tx, at, who, person, ByHolder, ""))
		return err
	})
	return r.suspended(ctx, heldAt, ByHolder, errors.Join(err, refusal))
}

// withoutPhone takes a refusal because there is no phone out of err: nothing was changed,
// and what else a transaction has to say is kept.
func withoutPhone(err error) (refusal, rest error) {
	if errors.Is(err, ErrNoPhone) {
		return err, nil
	}
	return nil, err
}

// hasPhone is nil when a person has a registered phone. ErrNoPhone.
func (r *RA) hasPhone(ctx context.Context, tx Tx, id string) error {
	person, err := tx.Person(ctx, id)
	if err == nil && person.Phone == "" {
		return ErrNoPhone
	}
	return err
}

// losePhoneOf is lose for a person's registered phone. ErrNoPhone.
func (r *RA) losePhoneOf(ctx context.Context, tx Tx, at time.Time, who audit.Actor, id string, way Way, name string) error {
	person, err := tx.Person(ctx, id)
	if err != nil {
		return err
	}
	if person.Phone == "" {
		return ErrNoPhone
	}
	e, err := tx.Enrolment(ctx, person.Phone)
	if err != nil {
		return err
	}
	return r.lose(ctx, tx, at, who, e, way, name)
}
