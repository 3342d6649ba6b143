package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// ownSchema holds the tables of this package: the audit chain and the mark.
//
//go:embed schema
var ownSchema embed.FS

// Each set of migrations keeps its own count of versions in its own table.
const (
	ownVersions   = "store_schema_version"
	partyVersions = "schema_version"
)

// Migrate brings the party's tables up to date. fsys has sqlite/NNNN_what.sql
// and postgres/NNNN_what.sql (goose format, "-- +goose Up" only), directly or
// below a folder "schema". Several processes may do it at once: one does the
// work, the others find it done. Under AsItIs it only looks: ErrOutdated.
func (db *DB) Migrate(ctx context.Context, fsys fs.FS) error {
	root := "."
	if info, err := fs.Stat(fsys, "schema"); err == nil && info.IsDir() {
		root = "schema"
	}
	if db.asItIs {
		return db.current(ctx, fsys, root, partyVersions)
	}
	return db.migrate(ctx, fsys, root, partyVersions)
}

func (db *DB) migrate(ctx context.Context, fsys fs.FS, root, versions string) error {
	p, err := db.migrations(fsys, root, versions)
	if err != nil {
		return err
	}
	// The provider's Close would close the database; there is nothing else in it.
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("store: migrate %s: %w", db.name, err)
	}
	return nil
}

// current returns ErrOutdated when the tables are older than fsys, or newer.
func (db *DB) current(ctx context.Context, fsys fs.FS, root, versions string) error {
	p, err := db.migrations(fsys, root, versions)
	if err != nil {
		return err
	}
	is, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("store: versions of %s: %w", db.name, err)
	}
	if is != want {
		return fmt.Errorf("%w: %s has version %d, this program knows %d", ErrOutdated, db.name, is, want)
	}
	return nil
}

func (db *DB) migrations(fsys fs.FS, root, versions string) (*goose.Provider, error) {
	sub, err := fs.Sub(fsys, root+"/"+db.dialect.name)
	if root == "." {
		sub, err = fs.Sub(fsys, db.dialect.name)
	}
	if err != nil {
		return nil, fmt.Errorf("store: migrate %s: %w", db.name, err)
	}
	opts := []goose.ProviderOption{
		goose.WithTableName(versions), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
	}
	if db.dialect.goose == goose.DialectPostgres {
		// An advisory lock; on engines without it (CockroachDB) migrate with one process.
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("store: migrate %s: %w", db.name, err)
		}
		opts = append(opts, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(db.dialect.goose, db.writer, sub, opts...)
	if err != nil {
		return nil, fmt.Errorf("store: migrate %s: %w", db.name, err)
	}
	return p, nil
}
