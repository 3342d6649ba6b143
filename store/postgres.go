package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

var postgresDialect = dialect{
	name: "postgres", goose: goose.DialectPostgres, isolation: true, remote: true,
	readIsolation: sql.LevelRepeatableRead, conflict: postgresConflict,
}

// SQLSTATE class 40, PostgreSQL 15 documentation, appendix A.
const (
	serializationFailure = "40001"
	deadlockDetected     = "40P01"
	undefinedTable       = "42P01"
)

func postgresConflict(err error) bool { return sqlState(err, serializationFailure, deadlockDetected) }

func sqlState(err error, codes ...string) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	for _, code := range codes {
		if e.Code == code {
			return true
		}
	}
	return false
}

func isPostgres(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// createPostgres makes our own tables in a database that has none of them.
func createPostgres(ctx context.Context, dsn string) error {
	db, err := connectPostgres(ctx, dsn)
	if err != nil {
		return err
	}
	defer db.Close()
	switch err := db.hasOwnTables(ctx); {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrExists, db.name)
	case !errors.Is(err, ErrNoDatabase):
		return err
	}
	return db.migrate(ctx, ownSchema, "schema", ownVersions)
}

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	db, err := connectPostgres(ctx, dsn)
	if err != nil {
		return nil, err
	}
	if err := db.hasOwnTables(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

func connectPostgres(ctx context.Context, dsn string) (*DB, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, errDSN // pgx repeats the text without the password; a host name is enough to keep out too
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.ValidateConnect == nil {
		// Never decide anything from a replica: after a failover, go on only
		// with a server that takes writes.
		cfg.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	db := &DB{name: cfg.Database, dialect: postgresDialect, writer: stdlib.OpenDB(*cfg), reader: stdlib.OpenDB(*cfg)}
	// Every state change extends the one audit chain of the database, so two
	// writes at once would only make one of them run again: they take turns.
	db.writer.SetMaxOpenConns(1)
	db.reader.SetMaxOpenConns(16)
	db.reader.SetMaxIdleConns(16)
	if err := db.writer.PingContext(ctx); err != nil {
		db.Close()
		return nil, fmt.Errorf("store: %s does not answer: %w", db.name, err)
	}
	return db, nil
}

// hasOwnTables returns ErrNoDatabase when Create has not been here.
func (db *DB) hasOwnTables(ctx context.Context) error {
	var one int64
	err := db.reader.QueryRowContext(ctx, "SELECT one FROM store_audit_head WHERE one = 1").Scan(&one)
	switch {
	case sqlState(err, undefinedTable), errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("%w: %s", ErrNoDatabase, db.name)
	case err != nil:
		return fmt.Errorf("store: open %s: %w", db.name, err)
	}
	return nil
}
