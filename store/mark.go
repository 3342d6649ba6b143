package store

import (
	"context"
	"errors"
	"fmt"
)

var (
	// ErrUnmarked comes from Sandbox when the database carries no mark.
	ErrUnmarked = errors.New("store: the database is marked neither sandbox nor production")
	// ErrMarked comes from Mark when the database carries the other mark.
	ErrMarked = errors.New("store: the database carries the other mark; sandbox and production never mix")
)

// Mark says once and for ever whether the database belongs to a sandbox. The
// same mark again is nothing new; the other one is ErrMarked.
func (db *DB) Mark(ctx context.Context, sandbox bool) error {
	return db.Write(ctx, func(tx Tx) error {
		if _, err := tx.Exec(ctx, "INSERT INTO store_mark (one, sandbox) VALUES (1, $1) ON CONFLICT (one) DO NOTHING", sandbox); err != nil {
			return fmt.Errorf("store: mark: %w", err)
		}
		was, err := readMark(ctx, tx)
		if err != nil {
			return err
		}
		if was != sandbox {
			return ErrMarked
		}
		return nil
	})
}

// Sandbox returns the mark, or ErrUnmarked.
func (db *DB) Sandbox(ctx context.Context) (sandbox bool, err error) {
	err = db.Read(ctx, func(tx Tx) error {
		sandbox, err = readMark(ctx, tx)
		return err
	})
	return sandbox, err
}

func readMark(ctx context.Context, tx Tx) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, "SELECT sandbox FROM store_mark WHERE one = 1").Scan(&n)
	if errors.Is(err, ErrNotFound) {
		return false, ErrUnmarked
	}
	return n == 1, err
}
