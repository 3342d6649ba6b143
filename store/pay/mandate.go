package pay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

const mandateColumns = `id, wallet, state, holder, limit_once, limit_day, valid_to_ms, asked_ms, why, account, first_limit, first_until_ms, granted_ms,
	evidence, ended_ms, ended_by, tell_ms`

func scanMandate(row store.Row) (m pay.Mandate, err error) {
	var state, holder string
	var valid, asked, first, granted, ended, tell int64
	err = row.Scan(&m.ID, &m.Wallet, &state, &holder, &m.LimitOnce, &m.LimitDay, &valid, &asked, &m.Why, &m.Account, &m.FirstLimit, &first, &granted,
		&m.Evidence, &ended, &m.EndedBy, &tell)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal([]byte(holder), &m.Holder); err != nil {
		return m, fmt.Errorf("store: mandate %s: %w", m.ID, err)
	}
	m.State, m.ValidTo, m.AskedAt, m.FirstUntil, m.GrantedAt = pay.MandateState(state), store.Moment(valid), store.Moment(asked), store.Moment(first), store.Moment(granted)
	m.EndedAt, m.TellAt, m.Told = store.Moment(ended), store.Moment(tell), tell == 0
	return m, nil
}

func mandateByID(ctx context.Context, tx store.Tx, id string) (pay.Mandate, error) {
	return one(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE id = $1`, id)
}

// AskMandate implements pay.Store.
func (s *Store) AskMandate(ctx context.Context, at time.Time, m pay.Mandate) error {
	holder, err := json.Marshal(m.Holder)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO mandate (id, wallet, state, holder, limit_once, limit_day, valid_to_ms, asked_ms) VALUES ($1, $2, 'asked', $3, $4, $5, $6, $7)`,
			m.ID, m.Wallet, string(holder), m.LimitOnce, m.LimitDay, m.ValidTo.UnixMilli(), at.UnixMilli())
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "mandate asked", m.ID, map[string]string{"wallet": m.Wallet})
	})
}

// Mandate implements pay.Store.
func (s *Store) Mandate(ctx context.Context, wallet, id string) (m pay.Mandate, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		m, err = one(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE id = $1 AND wallet = $2`, id, wallet)
		return err
	})
	return m, err
}

// Mandates implements pay.Store.
func (s *Store) Mandates(ctx context.Context, wallet string) ([]pay.Mandate, error) {
	return read(ctx, s, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE wallet = $1 ORDER BY asked_ms DESC, id`, wallet)
}

// Grant implements pay.Store.
func (s *Store) Grant(ctx context.Context, at time.Time, g pay.Grant) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'active', account = $1, limit_once = $2, limit_day = $3, valid_to_ms = $4, first_limit = $5, first_until_ms = $6,
			granted_ms = $7, evidence = $8 WHERE id = $9 AND state = 'asked' AND EXISTS (SELECT 1 FROM wallet WHERE wallet.id = mandate.wallet AND closed_ms = 0)`,
			g.Account, g.LimitOnce, g.LimitDay, g.ValidTo.UnixMilli(), g.FirstLimit, g.FirstUntil.UnixMilli(), g.GrantedAt.UnixMilli(), g.Evidence, g.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return pay.ErrMoved
		}
		m, err := mandateByID(ctx, tx, g.ID)
		if err != nil {
			return err
		}
		return errors.Join(tell(ctx, tx, m.Wallet, pay.Notice{At: at, Kind: "linked", What: m.Account}),
			store.Audit(ctx, tx, at, system, "mandate active", m.ID, map[string]string{"evidence": g.Evidence}))
	})
}

// Drop implements pay.Store.
func (s *Store) Drop(ctx context.Context, at time.Time, id string, to pay.MandateState, why string, bankKnows bool) error {
	if to != pay.MandateRefused && to != pay.MandateLapsed {
		return fmt.Errorf("store: an asked mandate does not become %q here", to)
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		due := at.UnixMilli()
		if bankKnows {
			due = 0
		}
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = $1, why = $2, ended_ms = $3, tell_ms = $4 WHERE id = $5 AND state = 'asked'`, string(to), why, at.UnixMilli(), due, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return pay.ErrMoved
		}
		m, err := mandateByID(ctx, tx, id)
		if err != nil {
			return err
		}
		return errors.Join(tell(ctx, tx, m.Wallet, pay.Notice{At: at, Kind: "link-" + string(to), Why: why}),
			store.Audit(ctx, tx, at, system, "mandate "+string(to), id, map[string]string{"why": why}))
	})
}

