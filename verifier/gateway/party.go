package gateway

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
)

// registrationLife is how long a phone may go on showing a registration.
const registrationLife = time.Hour

// Register registers an asking party, or replaces its registration: since when it is
// verified stays as it was, unless p says it. It is the operator's act: there is no
// door to it over HTTP.
func (g *Gateway) Register(ctx context.Context, who audit.Actor, p Party) error {
	p, err := g.Fits(ctx, p)
	if err != nil {
		return err
	}
	if err := g.c.Store.PutParty(ctx, who, g.c.Now(), p); err != nil {
		return fmt.Errorf("gateway: register %s: %w", p.ID, err)
	}
	return nil
}

// Fits checks a party's registration as Register does, and returns it as it would be
// kept. ceremony.ErrMalformed when it does not fit.
func (g *Gateway) Fits(ctx context.Context, p Party) (Party, error) {
	at := g.c.Now()
	if p.VerifiedSince == "" {
		p.VerifiedSince = at.UTC().Format(time.DateOnly)
		earlier, err := g.party(ctx, p.ID)
		switch {
		case err == nil:
			p.VerifiedSince = earlier.VerifiedSince
		case !errors.Is(err, ErrNoParty):
			return p, fmt.Errorf("gateway: register %s: %w", p.ID, err)
		}
	}
	if p.Sector == "" {
		p.Sector = p.ID
	}
	for _, scope := range p.Grants {
		if !slices.Contains(ceremony.Scopes(), scope) {
			return p, fmt.Errorf("gateway: register %s: unknown grant %q", p.ID, scope)
		}
	}
	if err := g.registration(p, at).Check(); err != nil {
		return p, fmt.Errorf("gateway: register %s: %w", p.ID, err)
	}
	if err := checkTerminals(p.Terminals); err != nil {
		return p, fmt.Errorf("gateway: register %s: %w", p.ID, err)
	}
	return p, nil
}

// End ends the registration of a party: it may ask nothing more, and gets no answer to
// what it asked before. It stays in histories under its name. ErrNoParty when there
// is none, or no longer.
func (g *Gateway) End(ctx context.Context, who audit.Actor, id string) error {
	p, err := g.party(ctx, id)
	if err != nil {
		return err
	}
	p.Ended = true
	if err := g.c.Store.PutParty(ctx, who, g.c.Now(), p); err != nil {
		return fmt.Errorf("gateway: end %s: %w", id, err)
	}
	return nil
}

// Registered says whether a party is registered: nil, or ErrNoParty when it is not, or no
// longer.
func (g *Gateway) Registered(ctx context.Context, id string) error {
	_, err := g.party(ctx, id)
	return err
}

// Registration returns the signed registration of a party, for phones.
// ErrNoParty when there is none, or no longer.
func (g *Gateway) Registration(ctx context.Context, id string, at time.Time) (string, error) {
	return g.RegistrationAt(ctx, id, "", at)
}

// RegistrationAt is Registration for whoever stands at a terminal: it tells of the party's
// one of that name, and of none when the party has no such one.
func (g *Gateway) RegistrationAt(ctx context.Context, id, terminal string, at time.Time) (string, error) {
	p, err := g.party(ctx, id)
	if err != nil {
		return "", err
	}
	return ceremony.SignRegistration(g.c.Sign.Signer, g.c.Sign.Chain, g.registrationAt(p, terminal, at))
}

// Logo returns the picture that a registered party shows, a PNG. ErrNoParty when there is
// no such party or it has none.
func (g *Gateway) Logo(ctx context.Context, id string) ([]byte, error) {
	p, err := g.party(ctx, id)
	if err != nil {
		return nil, err
	}
	if p.Logo == "" {
		return nil, ErrNoParty
	}
	picture, err := g.c.Store.Logo(ctx, id, p.Logo)
	if errors.Is(err, ErrNotFound) {
		return nil, ErrNoParty
	}
	return picture, err
}

func (g *Gateway) party(ctx context.Context, id string) (Party, error) {
	p, err := g.c.Store.Party(ctx, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return Party{}, ErrNoParty
	case err != nil:
		return Party{}, err
	case p.Ended:
		return Party{}, ErrNoParty
	}
	return p, nil
}

func (g *Gateway) registration(p Party, at time.Time) ceremony.Registration {
	r := ceremony.Registration{
		Party: p.ID, Name: p.Name, Mark: p.Mark, Logo: p.Logo, Purposes: p.Purposes, Origins: list(p.Origins), ReturnURLs: list(p.ReturnURLs),
		VerifiedSince: p.VerifiedSince, Keys: list(p.Keys), AsksFor: p.AsksFor, Through: p.Through,
		Verifier: ceremony.VerifierInfo{ID: g.c.ID, Origin: g.c.Origin},
		IssuedAt: at.Unix(), Expires: at.Add(registrationLife).Unix(),
	}
	for _, c := range g.c.Decrypt.Chain {
		r.Verifier.EncX5C = append(r.Verifier.EncX5C, base64.StdEncoding.EncodeToString(c.Raw))
	}
	return r
}

// registrationAt is a party's registration with one of its terminals, for whoever stands
// there.
func (g *Gateway) registrationAt(p Party, terminal string, at time.Time) ceremony.Registration {
	r := g.registration(p, at)
	if i := slices.IndexFunc(p.Terminals, func(t ceremony.RegisteredTerminal) bool { return t.ID == terminal }); i >= 0 {
		r.Terminal = &p.Terminals[i]
	}
	return r
}

// maxTerminals is how many one registration may have: it is read whole at each request.
const maxTerminals = 1000

func checkTerminals(all []ceremony.RegisteredTerminal) error {
	if len(all) > maxTerminals {
		return fmt.Errorf("more than %d terminals: register the party's regions as parties of their own", maxTerminals)
	}
	seen := map[string]bool{}
	for _, t := range all {
		if err := t.Check(); err != nil {
			return err
		}
		if seen[t.ID] {
			return fmt.Errorf("terminal %s is there twice", t.ID)
		}
		seen[t.ID] = true
	}
	return nil
}

// list is an empty list for none: a party that is only asked for has neither keys nor
// return addresses, and null is no list to whoever reads strictly.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
