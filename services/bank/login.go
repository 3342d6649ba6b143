package bank

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// facts are the scopes of everything that an application needs.
var facts = []string{"name", "address", "birthdate", "gender"}

func attributes(c relying.Claims) Attributes {
	return Attributes{Name: c.Name, Address: c.Address.Formatted, Birthdate: c.Birthdate, Gender: c.Gender}
}

// troubleOf is an error in the bank's words.
func troubleOf(w http.ResponseWriter, err error) *ui.Trouble {
	if errors.Is(err, relying.ErrDataChanged) { // a refusal, and not by the person
		return ui.TroubleOf(w, ErrDataChanged.Because(err))
	}
	words := relying.Words{Declined: ErrDeclined, Answer: ErrAnswer, Signature: ErrSignature, Provider: ErrProvider}
	return ui.TroubleOf(w, words.Of(err))
}

// asked is what a login is for: a mandate or a consent, when the form names one.
func asked(r *http.Request) (k keeps) {
	if id := r.PostFormValue("mandate"); mandateID.MatchString(id) {
		k.After = "/mandates/" + id
	}
	if link := r.PostFormValue("consent"); invitation.MatchString(link) {
		k.After = "/consent/" + link
	}
	return k
}

// leads is the page that leads elsewhere.
func leads(s session) ui.Screen { return ui.Screen{Page: "go", Data: page{Link: s.To}} }

// arrived is where a login leads. Nothing of the session before it goes on.
func arrived(_ context.Context, _ *relying.Person, before session, _ *session) (string, error) {
	return before.Keeps.After, nil
}

// again is where a reload of an answer leads, or the way back: to what came of it. What is no
// answer to a login that waits is not taken for one.
func again(s session) (string, error) {
	if s.Login.State != "" {
		return "", ErrAnswer
	}
	return cmp.Or(s.Taken.To, "/home"), nil
}

// awaits is the signature that a session waits for.
func (h *Handler) awaits(s session) (relying.Awaited, bool) {
	switch d, p := s.Keeps.Draft, s.Keeps.Permission; {
	case s.Keeps.Signs == signsDraft && d != nil:
		to := "/applications/" + d.ID
		return relying.Awaited{Content: d.Document, At: to, Receive: func(ctx context.Context, login relying.Claims, signed relying.Signed) (string, error) {
			return to, h.opt.Bank.Receive(ctx, s.Sub, *d, attributes(login), signed)
		}}, true
	case s.Keeps.Signs == signsPermission && p != nil:
		return relying.Awaited{Content: p.Document, At: "/mandates/" + p.Mandate.ID, Receive: func(ctx context.Context, login relying.Claims, signed relying.Signed) (string, error) {
			code, err := h.opt.Bank.Grant(ctx, s.Sub, *p, attributes(login), signed)
			return p.Creditor.BackTo(p.Mandate, "code", code), err
		}}, true
	case s.Keeps.Signs == signsPaper && s.Keeps.Paper != nil:
		return h.awaitsPaper(*s.Keeps.Paper), true
	}
	return relying.Awaited{}, false
}

// settled forgets what was signed. What came to nothing can be signed again.
func settled(k *keeps, err error) {
	if err == nil {
		k.Draft, k.Permission, k.Paper = nil, nil, nil
	}
}
