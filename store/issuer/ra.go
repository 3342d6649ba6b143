package issuer

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
)

var (
	_ ra.Store = (*Store)(nil)
	_ ra.Tx    = (*raTx)(nil)
)

// raTx is what package ra sees of a transaction: its own records, and the
// ledger, which it changes by the ledger's rules and inside its bracket.
type raTx struct{ *ledgerTx }

// Read implements ra.Store.
func (s *Store) Read(ctx context.Context, f func(ra.Tx) error) error {
	return s.db.Read(ctx, func(t store.Tx) error { return f(raTx{&ledgerTx{Tx: t}}) })
}

// Write implements ra.Store.
func (s *Store) Write(ctx context.Context, f func(ra.Tx) error) error {
	return s.write(ctx, func(tx *ledgerTx) error { return f(raTx{tx}) })
}

// Status implements ra.Tx.
func (x raTx) Status(ctx context.Context, kind pki.Kind, serial pki.Serial) (status.Entry, error) {
	return x.entry(ctx, kind, serial)
}

// Change implements ra.Tx.
func (x raTx) Change(ctx context.Context, at time.Time, who audit.Actor, changes ...status.Change) error {
	for i := range changes {
		if changes[i].At.IsZero() {
			changes[i].At = at
		}
	}
	return x.apply(ctx, who, changes...)
}

// Audit implements ra.Tx.
func (x raTx) Audit(ctx context.Context, at time.Time, who audit.Actor, action, object string, detail map[string]string) error {
	return store.Audit(ctx, x.Tx, at, who, "ra."+action, object, detail)
}

// put writes a row: the first keys columns are its primary key. A row that is
// there already is replaced.
func (x raTx) put(ctx context.Context, table, columns string, keys int, values ...any) error {
	names := strings.Fields(columns)
	var set, marks []string
	for i, name := range names {
		marks = append(marks, "$"+strconv.Itoa(i+1))
		if i >= keys {
			set = append(set, name+" = excluded."+name)
		}
	}
	query := "INSERT INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	if len(set) > 0 {
		query += " ON CONFLICT (" + strings.Join(names[:keys], ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
	}
	_, err := x.Exec(ctx, query, values...)
	return err
}

// get reads one row. ra.ErrNotFound.
func get[T any](scan func(scanner) (T, error), row scanner) (T, error) {
	v, err := scan(row)
	if errors.Is(err, store.ErrNotFound) {
		return v, ra.ErrNotFound
	}
	return v, err
}

// list reads all rows of a query.
func list[T any](ctx context.Context, x raTx, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := x.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
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

// columns is a list of names as SQL wants it.
func columns(names string) string { return strings.Join(strings.Fields(names), ", ") }

// take records an owner under a key that nobody has yet, and returns whose it
// was before, or "".
func (x raTx) take(ctx context.Context, table, key, column string, value any, owner string, more ...any) (string, error) {
	var before string
	err := x.QueryRow(ctx, "SELECT "+column+" FROM "+table+" WHERE "+key+" = $1", value).Scan(&before)
	if err == nil || !errors.Is(err, store.ErrNotFound) {
		return before, err
	}
	names := key + " " + column
	if len(more) > 0 {
		names += " at_ms"
	}
	return "", x.put(ctx, table, names, 2+len(more), append([]any{value, owner}, more...)...)
}

// TakeKey implements ra.Tx.
func (x raTx) TakeKey(ctx context.Context, spki [32]byte, subject string) (string, error) {
	return x.take(ctx, "certified_key", "spki_sha256", "subject", spki, subject)
}

// TakeNonce implements ra.Tx.
func (x raTx) TakeNonce(ctx context.Context, nonce, enrolment string, at time.Time) (string, error) {
	return x.take(ctx, "application_nonce", "nonce", "enrolment", nonce, enrolment, store.Millis(at))
}

// fill copies a column of fixed length.
func fill(into []byte, from []byte) error {
	if copy(into, from) != len(into) || len(from) != len(into) {
		return errors.New("store/issuer: a column of another length")
	}
	return nil
}
