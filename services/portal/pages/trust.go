package pages

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// truster is what the pages of people who trust each other need of package portal.
type truster interface {
	Trusting(ctx context.Context, token string) (portal.Trusting, error)
	InviteTrusted(ctx context.Context, token, label, shown string) error
	OpenInvitation(ctx context.Context, token string, code secret.InvitationCode) (id string, err error)
	StepTrust(ctx context.Context, token, id string, step portal.TrustStep) error
	SuspendCharge(ctx context.Context, token, id string) error
}

func (h *Handler) trustRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /trusted", h.trusted)
	mux.HandleFunc("GET /trusted/invite", h.invite)
	mux.HandleFunc("POST /trusted/invite", h.doInvite)
	mux.HandleFunc("GET /trusted/code", h.code)
	mux.HandleFunc("POST /trusted/code", h.doCode)
	mux.HandleFunc("GET /trusted/accept", h.accept)
	mux.HandleFunc("POST /trusted/accept", h.stepTrust(portal.AcceptTrust))
	mux.HandleFunc("POST /trusted/confirm", h.stepTrust(portal.ConfirmTrust))
	mux.HandleFunc("POST /trusted/end", h.stepTrust(portal.EndTrust))
	mux.HandleFunc("POST /trusted/login", func(w http.ResponseWriter, r *http.Request) { h.logIn(w, r, thenStop) })
	mux.HandleFunc("GET /trusted/stop", h.stopCharge)
	mux.HandleFunc("POST /trusted/stop", h.doStopCharge)
	mux.HandleFunc("GET /trusted/stopped", h.chargeStopped)
}

// trustPage is how all relations of the person stand.
type trustPage struct {
	portal.Trusting
	Full bool // no more can be invited
}

func (h *Handler) trusting(w http.ResponseWriter, r *http.Request) (portal.Trusting, bool) {
	all, err := h.opt.Portal.Trusting(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
	}
	return all, err == nil
}

// maxTrusted is how many the issuer lets a person trust; it has the last word.
const maxTrusted = 3

func (h *Handler) trusted(w http.ResponseWriter, r *http.Request) {
	if all, ok := h.trusting(w, r); ok {
		h.show(w, r, ui.Screen{Page: "trusted", Data: trustPage{all, len(all.Trusted) >= maxTrusted}})
	}
}

// trustForm is a form of these pages: what was typed, and what was wrong with it.
type trustForm struct {
	Label, Shown string
	Trouble      *ui.Trouble
}

// loggedIn says whether somebody is, and otherwise shows the way there.
func (h *Handler) loggedIn(w http.ResponseWriter, r *http.Request) bool {
	_, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
	}
	return err == nil
}

func (h *Handler) invite(w http.ResponseWriter, r *http.Request) {
	if h.loggedIn(w, r) {
		said := h.site.Said(r)
		h.show(w, r, ui.Screen{Page: "trusted-invite", Bad: said.Trouble != nil,
			Data: trustForm{said.Entered.Get("label"), said.Entered.Get("shown"), said.Trouble}})
	}
}

func (h *Handler) doInvite(w http.ResponseWriter, r *http.Request) {
	label, shown := r.PostFormValue("label"), r.PostFormValue("shown")
	if err := h.opt.Portal.InviteTrusted(r.Context(), h.cookie(r, sessionCookie), label, shown); err != nil {
		h.again(w, r, err, url.Values{"label": {label}, "shown": {shown}})
		return
	}
	http.Redirect(w, r, "/trusted", http.StatusSeeOther)
}

// again leads back to the form of this address, which says what is wrong; without a
// login there is no form to go back to.
func (h *Handler) again(w http.ResponseWriter, r *http.Request, err error, entered url.Values) {
	if errors.Is(err, portal.ErrNotLoggedIn) {
		h.fail(w, r, err)
		return
	}
	h.log(r, err)
	h.site.GoTo(w, r, ui.Later{Path: r.URL.Path, Trouble: ui.TroubleOf(w, err), Entered: entered}, "")
}

func (h *Handler) code(w http.ResponseWriter, r *http.Request) {
	if h.loggedIn(w, r) {
		said := h.site.Said(r)
		h.show(w, r, ui.Screen{Page: "trusted-code", Bad: said.Trouble != nil, Data: trustForm{Trouble: said.Trouble}})
	}
}

