package pages

import (
	"net/http"
	"net/url"
	"strings"

	"tegata/internal/ui"
)

// phoneCookie remembers which phone is in the hand: the person's own choice, asked
// once, changeable in the frame. It opens nothing. Only what the person presses on
// these pages changes it (the guard refuses posts from elsewhere): a link to some
// phone's page, which anybody can send, does not.
const phoneCookie = "phone"

func (h *Handler) holdPhone(w http.ResponseWriter, id string) {
	http.SetCookie(w, &http.Cookie{
		Name: phoneCookie, Value: url.QueryEscape(id), Path: "/", MaxAge: 365 * 24 * 60 * 60,
		HttpOnly: true, Secure: h.opt.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// inHand is the id of the phone in the hand, or "".
func inHand(r *http.Request) string {
	c, err := r.Cookie(phoneCookie)
	if err != nil {
		return ""
	}
	id, _ := url.QueryUnescape(c.Value) // what cannot be read names no phone
	return id
}

type listPage struct {
	Phones []look
	Link   string // a request to go on with once a phone is in the hand
}

// list lets a person take one of the phones on this machine in the hand.
func (h *Handler) list(w http.ResponseWriter, r *http.Request) { h.choose(w, r, "") }

func (h *Handler) choose(w http.ResponseWriter, r *http.Request, link string) {
	all, err := h.opt.Phones.All(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	var phones []look
	for _, p := range all {
		l, err := p.Look(r.Context())
		if err != nil {
			h.fail(w, r, err)
			return
		}
		phones = append(phones, lookOf(l, h.opt.Models))
	}
	if err := h.site.Render(w, r, ui.Screen{Page: "list", Data: listPage{Phones: phones, Link: link}}); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", "list", "error", err)
	}
}

func (h *Handler) hold(w http.ResponseWriter, r *http.Request) {
	id := r.PostFormValue("phone")
	if _, err := h.opt.Phones.Find(r.Context(), id); err != nil {
		h.site.FailForm(w, r, ui.TroubleOf(w, words(err)))
		return
	}
	h.holdPhone(w, id)
	to := "/p/" + url.PathEscape(id) + "/"
	if link := r.PostFormValue("link"); link != "" {
		to = strings.TrimSuffix(to, "/") + pathOf(link)
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// pathOf is the page of a phone for a link that was opened.
func pathOf(link string) string {
	if to := loosenURL(link); to != "" {
		return to
	}
	return "/request?request_uri=" + url.QueryEscape(link)
}

// open is where a same-device link and a QR code lead: to the phone that is in
// the hand, or to the question which one it is.
func (h *Handler) open(w http.ResponseWriter, r *http.Request) {
	link := r.URL.Query().Get("request_uri")
	if link == "" && r.URL.Query().Get("rules") != "" {
		link = h.opt.Origin + r.URL.RequestURI() // a change of limits: see pathOf
	}
	if link == "" {
		h.fail(w, r, errNoLink)
		return
	}
	if id := inHand(r); id != "" {
		if _, err := h.opt.Phones.Find(r.Context(), id); err == nil {
			http.Redirect(w, r, "/p/"+url.PathEscape(id)+pathOf(link), http.StatusSeeOther)
			return
		}
	}
	h.choose(w, r, link)
}
