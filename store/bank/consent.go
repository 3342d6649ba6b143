package bank

import (
	"context"
	"encoding/json"
	"time"

	"tegata/services/bank"
	"tegata/services/guardian"
	"tegata/store"
	"tegata/store/consent"
)

// Consent implements bank.Store.
func (s *Store) Consent(ctx context.Context, c guardian.Consent, review time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		fresh, err := consent.Keep(ctx, tx, c)
		if err != nil || !fresh {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE application SET state = 'reviewing', due_ms = $1, review_ms = $1 WHERE id = $2 AND state = 'awaiting'`, review.UnixMilli(), c.Subject)
		if err == nil && n == 0 {
			err = guardian.ErrOver
		}
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, c.SignedAt, system, "guardian consented", c.Subject, nil)
	})
}

// Unconsented implements bank.Store.
func (s *Store) Unconsented(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		all, err := read(ctx, tx, `WHERE state = 'awaiting' AND due_ms <= $1`, at.UnixMilli())
		if err != nil {
			return err
		}
		for _, a := range all {
			a.Record.RetentionUntil = bank.Retention(at)
			record, err := json.Marshal(a.Record)
			if err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE application SET state = 'stopped', why = $1, record = $2, retention_ms = $3 WHERE id = $4 AND state = 'awaiting'`,
				guardian.WhyConsent, string(record), a.Record.RetentionUntil.UnixMilli(), a.ID); err != nil {
				return err
			}
			if err := store.Audit(ctx, tx, at, system, "application stopped", a.ID, map[string]string{"why": guardian.WhyConsent}); err != nil {
				return err
			}
		}
		return nil
	})
}
