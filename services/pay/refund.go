package pay

import (
	"context"
	"net/http"
	"time"

	"tegata/internal/ui"
)

// Refund is what a shop gives back of a paid sale: all or a part of it.
type Refund struct {
	ID     string // drawn with the form: the same again is the same refund
	Sale   string
	Amount int64
	At     time.Time
}

// refundLife is for how long after a sale a till gives back.
const refundLife = 90 * 24 * time.Hour

// mayRefund is the rule of a refund; what a sale has left is the store's own. Neither a
// stopped wallet nor the night keeps money from coming back, and no limit: it was the
// holder's.
func mayRefund(at time.Time) Rule {
	return func(s Standing) error {
		switch {
		case s.Sale.State != SalePaid:
			return ErrRefundUnpaid
		case at.After(s.Sale.AskedAt.Add(refundLife)):
			return ErrRefundLate
		case !s.Wallet.Open():
			return ErrRefundWallet
		}
		return nil
	}
}

// GiveBack gives back all or a part of what was paid at a shop, into the wallet that paid:
// who that was the till neither says nor learns. The same id again changes nothing. It
// returns ErrNotFound, ErrAmount, ErrRefundUnpaid, ErrRefundLate, ErrRefundOver,
// ErrRefundWallet, ErrLedger, and ErrMoved when the id names another refund.
func (t *Tills) GiveBack(ctx context.Context, shop, sale, id string, amount int64) error {
	if _, err := t.Shop(shop); err != nil {
		return err
	}
	if amount <= 0 {
		return ErrAmount
	}
	at := t.pay.conf.Now()
	return t.pay.conf.Store.GiveBack(ctx, shop, Refund{ID: id, Sale: sale, Amount: amount, At: at}, mayRefund(at))
}

// salesShown is how many sales of a day a till lists.
const salesShown = 200

// sales lists what the till did today, or leads to the sale of a slip.
func (h *Handler) sales(v tillVisit) {
	if id := v.r.FormValue("slip"); id != "" {
		if _, err := h.opt.Pay.conf.Store.Sale(v.r.Context(), v.shop.ID, id); err != nil {
			h.failAtTill(v.w, v.r, v.shop, err)
			return
		}
		http.Redirect(v.w, v.r, "/till/"+v.shop.ID+"/"+id, http.StatusSeeOther)
		return
	}
	var err error
	day := dayOf(h.opt.Now())
	v.page.Sales, err = h.opt.Pay.conf.Store.Sales(v.r.Context(), v.shop.ID, day, salesShown)
	if err == nil {
		v.page.Paid, v.page.Back, err = h.opt.Pay.conf.Store.Takings(v.r.Context(), v.shop.ID, day)
	}
	if err != nil {
		h.failAtTill(v.w, v.r, v.shop, err)
		return
	}
	h.showTill(v.w, v.r, "sales", v.page, 0)
}

// refunding asks how much is given back. The refund's id is drawn with the form.
func (h *Handler) refunding(v tillVisit) {
	s, err := h.opt.Pay.conf.Store.Sale(v.r.Context(), v.shop.ID, v.r.PathValue("id"))
	if err == nil && s.Left() == 0 {
		err = ErrRefundUnpaid
	}
	if err != nil {
		h.failAtTill(v.w, v.r, v.shop, err)
		return
	}
	v.page.Sale, v.page.Once, v.page.Trouble = &s, once(), h.site.Said(v.r).Trouble
	h.showTill(v.w, v.r, "refund", v.page, 0)
}

func (h *Handler) refund(v tillVisit) {
	sale, id := v.r.PathValue("id"), v.r.PostFormValue("id")
	at := "/till/" + v.shop.ID + "/" + sale
	err := error(ErrMoved)
	if isOnce(id) {
		err = h.opt.Tills.GiveBack(context.WithoutCancel(v.r.Context()), v.shop.ID, sale, id, yen(v.r.PostFormValue("amount")))
	}
	if err == nil {
		http.Redirect(v.w, v.r, at, http.StatusSeeOther)
		return
	}
	err = atTheTill(err)
	t := ui.TroubleOf(v.w, err)
	if t.Code != ErrAmount.Code && t.Code != ErrRefundOver.Code { // another amount would not do
		h.failAtTill(v.w, v.r, v.shop, err)
		return
	}
	h.site.GoTo(v.w, v.r, ui.Later{Path: at + "/refund", Trouble: t}, "")
}
