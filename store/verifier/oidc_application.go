package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// Apply implements oidc.Applications.
func (o OIDC) Apply(ctx context.Context, who audit.Actor, a oidc.Application, m *oidc.Managed, most int) error {
	text, err := json.Marshal(a.Client)
	if err != nil {
		return fmt.Errorf("store/verifier: application %s: %w", a.Client.ID, err)
	}
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		var waiting int64
		err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM oidc_application WHERE state = $1 AND client <> $2", oidc.Applied, a.Client.ID).Scan(&waiting)
		if err != nil {
			return err
		}
		if waiting >= int64(most) {
			return oidc.ErrFull
		}
		if err := notOver(ctx, tx, a.Client.ID); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO oidc_application (client, registration, digest, state, why, at_ms, decided_ms) VALUES ($1, $2, $3, $4, '', $5, 0)
			ON CONFLICT (client) DO UPDATE SET registration = excluded.registration, digest = excluded.digest, state = excluded.state, why = '',
			at_ms = excluded.at_ms, decided_ms = 0`,
			a.Client.ID, string(text), a.Digest(), oidc.Applied, a.At.UnixMilli())
		if err != nil {
			return err
		}
		if m != nil {
			if err := putManaged(ctx, tx, who, *m); err != nil {
				return err
			}
		}
		if err := keepLogos(ctx, tx, a.Client.ID); err != nil {
			return err
		}
		return store.Audit(ctx, tx, a.At, who, "client applied for", a.Client.ID, map[string]string{"digest": a.Digest()})
	})
}

// Application implements oidc.Applications.
func (o OIDC) Application(ctx context.Context, client string) (a oidc.Application, err error) {
	if !storable(client) {
		return a, oidc.ErrNotFound
	}
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		a, err = scanApplication(tx.QueryRow(ctx, "SELECT registration, state, why, at_ms, decided_ms FROM oidc_application WHERE client = $1", client))
		return err
	})
	return a, oidcError(err)
}

func scanApplication(row store.Row) (a oidc.Application, err error) {
	var text string
	var at, decided int64
	if err := row.Scan(&text, &a.State, &a.Why, &at, &decided); err != nil {
		return a, err
	}
	a.At = time.UnixMilli(at).UTC()
	if decided != 0 {
		a.Decided = time.UnixMilli(decided).UTC()
	}
	if err := json.Unmarshal([]byte(text), &a.Client); err != nil {
		return a, fmt.Errorf("store/verifier: application: %w", err)
	}
	return a, nil
}

// Applications implements oidc.Applications.
func (o OIDC) Applications(ctx context.Context) (all []oidc.Application, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT registration, state, why, at_ms, decided_ms FROM oidc_application ORDER BY at_ms, client")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scanApplication(rows)
			if err != nil {
				return err
			}
			all = append(all, a)
		}
		return rows.Err()
	})
	return all, err
}

// Clients implements oidc.Applications.
func (o OIDC) Clients(ctx context.Context) (all []oidc.Client, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, "SELECT registration FROM oidc_client ORDER BY id")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var text string
			var c oidc.Client
			if err := rows.Scan(&text); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(text), &c); err != nil {
				return fmt.Errorf("store/verifier: client: %w", err)
			}
			all = append(all, c)
		}
		return rows.Err()
	})
	return all, err
}

// Decide implements oidc.Applications.
func (o OIDC) Decide(ctx context.Context, who audit.Actor, a oidc.Application, digest string, was *oidc.Client, party *gateway.Party) error {
	id := a.Client.ID
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE oidc_application SET state = $1, why = $2, decided_ms = $3 WHERE client = $4 AND state = $5 AND digest = $6",
			a.State, a.Why, a.Decided.UnixMilli(), id, oidc.Applied, digest)
		if err != nil {
			return err
		}
		if n == 0 {
			return oidc.ErrUsed
		}
		if err := store.Audit(ctx, tx, a.Decided, who, "client application "+a.State, id, map[string]string{"digest": digest, "why": a.Why}); err != nil {
			return err
		}
		if party == nil {
			return nil
		}
		if err := unchanged(ctx, tx, id, was); err != nil {
			return err
		}
		if err := putParty(ctx, tx, who, a.Decided, *party); err != nil {
			return err
		}
		if err := putClient(ctx, tx, who, a.Decided, a.Client); err != nil {
			return err
		}
		return keepLogos(ctx, tx, id)
	})
}

// EndClient implements oidc.Applications.
func (o OIDC) EndClient(ctx context.Context, who audit.Actor, at time.Time, client, why string) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		if err := endStanding(ctx, tx, who, at, client); err != nil {
			return oidcError(err)
		}
		_, err := tx.Exec(ctx, "UPDATE oidc_application SET state = $1, why = $2, decided_ms = $3 WHERE client = $4", oidc.Ended, why, at.UnixMilli(), client)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM party_logo WHERE party = $1", client); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, who, "client ended", client, map[string]string{"why": why})
	})
}

// PutLogo implements oidc.Applications.
func (o OIDC) PutLogo(ctx context.Context, client, id string, png []byte) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		if err := keepLogos(ctx, tx, client); err != nil { // one that was sent before, and came to nothing
			return err
		}
		_, err := tx.Exec(ctx, "INSERT INTO party_logo (party, id, png) VALUES ($1, $2, $3) ON CONFLICT (party, id) DO NOTHING", client, id, png)
		return err
	})
}

// Logo implements oidc.Applications.
func (o OIDC) Logo(ctx context.Context, client, id string) ([]byte, error) {
	picture, err := o.s.Logo(ctx, client, id)
	if errors.Is(err, gateway.ErrNotFound) {
		return nil, oidc.ErrNotFound
	}
	return picture, err
}

// Logo implements gateway.Store.
func (s *Store) Logo(ctx context.Context, party, id string) (png []byte, err error) {
	if !storable(party) {
		return nil, gateway.ErrNotFound
	}
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT png FROM party_logo WHERE party = $1 AND id = $2", party, id).Scan(&png)
	})
	return png, ours(err)
}

// keepLogos erases the pictures of a client that neither its registration nor its
// application names.
func keepLogos(ctx context.Context, tx store.Tx, client string) error {
	named := []string{"", ""}
	for i, query := range []string{"SELECT registration FROM oidc_client WHERE id = $1", "SELECT registration FROM oidc_application WHERE client = $1"} {
		var text string
		var c oidc.Client
		err := tx.QueryRow(ctx, query, client).Scan(&text)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err == nil {
			err = json.Unmarshal([]byte(text), &c)
		}
		if err != nil {
			return err
		}
		named[i] = c.Logo
	}
	_, err := tx.Exec(ctx, "DELETE FROM party_logo WHERE party = $1 AND id <> $2 AND id <> $3", client, named[0], named[1])
	return err
}

// sweepApplications erases what nobody decided in time, and what came to nothing and was
// there to be read long enough: of a client that is not registered all that is kept.
func sweepApplications(ctx context.Context, tx store.Tx, at time.Time) error {
	var over []string
	before := at.Add(-oidc.ApplicationLife).UnixMilli()
	rows, err := tx.Query(ctx, `SELECT client FROM oidc_application WHERE (state = $1 AND at_ms <= $2) OR (state <> $1 AND state <> $3 AND decided_ms <= $2)`,
		oidc.Applied, before, oidc.Approved)
	if err != nil {
		return err
	}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			rows.Close()
			return err
		}
		over = append(over, id)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range over {
		var state string
		err := tx.QueryRow(ctx, "DELETE FROM oidc_application WHERE client = $1 RETURNING state", id).Scan(&state)
		if err != nil {
			return err
		}
		var registered int64
		if err := tx.QueryRow(ctx, "SELECT COUNT(*) FROM oidc_client WHERE id = $1", id).Scan(&registered); err != nil {
			return err
		}
		if registered == 0 || state == oidc.Ended {
			if err := dropManaged(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := keepLogos(ctx, tx, id); err != nil {
			return err
		}
		if err := store.Audit(ctx, tx, at, audit.System("verifier"), "client application erased", id, map[string]string{"state": state}); err != nil {
			return err
		}
	}
	return nil
}
