package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"tegata/internal/durable"
	"tegata/store"
	"tegata/store/storetest"
)

// commits counts commits and can be told what to do at one.
type commits struct {
	n      atomic.Int64
	before atomic.Pointer[func()]
}

func (c *commits) hook(m durable.Moment) {
	if strings.HasPrefix(string(m), "before ") {
		if f := c.before.Load(); f != nil {
			(*f)()
		}
		return
	}
	c.n.Add(1)
}

func openGroups(t *testing.T, dsn string) (*store.DB, *commits) {
	t.Helper()
	c := &commits{}
	db, err := store.Create(t.Context(), dsn, store.WithHook(c.hook))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Migrate(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	return db, c
}

// insert is a write of one thing, with its audit record.
func insert(t *testing.T, tx store.Tx, id byte) error {
	if _, err := tx.Exec(t.Context(), "INSERT INTO thing (id) VALUES ($1)", []byte{id}); err != nil {
		return err
	}
	return store.Audit(t.Context(), tx, when, clerk, "thing.make", fmt.Sprint(id), nil)
}

// together has all of writes stand in line before the first of them goes on, so that
// they are one group, and returns their errors. What panics in one is its error.
func together(t *testing.T, db *store.DB, writes ...func(store.Tx) error) []error {
	t.Helper()
	return togetherWith(t, db, nil, writes...)
}

// togetherWith is together with a context for one of the writes.
func togetherWith(t *testing.T, db *store.DB, contexts map[int]context.Context, writes ...func(store.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(writes))
	inside, goOn := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	write := func(n int, fn func(store.Tx) error) {
		defer func() {
			if r := recover(); r != nil {
				errs[n] = fmt.Errorf("panic: %v", r)
			}
		}()
		ctx := t.Context()
		if contexts[n] != nil {
			ctx = contexts[n]
		}
		errs[n] = db.Write(ctx, fn)
	}
	var once sync.Once
	wg.Go(func() {
		write(0, func(tx store.Tx) error {
			once.Do(func() { close(inside); <-goOn })
			return writes[0](tx)
		})
	})
	<-inside
	for n := 1; n < len(writes); n++ {
		wg.Go(func() { write(n, writes[n]) })
		store.AwaitWaiting(t, db, n)
	}
	close(goOn)
	wg.Wait()
	return errs
}

// whole checks which things are there, and that the chain has a record for each.
func whole(t *testing.T, db *store.DB, want ...byte) {
	t.Helper()
	var ids []byte
	err := db.Read(t.Context(), func(tx store.Tx) error {
		ids = nil
		rows, err := tx.Query(t.Context(), "SELECT id FROM thing ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id []byte
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id...)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if string(ids) != string(want) {
		t.Errorf("%v are there, not %v", ids, want)
	}
	if err := db.CheckAudit(t.Context()); err != nil {
		t.Error(err)
	}
	if seq, _, err := db.AuditHead(t.Context()); err != nil || seq != int64(len(want)) {
		t.Errorf("%d audit records, not %d: %v", seq, len(want), err)
	}
}

var errStop = errors.New("stop")

func TestWritesThatWaitTogetherShareACommit(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, c := openGroups(t, dsn)
		before := c.n.Load()
		var writes []func(store.Tx) error
		var want []byte
		for n := range 20 {
			writes = append(writes, func(tx store.Tx) error { return insert(t, tx, byte(n)) })
			want = append(want, byte(n))
		}
		for n, err := range together(t, db, writes...) {
			if err != nil {
				t.Errorf("write %d: %v", n, err)
			}
		}
		if n := c.n.Load() - before; n != 1 {
			t.Errorf("%d commits of 20 writes", n)
		}
		whole(t, db, want...)
	})
}

func TestOneOfAGroupIsUndoneAloneWhateverHappensToIt(t *testing.T) {
	for name, bad := range map[string]struct {
		fn   func(t *testing.T, ctx context.Context, tx store.Tx, leave func()) error
		want string
	}{
		"an error":               {func(*testing.T, context.Context, store.Tx, func()) error { return errStop }, "stop"},
		"a panic":                {func(*testing.T, context.Context, store.Tx, func()) error { panic("help") }, "panic: help"},
		"a statement that fails": {func(t *testing.T, _ context.Context, tx store.Tx, _ func()) error { return insert(t, tx, 1) }, "constraint"},
		"a failure that is not passed on": {func(t *testing.T, _ context.Context, tx store.Tx, _ func()) error {
			insert(t, tx, 1)
			return nil
		}, "constraint"},
		"its context ends inside": {func(_ *testing.T, _ context.Context, _ store.Tx, leave func()) error { leave(); return nil }, "context canceled"},
		"its context ends before a statement": {func(_ *testing.T, ctx context.Context, tx store.Tx, leave func()) error {
			leave()
			_, err := tx.Exec(ctx, "INSERT INTO thing (id) VALUES ($1)", []byte{5})
			return err
		}, "context canceled"},
	} {
		t.Run(name, func(t *testing.T) {
			storetest.EachDSN(t, func(t *testing.T, dsn string) {
				db, _ := openGroups(t, dsn)
				ctx, leave := context.WithCancel(t.Context())
				defer leave()
				good := func(id byte) func(store.Tx) error {
					return func(tx store.Tx) error { return insert(t, tx, id) }
				}
				errs := togetherWith(t, db, map[int]context.Context{2: ctx}, good(1), good(2), func(tx store.Tx) error {
					if _, err := tx.Exec(ctx, "INSERT INTO thing (id) VALUES ($1)", []byte{3}); err != nil {
						return err
					}
					return bad.fn(t, ctx, tx, leave)
				}, good(4))
				for n, err := range errs {
					if n != 2 && err != nil {
						t.Errorf("write %d: %v", n, err)
					}
				}
				if errs[2] == nil || !strings.Contains(errs[2].Error(), bad.want) {
					t.Errorf("the bad one: %v", errs[2])
				}
				whole(t, db, 1, 2, 4)
			})
		})
	}
}

func TestTheFirstOfAGroupIsUndoneAlone(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, _ := openGroups(t, dsn)
		for n, bad := range []func(store.Tx) error{
			func(store.Tx) error { return errStop },
			func(store.Tx) error { panic("help") },
			func(store.Tx) error { runtime.Goexit(); return nil },
		} {
			errs := together(t, db, func(tx store.Tx) error {
				if err := insert(t, tx, 100); err != nil {
					return err
				}
				return bad(tx)
			}, func(tx store.Tx) error { return insert(t, tx, byte(n)) })
			if errs[1] != nil || n < 2 && errs[0] == nil {
				t.Errorf("%d: %v", n, errs)
			}
		}
		whole(t, db, 0, 1, 2)
	})
}

