package verifier

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/oidc"
)

// PutManaged implements oidc.Developers.
func (o OIDC) PutManaged(ctx context.Context, who audit.Actor, m oidc.Managed) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error { return putManaged(ctx, tx, who, m) })
}

func putManaged(ctx context.Context, tx store.Tx, who audit.Actor, m oidc.Managed) error {
	_, err := tx.Exec(ctx, `INSERT INTO oidc_managed (client, token, contact, at_ms) VALUES ($1, $2, $3, $4)
		ON CONFLICT (client) DO UPDATE SET token = excluded.token, contact = excluded.contact`,
		m.Client, m.Token[:], m.Contact, m.At.UnixMilli())
	if err != nil {
		return err
	}
	return store.Audit(ctx, tx, m.At, who, "client managed", m.Client, nil)
}

// SetContact implements oidc.Developers.
func (o OIDC) SetContact(ctx context.Context, who audit.Actor, at time.Time, client, contact string) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error { return setContact(ctx, tx, who, at, client, contact) })
}

func setContact(ctx context.Context, tx store.Tx, who audit.Actor, at time.Time, client, contact string) error {
	n, err := tx.Exec(ctx, "UPDATE oidc_managed SET contact = $1 WHERE client = $2 AND contact <> $1", contact, client)
	if err != nil || n == 0 {
		return err
	}
	return store.Audit(ctx, tx, at, who, "client contact changed", client, nil)
}

// Managed implements oidc.Developers.
func (o OIDC) Managed(ctx context.Context, client string) (m oidc.Managed, err error) {
	if !storable(client) {
		return m, oidc.ErrNotFound
	}
	var token []byte
	var at int64
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT token, contact, at_ms FROM oidc_managed WHERE client = $1", client).Scan(&token, &m.Contact, &at)
	})
	m.Client, m.At = client, time.UnixMilli(at).UTC()
	copy(m.Token[:], token)
	return m, oidcError(err)
}

// RemoveClient implements oidc.Developers.
func (o OIDC) RemoveClient(ctx context.Context, who audit.Actor, at time.Time, client string) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		if err := endStanding(ctx, tx, who, at, client); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := dropManaged(ctx, tx, client); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, who, "client no longer managed", client, nil)
	})
}

func dropManaged(ctx context.Context, tx store.Tx, client string) error {
	for _, q := range []string{"DELETE FROM oidc_managed WHERE client = $1", "DELETE FROM oidc_traffic WHERE client = $1",
		"DELETE FROM oidc_application WHERE client = $1", "DELETE FROM party_logo WHERE party = $1"} {
		if _, err := tx.Exec(ctx, q, client); err != nil {
			return err
		}
	}
	return nil
}

// NoteTraffic implements oidc.Developers.
func (o OIDC) NoteTraffic(ctx context.Context, t oidc.Traffic, keep int) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO oidc_traffic (client, endpoint, status, error, cause, request, at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.Client, t.Endpoint, int64(t.Status), t.Error, t.Cause, t.Request, t.At.UnixMilli())
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM oidc_traffic WHERE client = $1 AND seq <=
			(SELECT seq FROM oidc_traffic WHERE client = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)`, t.Client, int64(keep))
		return err
	})
}

// TrafficOf implements oidc.Developers.
func (o OIDC) TrafficOf(ctx context.Context, client string) (all []oidc.Traffic, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT endpoint, status, error, cause, request, at_ms FROM oidc_traffic WHERE client = $1 ORDER BY seq DESC`, client)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t := oidc.Traffic{Client: client}
			var status, at int64
			if err := rows.Scan(&t.Endpoint, &status, &t.Error, &t.Cause, &t.Request, &at); err != nil {
				return err
			}
			t.Status, t.At = int(status), time.UnixMilli(at).UTC()
			all = append(all, t)
		}
		return rows.Err()
	})
	return all, err
}
