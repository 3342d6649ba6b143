package portal

import (
	"context"
	"fmt"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// The holder's own limits are the verifier's to keep and to enforce; here they are
// shown, raised, and loosened as far as the card's word. Nothing of them rests here.

// RulesOf asks what limits hold for who is logged in: at this moment, unlike the rest of
// the desk. ErrNoRules when this login brought no grant for them.
func (p *Portal) RulesOf(ctx context.Context, token string) (held ceremony.HeldRules, err error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return held, err
	}
	headers, err := p.rulesGrant(s)
	if err != nil {
		return held, err
	}
	return held, httpd.GetJSON(ctx, p.client, p.config.Verifier+"/v1/rules", &held, headers...)
}

// Changed is what became of a change of limits.
type Changed struct {
	Waits    bool   // for the card: something in it is looser, and none of it holds yet
	Proposal string // its number, when it waits
}

// ChangeRules makes limits hold, when they are stricter, or prepares them for the card.
// id is the form's: sent twice it is one change. Errors are problems: ErrNotLoggedIn,
// ErrNoRules, the verifier's own.
func (p *Portal) ChangeRules(ctx context.Context, token, id string, from, to ceremony.Rules) (Changed, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return Changed{}, err
	}
	headers, err := p.rulesGrant(s)
	if err != nil {
		return Changed{}, err
	}
	to.Version = from.Version + 1
	change := ceremony.RulesChange{ID: id, Rules: to}
	if !from.Looser(to) {
		return Changed{}, httpd.PutJSON(ctx, p.client, p.config.Verifier+"/v1/rules", change, nil, headers...)
	}
	if err := httpd.PostJSON(ctx, p.client, p.config.Verifier+"/v1/rules/proposals", change, nil, headers...); err != nil {
		return Changed{}, err
	}
	return Changed{Waits: true, Proposal: id}, nil
}

// Proposed asks how a prepared change stands, and what it would loosen.
func (p *Portal) Proposed(ctx context.Context, token, id string) (prepared ceremony.RulesProposal, link string, err error) {
	if _, _, err := p.SessionOf(ctx, token); err != nil {
		return prepared, "", err
	}
	if !ceremony.ValidID(id) {
		return prepared, "", ErrNoChange
	}
	address := p.config.Verifier + "/v1/rules/proposals/" + id
	if err := httpd.GetJSON(ctx, p.client, address, &prepared); err != nil {
		return prepared, "", err
	}
	return prepared, p.phoneLink("rules", address), nil
}

func (p *Portal) rulesGrant(s Session) ([]httpd.Header, error) {
	if s.Grants[ceremony.ScopeRules] == "" {
		return nil, ErrNoRules
	}
	header, err := p.bearer(p.config.VerifierID, "")
	if err != nil {
		return nil, fmt.Errorf("portal: rules: %w", err)
	}
	return []httpd.Header{header, {Name: ceremony.GrantHeader, Value: s.Grants[ceremony.ScopeRules]}}, nil
}
