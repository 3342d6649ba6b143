package bank

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// facts are the scopes of everything that an application needs.
var facts = []string{"name", "address", "birthdate", "gender"}

func attributes(c relying.Claims) Attributes {
	return Attributes{Name: c.Name, Address: c.Address.Formatted, Birthdate: c.Birthdate, Gender: c.Gender}
}

// said is an error of the provider's in the bank's words.
func said(err error) error {
	refused := (*relying.RefusedError)(nil)
	switch {
	case errors.Is(err, relying.ErrDenied):
		return ErrDeclined.Because(err)
	case errors.Is(err, relying.ErrNotAsked), errors.Is(err, relying.ErrWeak), errors.Is(err, relying.ErrOtherSigner):
		return ErrAnswer.Because(err)
	case errors.Is(err, relying.ErrProvider), errors.As(err, &refused):
		return ErrProvider.Because(err)
	}
	return err
}

// login begins a login of the class R2: for a mandate or a consent, when the form names one. Whoever was
// logged in before is so no more, and nothing of theirs is kept for who comes.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	old, _ := h.sessions.Find(r)
	var k keeps
	if id := r.PostFormValue("mandate"); mandateID.MatchString(id) {
		k.After = "/mandates/" + id
	}
	if link := r.PostFormValue("consent"); invitation.MatchString(link) {
		k.After = "/consent/" + link
	}
	l, to, err := h.opt.Party.Begin(r.Context(), relying.Request{Scopes: facts, ACR: "r2"})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Begin(w, old, session{Login: l, To: to, Keeps: k})
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// sign brings a document, and leads to the phone. A double click brings it once; a
// signature that did not arrive is asked for under another transaction.
func (h *Handler) sign(w http.ResponseWriter, r *http.Request, token string, tries int, d relying.Document) {
	sum := sha256.Sum256(d.Content)
	id, err := h.opt.Party.Bring(r.Context(), d, fmt.Sprintf("%s-%d", base64.RawURLEncoding.EncodeToString(sum[:]), tries))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	l, to, err := h.opt.Party.Begin(r.Context(), relying.Request{Scopes: append([]string{"sign"}, facts...), ACR: "r3", Transaction: id})
	if err != nil {
		// It may be that the transaction is used up, though no answer of it ever came.
		h.sessions.Change(token, func(v *session) { v.Keeps.Tries++ })
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Login, v.To = l, to })
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// leadAway leads elsewhere: a page of its own, since a form's redirect may not leave this
// origin. The handle in the provider's address is good once, for a minute.
func (h *Handler) leadAway(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	if s.To == "" {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Refresh", "0; url="+s.To)
	h.show(w, r, "go", page{Link: s.To}, 0)
}

// callback is where the provider sends the browser back to.
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	token, s := h.sessions.Find(r)
	l := h.sessions.Take(token, r.URL.Query().Get("state"))
	switch {
	case l.State == "" && s.Login.State != "": // not of the login that waits, which goes on waiting
		h.fail(w, r, ErrAnswer)
	case l.State == "" && s.Sub != "": // a reload, or the way back
		http.Redirect(w, r, cmp.Or(s.Keeps.Taken.To, "/home"), http.StatusSeeOther)
	case l.Transaction == "":
		h.arrive(w, r, token, s, l)
	default:
		h.signed(w, r, token, s, l)
	}
}

// arrive ends a login.
func (h *Handler) arrive(w http.ResponseWriter, r *http.Request, token string, s session, l relying.Login) {
	who, err := h.opt.Party.Finish(r.Context(), l, r.URL.Query())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Begin(w, token, session{Sub: who.Sub, SID: who.SID, Claims: who.Claims})
	http.Redirect(w, r, cmp.Or(s.Keeps.After, "/home"), http.StatusSeeOther)
}

// signed ends a signature.
func (h *Handler) signed(w http.ResponseWriter, r *http.Request, token string, s session, l relying.Login) {
	var to string // where the outcome is shown meanwhile
	var receive func(context.Context, *relying.Person) (string, error)
	switch {
	case s.Keeps.Signs == signsDraft && s.Keeps.Draft != nil:
		to, receive = "/applications/"+s.Keeps.Draft.ID, h.receiveDraft(s, l)
	case s.Keeps.Signs == signsPermission && s.Keeps.Permission != nil:
		to, receive = "/mandates/"+s.Keeps.Permission.Mandate.ID, h.receivePermission(s, l)
	case s.Keeps.Signs == signsPaper && s.Keeps.Paper != nil:
		to, receive = cmp.Or(s.Keeps.Paper.To, "/home"), h.receivePaper(s, l)
	default:
		h.fail(w, r, ErrAnswer)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Taken, v.Keeps.Tries = taken{To: to}, v.Keeps.Tries+1 })
	// Whatever becomes of the browser: what was signed is recorded.
	to, err := h.take(context.WithoutCancel(r.Context()), s, l, r.URL.Query(), receive)
	if err != nil {
		t := ui.TroubleOf(w, said(err))
		h.sessions.Change(token, func(v *session) { v.Keeps.Taken.Trouble = t })
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) {
		v.Keeps.Draft, v.Keeps.Permission, v.Keeps.Paper, v.Keeps.Taken.To = nil, nil, nil, to
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// take ends the login in which something was signed, and has it received; it returns where
// the browser goes.
func (h *Handler) take(ctx context.Context, s session, l relying.Login, brought url.Values, receive func(context.Context, *relying.Person) (string, error)) (string, error) {
	who, err := h.opt.Party.Finish(ctx, l, brought)
	if errors.Is(err, relying.ErrDenied) {
		return "", errors.Join(err, h.opt.Bank.GaveUp(ctx))
	}
	if err != nil {
		return "", err
	}
	if s.Sub != who.Sub {
		return "", ErrSignature
	}
	return receive(ctx, who)
}

// receiveDraft fetches a signed application and has the bank receive it.
func (h *Handler) receiveDraft(s session, l relying.Login) func(context.Context, *relying.Person) (string, error) {
	return func(ctx context.Context, who *relying.Person) (string, error) {
		d := *s.Keeps.Draft
		signed, err := h.opt.Party.Fetch(ctx, who, l.Transaction, d.sha256())
		if err != nil {
			return "", err
		}
		return "/applications/" + d.ID, h.opt.Bank.Receive(ctx, s.Sub, d, attributes(who.Claims), signed)
	}
}

// receivePermission fetches a signed permission and grants the mandate.
func (h *Handler) receivePermission(s session, l relying.Login) func(context.Context, *relying.Person) (string, error) {
	return func(ctx context.Context, who *relying.Person) (string, error) {
		p := *s.Keeps.Permission
		signed, err := h.opt.Party.Fetch(ctx, who, l.Transaction, p.sha256())
		if err != nil {
			return "", err
		}
		code, err := h.opt.Bank.Grant(ctx, s.Sub, p, attributes(who.Claims), signed)
		if err != nil {
			return "", err
		}
		return p.Creditor.BackTo(p.Mandate, "code", code), nil
	}
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
