package pay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// facts are the scopes of everything that a wallet and a link need.
var facts = []string{"name", "address", "birthdate", "gender"}

// login begins a login of the class R2.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	old, _ := h.sessions.Find(r)
	l, to, err := h.opt.Party.Begin(r.Context(), relying.Request{Scopes: facts, ACR: "r2"})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Begin(w, old, session{Login: l, To: to})
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// again has somebody who is logged in log in anew, for what only a new login allows.
func (h *Handler) again(v visit, what then) {
	what.At = time.Now() // the provider's auth_time is by the wall's clock too
	l, to, err := h.opt.Party.Begin(v.r.Context(), relying.Request{Scopes: facts, ACR: "r2"})
	if err != nil {
		h.fail(v.w, v.r, err)
		return
	}
	h.sessions.Change(v.token, func(s *session) { s.Login, s.To, s.Keeps.Then = l, to, what })
	http.Redirect(v.w, v.r, "/go", http.StatusSeeOther)
}

// leadAway leads elsewhere: a page of its own, since a form's redirect may not leave this
// origin.
func (h *Handler) leadAway(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	if s.To == "" {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Refresh", "0; url="+s.To)
	name := "go"
	if s.Login.State == "" {
		name = "tobank"
	}
	h.show(w, r, name, page{Link: s.To}, 0)
}

// callback is where the provider sends the browser back to.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	token, s := h.sessions.Find(r)
	l := h.sessions.Take(token, r.URL.Query().Get("state"))
	switch {
	case l.State == "" && s.Sub != "": // a reload, or the way back
		http.Redirect(w, r, "/home", http.StatusSeeOther)
	case l.Transaction != "":
		h.signed(w, r, token, s, l)
	default:
		h.arrive(w, r, token, s, l)
	}
}

// loginSlack is by how much the provider's clock may be behind.
const loginSlack = 5 * time.Second

// arrive ends a login, and does what it was for.
func (h *Handler) arrive(w http.ResponseWriter, r *http.Request, token string, s session, l relying.Login) {
	who, err := h.opt.Party.Finish(r.Context(), l, r.URL.Query())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	next := s.Keeps.Then
	s.Keeps.Then = then{}
	if s.Sub != "" && s.Sub != who.Sub { // somebody else: nothing of the first one's goes on
		s.Keeps, next = keeps{}, then{}
	}
	fresh := session{Sub: who.Sub, SID: who.SID, Claims: who.Claims, Keeps: s.Keeps}
	if next.What == "" {
		h.sessions.Begin(w, token, fresh)
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	// A session of the provider's that was there before would not do.
	if who.AuthTime.Before(next.At.Add(-loginSlack)) {
		h.sessions.Begin(w, token, fresh)
		h.fail(w, r, ErrStale)
		return
	}
	// Whatever becomes of the browser: what was asked for is done to its end.
	ctx := context.WithoutCancel(r.Context())
	if next.What == "link" {
		h.linking(ctx, w, r, token, fresh, next)
		return
	}
	h.sessions.Begin(w, token, fresh)
	if err := h.opt.Pay.Lower(ctx, who.Sub, Switch(next.What)); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/settings", http.StatusSeeOther)
}

// linking asks the bank for a mandate, for the holder of a login that just ended, and leads
// there.
func (h *Handler) linking(ctx context.Context, w http.ResponseWriter, r *http.Request, token string, fresh session, what then) {
	fresh.Keeps.Link = link{ID: rand.Text(), State: rand.Text()}
	m, to, err := h.opt.Pay.Link(ctx, fresh.Sub, AttributesOf(fresh.Claims), fresh.Keeps.Link.ID, fresh.Keeps.Link.State, what.Once, what.Day)
	if err != nil {
		fresh.Keeps.Link = link{}
		h.sessions.Begin(w, token, fresh)
		h.opt.Log.WarnContext(ctx, "no mandate was asked for", "mandate", m.ID, "error", err)
		h.fail(w, r, err)
		return
	}
	fresh.To = to
	h.sessions.Begin(w, token, fresh)
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// terms shows what is to be signed.
func (h *Handler) terms(w http.ResponseWriter, r *http.Request, token string, s session) {
	who := AttributesOf(s.Claims)
	d := s.Keeps.Draft
	if d == nil || d.Who != who {
		drawn, err := h.opt.Pay.Draw(r.Context(), rand.Text(), s.Sub, who)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		d = &drawn
		h.sessions.Change(token, func(v *session) { v.Keeps.Draft = d })
	} else if _, err := h.opt.Pay.May(r.Context(), s.Sub, who); err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "terms", page{Who: who, Draft: d, In: true}, 0)
}

// sign brings the terms once, and leads to the phone. The draft's id is the key by which a
// double click brings it once.
func (h *Handler) sign(w http.ResponseWriter, r *http.Request, token string, s session) {
	d := s.Keeps.Draft
	if d == nil {
		http.Redirect(w, r, "/terms", http.StatusSeeOther)
		return
	}
	id, err := h.opt.Party.Bring(r.Context(), relying.Document{Content: d.Document, Name: "terms.txt", MediaType: "text/plain", Format: "cades", Purpose: SignPurpose}, d.ID)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	l, to, err := h.opt.Party.Begin(r.Context(), relying.Request{Scopes: append([]string{"sign"}, facts...), ACR: "r3", Transaction: id})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Login, v.To = l, to })
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// signed ends a signature.
func (h *Handler) signed(w http.ResponseWriter, r *http.Request, token string, s session, l relying.Login) {
	if s.Keeps.Draft == nil {
		h.fail(w, r, ErrAnswer)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Taking, v.Keeps.Failed = true, nil })
	// Whatever becomes of the browser: what was signed is recorded.
	err := h.take(context.WithoutCancel(r.Context()), s, l, r.URL.Query())
	if err != nil {
		t := ui.TroubleOf(w, said(err))
		h.sessions.Change(token, func(v *session) { v.Keeps.Taking, v.Keeps.Failed, v.Keeps.Draft = false, t, nil })
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Taking, v.Keeps.Draft = false, nil })
	http.Redirect(w, r, "/home", http.StatusSeeOther)
}

// take ends the login in which the terms were signed, fetches what was signed, and has the
// wallet opened.
func (h *Handler) take(ctx context.Context, s session, l relying.Login, brought url.Values) error {
	who, err := h.opt.Party.Finish(ctx, l, brought)
	if errors.Is(err, relying.ErrDenied) {
		return errors.Join(err, h.opt.Pay.GaveUp(ctx))
	}
	if err != nil {
		return err
	}
	d := *s.Keeps.Draft
	if s.Sub != who.Sub {
		return ErrSignature
	}
	sum := sha256.Sum256(d.Document)
	signed, err := h.opt.Party.Fetch(ctx, who, l.Transaction, base64.RawURLEncoding.EncodeToString(sum[:]))
	if err != nil {
		return err
	}
	return h.opt.Pay.Receive(ctx, s.Sub, d, AttributesOf(who.Claims), signed)
}

func (h *Handler) leave(w http.ResponseWriter, r *http.Request) {
	token, _ := h.sessions.Find(r)
	h.sessions.Drop(token)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// backChannel ends sessions that the provider ended (OpenID Connect Back-Channel Logout
// 1.0, section 2.8).
func (h *Handler) backChannel(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	e, err := h.opt.Party.ReadLogout(r.Context(), r.PostFormValue("logout_token"))
	if errors.Is(err, relying.ErrProvider) { // tried again
		http.Error(w, "provider", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, "logout_token", http.StatusBadRequest)
		return
	}
	h.sessions.End(e)
}
