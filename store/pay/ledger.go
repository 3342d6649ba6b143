package pay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

func scanEntry(row store.Row) (e pay.Entry, err error) {
	var at int64
	err = row.Scan(&e.Seq, &at, &e.Kind, &e.Ref, &e.Amount, &e.Balance, &e.What)
	e.At = store.Moment(at)
	return e, err
}

// last is a ledger's last line and its balance; ErrLedger when the lines do not add up: a
// wallet whose ledger somebody changed moves no money.
func last(ctx context.Context, tx store.Tx, wallet string) (seq, balance int64, err error) {
	var lines, sum int64
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MAX(seq), 0), CAST(COALESCE(SUM(amount), 0) AS BIGINT),
		COALESCE((SELECT balance FROM entry WHERE wallet = $1 ORDER BY seq DESC LIMIT 1), 0) FROM entry WHERE wallet = $1`, wallet).Scan(&lines, &seq, &sum, &balance)
	if err == nil && (lines != seq || sum != balance) {
		err = pay.ErrLedger
	}
	return seq, balance, err
}

// enter adds a line.
func enter(ctx context.Context, tx store.Tx, wallet string, e pay.Entry) error {
	seq, balance, err := last(ctx, tx, wallet)
	if err != nil {
		return err
	}
	if balance+e.Amount < 0 {
		return pay.ErrFunds
	}
	_, err = tx.Exec(ctx, `INSERT INTO entry (wallet, seq, at_ms, kind, ref, amount, balance, what) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		wallet, seq+1, e.At.UnixMilli(), e.Kind, e.Ref, e.Amount, balance+e.Amount, e.What)
	if err != nil {
		return err
	}
	return errors.Join(tell(ctx, tx, wallet, pay.Notice{At: e.At, Kind: e.Kind, Amount: max(e.Amount, -e.Amount), What: e.What}),
		store.Audit(ctx, tx, e.At, system, "entered "+e.Kind, e.Ref, map[string]string{"wallet": wallet, "amount": strconv.FormatInt(e.Amount, 10), "balance": strconv.FormatInt(balance+e.Amount, 10)}))
}

// Entries implements pay.Store.
func (s *Store) Entries(ctx context.Context, wallet string) ([]pay.Entry, error) {
	list, err := read(ctx, s, scanEntry, `SELECT seq, at_ms, kind, ref, amount, balance, what FROM entry WHERE wallet = $1 ORDER BY seq`, wallet)
	if err != nil {
		return nil, err
	}
	balance := int64(0)
	for i, e := range list {
		if balance += e.Amount; e.Balance != balance || e.Seq != int64(i+1) {
			return nil, pay.ErrLedger
		}
	}
	return list, nil
}

// standing is what a rule looks at; day is when today began.
func standing(ctx context.Context, tx store.Tx, wallet string, day time.Time) (st pay.Standing, err error) {
	if st.Wallet, err = walletByID(ctx, tx, wallet); err != nil {
		return st, err
	}
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(CASE WHEN state = 'asked' THEN amount ELSE 0 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN asked_ms >= $2 THEN amount ELSE 0 END), 0) AS BIGINT) FROM charge WHERE wallet = $1 AND state <> 'refused'`,
		wallet, day.UnixMilli()).Scan(&st.Waiting, &st.ChargedToday)
	if err != nil {
		return st, err
	}
	err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(-amount), 0) AS BIGINT) FROM entry WHERE wallet = $1 AND amount < 0 AND at_ms >= $2`,
		wallet, day.UnixMilli()).Scan(&st.PaidToday)
	return st, err
}

// Standing implements pay.Store.
func (s *Store) Standing(ctx context.Context, wallet string, day time.Time) (st pay.Standing, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		st, err = standing(ctx, tx, wallet, day)
		return err
	})
	return st, err
}

const chargeColumns = `id, wallet, mandate, amount, state, why, asked_ms, next_ms, tries`

func scanCharge(row store.Row) (c pay.Charge, err error) {
	var state string
	var asked, next int64
	err = row.Scan(&c.ID, &c.Wallet, &c.Mandate, &c.Amount, &state, &c.Why, &asked, &next, &c.Tries)
	c.State, c.AskedAt, c.NextAt = pay.ChargeState(state), store.Moment(asked), store.Moment(next)
	return c, err
}

func chargeByID(ctx context.Context, tx store.Tx, id string) (pay.Charge, error) {
	return one(ctx, tx, scanCharge, `SELECT `+chargeColumns+` FROM charge WHERE id = $1`, id)
}

