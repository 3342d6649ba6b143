package bank

import (
	"context"
	"encoding/json"
	"time"

	"tegata/services/bank"
	"tegata/services/guardian"
	"tegata/services/notice"
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
func (s *Store) Unconsented(ctx context.Context, at time.Time, tell notice.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		all, err := read(ctx, tx, `WHERE state = 'awaiting' AND due_ms <= $1`, at.UnixMilli())
		if err != nil {
			return err
		}
		for _, a := range all {
			if err := unopened(ctx, tx, at, a, guardian.WhyConsent); err != nil {
				return err
			}
			if err := write(ctx, tx, at, a, tell); err != nil {
				return err
			}
		}
		return nil
	})
}

// unopened stops an application that awaits a consent. It returns bank.ErrMoved.
func unopened(ctx context.Context, tx store.Tx, at time.Time, a bank.Application, why string) error {
	a.Record.RetentionUntil = bank.Retention(at)
	record, err := json.Marshal(a.Record)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE application SET state = 'stopped', why = $1, record = $2, retention_ms = $3 WHERE id = $4 AND state = 'awaiting'`,
		why, string(record), a.Record.RetentionUntil.UnixMilli(), a.ID)
	if err == nil && n == 0 {
		err = bank.ErrMoved
	}
	if err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, system, "application stopped", a.ID, map[string]string{"why": why})
}

// Withdraw implements bank.Store.
func (s *Store) Withdraw(ctx context.Context, at time.Time, sub string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		a, err := one(ctx, tx, `WHERE sub = $1 AND (state IN ('awaiting', 'reviewing', 'opened') OR state = 'stopped' AND why = $2)
			ORDER BY CASE state WHEN 'stopped' THEN 1 ELSE 0 END, received_ms DESC LIMIT 1`, sub, guardian.WhyWithdrawn)
		if err != nil || a.State == bank.Stopped {
			return err
		}
		if err := unopened(ctx, tx, at, a, guardian.WhyWithdrawn); err != nil {
			return err
		}
		return consent.End(ctx, tx, a.ID, at)
	})
}