// deferred has a constraint that is looked at when the transaction is committed.
var deferred = fstest.MapFS{
	"sqlite/0001_leaf.sql":   {Data: []byte("-- +goose Up\nCREATE TABLE leaf (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES leaf (id) DEFERRABLE INITIALLY DEFERRED) STRICT;")},
	"postgres/0001_leaf.sql": {Data: []byte("-- +goose Up\nCREATE TABLE leaf (id BIGINT PRIMARY KEY, parent BIGINT REFERENCES leaf (id) DEFERRABLE INITIALLY DEFERRED);")},
}

func TestACommitThatFailsFailsAll(t *testing.T) {
	storetest.Each(t, deferred, func(t *testing.T, db *store.DB) {
		leaf := func(id int, parent any) func(store.Tx) error {
			return func(tx store.Tx) error {
				_, err := tx.Exec(t.Context(), "INSERT INTO leaf (id, parent) VALUES ($1, $2)", id, parent)
				return err
			}
		}
		errs := together(t, db, leaf(1, nil), leaf(2, 99), leaf(3, nil),
			func(store.Tx) error { return errStop }) // it may have failed because of what is not there now
		for n, err := range errs {
			if err == nil || !strings.Contains(err.Error(), "commit") {
				t.Errorf("write %d of a group that was not committed: %v", n, err)
			}
		}
		if n := count(t, db, "SELECT COUNT(*) FROM leaf"); n != 0 {
			t.Errorf("%d rows stayed", n)
		}
		if err := db.Write(t.Context(), leaf(4, nil)); err != nil {
			t.Errorf("the line stands still: %v", err)
		}
	})
}

func TestWhoeverEndsWhileCommittingTakesNobodysAnswerAlong(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, c := openGroups(t, dsn)
		die := func() { panic("power cut") }
		c.before.Store(&die)
		errs := together(t, db,
			func(tx store.Tx) error { return insert(t, tx, 1) },
			func(tx store.Tx) error { return insert(t, tx, 2) },
		)
		if errs[0] == nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "power cut") {
			t.Errorf("%v", errs)
		}
		c.before.Store(nil)
		if err := db.Write(t.Context(), func(tx store.Tx) error { return insert(t, tx, 3) }); err != nil {
			t.Errorf("the line stands still: %v", err)
		}
		whole(t, db, 3)
	})
}

