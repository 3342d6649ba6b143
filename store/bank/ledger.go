package bank

import (
	"context"
	"errors"
	"time"

	"tegata/services/bank"
	"tegata/store"
)

// last is an account's last line: its number and the balance after it.
func last(ctx context.Context, tx store.Tx, account string) (seq, balance int64, err error) {
	err = tx.QueryRow(ctx, `SELECT seq, balance FROM entry WHERE account = $1 ORDER BY seq DESC LIMIT 1`, account).Scan(&seq, &balance)
	if errors.Is(err, store.ErrNotFound) {
		return 0, 0, nil
	}
	return seq, balance, err
}

// line is an entry with what makes a repeat of it change nothing.
type line struct {
	bank.Entry
	key     string
	mandate string
}

// enter writes a line below an account's last. It returns bank.ErrFunds.
func enter(ctx context.Context, tx store.Tx, account string, l line) error {
	seq, balance, err := last(ctx, tx, account)
	if err != nil {
		return err
	}
	if balance+l.Amount < 0 {
		return bank.ErrFunds
	}
	_, err = tx.Exec(ctx, `INSERT INTO entry (account, seq, at_ms, kind, amount, balance, key, mandate, about) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		account, seq+1, l.At.UnixMilli(), l.Kind, l.Amount, balance+l.Amount, l.key, l.mandate, l.About)
	return err
}

// kept is the line of a key that was entered before; false when none was.
func kept(ctx context.Context, tx store.Tx, account, key string) (amount int64, at time.Time, ok bool, err error) {
	var ms int64
	err = tx.QueryRow(ctx, `SELECT amount, at_ms FROM entry WHERE account = $1 AND key = $2`, account, key).Scan(&amount, &ms)
	if errors.Is(err, store.ErrNotFound) {
		return 0, time.Time{}, false, nil
	}
	return amount, store.Moment(ms), err == nil, err
}

// Cash implements bank.Store.
func (s *Store) Cash(ctx context.Context, at time.Time, account, key string, amount int64) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		if _, _, again, err := kept(ctx, tx, account, "cash/"+key); err != nil || again {
			return err
		}
		if _, err := one(ctx, tx, `WHERE number = $1 AND state = 'opened'`, account); err != nil {
			return err
		}
		if amount < 0 {
			if err := goesOut(ctx, tx, at, account, -amount); err != nil {
				return err
			}
		}
		kind := bank.CashIn
		if amount < 0 {
			kind = bank.CashOut
		}
		if err := enter(ctx, tx, account, line{bank.Entry{At: at, Kind: kind, Amount: amount}, "cash/" + key, ""}); err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, kind, account, nil)
	})
}

// japan is where a creditor's day begins.
var japan = time.FixedZone("JST", 9*60*60)

// midnight is when the day of a moment began.
func midnight(at time.Time) time.Time {
	day := at.In(japan)
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, japan)
}

// Take implements bank.Store.
func (s *Store) Take(ctx context.Context, at time.Time, id string, c bank.Charge) (out bank.Charge, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		m, err := mandate(ctx, tx, id)
		if err != nil {
			return err
		}
		key := "charge/" + id + "/" + c.ID
		amount, when, again, err := kept(ctx, tx, m.Account, key)
		switch {
		case err != nil:
			return err
		case again && -amount != c.Amount:
			return bank.ErrMandate
		case again: // also when the mandate is over by now: it was taken
			out = bank.Charge{ID: c.ID, Amount: c.Amount, At: when}
			return nil
		case m.State != bank.Active, !at.Before(m.Terms.ValidTo):
			return bank.ErrMandateOver
		}
		if err := limits(ctx, tx, at, m, c.Amount); err != nil {
			return err
		}
		if err := goesOut(ctx, tx, at, m.Account, c.Amount); err != nil {
			return err
		}
		if err := enter(ctx, tx, m.Account, line{bank.Entry{At: at, Kind: bank.Charged, Amount: -c.Amount, About: m.Creditor}, key, id}); err != nil {
			return err
		}
		out = bank.Charge{ID: c.ID, Amount: c.Amount, At: store.Moment(at.UnixMilli())}
		return store.Audit(ctx, tx, at, system, "charge", id, nil)
	})
	return out, err
}

// accountsOf are all accounts of the customer $1, also those that ended.
const accountsOf = `(SELECT number FROM application WHERE sub = $1 AND number <> '')`

// limits compares a charge with what its creditor took from the customer already, by whichever
// mandate and from whichever account.
func limits(ctx context.Context, tx store.Tx, at time.Time, m bank.Mandate, amount int64) error {
	taken := func(from time.Time) (n int64, err error) {
		err = tx.QueryRow(ctx, `SELECT COALESCE(SUM(-amount), 0) FROM entry WHERE account IN `+accountsOf+` AND kind = 'charge' AND about = $2 AND at_ms >= $3`,
			m.Sub, m.Creditor, from.UnixMilli()).Scan(&n)
		return n, err
	}
	today, err := taken(midnight(at))
	if err != nil {
		return err
	}
	// What was taken in the day before counts too: whoever links again has not a second first day.
	all, err := taken(m.GrantedAt.AddDate(0, 0, -1))
	switch {
	case err != nil:
		return err
	case amount > m.Terms.LimitOnce:
		return bank.ErrChargeOnce
	case at.Before(m.FirstUntil()) && all+amount > bank.FirstLimit:
		return bank.ErrChargeFirst
	case today+amount > m.Terms.LimitDay:
		return bank.ErrChargeDay
	}
	return nil
}

// Entries implements bank.Store.
func (s *Store) Entries(ctx context.Context, account string, most int) (all []bank.Entry, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		all = nil
		rows, err := tx.Query(ctx, `SELECT at_ms, kind, amount, balance, about FROM entry WHERE account = $1 ORDER BY seq DESC LIMIT $2`, account, most)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e bank.Entry
			var ms int64
			if err := rows.Scan(&ms, &e.Kind, &e.Amount, &e.Balance, &e.About); err != nil {
				return err
			}
			e.At = store.Moment(ms)
			all = append(all, e)
		}
		return rows.Err()
	})
	return all, err
}

// Balance implements bank.Store.
func (s *Store) Balance(ctx context.Context, account string) (balance int64, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		_, balance, err = last(ctx, tx, account)
		return err
	})
	return balance, err
}
