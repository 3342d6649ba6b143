package pay

import (
	"context"
	"strconv"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

func scanTill(row store.Row) (c pay.TillCode, err error) {
	var locked int64
	err = row.Scan(&c.Salt, &c.Hash, &c.Version, &c.Tries, &locked)
	c.LockedUntil = store.Moment(locked)
	return c, err
}

func tillCode(ctx context.Context, tx store.Tx, shop string) (pay.TillCode, error) {
	return one(ctx, tx, scanTill, `SELECT salt, hash, version, tries, locked_ms FROM till WHERE shop = $1`, shop)
}

// SetTillCode implements pay.Store.
func (s *Store) SetTillCode(ctx context.Context, at time.Time, shop string, c pay.CodeCheck) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO till (shop, salt, hash, version) VALUES ($1, $2, $3, 1)
			ON CONFLICT (shop) DO UPDATE SET salt = $2, hash = $3, version = till.version + 1, tries = 0, locked_ms = 0`, shop, c.Salt, c.Hash)
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "till code set", shop, nil)
	})
}

// TillCode implements pay.Store.
func (s *Store) TillCode(ctx context.Context, shop string) (c pay.TillCode, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		c, err = tillCode(ctx, tx, shop)
		return err
	})
	return c, err
}

// TryTillCode implements pay.Store.
func (s *Store) TryTillCode(ctx context.Context, at time.Time, shop string) (c pay.TillCode, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		kept, err := tillCode(ctx, tx, shop)
		if err != nil {
			return err
		}
		if c, err = kept.Count(at); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE till SET tries = $1, locked_ms = $2 WHERE shop = $3`, c.Tries, store.Millis(c.LockedUntil), shop); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "till code tried", shop, map[string]string{"try": strconv.FormatInt(c.Tries, 10)})
	})
	return c, err
}

// TillCodeRight implements pay.Store.
func (s *Store) TillCodeRight(ctx context.Context, at time.Time, shop string, version int64) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE till SET tries = 0, locked_ms = 0 WHERE shop = $1 AND version = $2`, shop, version)
		if err != nil {
			return err
		}
		if n == 0 {
			return pay.ErrMoved
		}
		return store.Audit(ctx, tx, at, system, "till signed in", shop, nil)
	})
}
