package store_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tegata/internal/durable"
	"tegata/store"
	"tegata/store/storetest"
)

// tables is a party's schema with one of each column type.
var tables = fstest.MapFS{
	"sqlite/0001_thing.sql": {Data: []byte(`-- +goose Up
CREATE TABLE thing (id BLOB PRIMARY KEY, name TEXT, n INTEGER NOT NULL DEFAULT 0, at_ms INTEGER) STRICT;
CREATE TABLE part (thing BLOB NOT NULL REFERENCES thing (id), n INTEGER NOT NULL, PRIMARY KEY (thing, n)) STRICT;`)},
	"postgres/0001_thing.sql": {Data: []byte(`-- +goose Up
CREATE TABLE thing (id BYTEA PRIMARY KEY, name TEXT, n BIGINT NOT NULL DEFAULT 0, at_ms BIGINT);
CREATE TABLE part (thing BYTEA NOT NULL REFERENCES thing (id), n BIGINT NOT NULL, PRIMARY KEY (thing, n));`)},
}

type kind string

func exec(t *testing.T, db *store.DB, query string, args ...any) int64 {
	t.Helper()
	var n int64
	if err := db.Write(t.Context(), func(tx store.Tx) (err error) {
		n, err = tx.Exec(t.Context(), query, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestBothDatabasesKeepTheSameValues(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		serial := [16]byte{0, 1, 0xff}
		exec(t, db, "INSERT INTO thing (id, name, n, at_ms) VALUES ($1, $2, $3, $4)", serial, kind("髙𣘺 守"), true, int64(1795338000123))
		exec(t, db, "INSERT INTO thing (id, name, n, at_ms) VALUES ($2, $1, $3, $4)", nil, []byte{}, uint8(7), (*int64)(nil))
		var got [][4]any
		err := db.Read(t.Context(), func(tx store.Tx) error {
			got = nil
			rows, err := tx.Query(t.Context(), "SELECT id, name, n, at_ms FROM thing ORDER BY n")
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id []byte
				var name *string
				var n int64
				var at *int64
				if err := rows.Scan(&id, &name, &n, &at); err != nil {
					return err
				}
				got = append(got, [4]any{id, name, n, at})
			}
			return rows.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		name, at := "髙𣘺 守", int64(1795338000123)
		want := [][4]any{{serial[:], &name, int64(1), &at}, {[]byte{}, (*string)(nil), int64(7), (*int64)(nil)}}
		// An empty blob comes back empty; SQLite's driver gives nil for it, so
		// only SQL can tell it from NULL.
		if d := cmp.Diff(got, want, cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		if n := count(t, db, "SELECT COUNT(*) FROM thing WHERE id IS NULL"); n != 0 {
			t.Error("an empty blob was stored as NULL")
		}
	})
}

func TestATimeIsNotAnArgument(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		for _, v := range []any{time.Now(), time.Second, 1.5, struct{}{}, uint64(1 << 63)} {
			err := db.Write(t.Context(), func(tx store.Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO thing (id, at_ms) VALUES ($1, $2)", []byte{1}, v)
				return err
			})
			if err == nil {
				t.Errorf("a %T was stored", v)
			}
		}
	})
}

func TestNoRowIsErrNotFound(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		err := db.Read(t.Context(), func(tx store.Tx) error {
			var n int64
			return tx.QueryRow(t.Context(), "SELECT n FROM thing WHERE id = $1", []byte{9}).Scan(&n)
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestUpsertAndReturningWork(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		var n int64
		for want := int64(1); want <= 3; want++ {
			if err := db.Write(t.Context(), func(tx store.Tx) error {
				return tx.QueryRow(t.Context(), `INSERT INTO thing (id, n) VALUES ($1, 1)
					ON CONFLICT (id) DO UPDATE SET n = thing.n + 1 RETURNING n`, []byte{1}).Scan(&n)
			}); err != nil {
				t.Fatal(err)
			}
			if n != want {
				t.Errorf("got %d, want %d", n, want)
			}
		}
		if got := exec(t, db, "UPDATE thing SET n = $2 WHERE id = $1 AND n = $3", []byte{1}, 9, 2); got != 0 {
			t.Errorf("a compare-and-set against an old value changed %d rows", got)
		}
	})
}

func TestAnErrorOrAPanicUndoesEverything(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		stop := errors.New("stop")
		err := db.Write(t.Context(), func(tx store.Tx) error {
			if _, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES ($1)", []byte{1}); err != nil {
				return err
			}
			return stop
		})
		if !errors.Is(err, stop) {
			t.Errorf("got %v", err)
		}
		func() {
			defer func() { recover() }()
			db.Write(t.Context(), func(tx store.Tx) error {
				tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES ($1)", []byte{2})
				panic("stop")
			})
		}()
		if n := count(t, db, "SELECT COUNT(*) FROM thing"); n != 0 {
			t.Errorf("%d rows stayed", n)
		}
	})
}

func TestForeignKeysHold(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		if err := db.Write(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO part (thing, n) VALUES ($1, 1)", []byte{1})
			return err
		}); err == nil {
			t.Error("a part of nothing was stored")
		}
	})
}

func TestReadCannotWrite(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		if err := db.Read(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES ($1)", []byte{1})
			return err
		}); err == nil {
			t.Error("a read wrote")
		}
	})
}

