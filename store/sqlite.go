package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

const sqlitePrefix = "sqlite:"

// dialect is what the two databases do differently.
type dialect struct {
	name          string // the folder of its migrations
	goose         goose.Dialect
	isolation     bool               // the driver knows isolation levels
	remote        bool               // a statement may wait for others, or for ever
	readIsolation sql.IsolationLevel // a snapshot
	conflict      func(error) bool   // somebody else was first: run the transaction again
}

var sqliteDialect = dialect{name: "sqlite", goose: goose.DialectSQLite3, conflict: sqliteConflict}

// Primary result codes, https://www.sqlite.org/rescode.html.
const (
	sqliteBusy   = 5
	sqliteLocked = 6
)

func sqliteConflict(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && (e.Code()&0xff == sqliteBusy || e.Code()&0xff == sqliteLocked)
}

// createSQLite makes the file under another name and links it into place, so
// that a crash leaves either no database or a whole one, and two that create at
// once cannot both succeed.
func createSQLite(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	dir, err := os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	defer os.RemoveAll(dir)
	fresh := filepath.Join(dir, "fresh.db")
	file, err := os.OpenFile(fresh, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600) // personal data: nobody else reads it
	if err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	file.Close()
	db, err := connectSQLite(ctx, fresh)
	if err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	err = db.migrate(ctx, ownSchema, "schema", ownVersions)
	if err = errors.Join(err, db.Close()); err != nil { // the last Close puts the log back into the file
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	if err := os.Link(fresh, path); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, path)
	} else if err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes a new name inside dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return nil
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoDatabase, path)
	}
	db, err := connectSQLite(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	return db, nil
}

func connectSQLite(ctx context.Context, path string) (*DB, error) {
	writer, err := sql.Open("sqlite", sqliteDSN(path, "_txlock=immediate"))
	if err != nil {
		return nil, err
	}
	writer.SetMaxOpenConns(1) // SQLite has one writer; waiting in Go is fairer than in the file lock
	reader, err := sql.Open("sqlite", sqliteDSN(path, "_pragma=query_only(1)"))
	if err != nil {
		writer.Close()
		return nil, err
	}
	n := max(4, runtime.GOMAXPROCS(0))
	reader.SetMaxOpenConns(n)
	reader.SetMaxIdleConns(n)
	name := strings.TrimSuffix(filepath.Base(path), ".db")
	db := &DB{name: name, dialect: sqliteDialect, writer: writer, reader: reader,
		written: newStatements(writer), read: newStatements(reader)}
	// The writer first: it is the one that switches a new file to the log.
	if err := errors.Join(writer.PingContext(ctx), reader.PingContext(ctx)); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// sqliteDSN names the file as a URI, so that '?', '#' and '%' in a path are
// only characters. mode=rw: opening never creates. synchronous(full): a commit
// is on the disk when Write returns, in log mode too.
func sqliteDSN(path, more string) string {
	u := url.URL{Path: path}
	return "file:" + u.EscapedPath() + "?mode=rw" +
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)&_pragma=synchronous(full)&_pragma=foreign_keys(1)&" + more
}
