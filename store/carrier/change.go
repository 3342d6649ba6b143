package carrier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/services/carrier"
	"tegata/store"
)

// readChanges reads changes by a clause of SQL of our own.
func readChanges(ctx context.Context, tx store.Tx, clause string, args ...any) (all []carrier.Change, err error) {
	rows, err := tx.Query(ctx, `SELECT id, line, sub, kind, state, ended_by, attributes, document, signature, record, asked_ms, due_ms, ended_ms FROM sim_change `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c carrier.Change
		var kind, state, attributes, record string
		var asked, due, ended int64
		if err := rows.Scan(&c.ID, &c.Line, &c.Sub, &kind, &state, &c.By, &attributes, &c.Document, &c.Signature, &record, &asked, &due, &ended); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal([]byte(attributes), &c.Attributes), json.Unmarshal([]byte(record), &c.Record)); err != nil {
			return nil, fmt.Errorf("store: change %s: %w", c.ID, err)
		}
		c.Kind, c.State, c.AskedAt, c.DueAt, c.EndedAt = carrier.Kind(kind), carrier.ChangeState(state), store.Moment(asked), store.Moment(due), store.Moment(ended)
		all = append(all, c)
	}
	return all, rows.Err()
}

// theChange is the one change of a clause: ErrNotFound.
func theChange(ctx context.Context, tx store.Tx, clause string, args ...any) (carrier.Change, error) {
	all, err := readChanges(ctx, tx, clause, args...)
	if err == nil && len(all) == 0 {
		err = carrier.ErrNotFound
	}
	if err != nil {
		return carrier.Change{}, err
	}
	return all[0], nil
}

func (s *Store) readChange(ctx context.Context, clause string, args ...any) (c carrier.Change, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		c, err = theChange(ctx, tx, clause, args...)
		return err
	})
	return c, err
}

// Change implements carrier.Store.
func (s *Store) Change(ctx context.Context, id string) (carrier.Change, error) {
	return s.readChange(ctx, `WHERE id = $1`, id)
}

// ChangeByLink implements carrier.Store.
func (s *Store) ChangeByLink(ctx context.Context, veto carrier.Token) (carrier.Change, error) {
	return s.readChange(ctx, `WHERE veto = $1`, veto[:])
}

// ChangeBySIM implements carrier.Store.
func (s *Store) ChangeBySIM(ctx context.Context, phone carrier.Token, id string) (carrier.Change, error) {
	return s.readChange(ctx, `WHERE id = $1 AND line IN (SELECT line FROM sim WHERE phone = $2 AND state = 'installed')`, id, phone[:])
}

// Changes implements carrier.Store.
func (s *Store) Changes(ctx context.Context, sub string) (all []carrier.Change, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = readChanges(ctx, tx, `WHERE sub = $1 ORDER BY asked_ms DESC, id`, sub)
		return err
	})
	return all, err
}

// Ask implements carrier.Store.
func (s *Store) Ask(ctx context.Context, c carrier.Change, veto carrier.Token, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		switch old, err := theChange(ctx, tx, `WHERE id = $1`, c.ID); {
		case err == nil && old.Sub == c.Sub:
			return nil // the same again
		case err == nil:
			return carrier.ErrMoved
		case !errors.Is(err, carrier.ErrNotFound):
			return err
		}
		l, err := one(ctx, tx, c.Sub, c.Line)
		if err != nil {
			return err
		}
		if err := l.Allowed(c.Kind); err != nil {
			return err
		}
		// The unique index on changes that wait refuses whoever asks at the same time.
		n, err := keep(ctx, tx, c, veto)
		if err != nil {
			return err
		}
		if n == 0 {
			return carrier.ErrWaiting
		}
		if err := note(ctx, tx, c.AskedAt, c.Line, "asked", c.ID); err != nil {
			return err
		}
		if err := inform(ctx, tx, c.AskedAt, c.Sub, tell); err != nil {
			return err
		}
		return store.Audit(ctx, tx, c.AskedAt, system, "change asked for", c.ID, map[string]string{"kind": string(c.Kind), "line": c.Line})
	})
}

// keep writes a signed request; 0 when there is one of that ID, or another that waits.
func keep(ctx context.Context, tx store.Tx, c carrier.Change, veto carrier.Token) (int64, error) {
	return tx.Exec(ctx, `INSERT INTO sim_change (id, line, sub, kind, state, attributes, document, signature, record, veto, asked_ms, due_ms, try_ms, ended_ms)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13) ON CONFLICT DO NOTHING`, c.ID, c.Line, c.Sub, c.Kind, c.State,
		text(c.Attributes), c.Document, c.Signature, text(c.Record), veto[:], c.AskedAt.UnixMilli(), c.DueAt.UnixMilli(), store.Millis(c.EndedAt))
}

