package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// OIDC is the same database as the OpenID Provider sees it.
type OIDC struct{ s *Store }

var _ oidc.Store = OIDC{}

// OIDC returns the provider's view.
func (s *Store) OIDC() OIDC { return OIDC{s} }

func oidcError(err error) error {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return oidc.ErrNotFound
	case errors.Is(err, gateway.ErrUsed):
		return oidc.ErrUsed
	}
	return err
}

// Client implements oidc.Store.
func (o OIDC) Client(ctx context.Context, id string) (c oidc.Client, err error) {
	if !storable(id) {
		return c, oidc.ErrNotFound
	}
	var text string
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT registration FROM oidc_client WHERE id = $1", id).Scan(&text)
	})
	if err != nil {
		return c, oidcError(err)
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, fmt.Errorf("store/verifier: client %s: %w", id, err)
	}
	return c, nil
}

// storable tells whether a name that a stranger sent can be that of a row: PostgreSQL
// takes the question for another one as a mistake, SQLite does not.
func storable(id string) bool { return utf8.ValidString(id) && !strings.ContainsRune(id, 0) }

// PutClient implements oidc.Store.
func (o OIDC) PutClient(ctx context.Context, who audit.Actor, at time.Time, c oidc.Client) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		if err := putClient(ctx, tx, who, at, c); err != nil {
			return err
		}
		return keepLogos(ctx, tx, c.ID)
	})
}

func putClient(ctx context.Context, tx store.Tx, who audit.Actor, at time.Time, c oidc.Client) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("store/verifier: client %s: %w", c.ID, err)
	}
	_, err = tx.Exec(ctx, `INSERT INTO oidc_client (id, registration, changed_at_ms) VALUES ($1, $2, $3)
		ON CONFLICT (id) DO UPDATE SET registration = excluded.registration, changed_at_ms = excluded.changed_at_ms`,
		c.ID, string(text), at.UnixMilli())
	if err != nil {
		return err
	}
	return store.Audit(ctx, tx, at, who, "client registered", c.ID, map[string]string{"profile": string(c.Profile)})
}

// PutLogin implements oidc.Store.
func (o OIDC) PutLogin(ctx context.Context, l oidc.Login, at time.Time) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("store/verifier: login: %w", err)
	}
	var browser []byte
	if l.Browser != ([32]byte{}) {
		browser = l.Browser[:]
	}
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO oidc_login (id, browser, content, at_ms, until_ms) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (id) DO UPDATE SET browser = excluded.browser, content = excluded.content, until_ms = excluded.until_ms`,
			l.ID, browser, string(text), at.UnixMilli(), l.Until.UnixMilli())
		if err != nil || l.Pushed == ([32]byte{}) {
			return err
		}
		return putHandle(ctx, tx, l.Pushed, "pushed", l.ID, l.Until.UnixMilli())
	})
}

func putHandle(ctx context.Context, tx store.Tx, hash [32]byte, kind, whose string, untilMS int64) error {
	n, err := tx.Exec(ctx, "INSERT INTO oidc_handle (hash, kind, whose, latest, until_ms) VALUES ($1, $2, $3, 1, $4) ON CONFLICT (hash) DO NOTHING",
		hash, kind, whose, untilMS)
	if err == nil && n == 0 {
		return oidc.ErrUsed
	}
	return err
}

const selectLogin = "SELECT id, browser, content, claimed, until_ms FROM oidc_login WHERE "

func scanLogin(row store.Row) (l oidc.Login, err error) {
	var browser []byte
	var content string
	var claimed, until int64
	if err := row.Scan(&l.ID, &browser, &content, &claimed, &until); err != nil {
		return l, err
	}
	if err := json.Unmarshal([]byte(content), &l); err != nil {
		return l, fmt.Errorf("store/verifier: login: %w", err)
	}
	copy(l.Browser[:], browser)
	l.Claimed, l.Until = claimed != 0, time.UnixMilli(until).UTC()
	return l, nil
}

// Login implements oidc.Store.
func (o OIDC) Login(ctx context.Context, id string, at time.Time) (l oidc.Login, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		l, err = scanLogin(tx.QueryRow(ctx, selectLogin+"id = $1 AND until_ms > $2", id, at.UnixMilli()))
		return err
	})
	return l, oidcError(err)
}

// LoginsOf implements oidc.Store.
func (o OIDC) LoginsOf(ctx context.Context, browser [32]byte, at time.Time) (all []oidc.Login, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectLogin+"browser = $1 AND until_ms > $2 ORDER BY at_ms DESC, id LIMIT 8", browser, at.UnixMilli())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			l, err := scanLogin(rows)
			if err != nil {
				return err
			}
			all = append(all, l)
		}
		return rows.Err()
	})
	return all, err
}

// TakePushed implements oidc.Store.
func (o OIDC) TakePushed(ctx context.Context, pushed [32]byte, at time.Time) (l oidc.Login, err error) {
	err = o.s.db.Write(ctx, func(tx store.Tx) (err error) {
		var id string
		err = tx.QueryRow(ctx, "DELETE FROM oidc_handle WHERE hash = $1 AND kind = 'pushed' RETURNING whose", pushed).Scan(&id)
		if err != nil {
			return err
		}
		l, err = scanLogin(tx.QueryRow(ctx, selectLogin+"id = $1 AND until_ms > $2", id, at.UnixMilli()))
		return err
	})
	return l, oidcError(err)
}

// ClaimLogin implements oidc.Store.
func (o OIDC) ClaimLogin(ctx context.Context, id string) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE oidc_login SET claimed = 1 WHERE id = $1 AND claimed = 0", id)
		if err == nil && n == 0 {
			return oidc.ErrUsed
		}
		return err
	})
}

// PutToken implements oidc.Store.
func (o OIDC) PutToken(ctx context.Context, t oidc.Token) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO oidc_token (hash, grant_id, content, until_ms) VALUES ($1, $2, $3, $4)
			ON CONFLICT (hash) DO UPDATE SET content = excluded.content`, t.Hash, t.Grant, t.Content, t.Until.UnixMilli())
		return err
	})
}

