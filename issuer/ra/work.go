package ra

import (
	"context"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/clock"
	"tegata/issuer/status"
)

var _ clock.Work = (*RA)(nil)

// batch is how many enrolments are looked at between two looks at the context.
const batch = 100

// NextDue is the earliest moment at which a registration, a phone, a support number or a
// new address needs something done.
func (r *RA) NextDue(ctx context.Context) (due time.Time, ok bool, err error) {
	err = r.store.Read(ctx, func(tx Tx) (err error) {
		if due, ok, err = tx.NextDue(ctx); err != nil {
			return err
		}
		for _, next := range []func(context.Context) (time.Time, bool, error){tx.NextSupportEnd, tx.NextContact} {
			at, open, err := next(ctx)
			if err != nil {
				return err
			}
			if open && (!ok || at.Before(due)) {
				due, ok = at, true
			}
		}
		return nil
	})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("ra: next due: %w", err)
	}
	return due, ok, nil
}

// RunDue does whatever is due at or before at, an enrolment a transaction, each
// rule once. Several processes may do it at the same time.
func (r *RA) RunDue(ctx context.Context, at time.Time) error {
	at = at.UTC()
	if err := r.eraseSupport(ctx, at); err != nil {
		return fmt.Errorf("ra: run due: %w", err)
	}
	if err := r.takeContacts(ctx, at); err != nil { // first: what follows may have to tell the person
		return fmt.Errorf("ra: run due: %w", err)
	}
	for {
		var ids []string
		err := r.store.Read(ctx, func(tx Tx) (err error) {
			ids, err = tx.EnrolmentsDue(ctx, at, batch)
			return err
		})
		if err != nil {
			return fmt.Errorf("ra: run due: %w", err)
		}
		if len(ids) == 0 {
			return nil
		}
		for _, id := range ids {
			if err := r.runOne(ctx, id, at); err != nil {
				return fmt.Errorf("ra: run due: %w", err)
			}
		}
	}
}

// runOne carries out all that is due for one enrolment, one moment after the
// other: what a rule does may change what follows.
func (r *RA) runOne(ctx context.Context, id string, at time.Time) error {
	return r.store.Write(ctx, func(tx Tx) error {
		e, err := tx.Enrolment(ctx, id)
		if err != nil {
			return err
		}
		for {
			due := e.next()
			if len(due) == 0 || due[0].at.After(at) {
				break
			}
			for _, a := range due {
				if err := r.keep(ctx, tx, &e, a, at); err != nil {
					return err
				}
			}
			if due[0].at.After(e.Done) { // end moves Done on by itself
				e.Done = due[0].at
			}
		}
		e.schedule()
		return tx.PutEnrolment(ctx, e)
	})
}

// keep keeps one appointment. It does nothing when an earlier one of the same
// moment has ended the enrolment.
func (r *RA) keep(ctx context.Context, tx Tx, e *EnrolmentRecord, a appointment, at time.Time) error {
	who := audit.System("issuer")
	if e.State == StateEnded && a.what != timedSweep {
		return nil
	}
	switch a.what {
	case timedExpire:
		return r.end(ctx, tx, at, who, e, EndedExpired, status.CessationOfOperation)
	case timedSweep:
		certs, err := tx.CertificatesFor(ctx, e.ID)
		if err != nil {
			return err
		}
		return r.revokeRecords(ctx, tx, at, who, status.CessationOfOperation, certs...)
	case timedOver:
		return r.end(ctx, tx, at, who, e, EndedValidity, 0)
	case timedEndsSoon:
		return r.tell(ctx, tx, at, *e, notice{kind: NoticeEndsSoon, phone: e.phone(), days: a.days})
	case timedWarn:
		return r.tell(ctx, tx, at, *e, notice{kind: NoticeSilentSoon, phone: e.phone(), days: a.days})
	case timedHeldStill:
		// Later than a.days when an earlier hold than this one was lifted just now.
		days := int(at.Sub(e.heldSince()) / day)
		return r.tell(ctx, tx, at, *e, notice{kind: NoticeHeldStill, phone: e.phone(), days: days})
	case timedSilent:
		if err := r.setHold(ctx, tx, at, who, *e, status.Open, status.Silent); err != nil {
			return err
		}
		if e.heldSince().IsZero() { // on hold already, an unlock alone would not resume it
			if err := r.tell(ctx, tx, at, *e, notice{kind: NoticeSilent, phone: e.phone()}); err != nil {
				return err
			}
		}
		e.SilentSince = at
		return tx.Audit(ctx, at, who, "hold", e.ID, map[string]string{"cause": string(status.Silent)})
	case timedRevoke:
		why := EndedHeldTooLong
		if e.heldSince().Equal(e.SilentSince) {
			why = EndedSilent
		}
		return r.end(ctx, tx, at, who, e, why, status.CessationOfOperation)
	}
	return fmt.Errorf("ra: no rule %d", a.what)
}
