package verifier

import (
	"context"

	"tegata/store"
	"tegata/verifier/tsa"
)

var _ tsa.Store = (*Store)(nil)

// RecordStamp implements tsa.Store.
func (s *Store) RecordStamp(ctx context.Context, stamp tsa.Stamp) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		var latest int64
		if err := tx.QueryRow(ctx, "SELECT COALESCE(MAX(at_s), 0) FROM time_stamp").Scan(&latest); err != nil {
			return err
		}
		if latest > stamp.At.Unix() {
			return tsa.ErrClockBack
		}
		n, err := tx.Exec(ctx, "INSERT INTO time_stamp (serial, at_s) VALUES ($1, $2) ON CONFLICT (serial) DO NOTHING", stamp.Serial[:], stamp.At.Unix())
		if err == nil && n == 0 {
			return tsa.ErrSerialUsed
		}
		return err
	})
}
