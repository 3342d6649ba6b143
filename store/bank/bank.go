// Package bank keeps the bank's state: applications, records of identity and accounts.
//
// It owns the tables under schema/ and the SQL over them; what they mean is package
// services/bank's.
//
// # Trust
//
// As package store says. What is kept of a person is what they signed. Of the links in letters
// the SHA-256 is kept; a letter in the outbox has its link until it is erased.
package bank

import (
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/bank"
	"tegata/services/notice"
	"tegata/store"
	"tegata/store/consent"
)

// Schema are the migrations, for store.DB.Migrate.
//
//go:embed schema
var Schema embed.FS

// Store implements bank.Store.
type Store struct {
	consent.Rows
	store.Counters
	db *store.DB
}

var _ bank.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store {
	return &Store{consent.Rows{DB: db, Who: system}, store.CountersOf(db), db}
}

var system = audit.System("bank")

// Receive implements bank.Store.
func (s *Store) Receive(ctx context.Context, at time.Time, a bank.Application) error {
	choices, err := json.Marshal(a.Choices)
	if err != nil {
		return err
	}
	attributes, err := json.Marshal(a.Attributes)
	if err != nil {
		return err
	}
	record, err := json.Marshal(a.Record)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO application (id, sub, product, state, choices, attributes, document, signature, record, received_ms, due_ms, review_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`,
			a.ID, a.Sub, a.Choices.Product, a.State, string(choices), string(attributes), a.Document, a.Signature, string(record), at.UnixMilli(), a.DueAt.UnixMilli(), a.ReviewAt.UnixMilli())
		if err != nil {
			return err
		}
		if n == 1 && a.State == bank.Awaiting {
			if err := consent.Begin(ctx, tx, a.ID, a.Sub, a.DueAt); err != nil {
				return err
			}
		}
		if n == 1 {
			return store.Audit(ctx, tx, at, system, "application received", a.ID, nil)
		}
		var sub string
		switch err := tx.QueryRow(ctx, `SELECT sub FROM application WHERE id = $1`, a.ID).Scan(&sub); {
		case errors.Is(err, store.ErrNotFound):
			return bank.ErrSecond
		case err != nil:
			return err
		case sub != a.Sub:
			return bank.ErrMoved
		}
		return nil // the same again
	})
}

const columns = `id, sub, state, why, choices, attributes, document, signature, record, due_ms, review_ms, number, opened_ms, closed_ms, cool_ms, held_ms`

// read reads applications by a clause of SQL of our own.
func read(ctx context.Context, tx store.Tx, clause string, args ...any) (all []bank.Application, err error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM application `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a bank.Application
		var state, choices, attributes, record string
		var due, review, opened, closed, cool, held int64
		if err := rows.Scan(&a.ID, &a.Sub, &state, &a.Why, &choices, &attributes, &a.Document, &a.Signature, &record, &due, &review, &a.Number, &opened, &closed, &cool, &held); err != nil {
			return nil, err
		}
		err := errors.Join(json.Unmarshal([]byte(choices), &a.Choices), json.Unmarshal([]byte(attributes), &a.Attributes), json.Unmarshal([]byte(record), &a.Record))
		if err != nil {
			return nil, fmt.Errorf("store: application %s: %w", a.ID, err)
		}
		a.State, a.DueAt, a.ReviewAt, a.OpenedAt, a.ClosedAt = bank.State(state), store.Moment(due), store.Moment(review), store.Moment(opened), store.Moment(closed)
		a.CoolUntil, a.HeldAt = store.Moment(cool), store.Moment(held)
		all = append(all, a)
	}
	return all, rows.Err()
}

// Application implements bank.Store.
func (s *Store) Application(ctx context.Context, id string) (a bank.Application, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		a, err = one(ctx, tx, `WHERE id = $1`, id)
		return err
	})
	return a, err
}

// one reads one application, or says bank.ErrNotFound.
func one(ctx context.Context, tx store.Tx, clause string, args ...any) (bank.Application, error) {
	all, err := read(ctx, tx, clause, args...)
	if err == nil && len(all) == 0 {
		err = bank.ErrNotFound
	}
	if err != nil {
		return bank.Application{}, err
	}
	return all[0], nil
}

// Current implements bank.Store.
func (s *Store) Current(ctx context.Context, sub string, p bank.Product) (a bank.Application, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		a, err = one(ctx, tx, `WHERE sub = $1 AND product = $2 ORDER BY CASE WHEN state IN ('awaiting', 'reviewing', 'opened') THEN 0 ELSE 1 END, received_ms DESC LIMIT 1`, sub, p)
		return err
	})
	return a, err
}

// All implements bank.Store.
func (s *Store) All(ctx context.Context, sub string) (all []bank.Application, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all, err = read(ctx, tx, `WHERE sub = $1 ORDER BY received_ms DESC, id LIMIT 100`, sub)
		return err
	})
	return all, err
}

// Due implements bank.Store.
func (s *Store) Due(ctx context.Context, at time.Time) (all []bank.Application, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = read(ctx, tx, `WHERE state = 'reviewing' AND review_ms <= $1 ORDER BY review_ms LIMIT 100`, at.UnixMilli())
		return err
	})
	return all, err
}

