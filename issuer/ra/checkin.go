package ra

import (
	"context"
	"time"

	"tegata/internal/attest"
	"tegata/issuer/status"
)

// CheckIn takes a check-in of a registered phone. The very same message again
// gets the same answer; any other message must have a higher counter, or two
// copies of one element are about: the pair is held, and revoked when both are seen to live.
func (r *RA) CheckIn(ctx context.Context, compact string) (CheckedIn, error) {
	at := r.at()
	return ofRegistered(ctx, r, compact, StepCheckIn, at, func(tx Tx, e *EnrolmentRecord, c CheckInClaims) (CheckedIn, error) {
		if err := r.checkIn(ctx, tx, e, c, at); err != nil {
			return CheckedIn{}, err
		}
		return CheckedIn{
			ID: e.ID, State: e.State, Holds: e.holds(), At: at,
			NextBefore: e.LastCheckIn.Add(SilentAfter), UnlockBefore: e.LastUnlock.Add(LockedAfter),
		}, nil
	})
}

func (r *RA) checkIn(ctx context.Context, tx Tx, e *EnrolmentRecord, c CheckInClaims, at time.Time) error {
	who := e.actor()
	switch {
	case c.ResetCounter > uint64(e.ResetCounter):
		// The element was reset: the keys that we certified are gone.
		e.Ctr = max(e.Ctr, c.Ctr)
		return r.end(ctx, tx, at, who, e, EndedElement, status.CessationOfOperation)
	case c.ResetCounter < uint64(e.ResetCounter):
		return r.suspect(ctx, tx, at, e, "counter")
	case c.Ctr <= e.ForkCtr:
		return r.copied(ctx, tx, at, e)
	case c.Ctr <= e.Ctr:
		e.ForkCtr = c.Ctr
		return r.suspect(ctx, tx, at, e, "counter")
	case c.VerifiedBoot != "" && c.VerifiedBoot != attest.BootVerified.String(), c.DeviceLocked != nil && !*c.DeviceLocked:
		e.advance(c.Ctr)
		return r.suspect(ctx, tx, at, e, "boot")
	}
	e.advance(c.Ctr)
	e.LastCheckIn = at
	unlocked := time.Unix(c.LastUnlock, 0).UTC()
	if unlocked.After(at) { // within StepWindow: the phone's clock is a little ahead
		unlocked = at
	}
	if c.LastUnlock > 0 && unlocked.After(e.LastUnlock) {
		e.LastUnlock = unlocked
	}
	// Unlock and check-in end a silence; a check-in alone does not, since a stolen
	// phone that is switched on checks in for years.
	if !e.SilentSince.IsZero() && e.LastUnlock.After(e.SilentSince) {
		if err := r.setHold(ctx, tx, at, who, *e, status.Lift, status.Silent); err != nil {
			return err
		}
		e.SilentSince = time.Time{}
		if err := r.tell(ctx, tx, at, *e, notice{kind: NoticeResumed, phone: e.phone()}); err != nil {
			return err
		}
		if err := tx.Audit(ctx, at, who, "resume", e.ID, map[string]string{"cause": string(status.Silent)}); err != nil {
			return err
		}
	}
	e.schedule()
	return tx.PutEnrolment(ctx, *e)
}

// advance takes a counter that is higher than any before.
func (e *EnrolmentRecord) advance(ctr uint64) {
	e.Ctr = ctr
	if e.ForkCtr > 0 {
		e.ForkCtr = ctr
	}
}

// copied ends a pair of which two copies live: since the counter went back, when the
// pair was put on hold, it rose and went back once more. An element that was put back
// once counts on from there and never does that; both lines were signed by its key.
func (r *RA) copied(ctx context.Context, tx Tx, at time.Time, e *EnrolmentRecord) error {
	return r.end(ctx, tx, at, e.actor(), e, EndedCopied, status.KeyCompromise)
}

// suspect holds the pair: two copies of one element may be about.
func (r *RA) suspect(ctx context.Context, tx Tx, at time.Time, e *EnrolmentRecord, why string) error {
	if e.SuspectedSince.IsZero() {
		if err := r.setHold(ctx, tx, at, e.actor(), *e, status.Open, status.Suspected); err != nil {
			return err
		}
		e.SuspectedSince = at
		if err := r.tell(ctx, tx, at, *e, notice{kind: NoticeSuspected, phone: e.phone()}); err != nil {
			return err
		}
		if err := tx.Audit(ctx, at, e.actor(), "hold", e.ID, map[string]string{"cause": string(status.Suspected), "why": why}); err != nil {
			return err
		}
	}
	e.schedule()
	return tx.PutEnrolment(ctx, *e)
}
