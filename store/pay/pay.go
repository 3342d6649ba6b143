// Package pay keeps the wallet's state: wallets with their records of identity, the ledger,
// mandates, charges and notices.
//
// It owns the tables under schema/ and the SQL over them; what they mean is package
// services/pay's.
//
// # Trust
//
// As package store says. The ledger's lines are added only: triggers refuse a change, and a
// wallet whose lines do not add up moves no money. Who owns the database can drop triggers;
// the audit chain has each entry's amount too.
package pay

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/pay"
	"tegata/store"
)

// Schema are the migrations, for store.DB.Migrate.
//
//go:embed schema
var Schema embed.FS

// Store implements pay.Store.
type Store struct {
	store.Counters
	db *store.DB
}

var _ pay.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{store.CountersOf(db), db} }

var system = audit.System("pay")

// all reads what a query gives, row by row.
func all[T any](ctx context.Context, tx store.Tx, scan func(store.Row) (T, error), query string, args ...any) (list []T, err error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}

// read is all in a transaction of its own.
func read[T any](ctx context.Context, s *Store, scan func(store.Row) (T, error), query string, args ...any) (list []T, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		list, err = all(ctx, tx, scan, query, args...)
		return err
	})
	return list, err
}

// one is the only row of a query, or pay.ErrNotFound.
func one[T any](ctx context.Context, tx store.Tx, scan func(store.Row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(tx.QueryRow(ctx, query, args...))
	if errors.Is(err, store.ErrNotFound) {
		err = pay.ErrNotFound
	}
	return v, err
}

const walletColumns = `id, sub, holder, terms, signature, record, opened_ms, closed_ms, stopped_ms, night_open,
	COALESCE((SELECT balance FROM entry WHERE entry.wallet = wallet.id ORDER BY seq DESC LIMIT 1), 0)`

func scanWallet(row store.Row) (w pay.Wallet, err error) {
	var holder, record string
	var opened, closed, stopped, night int64
	if err := row.Scan(&w.ID, &w.Sub, &holder, &w.Terms, &w.Signature, &record, &opened, &closed, &stopped, &night, &w.Balance); err != nil {
		return w, err
	}
	if err := errors.Join(json.Unmarshal([]byte(holder), &w.Holder), json.Unmarshal([]byte(record), &w.Record)); err != nil {
		return w, fmt.Errorf("store: wallet %s: %w", w.ID, err)
	}
	w.OpenedAt, w.ClosedAt, w.StoppedAt, w.NightOpen = store.Moment(opened), store.Moment(closed), store.Moment(stopped), night != 0
	return w, nil
}

func walletByID(ctx context.Context, tx store.Tx, id string) (pay.Wallet, error) {
	return one(ctx, tx, scanWallet, `SELECT `+walletColumns+` FROM wallet WHERE id = $1`, id)
}

// Open implements pay.Store.
func (s *Store) Open(ctx context.Context, at time.Time, w pay.Wallet) error {
	holder, err := json.Marshal(w.Holder)
	if err != nil {
		return err
	}
	record, err := json.Marshal(w.Record)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO wallet (id, sub, holder, terms, signature, record, opened_ms) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			w.ID, w.Sub, string(holder), w.Terms, w.Signature, string(record), at.UnixMilli())
		if err != nil {
			return err
		}
		if n == 1 {
			return errors.Join(tell(ctx, tx, w.ID, pay.Notice{At: at, Kind: "opened"}), store.Audit(ctx, tx, at, system, "wallet opened", w.ID, nil))
		}
		switch there, err := walletByID(ctx, tx, w.ID); {
		case err != nil && !errors.Is(err, pay.ErrNotFound):
			return err
		case err == nil && there.Sub == w.Sub:
			return nil // the same again
		}
		return pay.ErrSecond
	})
}

// WalletOf implements pay.Store.
func (s *Store) WalletOf(ctx context.Context, sub string) (w pay.Wallet, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		w, err = one(ctx, tx, scanWallet, `SELECT `+walletColumns+` FROM wallet WHERE sub = $1
			ORDER BY CASE closed_ms WHEN 0 THEN 0 ELSE 1 END, opened_ms DESC LIMIT 1`, sub)
		return err
	})
	return w, err
}

