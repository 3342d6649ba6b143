package municipality

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// A report may be for a day to come: the person says today that they will move on the
// first. It is kept as it was reported and carried out at the beginning of that day in
// Japan; what it will do is told to the person at once, through the issuer.

// maxAhead is how long before its day something is reported.
const maxAhead = 366 * 24 * time.Hour

// day is the beginning of the day for which in was reported: zero when that is none,
// or not to come.
func (in Report) day(at time.Time) (time.Time, *fieldError) {
	if in.On == "" {
		return time.Time{}, nil
	}
	on, err := time.ParseInLocation(time.DateOnly, in.On, pki.JST)
	switch {
	case err != nil || on.Year() < 1868:
		return time.Time{}, &fieldError{"on", "is a date YYYY-MM-DD"}
	case on.After(at.Add(maxAhead)):
		return time.Time{}, &fieldError{"on", "is at most a year ahead"}
	case !on.After(at):
		return time.Time{}, nil
	}
	return on.UTC(), nil
}

// plan keeps a report for its day and has the person told. Whether it can be carried
// out is seen now and, since much may happen until then, on the day again.
func (r *Register) plan(ctx context.Context, tx Tx, at, on time.Time, rec Record, in Report, hash [32]byte) error {
	if _, _, err := r.changed(ctx, tx, at, rec, in); err != nil {
		return err
	}
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	e := Event{Resident: rec.ID, ID: in.ID, Kind: in.Kind, State: EventPlanned, Message: text, RequestHash: hash, At: at, On: on}
	if err := addEvent(ctx, tx, e); err != nil {
		return err
	}
	if err := r.announce(ctx, tx, at, e, false); err != nil {
		return err
	}
	return tx.SetWork(ctx, Work{Resident: rec.ID, Due: at})
}

// announce has the issuer tell the person what is planned, or that it is not any more.
func (r *Register) announce(ctx context.Context, tx Tx, at time.Time, planned Event, cancelled bool) error {
	message := registerEvent{
		ID: newID(), Person: planned.Resident, Kind: Announced, Of: planned.Kind,
		On: planned.On.In(pki.JST).Format(time.DateOnly), Cancelled: cancelled, Certificate: planned.view().Certificate,
	}
	hash, err := hashOf(message)
	if err != nil {
		return err
	}
	return r.enqueue(ctx, tx, at, message, hash)
}

// carryOut does on its day what was planned.
func (r *Register) carryOut(ctx context.Context, e Event) error {
	at := r.at()
	var in Report
	if err := json.Unmarshal(e.Message, &in); err != nil {
		return err
	}
	who := audit.System("municipality")
	err := r.store.Write(ctx, func(tx Tx) error {
		rec, err := tx.Resident(ctx, e.Resident)
		if err != nil {
			return err
		}
		if rec.gone() {
			return ErrResidentDied
		}
		message, err := r.apply(ctx, tx, at, rec, in)
		if err != nil {
			return err
		}
		due := e
		if due.Message, err = json.Marshal(message); err != nil {
			return err
		}
		if due.State, err = stateOf(ctx, tx, e.Resident); err != nil {
			return err
		}
		if due.State == EventLocal {
			due.DoneAt = at
		}
		if err := tx.UpdateEvent(ctx, due, EventPlanned); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "resident."+string(in.Kind), e.Resident, map[string]string{"event": e.ID})
	})
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Kind != problem.Refused && p.Kind != problem.YourTurn {
		return err
	}
	// The register has moved on: what was planned does not fit any more.
	return r.store.Write(ctx, func(tx Tx) error {
		stale := e
		stale.State, stale.Trouble, stale.DoneAt = EventRefused, p.Code, at
		if err := tx.UpdateEvent(ctx, stale, EventPlanned); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "event.refused", e.ID, map[string]string{"resident": e.Resident, "kind": string(e.Kind), "code": p.Code})
	})
}

// Cancel takes back what was planned, and has the person told. Again, it changes
// nothing. Errors: ErrUnknownResident, ErrNotPlanned.
func (r *Register) Cancel(ctx context.Context, who audit.Actor, resident, id string) (EventView, error) {
	at := r.at()
	err := r.store.Write(ctx, func(tx Tx) error {
		if _, err := tx.Resident(ctx, resident); errors.Is(err, ErrNotFound) {
			return ErrUnknownResident
		} else if err != nil {
			return err
		}
		e, err := tx.Event(ctx, resident, id)
		switch {
		case errors.Is(err, ErrNotFound):
			return ErrNotPlanned
		case err != nil:
			return err
		case e.State == EventCancelled:
			return nil
		case e.State != EventPlanned:
			return ErrNotPlanned
		}
		back := e
		back.State, back.DoneAt = EventCancelled, at
		if err := tx.UpdateEvent(ctx, back, EventPlanned); err != nil {
			return err
		}
		if err := r.announce(ctx, tx, at, e, true); err != nil {
			return err
		}
		return tx.Audit(ctx, at, who, "event.cancel", id, map[string]string{"resident": resident, "kind": string(e.Kind)})
	})
	if err != nil {
		return EventView{}, err
	}
	return r.told(ctx, resident, id)
}
