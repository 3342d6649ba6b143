package bank

import (
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"

	"tegata/internal/ui"
)

// line is an entry as a page shows it.
type line struct {
	Entry
	Name string // of the creditor
}

// shownEntries is how many lines of a ledger a page shows.
const shownEntries = 50

// maxCash is how much the sandbox's cash machine moves at once, in yen.
const maxCash = 100_000

// opened is the account of whoever is logged in; false when there is none, and the browser
// was led home.
func (h *Handler) opened(w http.ResponseWriter, r *http.Request, s session) (Application, bool) {
	a, err := h.opt.Bank.Current(r.Context(), s.Sub, Deposit)
	if err != nil && !errors.Is(err, ErrNotFound) {
		h.fail(w, r, err)
		return a, false
	}
	if err != nil || a.State != Opened {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return a, false
	}
	return a, true
}

// account shows the balance and what moved.
func (h *Handler) account(w http.ResponseWriter, r *http.Request, _ string, s session) {
	a, ok := h.opened(w, r, s)
	if !ok {
		return
	}
	p := page{A: &a, Now: h.opt.Now(), Sandbox: h.opt.Sandbox, Key: rand.Text(), Trouble: h.site.Said(r).Trouble}
	entries, err := h.opt.Bank.Entries(r.Context(), a.Number, shownEntries)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	for i, e := range entries {
		if i == 0 {
			p.Balance = e.Balance
		}
		p.Entries = append(p.Entries, line{e, h.nameOf(r, e.About)})
	}
	h.show(w, r, "account", p, 0)
}

// nameOf is a creditor's name in the reader's language.
func (h *Handler) nameOf(r *http.Request, creditor string) string {
	c, ok := h.opt.Bank.creditor(creditor)
	if !ok {
		return creditor
	}
	if ui.LangOf(r) == ui.EN {
		return c.Name.EN
	}
	return c.Name.JA
}

// cash is the sandbox's cash machine: nobody's money is real there. The form's key makes a
// double click one deposit.
func (h *Handler) cash(w http.ResponseWriter, r *http.Request, _ string, s session) {
	a, ok := h.opened(w, r, s)
	if !ok {
		return
	}
	amount, err := strconv.ParseInt(r.PostFormValue("amount"), 10, 64)
	key := r.PostFormValue("key")
	if !h.opt.Sandbox || err != nil || amount == 0 || amount > maxCash || amount < -maxCash || len(key) < 20 || len(key) > 64 {
		h.fail(w, r, ui.ErrNoPage)
		return
	}
	switch err := h.opt.Bank.Cash(r.Context(), a.Number, key, amount); {
	case errors.Is(err, ErrFunds), errors.Is(err, ErrCooling), errors.Is(err, ErrHeld):
		h.site.GoTo(w, r, ui.Later{Path: "/account", Trouble: ui.TroubleOf(w, err)}, "")
	case err != nil:
		h.fail(w, r, err)
	default:
		http.Redirect(w, r, "/account", http.StatusSeeOther)
	}
}
