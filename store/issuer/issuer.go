// Package issuer keeps the issuer's state: certificates and the status ledger,
// and beside them, in the same database, what the registration authority must not
// forget.
//
// It owns the tables under schema/ and the SQL over them. The rules of the ledger
// are package issuer/status's (Decide); who may do what is decided by the callers.
//
// # Trust
//
// The database is trusted, as package store says. Every change has its audit
// record in the same transaction.
package issuer

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/status"
	"tegata/store"
)

//go:embed schema
var schema embed.FS

// Schema are the migrations, for store.DB.Migrate.
var Schema fs.FS = schema

// Store implements the stores of packages ca, status and ra over one database.
type Store struct {
	db      *store.DB
	bracket status.Bracket // of the ledger in this process; nil when there is none
}

var (
	_ ca.Store     = (*Store)(nil)
	_ status.Store = (*Store)(nil)
)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db: db} }

// Watch implements status.Store. It is called before the store is shared.
func (s *Store) Watch(b status.Bracket) { s.bracket = b }

// ledgerTx is a transaction that may change the ledger.
type ledgerTx struct {
	store.Tx
	begun   time.Time     // by the ledger's clock; zero when nobody watches
	within  time.Duration // how long after begun the commit may begin; 0: as long as it takes
	touched bool          // the ledger may change when this commits
	relied  bool          // its caller learns what became of a certificate, perhaps by a change that answers do not show yet
}

// write runs f in a transaction inside the ledger's bracket. Every write that may
// call apply or enter goes through it.
func (s *Store) write(ctx context.Context, f func(*ledgerTx) error) error {
	tx := &ledgerTx{}
	if s.bracket != nil {
		begun, within, done := s.bracket()
		tx.begun, tx.within = begun, within
		defer func() { done(ctx, tx.touched || tx.relied) }()
	}
	began := time.Now() // a duration, not a date
	return s.db.Write(ctx, func(t store.Tx) error {
		tx.Tx = t
		if err := f(tx); err != nil {
			return err
		}
		if tx.touched && tx.within > 0 && time.Since(began) > tx.within {
			return errTooSlow
		}
		return nil
	})
}

// errTooSlow gives up a change that other processes would no longer wait for:
// nothing was written, and the step is repeated under its id.
var errTooSlow = errors.New("store/issuer: the change took longer than other processes of this issuer allow for")

func serialOf(b []byte) (s pki.Serial, err error) {
	if copy(s[:], b) != len(s) || len(b) != len(s) {
		return s, errors.New("store/issuer: a serial number of another length")
	}
	return s, nil
}