func TestTwoDatabaseHandlesIncrementingAtOnceLoseNothing(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		first, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		if err := first.Migrate(t.Context(), tables); err != nil {
			t.Fatal(err)
		}
		second, err := store.Open(t.Context(), dsn) // as another process would
		if err != nil {
			t.Fatal(err)
		}
		defer second.Close()
		exec(t, first, "INSERT INTO thing (id) VALUES ($1)", []byte{1})
		const each = 25
		var wg sync.WaitGroup
		for _, db := range []*store.DB{first, second, first, second} {
			wg.Go(func() {
				for range each {
					if err := db.Write(t.Context(), func(tx store.Tx) error {
						var n int64 // read, then write: lost when not serializable
						if err := tx.QueryRow(t.Context(), "SELECT n FROM thing WHERE id = $1", []byte{1}).Scan(&n); err != nil {
							return err
						}
						if _, err := tx.Exec(t.Context(), "UPDATE thing SET n = $2 WHERE id = $1", []byte{1}, n+1); err != nil {
							return err
						}
						return store.Audit(t.Context(), tx, when, clerk, "thing.count", "1", nil)
					}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if n := count(t, first, "SELECT n FROM thing"); n != 4*each {
			t.Errorf("counted %d of %d", n, 4*each)
		}
		if err := second.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
		if seq, _, err := second.AuditHead(t.Context()); err != nil || seq != 4*each {
			t.Errorf("%d records of %d: %v", seq, 4*each, err)
		}
	})
}

func TestASnapshotDoesNotMove(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		var before, after int64
		err := db.Read(t.Context(), func(tx store.Tx) error {
			if err := tx.QueryRow(t.Context(), "SELECT COUNT(*) FROM thing").Scan(&before); err != nil {
				return err
			}
			exec(t, db, "INSERT INTO thing (id) VALUES ($1)", []byte{1})
			return tx.QueryRow(t.Context(), "SELECT COUNT(*) FROM thing").Scan(&after)
		})
		if err != nil || before != 0 || after != 0 {
			t.Errorf("saw %d, then %d: %v", before, after, err)
		}
	})
}

func TestCreateRefusesWhatIsThereAndOpenWhatIsNot(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if _, err := store.Open(t.Context(), dsn); !errors.Is(err, store.ErrNoDatabase) {
			t.Errorf("open before create: %v", err)
		}
		db, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
		if _, err := store.Create(t.Context(), dsn); !errors.Is(err, store.ErrExists) {
			t.Errorf("create again: %v", err)
		}
		db, err = store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		db.Close()
	})
	if _, err := store.Open(t.Context(), "mysql://root:hunter2@x/y"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a foreign DSN: %v", err)
	}
}

func TestASQLiteFileIsForItsOwnerAndAnyPathWorks(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "100% #1 ?mode=memory")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := store.Create(t.Context(), "sqlite:"+filepath.Join(dir, "a.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Mark(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(e.Name(), "a.db") || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

func TestEveryCommitIsToldBeforeAndAfter(t *testing.T) {
	dsn := storetest.SQLite(t)
	var told []string
	db, err := store.Create(t.Context(), dsn, store.WithHook(func(m durable.Moment) { told = append(told, string(m)) }))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Mark(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Sandbox(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(told, []string{"before commit test", "after commit test"}); d != "" {
		t.Error(d)
	}
}

func TestSandboxAndProductionNeverMix(t *testing.T) {
	storetest.Each(t, nil, func(t *testing.T, db *store.DB) {
		if _, err := db.Sandbox(t.Context()); !errors.Is(err, store.ErrUnmarked) {
			t.Errorf("unmarked: %v", err)
		}
		for _, sandbox := range []bool{true, true} {
			if err := db.Mark(t.Context(), sandbox); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Mark(t.Context(), false); !errors.Is(err, store.ErrMarked) {
			t.Errorf("marked twice: %v", err)
		}
		if sandbox, err := db.Sandbox(t.Context()); err != nil || !sandbox {
			t.Errorf("got %v %v", sandbox, err)
		}
	})
}

func TestMigrationsRunOnceAndAddUp(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		exec(t, db, "INSERT INTO thing (id) VALUES ($1)", []byte{1})
		later := fstest.MapFS{}
		for name, file := range tables {
			later["schema/"+name] = file // as go:embed of a folder "schema" gives it
		}
		for _, d := range []string{"sqlite", "postgres"} {
			later["schema/"+d+"/0002_colour.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE thing ADD COLUMN colour TEXT;")}
		}
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				if err := db.Migrate(context.WithoutCancel(t.Context()), later); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := exec(t, db, "UPDATE thing SET colour = $1", "blue"); n != 1 {
			t.Errorf("%d rows", n)
		}
	})
}

func count(t *testing.T, db *store.DB, query string) (n int64) {
	t.Helper()
	if err := db.Read(t.Context(), func(tx store.Tx) error { return tx.QueryRow(t.Context(), query).Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestADeadlineEndsAWrite(t *testing.T) {
	storetest.Each(t, tables, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		err := db.Write(ctx, func(tx store.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO thing (id) VALUES ($1)", bytes.Repeat([]byte{1}, 4)); err != nil {
				return err
			}
			cancel()
			return nil
		})
		if err == nil {
			t.Error("a write was kept after its caller had gone")
		}
		if n := count(t, db, "SELECT COUNT(*) FROM thing"); n != 0 {
			t.Errorf("%d rows", n)
		}
	})
}
