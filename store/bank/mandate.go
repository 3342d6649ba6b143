package bank

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/services/bank"
	"tegata/store"
)

const mandateColumns = `id, creditor, state, why, ended_by, holder, limit_once, limit_day, valid_ms, back, sub, account, document, signature, evidence, code, asked_ms, granted_ms, ended_ms`

// mandates reads mandates by a clause of SQL of our own.
func mandates(ctx context.Context, tx store.Tx, clause string, args ...any) (all []bank.Mandate, err error) {
	rows, err := tx.Query(ctx, `SELECT `+mandateColumns+` FROM mandate `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m bank.Mandate
		var state, holder string
		var code []byte
		var valid, asked, granted, ended int64
		err := rows.Scan(&m.ID, &m.Creditor, &state, &m.Why, &m.By, &holder, &m.Terms.LimitOnce, &m.Terms.LimitDay, &valid, &m.Back, &m.Sub, &m.Account,
			&m.Document, &m.Signature, &m.Evidence, &code, &asked, &granted, &ended)
		if err == nil && holder != "" {
			err = json.Unmarshal([]byte(holder), &m.Holder)
		}
		if err != nil {
			return nil, fmt.Errorf("store: mandate: %w", err)
		}
		m.State, m.Terms.ValidTo, m.AskedAt, m.GrantedAt, m.EndedAt = bank.MandateState(state), store.Moment(valid), store.Moment(asked), store.Moment(granted), store.Moment(ended)
		copy(m.Code[:], code)
		all = append(all, m)
	}
	return all, rows.Err()
}

// mandate reads one, or says bank.ErrMandateUnknown.
func mandate(ctx context.Context, tx store.Tx, id string) (bank.Mandate, error) {
	all, err := mandates(ctx, tx, `WHERE id = $1`, id)
	if err == nil && len(all) == 0 {
		err = bank.ErrMandateUnknown
	}
	if err != nil {
		return bank.Mandate{}, err
	}
	return all[0], nil
}

// Ask implements bank.Store.
func (s *Store) Ask(ctx context.Context, m bank.Mandate) error {
	holder, err := json.Marshal(m.Holder)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO mandate (id, creditor, state, holder, limit_once, limit_day, valid_ms, back, asked_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
			m.ID, m.Creditor, bank.Asked, string(holder), m.Terms.LimitOnce, m.Terms.LimitDay, m.Terms.ValidTo.UnixMilli(), m.Back, m.AskedAt.UnixMilli())
		if err != nil {
			return err
		}
		if n == 1 {
			return store.Audit(ctx, tx, m.AskedAt, system, "mandate asked", m.ID, nil)
		}
		kept, err := mandate(ctx, tx, m.ID)
		if err != nil {
			return err
		}
		same := kept.Creditor == m.Creditor && kept.Back == m.Back && kept.Terms.LimitOnce == m.Terms.LimitOnce && kept.Terms.LimitDay == m.Terms.LimitDay &&
			kept.Terms.ValidTo.UnixMilli() == m.Terms.ValidTo.UnixMilli() && kept.State == bank.Asked && kept.Holder == m.Holder
		if !same {
			return bank.ErrMandate
		}
		return nil
	})
}

// Mandate implements bank.Store.
func (s *Store) Mandate(ctx context.Context, id string) (m bank.Mandate, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		m, err = mandate(ctx, tx, id)
		return err
	})
	return m, err
}

// Mandates implements bank.Store.
func (s *Store) Mandates(ctx context.Context, sub string) (all []bank.Mandate, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all, err = mandates(ctx, tx, `WHERE sub = $1 ORDER BY granted_ms DESC, id LIMIT 100`, sub)
		return err
	})
	return all, err
}

