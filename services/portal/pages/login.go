package pages

import (
	"errors"
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// waitPoll is how often the waiting screen asks how the login stands.
const waitPoll = 2 * time.Second

type startPage struct {
	Bye   bool   // has just logged out
	Phone string // origin of the phones' pages, where secrets are told apart; "" when there is none
}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie)); err == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	h.show(w, r, ui.Screen{Page: "start", Data: startPage{Phone: h.opt.Phone}})
}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) { h.logIn(w, r, "") }

// logIn begins a login and binds it to this browser; then is what it is for.
func (h *Handler) logIn(w http.ResponseWriter, r *http.Request, then string) {
	channel, to := ceremony.Same, "/login/phone"
	if r.PostFormValue("with") == "other" {
		channel, to = ceremony.Cross, "/login/wait"
	}
	token, l, err := h.opt.Portal.Begin(r.Context(), channel)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.keep(w, loginCookie, token, l.ExpiresAt)
	h.keepThen(w, r, then, l.ExpiresAt)
	http.Redirect(w, r, to, http.StatusSeeOther)
}

type phonePage struct {
	Link string
}

// phone leads to the phone in this browser. It is a page of its own because a
// form's redirect may not leave this origin (CSP form-action); the browser goes
// on at once, and back leads past it.
func (h *Handler) phone(w http.ResponseWriter, r *http.Request) {
	l, err := h.opt.Portal.Waiting(r.Context(), h.cookie(r, loginCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	link := h.opt.Portal.PhoneLink(l.RequestURI)
	w.Header().Set("Refresh", "0; url="+link)
	h.show(w, r, ui.Screen{Page: "phone", Data: phonePage{link}})
}

type waitPage struct {
	State portal.State
	Match string
	Link  string // what the QR code holds
	Until time.Time
}

// wait shows the QR code and the number until the phone has answered. A login on
// this device is never finished here.
func (h *Handler) wait(w http.ResponseWriter, r *http.Request) {
	token := h.cookie(r, loginCookie)
	l, err := h.opt.Portal.Waiting(r.Context(), token)
	if err != nil {
		h.over(w, r, err)
		return
	}
	if l.Channel != string(ceremony.Cross) {
		http.Redirect(w, r, "/login/phone", http.StatusSeeOther)
		return
	}
	state, session, err := h.opt.Portal.Poll(r.Context(), token)
	if err != nil {
		h.over(w, r, err)
		return
	}
	if session != "" {
		h.finished(w, r, session)
		return
	}
	h.show(w, r, ui.Screen{Page: "wait", Poll: waitPoll, Data: waitPage{
		State: state, Match: l.Match, Link: h.opt.Portal.PhoneLink(l.RequestURI), Until: l.ExpiresAt,
	}})
}

// over ends what this browser began and says why.
func (h *Handler) over(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, portal.ErrOtherBrowser) && h.cookie(r, loginCookie) == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther) // began nothing, or went back after logging in
		return
	}
	h.fail(w, r, err)
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request) {
	h.keep(w, loginCookie, "", time.Time{})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// back is where the phone sends this browser, with a code that opens the result
// once.
func (h *Handler) back(w http.ResponseWriter, r *http.Request) {
	session, err := h.opt.Portal.Return(r.Context(), h.cookie(r, loginCookie), r.URL.Query().Get("response_code"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.finished(w, r, session)
}

// finished swaps the login cookie for the session's and goes home; the address
// with the code does not stay in the history.
func (h *Handler) finished(w http.ResponseWriter, r *http.Request, session string) {
	h.keep(w, loginCookie, "", time.Time{})
	s, _, err := h.opt.Portal.SessionOf(r.Context(), session)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	// The session that this one takes the place of in this browser ends with it.
	if err := h.opt.Portal.Logout(r.Context(), h.cookie(r, sessionCookie)); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "an older session did not end", "error", err)
	}
	h.keep(w, sessionCookie, session, s.Ends)
	http.Redirect(w, r, h.then(w, r), http.StatusSeeOther)
}

// logout takes the cookie from the browser whatever happens: who comes next at this
// screen has none. That the session could not be ended beside it is still said.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	err := h.opt.Portal.Logout(r.Context(), h.cookie(r, sessionCookie))
	h.keep(w, sessionCookie, "", time.Time{})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/bye", http.StatusSeeOther)
}

func (h *Handler) bye(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "start", Data: startPage{Bye: true, Phone: h.opt.Phone}})
}
