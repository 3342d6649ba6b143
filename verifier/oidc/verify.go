package oidc

import (
	"net/http"
	"slices"
)

// Limits on the verdicts that one client asks for. Its documents are counted apart: who asks
// about what it keeps can still have something signed.
const (
	verdictsPerSecond = 5
	verdictBurst      = 200
)

// MayVerify says whether a call of POST /v1/verify is a client's that is registered for
// signing, by a token of its own. Such a client may have any signature checked, whoever had
// it made: what a party is to rely on may have been signed elsewhere, and what was signed
// here is erased minutes later. A login's token opens one document, and not this. Any other
// call is answered.
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
	case !p.verdicts.Count(a.client.ID):
		return ErrVerifyMany
	}
	return nil
}
