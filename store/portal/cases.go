package portal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/portal"
	"tegata/store"
)

const caseColumns = `SELECT number, person, use_id, details, opened_at_ms, suspended_at_ms, report, due_ms, tries, report_code,
	hold_holder, hold_grant, hold_due_ms, hold_tries, hold_code FROM not_me`

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
		n, err := tx.Exec(ctx, `INSERT INTO not_me (number, person, use_id, details, opened_at_ms, report, due_ms, hold_holder, hold_grant, hold_due_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			c.Number, c.Person, c.UseID, string(text), c.OpenedAt.UnixMilli(), c.Report, dueMS(c.Due), c.Hold.Holder, c.Hold.Grant, dueMS(c.Hold.Due))
		if err != nil {
			return err
		}
		opened, err = scanCase(tx.QueryRow(ctx, caseColumns+" WHERE person = $1 AND use_id = $2", c.Person, c.UseID))
		if n == 0 && errors.Is(err, store.ErrNotFound) {
			return portal.ErrTaken
		}
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, c.OpenedAt, who, "case opened", c.Number, map[string]string{"use": c.UseID})
	})
	return opened, err
}

// HoldCase implements portal.Store.
func (s *Store) HoldCase(ctx context.Context, who audit.Actor, number string, held, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE not_me SET suspended_at_ms = $2, hold_grant = '', hold_holder = '', hold_due_ms = 0, hold_code = ''
			WHERE number = $1 AND suspended_at_ms = 0`, number, held.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "phone suspended for case", number, nil)
	})
}

// PutHold implements portal.Store.
func (s *Store) PutHold(ctx context.Context, who audit.Actor, number string, h portal.Hold, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE not_me SET hold_holder = $2, hold_grant = $3, hold_due_ms = $4, hold_tries = 0, hold_code = ''
			WHERE number = $1 AND suspended_at_ms = 0`, number, h.Holder, h.Grant, dueMS(h.Due))
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "phone to be suspended for case", number, nil)
	})
}

// HoldsDue implements portal.Store.
func (s *Store) HoldsDue(ctx context.Context, at time.Time, limit int) ([]portal.Case, error) {
	return s.cases(ctx, " WHERE hold_due_ms > 0 AND hold_due_ms <= $1 ORDER BY hold_due_ms, number LIMIT $2", at.UnixMilli(), limit)
}

// ClaimHold implements portal.Store.
func (s *Store) ClaimHold(ctx context.Context, c portal.Case, next time.Time) (bool, error) {
	return s.claim(ctx, "UPDATE not_me SET hold_due_ms = $1, hold_tries = hold_tries + 1 WHERE number = $2 AND hold_due_ms = $3 AND hold_tries = $4",
		dueMS(next), c.Number, dueMS(c.Hold.Due), c.Hold.Tries)
}

// RefuseHold implements portal.Store.
func (s *Store) RefuseHold(ctx context.Context, who audit.Actor, c portal.Case, code string, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE not_me SET hold_grant = '', hold_holder = '', hold_due_ms = 0, hold_code = $3
			WHERE number = $1 AND hold_grant = $2 AND hold_due_ms > 0`, c.Number, c.Hold.Grant, code)
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "phone not suspended for case", c.Number, map[string]string{"code": code})
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
func (s *Store) ClaimCase(ctx context.Context, c portal.Case, next time.Time) (bool, error) {
	return s.claim(ctx, "UPDATE not_me SET due_ms = $1, tries = tries + 1 WHERE number = $2 AND due_ms = $3 AND tries = $4",
		dueMS(next), c.Number, dueMS(c.Due), c.Tries)
}

func (s *Store) claim(ctx context.Context, update string, args ...any) (mine bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, update, args...)
		mine = n == 1
		return err
	})
	return mine, err
}

// SettleCase implements portal.Store.
func (s *Store) SettleCase(ctx context.Context, who audit.Actor, number, code string, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE not_me SET due_ms = 0, report_code = $2 WHERE number = $1 AND due_ms > 0", number, code)
		if err != nil || n == 0 {
			return err
		}
		if code != "" {
			return store.Audit(ctx, tx, at, who, "case not taken in by helpdesk", number, map[string]string{"code": code})
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
	var opened, suspended, due, hold int64
	if err := row.Scan(&c.Number, &c.Person, &c.UseID, &text, &opened, &suspended, &c.Report, &due, &c.Tries, &c.Untaken,
		&c.Hold.Holder, &c.Hold.Grant, &hold, &c.Hold.Tries, &c.Hold.Refused); err != nil {
		return c, err
	}
	if hold != 0 {
		c.Hold.Due = moment(hold)
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
