package bank

import (
	"errors"
	"net/http"
	"regexp"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// PermitPurpose is the registered purpose of a mandate's signature.
const PermitPurpose = "permit-charges"

// held is a mandate as its customer sees it.
type held struct {
	Mandate
	Name string // of the creditor
}

// mandateID is what an id of a creditor's may look like.
var mandateID = regexp.MustCompile(`^[0-9A-Za-z_-]{20,64}$`)

// wish shows what a creditor would like to be allowed: who somebody is comes first.
func (h *Handler) wish(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	token, s := h.sessions.Find(r)
	id := r.PathValue("id")
	if t := s.Taken.Trouble; t != nil && s.Taken.To == r.URL.Path {
		h.pages.ShowTrouble(w, r, t)
		return
	}
	if s.Sub == "" {
		h.show(w, r, "who", page{Mandate: id}, 0)
		return
	}
	p, err := h.opt.Bank.Consider(r.Context(), id, s.Sub, attributes(s.Claims))
	switch {
	case errors.Is(err, ErrHolder), errors.Is(err, ErrNoAccount), errors.Is(err, ErrFacts), errors.Is(err, ErrHeld):
		h.show(w, r, "notyours", page{Mandate: id, Who: attributes(s.Claims), Trouble: ui.TroubleOf(w, err)}, 0)
		return
	case err != nil:
		h.over(w, r, err)
		return
	}
	if old := s.Keeps.Permission; old != nil && old.Mandate.ID == id {
		p = *old // what was shown is what is signed, also after midnight
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Permission = &p })
	h.show(w, r, "mandate", page{Permission: &p, Held: &held{p.Mandate, h.nameOf(r, p.Creditor.ID)}}, 0)
}

// over says why nothing can be allowed, with the way back to whoever asked.
func (h *Handler) over(w http.ResponseWriter, r *http.Request, err error) {
	back, lost := h.opt.Bank.Outcome(r.Context(), r.PathValue("id"))
	if lost != nil || back == "" {
		h.fail(w, r, err)
		return
	}
	h.pages.ShowTroubleTo(w, r, ui.TroubleOf(w, err), ui.Action{Label: h.site.Say(ui.LangOf(r), "mandate.back"), URL: back})
}

// permit has the permission signed that was shown.
func (h *Handler) permit(w http.ResponseWriter, r *http.Request, token string, s session) {
	p := s.Keeps.Permission
	if p == nil || p.Mandate.ID != r.PathValue("id") {
		http.Redirect(w, r, "/mandates/"+r.PathValue("id"), http.StatusSeeOther)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Taken = relying.Taken{} })
	h.pages.Sign(w, r, token, s, relying.Document{Content: p.Document, Name: "permission.txt", MediaType: "text/plain", Format: "cades", Purpose: PermitPurpose},
		func(k *keeps) { k.Signs = signsPermission })
}

// decline is the customer's no, with which the creditor gets the browser back.
func (h *Handler) decline(w http.ResponseWriter, r *http.Request, token string, s session) {
	id := r.PathValue("id")
	err := h.opt.Bank.Decline(r.Context(), id, s.Sub, attributes(s.Claims))
	var to string
	if err == nil {
		to, err = h.opt.Bank.Outcome(r.Context(), id)
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Permission, v.To = nil, to })
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// mandates are all that a customer allowed.
func (h *Handler) mandates(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, err := h.opt.Bank.Mandates(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := page{}
	for _, m := range all {
		p.Mandates = append(p.Mandates, held{m, h.nameOf(r, m.Creditor)})
	}
	h.show(w, r, "mandates", p, 0)
}

// ending asks once before a mandate ends.
func (h *Handler) ending(w http.ResponseWriter, r *http.Request, _ string, s session) {
	m, err := h.opt.Bank.Mandate(r.Context(), s.Sub, r.PathValue("id"))
	if errors.Is(err, ErrMandateUnknown) || err == nil && m.State != Active && m.State != Granted {
		http.Redirect(w, r, "/mandates", http.StatusSeeOther)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "end", page{Held: &held{m, h.nameOf(r, m.Creditor)}}, 0)
}

func (h *Handler) endMandate(w http.ResponseWriter, r *http.Request, _ string, s session) {
	if err := h.opt.Bank.EndMandate(r.Context(), s.Sub, r.PathValue("id")); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/mandates", http.StatusSeeOther)
}