// NextDue implements bank.Store.
func (s *Store) NextDue(ctx context.Context) (at time.Time, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var ms int64
		err := tx.QueryRow(ctx, `SELECT COALESCE(MIN(due), 0) FROM (
			SELECT MIN(review_ms) AS due FROM application WHERE state = 'reviewing'
			UNION ALL SELECT MIN(due_ms) FROM application WHERE state = 'awaiting'
			UNION ALL SELECT MIN(retention_ms) FROM application WHERE retention_ms > 0
			UNION ALL SELECT MIN(cool_ms) FROM application WHERE cool_ms > 0 AND held_ms = 0
			UNION ALL SELECT MIN(erase_ms) FROM outbox
			UNION ALL SELECT MIN(asked_ms) + $1 FROM mandate WHERE state = 'asked'
			UNION ALL SELECT MIN(granted_ms) + $1 FROM mandate WHERE state = 'granted'
			UNION ALL SELECT MIN(tell_ms) FROM mandate WHERE tell_ms > 0) AS next`, redeemable.Milliseconds()).Scan(&ms)
		at = store.Moment(ms)
		return err
	})
	return at, err
}

// Stop implements bank.Store.
func (s *Store) Stop(ctx context.Context, at time.Time, id, why string, r bank.Record, tell notice.Letter) error {
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE application SET state = 'stopped', why = $1, record = $2, retention_ms = $3 WHERE id = $4 AND state = 'reviewing'`,
			why, string(record), r.RetentionUntil.UnixMilli(), id)
		if err == nil && n == 0 {
			err = bank.ErrMoved
		}
		if err != nil {
			return err
		}
		a, err := one(ctx, tx, `WHERE id = $1 AND EXISTS (SELECT 1 FROM consent WHERE subject = application.id AND signed_ms > 0)`, id)
		if err == nil {
			err = write(ctx, tx, at, a, tell)
		}
		if err != nil && !errors.Is(err, bank.ErrNotFound) { // nobody had to consent
			return err
		}
		return store.Audit(ctx, tx, at, system, "application stopped", id, nil)
	})
}

// Postpone implements bank.Store.
func (s *Store) Postpone(ctx context.Context, id string, until time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE application SET review_ms = $1 WHERE id = $2 AND state = 'reviewing'`, until.UnixMilli(), id)
		if err == nil && n == 0 {
			err = bank.ErrMoved
		}
		return err
	})
}

// Close implements bank.Store.
func (s *Store) Close(ctx context.Context, at time.Time, sub string, p bank.Product, tell notice.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		a, err := ending(ctx, tx, sub, p, bank.Closed)
		if err != nil || a.State == bank.Closed {
			return err
		}
		if a.Held() { // a hold ends by a signature, or with the opening
			return bank.ErrHeld
		}
		if _, balance, err := last(ctx, tx, a.Number); err != nil || balance > 0 {
			return cmp.Or(err, error(bank.ErrNotEmpty))
		}
		if a.Undoable(at) {
			if err := write(ctx, tx, at, a, tell); err != nil {
				return err
			}
		}
		return over(ctx, tx, at, a, bank.Closed)
	})
}

// ending is the account of a person that is to end so, or did already. It returns
// bank.ErrNotFound or bank.ErrSecurities.
func ending(ctx context.Context, tx store.Tx, sub string, p bank.Product, to bank.State) (bank.Application, error) {
	a, err := one(ctx, tx, `WHERE sub = $1 AND product = $2 AND state IN ('opened', $3) ORDER BY CASE state WHEN 'opened' THEN 0 ELSE 1 END LIMIT 1`, sub, p, to)
	if err != nil || a.State == to || p != bank.Deposit {
		return a, err
	}
	switch _, err := one(ctx, tx, `WHERE sub = $1 AND product = $2 AND state IN ('reviewing', 'opened') LIMIT 1`, sub, bank.Securities); {
	case err == nil:
		return a, bank.ErrSecurities
	case !errors.Is(err, bank.ErrNotFound):
		return a, err
	}
	return a, nil
}

// over ends an opened account and its mandates.
func over(ctx context.Context, tx store.Tx, at time.Time, a bank.Application, to bank.State) error {
	if err := endAll(ctx, tx, at, a.Number); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM hold_link WHERE application = $1`, a.ID); err != nil {
		return err
	}
	a.Record.RetentionUntil = bank.Retention(at)
	record, err := json.Marshal(a.Record)
	if err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE application SET state = $1, closed_ms = $2, retention_ms = $3, record = $4, cool_ms = 0 WHERE id = $5 AND state = 'opened'`,
		to, at.UnixMilli(), a.Record.RetentionUntil.UnixMilli(), string(record), a.ID)
	if err != nil || n == 0 {
		return err
	}
	return store.Audit(ctx, tx, at, system, "account "+string(to), a.ID, nil)
}

// Erase implements bank.Store.
func (s *Store) Erase(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		const over = `(SELECT number FROM application WHERE retention_ms > 0 AND retention_ms <= $1 AND number <> '')`
		for _, table := range []string{"mandate", "entry"} { // all that hangs on an account
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE account IN `+over, at.UnixMilli()); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM paper WHERE application IN (SELECT id FROM application WHERE retention_ms > 0 AND retention_ms <= $1)`, at.UnixMilli()); err != nil {
			return err
		}
		if err := consent.Drop(ctx, tx, `SELECT id FROM application WHERE retention_ms > 0 AND retention_ms <= $1`, at.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM outbox WHERE erase_ms <= $1`, at.UnixMilli()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `DELETE FROM application WHERE retention_ms > 0 AND retention_ms <= $1`, at.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, system, "records erased", fmt.Sprint(n), nil)
	})
}
