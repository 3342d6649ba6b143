package issuer

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/internal/audit"
	"tegata/issuer/profile"
	"tegata/issuer/status"
	"tegata/store"
)

// entryColumns are those of a certificate's row, in the order of scanEntry.
const entryColumns = `changed_seq, changed_at_ms, serial, authority, generation, crl_partition, not_after_ms,
	status, reason, since_ms, invalid_ms, good_since_ms`

func scanEntry(row scanner) (status.Recorded, error) {
	var r status.Recorded
	var serial []byte
	var at, notAfter, since, invalid, good int64
	err := row.Scan(&r.Seq, &at, &serial, &r.Kind, &r.Generation, &r.Partition, &notAfter,
		&r.Status, &r.Reason, &since, &invalid, &good)
	if err != nil {
		return status.Recorded{}, err
	}
	r.At, r.NotAfter, r.Since, r.Invalid, r.GoodSince = store.Moment(at), store.Moment(notAfter), store.Moment(since), store.Moment(invalid), store.Moment(good)
	r.Serial, err = serialOf(serial)
	return r, err
}

// each calls f for every row of a query over entries.
func each(ctx context.Context, tx store.Tx, f func(status.Recorded), query string, args ...any) error {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scanEntry(rows)
		if err != nil {
			return err
		}
		f(r)
	}
	return rows.Err()
}

// LoadStatus implements status.Store.
func (s *Store) LoadStatus(ctx context.Context, f func(status.Recorded)) (seq int64, last time.Time, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		last = time.Time{}
		if err := tx.QueryRow(ctx, "SELECT seq FROM status_head WHERE one = 1").Scan(&seq); err != nil {
			return err
		}
		return each(ctx, tx, func(r status.Recorded) {
			if r.At.After(last) {
				last = r.At
			}
			f(r)
		}, "SELECT "+entryColumns+" FROM certificate WHERE status <> 'prepared'")
	})
	return seq, last, err
}

// StatusChanges implements status.Store.
func (s *Store) StatusChanges(ctx context.Context, after int64, limit int) ([]status.Recorded, error) {
	var list []status.Recorded
	err := s.db.Read(ctx, func(tx store.Tx) (err error) {
		list, err = statusChanges(ctx, tx, after, limit)
		return err
	})
	return list, err
}

// statusChanges are the changes that follow the one with number after.
func statusChanges(ctx context.Context, tx store.Tx, after int64, limit int) (list []status.Recorded, err error) {
	err = each(ctx, tx, func(r status.Recorded) { list = append(list, r) },
		`SELECT seq, at_ms, serial, authority, generation, crl_partition, not_after_ms, status, reason, since_ms, invalid_ms, good_since_ms
		FROM status_change WHERE seq > $1 ORDER BY seq LIMIT $2`, after, limit)
	return list, err
}

// StatusSnapshot implements status.Store.
func (s *Store) StatusSnapshot(ctx context.Context, after int64, notAfter time.Time, limit int) (head int64, list []status.Recorded, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		list = nil
		if err := tx.QueryRow(ctx, "SELECT seq FROM status_head WHERE one = 1").Scan(&head); err != nil {
			return err
		}
		return each(ctx, tx, func(r status.Recorded) { list = append(list, r) },
			`SELECT `+entryColumns+` FROM certificate WHERE changed_seq > $1 AND changed_seq > 0 AND not_after_ms > $2
			ORDER BY changed_seq LIMIT $3`, after, store.Millis(notAfter), limit)
	})
	return head, list, err
}

// LatestCRL implements status.Store.
func (s *Store) LatestCRL(ctx context.Context, scope status.Scope) (c status.CRL, ok bool, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var this, next int64
		err := tx.QueryRow(ctx, `SELECT number, this_update_ms, next_update_ms, shown_seq, der FROM crl
			WHERE authority = $1 AND generation = $2 AND crl_partition = $3`, scope.Kind, scope.Generation, scope.Partition).
			Scan(&c.Number, &this, &next, &c.Seq, &c.DER)
		ok = err == nil
		c.ThisUpdate, c.NextUpdate = store.Moment(this), store.Moment(next)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return c, ok, err
}

// ChangedSeq implements status.Store.
func (s *Store) ChangedSeq(ctx context.Context, scope status.Scope) (seq int64, ok bool, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		err := tx.QueryRow(ctx, "SELECT changed_seq FROM crl_scope WHERE authority = $1 AND generation = $2 AND crl_partition = $3",
			scope.Kind, scope.Generation, scope.Partition).Scan(&seq)
		ok = err == nil
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	return seq, ok, err
}

// Listed implements status.Store.
func (s *Store) Listed(ctx context.Context, scope status.Scope, notAfter time.Time) (seq int64, at time.Time, list []status.Entry, err error) {
	query := "SELECT " + entryColumns + ` FROM certificate
		WHERE authority = $1 AND generation = $2 AND not_after_ms > $3 AND status IN ('held', 'revoked')`
	args := []any{scope.Kind, scope.Generation, store.Millis(notAfter)}
	if scope.Partition != "" {
		query += " AND crl_partition = $4"
		args = append(args, scope.Partition)
	}
	err = s.db.Read(ctx, func(tx store.Tx) error {
		list = nil
		var changedAt int64
		err := tx.QueryRow(ctx, "SELECT changed_seq, changed_at_ms FROM crl_scope WHERE authority = $1 AND generation = $2 AND crl_partition = $3",
			scope.Kind, scope.Generation, scope.Partition).Scan(&seq, &changedAt)
		if err != nil {
			return err
		}
		at = store.Moment(changedAt)
		return each(ctx, tx, func(r status.Recorded) { list = append(list, r.Entry) }, query+" ORDER BY serial", args...)
	})
	return seq, at, list, err
}

// KeepCRL implements status.Store.
func (s *Store) KeepCRL(ctx context.Context, who audit.Actor, scope status.Scope, c status.CRL) (kept bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		kept = false
		n, err := tx.Exec(ctx, `INSERT INTO crl (authority, generation, crl_partition, number, this_update_ms, next_update_ms, shown_seq, der)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (authority, generation, crl_partition) DO UPDATE SET number = excluded.number, this_update_ms = excluded.this_update_ms,
			next_update_ms = excluded.next_update_ms, shown_seq = excluded.shown_seq, der = excluded.der
			WHERE crl.number = excluded.number - 1`,
			scope.Kind, scope.Generation, scope.Partition, c.Number, store.Millis(c.ThisUpdate), store.Millis(c.NextUpdate), c.Seq, c.DER)
		if err != nil || n == 0 {
			return err
		}
		kept = true
		return store.Audit(ctx, tx, c.ThisUpdate, who, "crl.issue", profile.Label(scope.Kind, scope.Generation)+"/"+scope.Partition,
			map[string]string{"number": strconv.FormatInt(c.Number, 10)})
	})
	return kept, err
}
