// Package store opens the database of one party and runs transactions on it.
//
// It owns: SQLite (one file a party) and PostgreSQL behind one Tx with one SQL
// text; serializable writes that are run again when somebody else was first;
// migrations; the chain of audit records, written in the transaction of the
// step itself; the counters and the moments that parties keep alike; and the
// mark that keeps sandbox and production apart. What the tables mean is left to
// the package of each party below this folder (store/issuer, store/verifier …):
// a role links only its own.
//
// # The SQL both databases understand
//
// Placeholders are $1, $2 …; ON CONFLICT and RETURNING work in each. A state
// change is a compare-and-set, and zero rows means somebody else was first.
// Arguments are nil, strings, integers, []byte and types built on them; a bool
// becomes 0 or 1. A time.Time is refused: times are integers with the unit in
// the column's name (at_ms). Columns are TEXT, BIGINT (INTEGER in SQLite) and
// BYTEA (BLOB). SUM needs CAST(… AS BIGINT) for PostgreSQL to stay an integer.
//
// # Trust
//
// Whoever can write the database file or owns the PostgreSQL role can change
// everything in it. The audit chain makes a changed or missing record visible
// to CheckAudit, but whoever rewrites the whole chain and its head is noticed
// only by a head that was noted elsewhere (AuditHead). Callers of Write are
// trusted with the SQL they pass; values reach the database only as arguments.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"tegata/internal/durable"
)

var (
	// ErrNotFound comes from Row.Scan when no row matched.
	ErrNotFound = errors.New("store: not found")
	// ErrExists comes from Create when there is something already.
	ErrExists = errors.New("store: there is a database already")
	// ErrNoDatabase comes from Open when there is no database of ours.
	ErrNoDatabase = errors.New("store: no database here; it is made by init, never by opening it")
	// ErrOutdated comes from Open and Migrate under AsItIs when the tables are of
	// another version than this program's.
	ErrOutdated = errors.New("store: the tables are of another version than this program")
	// ErrBusy comes from Read and Write when others kept being first for the
	// whole of retryFor. Nothing was written.
	ErrBusy = errors.New("store: others kept writing the same rows")
)

// retryFor is how long a transaction is run again before ErrBusy. SQLite waits
// as long for its file lock (busy_timeout).
const retryFor = 10 * time.Second

// DB is the database of one party. Its methods may be called by many goroutines.
type DB struct {
	name    string // of the file or database, for messages and moments
	dialect dialect
	writer  *sql.DB // one connection
	line    line    // of the writes of this process
	reader  *sql.DB
	hook    func(durable.Moment)
	asItIs  bool // tables are not changed

	written, read *statements // of the pools; nil when the driver keeps them
}

// Tx is one transaction. Rows must be read to the end or closed before the next
// statement of the same transaction.
type Tx interface {
	// Exec returns how many rows were changed.
	Exec(ctx context.Context, query string, args ...any) (rows int64, err error)
	Query(ctx context.Context, query string, args ...any) (Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) Row
}

// Rows are the rows of a query, as in database/sql.
type Rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// Row is one row; Scan returns ErrNotFound when there is none.
type Row interface{ Scan(dest ...any) error }

// Option changes how a database is opened.
type Option func(*DB)

// WithHook has hook told "before commit NAME" and "after commit NAME" around
// each commit, of one write or of several. A test may end the process inside it.
func WithHook(hook func(durable.Moment)) Option { return func(db *DB) { db.hook = hook } }

// AsItIs has Open and Migrate change no table: ErrOutdated when there would be
// something to change. Production serves so; init brings tables up to date.
func AsItIs() Option { return func(db *DB) { db.asItIs = true } }

// Create makes the database that dsn names: "sqlite:/path/file.db", or
// "postgres://…" for a database that the server has but that holds nothing of
// ours yet. It returns ErrExists otherwise.
func Create(ctx context.Context, dsn string, opts ...Option) (*DB, error) {
	switch {
	case strings.HasPrefix(dsn, sqlitePrefix):
		if err := createSQLite(ctx, strings.TrimPrefix(dsn, sqlitePrefix)); err != nil {
			return nil, err
		}
	case isPostgres(dsn):
		if err := createPostgres(ctx, dsn); err != nil {
			return nil, err
		}
	default:
		return nil, errDSN
	}
	return Open(ctx, dsn, opts...)
}