func (h *Handler) doCode(w http.ResponseWriter, r *http.Request) {
	code, err := secret.ParseInvitationCode(r.PostFormValue("code"))
	id := ""
	switch {
	case errors.Is(err, secret.ErrCheckDigit):
		err = portal.ErrTrustCodeDigit
	case err != nil:
		err = portal.ErrTrustCodeForm
	default:
		id, err = h.opt.Portal.OpenInvitation(r.Context(), h.cookie(r, sessionCookie), code)
	}
	if err != nil {
		h.again(w, r, err, nil)
		return
	}
	http.Redirect(w, r, "/trusted/accept?"+url.Values{"id": {id}}.Encode(), http.StatusSeeOther)
}

// chargeOf finds one of the people whose phone this person may stop, or shows that
// there is none.
func (h *Handler) chargeOf(w http.ResponseWriter, r *http.Request, id string, states ...string) (portal.Charge, bool) {
	all, ok := h.trusting(w, r)
	if !ok {
		return portal.Charge{}, false
	}
	for _, c := range all.Charges {
		for _, s := range states {
			if c.ID == id && c.State == s {
				return c, true
			}
		}
	}
	http.Redirect(w, r, "/trusted", http.StatusSeeOther) // answered already, or over
	return portal.Charge{}, false
}

// accept asks whether this person wants to be the one who can stop the other's phone.
func (h *Handler) accept(w http.ResponseWriter, r *http.Request) {
	if c, ok := h.chargeOf(w, r, r.FormValue("id"), "opened"); ok {
		h.show(w, r, ui.Screen{Page: "trusted-accept", Data: c})
	}
}

func (h *Handler) stepTrust(step portal.TrustStep) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.opt.Portal.StepTrust(r.Context(), h.cookie(r, sessionCookie), r.PostFormValue("id"), step); err != nil {
			h.fail(w, r, err)
			return
		}
		http.Redirect(w, r, "/trusted", http.StatusSeeOther)
	}
}

// stopPage asks whose phone to stop, of who may be stopped by this person.
type stopPage struct {
	Charges []portal.Charge
	LogIn   bool // nobody is logged in: that comes first
}

// active are the people whose phone can be stopped; of them the one with this id where
// there is one.
func active(charges []portal.Charge, id string) []portal.Charge {
	var out []portal.Charge
	for _, c := range charges {
		if c.State == "active" && (id == "" || c.ID == id) {
			out = append(out, c)
		}
	}
	return out
}

func (h *Handler) stopCharge(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie)); errors.Is(err, portal.ErrNotLoggedIn) {
		h.show(w, r, ui.Screen{Page: "trusted-stop", Data: stopPage{LogIn: true}})
		return
	}
	if all, ok := h.trusting(w, r); ok {
		h.show(w, r, ui.Screen{Page: "trusted-stop", Data: stopPage{Charges: active(all.Charges, r.FormValue("id"))}})
	}
}

func (h *Handler) doStopCharge(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("id")
	if err := h.opt.Portal.SuspendCharge(r.Context(), h.cookie(r, sessionCookie), id); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/trusted/stopped?"+url.Values{"id": {id}}.Encode(), http.StatusSeeOther)
}

// chargeStopped says what becomes of it now.
func (h *Handler) chargeStopped(w http.ResponseWriter, r *http.Request) {
	if c, ok := h.chargeOf(w, r, r.FormValue("id"), "active"); ok {
		if !c.Stopped { // resumed meanwhile, or a link that somebody kept
			http.Redirect(w, r, "/trusted/stop?"+url.Values{"id": {c.ID}}.Encode(), http.StatusSeeOther)
			return
		}
		h.show(w, r, ui.Screen{Page: "trusted-stopped", Data: c})
	}
}

// Where a login leads to that was begun for one thing. It travels in a cookie beside
// the login's, and only these words are followed.
const (
	thenCookie = "then"
	thenStop   = "stop"    // a phone of somebody who trusts this person
	thenOwn    = "suspend" // the person's own
)

// keepThen notes what a login is for; the word of an older one is dropped.
func (h *Handler) keepThen(w http.ResponseWriter, r *http.Request, then string, until time.Time) {
	if then != "" {
		h.keep(w, thenCookie, then, until)
	} else if h.cookie(r, thenCookie) != "" {
		h.keep(w, thenCookie, "", time.Time{})
	}
}

// then is where a login that has just succeeded leads to.
func (h *Handler) then(w http.ResponseWriter, r *http.Request) string {
	was := h.cookie(r, thenCookie)
	if was != "" {
		h.keep(w, thenCookie, "", time.Time{})
	}
	switch was {
	case thenStop:
		return "/trusted/stop"
	case thenOwn:
		return "/suspend"
	}
	return "/home"
}
