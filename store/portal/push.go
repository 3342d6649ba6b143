package portal

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"time"

	"tegata/internal/audit"
	"tegata/services/portal"
	"tegata/store"
)

// PutPush implements portal.Store.
func (s *Store) PutPush(ctx context.Context, who audit.Actor, p portal.PushSubscription) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO push (endpoint, person, holder, p256dh, auth, since_ms) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (endpoint) DO UPDATE SET person = excluded.person, holder = excluded.holder, p256dh = excluded.p256dh, auth = excluded.auth,
			since_ms = excluded.since_ms`, p.Endpoint, p.Person, p.Holder, p.P256dh, p.Auth, p.Since.UnixMilli()); err != nil {
			return err
		}
		return store.Audit(ctx, tx, p.Since, who, "push subscribed", p.Person, nil)
	})
}

// PushesOf implements portal.Store.
func (s *Store) PushesOf(ctx context.Context, holder string) (out []portal.PushSubscription, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		out = nil
		rows, err := tx.Query(ctx, `SELECT endpoint, person, holder, p256dh, auth, since_ms FROM push WHERE holder = $1 ORDER BY since_ms, endpoint`, holder)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p portal.PushSubscription
			var since int64
			if err := rows.Scan(&p.Endpoint, &p.Person, &p.Holder, &p.P256dh, &p.Auth, &since); err != nil {
				return err
			}
			p.Since = moment(since)
			out = append(out, p)
		}
		return rows.Err()
	})
	return out, err
}

// AnyPush implements portal.Store.
func (s *Store) AnyPush(ctx context.Context) (any bool, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		var n int64
		err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM push LIMIT 1) p`).Scan(&n)
		any = n > 0
		return err
	})
	return any, err
}

// DropPushes implements portal.Store.
func (s *Store) DropPushes(ctx context.Context, who audit.Actor, person string, at time.Time) error {
	return s.drop(ctx, who, person, at, `DELETE FROM push WHERE person = $1`, person)
}

// DropPush implements portal.Store.
func (s *Store) DropPush(ctx context.Context, who audit.Actor, endpoint string, at time.Time) error {
	return s.drop(ctx, who, who.ID, at, `DELETE FROM push WHERE endpoint = $1`, endpoint)
}

func (s *Store) drop(ctx context.Context, who audit.Actor, object string, at time.Time, query string, arg any) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, query, arg)
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "push ended", object, nil)
	})
}

// TakePushed implements portal.Store.
func (s *Store) TakePushed(ctx context.Context, notice, endpoint string, at time.Time) (first bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM pushed WHERE at_ms < $1`, at.Add(-24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `INSERT INTO pushed (notice, at_ms) VALUES ($1, $2) ON CONFLICT (notice) DO NOTHING`, pushed(notice, endpoint), at.UnixMilli())
		first = n == 1
		return err
	})
	return first, err
}

// DropPushed implements portal.Store.
func (s *Store) DropPushed(ctx context.Context, notice, endpoint string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM pushed WHERE notice = $1`, pushed(notice, endpoint))
		return err
	})
}

// pushed is the key of a row of the table pushed: a notice and whom it was told. An
// endpoint is a secret that no row keeps longer than its subscription, so its hash stands for it.
func pushed(notice, endpoint string) string {
	sum := sha256.Sum256([]byte(endpoint))
	return notice + " " + base64.RawURLEncoding.EncodeToString(sum[:])
}
