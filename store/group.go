package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"tegata/internal/durable"
)

// line is where the writes of this process stand. One at a time has the turn: it
// begins a group, or takes part in the one that it is handed, and hands the group
// on to the next in line. Whoever finds nobody behind commits it for all, and those
// who come meanwhile are the next group: a commit costs the same for one as for
// many.
//
// Each part runs on the goroutine of its own Write, so that a panic ends the one
// whose it is.
type line struct {
	mu      sync.Mutex // guards all below
	taken   bool       // somebody has the turn
	waiting []chan *group
}

const (
	maxParts    = 64               // of a group: so many at most wait for one commit
	commitLimit = 30 * time.Second // for a server that does not answer
)

// group is one transaction of the database, of the parts of several writes.
type group struct {
	t          *sql.Tx
	end        context.CancelFunc // undoes what is not committed
	life       context.Context    // of the statements: the group's, not that of one of the calls
	statements *used
	parts      int
	broken     error // the transaction is of no use; why

	done chan struct{} // closed when it is decided:
	err  error         // nil: durable
}

// errOther means that the group went down with somebody else's part. Nothing was
// written.
var errOther = errors.New("store: the transaction ended with somebody else's part of it")

// errEnded is for those whose changes somebody was about to commit who ended.
var errEnded = errors.New("store: whoever was committing has ended before")

// wait returns when it is the caller's turn, with the group to take part in or nil
// to begin one. The caller must call settle or pass. It returns ctx's error when
// that ends before.
func (l *line) wait(ctx context.Context) (*group, error) {
	l.mu.Lock()
	if !l.taken {
		l.taken = true
		l.mu.Unlock()
		return nil, nil
	}
	turn := make(chan *group, 1)
	l.waiting = append(l.waiting, turn)
	l.mu.Unlock()
	select {
	case g := <-turn:
		return g, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	n := slices.Index(l.waiting, turn)
	if n >= 0 {
		l.waiting = slices.Delete(l.waiting, n, n+1)
	}
	l.mu.Unlock()
	if n < 0 {
		return <-turn, nil // it came at the same moment
	}
	return nil, ctx.Err()
}

// pass hands the turn on, with a group or nil, and says whether somebody took it.
// Without anybody there a group stays with the caller.
func (l *line) pass(g *group) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) == 0 {
		l.taken = g != nil
		return false
	}
	l.waiting[0] <- g
	l.waiting = slices.Delete(l.waiting, 0, 1)
	return true
}

// write runs fn as a part of a group and returns when it is decided.
func (db *DB) write(ctx context.Context, fn func(Tx) error) error {
	g, err := db.line.wait(ctx)
	if err != nil {
		return fmt.Errorf("store: write of %s: %w", db.name, err)
	}
	if g == nil {
		if g, err = db.begin(ctx); err != nil {
			db.line.pass(nil)
			return err
		}
	}
	err = db.part(ctx, g, fn)
	// fn may have failed because of what an earlier part of the group did, and that
	// is true only when the group is committed.
	<-g.done
	if g.err != nil {
		return g.err
	}
	return err
}

// begin begins a group. ctx counts until then; afterwards the group is not the
// caller's alone.
func (db *DB) begin(ctx context.Context) (*group, error) {
	life, end := context.WithCancel(context.Background())
	stop := context.AfterFunc(ctx, end)
	t, err := db.writer.BeginTx(life, db.options(sql.LevelSerializable, false))
	if !stop() {
		if err == nil {
			t.Rollback()
		}
		err = ctx.Err()
	}
	if err != nil {
		end()
		return nil, fmt.Errorf("store: %s: begin: %w", db.name, err)
	}
	g := &group{t: t, end: end, life: life, statements: &used{known: db.written}, done: make(chan struct{})}
	if !db.dialect.remote {
		g.life = context.Background() // SQLite waits for nobody once it has begun; its driver starts a goroutine for each statement that may be cancelled
	}
	return g, nil
}

// part runs fn inside g and settles what becomes of g, also when fn panics. The
// first part needs no savepoint: when it fails, there is nothing else to undo.
func (db *DB) part(ctx context.Context, g *group, fn func(Tx) error) (err error) {
	defer func() { db.settle(g) }()
	first := g.parts == 0
	if ctx.Err() != nil {
		err := fmt.Errorf("store: write of %s: %w", db.name, ctx.Err())
		if first {
			g.broken = err
		}
		return err
	}
	g.parts++
	if !first {
		if g.broken = g.exec("SAVEPOINT part"); g.broken != nil {
			return g.broken
		}
	}
	stop := func() bool { return true }
	if db.dialect.remote { // a caller who goes away does not wait for a server that does not answer; others begin again
		stop = context.AfterFunc(ctx, g.end)
	}
	p := &part{}
	err = errEnded // until fn returns
	defer func() {
		p.over = true
		switch {
		case !stop():
			g.broken = ctx.Err()
		case err == nil && !first:
			g.broken = g.exec("RELEASE SAVEPOINT part")
		case err == nil:
		case first || db.dialect.conflict(err): // a savepoint does not bring back what others changed
			g.broken = err
		default:
			g.broken = errors.Join(g.exec("ROLLBACK TO SAVEPOINT part"), g.exec("RELEASE SAVEPOINT part"))
		}
	}()
	if err = fn(tx{t: g.t, s: g.statements, part: p, life: g.life}); err == nil && p.failed != nil {
		err = p.failed // PostgreSQL commits nothing after it, SQLite perhaps a half
	}
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("store: write of %s: %w", db.name, ctx.Err())
	}
	return err
}

func (g *group) exec(query string) error {
	_, err := tx{t: g.t, s: g.statements, part: &part{}, life: g.life}.Exec(g.life, query)
	return err
}

// settle undoes g when it is broken, hands it to the next in line, or commits it.
func (db *DB) settle(g *group) {
	if g.broken == nil && g.parts < maxParts && db.line.pass(g) {
		return
	}
	if g.broken == nil {
		g.err = errEnded // until the commit
	} else {
		g.err = db.blame(g)
	}
	defer func() { // also when a hook panics
		g.t.Rollback() // does nothing after Commit
		g.end()
		close(g.done)
		g.statements.end(context.Background())
		db.line.pass(nil)
	}()
	if g.broken == nil {
		db.commit(g)
	}
}

// blame is the error of all parts of a broken group.
func (db *DB) blame(g *group) error {
	if g.parts > 1 && !db.dialect.conflict(g.broken) {
		return fmt.Errorf("%w: %w", errOther, g.broken)
	}
	return g.broken
}

func (db *DB) commit(g *group) {
	if db.hook != nil {
		db.hook(durable.Moment("before commit " + db.name))
	}
	limit := time.AfterFunc(commitLimit, g.end)
	g.err = g.t.Commit()
	limit.Stop()
	if g.err != nil {
		g.err = fmt.Errorf("store: %s: commit: %w", db.name, g.err)
		return
	}
	if db.hook != nil {
		db.hook(durable.Moment("after commit " + db.name))
	}
}
