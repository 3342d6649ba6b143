package gateway

import (
	"context"

	"tegata/internal/ceremony"
)

// What the OpenID Provider, which keeps what relying parties have of a person, needs to
// know of persons. None of it is told over HTTP.

// PersonOf names the person behind a result of a party's that passed, as grants name
// them. ErrResultUnknown when there is no such result.
func (g *Gateway) PersonOf(ctx context.Context, party, resultID string) (string, error) {
	r, _, err := g.resultOf(ctx, ceremony.Caller{Party: party}, resultID)
	if err != nil {
		return "", err
	}
	if r.State != Done || r.Outcome.Verdict != ceremony.Passed {
		return "", ErrResultUnknown
	}
	return r.Outcome.Person, nil
}

// Granted lets a party in that a person's login gave a grant of a scope of ours which
// lasts, and names the person. authorization is its own assertion, which is used up.
// ErrGrant, or what Enter says.
func (g *Gateway) Granted(ctx context.Context, authorization, compact, scope string) (ceremony.Grant, error) {
	at := g.c.Now()
	caller, err := g.Enter(ctx, authorization, at)
	if err != nil {
		return ceremony.Grant{}, err
	}
	return g.granted(compact, caller, scope, at)
}
