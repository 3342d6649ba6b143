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

const caseColumns = "SELECT number, person, use_id, details, opened_at_ms, suspended_at_ms FROM not_me"

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
		n, err := tx.Exec(ctx, `INSERT INTO not_me (number, person, use_id, details, opened_at_ms) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (person, use_id) DO NOTHING`, c.Number, c.Person, c.UseID, string(text), c.OpenedAt.UnixMilli())
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
func (s *Store) Cases(ctx context.Context, person string) (all []portal.Case, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, caseColumns+" WHERE person = $1 ORDER BY opened_at_ms DESC, number", person)
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

func scanCase(row interface{ Scan(...any) error }) (c portal.Case, err error) {
	var text string
	var opened, suspended int64
	if err := row.Scan(&c.Number, &c.Person, &c.UseID, &text, &opened, &suspended); err != nil {
		return c, err
	}
	c.OpenedAt = moment(opened)
	if suspended != 0 {
		c.Suspended = moment(suspended)
	}
	var d details
	err = json.Unmarshal([]byte(text), &d)
	c.Use = d.Use
	copy(c.Session[:], d.Session)
	return c, err
}