// hold begins a write of one thing that ends when release is called.
func hold(t *testing.T, db *store.DB, id byte) (release func()) {
	t.Helper()
	inside, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- db.Write(t.Context(), func(tx store.Tx) error {
			err := insert(t, tx, id)
			close(inside)
			<-goOn
			return err
		})
	}()
	<-inside
	return func() {
		close(goOn)
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, _ := openGroups(t, dsn)
		release := hold(t, db, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		err := db.Write(ctx, func(tx store.Tx) error { return insert(t, tx, 2) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		release()
		if err := db.Write(t.Context(), func(tx store.Tx) error { return insert(t, tx, 3) }); err != nil {
			t.Error(err)
		}
		whole(t, db, 1, 3)
	})
}

// Somebody else's change makes the whole group run again: on PostgreSQL a savepoint
// does not bring a serializable transaction back.
func TestAGroupThatLosesRunsAgain(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if strings.HasPrefix(dsn, "sqlite:") {
			t.Skip("SQLite has one writer at a time")
		}
		db, _ := openGroups(t, dsn)
		other, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		var runs [3]int
		var once sync.Once
		var writes []func(store.Tx) error
		for n := range runs {
			writes = append(writes, func(tx store.Tx) error {
				runs[n]++
				return insert(t, tx, byte(n))
			})
		}
		quick := writes[0]
		writes[0] = func(tx store.Tx) error {
			if _, _, err := headOf(t, tx); err != nil { // the snapshot is taken
				return err
			}
			once.Do(func() {
				if err := other.Write(t.Context(), func(tx store.Tx) error { return insert(t, tx, 9) }); err != nil {
					t.Error(err)
				}
			})
			return quick(tx)
		}
		for n, err := range together(t, db, writes...) {
			if err != nil {
				t.Errorf("write %d: %v", n, err)
			}
		}
		whole(t, db, 0, 1, 2, 9)
		if runs[0] < 2 {
			t.Errorf("they ran %v times", runs)
		}
	})
}

func headOf(t *testing.T, tx store.Tx) (seq int64, hash []byte, err error) {
	err = tx.QueryRow(t.Context(), "SELECT seq, hash FROM store_audit_head WHERE one = 1").Scan(&seq, &hash)
	return seq, hash, err
}

func TestATransactionIsOfNoUseAfterItsTurn(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, _ := openGroups(t, dsn)
		var kept store.Tx
		errs := together(t, db, func(tx store.Tx) error { kept = tx; return insert(t, tx, 1) }, func(tx store.Tx) error {
			if _, err := kept.Exec(t.Context(), "DELETE FROM thing"); err == nil {
				t.Error("a write went on in another's turn")
			}
			return insert(t, tx, 2)
		})
		if errors.Join(errs...) != nil {
			t.Error(errs)
		}
		whole(t, db, 1, 2)
	})
}

func TestManyWritersLoseNothing(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		db, c := openGroups(t, dsn)
		const writers, each = 16, 12
		before := c.n.Load()
		var wg sync.WaitGroup
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					id := byte(w*each + n)
					err := db.Write(t.Context(), func(tx store.Tx) error {
						if err := insert(t, tx, id); err != nil {
							return err
						}
						if n%4 == 3 {
							return errStop
						}
						return nil
					})
					if (err != nil) != (n%4 == 3) {
						t.Errorf("writer %d, write %d: %v", w, n, err)
					}
				}
			})
		}
		wg.Wait()
		var want []byte
		for id := range writers * each {
			if id%each%4 != 3 {
				want = append(want, byte(id))
			}
		}
		whole(t, db, want...)
		t.Logf("%d commits of %d writes", c.n.Load()-before, len(want))
	})
}

// What was acknowledged is in the file that another process opens.
func TestAnAcknowledgedPartIsThereForOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	db, _ := openGroups(t, "sqlite:"+path)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if err := db.Write(t.Context(), func(tx store.Tx) error { return insert(t, tx, byte(n)) }); err != nil {
				t.Error(err)
				return
			}
			other, err := store.Open(t.Context(), "sqlite:"+path)
			if err != nil {
				t.Error(err)
				return
			}
			defer other.Close()
			err = other.Read(t.Context(), func(tx store.Tx) error {
				var id []byte
				return tx.QueryRow(t.Context(), "SELECT id FROM thing WHERE id = $1", []byte{byte(n)}).Scan(&id)
			})
			if err != nil {
				t.Errorf("write %d was acknowledged: %v", n, err)
			}
		})
	}
	wg.Wait()
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// A caller whose time is over while the database is somebody else's is told so.
func TestADeadlineEndsTheWaitForAnotherProcess(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		if strings.HasPrefix(dsn, "sqlite:") {
			t.Skip("SQLite waits for its file lock as long as its own patience lasts, ten seconds")
		}
		db, _ := openGroups(t, dsn)
		other, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		release := hold(t, other, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		began := time.Now()
		err = db.Write(ctx, func(tx store.Tx) error { return insert(t, tx, 2) })
		if err == nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(began); waited > 8*time.Second {
			t.Errorf("it waited %v", waited)
		}
		release()
		if err := db.Write(t.Context(), func(tx store.Tx) error { return insert(t, tx, 3) }); err != nil {
			t.Errorf("the line stands still: %v", err)
		}
		whole(t, db, 1, 3)
	})
}
