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
	"tegata/internal/httpd"
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
	make   bool // what is missing may be made

	metrics *httpd.Metrics
}

// build is how rooms are opened; tests add hooks that stop the process.
type build struct {
	files  durable.Files
	commit func(durable.Moment)
	log    *slog.Logger
	cost   secret.Cost
	making bool // init is at work: what is not there is made
	side   secret.Side

	generateKey func() (*rsa.PrivateKey, error) // of elements; nil: crypto/rsa. Tests take keys from a pool
	database    func(role string) (dsn string)  // where a party's tables are; nil: an SQLite file in its room
}

// production says on which side of the fence the build works. The zero value is the
// sandbox's: it opens nothing that is not marked.
func (b build) production() bool { return b.side == secret.Production }

func (b build) keySide() secret.Side {
	if b.production() {
		return secret.Production
	}
	return secret.Sandbox
}

// openRoom opens a party's room below base. In a sandbox what is missing of it is
// made: making is resumed after any crash, and a role that is new has no room yet.
// In production only init makes anything, and only of a room that is new or that it
// did not finish: what is missing of a finished room was lost, and a new one in its
// place would be another country. schema is nil for a party without tables.
func (b build) openRoom(ctx context.Context, base, role string, schema fs.FS) (*room, error) {
	r := &room{role: role, dir: filepath.Join(base, role), log: b.log.With("role", role), make: !b.production(), metrics: httpd.NewMetrics()}
	if b.production() && b.making {
		if err := r.begin(b); err != nil {
			return nil, err
		}
	}
	fresh, err := r.openSealer(b)
	if err != nil {
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
	make := fresh || r.make && b.making // a sandbox that was made lost what it lacks
	r.db, err = b.openDatabase(ctx, dsn, make, fresh)
	if err != nil {
		return nil, b.databaseProblem(role, r.dir, err)
	}
	if err := r.db.Migrate(ctx, schema); err != nil {
		return nil, b.databaseProblem(role, r.dir, errors.Join(err, r.db.Close()))
	}
	return r, nil
}

// unfinished marks a room of production's that init has not finished.
const unfinished = "unfinished"

// begin says whether init may make what the room lacks: a room that is not there yet
// is marked as unfinished first, and stays so until finish.
func (r *room) begin(b build) error {
	mark := filepath.Join(r.dir, unfinished)
	if _, err := os.Lstat(mark); err == nil {
		r.make = true
		return nil
	}
	entries, err := os.ReadDir(r.dir)
	switch {
	case err == nil && len(entries) > 0:
		return nil // finished: what is missing of it is not made again
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("open the room of %s: %w", r.role, err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return fmt.Errorf("open the room of %s: %w", r.role, err)
	}
	r.make = true
	return b.files.WriteFile(mark, []byte("init is at work here; run it again to finish\n"), 0o600)
}

// finish ends the making of a room.
func (r *room) finish() error {
	if err := os.Remove(filepath.Join(r.dir, unfinished)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("finish the room of %s: %w", r.role, err)
	}
	return nil
}

// openSealer opens the room's sealing key; fresh says that it was made just now.
func (r *room) openSealer(b build) (fresh bool, err error) {
	key := filepath.Join(r.dir, "key")
	if _, err := os.Lstat(key); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(r.dir); !r.make && errors.Is(err, fs.ErrNotExist) {
			return false, usagef("the room of %s is not in %s; `tegata init -config FILE %s` makes it", r.role, r.dir, r.role)
		}
		if !r.make {
			return false, usagef("the sealing key of %s is gone (%s): restore it, nothing else opens what it sealed", r.role, key)
		}
		if err := os.MkdirAll(filepath.Join(r.dir, "keys"), 0o700); err != nil {
			return false, fmt.Errorf("open the room of %s: %w", r.role, err)
		}
		if err := secret.CreateKeyFile(b.files, key, b.keySide()); err != nil {
			return false, err
		}
		fresh = true
	}
	if _, err := os.Lstat(filepath.Join(r.dir, unfinished)); err == nil && !b.making {
		return false, usagef("init has not finished the room of %s; run `tegata init -config FILE %s` again", r.role, r.role)
	}
	r.sealer, err = secret.OpenSealer(key, b.keySide())
	if errors.Is(err, secret.ErrOtherSide) {
		return false, usagef("%s was made on the other side of the fence: sandbox and production never mix", r.dir)
	}
	return fresh, err
}

// databaseProblem says what to do about a database that did not open.
func (b build) databaseProblem(role, dir string, err error) error {
	switch {
	case errors.Is(err, store.ErrNoDatabase) && b.production():
		return usagef("the database of %s is gone: restore it. Its room is there (%s), and an empty database in its place would be another country", role, dir)
	case errors.Is(err, errWithoutKey):
		return usagef("the database of %s is there already, but its room in %s is new: restore the room that belongs to it, or name an empty database", role, dir)
	case errors.Is(err, store.ErrNoDatabase):
		return usagef("the database of %s is gone from %s; put it back, or make another sandbox", role, dir)
	case errors.Is(err, store.ErrOutdated):
		return usagef("the database of %s: %v; `tegata init -config FILE %s` brings it up to date", role, err, role)
	case errors.Is(err, errOtherMark) && b.production():
		return usagef("the database of %s is not marked as production's; `tegata serve` opens nothing else", role)
	case errors.Is(err, errOtherMark):
		return usagef("the database of %s is not marked as a sandbox's; `tegata up` opens nothing else", role)
	}
	return fmt.Errorf("open the room of %s: %w", role, err)
}

// errWithoutKey says that a database is there whose room is not.
var errWithoutKey = errors.New("the database is older than its room")

// errOtherMark says that a database does not carry the mark of this side.
var errOtherMark = errors.New("the database carries another mark, or none")

// openDatabase opens a database of this side of the fence: errOtherMark when it is
// not marked so. One that is not there is made only where make says so,
// store.ErrNoDatabase otherwise: a country that was there must not come back empty.
// Beside a room that is fresh there is none yet.
func (b build) openDatabase(ctx context.Context, dsn string, make, fresh bool) (*store.DB, error) {
	var options []store.Option
	if b.commit != nil {
		options = append(options, store.WithHook(b.commit))
	}
	if b.production() && !b.making {
		options = append(options, store.AsItIs())
	}
	db, err := store.Open(ctx, dsn, options...)
	if errors.Is(err, store.ErrNoDatabase) && make {
		if db, err = store.Create(ctx, dsn, options...); err != nil {
			return nil, err
		}
		return db, db.Mark(ctx, !b.production())
	}
	if err != nil {
		return nil, err
	}
	if fresh {
		return nil, errors.Join(errWithoutKey, db.Close())
	}
	sandbox, err := db.Sandbox(ctx)
	if errors.Is(err, store.ErrUnmarked) && b.making { // a crash between making and marking
		sandbox, err = !b.production(), db.Mark(ctx, !b.production())
	}
	if errors.Is(err, store.ErrUnmarked) || err == nil && sandbox == b.production() {
		err = errOtherMark
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
	if errors.Is(err, fs.ErrNotExist) && !r.make {
		return nil, usagef("the key %s of %s is gone (%s): restore it. Another one would give everybody another name", label, r.role, path)
	}
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