// AskCharge implements pay.Store.
func (s *Store) AskCharge(ctx context.Context, at, day time.Time, c pay.Charge, rule pay.Rule) (there pay.Charge, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) (err error) {
		there, err = chargeByID(ctx, tx, c.ID)
		switch {
		case err == nil && (there.Wallet != c.Wallet || there.Mandate != c.Mandate || there.Amount != c.Amount):
			return pay.ErrMoved
		case err == nil:
			return nil // the same again
		case !errors.Is(err, pay.ErrNotFound):
			return err
		}
		st, err := standing(ctx, tx, c.Wallet, day)
		if err != nil {
			return err
		}
		if _, _, err := last(ctx, tx, c.Wallet); err != nil { // before the bank hears of it
			return err
		}
		if st.Mandate, err = mandateByID(ctx, tx, c.Mandate); err != nil {
			return err
		}
		err = tx.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(CASE WHEN asked_ms >= $2 THEN amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE WHEN asked_ms < $3 THEN amount ELSE 0 END), 0) AS BIGINT) FROM charge WHERE mandate = $1 AND state <> 'refused'`,
			c.Mandate, day.UnixMilli(), store.Millis(st.Mandate.FirstUntil)).Scan(&st.UnderToday, &st.UnderFirst)
		if err != nil {
			return err
		}
		if err := rule(st); err != nil {
			return err
		}
		there = c
		there.State, there.AskedAt, there.Tries = pay.ChargeAsked, store.Moment(at.UnixMilli()), 0
		_, err = tx.Exec(ctx, `INSERT INTO charge (id, wallet, mandate, amount, state, asked_ms, next_ms) VALUES ($1, $2, $3, $4, 'asked', $5, $6)`,
			c.ID, c.Wallet, c.Mandate, c.Amount, at.UnixMilli(), c.NextAt.UnixMilli())
		if err != nil {
			return err
		}
		return store.Audit(ctx, tx, at, system, "charge asked", c.ID, map[string]string{"mandate": c.Mandate, "amount": strconv.FormatInt(c.Amount, 10)})
	})
	return there, err
}

// Charged implements pay.Store.
func (s *Store) Charged(ctx context.Context, at time.Time, id string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE charge SET state = 'done' WHERE id = $1 AND state = 'asked'`, id)
		if err != nil {
			return err
		}
		c, err := chargeByID(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case n == 0 && c.State == pay.ChargeDone:
			return nil // the same answer again
		case n == 0:
			return pay.ErrMoved
		}
		m, err := mandateByID(ctx, tx, c.Mandate)
		if err != nil {
			return err
		}
		return enter(ctx, tx, c.Wallet, pay.Entry{At: at, Kind: pay.EntryCharge, Ref: id, Amount: c.Amount, What: m.Account})
	})
}

// ChargeRefused implements pay.Store.
func (s *Store) ChargeRefused(ctx context.Context, at time.Time, id, why string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE charge SET state = 'refused', why = $1 WHERE id = $2 AND state = 'asked'`, why, id)
		if err != nil {
			return err
		}
		c, err := chargeByID(ctx, tx, id)
		switch {
		case err != nil:
			return err
		case n == 0 && c.State == pay.ChargeDone:
			return pay.ErrMoved
		case n == 0:
			return nil
		}
		return errors.Join(tell(ctx, tx, c.Wallet, pay.Notice{At: at, Kind: "charge-refused", Amount: c.Amount, Why: why}),
			store.Audit(ctx, tx, at, system, "charge refused", id, map[string]string{"why": why}))
	})
}

// AskAgain implements pay.Store.
func (s *Store) AskAgain(ctx context.Context, id string, next time.Time) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE charge SET next_ms = $1, tries = tries + 1 WHERE id = $2 AND state = 'asked'`, next.UnixMilli(), id)
		return err
	})
}

// Charge implements pay.Store.
func (s *Store) Charge(ctx context.Context, wallet, id string) (c pay.Charge, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		c, err = one(ctx, tx, scanCharge, `SELECT `+chargeColumns+` FROM charge WHERE id = $1 AND wallet = $2`, id, wallet)
		return err
	})
	return c, err
}

// Waiting implements pay.Store.
func (s *Store) Waiting(ctx context.Context, wallet string) ([]pay.Charge, error) {
	return read(ctx, s, scanCharge, `SELECT `+chargeColumns+` FROM charge WHERE wallet = $1 AND state = 'asked' ORDER BY asked_ms`, wallet)
}

// DueCharges implements pay.Store.
func (s *Store) DueCharges(ctx context.Context, at time.Time) ([]pay.Charge, error) {
	return read(ctx, s, scanCharge, `SELECT `+chargeColumns+` FROM charge WHERE state = 'asked' AND next_ms <= $1 ORDER BY next_ms LIMIT 100`, at.UnixMilli())
}
