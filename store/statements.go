package store

import (
	"context"
	"database/sql"
	"slices"
	"sync"
)

// statements keeps the statements of a pool prepared on its connections. Without
// it SQLite spends half of a transaction's time on reading SQL; pgx does the same
// for PostgreSQL by itself.
type statements struct {
	pool *sql.DB

	mu       sync.RWMutex // guards prepared
	prepared map[string]*sql.Stmt
}

// maxStatements bounds what is kept: the texts are constants of the packages below
// this folder, far fewer than that.
const maxStatements = 512

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, prepared: map[string]*sql.Stmt{}}
}

// find returns the prepared statement for a text, nil when there is none.
func (s *statements) find(query string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.prepared[query]
}

// prepare prepares texts for the transactions to come. It must not be called
// inside one: a pool of one connection would wait for itself. A text that does not
// prepare stays as it was, and its next use says why.
func (s *statements) prepare(ctx context.Context, queries []string) {
	for _, q := range queries {
		if !s.wants(q) {
			continue
		}
		stmt, err := s.pool.PrepareContext(ctx, q) // not under mu: those who have the connection look texts up
		if err == nil && !s.keep(q, stmt) {
			stmt.Close()
		}
	}
}

func (s *statements) wants(query string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.prepared[query] == nil && len(s.prepared) < maxStatements
}

// keep says whether stmt is the one that is kept.
func (s *statements) keep(query string, stmt *sql.Stmt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.prepared[query] != nil || len(s.prepared) >= maxStatements {
		return false
	}
	s.prepared[query] = stmt
	return true
}

// used is the statements of one transaction.
type used struct {
	known *statements          // nil: the driver prepares by itself
	bound map[string]*sql.Stmt // those of known, on the transaction's connection
	fresh []string             // texts that were not prepared yet
}

// find returns the prepared statement for a text on t's connection, or nil and
// notes the text.
func (u *used) find(ctx context.Context, t *sql.Tx, query string) *sql.Stmt {
	if u.known == nil {
		return nil
	}
	if stmt := u.bound[query]; stmt != nil {
		return stmt
	}
	if stmt := u.known.find(query); stmt != nil {
		if u.bound == nil {
			u.bound = map[string]*sql.Stmt{}
		}
		u.bound[query] = t.StmtContext(ctx, stmt)
		return u.bound[query]
	}
	if !slices.Contains(u.fresh, query) {
		u.fresh = append(u.fresh, query)
	}
	return nil
}

// end prepares what was noted, after the transaction.
func (u *used) end(ctx context.Context) {
	if len(u.fresh) > 0 {
		u.known.prepare(ctx, u.fresh)
	}
}
