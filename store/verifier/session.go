package verifier

import (
	"context"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/gateway"
)

func putSession(ctx context.Context, tx store.Tx, s gateway.Session) error {
	_, err := tx.Exec(ctx, "INSERT INTO live_session (id, party, authority, serial, until_ms) VALUES ($1, $2, $3, $4, $5)",
		s.ID, s.Party, s.Certificate.Authority, s.Certificate.Serial, s.Until.UnixMilli())
	return err
}

// Session implements gateway.Store.
func (s *Store) Session(ctx context.Context, id string) (one gateway.Session, err error) {
	var until int64
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT id, party, authority, serial, until_ms FROM live_session WHERE id = $1", id).
			Scan(&one.ID, &one.Party, &one.Certificate.Authority, &one.Certificate.Serial, &until)
	})
	one.Until = time.UnixMilli(until).UTC()
	return one, ours(err)
}

// Watched implements gateway.Store.
func (s *Store) Watched(ctx context.Context) (all []gateway.CertificateName, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT DISTINCT authority, serial FROM live_session")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n gateway.CertificateName
			if err := rows.Scan(&n.Authority, &n.Serial); err != nil {
				return err
			}
			all = append(all, n)
		}
		return rows.Err()
	})
	return all, err
}

// SessionsOf implements gateway.Store.
func (s *Store) SessionsOf(ctx context.Context, n gateway.CertificateName) (all []gateway.Session, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT id, party, until_ms FROM live_session WHERE authority = $1 AND serial = $2", n.Authority, n.Serial)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			one, until := gateway.Session{Certificate: n}, int64(0)
			if err := rows.Scan(&one.ID, &one.Party, &until); err != nil {
				return err
			}
			one.Until = time.UnixMilli(until).UTC()
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

// EndSession implements gateway.Store.
func (s *Store) EndSession(ctx context.Context, n gateway.Session, e gateway.Event, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		gone, err := tx.Exec(ctx, "DELETE FROM live_session WHERE id = $1", n.ID)
		if err != nil {
			return err
		}
		if gone == 0 {
			return gateway.ErrUsed
		}
		if _, err := tx.Exec(ctx, "INSERT INTO security_event (party, id, at_ms, content, until_ms) VALUES ($1, $2, $3, $4, $5)",
			n.Party, e.ID, at.UnixMilli(), e.SET, e.Until.UnixMilli()); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, audit.System("verifier"), "session ended", n.Party, map[string]string{"event": e.ID})
	})
}

// Events implements gateway.Store.
func (s *Store) Events(ctx context.Context, party string, limit int) (all []gateway.Event, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT id, content, until_ms FROM security_event WHERE party = $1 ORDER BY at_ms, id LIMIT $2", party, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e gateway.Event
			var until int64
			if err := rows.Scan(&e.ID, &e.SET, &until); err != nil {
				return err
			}
			e.Until = time.UnixMilli(until).UTC()
			all = append(all, e)
		}
		return rows.Err()
	})
	return all, err
}

// DropEvents implements gateway.Store.
func (s *Store) DropEvents(ctx context.Context, party string, ids []string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, "DELETE FROM security_event WHERE party = $1 AND id = $2", party, id); err != nil {
				return err
			}
		}
		return nil
	})
}
