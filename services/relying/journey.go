package relying

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
)

// ErrOtherPerson: somebody else confirmed on the phone than the one whose session it is.
var ErrOtherPerson = errors.New("relying: another person came back than had logged in")

// login begins a login of the class R2. Whoever was logged in before is so no more, and
// nothing of theirs is kept for who comes.
func (p *Pages[T]) login(w http.ResponseWriter, r *http.Request) {
	old, _ := p.sessions.Find(r)
	var s Session[T]
	if p.c.Asked != nil {
		s.Keeps = p.c.Asked(r)
	}
	var err error
	if s.Login, s.To, err = p.c.Client.Begin(r.Context(), Request{Scopes: p.c.Facts, ACR: "r2"}); err != nil {
		p.Fail(w, r, err)
		return
	}
	p.sessions.Begin(w, old, s)
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// LogInAgain has somebody who is logged in log in anew, for what only a new login allows;
// change notes that with the session.
func (p *Pages[T]) LogInAgain(w http.ResponseWriter, r *http.Request, token string, change func(keeps *T)) {
	l, to, err := p.c.Client.Begin(r.Context(), Request{Scopes: p.c.Facts, ACR: "r2"})
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	p.lead(w, r, token, l, to, change)
}

// Sign brings a document, and leads to the phone; change, which may be nil, notes with the
// session what is awaited. A double click brings it once. Where an earlier signature came to nothing it is
// asked for under another transaction.
func (p *Pages[T]) Sign(w http.ResponseWriter, r *http.Request, token string, s Session[T], d Document, change func(keeps *T)) {
	id, err := p.c.Client.Bring(r.Context(), d, fmt.Sprintf("%s-%d", sum(d.Content), s.tries))
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	l, to, err := p.c.Client.Begin(r.Context(), Request{Scopes: slices.Concat([]string{"sign"}, p.c.SignFacts, d.Facts), ACR: "r3", Transaction: id})
	if err != nil {
		// It may be that the transaction is used up, though no answer of it ever came.
		p.sessions.Change(token, func(v *Session[T]) { v.tries++ })
		p.Fail(w, r, err)
		return
	}
	p.lead(w, r, token, l, to, change)
}

// lead leads the browser of a session to the provider.
func (p *Pages[T]) lead(w http.ResponseWriter, r *http.Request, token string, l Login, to string, change func(keeps *T)) {
	p.sessions.Change(token, func(v *Session[T]) {
		v.Login, v.To = l, to
		if change != nil {
			change(&v.Keeps)
		}
	})
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// sum is a document's SHA-256 as the provider writes it.
func sum(content []byte) string {
	h := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(h[:])
}

// leadAway leads elsewhere: a page of its own, since a form's redirect may not leave this
// origin (Content Security Policy Level 3, section 6.4.1). The handle in the provider's
// address is good once, for a minute.
func (p *Pages[T]) leadAway(w http.ResponseWriter, r *http.Request) {
	_, s := p.sessions.Find(r)
	if s.To == "" {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	w.Header().Set("Refresh", "0; url="+s.To)
	p.Show(w, r, p.c.Leads(s))
}

// callback is where the provider sends the browser back to.
func (p *Pages[T]) callback(w http.ResponseWriter, r *http.Request) {
	token, s := p.sessions.Find(r)
	l := p.sessions.Take(token, r.URL.Query().Get("state"))
	// Whatever becomes of the browser: what it came for is done to its end, and what was
	// signed is recorded.
	ctx := context.WithoutCancel(r.Context())
	var to string
	var err error
	switch {
	case l.State == "":
		to, err = p.again(s)
	case l.Transaction == "":
		to, err = p.arrive(ctx, w, token, s, l, r.URL.Query())
	default:
		to, err = p.settle(ctx, w, token, s, l, r.URL.Query())
	}
	if err != nil {
		p.Fail(w, r, err)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// again is where a browser goes that brings no answer to a login of its own. A login that
// waits goes on waiting.
func (p *Pages[T]) again(s Session[T]) (to string, err error) {
	switch {
	case s.Sub == "":
		return "", ErrNotAsked
	case p.c.Again != nil:
		return p.c.Again(s)
	}
	return "/home", nil
}

// arrive ends a login.
func (p *Pages[T]) arrive(ctx context.Context, w http.ResponseWriter, token string, s Session[T], l Login, brought url.Values) (to string, err error) {
	who, err := p.c.Client.Finish(ctx, l, brought)
	if err != nil {
		return "", err
	}
	now := Session[T]{Sub: who.Sub, SID: who.SID, Claims: who.Claims}
	if p.c.Arrived != nil {
		to, err = p.c.Arrived(ctx, who, s, &now)
	}
	p.sessions.Begin(w, token, now)
	return cmp.Or(to, "/home"), err
}

// settle ends a login in which something was signed. A browser may ask for the address of
// the answer twice: Taken is what the second finds.
func (p *Pages[T]) settle(ctx context.Context, w http.ResponseWriter, token string, s Session[T], l Login, brought url.Values) (to string, err error) {
	a, ok := p.c.Awaits(s)
	if !ok {
		return "", ErrNotAsked
	}
	p.sessions.Change(token, func(v *Session[T]) { v.Taken, v.tries = Taken{To: a.At, Busy: true}, v.tries+1 })
	to, err = p.receive(ctx, s, l, brought, a)
	became := Taken{To: to}
	if err != nil {
		became = Taken{To: a.At, Trouble: p.c.Trouble(w, err)}
	}
	p.sessions.Change(token, func(v *Session[T]) {
		v.Taken = became
		p.c.Settled(&v.Keeps, err)
	})
	return to, err
}

// receive fetches what was signed, and has the service receive it.
func (p *Pages[T]) receive(ctx context.Context, s Session[T], l Login, brought url.Values, a Awaited) (to string, err error) {
	who, err := p.c.Client.Finish(ctx, l, brought)
	switch {
	case errors.Is(err, ErrDenied):
		return "", errors.Join(err, p.c.GaveUp(ctx))
	case err != nil:
		return "", err
	case s.Sub != who.Sub:
		return "", ErrOtherPerson
	}
	signed, err := p.c.Client.Fetch(ctx, who, l.Transaction, sum(a.Content))
	if err != nil {
		return "", err
	}
	return a.Receive(ctx, who.Claims, signed)
}

// leave logs a browser out here alone.
func (p *Pages[T]) leave(w http.ResponseWriter, r *http.Request) {
	token, _ := p.sessions.Find(r)
	p.sessions.Drop(token)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// backChannel ends sessions that the provider ended (OpenID Connect Back-Channel Logout
// 1.0, section 2.8).
func (p *Pages[T]) backChannel(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // section 2.8
	e, err := p.c.Client.ReadLogout(r.Context(), r.PostFormValue("logout_token"))
	if errors.Is(err, ErrProvider) { // nobody knows yet whether it ends anything: the provider tries again
		http.Error(w, "provider", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, "logout_token", http.StatusBadRequest)
		return
	}
	p.sessions.End(e)
}
