package verifier

import (
	"context"

	"tegata/store"
	"tegata/verifier/gateway"
)

// Document implements gateway.Store.
func (s *Store) Document(ctx context.Context, id string) (content []byte, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT content FROM request_document WHERE request = $1", id).Scan(&content)
	})
	return content, ours(err)
}

// Signed implements gateway.Store.
func (s *Store) Signed(ctx context.Context, id string) (signed gateway.Signed, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT signature, report FROM request_document WHERE request = $1 AND signature IS NOT NULL", id).
			Scan(&signed.Signature, &signed.Report)
	})
	return signed, ours(err)
}

// putDocument keeps the document of a new request, when it has one.
func putDocument(ctx context.Context, tx store.Tx, r gateway.Request) error {
	if r.Document == nil {
		return nil
	}
	_, err := tx.Exec(ctx, "INSERT INTO request_document (request, content) VALUES ($1, $2)", r.ID, r.Document)
	return err
}

// finishDocument keeps what was signed, or erases the document when nothing was.
func finishDocument(ctx context.Context, tx store.Tx, o gateway.Outcome) error {
	if o.Signed == nil {
		_, err := tx.Exec(ctx, "DELETE FROM request_document WHERE request = $1", o.Request)
		return err
	}
	n, err := tx.Exec(ctx, "UPDATE request_document SET signature = $2, report = $3 WHERE request = $1", o.Request, o.Signed.Signature, string(o.Signed.Report))
	if err == nil && n == 0 {
		return gateway.ErrNotFound
	}
	return err
}
