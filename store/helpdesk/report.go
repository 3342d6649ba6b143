package helpdesk

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/helpdesk"
	"tegata/store"
)

func reportColumns(c helpdesk.Case) (id, text string, err error) {
	if c.Report == nil {
		return "", "", nil
	}
	b, err := json.Marshal(c.Report)
	if err != nil {
		return "", "", fmt.Errorf("store/helpdesk: report: %w", err)
	}
	return c.Report.ID, string(b), nil
}

func parseReport(text string) (*helpdesk.Report, error) {
	if text == "" {
		return nil, nil
	}
	r := new(helpdesk.Report)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("store/helpdesk: report: %w", err)
	}
	return r, nil
}

// Reported implements helpdesk.Store.
func (s *Store) Reported(ctx context.Context, report string) (helpdesk.Case, error) {
	if report == "" {
		return helpdesk.Case{}, helpdesk.ErrNotFound
	}
	return s.one(ctx, "report_id = $1", report)
}

// Queue implements helpdesk.Store.
func (s *Store) Queue(ctx context.Context, limit int) ([]helpdesk.Case, error) {
	return s.list(ctx, "WHERE state IN ('open', 'taken') ORDER BY opened_at_ms, number LIMIT $1", limit)
}

// Move implements helpdesk.Store.
func (s *Store) Move(ctx context.Context, who audit.Actor, number string, from, to helpdesk.ReportState, e helpdesk.Event) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE case_file SET state = $1 WHERE number = $2 AND state = $3", to, number, from)
		if err != nil {
			return err
		}
		last, err := lastEvent(ctx, tx, number)
		switch {
		case err != nil:
			return err
		case last == 0:
			return helpdesk.ErrNotFound
		case n == 0:
			return helpdesk.ErrMoved
		}
		return note(ctx, tx, who, number, last+1, e)
	})
}

// TakeAssertion implements helpdesk.Store.
func (s *Store) TakeAssertion(ctx context.Context, party, id string, expires, at time.Time) (fresh bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, "DELETE FROM assertion WHERE expires_ms < $1", store.Millis(at)); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, "INSERT INTO assertion (party, id, expires_ms) VALUES ($1, $2, $3) ON CONFLICT (party, id) DO NOTHING", party, id, store.Millis(expires))
		fresh = n == 1
		return err
	})
	return fresh, err
}
