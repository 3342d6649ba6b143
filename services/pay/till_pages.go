package pay

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/ui"
)

// tillPage is what a shop's own screen shows: nothing of any person.
type tillPage struct {
	Shop    Shop
	Shops   []Shop
	Sale    *Sale
	Hint    string
	Once    string
	Hold    string // the sandbox's page that holds a phone to this till
	Trouble *ui.Trouble
}

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

// till is the cashier's form. Its id is drawn with it: a double click is one sale.
func (h *Handler) till(w http.ResponseWriter, r *http.Request) {
	shop, err := h.opt.Tills.Shop(r.PathValue("shop"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showTill(w, r, "till", tillPage{Shop: shop, Once: rand.Text(), Trouble: h.site.Said(r).Trouble}, 0)
}

func (h *Handler) sell(w http.ResponseWriter, r *http.Request) {
	shop, id := r.PathValue("shop"), r.PostFormValue("id")
	if len(id) != 26 { // rand.Text's; drawn by till
		h.fail(w, r, ErrMoved)
		return
	}
	if err := h.opt.Tills.Sell(context.WithoutCancel(r.Context()), shop, id, yen(r.PostFormValue("amount"))); err != nil {
		h.site.GoTo(w, r, ui.Later{Path: "/till/" + shop, Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	http.Redirect(w, r, "/till/"+shop+"/"+id, http.StatusSeeOther)
}

// sale is what became of a sale.
func (h *Handler) sale(w http.ResponseWriter, r *http.Request) {
	shop, err := h.opt.Tills.Shop(r.PathValue("shop"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	s, hint, err := h.opt.Tills.See(r.Context(), shop.ID, r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := tillPage{Shop: shop, Sale: &s, Hint: hint}
	poll := time.Duration(0)
	if s.State == SaleAsked {
		poll = time.Second
		if h.opt.Hold != "" {
			p.Hold = h.opt.Hold + "?" + url.Values{"reader": {shop.Reader}}.Encode()
		}
	}
	h.showTill(w, r, "sale", p, poll)
}

func (h *Handler) cancelSale(w http.ResponseWriter, r *http.Request) {
	shop, id := r.PathValue("shop"), r.PathValue("id")
	if err := h.opt.Tills.Cancel(r.Context(), shop, id); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/till/"+shop+"/"+id, http.StatusSeeOther)
}
