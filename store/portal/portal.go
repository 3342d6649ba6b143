// Package portal keeps the portal's state: accounts, logins under way and
// sessions.
//
// It owns the tables under schema/ and the SQL over them; what they mean is
// package services/portal's.
//
// # Trust
//
// As package store says. Cookies come here as hashes only.
package portal

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tegata/internal/audit"
	"tegata/services/portal"
	"tegata/store"
)

//go:embed schema
var schema embed.FS

// Schema are the migrations, for store.DB.Migrate.
var Schema fs.FS = schema

// Store implements portal.Store.
type Store struct{ db *store.DB }

var _ portal.Store = (*Store)(nil)

// New is a Store over a database that has the tables of Schema.
func New(db *store.DB) *Store { return &Store{db} }

// PutLogin implements portal.Store.
func (s *Store) PutLogin(ctx context.Context, who audit.Actor, l portal.Login) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		// Logins that nobody finished are forgotten a day later.
		if _, err := tx.Exec(ctx, `DELETE FROM login WHERE expires_at_ms < $1`, l.BegunAt.Add(-24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO login (browser, channel, result_id, request_uri, match_number, begun_at_ms, expires_at_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			l.Browser[:], l.Channel, l.ResultID, l.RequestURI, l.Match, l.BegunAt.UnixMilli(), l.ExpiresAt.UnixMilli()); err != nil {
			return err
		}
		return store.Audit(ctx, tx, l.BegunAt, who, "login begun", "login", map[string]string{"channel": l.Channel})
	})
}

// Login implements portal.Store.
func (s *Store) Login(ctx context.Context, browser [32]byte) (l portal.Login, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		var begun, expires, finished int64
		l = portal.Login{Browser: browser}
		if err := tx.QueryRow(ctx, `SELECT channel, result_id, request_uri, match_number, begun_at_ms, expires_at_ms, finished
			FROM login WHERE browser = $1`, browser[:]).
			Scan(&l.Channel, &l.ResultID, &l.RequestURI, &l.Match, &begun, &expires, &finished); err != nil {
			return err
		}
		l.BegunAt, l.ExpiresAt, l.Finished = moment(begun), moment(expires), finished != 0
		return nil
	})
	return l, err
}

// Finish implements portal.Store.
func (s *Store) Finish(ctx context.Context, who audit.Actor, browser [32]byte, a portal.Account, n portal.Session) (first bool, err error) {
	grants, err := json.Marshal(n.Grants)
	if err != nil {
		return false, fmt.Errorf("store/portal: grants: %w", err)
	}
	err = s.db.Write(ctx, func(tx store.Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE login SET finished = 1 WHERE browser = $1 AND finished = 0`, browser[:])
		if first = changed == 1; err != nil || !first {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO account (person, name, name_as_of_ms, created_at_ms) VALUES ($1, $2, $3, $4)
			ON CONFLICT (person) DO UPDATE SET name = excluded.name, name_as_of_ms = excluded.name_as_of_ms`,
			a.Person, a.Name, a.NameAsOf.UnixMilli(), a.CreatedAt.UnixMilli()); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO session (token, person, channel, acr, begun_at_ms, ends_at_ms, holder, grants, login)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
			n.Token[:], n.Person, n.Channel, n.ACR, n.Begun.UnixMilli(), n.Ends.UnixMilli(), n.Holder, string(grants), n.Login); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE session SET ended_at_ms = begun_at_ms, grants = '', ended_why =
			(SELECT why FROM ended_login WHERE login = $2) WHERE token = $1 AND login IN (SELECT login FROM ended_login)`,
			n.Token[:], n.Login); err != nil {
			return err
		}
		return store.Audit(ctx, tx, n.Begun, who, "logged in", n.Person, map[string]string{"channel": n.Channel})
	})
	return first, err
}

// Account implements portal.Store.
func (s *Store) Account(ctx context.Context, person string) (a portal.Account, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		a, err = account(ctx, tx, person)
		return err
	})
	return a, err
}

func account(ctx context.Context, tx store.Tx, person string) (portal.Account, error) {
	var asOf, created int64
	a := portal.Account{Person: person}
	err := tx.QueryRow(ctx, `SELECT name, name_as_of_ms, created_at_ms FROM account WHERE person = $1`, person).Scan(&a.Name, &asOf, &created)
	a.NameAsOf, a.CreatedAt = moment(asOf), moment(created)
	return a, err
}

// PutSnapshot implements portal.Store.
func (s *Store) PutSnapshot(ctx context.Context, who audit.Actor, person string, n portal.Snapshot) error {
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("store/portal: snapshot: %w", err)
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE account SET snapshot = $2, snapshot_at_ms = $3 WHERE person = $1`,
			person, string(text), n.At.UnixMilli()); err != nil {
			return err
		}
		return store.Audit(ctx, tx, n.At, who, "states read", person, nil)
	})
}