// Refuse implements bank.Store.
func (s *Store) Refuse(ctx context.Context, at time.Time, id, why string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'refused', why = $1, holder = '', ended_ms = $2 WHERE id = $3 AND state = 'asked'`, why, at.UnixMilli(), id)
		if err != nil {
			return err
		}
		if n == 0 {
			return bank.ErrMandateOver
		}
		return store.Audit(ctx, tx, at, system, "mandate refused", id, nil)
	})
}

// Grant implements bank.Store.
func (s *Store) Grant(ctx context.Context, m bank.Mandate) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		// The account is asked for here too: it may have been closed or held meanwhile.
		switch a, err := one(ctx, tx, `WHERE number = $1`, m.Account); {
		case errors.Is(err, bank.ErrNotFound):
			return bank.ErrMandateOver
		case err != nil:
			return err
		case a.Held():
			return bank.ErrHeld
		}
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'granted', sub = $1, account = $2, document = $3, signature = $4, evidence = $5, code = $6, granted_ms = $7
			WHERE id = $8 AND state = 'asked' AND EXISTS (SELECT 1 FROM application WHERE number = $2 AND sub = $1 AND state = 'opened')`,
			m.Sub, m.Account, m.Document, m.Signature, m.Evidence, m.Code[:], m.GrantedAt.UnixMilli(), m.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return bank.ErrMandateOver
		}
		return store.Audit(ctx, tx, m.GrantedAt, system, "mandate granted", m.ID, nil)
	})
}

// redeemable is for how long a granted mandate is redeemed, and the same answer given.
const redeemable = 10 * time.Minute

// Redeem implements bank.Store.
func (s *Store) Redeem(ctx context.Context, at time.Time, id string, code [32]byte) (m bank.Mandate, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		if m, err = mandate(ctx, tx, id); err != nil {
			return err
		}
		switch {
		case m.State != bank.Granted && m.State != bank.Active, at.After(m.GrantedAt.Add(redeemable)):
			return bank.ErrMandateOver
		case !bytes.Equal(m.Code[:], code[:]): // hashes: how far they agree says nothing
			return bank.ErrMandateCode
		case m.State == bank.Active:
			return nil // the same once more
		}
		m.State = bank.Active
		if _, err := tx.Exec(ctx, `UPDATE mandate SET state = 'active' WHERE id = $1`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE mandate SET state = 'ended', ended_by = $1, ended_ms = $2, tell_ms = $2
			WHERE account = $3 AND creditor = $4 AND state = 'active' AND id <> $5`, bank.ByNewer, at.UnixMilli(), m.Account, m.Creditor, id); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "mandate active", id, nil)
	})
	return m, err
}

// End implements bank.Store.
func (s *Store) End(ctx context.Context, at time.Time, id, by string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := mandate(ctx, tx, id); err != nil {
			return err
		}
		tell := at.UnixMilli()
		if by == bank.ByCreditor {
			tell = 0
		}
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'ended', ended_by = $1, ended_ms = $2, tell_ms = $3 WHERE id = $4 AND state IN ('asked', 'granted', 'active')`,
			by, at.UnixMilli(), tell, id)
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, system, "mandate ended", id, nil)
	})
}

// Lapse implements bank.Store.
func (s *Store) Lapse(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE mandate SET state = 'lapsed', holder = '', ended_ms = $1
			WHERE state = 'asked' AND asked_ms <= $2 OR state = 'granted' AND granted_ms <= $2`, at.UnixMilli(), at.Add(-redeemable).UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, system, "mandates lapsed", fmt.Sprint(n), nil)
	})
}

// Untold implements bank.Store.
func (s *Store) Untold(ctx context.Context, at time.Time) (all []bank.Mandate, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all, err = mandates(ctx, tx, `WHERE tell_ms > 0 AND tell_ms <= $1 ORDER BY tell_ms LIMIT 100`, at.UnixMilli())
		return err
	})
	return all, err
}

// Told implements bank.Store.
func (s *Store) Told(ctx context.Context, id string, done bool, next time.Time) error {
	ms := next.UnixMilli()
	if done {
		ms = 0
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE mandate SET tell_ms = $1 WHERE id = $2 AND tell_ms > 0`, ms, id)
		return err
	})
}

// endAll ends the mandates of an account that is closed.
func endAll(ctx context.Context, tx store.Tx, at time.Time, account string) error {
	_, err := tx.Exec(ctx, `UPDATE mandate SET state = 'ended', ended_by = $1, ended_ms = $2, tell_ms = $2 WHERE account = $3 AND state IN ('granted', 'active')`,
		bank.ByClosing, at.UnixMilli(), account)
	return err
}
