package carrier

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

// invite makes a new invitation, which this browser sees until it leaves: the carrier keeps
// no more than its hash.
func (h *Handler) invite(w http.ResponseWriter, r *http.Request, token string, s session) {
	url, err := h.opt.Carrier.Invite(r.Context(), s.Sub, r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.invitation, v.Keeps.invited = url, r.PathValue("id") })
	http.Redirect(w, r, "/lines/"+r.PathValue("id"), http.StatusSeeOther)
}

// withdrawLine takes a contract back that nobody has consented to.
func (h *Handler) withdrawLine(w http.ResponseWriter, r *http.Request, _ string, s session) {
	h.done(w, r, h.opt.Carrier.WithdrawLine(r.Context(), s.Sub, r.PathValue("id")))
}

// The steps of a guardian.
const (
	stepLogin   = "login"   // who are you?
	stepDeclare = "declare" // are you the guardian?
	stepNot     = "not"     // then somebody else has to come
	stepDone    = "done"
)

// consentPage is one step of a guardian's.
type consentPage struct {
	Step    string
	Link    string
	Name    string // of who is logged in
	Consent guardian.Consent
	Trouble *ui.Trouble
}

// consent leads a guardian through what an invitation is about. Nobody sees anything of the
// minor who has not logged in, is not grown up, or has not said that they are the guardian.
func (h *Handler) consent(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	link := r.PathValue("link")
	token, s := h.sessions.Find(r)
	p := consentPage{Step: stepLogin, Link: link, Name: s.Claims.Name}
	desk := h.opt.Carrier.Guardians()
	if s.Sub == "" {
		if err := desk.Peek(r.Context(), link); err != nil {
			h.fail(w, r, err)
			return
		}
		h.show(w, r, ui.Screen{Page: "consent", Data: p})
		return
	}
	who := whoOf(s.Claims)
	c, err := desk.Open(r.Context(), link, guardianOf(s.Sub, who))
	switch {
	case errors.Is(err, guardian.ErrSigned) && c.Guardian.Sub == s.Sub:
		p.Step, p.Consent = stepDone, c
	case errors.Is(err, guardian.ErrSelf), errors.Is(err, guardian.ErrMinor), errors.Is(err, guardian.ErrTaken), errors.Is(err, guardian.ErrFacts):
		p.Step, p.Trouble = stepNot, ui.TroubleOf(w, err)
	case err != nil:
		h.fail(w, r, err)
		return
	case c.Guardian.Sub == "":
		p.Step = stepDeclare
	default:
		if d := s.Keeps.draft; d == nil || d.link != link { // what was shown is what is signed, also after midnight
			drawn, err := h.opt.Carrier.DrawConsent(r.Context(), link, s.Sub, who)
			if err != nil {
				h.fail(w, r, err)
				return
			}
			h.draft(w, r, token, drawn)
			return
		}
		http.Redirect(w, r, "/check", http.StatusSeeOther)
		return
	}
	h.show(w, r, ui.Screen{Page: "consent", Data: p, Bad: p.Trouble != nil})
}

// declare makes the invitation that of whoever says that they are the guardian.
func (h *Handler) declare(w http.ResponseWriter, r *http.Request, _ string, s session) {
	link := r.PathValue("link")
	err := h.opt.Carrier.Guardians().Take(r.Context(), link, guardianOf(s.Sub, whoOf(s.Claims)))
	if err != nil && !errors.Is(err, guardian.ErrSigned) {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/consent/"+link, http.StatusSeeOther)
}
