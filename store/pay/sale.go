package pay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

const saleColumns = `id, shop, name, amount, state, why, result, asked_ms, expires_ms`

func scanSale(row store.Row) (s pay.Sale, err error) {
	var state string
	var asked, expires int64
	err = row.Scan(&s.ID, &s.Shop, &s.Name, &s.Amount, &state, &s.Why, &s.Result, &asked, &expires)
	s.State, s.AskedAt, s.ExpiresAt = pay.SaleState(state), store.Moment(asked), store.Moment(expires)
	return s, err
}

func saleByID(ctx context.Context, tx store.Tx, id string) (pay.Sale, error) {
	return one(ctx, tx, scanSale, `SELECT `+saleColumns+` FROM sale WHERE id = $1`, id)
}

// OpenSale implements pay.Store.
func (s *Store) OpenSale(ctx context.Context, at time.Time, sale pay.Sale) (fresh bool, err error) {
	err = s.db.Write(ctx, func(tx store.Tx) error {
		fresh = false
		there, err := saleByID(ctx, tx, sale.ID)
		switch {
		case err == nil && (there.Shop != sale.Shop || there.Amount != sale.Amount):
			return pay.ErrMoved
		case err == nil:
			return nil // the same again
		case !errors.Is(err, pay.ErrNotFound):
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE sale SET state = 'over', why = $1 WHERE shop = $2 AND state = 'asked'`, pay.WhyCancelled, sale.Shop); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO sale (id, shop, name, amount, state, asked_ms, expires_ms) VALUES ($1, $2, $3, $4, 'asked', $5, $6)`,
			sale.ID, sale.Shop, sale.Name, sale.Amount, at.UnixMilli(), sale.ExpiresAt.UnixMilli())
		if err != nil {
			return err
		}
		fresh = true
		return store.Audit(ctx, tx, at, system, "sale asked", sale.ID, map[string]string{"shop": sale.Shop, "amount": strconv.FormatInt(sale.Amount, 10)})
	})
	return fresh, err
}

// SaleAsked implements pay.Store.
func (s *Store) SaleAsked(ctx context.Context, id, result string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE sale SET result = $1 WHERE id = $2 AND state = 'asked'`, result, id)
		if err == nil && n == 0 {
			err = pay.ErrMoved
		}
		return err
	})
}

// Sale implements pay.Store.
func (s *Store) Sale(ctx context.Context, shop, id string) (sale pay.Sale, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) (err error) {
		sale, err = one(ctx, tx, scanSale, `SELECT `+saleColumns+` FROM sale WHERE id = $1 AND shop = $2`, id, shop)
		return err
	})
	return sale, err
}

// EndSale implements pay.Store.
func (s *Store) EndSale(ctx context.Context, at time.Time, id string, to pay.SaleState, why string) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE sale SET state = $1, why = $2 WHERE id = $3 AND state = 'asked'`, string(to), why, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return pay.ErrMoved
		}
		return store.Audit(ctx, tx, at, system, "sale "+string(to), id, map[string]string{"why": why})
	})
}

// Pay implements pay.Store.
func (s *Store) Pay(ctx context.Context, at, day time.Time, sale, wallet string, rule pay.Rule) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		var by string
		err := tx.QueryRow(ctx, `SELECT wallet FROM entry WHERE kind = $1 AND ref = $2`, pay.EntryPayment, sale).Scan(&by)
		switch {
		case err == nil && by != wallet:
			return pay.ErrMoved
		case err == nil:
			return nil // the same again
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE sale SET state = 'paid' WHERE id = $1 AND state = 'asked' AND expires_ms > $2`, sale, at.UnixMilli())
		if err != nil {
			return err
		}
		if n == 0 { // the till let go of it: nothing leaves what is over
			return pay.ErrMoved
		}
		sold, err := saleByID(ctx, tx, sale)
		if err != nil {
			return err
		}
		st, err := standing(ctx, tx, wallet, day)
		if err != nil {
			return err
		}
		st.Sale = sold
		if err := rule(st); err != nil {
			return err
		}
		return enter(ctx, tx, wallet, pay.Entry{At: at, Kind: pay.EntryPayment, Ref: sale, Amount: -sold.Amount, What: sold.Name})
	})
}

// LateSales implements pay.Store.
func (s *Store) LateSales(ctx context.Context, at time.Time) ([]pay.Sale, error) {
	return read(ctx, s, scanSale, `SELECT `+saleColumns+` FROM sale WHERE state = 'asked' AND expires_ms <= $1 ORDER BY expires_ms LIMIT 100`, at.UnixMilli())
}