// Token implements oidc.Store.
func (o OIDC) Token(ctx context.Context, token [32]byte, at time.Time) (t oidc.Token, err error) {
	var until int64
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT grant_id, content, until_ms FROM oidc_token WHERE hash = $1 AND until_ms > $2", token, at.UnixMilli()).
			Scan(&t.Grant, &t.Content, &until)
	})
	t.Hash, t.Until = token, time.UnixMilli(until).UTC()
	return t, oidcError(err)
}

// JTI implements oidc.Store.
func (o OIDC) JTI(ctx context.Context, id string, until time.Time) error {
	return oidcError(o.s.Once(ctx, "client jti", id, until))
}

// DueNotices implements oidc.Store.
func (o OIDC) DueNotices(ctx context.Context, at time.Time, limit int) (all []oidc.Notice, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT id, client, sid, sub, tries, due_ms, until_ms FROM oidc_notice
			WHERE due_ms <= $1 ORDER BY due_ms, id LIMIT $2`, at.UnixMilli(), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var n oidc.Notice
			var due, until int64
			if err := rows.Scan(&n.ID, &n.Client, &n.SID, &n.Sub, &n.Tries, &due, &until); err != nil {
				return err
			}
			n.Due, n.Until = time.UnixMilli(due).UTC(), time.UnixMilli(until).UTC()
			all = append(all, n)
		}
		return rows.Err()
	})
	return all, err
}

// PutNotice implements oidc.Store.
func (o OIDC) PutNotice(ctx context.Context, n oidc.Notice) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error { return putNotice(ctx, tx, n) })
}

func putNotice(ctx context.Context, tx store.Tx, n oidc.Notice) error {
	_, err := tx.Exec(ctx, `INSERT INTO oidc_notice (id, client, sid, sub, tries, due_ms, until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (id) DO UPDATE SET tries = excluded.tries, due_ms = excluded.due_ms`,
		n.ID, n.Client, n.SID, n.Sub, n.Tries, n.Due.UnixMilli(), n.Until.UnixMilli())
	return err
}

// DropNotice implements oidc.Store.
func (o OIDC) DropNotice(ctx context.Context, id string) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM oidc_notice WHERE id = $1", id)
		return err
	})
}

// SweepOIDC implements oidc.Store.
func (o OIDC) SweepOIDC(ctx context.Context, at time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		for _, table := range []string{"oidc_login", "oidc_grant", "oidc_handle", "oidc_token", "oidc_notice", "oidc_sign_transaction"} {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table+" WHERE until_ms <= $1", at.UnixMilli()); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, "DELETE FROM oidc_traffic WHERE at_ms <= $1", at.Add(-oidc.TrafficLife).UnixMilli()); err != nil {
			return err
		}
		return sweepApplications(ctx, tx, at)
	})
}
