// Package phone keeps the state of the phones of one machine: settings,
// registrations step by step, history, and requests that wait for their holder.
//
// It owns the tables under schema/ and the SQL over them; what they mean is
// package holder/phone's. What is looked up by is a column; the rest of a record
// is JSON, since nobody asks the database about it.
//
// # Trust
//
// As package store says. No secret comes here, and no key; the name and birth
// date of the holder do, as on any phone, and so does a document while its holder is
// asked to sign it. What was signed comes here sealed.
package phone

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tegata/holder/phone"
	"tegata/internal/audit"
	"tegata/store"
)

//go:embed schema
var schema embed.FS

// Schema are the migrations, for store.DB.Migrate.
var Schema fs.FS = schema

// Store implements phone.Store.
type Store struct{ db *store.DB }

var _ phone.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db} }

func person(id string) audit.Actor { return audit.Actor{Party: "phone", Kind: "person", ID: id} }

// AddPhone implements phone.Store.
func (s *Store) AddPhone(ctx context.Context, r phone.Record) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		rows, err := tx.Exec(ctx, `INSERT INTO phone (id, made_at_ms, record) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING`,
			r.ID, r.MadeAt.UnixMilli(), text)
		if err := one(rows, err, phone.ErrExists); err != nil {
			return err
		}
		return store.Audit(ctx, tx, r.MadeAt, audit.System("phone"), "phone made", r.ID, map[string]string{"model": r.Model})
	})
}

// PutPhone implements phone.Store.
func (s *Store) PutPhone(ctx context.Context, r phone.Record) error {
	text, err := encode(r)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		rows, err := tx.Exec(ctx, `UPDATE phone SET record = $2 WHERE id = $1`, r.ID, text)
		return one(rows, err, phone.ErrNotFound)
	})
}

// Phone implements phone.Store.
func (s *Store) Phone(ctx context.Context, id string) (r phone.Record, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return decode(tx.QueryRow(ctx, `SELECT record FROM phone WHERE id = $1`, id), &r)
	})
	return r, err
}

// Phones implements phone.Store.
func (s *Store) Phones(ctx context.Context) ([]phone.Record, error) {
	return list[phone.Record](ctx, s, `SELECT record FROM phone ORDER BY made_at_ms, id`)
}

// PutEnrolment implements phone.Store.
func (s *Store) PutEnrolment(ctx context.Context, at time.Time, e phone.Enrolment) (phone.Enrolment, error) {
	before := e.Version
	e.Version++
	text, err := encode(e)
	if err != nil {
		return phone.Enrolment{}, err
	}
	err = s.db.Write(ctx, func(tx store.Tx) error {
		var rows int64
		var err error
		if before == 0 {
			rows, err = tx.Exec(ctx, `INSERT INTO enrolment (phone, id, seq, version, step, record)
				VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM enrolment WHERE phone = $1), $3, $4, $5)
				ON CONFLICT (phone, id) DO NOTHING`, e.Phone, e.ID, e.Version, string(e.Step), text)
		} else {
			rows, err = tx.Exec(ctx, `UPDATE enrolment SET version = $3, step = $4, record = $5 WHERE phone = $1 AND id = $2 AND version = $6`,
				e.Phone, e.ID, e.Version, string(e.Step), text, before)
		}
		if err := one(rows, err, phone.ErrMoved); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, person(e.Phone), "registration "+string(e.Step), e.ID, nil)
	})
	return e, err
}

// Enrolments implements phone.Store.
func (s *Store) Enrolments(ctx context.Context, id string) ([]phone.Enrolment, error) {
	return list[phone.Enrolment](ctx, s, `SELECT record FROM enrolment WHERE phone = $1 ORDER BY seq DESC`, id)
}

// PutUse implements phone.Store.
func (s *Store) PutUse(ctx context.Context, id string, u phone.Use) error {
	text, err := encode(u)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO history (phone, id, seq, record)
			VALUES ($1, $2, (SELECT COALESCE(MAX(seq), 0) + 1 FROM history WHERE phone = $1), $3)
			ON CONFLICT (phone, id) DO UPDATE SET record = excluded.record`, id, u.ID, text)
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, u.At, person(id), u.Kind+" "+u.Result, u.ID, nil)
	})
}

// Uses implements phone.Store.
func (s *Store) Uses(ctx context.Context, id string, limit int) ([]phone.Use, error) {
	return list[phone.Use](ctx, s, `SELECT record FROM history WHERE phone = $1 ORDER BY seq DESC LIMIT $2`, id, limit)
}

// PutAsk implements phone.Store.
func (s *Store) PutAsk(ctx context.Context, a phone.Asking) error {
	text, err := encode(a)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO asking (phone, id, at_ms, record) VALUES ($1, $2, $3, $4)
			ON CONFLICT (phone, id) DO UPDATE SET record = excluded.record`, a.Phone, a.ID, a.At.UnixMilli(), text)
		return err
	})
}

// Asks implements phone.Store.
func (s *Store) Asks(ctx context.Context, id string) ([]phone.Asking, error) {
	return list[phone.Asking](ctx, s, `SELECT record FROM asking WHERE phone = $1 ORDER BY at_ms, id`, id)
}

// DropAsk implements phone.Store.
func (s *Store) DropAsk(ctx context.Context, phone, id string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM asking WHERE phone = $1 AND id = $2`, phone, id)
		return err
	})
}

// PutOrder implements phone.Store.
func (s *Store) PutOrder(ctx context.Context, at time.Time, o phone.Order) error {
	text, err := encode(o)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO outbox (phone, id, record) VALUES ($1, $2, $3)
			ON CONFLICT (phone, id) DO UPDATE SET record = excluded.record`, o.Phone, o.ID, text)
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, person(o.Phone), "order to revoke", o.ID, nil)
	})
}

// Orders implements phone.Store.
func (s *Store) Orders(ctx context.Context, id string) ([]phone.Order, error) {
	return list[phone.Order](ctx, s, `SELECT record FROM outbox WHERE phone = $1 ORDER BY id`, id)
}

// DropOrder implements phone.Store.
func (s *Store) DropOrder(ctx context.Context, at time.Time, id, order string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM outbox WHERE phone = $1 AND id = $2`, id, order); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, person(id), "order delivered", order, nil)
	})
}

// Wipe implements phone.Store. The audit chain keeps that there was something,
// under random ids.
func (s *Store) Wipe(ctx context.Context, at time.Time, id string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		for _, q := range []string{
			`DELETE FROM enrolment WHERE phone = $1`, `DELETE FROM history WHERE phone = $1`, `DELETE FROM asking WHERE phone = $1`,
			`DELETE FROM signed_copy WHERE phone = $1`,
		} {
			if _, err := tx.Exec(ctx, q, id); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, at, person(id), "factory reset", id, nil)
	})
}

func encode(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("store/phone: encode: %w", err)
	}
	return string(text), nil
}

func decode(row store.Row, to any) error {
	var text string
	if err := row.Scan(&text); errors.Is(err, store.ErrNotFound) {
		return phone.ErrNotFound
	} else if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), to)
}

func list[T any](ctx context.Context, s *Store, query string, args ...any) (all []T, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var v T
			if err := decode(rows, &v); err != nil {
				return err
			}
			all = append(all, v)
		}
		return rows.Err()
	})
	return all, err
}

// one turns the number of rows that a statement changed into an error.
func one(rows int64, err, none error) error {
	if err == nil && rows != 1 {
		return none
	}
	return err
}
