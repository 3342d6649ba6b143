package phone

import (
	"context"
	"errors"
	"time"

	"tegata/holder/phone"
	"tegata/store"
)

// CloseAsk implements phone.Store.
func (s *Store) CloseAsk(ctx context.Context, at time.Time, id, ask string, copies []phone.Copy) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM asking WHERE phone = $1 AND id = $2`, id, ask); err != nil {
			return err
		}
		for _, c := range copies {
			_, err := tx.Exec(ctx, `INSERT INTO signed_copy (phone, id, at_ms, size, about, document, signature) VALUES ($1, $2, $3, $4, $5, $6, $7)
				ON CONFLICT (phone, id) DO UPDATE SET about = excluded.about, document = excluded.document, signature = excluded.signature`,
				id, c.ID, c.At.UnixMilli(), c.Size, c.About, c.Document, c.Signature)
			if err != nil {
				return err
			}
			if err := store.Audit(ctx, tx, at, person(id), "signed document kept", c.ID, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

// Copies implements phone.Store.
func (s *Store) Copies(ctx context.Context, id string) (all []phone.Copy, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT id, at_ms, size, about FROM signed_copy WHERE phone = $1 ORDER BY at_ms DESC, id`, id)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			c := phone.Copy{Phone: id}
			var at int64
			if err := rows.Scan(&c.ID, &at, &c.Size, &c.About); err != nil {
				return err
			}
			c.At = time.UnixMilli(at).UTC()
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}

// Copy implements phone.Store.
func (s *Store) Copy(ctx context.Context, id, which string) (c phone.Copy, err error) {
	var at int64
	err = s.db.Read(ctx, func(tx store.Tx) error {
		c = phone.Copy{ID: which, Phone: id}
		return tx.QueryRow(ctx, `SELECT at_ms, size, about, document, signature FROM signed_copy WHERE phone = $1 AND id = $2`, id, which).
			Scan(&at, &c.Size, &c.About, &c.Document, &c.Signature)
	})
	if errors.Is(err, store.ErrNotFound) {
		err = phone.ErrNotFound
	}
	c.At = time.UnixMilli(at).UTC()
	return c, err
}

// DropCopies implements phone.Store.
func (s *Store) DropCopies(ctx context.Context, at time.Time, id string, which ...string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		for _, one := range which {
			n, err := tx.Exec(ctx, `DELETE FROM signed_copy WHERE phone = $1 AND id = $2`, id, one)
			if err == nil && n > 0 {
				err = store.Audit(ctx, tx, at, person(id), "signed document erased", one, nil)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// DropAllCopies implements phone.Store.
func (s *Store) DropAllCopies(ctx context.Context, at time.Time, id string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM signed_copy WHERE phone = $1`, id); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, person(id), "signed documents erased", id, nil)
	})
}
