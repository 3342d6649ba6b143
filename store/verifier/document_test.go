package verifier_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"tegata/store"
	"tegata/store/storetest"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
)

// A request that is under way when the verifier is updated keeps its document.
func TestADocumentOutlivesTheUpdateToSeveral(t *testing.T) {
	before := fstest.MapFS{}
	err := fs.WalkDir(verifier.Schema, ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path[strings.LastIndex(path, "/")+1:] >= "0012" { // that update and those after it
			return err
		}
		data, err := fs.ReadFile(verifier.Schema, path)
		before[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, before, func(t *testing.T, db *store.DB) {
		ctx, s := t.Context(), verifier.New(db)
		err := db.Write(ctx, func(tx store.Tx) error {
			_, err := tx.Exec(ctx, "INSERT INTO request_document (request, content, signature, report) VALUES ('a', $1, $2, '{}')", []byte("contract"), []byte("signature"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Migrate(ctx, verifier.Schema); err != nil {
			t.Fatal(err)
		}
		if content, err := s.Document(ctx, "a", 1); err != nil || string(content) != "contract" {
			t.Errorf("%q, %v", content, err)
		}
		if signed, err := s.Signed(ctx, "a"); err != nil || len(signed) != 1 || string(signed[0].Signature) != "signature" {
			t.Errorf("%v, %v", signed, err)
		}
		if _, err := s.Document(ctx, "a", 2); !errors.Is(err, gateway.ErrNotFound) {
			t.Errorf("a second one: %v", err)
		}
	})
}
