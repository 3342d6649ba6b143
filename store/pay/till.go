package pay

import (
	"context"
	"errors"
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
		if _, err := tx.Exec(ctx, `DELETE FROM till_device WHERE shop = $1`, shop); err != nil {
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

// UnlockTill implements pay.Store.
func (s *Store) UnlockTill(ctx context.Context, at time.Time, shop string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		forgotten := int64(0)
		for _, forget := range []string{
			`UPDATE till SET tries = 0, locked_ms = 0 WHERE shop = $1 AND tries > 0`,
			`UPDATE till_device SET tries = 0, locked_ms = 0 WHERE shop = $1 AND tries > 0`,
		} {
			n, err := tx.Exec(ctx, forget, shop)
			if err != nil {
				return err
			}
			forgotten += n
		}
		if forgotten == 0 {
			return nil
		}
		return store.Audit(ctx, tx, at, system, "till unlocked", shop, nil)
	})
}

// ofDevice has a code's count be the one of a browser that is known there.
func ofDevice(ctx context.Context, tx store.Tx, shop, device string, c pay.TillCode) (pay.TillCode, error) {
	own, err := one(ctx, tx, func(row store.Row) (own pay.TillCode, err error) {
		var locked int64
		err = row.Scan(&own.Tries, &locked)
		own.LockedUntil = store.Moment(locked)
		return own, err
	}, `SELECT tries, locked_ms FROM till_device WHERE device = $1 AND shop = $2`, device, shop)
	if errors.Is(err, pay.ErrNotFound) {
		return c, nil
	}
	c.Tries, c.LockedUntil, c.Device = own.Tries, own.LockedUntil, true
	return c, err
}

// TryTillCode implements pay.Store.
func (s *Store) TryTillCode(ctx context.Context, at time.Time, shop, device string) (c pay.TillCode, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		kept, err := tillCode(ctx, tx, shop)
		if err != nil {
			return err
		}
		if kept, err = ofDevice(ctx, tx, shop, device, kept); err != nil {
			return err
		}
		if c, err = kept.Count(at); err != nil {
			return err
		}
		count, of, by := `UPDATE till SET tries = $1, locked_ms = $2 WHERE shop = $3`, shop, "anybody"
		if c.Device {
			count, of, by = `UPDATE till_device SET tries = $1, locked_ms = $2 WHERE device = $3`, device, "known"
		}
		if _, err := tx.Exec(ctx, count, c.Tries, store.Millis(c.LockedUntil), of); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "till code tried", shop, map[string]string{"try": strconv.FormatInt(c.Tries, 10), "by": by})
	})
	return c, err
}

// maxDevices bounds the browsers that are known at a till; the one that was not signed in
// for longest is forgotten.
const maxDevices = 50

// TillCodeRight implements pay.Store.
func (s *Store) TillCodeRight(ctx context.Context, at time.Time, shop string, version int64, device string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		kept, err := tillCode(ctx, tx, shop)
		if err != nil {
			return err
		}
		if kept.Version != version {
			return pay.ErrMoved
		}
		n, err := tx.Exec(ctx, `UPDATE till_device SET tries = 0, locked_ms = 0, seen_ms = $1 WHERE device = $2 AND shop = $3`, store.Millis(at), device, shop)
		if err != nil {
			return err
		}
		if n == 0 {
			if err := newDevice(ctx, tx, at, shop, device); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, at, system, "till signed in", shop, nil)
	})
}

// newDevice takes the common count back, and knows the browser from now on.
func newDevice(ctx context.Context, tx store.Tx, at time.Time, shop, device string) error {
	if _, err := tx.Exec(ctx, `UPDATE till SET tries = 0, locked_ms = 0 WHERE shop = $1`, shop); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO till_device (device, shop, seen_ms) VALUES ($1, $2, $3)`, device, shop, store.Millis(at)); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM till_device WHERE shop = $1 AND device <> $2 AND device NOT IN
		(SELECT device FROM till_device WHERE shop = $1 AND device <> $2 ORDER BY seen_ms DESC LIMIT $3)`, shop, device, maxDevices-1)
	return err
}
