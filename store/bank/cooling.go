package bank

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tegata/services/bank"
	"tegata/services/notice"
	"tegata/store"
	"tegata/store/outbox"
)

// write posts a letter to an account's customer.
func write(ctx context.Context, tx store.Tx, at time.Time, a bank.Application, l notice.Letter) error {
	n, err := store.Next(ctx, tx, "letter")
	if err != nil {
		return err
	}
	return outbox.Put(ctx, tx, n, at, a.PostalAddress(), l)
}

// say posts a letter with a link, beside which those of earlier letters go on to serve: whoever
// finds one of them is as worried.
func say(ctx context.Context, tx store.Tx, at time.Time, a bank.Application, w bank.Word) error {
	if _, err := tx.Exec(ctx, `INSERT INTO hold_link (link, application) VALUES ($1, $2)`, w.Link[:], a.ID); err != nil {
		return err
	}
	return write(ctx, tx, at, a, w.Letter)
}

// byLink is the clause of the account of a letter's link.
const byLink = `WHERE id = (SELECT application FROM hold_link WHERE link = $1)`

// Outbox implements bank.Store.
func (s *Store) Outbox(ctx context.Context, after string, most int) ([]notice.Notice, error) {
	return outbox.After(ctx, s.db, after, most, notice.Post, bank.ErrNotFound)
}

// Open implements bank.Store.
func (s *Store) Open(ctx context.Context, at time.Time, id string, r bank.Record, until time.Time, w bank.Word) error {
	record, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx store.Tx) error {
		a, err := one(ctx, tx, `WHERE id = $1`, id)
		if err != nil {
			return err
		}
		counted, pattern := "account", "%07d"
		if a.Choices.Product == bank.Securities {
			counted, pattern = "securities", "8%06d"
		}
		n, err := store.Next(ctx, tx, counted)
		if err != nil {
			return err
		}
		changed, err := tx.Exec(ctx, `UPDATE application SET state = 'opened', record = $1, number = $2, opened_ms = $3, cool_ms = $4
			WHERE id = $5 AND state = 'reviewing'`, string(record), fmt.Sprintf(pattern, n), at.UnixMilli(), until.UnixMilli(), id)
		if err == nil && changed == 0 {
			err = bank.ErrMoved
		}
		if err != nil {
			return err
		}
		if err := say(ctx, tx, at, a, w); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "application opened", id, nil)
	})
}

// Undo implements bank.Store.
func (s *Store) Undo(ctx context.Context, at time.Time, sub string, p bank.Product, tell notice.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		a, err := ending(ctx, tx, sub, p, bank.Undone)
		switch {
		case err != nil:
			return err
		case a.State == bank.Undone:
			return nil
		case !a.Undoable(at):
			return bank.ErrCooled
		}
		_, balance, err := last(ctx, tx, a.Number)
		if err == nil && balance > 0 {
			err = enter(ctx, tx, a.Number, line{bank.Entry{At: at, Kind: bank.Returned, Amount: -balance}, "undo/" + a.ID, ""})
		}
		if err != nil {
			return err
		}
		if err := over(ctx, tx, at, a, bank.Undone); err != nil {
			return err
		}
		return write(ctx, tx, at, a, tell)
	})
}

// ByLink implements bank.Store.
func (s *Store) ByLink(ctx context.Context, link [32]byte) (a bank.Application, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		a, err = one(ctx, tx, byLink, link[:])
		return err
	})
	return a, err
}

// Hold implements bank.Store.
func (s *Store) Hold(ctx context.Context, at time.Time, link [32]byte, tell notice.Letter) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		a, err := one(ctx, tx, byLink, link[:])
		switch {
		case err != nil:
			return err
		case !a.Undoable(at):
			return bank.ErrCooled
		case a.Held():
			return nil
		}
		if _, err := tx.Exec(ctx, `UPDATE application SET held_ms = $1 WHERE id = $2 AND state = 'opened'`, at.UnixMilli(), a.ID); err != nil {
			return err
		}
		if err := write(ctx, tx, at, a, tell); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "account held", a.ID, nil)
	})
}

