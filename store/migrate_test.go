package store_test

import (
	"errors"
	"testing"
	"testing/fstest"

	"tegata/store"
	"tegata/store/storetest"
)

// Production serves what init made: a program of another version is told so, and
// leaves the tables as they are.
func TestAsItIsChangesNoTable(t *testing.T) {
	storetest.EachDSN(t, func(t *testing.T, dsn string) {
		made, err := store.Create(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		if err := made.Migrate(t.Context(), tables); err != nil {
			t.Fatal(err)
		}
		made.Close()
		db, err := store.Open(t.Context(), dsn, store.AsItIs())
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Migrate(t.Context(), tables); err != nil {
			t.Errorf("tables of this version: %v", err)
		}
		newer := fstest.MapFS{}
		for name, file := range tables {
			newer[name] = file
		}
		for _, d := range []string{"sqlite", "postgres"} {
			newer[d+"/0002_colour.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nALTER TABLE thing ADD COLUMN colour TEXT;")}
		}
		if err := db.Migrate(t.Context(), newer); !errors.Is(err, store.ErrOutdated) {
			t.Errorf("a newer program: %v", err)
		}
		err = db.Write(t.Context(), func(tx store.Tx) error {
			_, err := tx.Exec(t.Context(), "UPDATE thing SET colour = $1", "blue")
			return err
		})
		if err == nil {
			t.Error("the column of the newer version is there")
		}
		up, err := store.Open(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer up.Close()
		if err := up.Migrate(t.Context(), newer); err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(t.Context(), tables); !errors.Is(err, store.ErrOutdated) {
			t.Errorf("an older program: %v", err)
		}
	})
}
