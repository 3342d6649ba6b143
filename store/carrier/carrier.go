// Package carrier keeps the carrier's state: contracts, records of identity, eSIM profiles,
// changes that wait, messages, addresses and mail.
//
// It owns the tables under schema/ and the SQL over them; what they mean is package
// services/carrier's.
//
// # Trust
//
// As package store says. What is kept of a person is what they signed, and the addresses that
// they confirm. Of links and phones the SHA-256 alone is kept; a mail in the outbox has its
// link until the mail is erased.
package carrier

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"tegata/internal/audit"
	"tegata/services/carrier"
	"tegata/store"
	"tegata/store/consent"
)

// Schema are the migrations, for store.DB.Migrate.
//
//go:embed schema
var Schema embed.FS

// Store implements carrier.Store.
type Store struct {
	consent.Rows
	store.Counters
	db *store.DB
}

var _ carrier.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store {
	return &Store{consent.Rows{DB: db, Who: system}, store.CountersOf(db), db}
}

var system = audit.System("carrier")

// text is a value as JSON; our own structs always have one.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("store: carrier: %v", err))
	}
	return string(b)
}

// Receive implements carrier.Store.
func (s *Store) Receive(ctx context.Context, l carrier.Line, confirm *carrier.Confirm) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		var sub string
		switch err := tx.QueryRow(ctx, `SELECT sub FROM line WHERE id = $1`, l.ID).Scan(&sub); {
		case err == nil && sub == l.Sub:
			return nil // the same again
		case err == nil:
			return carrier.ErrMoved
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		slot, err := freeSlot(ctx, tx, l.Sub)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO line (id, sub, slot, state, choices, attributes, document, signature, record, signed_ms, due_ms, try_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11) ON CONFLICT DO NOTHING`, l.ID, l.Sub, slot, l.State, text(l.Choices), text(l.Attributes),
			l.Document, l.Signature, text(l.Record), l.SignedAt.UnixMilli(), l.ActivateAt.UnixMilli())
		if err != nil || n == 0 {
			return orMoved(err)
		}
		if l.State == carrier.Awaiting {
			if err := consent.Begin(ctx, tx, l.ID, l.Sub, l.ActivateAt); err != nil {
				return err
			}
		}
		if confirm != nil {
			if err := begin(ctx, tx, l.SignedAt, l.Sub, *confirm); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, l.SignedAt, system, "contract received", l.ID, nil)
	})
}

// freeSlot is the least that a person has free. Whoever takes it at the same time meets the
// unique index, and the transaction is run again. ErrTooMany.
func freeSlot(ctx context.Context, tx store.Tx, sub string) (int64, error) {
	rows, err := tx.Query(ctx, `SELECT slot FROM line WHERE sub = $1 AND state IN ('awaiting', 'signed', 'active')`, sub)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	taken := map[int64]bool{}
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
		taken[n] = true
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for n := int64(1); n <= carrier.MaxLines; n++ {
		if !taken[n] {
			return n, nil
		}
	}
	return 0, carrier.ErrTooMany
}

const lineColumns = `id, sub, state, why, choices, attributes, document, signature, record, number, frozen, reservation, reservation_ms, signed_ms, due_ms, active_ms, ended_ms`

// lines reads lines by a clause of SQL of our own, each with its SIM and its change.
func lines(ctx context.Context, tx store.Tx, clause string, args ...any) ([]carrier.Line, error) {
	all, err := bareLines(ctx, tx, clause, args...)
	for i := range all {
		if err != nil {
			break
		}
		var sims []carrier.SIM
		if sims, err = readSIMs(ctx, tx, `WHERE line = $1 AND state <> 'dead'`, all[i].ID); err == nil && len(sims) > 0 {
			all[i].SIM = sims[0]
		}
		var changes []carrier.Change
		if err == nil {
			changes, err = readChanges(ctx, tx, `WHERE line = $1 AND kind <> 'install' ORDER BY CASE state WHEN 'waiting' THEN 0 ELSE 1 END, asked_ms DESC, id LIMIT 1`, all[i].ID)
		}
		if err == nil && len(changes) > 0 {
			all[i].Change = changes[0]
		}
	}
	return all, err
}

func bareLines(ctx context.Context, tx store.Tx, clause string, args ...any) (all []carrier.Line, err error) {
	rows, err := tx.Query(ctx, `SELECT `+lineColumns+` FROM line `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var l carrier.Line
		var state, choices, attributes, record string
		var frozen, reserved, signed, due, active, ended int64
		if err := rows.Scan(&l.ID, &l.Sub, &state, &l.Why, &choices, &attributes, &l.Document, &l.Signature, &record, &l.Number, &frozen,
			&l.Port.Reservation, &reserved, &signed, &due, &active, &ended); err != nil {
			return nil, err
		}
		if err := errors.Join(json.Unmarshal([]byte(choices), &l.Choices), json.Unmarshal([]byte(attributes), &l.Attributes), json.Unmarshal([]byte(record), &l.Record)); err != nil {
			return nil, fmt.Errorf("store: line %s: %w", l.ID, err)
		}
		l.State, l.Frozen, l.Port.Until = carrier.State(state), frozen != 0, store.Moment(reserved)
		l.SignedAt, l.ActivateAt, l.ActiveAt, l.EndedAt = store.Moment(signed), store.Moment(due), store.Moment(active), store.Moment(ended)
		all = append(all, l)
	}
	return all, rows.Err()
}

// one is the one line of a person with an id: ErrNotFound.
func one(ctx context.Context, tx store.Tx, sub, id string) (carrier.Line, error) {
	all, err := lines(ctx, tx, `WHERE id = $1 AND sub = $2`, id, sub)
	if err == nil && len(all) == 0 {
		err = carrier.ErrNotFound
	}
	if err != nil {
		return carrier.Line{}, err
	}
	return all[0], nil
}

// Lines implements carrier.Store.
func (s *Store) Lines(ctx context.Context, sub string) (all []carrier.Line, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = lines(ctx, tx, `WHERE sub = $1 ORDER BY signed_ms DESC, id`, sub)
		return err
	})
	return all, err
}

// Line implements carrier.Store.
func (s *Store) Line(ctx context.Context, sub, id string) (l carrier.Line, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		l, err = one(ctx, tx, sub, id)
		return err
	})
	return l, err
}
