package verifier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/verifier/oidc"
)

// PutGrant implements oidc.Store.
func (o OIDC) PutGrant(ctx context.Context, who audit.Actor, g oidc.Grant, code [32]byte) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `INSERT INTO oidc_grant (id, client, subject, session, sid, content, begun_ms, until_ms, person, given, used_ms)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $7) ON CONFLICT (id) DO NOTHING`,
			g.ID, g.Client, g.Subject, g.Session, g.SID, g.Content, g.Begun.UnixMilli(), g.Until.UnixMilli(), g.Person, g.Given)
		if err != nil {
			return err
		}
		if n == 0 {
			return oidc.ErrUsed
		}
		if code != ([32]byte{}) {
			if err := putHandle(ctx, tx, code, "code", g.ID, g.Until.UnixMilli()); err != nil {
				return err
			}
		}
		return store.Audit(ctx, tx, g.Begun, who, "grant given", g.ID, map[string]string{"client": g.Client})
	})
}

const selectGrant = `SELECT id, client, subject, session, sid, content, code_used, ended, why, begun_ms, until_ms, person, given, used_ms, ended_ms FROM oidc_grant WHERE `

func scanGrant(row store.Row) (g oidc.Grant, err error) {
	var codeUsed, ended, begun, until, used, endedAt int64
	err = row.Scan(&g.ID, &g.Client, &g.Subject, &g.Session, &g.SID, &g.Content, &codeUsed, &ended, &g.Why, &begun, &until, &g.Person, &g.Given, &used, &endedAt)
	g.CodeUsed, g.Ended = codeUsed != 0, ended != 0
	g.Begun, g.Until, g.Used = time.UnixMilli(begun).UTC(), time.UnixMilli(until).UTC(), time.UnixMilli(used).UTC()
	if endedAt != 0 {
		g.EndedAt = time.UnixMilli(endedAt).UTC()
	}
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
func (o OIDC) Redeem(ctx context.Context, id, content string, refresh [32]byte, at time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		var until int64
		err := tx.QueryRow(ctx, `UPDATE oidc_grant SET code_used = 1, content = $2, used_ms = $3 WHERE id = $1 AND code_used = 0 AND ended = 0
			RETURNING until_ms`, id, content, at.UnixMilli()).Scan(&until)
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
func (o OIDC) Rotate(ctx context.Context, id, content string, from, to [32]byte, at time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		var until int64
		err := tx.QueryRow(ctx, "UPDATE oidc_grant SET content = $2, used_ms = $3 WHERE id = $1 AND ended = 0 RETURNING until_ms", id, content, at.UnixMilli()).Scan(&until)
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

// NoteUse implements oidc.Store. Most uses are within the minute, and write nothing.
func (o OIDC) NoteUse(ctx context.Context, id string, at time.Time) error {
	before := at.Add(-time.Minute).UnixMilli()
	var old int
	err := o.s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM oidc_grant WHERE id = $1 AND used_ms <= $2", id, before).Scan(&old)
	})
	if err != nil || old == 0 {
		return err
	}
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE oidc_grant SET used_ms = $3 WHERE id = $1 AND used_ms <= $2", id, before, at.UnixMilli())
		return err
	})
}

// EndGrant implements oidc.Store.
func (o OIDC) EndGrant(ctx context.Context, who audit.Actor, id, why string, notice *oidc.Notice, at time.Time) error {
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		_, err := endGrant(ctx, tx, who, id, why, notice, at)
		return err
	})
}

func endGrant(ctx context.Context, tx store.Tx, who audit.Actor, id, why string, notice *oidc.Notice, at time.Time) (ended bool, err error) {
	n, err := tx.Exec(ctx, "UPDATE oidc_grant SET ended = 1, why = $2, content = '', ended_ms = $3 WHERE id = $1 AND ended = 0", id, why, at.UnixMilli())
	if err != nil || n == 0 {
		return false, err
	}
	if _, err := tx.Exec(ctx, "DELETE FROM oidc_token WHERE grant_id = $1", id); err != nil {
		return false, err
	}
	if notice != nil {
		if err := putNotice(ctx, tx, *notice); err != nil {
			return false, err
		}
	}
	return true, store.Audit(ctx, tx, at, who, "grant ended", id, map[string]string{"why": why})
}

// EndGrantsOf implements oidc.Store.
func (o OIDC) EndGrantsOf(ctx context.Context, who audit.Actor, person, client, why string, notice func(oidc.Grant) *oidc.Notice, use ceremony.Use) error {
	at := time.Unix(use.At, 0)
	return o.s.db.Write(ctx, func(tx store.Tx) error {
		grants, err := grants(ctx, tx, "person = $1 AND client = $2 AND ended = 0", person, client)
		if err != nil {
			return err
		}
		some := false
		for _, g := range grants {
			ended, err := endGrant(ctx, tx, who, g.ID, why, notice(g), at)
			if err != nil {
				return err
			}
			some = some || ended
		}
		if !some {
			return nil
		}
		return putEnd(ctx, tx, person, use)
	})
}

// putEnd puts a use that no certificate made into a person's history, which is kept by
// certificate: beside those of the latest one.
func putEnd(ctx context.Context, tx store.Tx, person string, use ceremony.Use) error {
	details, err := json.Marshal(use)
	if err != nil {
		return fmt.Errorf("store/verifier: use: %w", err)
	}
	var certificate []byte
	err = tx.QueryRow(ctx, "SELECT certificate FROM holder WHERE person = $1 ORDER BY asked_at_ms DESC, certificate LIMIT 1", person).Scan(&certificate)
	if err != nil {
		return fmt.Errorf("store/verifier: the history of %s: %w", person, err)
	}
	_, err = tx.Exec(ctx, "INSERT INTO holder_use (certificate, at_ms, request, details, receipt) VALUES ($1, $2, $3, $4, '')",
		certificate, use.At*1000, "end "+ceremony.NewID(), string(details))
	return err
}

// GrantsOf implements oidc.Store.
func (o OIDC) GrantsOf(ctx context.Context, person string, at time.Time) (all []oidc.Grant, err error) {
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = grants(ctx, tx, "person = $1 AND until_ms > $2", person, at.UnixMilli())
		return err
	})
	return all, err
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
	err = o.s.db.Read(ctx, func(tx store.Tx) (err error) {
		all, err = grants(ctx, tx, where, value)
		return err
	})
	return all, err
}

func grants(ctx context.Context, tx store.Tx, where string, values ...any) (all []oidc.Grant, err error) {
	rows, err := tx.Query(ctx, selectGrant+where, values...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		g, err := scanGrant(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, rows.Err()
}
