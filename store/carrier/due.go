package carrier

import (
	"context"
	"fmt"
	"time"

	"tegata/services/carrier"
	"tegata/store"
	"tegata/store/consent"
)

// DueLines implements carrier.Store.
func (s *Store) DueLines(ctx context.Context, at time.Time) (all []carrier.Line, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = bareLines(ctx, tx, `WHERE state = 'signed' AND try_ms <= $1 ORDER BY try_ms, id LIMIT 100`, at.UnixMilli())
		return err
	})
	return all, err
}

// DueChanges implements carrier.Store.
func (s *Store) DueChanges(ctx context.Context, at time.Time) (all []carrier.Change, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = readChanges(ctx, tx, `WHERE state = 'waiting' AND try_ms <= $1 ORDER BY try_ms, id LIMIT 100`, at.UnixMilli())
		return err
	})
	return all, err
}

// NextDue implements carrier.Store.
func (s *Store) NextDue(ctx context.Context) (at time.Time, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var ms int64
		err := tx.QueryRow(ctx, `SELECT COALESCE(MIN(due), 0) FROM (
			SELECT MIN(try_ms) AS due FROM line WHERE state = 'signed'
			UNION ALL SELECT MIN(due_ms) FROM line WHERE state = 'awaiting'
			UNION ALL SELECT MIN(try_ms) FROM sim_change WHERE state = 'waiting'
			UNION ALL SELECT MIN(erase_ms) FROM line WHERE erase_ms > 0
			UNION ALL SELECT MIN(erase_ms) FROM address WHERE erase_ms > 0
			UNION ALL SELECT MIN(erase_ms) FROM outbox) AS next`).Scan(&ms)
		at = store.Moment(ms)
		return err
	})
	return at, err
}

// Postpone implements carrier.Store.
func (s *Store) Postpone(ctx context.Context, id string, until time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE line SET try_ms = $1 WHERE id = $2 AND state = 'signed'`, until.UnixMilli(), id)
		if err == nil && n == 0 {
			n, err = tx.Exec(ctx, `UPDATE sim_change SET try_ms = $1 WHERE id = $2 AND state = 'waiting'`, until.UnixMilli(), id)
		}
		if err == nil && n == 0 {
			err = carrier.ErrMoved
		}
		return err
	})
}

// Activate implements carrier.Store.
func (s *Store) Activate(ctx context.Context, at time.Time, id string, r carrier.Record, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		all, err := bareLines(ctx, tx, `WHERE id = $1 AND state = 'signed'`, id)
		if err == nil && len(all) == 0 {
			err = carrier.ErrMoved
		}
		if err != nil {
			return err
		}
		n, err := store.Next(ctx, tx, "number")
		if err != nil {
			return err
		}
		tel, err := number(n, all[0].Plan().Voice)
		if err != nil {
			return err
		}
		if n, err := tx.Exec(ctx, `UPDATE line SET state = 'active', number = $1, record = $2, active_ms = $3 WHERE id = $4 AND state = 'signed'`, tel, text(r), at.UnixMilli(), id); err != nil || n == 0 {
			return orMoved(err)
		}
		if err := issue(ctx, tx, at, id, id, r.Certificate); err != nil {
			return err
		}
		if err := inform(ctx, tx, at, all[0].Sub, tell); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "line activated", id, nil)
	})
}

// orMoved is why a compare-and-set changed nothing.
func orMoved(err error) error {
	if err == nil {
		return carrier.ErrMoved
	}
	return err
}

// Stop implements carrier.Store.
func (s *Store) Stop(ctx context.Context, at time.Time, id, why string, r carrier.Record, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error { return stop(ctx, tx, at, carrier.Signed, id, why, r, tell) })
}

// stop ends a line of a state that will not be activated. It returns carrier.ErrMoved.
func stop(ctx context.Context, tx store.Tx, at time.Time, from carrier.State, id, why string, r carrier.Record, tell carrier.Letter) error {
	var sub string
	if err := tx.QueryRow(ctx, `UPDATE line SET state = 'stopped', why = $1, record = $2, ended_ms = $3, erase_ms = $4 WHERE id = $5 AND state = $6 RETURNING sub`,
		why, text(r), at.UnixMilli(), store.Millis(r.RetentionUntil), id, from).Scan(&sub); err != nil {
		return missing(err, carrier.ErrMoved)
	}
	if err := inform(ctx, tx, at, sub, tell); err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, system, "line stopped", id, map[string]string{"why": why})
}

// Erase implements carrier.Store.
func (s *Store) Erase(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		const old = `(SELECT id FROM line WHERE erase_ms > 0 AND erase_ms <= $1)`
		if err := consent.Drop(ctx, tx, `SELECT id FROM line WHERE erase_ms > 0 AND erase_ms <= $1`, at.UnixMilli()); err != nil {
			return err
		}
		var gone int64
		for _, query := range []string{
			`DELETE FROM message WHERE iccid IN (SELECT iccid FROM sim WHERE line IN ` + old + `)`,
			`DELETE FROM sim WHERE line IN ` + old,
			`DELETE FROM sim_change WHERE line IN ` + old,
			`DELETE FROM line WHERE erase_ms > 0 AND erase_ms <= $1`,
			`DELETE FROM address WHERE erase_ms > 0 AND erase_ms <= $1`,
			`DELETE FROM outbox WHERE erase_ms <= $1`,
		} {
			n, err := tx.Exec(ctx, query, at.UnixMilli())
			if err != nil {
				return err
			}
			gone += n
		}
		if gone == 0 {
			return nil
		}
		// Nobody is told of anything any more who has no line left.
		if _, err := tx.Exec(ctx, `DELETE FROM address WHERE sub NOT IN (SELECT sub FROM line)`); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "records erased", fmt.Sprint(gone), nil)
	})
}
