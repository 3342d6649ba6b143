package ra

import (
	"context"
	"errors"
	"time"

	"tegata/issuer/status"
)

// Stop takes step "stop" (利用停止, スマホを手放す): both certificates are revoked
// before the phone wipes its element. Sent again it gets the same receipt.
//
// Step "stop-late" is the same from a phone that had to wipe itself first, because it
// could not reach us: its order was signed before and may be months old. Step "receipt"
// ends nothing: a phone whose pair ended another way, by a new phone that took over for
// example, gets the receipt that a shop wants to see.
func (r *RA) Stop(ctx context.Context, compact string) (Stopped, error) {
	at := r.at()
	s, e, err := r.stopStep(ctx, compact, at)
	if err != nil {
		return Stopped{}, err
	}
	number := randomID()
	err = r.store.Write(ctx, func(tx Tx) error {
		if e, err = tx.Enrolment(ctx, e.ID); err != nil {
			return err
		}
		switch ended := e.State == StateEnded; {
		case ended && e.Receipt != "":
			return nil
		case ended && !e.RegisteredAt.IsZero() && s.claims.Step != StepStop:
			// Nothing is left to end: a number is all that is new.
			e.Receipt = number
			if err := tx.PutEnrolment(ctx, e); err != nil {
				return err
			}
			return tx.Audit(ctx, at, e.actor(), "receipt", e.ID, nil)
		case ended:
			return e.endedProblem()
		case s.claims.Step == StepReceipt:
			return ErrStepOutOfOrder.With("state", string(e.State))
		case s.claims.Ctr <= e.Ctr:
			return ErrElementSuspected
		}
		e.Receipt, e.Ctr = number, s.claims.Ctr
		return r.end(ctx, tx, at, e.actor(), &e, EndedStopped, status.CessationOfOperation)
	})
	if err != nil {
		return Stopped{}, err
	}
	return Stopped{Receipt: e.Receipt, Tag: ElementTag(e.Element), RevokedAt: e.EndedAt}, nil
}

// stopStep reads a step by which a phone is given up, and checks that it is its phone's.
func (r *RA) stopStep(ctx context.Context, compact string, at time.Time) (s step[StepClaims], e EnrolmentRecord, err error) {
	for _, want := range []StepName{StepStop, StepStopLate, StepReceipt} {
		m, err := parseStep[StepClaims](r, TypeEnrolment, compact, want, "", at)
		if errors.Is(err, ErrStepMismatch) {
			continue
		}
		if err != nil {
			return s, e, err
		}
		if e, err = r.enrolment(ctx, m.Unverified().ID); err != nil {
			return s, e, err
		}
		s, err = follow(m, e.DeviceKey)
		return s, e, err
	}
	return s, e, ErrStepMismatch
}
