package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"tegata/internal/durable"
	"tegata/internal/secret"
	"tegata/store"
)

// room is what one party has for itself: a folder, a sealing key, private keys
// and a database. No two parties share any of them.
type room struct {
	role   string
	dir    string
	sealer *secret.Sealer
	keys   secret.Keys
	db     *store.DB // nil for a party without tables
	log    *slog.Logger
}

// build is how rooms are opened; tests add hooks that stop the process.
type build struct {
	files  durable.Files
	commit func(durable.Moment)
	log    *slog.Logger
	cost   secret.Cost
	making bool // the sandbox is not complete yet

	generateKey func() (*rsa.PrivateKey, error) // of elements; nil: crypto/rsa. Tests take keys from a pool
	database    func(role string) (dsn string)  // where a party's tables are; nil: an SQLite file in its room
}

// openRoom opens a party's room in the sandbox at base, or makes what is missing
// of it: making is resumed after any crash. schema is nil for a party without
// tables.
func (b build) openRoom(ctx context.Context, base, role string, schema fs.FS) (*room, error) {
	r := &room{role: role, dir: filepath.Join(base, role), log: b.log.With("role", role)}
	if err := os.MkdirAll(filepath.Join(r.dir, "keys"), 0o700); err != nil {
		return nil, fmt.Errorf("open the room of %s: %w", role, err)
	}
	key := filepath.Join(r.dir, "key")
	fresh := false
	if _, err := os.Lstat(key); errors.Is(err, fs.ErrNotExist) {
		fresh = true
		if err := secret.CreateKeyFile(b.files, key, secret.Sandbox); err != nil {
			return nil, err
		}
	}
	var err error
	if r.sealer, err = secret.OpenSealer(key, secret.Sandbox); err != nil {
		return nil, err
	}
	r.keys = secret.Keys{Dir: filepath.Join(r.dir, "keys"), Sealer: r.sealer, Files: b.files}
	if schema == nil {
		return r, nil
	}
	dsn := "sqlite:" + filepath.Join(r.dir, role+".db")
	if b.database != nil {
		dsn = b.database(role)
	}
	r.db, err = b.openDatabase(ctx, dsn, fresh || b.making)
	switch {
	case errors.Is(err, store.ErrNoDatabase):
		return nil, usagef("the database of %s is gone from %s; put it back, or make another sandbox", role, r.dir)
	case errors.Is(err, errNotSandbox):
		return nil, usagef("the database of %s is not marked as a sandbox's; `tegata up` opens nothing else", role)
	case err != nil:
		return nil, fmt.Errorf("open the room of %s: %w", role, err)
	}
	if err := r.db.Migrate(ctx, schema); err != nil {
		return nil, errors.Join(err, r.db.Close())
	}
	return r, nil
}

// errNotSandbox says that a database is not marked as a sandbox's.
var errNotSandbox = errors.New("not a sandbox's database")

// openDatabase opens a sandbox's database: errNotSandbox when it is not marked. One
// that is not there is made only where make says so, store.ErrNoDatabase otherwise:
// a country that was there must not come back empty.
func (b build) openDatabase(ctx context.Context, dsn string, make bool) (*store.DB, error) {
	var options []store.Option
	if b.commit != nil {
		options = append(options, store.WithHook(b.commit))
	}
	db, err := store.Open(ctx, dsn, options...)
	if errors.Is(err, store.ErrNoDatabase) && make {
		if db, err = store.Create(ctx, dsn, options...); err != nil {
			return nil, err
		}
		return db, db.Mark(ctx, true)
	}
	if err != nil {
		return nil, err
	}
	sandbox, err := db.Sandbox(ctx)
	if errors.Is(err, store.ErrUnmarked) && b.making { // a crash between making and marking
		sandbox, err = true, db.Mark(ctx, true)
	}
	if errors.Is(err, store.ErrUnmarked) || err == nil && !sandbox {
		err = errNotSandbox
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// symmetric is a key of 32 bytes, made the first time and sealed. Under such keys
// persons get other names at each verifier and each party: losing one gives
// everybody a new one.
func (r *room) symmetric(label string) ([]byte, error) {
	path := filepath.Join(r.keys.Dir, label+".sealed")
	sealed, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, 32)
		rand.Read(key) // never fails
		return key, r.keys.Files.WriteFile(path, r.sealer.Seal("symmetric "+label, key), 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("open the key %s of %s: %w", label, r.role, err)
	}
	return r.sealer.Open("symmetric "+label, sealed)
}

// Close closes the database.
func (r *room) Close() error {
	if r.db == nil {
		return nil
	}
	return r.db.Close()
}
