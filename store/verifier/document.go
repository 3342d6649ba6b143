package verifier

import (
	"context"

	"tegata/store"
	"tegata/verifier/gateway"
)

// Document implements gateway.Store.
func (s *Store) Document(ctx context.Context, id string, n int) (content []byte, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT content FROM request_document WHERE request = $1 AND place = $2", id, n).Scan(&content)
	})
	return content, ours(err)
}

// Signed implements gateway.Store.
func (s *Store) Signed(ctx context.Context, id string) (all []gateway.Signed, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT signature, report FROM request_document WHERE request = $1 AND signature IS NOT NULL ORDER BY place", id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var signed gateway.Signed
			if err := rows.Scan(&signed.Signature, &signed.Report); err != nil {
				return err
			}
			all = append(all, signed)
		}
		return rows.Err()
	})
	if err == nil && all == nil {
		err = gateway.ErrNotFound
	}
	return all, ours(err)
}

// putDocuments keeps the documents of a new request, when it has any.
func putDocuments(ctx context.Context, tx store.Tx, r gateway.Request) error {
	for i, content := range r.Documents {
		_, err := tx.Exec(ctx, "INSERT INTO request_document (request, place, content) VALUES ($1, $2, $3)", r.ID, i+1, content)
		if err != nil {
			return err
		}
	}
	return nil
}

// finishDocuments keeps what was signed, or erases the documents when nothing was.
func finishDocuments(ctx context.Context, tx store.Tx, o gateway.Outcome) error {
	if o.Signed == nil {
		_, err := tx.Exec(ctx, "DELETE FROM request_document WHERE request = $1", o.Request)
		return err
	}
	for i, signed := range o.Signed {
		n, err := tx.Exec(ctx, "UPDATE request_document SET signature = $3, report = $4 WHERE request = $1 AND place = $2",
			o.Request, i+1, signed.Signature, string(signed.Report))
		if err == nil && n == 0 {
			return gateway.ErrNotFound
		}
		if err != nil {
			return err
		}
	}
	return nil
}