func endMandate(ctx context.Context, tx store.Tx, at time.Time, m pay.Mandate, by string) error {
	due := int64(0)
	if by != pay.ByBank {
		due = at.UnixMilli()
	}
	n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'ended', ended_ms = $1, ended_by = $2, tell_ms = $3 WHERE id = $4 AND state IN ('asked', 'active')`, at.UnixMilli(), by, due, m.ID)
	if err != nil || n == 0 {
		return err
	}
	return errors.Join(tell(ctx, tx, m.Wallet, pay.Notice{At: at, Kind: "ended-by-" + by, What: m.Account}),
		store.Audit(ctx, tx, at, system, "mandate ended", m.ID, map[string]string{"by": by}))
}

// EndMandate implements pay.Store.
func (s *Store) EndMandate(ctx context.Context, at time.Time, id, by string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		m, err := mandateByID(ctx, tx, id)
		if err != nil {
			return err
		}
		return endMandate(ctx, tx, at, m, by)
	})
}

// ToTell implements pay.Store.
func (s *Store) ToTell(ctx context.Context, at time.Time) ([]pay.Mandate, error) {
	return read(ctx, s, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE tell_ms > 0 AND tell_ms <= $1 ORDER BY tell_ms LIMIT 100`, at.UnixMilli())
}

// Told implements pay.Store.
func (s *Store) Told(ctx context.Context, id string, again time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE mandate SET tell_ms = $1 WHERE id = $2 AND tell_ms > 0`, store.Millis(again), id)
		return err
	})
}

// Overdue implements pay.Store.
func (s *Store) Overdue(ctx context.Context, before time.Time) ([]pay.Mandate, error) {
	return read(ctx, s, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE state = 'asked' AND asked_ms <= $1 ORDER BY asked_ms LIMIT 100`, before.UnixMilli())
}

// NextDue implements pay.Store.
func (s *Store) NextDue(ctx context.Context, lapse time.Duration) (at time.Time, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var ms int64
		err := tx.QueryRow(ctx, `SELECT COALESCE(MIN(due), 0) FROM (
			SELECT MIN(asked_ms) + $1 AS due FROM mandate WHERE state = 'asked'
			UNION ALL SELECT MIN(tell_ms) FROM mandate WHERE tell_ms > 0
			UNION ALL SELECT MIN(next_ms) FROM charge WHERE state = 'asked'
			UNION ALL SELECT MIN(expires_ms) FROM sale WHERE state = 'asked'
			UNION ALL SELECT MIN(retention_ms) FROM wallet WHERE retention_ms > 0) AS next`, lapse.Milliseconds()).Scan(&ms)
		at = store.Moment(ms)
		return err
	})
	return at, err
}

// Erase implements pay.Store. Who the wallet's holder was goes, and what it told them; the
// ledger's lines, which name no one, stay.
func (s *Store) Erase(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		ids, err := all(ctx, tx, func(row store.Row) (id string, err error) { return id, row.Scan(&id) },
			`SELECT id FROM wallet WHERE retention_ms > 0 AND retention_ms <= $1`, at.UnixMilli())
		if err != nil {
			return err
		}
		for _, id := range ids {
			if _, err := tx.Exec(ctx, `UPDATE wallet SET sub = '', holder = '{}', terms = $1, signature = $1, record = '{}', retention_ms = 0 WHERE id = $2`, []byte{}, id); err != nil {
				return err
			}
			for _, query := range []string{
				`UPDATE mandate SET holder = '{}', account = '', evidence = '' WHERE wallet = $1`,
				`DELETE FROM notice WHERE wallet = $1`,
			} {
				if _, err := tx.Exec(ctx, query, id); err != nil {
					return err
				}
			}
			if err := store.Audit(ctx, tx, at, system, "record erased", id, nil); err != nil {
				return err
			}
		}
		return nil
	})
}
