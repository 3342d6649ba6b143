// Package consent keeps guardians' consents: the rows of the table consent, which each schema
// has whose service takes them.
//
// It owns the SQL over that table; the table is the schema's, and what a minor's document
// becomes by a consent is its store's.
//
// # Trust
//
// As package store says. Of an invitation its SHA-256 is kept, and of a guardian nothing but
// the sub until they signed.
package consent

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/services/guardian"
	"tegata/store"
)

// Rows are those of one database, for a store to embed.
type Rows struct {
	DB  *store.DB
	Who audit.Actor // the service
}

var _ guardian.Store = Rows{}

// Begin begins to wait for the consent to a document.
func Begin(ctx context.Context, tx store.Tx, subject, minor string, until time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO consent (subject, minor, until_ms) VALUES ($1, $2, $3)`, subject, minor, until.UnixMilli())
	return err
}

// End ends the wait for the consent to a document: its invitation is over.
func End(ctx context.Context, tx store.Tx, subject string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE consent SET until_ms = $1 WHERE subject = $2 AND signed_ms = 0 AND until_ms > $1`, at.UnixMilli(), subject)
	return err
}

// Drop forgets consents to documents that a clause of SQL names.
func Drop(ctx context.Context, tx store.Tx, subjects string, args ...any) error {
	_, err := tx.Exec(ctx, `DELETE FROM consent WHERE subject IN (`+subjects+`)`, args...)
	return err
}

const columns = `subject, minor, link, until_ms, guardian, id, attributes, document, signature, record, signed_ms`

func read(ctx context.Context, tx store.Tx, clause string, args ...any) (all []guardian.Consent, err error) {
	rows, err := tx.Query(ctx, `SELECT `+columns+` FROM consent `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c guardian.Consent
		var link []byte
		var attributes, record string
		var until, signed int64
		if err := rows.Scan(&c.Subject, &c.Minor, &link, &until, &c.Guardian.Sub, &c.ID, &attributes, &c.Document, &c.Signature, &record, &signed); err != nil {
			return nil, err
		}
		copy(c.Link[:], link)
		c.Until = time.UnixMilli(until).UTC()
		if signed > 0 {
			c.SignedAt = time.UnixMilli(signed).UTC()
			if err := errors.Join(json.Unmarshal([]byte(attributes), &c.Guardian), json.Unmarshal([]byte(record), &c.Record)); err != nil {
				return nil, fmt.Errorf("store: consent to %s: %w", c.Subject, err)
			}
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// one reads one, or says guardian.ErrUnknown.
func one(ctx context.Context, tx store.Tx, clause string, args ...any) (guardian.Consent, error) {
	all, err := read(ctx, tx, clause, args...)
	if err == nil && len(all) == 0 {
		err = guardian.ErrUnknown
	}
	if err != nil {
		return guardian.Consent{}, err
	}
	return all[0], nil
}

func (r Rows) one(ctx context.Context, clause string, args ...any) (c guardian.Consent, err error) {
	err = r.DB.Read(ctx, func(tx store.Tx) error {
		c, err = one(ctx, tx, clause, args...)
		return err
	})
	return c, err
}

// ConsentByLink implements guardian.Store.
func (r Rows) ConsentByLink(ctx context.Context, link [32]byte) (guardian.Consent, error) {
	return r.one(ctx, `WHERE link = $1`, link[:])
}

// ConsentTo implements guardian.Store.
func (r Rows) ConsentTo(ctx context.Context, subject string) (guardian.Consent, error) {
	return r.one(ctx, `WHERE subject = $1`, subject)
}

// ConsentsBy implements guardian.Store.
func (r Rows) ConsentsBy(ctx context.Context, sub string) (all []guardian.Consent, err error) {
	err = r.DB.Read(ctx, func(tx store.Tx) error {
		all, err = read(ctx, tx, `WHERE guardian = $1 AND signed_ms > 0 ORDER BY signed_ms, subject LIMIT 100`, sub)
		return err
	})
	return all, err
}

// Invite implements guardian.Store.
func (r Rows) Invite(ctx context.Context, at time.Time, subject, minor string, link [32]byte) error {
	return r.DB.Write(ctx, func(tx store.Tx) error {
		c, err := one(ctx, tx, `WHERE subject = $1 AND minor = $2`, subject, minor)
		if err == nil {
			err = c.Open(at)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE consent SET link = $1, guardian = '' WHERE subject = $2 AND signed_ms = 0`, link[:], subject); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, r.Who, "guardian invited", subject, nil)
	})
}

// TakeInvitation implements guardian.Store.
func (r Rows) TakeInvitation(ctx context.Context, at time.Time, link [32]byte, sub string) error {
	return r.DB.Write(ctx, func(tx store.Tx) error {
		c, err := one(ctx, tx, `WHERE link = $1`, link[:])
		if err == nil {
			err = c.Open(at)
		}
		switch {
		case err != nil:
			return err
		case c.Guardian.Sub == sub:
			return nil
		case c.Guardian.Sub != "":
			return guardian.ErrTaken
		}
		if _, err := tx.Exec(ctx, `UPDATE consent SET guardian = $1 WHERE subject = $2 AND guardian = '' AND signed_ms = 0`, sub, c.Subject); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, r.Who, "invitation taken", c.Subject, map[string]string{"guardian": sub})
	})
}

// Keep keeps what a guardian signed, in the transaction in which the document goes on; false
// when it was kept before. It returns guardian.ErrSigned for another one, guardian.ErrOver,
// and guardian.ErrUnknown when the invitation is not that person's any more.
func Keep(ctx context.Context, tx store.Tx, c guardian.Consent) (fresh bool, err error) {
	was, err := one(ctx, tx, `WHERE subject = $1`, c.Subject)
	switch {
	case err != nil:
		return false, err
	case was.Signed() && was.ID == c.ID && bytes.Equal(was.Document, c.Document):
		return false, nil // the same again
	}
	if err := was.Open(c.SignedAt); err != nil {
		return false, err
	}
	attributes, err := json.Marshal(c.Guardian)
	record, lost := json.Marshal(c.Record)
	if err := cmp.Or(err, lost); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE consent SET id = $1, attributes = $2, document = $3, signature = $4, record = $5, signed_ms = $6
		WHERE subject = $7 AND link = $8 AND guardian = $9 AND signed_ms = 0`,
		c.ID, string(attributes), c.Document, c.Signature, string(record), c.SignedAt.UnixMilli(), c.Subject, c.Link[:], c.Guardian.Sub)
	if err == nil && n == 0 {
		err = guardian.ErrUnknown
	}
	return n == 1, err
}
