package bank

import (
	"errors"
	"net/http"
	"regexp"

	"tegata/internal/ui"
	"tegata/services/guardian"
)

// ConsentPurpose is the registered purpose of a guardian's signature.
const ConsentPurpose = "guardian-consent"

// invitation is what an invitation's secret may look like.
var invitation = regexp.MustCompile(`^[0-9A-Z]{20,40}$`)

// invite makes a new invitation, which this browser sees until it leaves: the bank keeps no
// more than its hash.
func (h *Handler) invite(w http.ResponseWriter, r *http.Request, token string, s session) {
	url, err := h.opt.Bank.Invite(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Invitation = url })
	http.Redirect(w, r, "/home", http.StatusSeeOther)
}

// withdraw takes an application back that nobody has consented to; where somebody has by now,
// the page shows that.
func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request, token string, s session) {
	err := h.opt.Bank.Withdraw(r.Context(), s.Sub)
	if err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrMoved) {
		h.fail(w, r, err)
		return
	}
	if err == nil {
		h.sessions.Change(token, func(v *session) { v.Keeps.Invitation = "" })
	}
	http.Redirect(w, r, "/home", http.StatusSeeOther)
}

// consent leads a guardian through what an invitation is about. Nobody sees anything of the
// minor who has not logged in, is not grown up, or has not said that they are the guardian.
func (h *Handler) consent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	link := r.PathValue("link")
	token, s := h.sessions.Find(r)
	if s.Sub == "" {
		if err := h.opt.Bank.Guardians().Peek(r.Context(), link); err != nil {
			h.fail(w, r, err)
			return
		}
		h.show(w, r, "consent", page{Link: link}, 0)
		return
	}
	c, err := h.opt.Bank.Guardians().Open(r.Context(), link, guardianOf(s.Sub, attributes(s.Claims)))
	switch {
	case errors.Is(err, guardian.ErrSigned) && c.Guardian.Sub == s.Sub:
		h.show(w, r, "consented", page{Consent: &c}, 0)
		return
	case errors.Is(err, guardian.ErrSelf), errors.Is(err, guardian.ErrMinor), errors.Is(err, guardian.ErrTaken), errors.Is(err, guardian.ErrFacts):
		h.show(w, r, "notguardian", page{Link: link, Who: attributes(s.Claims), Trouble: ui.TroubleOf(w, err)}, 0)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	case c.Guardian.Sub == "":
		h.show(w, r, "declare", page{Link: link, Who: attributes(s.Claims)}, 0)
		return
	}
	p := s.Keeps.Paper
	if p == nil || p.Kind != Agree || p.Consent.Link != c.Link { // what was shown is what is signed, also after midnight
		drawn, err := h.opt.Bank.DrawConsent(r.Context(), link, s.Sub, attributes(s.Claims))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		p = &drawn
		h.sessions.Change(token, func(v *session) { v.Keeps.Paper = p })
	}
	h.show(w, r, "agree", page{Link: link, Paper: p}, 0)
}

// declare makes the invitation that of whoever says that they are the guardian.
func (h *Handler) declare(w http.ResponseWriter, r *http.Request, _ string, s session) {
	link := r.PathValue("link")
	err := h.opt.Bank.Guardians().Take(r.Context(), link, guardianOf(s.Sub, attributes(s.Claims)))
	if err != nil && !errors.Is(err, guardian.ErrSigned) {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/consent/"+link, http.StatusSeeOther)
}

func (h *Handler) agree(w http.ResponseWriter, r *http.Request, token string, s session) {
	h.signPaper(w, r, token, s, "/consent/"+r.PathValue("link"), "consent.txt", ConsentPurpose)
}

// consentPaper hands out what a guardian signed, or their signature of it.
func (h *Handler) consentPaper(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, err := h.opt.Bank.Consents(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	for _, c := range all {
		if c.ID == r.PathValue("id") {
			h.handOut(w, r, nil, map[string][]byte{"consent.txt": c.Document, "consent.txt.p7s": c.Signature})
			return
		}
	}
	h.fail(w, r, ui.ErrNoPage)
}
