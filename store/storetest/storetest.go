// Package storetest gives tests a database of their own: on SQLite always, and
// on PostgreSQL when PGTEST names a server (scripts/postgres-test.sh starts
// one). A test of a party's store is written once and runs on both.
//
// # Trust
//
// PGTEST names a server on which databases may be made and dropped: never one
// that holds anything.
package storetest

import (
	"crypto/rand"
	"database/sql"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/store"
)

// Each runs body as subtests "sqlite" and, when PGTEST is set, "postgres", each
// with an empty database that has the tables of fsys (none when fsys is nil).
func Each(t *testing.T, fsys fs.FS, body func(t *testing.T, db *store.DB)) {
	t.Helper()
	EachDSN(t, func(t *testing.T, dsn string) {
		db, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		if fsys != nil {
			if err := db.Migrate(t.Context(), fsys); err != nil {
				t.Fatal(err)
			}
		}
		body(t, db)
	})
}

// EachDSN is Each for tests that open the database themselves: nothing is made
// there yet.
func EachDSN(t *testing.T, body func(t *testing.T, dsn string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { body(t, SQLite(t)) })
	if server := os.Getenv("PGTEST"); server != "" {
		t.Run("postgres", func(t *testing.T) { body(t, Postgres(t, server)) })
	}
}

// SQLite returns the DSN of a file that does not exist yet.
func SQLite(t testing.TB) string {
	return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
}

// Postgres makes an empty database on the server that server names, drops it
// when the test ends, and returns its DSN.
func Postgres(t testing.TB, server string) string {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal("PGTEST is not a URL") // not repeated: it may hold a password
	}
	name := "tegata_" + strings.ToLower(rand.Text())
	admin := func(query string) {
		db, err := sql.Open("pgx", server)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec(query); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
	admin("CREATE DATABASE " + name)
	t.Cleanup(func() { admin("DROP DATABASE " + name + " WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}
