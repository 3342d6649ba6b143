package carrier

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"tegata/services/carrier"
	"tegata/store"
)

// readSIMs reads profiles by a clause of SQL of our own.
func readSIMs(ctx context.Context, tx store.Tx, clause string, args ...any) (all []carrier.SIM, err error) {
	rows, err := tx.Query(ctx, `SELECT iccid, line, origin, certificate, state, made_ms, installed_ms, dead_ms FROM sim `+clause, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m carrier.SIM
		var state string
		var made, installed, dead int64
		if err := rows.Scan(&m.ICCID, &m.Line, &m.Origin, &m.Certificate, &state, &made, &installed, &dead); err != nil {
			return nil, err
		}
		m.State, m.MadeAt, m.InstalledAt, m.DeadAt = carrier.SIMState(state), store.Moment(made), store.Moment(installed), store.Moment(dead)
		all = append(all, m)
	}
	return all, rows.Err()
}

// issue makes a line's profile, which has to have none that is not dead, and greets it.
func issue(ctx context.Context, tx store.Tx, at time.Time, line, origin, certificate string) error {
	n, err := store.Next(ctx, tx, "iccid")
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO sim (iccid, line, origin, certificate, state, made_ms) VALUES ($1, $2, $3, $4, $5, $6)`,
		iccid(n), line, origin, certificate, carrier.Ready, at.UnixMilli()); err != nil {
		return err
	}
	return note(ctx, tx, at, line, "welcome", "")
}

// iccid is a number of Recommendation ITU-T E.118: 89, the country code 999, which no country
// has, and a check digit by Luhn's formula.
func iccid(n int64) string {
	s := fmt.Sprintf("89999%013d", n)
	sum := 0
	for i := range s {
		d := int(s[len(s)-1-i] - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return s + string(rune('0'+(10-sum%10)%10))
}

// number is a telephone number: no area after the first 0A0 begins with 0, so that it is
// nobody's.
func number(n int64, voice bool) (string, error) {
	if n >= 10_000_000 {
		return "", errors.New("store: the carrier has no number left")
	}
	first := "020"
	if voice {
		first = "070"
	}
	return fmt.Sprintf("%s-0%03d-%04d", first, n/10_000, n%10_000), nil
}

// kill ends a line's profile.
func kill(ctx context.Context, tx store.Tx, at time.Time, line string) error {
	_, err := tx.Exec(ctx, `UPDATE sim SET state = 'dead', dead_ms = $1 WHERE line = $2 AND state <> 'dead'`, at.UnixMilli(), line)
	return err
}

// note sends a message to a line's SIM.
func note(ctx context.Context, tx store.Tx, at time.Time, line, kind, change string) error {
	n, err := store.Next(ctx, tx, "message")
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO message (n, iccid, at_ms, kind, change) SELECT $1, iccid, $2, $3, $4 FROM sim WHERE line = $5 AND state <> 'dead'`,
		n, at.UnixMilli(), kind, change, line)
	return err
}

// Install implements carrier.Store.
func (s *Store) Install(ctx context.Context, c carrier.Change, sim string, phone carrier.Token) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		l, err := one(ctx, tx, c.Sub, c.Line)
		switch {
		case err != nil:
			return err
		case l.SIM.ICCID == "":
			return carrier.ErrNotFound
		case l.SIM.ICCID != sim:
			return carrier.ErrMoved
		case l.SIM.Certificate != c.Record.Certificate:
			return carrier.ErrBound
		}
		n, err := tx.Exec(ctx, `UPDATE sim SET state = 'installed', phone = $1, installed_ms = $2 WHERE iccid = $3 AND state = 'ready'`, phone[:], c.AskedAt.UnixMilli(), sim)
		if err != nil {
			return err
		}
		if n == 0 {
			var there []byte
			err := tx.QueryRow(ctx, `SELECT phone FROM sim WHERE iccid = $1 AND state = 'installed'`, sim).Scan(&there)
			if err == nil && !bytes.Equal(there, phone[:]) {
				err = carrier.ErrInstalled
			}
			return missing(err, carrier.ErrMoved) // else the same again
		}
		// No mail has a link that stops it: what its place holds opens nothing.
		if n, err := keep(ctx, tx, c, carrier.TokenOf(rand.Text())); err != nil || n == 0 {
			return orMoved(err)
		}
		return store.Audit(ctx, tx, c.AskedAt, system, "profile installed", c.Line, map[string]string{"request": c.ID})
	})
}

// shown is how many messages of one SIM are shown.
const shown = 50

// Inboxes implements carrier.Store.
func (s *Store) Inboxes(ctx context.Context, phone carrier.Token) (all []carrier.Inbox, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		sims, err := readSIMs(ctx, tx, `WHERE phone = $1 ORDER BY CASE state WHEN 'dead' THEN 1 ELSE 0 END, installed_ms DESC`, phone[:])
		if err != nil {
			return err
		}
		for _, m := range sims {
			of, err := bareLines(ctx, tx, `WHERE id = $1`, m.Line)
			if err != nil {
				return err
			}
			if len(of) == 0 {
				continue // erased
			}
			box := carrier.Inbox{SIM: m, Number: of[0].Number, Plan: of[0].Plan(), Frozen: of[0].Frozen}
			if box.Messages, err = messages(ctx, tx, m); err != nil {
				return err
			}
			all = append(all, box)
		}
		return nil
	})
	return all, err
}

func messages(ctx context.Context, tx store.Tx, m carrier.SIM) ([]carrier.Message, error) {
	rows, err := tx.Query(ctx, `SELECT n, at_ms, kind, change FROM message WHERE iccid = $1 ORDER BY n DESC LIMIT $2`, m.ICCID, shown)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []carrier.Message
	for rows.Next() {
		var x carrier.Message
		var n, at int64
		if err := rows.Scan(&n, &at, &x.Kind, &x.Change.ID); err != nil {
			return nil, err
		}
		x.ID, x.At = fmt.Sprint(n), store.Moment(at)
		all = append(all, x)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	for i := range all {
		if all[i].Change.ID == "" {
			continue
		}
		changes, err := readChanges(ctx, tx, `WHERE id = $1`, all[i].Change.ID)
		if err != nil {
			return nil, err
		}
		if len(changes) > 0 {
			all[i].Change = changes[0]
		}
	}
	return all, nil
}
