package bank

import (
	"errors"
	"net/http"

	"tegata/internal/ui"
	"tegata/services/relying"
)

func (h *Handler) received(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, err := h.opt.Bank.All(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	papers, err := h.opt.Bank.Papers(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	consents, err := h.opt.Bank.Consents(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "received", page{Who: attributes(s.Claims), All: all, Papers: papers, Consents: consents}, 0)
}

// paper hands out what somebody signed, or their signature of it.
func (h *Handler) paper(w http.ResponseWriter, r *http.Request, _ string, s session) {
	a, err := h.opt.Bank.Application(r.Context(), r.PathValue("id"))
	if err == nil && a.Sub != s.Sub {
		err = ErrNotFound
	}
	h.handOut(w, r, err, map[string][]byte{"application.txt": a.Document, "application.txt.p7s": a.Signature})
}

// handOut hands out one of the files of what was found, or says that it was not.
func (h *Handler) handOut(w http.ResponseWriter, r *http.Request, err error, files map[string][]byte) {
	name := r.PathValue("file")
	content, ok := files[name]
	if errors.Is(err, ErrNotFound) || err == nil && !ok {
		h.fail(w, r, ui.ErrNoPage)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	relying.HandOut(w, name, content)
}

// signedPaper hands out a paper that somebody signed, or their signature of it.
func (h *Handler) signedPaper(w http.ResponseWriter, r *http.Request, _ string, s session) {
	p, err := h.opt.Bank.Paper(r.Context(), s.Sub, r.PathValue("id"))
	h.handOut(w, r, err, map[string][]byte{"paper.txt": p.Document, "paper.txt.p7s": p.Signature})
}