// Release implements bank.Store.
func (s *Store) Release(ctx context.Context, at time.Time, p bank.Paper, until time.Time, w bank.Word) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		fresh, err := keep(ctx, tx, p)
		if err != nil || !fresh {
			return err
		}
		a, err := one(ctx, tx, `WHERE id = $1 AND sub = $2`, p.Application, p.Sub)
		if err == nil && !a.Held() {
			err = bank.ErrMoved
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE application SET held_ms = 0, cool_ms = $1 WHERE id = $2 AND state = 'opened'`, until.UnixMilli(), a.ID); err != nil {
			return err
		}
		if err := say(ctx, tx, at, a, w); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "account released", a.ID, nil)
	})
}

// Cooled implements bank.Store.
func (s *Store) Cooled(ctx context.Context, at time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		const over = `state = 'opened' AND held_ms = 0 AND cool_ms > 0 AND cool_ms <= $1`
		if _, err := tx.Exec(ctx, `DELETE FROM hold_link WHERE application IN (SELECT id FROM application WHERE `+over+`)`, at.UnixMilli()); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE application SET cool_ms = 0 WHERE `+over, at.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		return store.Audit(ctx, tx, at, system, "first days over", fmt.Sprint(n), nil)
	})
}

// goesOut says whether an amount may go out of an account: not while it is held, and in its
// first days no more than so much on a day, whoever takes it. What went out of the customer's
// other accounts on that day counts too: whoever opens one anew has not a second first day.
func goesOut(ctx context.Context, tx store.Tx, at time.Time, account string, amount int64) error {
	a, err := one(ctx, tx, `WHERE number = $1`, account)
	switch {
	case err != nil:
		return err
	case a.Held():
		return bank.ErrHeld
	case !a.Undoable(at):
		return nil
	}
	var today int64
	// What is given back at a branch went to nobody else.
	err = tx.QueryRow(ctx, `SELECT COALESCE(SUM(-amount), 0) FROM entry WHERE account IN `+accountsOf+` AND amount < 0 AND kind <> $2 AND at_ms >= $3`,
		a.Sub, bank.Returned, midnight(at).UnixMilli()).Scan(&today)
	if err == nil && today+amount > bank.CoolingLimit {
		err = bank.ErrCooling
	}
	return err
}

// keep keeps a paper; false when it was kept before.
func keep(ctx context.Context, tx store.Tx, p bank.Paper) (fresh bool, err error) {
	attributes, err := json.Marshal(p.Who)
	if err != nil {
		return false, err
	}
	record, err := json.Marshal(p.Record)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO paper (id, application, kind, sub, attributes, document, signature, record, at_ms)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		p.ID, p.Application, p.Kind, p.Sub, string(attributes), p.Document, p.Signature, string(record), p.At.UnixMilli())
	return n == 1, err
}

// Papers implements bank.Store.
func (s *Store) Papers(ctx context.Context, application string) ([]bank.Paper, error) {
	return s.papers(ctx, `application = $1`, application)
}

// PapersBy implements bank.Store.
func (s *Store) PapersBy(ctx context.Context, sub string) ([]bank.Paper, error) {
	return s.papers(ctx, `sub = $1`, sub)
}

func (s *Store) papers(ctx context.Context, clause, of string) (all []bank.Paper, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT id, application, kind, sub, attributes, document, signature, record, at_ms FROM paper WHERE `+clause+` ORDER BY at_ms, id LIMIT 100`, of)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var p bank.Paper
			var kind, attributes, record string
			var at int64
			if err := rows.Scan(&p.ID, &p.Application, &kind, &p.Sub, &attributes, &p.Document, &p.Signature, &record, &at); err != nil {
				return err
			}
			if err := errors.Join(json.Unmarshal([]byte(attributes), &p.Who), json.Unmarshal([]byte(record), &p.Record)); err != nil {
				return fmt.Errorf("store: paper %s: %w", p.ID, err)
			}
			p.Kind, p.At = bank.PaperKind(kind), store.Moment(at)
			all = append(all, p)
		}
		return rows.Err()
	})
	return all, err
}
