package pay

import (
	"context"
	"crypto/rand"
	"net/http"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// facts are the scopes of everything that a wallet and a link need.
var facts = []string{"name", "address", "birthdate", "gender"}

// troubleOf is an error in the wallet's words.
func troubleOf(w http.ResponseWriter, err error) *ui.Trouble {
	words := relying.Words{Declined: ErrDeclined, Answer: ErrAnswer, Signature: ErrSignature, Provider: ErrProvider}
	return ui.TroubleOf(w, words.Of(err))
}

// again has somebody who is logged in log in anew, for what only a new login allows.
func (h *Handler) again(v visit, what then) {
	what.At = time.Now() // the provider's auth_time is by the wall's clock too
	h.pages.LogInAgain(v.w, v.r, v.token, func(k *keeps) { k.Then = what })
}

// leads is the page that leads to the provider, or to the bank.
func (h *Handler) leads(s session) ui.Screen {
	name := "go"
	if s.Login.State == "" {
		name = "tobank"
	}
	return h.screen(name, page{Link: s.To}, 0)
}

// loginSlack is by how much the provider's clock may be behind.
const loginSlack = 5 * time.Second

// arrived does what a login was for.
func (h *Handler) arrived(ctx context.Context, who *relying.Person, before session, now *session) (string, error) {
	if before.Sub != "" && before.Sub != who.Sub { // somebody else: nothing of the first one's goes on
		return "/home", nil
	}
	now.Keeps = before.Keeps
	now.Keeps.Then = then{}
	switch next := before.Keeps.Then; {
	case next.What == "":
		return "/home", nil
	case who.AuthTime.Before(next.At.Add(-loginSlack)): // a session of the provider's that was there before would not do
		return "", ErrStale
	case next.What == "link":
		return h.linking(ctx, now, next)
	default:
		return "/settings", h.opt.Pay.Lower(ctx, who.Sub, Switch(next.What))
	}
}

// linking asks the bank for a mandate, for the holder of a login that just ended, and leads
// there.
func (h *Handler) linking(ctx context.Context, now *session, what then) (string, error) {
	l := link{ID: rand.Text(), State: rand.Text()}
	m, to, err := h.opt.Pay.Link(ctx, now.Sub, AttributesOf(now.Claims), l.ID, l.State, what.Once, what.Day)
	if err != nil {
		now.Keeps.Link = link{}
		h.opt.Log.WarnContext(ctx, "no mandate was asked for", "mandate", m.ID, "error", err)
		return "", err
	}
	now.Keeps.Link, now.To = l, to
	return "/go", nil
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

// sign brings the terms, and leads to the phone.
func (h *Handler) sign(w http.ResponseWriter, r *http.Request, token string, s session) {
	d := s.Keeps.Draft
	if d == nil {
		http.Redirect(w, r, "/terms", http.StatusSeeOther)
		return
	}
	h.pages.Sign(w, r, token, s, relying.Document{Content: d.Document, Name: "terms.txt", MediaType: "text/plain", Format: "cades", Purpose: SignPurpose}, nil)
}

// awaits is the signature that a session waits for.
func (h *Handler) awaits(s session) (relying.Awaited, bool) {
	d := s.Keeps.Draft
	if d == nil {
		return relying.Awaited{}, false
	}
	return relying.Awaited{Content: d.Document, At: "/home", Receive: func(ctx context.Context, login relying.Claims, signed relying.Signed) (string, error) {
		return "/home", h.opt.Pay.Receive(ctx, s.Sub, *d, AttributesOf(login), signed)
	}}, true
}

// settled forgets the draft: after a signature that came to nothing another one is drawn.
func settled(k *keeps, _ error) { k.Draft = nil }
