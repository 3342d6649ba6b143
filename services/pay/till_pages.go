package pay

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/ui"
)

// tillPage is what a shop's own screen shows: nothing of any person.
type tillPage struct {
	Shop    Shop
	Shops   []Shop
	Form    string // the token of this sign-in's forms; "" for nobody signed in
	Sale    *Sale
	Sales   []Sale
	Refunds []Refund
	Paid    int64 // today
	Back    int64 // given back today
	Hint    string
	Once    string
	Hold    string // the sandbox's page that holds a phone to this till, or shows its code
	Trouble *ui.Trouble
}

// In is what a till's own navigation shows: nil for nobody signed in.
func (p tillPage) In() *tillPage {
	if p.Form == "" {
		return nil
	}
	return &p
}

// Taken is what today leaves the shop.
func (p tillPage) Taken() int64 { return p.Paid - p.Back }

func (h *Handler) showTill(w http.ResponseWriter, r *http.Request, name string, p tillPage, poll time.Duration) {
	w.Header().Set("Cache-Control", "no-store")
	if err := h.site.Render(w, r, ui.Screen{Page: name, Data: p, Poll: poll, Bad: p.Trouble != nil}); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", name, "error", err)
	}
}

// tills lists the tills.
func (h *Handler) tills(w http.ResponseWriter, r *http.Request) {
	h.showTill(w, r, "tills", tillPage{Shops: h.opt.Tills.shops}, 0)
}

// once draws the id that a form brings: a double click is one sale, or one refund.
func once() string { return rand.Text() }

func isOnce(id string) bool { return len(id) == 26 }

// atTheTill is what a shop may hear of an error: a wallet's trouble is its holder's.
func atTheTill(err error) error {
	if errors.Is(err, ErrLedger) {
		return ErrRefundWallet.Because(err)
	}
	return err
}

// till is the cashier's form.
func (h *Handler) till(v tillVisit) {
	v.page.Once, v.page.Trouble = once(), h.site.Said(v.r).Trouble
	h.showTill(v.w, v.r, "till", v.page, 0)
}

func (h *Handler) sell(v tillVisit) {
	id := v.r.PostFormValue("id")
	if !isOnce(id) {
		h.failAtTill(v.w, v.r, v.shop, ErrMoved)
		return
	}
	if err := h.opt.Tills.Sell(context.WithoutCancel(v.r.Context()), v.shop.ID, id, yen(v.r.PostFormValue("amount"))); err != nil {
		h.site.GoTo(v.w, v.r, ui.Later{Path: "/till/" + v.shop.ID, Trouble: ui.TroubleOf(v.w, err)}, "")
		return
	}
	http.Redirect(v.w, v.r, "/till/"+v.shop.ID+"/"+id, http.StatusSeeOther)
}

// sale is what became of a sale.
func (h *Handler) sale(v tillVisit) {
	s, hint, err := h.opt.Tills.See(v.r.Context(), v.shop.ID, v.r.PathValue("id"))
	if err == nil && s.Refunded > 0 {
		v.page.Refunds, err = h.opt.Pay.conf.Store.Refunds(v.r.Context(), s.ID)
	}
	if err != nil {
		h.failAtTill(v.w, v.r, v.shop, err)
		return
	}
	v.page.Sale, v.page.Hint = &s, hint
	poll := time.Duration(0)
	if s.State == SaleAsked {
		poll = time.Second
		if h.opt.Hold != "" {
			v.page.Hold = h.opt.Hold + "?" + url.Values{"reader": {v.shop.Reader}}.Encode()
		}
	}
	h.showTill(v.w, v.r, "sale", v.page, poll)
}

func (h *Handler) cancelSale(v tillVisit) {
	id := v.r.PathValue("id")
	if err := h.opt.Tills.Cancel(v.r.Context(), v.shop.ID, id); err != nil {
		h.failAtTill(v.w, v.r, v.shop, err)
		return
	}
	http.Redirect(v.w, v.r, "/till/"+v.shop.ID+"/"+id, http.StatusSeeOther)
}