// leave moves a change out of Waiting: ErrMoved.
func leave(ctx context.Context, tx store.Tx, at time.Time, id string, to carrier.ChangeState, by string, r carrier.Record) error {
	n, err := tx.Exec(ctx, `UPDATE sim_change SET state = $1, ended_by = $2, record = $3, ended_ms = $4 WHERE id = $5 AND state = 'waiting'`, to, by, text(r), at.UnixMilli(), id)
	if err == nil && n == 0 {
		err = carrier.ErrMoved
	}
	if err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, system, "change "+string(to), id, map[string]string{"by": by})
}

// Veto implements carrier.Store.
func (s *Store) Veto(ctx context.Context, at time.Time, id, by string, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		c, err := theChange(ctx, tx, `WHERE id = $1`, id)
		switch {
		case err != nil:
			return err
		case c.State == carrier.Vetoed || c.State == carrier.Withdrawn || c.State == carrier.Halted:
			return nil // stopped is stopped
		case c.State != carrier.Waiting:
			return carrier.ErrMoved
		}
		to, kind := carrier.Vetoed, "vetoed"
		if by == carrier.ByPerson {
			to, kind = carrier.Withdrawn, "withdrawn"
		}
		if err := leave(ctx, tx, at, id, to, by, c.Record); err != nil {
			return err
		}
		if err := note(ctx, tx, at, c.Line, kind, id); err != nil {
			return err
		}
		return inform(ctx, tx, at, c.Sub, tell)
	})
}

// Finish implements carrier.Store.
func (s *Store) Finish(ctx context.Context, at time.Time, id string, to carrier.ChangeState, reservation carrier.Port, r carrier.Record, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		c, err := theChange(ctx, tx, `WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if err := leave(ctx, tx, at, id, to, "", r); err != nil {
			return err
		}
		kind := "done"
		if to != carrier.Done {
			kind = "stopped"
		}
		if err := note(ctx, tx, at, c.Line, kind, id); err != nil {
			return err
		}
		if to == carrier.Done {
			if err := effect(ctx, tx, at, c, reservation); err != nil {
				return err
			}
		}
		return inform(ctx, tx, at, c.Sub, tell)
	})
}

// effect is what a change does to its line.
func effect(ctx context.Context, tx store.Tx, at time.Time, c carrier.Change, reservation carrier.Port) error {
	switch c.Kind {
	case carrier.Reissue:
		if err := kill(ctx, tx, at, c.Line); err != nil {
			return err
		}
		return issue(ctx, tx, at, c.Line, c.ID, c.Record.Certificate)
	case carrier.PortOut:
		_, err := tx.Exec(ctx, `UPDATE line SET reservation = $1, reservation_ms = $2 WHERE id = $3 AND state = 'active'`, reservation.Reservation, store.Millis(reservation.Until), c.Line)
		return err
	case carrier.Unfreeze:
		_, err := tx.Exec(ctx, `UPDATE line SET frozen = 0 WHERE id = $1 AND state = 'active'`, c.Line)
		return err
	case carrier.EndLine:
		return end(ctx, tx, at, c.Sub, c.Line)
	}
	return fmt.Errorf("store: change %s: kind %q", c.ID, c.Kind)
}

// end ends a contract and its SIM.
func end(ctx context.Context, tx store.Tx, at time.Time, sub, id string) error {
	l, err := one(ctx, tx, sub, id)
	if err != nil {
		return err
	}
	l.Record.RetentionUntil = carrier.Retention(at)
	n, err := tx.Exec(ctx, `UPDATE line SET state = 'ended', ended_ms = $1, erase_ms = $2, record = $3, reservation = '', reservation_ms = 0 WHERE id = $4 AND state = 'active'`,
		at.UnixMilli(), store.Millis(l.Record.RetentionUntil), text(l.Record), id)
	if err != nil || n == 0 {
		return orMoved(err)
	}
	if err := kill(ctx, tx, at, id); err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, system, "contract ended", id, nil)
}

// Freeze implements carrier.Store.
func (s *Store) Freeze(ctx context.Context, at time.Time, sub, id string, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		l, err := one(ctx, tx, sub, id)
		if err == nil && l.State != carrier.Active {
			err = carrier.ErrNotFound
		}
		if err != nil {
			return err
		}
		if l.Waits() { // also one that would lift the freeze
			if err := leave(ctx, tx, at, l.Change.ID, carrier.Withdrawn, carrier.ByPerson, l.Change.Record); err != nil {
				return err
			}
			if err := note(ctx, tx, at, id, "withdrawn", l.Change.ID); err != nil {
				return err
			}
		}
		// A reservation that nobody used yet is void: it would be a change, too.
		n, err := tx.Exec(ctx, `UPDATE line SET frozen = 1, reservation = '', reservation_ms = 0 WHERE id = $1 AND frozen = 0`, id)
		if err != nil || n == 0 {
			return err
		}
		if err := note(ctx, tx, at, id, "frozen", ""); err != nil {
			return err
		}
		if err := inform(ctx, tx, at, sub, tell); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "line frozen", id, nil)
	})
}
