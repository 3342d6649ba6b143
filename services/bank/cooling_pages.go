package bank

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"tegata/internal/ui"
	"tegata/services/notice"
	"tegata/services/relying"
)

// ReleasePurpose is the registered purpose of the signature that ends a hold.
const ReleasePurpose = "release-account"

// Outbox answers GET /v1/outbox: the post, for whoever delivers it. Who may read it is for
// the caller to see to.
func (h *Handler) Outbox() http.Handler { return notice.Outbox(h.opt.Bank.conf.Store.Outbox) }

// undoing asks once before an opening is undone.
func (h *Handler) undoing(w http.ResponseWriter, r *http.Request, _ string, s session) {
	a, err := h.opt.Bank.Current(r.Context(), s.Sub, productOf(r))
	if errors.Is(err, ErrNotFound) || err == nil && a.State != Opened {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	if err == nil && !a.Undoable(h.opt.Now()) {
		err = ErrCooled
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "undo", page{A: &a, Product: productOf(r), Trouble: h.site.Said(r).Trouble}, 0)
}

func (h *Handler) undo(w http.ResponseWriter, r *http.Request, _ string, s session) {
	err := h.opt.Bank.Undo(r.Context(), s.Sub, productOf(r))
	switch {
	case errors.Is(err, ErrSecurities):
		h.site.GoTo(w, r, ui.Later{Path: "/undo", Trouble: ui.TroubleOf(w, err)}, "")
	case err != nil && !errors.Is(err, ErrNotFound):
		h.fail(w, r, err)
	default:
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	}
}

// holding shows a button and not a word of the person: programs follow links, and a letter
// is opened by whoever finds it.
func (h *Handler) holding(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	a, err := h.opt.Bank.ByLink(r.Context(), r.PathValue("link"))
	if err != nil {
		h.failLink(w, r, err)
		return
	}
	h.show(w, r, "hold", page{A: &a, Link: r.PathValue("link")}, 0)
}

func (h *Handler) hold(w http.ResponseWriter, r *http.Request) {
	if err := h.opt.Bank.Hold(r.Context(), r.PathValue("link")); err != nil {
		h.failLink(w, r, err)
		return
	}
	http.Redirect(w, r, "/hold/"+r.PathValue("link"), http.StatusSeeOther)
}

// failLink says what is wrong with a link. One that is not known may be mistyped, or of an
// account whose days are over: which of these is not kept.
func (h *Handler) failLink(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrNotFound) {
		err = ErrHoldLink
	}
	h.fail(w, r, err)
}

// releasing shows the request that ends a hold.
func (h *Handler) releasing(w http.ResponseWriter, r *http.Request, token string, s session) {
	p, err := h.opt.Bank.DrawRelease(r.Context(), s.Sub, attributes(s.Claims), productOf(r))
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrMoved) {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Paper = &p })
	h.show(w, r, "release", page{Paper: &p}, 0)
}

func (h *Handler) release(w http.ResponseWriter, r *http.Request, token string, s session) {
	h.signPaper(w, r, token, s, "/release", "release.txt", ReleasePurpose)
}

// signPaper has the paper signed that is shown at a page; another one, of another tab, is
// shown first.
func (h *Handler) signPaper(w http.ResponseWriter, r *http.Request, token string, s session, shown, name, purpose string) {
	p := s.Keeps.Paper
	if p == nil || r.PostFormValue("paper") != p.ID {
		http.Redirect(w, r, shown, http.StatusSeeOther)
		return
	}
	h.pages.Sign(w, r, token, s, relying.Document{Content: p.Document, Name: name, MediaType: "text/plain", Format: "cades", Purpose: purpose},
		func(k *keeps) { k.Signs = signsPaper })
}

// awaitsPaper has the bank do what a signed paper says.
func (h *Handler) awaitsPaper(p Paper) relying.Awaited {
	to := cmp.Or(p.To, "/home")
	return relying.Awaited{Content: p.Document, At: to, Receive: func(ctx context.Context, login relying.Claims, signed relying.Signed) (string, error) {
		err := h.opt.Bank.ReceivePaper(ctx, p, attributes(login), signed)
		if errors.Is(err, ErrMoved) { // another one was first
			err = nil
		}
		return to, err
	}}
}
