// Package verifier keeps the gateway's state: registered parties, requests under
// way, each person's uses, and what may happen only once.
//
// It owns the tables under schema/ and the SQL over them. What a verdict is, and
// when something is erased, is decided by package verifier/gateway.
//
// # Trust
//
// The database is trusted, as package store says. It holds claims (names, addresses)
// and signed documents for five minutes after an answer, documents that nobody signed
// until their request or transaction is over, and uses by certificate and person id for
// as long as the operator keeps them.
package verifier

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/verifier/gateway"
)

//go:embed schema
var schema embed.FS

// Schema are the migrations, for store.DB.Migrate.
var Schema fs.FS = schema

// Store implements gateway.Store over one database.
type Store struct{ db *store.DB }

var _ gateway.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db: db} }

// purgeAfter is how long the row of a request outlives its use.
const purgeAfter = time.Hour

func ours(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return gateway.ErrNotFound
	}
	return err
}

// Party implements gateway.Store.
func (s *Store) Party(ctx context.Context, id string) (p gateway.Party, err error) {
	var text string
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT registration FROM party WHERE id = $1", id).Scan(&text)
	})
	if err != nil {
		return p, ours(err)
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("store/verifier: party %s: %w", id, err)
	}
	return p, nil
}

// PutParty implements gateway.Store.
func (s *Store) PutParty(ctx context.Context, who audit.Actor, at time.Time, p gateway.Party) error {
	return s.db.Write(ctx, func(tx store.Tx) error { return putParty(ctx, tx, who, at, p) })
}

func putParty(ctx context.Context, tx store.Tx, who audit.Actor, at time.Time, p gateway.Party) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("store/verifier: party %s: %w", p.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO party (id, registration, changed_at_ms) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET registration = excluded.registration, changed_at_ms = excluded.changed_at_ms`,
		p.ID, string(text), at.UnixMilli())
	if err != nil {
		return err
	}
	action := "party registered"
	if p.Ended {
		action = "party ended"
	}
	return store.Audit(ctx, tx, at, who, action, p.ID, nil)
}

// Person implements gateway.Store.
func (s *Store) Person(ctx context.Context, certificate [32]byte) (person string, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT person FROM holder WHERE certificate = $1", certificate).Scan(&person)
	})
	return person, ours(err)
}

// PutPerson implements gateway.Store.
func (s *Store) PutPerson(ctx context.Context, certificate [32]byte, person string, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO holder (certificate, person, asked_at_ms) VALUES ($1, $2, $3)
			ON CONFLICT (certificate) DO NOTHING`, certificate, person, at.UnixMilli())
		return err
	})
}

// Once implements gateway.Store.
func (s *Store) Once(ctx context.Context, what, id string, until time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error { return once(ctx, tx, what, id, until) })
}

func once(ctx context.Context, tx store.Tx, what, id string, until time.Time) error {
	n, err := tx.Exec(ctx, "INSERT INTO used_id (what, id, until_ms) VALUES ($1, $2, $3) ON CONFLICT (what, id) DO NOTHING",
		what, id, until.UnixMilli())
	if err == nil && n == 0 {
		return gateway.ErrUsed
	}
	return err
}

// enter remembers a caller's assertion, in the transaction of what it is for.
func enter(ctx context.Context, tx store.Tx, by ceremony.Entry) error {
	err := once(ctx, tx, gateway.AssertionOf(by.Party), by.ID, by.Expires)
	if errors.Is(err, gateway.ErrUsed) {
		return gateway.ErrReplayed
	}
	return err
}

// Mark implements certpath.Marks.
func (s *Store) Mark(ctx context.Context, name string) (n uint64, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		n = 0
		return tx.QueryRow(ctx, "SELECT highest FROM mark WHERE name = $1", name).Scan(&n)
	})
	if errors.Is(err, store.ErrNotFound) {
		return 0, nil
	}
	return n, err
}

// RaiseMark implements certpath.Marks.
func (s *Store) RaiseMark(ctx context.Context, name string, n uint64) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO mark (name, highest) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET highest = excluded.highest WHERE mark.highest < excluded.highest`, name, n)
		return err
	})
}

// Sweep implements gateway.Store.
func (s *Store) Sweep(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		for _, q := range []string{
			"DELETE FROM used_id WHERE until_ms <= $1",
			"DELETE FROM account_opening WHERE until_ms <= $1",
			"DELETE FROM live_session WHERE until_ms <= $1",
			"DELETE FROM security_event WHERE until_ms <= $1",
			"DELETE FROM holder_rules_proposal WHERE expires_ms <= $1",
			// With the claims or the row, whichever is due first.
			"DELETE FROM request_document WHERE request IN (SELECT id FROM request WHERE due_ms <= $1)",
			`DELETE FROM request_result WHERE id IN (SELECT id FROM request WHERE due_ms <= $1 AND claims IS NULL)`,
			"DELETE FROM request WHERE due_ms <= $1 AND claims IS NULL",
		} {
			if _, err := tx.Exec(ctx, q, at.UnixMilli()); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, "UPDATE request SET claims = NULL, due_ms = due_ms + $2 WHERE due_ms <= $1 AND claims IS NOT NULL",
			at.UnixMilli(), purgeAfter.Milliseconds())
		return err
	})
}

// NextDue implements gateway.Store.
func (s *Store) NextDue(ctx context.Context) (next time.Time, due bool, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		next, due = time.Time{}, false
		for _, q := range []string{
			"SELECT due_ms FROM request ORDER BY due_ms LIMIT 1",
			"SELECT until_ms FROM used_id ORDER BY until_ms LIMIT 1",
			"SELECT until_ms FROM account_opening ORDER BY until_ms LIMIT 1",
			"SELECT until_ms FROM live_session ORDER BY until_ms LIMIT 1",
			"SELECT until_ms FROM security_event ORDER BY until_ms LIMIT 1",
			"SELECT expires_ms FROM holder_rules_proposal ORDER BY expires_ms LIMIT 1",
		} {
			var ms int64
			err := tx.QueryRow(ctx, q).Scan(&ms)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if t := time.UnixMilli(ms).UTC(); !due || t.Before(next) {
				next, due = t, true
			}
		}
		return nil
	})
	return next, due, err
}
