package verifier

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/store"
	"tegata/verifier/oidc"
)

// PutGrant implements oidc.Store.
func (o OIDC) PutGrant(ctx context.Context, who audit.Actor, g oidc.Grant, code [32]byte) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO oidc_grant (id, client, subject, session, sid, content, begun_ms, until_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
			ON CONFLICT (id) DO NOTHING`, g.ID, g.Client, g.Subject, g.Session, g.SID, g.Content, g.Begun.UnixMilli(), g.Until.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 {
			return oidc.ErrUsed
		}
		if err := putHandle(ctx, tx, code, "code", g.ID, g.Until.UnixMilli()); err != nil {
			return err
		}
		return store.Audit(ctx, tx, g.Begun, who, "grant given", g.ID, map[string]string{"client": g.Client})
	})
}

const selectGrant = `SELECT id, client, subject, session, sid, content, code_used, ended, why, begun_ms, until_ms FROM oidc_grant WHERE `

func scanGrant(row store.Row) (g oidc.Grant, err error) {
	var used, ended, begun, until int64
	err = row.Scan(&g.ID, &g.Client, &g.Subject, &g.Session, &g.SID, &g.Content, &used, &ended, &g.Why, &begun, &until)
	g.CodeUsed, g.Ended = used != 0, ended != 0
	g.Begun, g.Until = time.UnixMilli(begun).UTC(), time.UnixMilli(until).UTC()
	return g, err
}

// Grant implements oidc.Store.
func (o OIDC) Grant(ctx context.Context, id string, at time.Time) (g oidc.Grant, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		g, err = scanGrant(tx.QueryRow(ctx, selectGrant+"id = $1 AND until_ms > $2", id, at.UnixMilli()))
		return err
	})
	return g, oidcError(err)
}

// GrantByCode implements oidc.Store.
func (o OIDC) GrantByCode(ctx context.Context, code [32]byte, at time.Time) (oidc.Grant, error) {
	g, _, err := o.byHandle(ctx, code, "code", at)
	return g, err
}

// GrantByRefresh implements oidc.Store.
func (o OIDC) GrantByRefresh(ctx context.Context, refresh [32]byte, at time.Time) (oidc.Grant, bool, error) {
	return o.byHandle(ctx, refresh, "refresh", at)
}

func (o OIDC) byHandle(ctx context.Context, hash [32]byte, kind string, at time.Time) (g oidc.Grant, latest bool, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		var id string
		var last int64
		err := tx.QueryRow(ctx, "SELECT whose, latest FROM oidc_handle WHERE hash = $1 AND kind = $2", hash, kind).Scan(&id, &last)
		if err != nil {
			return err
		}
		latest = last != 0
		g, err = scanGrant(tx.QueryRow(ctx, selectGrant+"id = $1 AND until_ms > $2", id, at.UnixMilli()))
		return err
	})
	return g, latest, oidcError(err)
}

// Redeem implements oidc.Store.
func (o OIDC) Redeem(ctx context.Context, id, content string, refresh [32]byte) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		var until int64
		err := tx.QueryRow(ctx, `UPDATE oidc_grant SET code_used = 1, content = $2 WHERE id = $1 AND code_used = 0 AND ended = 0
			RETURNING until_ms`, id, content).Scan(&until)
		if errors.Is(err, store.ErrNotFound) {
			return oidc.ErrUsed // somebody else was first, or it ended
		}
		if err != nil || refresh == ([32]byte{}) {
			return err
		}
		return putHandle(ctx, tx, refresh, "refresh", id, until)
	})
}

// Rotate implements oidc.Store.
func (o OIDC) Rotate(ctx context.Context, id, content string, from, to [32]byte) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		var until int64
		err := tx.QueryRow(ctx, "UPDATE oidc_grant SET content = $2 WHERE id = $1 AND ended = 0 RETURNING until_ms", id, content).Scan(&until)
		if errors.Is(err, store.ErrNotFound) {
			return oidc.ErrUsed
		}
		if err != nil {
			return err
		}
		keep := from == to
		n, err := tx.Exec(ctx, "UPDATE oidc_handle SET latest = $3 WHERE hash = $1 AND kind = 'refresh' AND whose = $2 AND latest = 1", from, id, keep)
		if err != nil {
			return err
		}
		if n == 0 {
			return oidc.ErrUsed
		}
		if keep {
			return nil
		}
		return putHandle(ctx, tx, to, "refresh", id, until)
	})
}

// EndGrant implements oidc.Store.
func (o OIDC) EndGrant(ctx context.Context, who audit.Actor, id, why string, notice *oidc.Notice, at time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, "UPDATE oidc_grant SET ended = 1, why = $2, content = '' WHERE id = $1 AND ended = 0", id, why)
		if err != nil || n == 0 {
			return err
		}
		if _, err := tx.Exec(ctx, "DELETE FROM oidc_token WHERE grant_id = $1", id); err != nil {
			return err
		}
		if notice != nil {
			if err := putNotice(ctx, tx, *notice); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, at, who, "grant ended", id, map[string]string{"why": why})
	})
}

// GrantsOfSession implements oidc.Store.
func (o OIDC) GrantsOfSession(ctx context.Context, session string) ([]oidc.Grant, error) {
	return o.standing(ctx, "session = $1 AND ended = 0", session)
}

// GrantsOfSID implements oidc.Store.
func (o OIDC) GrantsOfSID(ctx context.Context, sid string) ([]oidc.Grant, error) {
	return o.standing(ctx, "sid = $1 AND ended = 0", sid)
}

func (o OIDC) standing(ctx context.Context, where, value string) (all []oidc.Grant, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, selectGrant+where, value)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			g, err := scanGrant(rows)
			if err != nil {
				return err
			}
			all = append(all, g)
		}
		return rows.Err()
	})
	return all, err
}