// Open opens what Create made and never creates: ErrNoDatabase when it is not
// there.
func Open(ctx context.Context, dsn string, opts ...Option) (*DB, error) {
	var db *DB
	var err error
	switch {
	case strings.HasPrefix(dsn, sqlitePrefix):
		db, err = openSQLite(ctx, strings.TrimPrefix(dsn, sqlitePrefix))
	case isPostgres(dsn):
		db, err = openPostgres(ctx, dsn)
	default:
		return nil, errDSN
	}
	if err != nil {
		return nil, err
	}
	for _, opt := range opts {
		opt(db)
	}
	if db.asItIs {
		err = db.current(ctx, ownSchema, "schema", ownVersions)
	} else {
		err = db.migrate(ctx, ownSchema, "schema", ownVersions)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// errDSN does not repeat the text: it may hold a password.
var errDSN = errors.New(`store: a database is named "sqlite:/path/file.db" or "postgres://…"`)

// Close closes the connections. Transactions under way end with an error.
func (db *DB) Close() error { return errors.Join(db.reader.Close(), db.writer.Close()) }

// Name is the name of the file or database, without its path and host.
func (db *DB) Name() string { return db.name }

// Ping returns nil when the database answers: the readiness of a role.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.reader.PingContext(ctx); err != nil {
		return fmt.Errorf("store: %s does not answer: %w", db.name, err)
	}
	return nil
}

// Read runs fn on one consistent snapshot. fn may run more than once.
func (db *DB) Read(ctx context.Context, fn func(Tx) error) error {
	return db.retry(ctx, "read", func() error { return db.snapshot(ctx, fn) })
}

// Write runs fn in a serializable transaction and commits it; when it returns
// nil the change is durable. When somebody else was first, fn runs again from
// the beginning, so it must set its results anew each time and do nothing
// outside the database. An error of fn undoes everything that fn did, and so does
// an error of a statement that fn did not pass on. Write inside fn would wait for
// itself, and so would a lock that somebody holds over a Write of theirs; a slow step
// (a signature, a network call) has no place there.
//
// Writes that wait at the same moment share a commit. Each is whole by itself: it
// sees those before it, and undoing one leaves the others. Only when the commit
// fails do all of them. ctx ends the waiting, and fn at its next statement; a
// commit that has begun is waited for.
//
// When the connection is lost during the commit, the error leaves open whether
// the change was made: the caller repeats a compare-and-set or reads.
func (db *DB) Write(ctx context.Context, fn func(Tx) error) error {
	return db.retry(ctx, "write", func() error { return db.write(ctx, fn) })
}

func (db *DB) options(isolation sql.IsolationLevel, readOnly bool) *sql.TxOptions {
	if !db.dialect.isolation {
		isolation = sql.LevelDefault // SQLite is serializable and its driver takes no other word for it
	}
	return &sql.TxOptions{Isolation: isolation, ReadOnly: readOnly}
}

func (db *DB) snapshot(ctx context.Context, fn func(Tx) error) error {
	t, err := db.reader.BeginTx(ctx, db.options(db.dialect.readIsolation, true))
	if err != nil {
		return fmt.Errorf("store: %s: begin: %w", db.name, err)
	}
	statements := &used{known: db.read}
	defer statements.end(ctx)
	defer t.Rollback() // does nothing after Commit
	if err := fn(tx{t: t, s: statements}); err != nil {
		return err
	}
	if err := t.Commit(); err != nil {
		return fmt.Errorf("store: %s: commit: %w", db.name, err)
	}
	return nil
}

// retry runs attempt again while it fails because somebody else was first.
func (db *DB) retry(ctx context.Context, what string, attempt func() error) error {
	deadline := time.Now().Add(retryFor) // how long to wait, not what time it is
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := attempt()
		if err == nil || !errors.Is(err, errOther) && !db.dialect.conflict(err) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%w: %s of %s: %w", ErrBusy, what, db.name, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("store: %s of %s: %w", what, db.name, ctx.Err())
		case <-time.After(rand.N(pause) + pause/2): // both losers must not come back at once
		}
	}
}
