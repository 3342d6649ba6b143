package ra

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ofRegistered takes a step of a registered phone and answers by work, which is in one
// transaction with the keeping of its answer: the very same message again gets the same.
func ofRegistered[T claims, A any](ctx context.Context, r *RA, compact string, want StepName, at time.Time, work func(Tx, *EnrolmentRecord, T) (A, error)) (answer A, err error) {
	var none A
	m, err := parseStep[T](r, TypeCheckIn, compact, want, "", at)
	if err != nil {
		return none, err
	}
	id := m.Unverified().common().ID
	e, err := r.enrolment(ctx, id)
	if err != nil {
		return none, err
	}
	s, err := follow(m, e.DeviceKey)
	if err != nil {
		return none, err
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		answer = none
		kept, err := tx.CheckIn(ctx, id, s.hash)
		if err == nil {
			return json.Unmarshal(kept, &answer)
		}
		if !errors.Is(err, ErrNotFound) {
			return err
		}
		e, err := tx.Enrolment(ctx, id)
		if err != nil {
			return err
		}
		switch e.State {
		case StateRegistered:
		case StateEnded:
			return e.endedProblem()
		default:
			return ErrStepOutOfOrder.With("state", string(e.State))
		}
		if answer, err = work(tx, &e, s.claims); err != nil {
			return err
		}
		text, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		// A message older than this is refused by its iat before we look here.
		if err := tx.DropCheckIns(ctx, id, at.Add(-3*StepWindow)); err != nil {
			return err
		}
		return tx.PutCheckIn(ctx, id, s.hash, at, text)
	})
	return answer, err
}
