package carrier

import (
	"context"
	"time"

	"tegata/services/carrier"
	"tegata/services/guardian"
	"tegata/store"
	"tegata/store/consent"
)

// Consent implements carrier.Store.
func (s *Store) Consent(ctx context.Context, c guardian.Consent, activate time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		fresh, err := consent.Keep(ctx, tx, c)
		if err != nil || !fresh {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE line SET state = 'signed', due_ms = $1, try_ms = $1 WHERE id = $2 AND state = 'awaiting'`, activate.UnixMilli(), c.Subject)
		if err == nil && n == 0 {
			err = guardian.ErrOver
		}
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, c.SignedAt, system, "guardian consented", c.Subject, nil)
	})
}

// Unconsented implements carrier.Store.
func (s *Store) Unconsented(ctx context.Context, at time.Time, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		all, err := bareLines(ctx, tx, `WHERE state = 'awaiting' AND due_ms <= $1`, at.UnixMilli())
		if err != nil {
			return err
		}
		for _, l := range all {
			l.Record.RetentionUntil = carrier.Retention(at)
			if err := stop(ctx, tx, at, carrier.Awaiting, l.ID, guardian.WhyConsent, l.Record, tell); err != nil {
				return err
			}
		}
		return nil
	})
}

// WithdrawLine implements carrier.Store.
func (s *Store) WithdrawLine(ctx context.Context, at time.Time, sub, line string, tell carrier.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		all, err := bareLines(ctx, tx, `WHERE sub = $1 AND id = $2`, sub, line)
		switch {
		case err != nil:
			return err
		case len(all) == 0:
			return carrier.ErrNotFound
		case all[0].State == carrier.Stopped && all[0].Why == guardian.WhyWithdrawn:
			return nil
		}
		l := all[0]
		l.Record.RetentionUntil = carrier.Retention(at)
		if err := stop(ctx, tx, at, carrier.Awaiting, l.ID, guardian.WhyWithdrawn, l.Record, tell); err != nil {
			return err
		}
		return consent.End(ctx, tx, l.ID, at)
	})
}
