// Package municipality keeps the register of residents, their cards and what the
// issuer is to be told, for package services/municipality.
//
// It owns the tables of that party and nothing else's. The rules are the party's;
// what is kept here is that a change is a compare-and-set and that every id has
// one owner.
//
// # Trust
//
// As package store: whoever can write the database can write anything into the
// register; the audit chain shows it afterwards.
package municipality

import (
	"context"
	"embed"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/services/municipality"
	"tegata/store"
)

// Schema holds the migrations of both dialects.
//
//go:embed schema
var Schema embed.FS

// Store implements municipality.Store on one database.
type Store struct{ db *store.DB }

var _ municipality.Store = (*Store)(nil)

// New returns the store over db, which has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db} }

// Read runs body on one snapshot.
func (s *Store) Read(ctx context.Context, body func(municipality.Tx) error) error {
	return s.db.Read(ctx, func(t store.Tx) error { return body(tx{t}) })
}

// Write runs body in one serializable transaction, durable when it returns nil.
func (s *Store) Write(ctx context.Context, body func(municipality.Tx) error) error {
	return s.db.Write(ctx, func(t store.Tx) error { return body(tx{t}) })
}

type tx struct{ store.Tx }

func (t tx) Audit(ctx context.Context, at time.Time, who audit.Actor, action, object string, detail map[string]string) error {
	return store.Audit(ctx, t, at, who, action, object, detail)
}

// notFound is the party's word for no row.
func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return municipality.ErrNotFound
	}
	return err
}

// one returns err, or otherwise when the statement did not change one row.
func one(rows int64, err, otherwise error) error {
	if err == nil && rows != 1 {
		return otherwise
	}
	return err
}

// take gives id to resident in a lookup table. ErrTaken when it is another's.
func (t tx) take(ctx context.Context, insert, id, resident string) error {
	rows, err := t.Exec(ctx, insert, id, resident)
	return one(rows, err, municipality.ErrTaken)
}

// ms is a moment as kept; the zero time is NULL.
func ms(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	n := at.UnixMilli()
	return &n
}

func moment(n *int64) time.Time {
	if n == nil {
		return time.Time{}
	}
	return time.UnixMilli(*n).UTC()
}

const residentColumns = `id, municipality, household, name, name_original, name_substitution, alias, kana, birth, sex,
	address, address_original, address_substitution, protected, contact_channel, contact_address, died,
	registered_at_ms, changed_at_ms, request_hash, version, emigrated`

func residentValues(r municipality.Record) []any {
	return []any{
		r.ID, r.Municipality, r.Household, r.Name, r.NameOriginal, r.NameSubstitution, r.Alias, r.Kana, r.Birth, r.Sex,
		r.Address, r.AddressOriginal, r.AddressSubstitution, r.Protected, r.Contact.Channel, r.Contact.Address, r.Died,
		r.RegisteredAt.UnixMilli(), r.ChangedAt.UnixMilli(), r.RequestHash, r.Version, r.Emigrated,
	}
}

func scanResident(row store.Row) (r municipality.Record, err error) {
	var registered, changed int64
	var hash []byte
	err = row.Scan(
		&r.ID, &r.Municipality, &r.Household, &r.Name, &r.NameOriginal, &r.NameSubstitution, &r.Alias, &r.Kana, &r.Birth, &r.Sex,
		&r.Address, &r.AddressOriginal, &r.AddressSubstitution, &r.Protected, &r.Contact.Channel, &r.Contact.Address, &r.Died,
		&registered, &changed, &hash, &r.Version, &r.Emigrated,
	)
	r.RegisteredAt, r.ChangedAt = moment(&registered), moment(&changed)
	copy(r.RequestHash[:], hash)
	return r, notFound(err)
}

func (t tx) Resident(ctx context.Context, id string) (municipality.Record, error) {
	return scanResident(t.QueryRow(ctx, "SELECT "+residentColumns+" FROM resident WHERE id = $1", id))
}

func (t tx) AddResident(ctx context.Context, r municipality.Record) error {
	rows, err := t.Exec(ctx, "INSERT INTO resident ("+residentColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)
		ON CONFLICT (id) DO NOTHING`, residentValues(r)...)
	return one(rows, err, municipality.ErrTaken)
}

func (t tx) UpdateResident(ctx context.Context, r municipality.Record) error {
	rows, err := t.Exec(ctx, `UPDATE resident SET municipality = $2, household = $3, name = $4, name_original = $5,
		name_substitution = $6, alias = $7, kana = $8, birth = $9, sex = $10, address = $11, address_original = $12,
		address_substitution = $13, protected = $14, contact_channel = $15, contact_address = $16, died = $17,
		registered_at_ms = $18, changed_at_ms = $19, request_hash = $20, version = $21 + 1, emigrated = $22
		WHERE id = $1 AND version = $21`, residentValues(r)...)
	return one(rows, err, municipality.ErrMoved)
}

func (t tx) Residents(ctx context.Context, after string, limit int) ([]municipality.Record, error) {
	rows, err := t.Query(ctx, "SELECT "+residentColumns+" FROM resident WHERE id > $1 ORDER BY id LIMIT $2", after, limit)
	if err != nil {
		return nil, err
	}
	return list(rows, scanResident)
}

// list reads all rows and closes them.
func list[T any](rows store.Rows, scan func(store.Row) (T, error)) ([]T, error) {
	defer rows.Close()
	var out []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
