package pay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"tegata/services/pay"
	"tegata/store"
)

const refundColumns = `id, sale, amount, at_ms`

func scanRefund(row store.Row) (f pay.Refund, err error) {
	var at int64
	err = row.Scan(&f.ID, &f.Sale, &f.Amount, &at)
	f.At = store.Moment(at)
	return f, err
}

// GiveBack implements pay.Store. The refund, what is left of the sale and the ledger's line
// are one commit: there is nothing between recording and acting.
func (s *Store) GiveBack(ctx context.Context, shop string, f pay.Refund, rule pay.Rule) error {
	return s.db.Write(ctx, func(tx store.Tx) error {
		sale, err := one(ctx, tx, scanSale, `SELECT `+saleColumns+` FROM sale WHERE id = $1 AND shop = $2`, f.Sale, shop)
		if err != nil {
			return err
		}
		there, err := one(ctx, tx, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE id = $1`, f.ID)
		switch {
		case err == nil && (there.Sale != f.Sale || there.Amount != f.Amount):
			return pay.ErrMoved
		case err == nil:
			return nil // the same again
		case !errors.Is(err, pay.ErrNotFound):
			return err
		}
		st, err := payer(ctx, tx, sale, f.At)
		if err != nil {
			return err
		}
		if err := rule(st); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE sale SET refunded = refunded + $1 WHERE id = $2 AND state = 'paid' AND refunded + $1 <= amount`, f.Amount, f.Sale)
		if err != nil {
			return err
		}
		if n == 0 {
			return pay.ErrRefundOver
		}
		if _, err := tx.Exec(ctx, `INSERT INTO refund (id, sale, amount, at_ms) VALUES ($1, $2, $3, $4)`, f.ID, f.Sale, f.Amount, f.At.UnixMilli()); err != nil {
			return err
		}
		return errors.Join(enter(ctx, tx, st.Wallet.ID, pay.Entry{At: f.At, Kind: pay.EntryRefund, Ref: f.ID, Amount: f.Amount, What: sale.Name}),
			store.Audit(ctx, tx, f.At, system, "sale refunded", f.Sale, map[string]string{"refund": f.ID, "amount": strconv.FormatInt(f.Amount, 10)}))
	})
}

// payer is how the wallet stands that paid a sale; no wallet of a sale that nobody paid.
func payer(ctx context.Context, tx store.Tx, sale pay.Sale, day time.Time) (st pay.Standing, err error) {
	if sale.State == pay.SalePaid {
		var wallet string
		if err := tx.QueryRow(ctx, `SELECT wallet FROM entry WHERE kind = $1 AND ref = $2`, pay.EntryPayment, sale.ID).Scan(&wallet); err != nil {
			return st, err
		}
		if st, err = standing(ctx, tx, wallet, day); err != nil {
			return st, err
		}
	}
	st.Sale = sale
	return st, nil
}

// Refunds implements pay.Store.
func (s *Store) Refunds(ctx context.Context, sale string) ([]pay.Refund, error) {
	return read(ctx, s, scanRefund, `SELECT `+refundColumns+` FROM refund WHERE sale = $1 ORDER BY at_ms, id`, sale)
}

// Sales implements pay.Store.
func (s *Store) Sales(ctx context.Context, shop string, since time.Time, limit int) ([]pay.Sale, error) {
	return read(ctx, s, scanSale, `SELECT `+saleColumns+` FROM sale WHERE shop = $1 AND asked_ms >= $2 ORDER BY asked_ms DESC, id LIMIT $3`, shop, since.UnixMilli(), limit)
}

// Takings implements pay.Store.
func (s *Store) Takings(ctx context.Context, shop string, since time.Time) (paid, back int64, err error) {
	err = s.db.Read(ctx, func(tx store.Tx) error {
		return tx.QueryRow(ctx, `SELECT
			(SELECT CAST(COALESCE(SUM(amount), 0) AS BIGINT) FROM sale WHERE shop = $1 AND state = 'paid' AND asked_ms >= $2),
			(SELECT CAST(COALESCE(SUM(refund.amount), 0) AS BIGINT) FROM refund JOIN sale ON sale.id = refund.sale WHERE sale.shop = $1 AND refund.at_ms >= $2)`,
			shop, since.UnixMilli()).Scan(&paid, &back)
	})
	return paid, back, err
}
