package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/portal"
	"tegata/store"
)

const caseColumns = "SELECT number, person, use_id, details, opened_at_ms, suspended_at_ms, report, due_ms, tries FROM not_me"

// details is what is kept of a case as one text.
type details struct {
	portal.Use
	Session []byte `json:"opened_in,omitempty"` // portal.Case.Session
}

// OpenCase implements portal.Store.
func (s *Store) OpenCase(ctx context.Context, who audit.Actor, c portal.Case) (opened portal.Case, err error) {
	text, err := json.Marshal(details{c.Use, c.Session[:]})
	if err != nil {
		return c, fmt.Errorf("store/portal: case: %w", err)
	}
	err = s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO not_me (number, person, use_id, details, opened_at_ms, report, due_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (person, use_id) DO NOTHING`, c.Number, c.Person, c.UseID, string(text), c.OpenedAt.UnixMilli(), c.Report, dueMS(c.Due))
		if err != nil {
			return err
		}
		if opened, err = scanCase(tx.QueryRow(ctx, caseColumns+" WHERE person = $1 AND use_id = $2", c.Person, c.UseID)); err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, c.OpenedAt, who, "case opened", c.Number, map[string]string{"use": c.UseID})
	})
	return opened, err
}

// HoldCase implements portal.Store.
func (s *Store) HoldCase(ctx context.Context, who audit.Actor, number string, held, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE not_me SET suspended_at_ms = $2 WHERE number = $1 AND suspended_at_ms = 0", number, held.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "phone suspended for case", number, nil)
	})
}

// Cases implements portal.Store.
func (s *Store) Cases(ctx context.Context, person string) ([]portal.Case, error) {
	return s.cases(ctx, " WHERE person = $1 ORDER BY opened_at_ms DESC, number", person)
}

// CasesDue implements portal.Store.
func (s *Store) CasesDue(ctx context.Context, at time.Time, limit int) ([]portal.Case, error) {
	return s.cases(ctx, " WHERE due_ms > 0 AND due_ms <= $1 ORDER BY due_ms, number LIMIT $2", at.UnixMilli(), limit)
}

// ClaimCase implements portal.Store.
func (s *Store) ClaimCase(ctx context.Context, c portal.Case, next time.Time) (mine bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE not_me SET due_ms = $1, tries = tries + 1 WHERE number = $2 AND due_ms = $3 AND tries = $4",
			dueMS(next), c.Number, dueMS(c.Due), c.Tries)
		mine = n == 1
		return err
	})
	return mine, err
}

// SettleCase implements portal.Store.
func (s *Store) SettleCase(ctx context.Context, who audit.Actor, number string, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE not_me SET due_ms = 0 WHERE number = $1 AND due_ms > 0", number)
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "helpdesk told of case", number, nil)
	})
}

func (s *Store) cases(ctx context.Context, where string, args ...any) (all []portal.Case, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, caseColumns+where, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c, err := scanCase(rows)
			if err != nil {
				return err
			}
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}

// dueMS keeps the zero moment as 0.
func dueMS(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func scanCase(row interface{ Scan(...any) error }) (c portal.Case, err error) {
	var text string
	var opened, suspended, due int64
	if err := row.Scan(&c.Number, &c.Person, &c.UseID, &text, &opened, &suspended, &c.Report, &due, &c.Tries); err != nil {
		return c, err
	}
	c.OpenedAt = moment(opened)
	if suspended != 0 {
		c.Suspended = moment(suspended)
	}
	if due != 0 {
		c.Due = moment(due)
	}
	var d details
	err = json.Unmarshal([]byte(text), &d)
	c.Use = d.Use
	copy(c.Session[:], d.Session)
	return c, err
}
