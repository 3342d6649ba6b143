package verifier

import (
	"context"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/gateway"
)

// TellingsDue implements gateway.Store.
func (s *Store) TellingsDue(ctx context.Context, at time.Time, limit int) (all []gateway.Telling, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT id, person, code, due_ms, tries FROM telling WHERE due_ms <= $1 ORDER BY due_ms, id LIMIT $2", at.UnixMilli(), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t gateway.Telling
			var due int64
			if err := rows.Scan(&t.ID, &t.Person, &t.Code, &due, &t.Tries); err != nil {
				return err
			}
			t.Due = time.UnixMilli(due).UTC()
			all = append(all, t)
		}
		return rows.Err()
	})
	return all, err
}

// ClaimTelling implements gateway.Store.
func (s *Store) ClaimTelling(ctx context.Context, t gateway.Telling, next time.Time) (mine bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE telling SET due_ms = $1, tries = tries + 1 WHERE id = $2 AND due_ms = $3 AND tries = $4",
			next.UnixMilli(), t.ID, t.Due.UnixMilli(), t.Tries)
		mine = n == 1
		return err
	})
	return mine, err
}

// SettleTelling implements gateway.Store.
func (s *Store) SettleTelling(ctx context.Context, who audit.Actor, id string, at time.Time, why string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "DELETE FROM telling WHERE id = $1", id)
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "rules change told", id, map[string]string{"why": why})
	})
}
