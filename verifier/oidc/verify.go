package oidc

import (
	"net/http"
	"slices"
)

// MayVerify says whether a call of POST /v1/verify is a client's that may have documents
// signed, by a token of its own: what it had signed it may ask about for as long as it
// keeps it. A login's token opens one document, and not this. Any other call is answered.
func (p *Provider) MayVerify(w http.ResponseWriter, r *http.Request) bool {
	a, err := p.enter(r)
	if err == nil {
		err = p.mayVerify(a)
	}
	if err != nil {
		w.Header().Set("Cache-Control", "no-store")
		refuseAccess(w, r, err)
	}
	return err == nil
}

func (p *Provider) mayVerify(a access) error {
	switch {
	case a.facts != nil || !slices.Contains(a.scopes, scopeSign) || !a.client.signs():
		return ErrSignScope
	case !p.documents.Count(a.client.ID):
		return ErrSignMany
	}
	return nil
}