// Turn implements pay.Store.
func (s *Store) Turn(ctx context.Context, at time.Time, wallet string, to pay.Switch) error {
	query, args := "", []any{wallet}
	switch to {
	case pay.Stop:
		query, args = `UPDATE wallet SET stopped_ms = $2 WHERE id = $1 AND closed_ms = 0 AND stopped_ms = 0`, append(args, at.UnixMilli())
	case pay.Resume:
		query = `UPDATE wallet SET stopped_ms = 0 WHERE id = $1 AND closed_ms = 0 AND stopped_ms > 0`
	case pay.Night:
		query = `UPDATE wallet SET night_open = 0 WHERE id = $1 AND closed_ms = 0 AND night_open = 1`
	case pay.Day:
		query = `UPDATE wallet SET night_open = 1 WHERE id = $1 AND closed_ms = 0 AND night_open = 0`
	default:
		return fmt.Errorf("store: no switch %q", to)
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		if w, err := walletByID(ctx, tx, wallet); err != nil || !w.Open() {
			return errors.Join(err, pay.ErrNotFound)
		}
		n, err := tx.Exec(ctx, query, args...)
		if err != nil || n == 0 {
			return err
		}
		return errors.Join(tell(ctx, tx, wallet, pay.Notice{At: at, Kind: string(to)}), store.Audit(ctx, tx, at, system, "wallet "+string(to), wallet, nil))
	})
}

// Close implements pay.Store.
func (s *Store) Close(ctx context.Context, at time.Time, wallet string, rule pay.Rule) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		st, err := standing(ctx, tx, wallet, at)
		if err != nil {
			return err
		}
		if !st.Wallet.Open() {
			return pay.ErrNotFound
		}
		if err := rule(st); err != nil {
			return err
		}
		w := st.Wallet
		w.Record.RetentionUntil = pay.Retention(at)
		record, err := json.Marshal(w.Record)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE wallet SET closed_ms = $1, retention_ms = $2, record = $3 WHERE id = $4 AND closed_ms = 0`,
			at.UnixMilli(), w.Record.RetentionUntil.UnixMilli(), string(record), wallet)
		if err != nil || n == 0 {
			return errors.Join(err, pay.ErrNotFound)
		}
		open, err := all(ctx, tx, scanMandate, `SELECT `+mandateColumns+` FROM mandate WHERE wallet = $1 AND state IN ('asked', 'active')`, wallet)
		if err != nil {
			return err
		}
		for _, m := range open {
			if err := endMandate(ctx, tx, at, m, pay.ByWallet); err != nil {
				return err
			}
		}
		return errors.Join(tell(ctx, tx, wallet, pay.Notice{At: at, Kind: "closed"}), store.Audit(ctx, tx, at, system, "wallet closed", wallet, nil))
	})
}

func tell(ctx context.Context, tx store.Tx, wallet string, n pay.Notice) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice (wallet, seq, at_ms, kind, amount, what, why)
		SELECT $1, COALESCE(MAX(seq), 0) + 1, $2, $3, $4, $5, $6 FROM notice WHERE wallet = $1`, wallet, n.At.UnixMilli(), n.Kind, n.Amount, n.What, n.Why)
	return err
}

// Tell implements pay.Store.
func (s *Store) Tell(ctx context.Context, wallet string, n pay.Notice) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		return errors.Join(tell(ctx, tx, wallet, n), store.Audit(ctx, tx, n.At, system, "told "+n.Kind, wallet, map[string]string{"why": n.Why}))
	})
}

// Notices implements pay.Store.
func (s *Store) Notices(ctx context.Context, wallet string, limit int) ([]pay.Notice, error) {
	return read(ctx, s, func(row store.Row) (n pay.Notice, err error) {
		var at int64
		err = row.Scan(&at, &n.Kind, &n.Amount, &n.What, &n.Why)
		n.At = store.Moment(at)
		return n, err
	}, `SELECT at_ms, kind, amount, what, why FROM notice WHERE wallet = $1 ORDER BY seq DESC LIMIT $2`, wallet, limit)
}