// Snapshot implements portal.Store.
func (s *Store) Snapshot(ctx context.Context, person string) (n portal.Snapshot, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		var text string
		if err := tx.QueryRow(ctx, `SELECT snapshot FROM account WHERE person = $1 AND snapshot_at_ms > 0`, person).Scan(&text); err != nil {
			return err
		}
		n = portal.Snapshot{}
		return json.Unmarshal([]byte(text), &n)
	})
	return n, err
}

// Session implements portal.Store.
func (s *Store) Session(ctx context.Context, token [32]byte, at time.Time) (n portal.Session, a portal.Account, err error) {
	err = s.read(ctx, func(tx store.Tx) error {
		var begun, ends int64
		var grants string
		n = portal.Session{Token: token}
		if err := tx.QueryRow(ctx, `SELECT person, channel, acr, begun_at_ms, ends_at_ms, holder, grants, login, ended_why FROM session
			WHERE token = $1 AND (ended_at_ms = 0 OR ended_why <> '') AND ends_at_ms > $2`, token[:], at.UnixMilli()).
			Scan(&n.Person, &n.Channel, &n.ACR, &begun, &ends, &n.Holder, &grants, &n.Login, &n.Ended); err != nil {
			return err
		}
		n.Begun, n.Ends = moment(begun), moment(ends)
		if grants != "" {
			if err := json.Unmarshal([]byte(grants), &n.Grants); err != nil {
				return fmt.Errorf("store/portal: grants: %w", err)
			}
		}
		a, err = account(ctx, tx, n.Person)
		return err
	})
	return n, a, err
}

// EndSession implements portal.Store.
func (s *Store) EndSession(ctx context.Context, who audit.Actor, token [32]byte, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		changed, err := tx.Exec(ctx, `UPDATE session SET ended_at_ms = $2, ended_why = '', grants = ''
			WHERE token = $1 AND (ended_at_ms = 0 OR ended_why <> '')`, token[:], at.UnixMilli())
		if err != nil || changed == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, who, "logged out", who.ID, nil)
	})
}

// EndSessions implements portal.Store.
func (s *Store) EndSessions(ctx context.Context, who audit.Actor, ended []portal.EndedSession, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		// Whatever was not finished a day later never will be.
		if _, err := tx.Exec(ctx, `DELETE FROM ended_login WHERE at_ms < $1`, at.Add(-24*time.Hour).UnixMilli()); err != nil {
			return err
		}
		for _, e := range ended {
			changed, err := tx.Exec(ctx, `UPDATE session SET ended_at_ms = $2, ended_why = $3, grants = '' WHERE login = $1 AND ended_at_ms = 0`,
				e.ID, at.UnixMilli(), e.Why)
			if err != nil {
				return err
			}
			if changed == 0 { // logged out, or not finished yet: then it ends as it begins
				if _, err := tx.Exec(ctx, `INSERT INTO ended_login (login, why, at_ms) VALUES ($1, $2, $3) ON CONFLICT (login) DO NOTHING`,
					e.ID, e.Why, at.UnixMilli()); err != nil {
					return err
				}
				continue
			}
			if err := store.Audit(ctx, tx, at, who, "session ended", e.ID, map[string]string{"certificate": e.Why}); err != nil {
				return err
			}
		}
		return nil
	})
}

// read turns the store's word for a missing row into the portal's.
func (s *Store) read(ctx context.Context, f func(store.Tx) error) error {
	err := s.db.Read(ctx, f)
	if errors.Is(err, store.ErrNotFound) {
		return portal.ErrNotFound
	}
	return err
}

func moment(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
