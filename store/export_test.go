package store

import (
	"testing"
	"time"
)

// AwaitWaiting returns when n writes stand in line.
func AwaitWaiting(t *testing.T, db *DB, n int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		db.line.mu.Lock()
		waiting := len(db.line.waiting)
		db.line.mu.Unlock()
		if waiting == n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d writes stand in line, not %d", waiting, n)
		}
	}
}
