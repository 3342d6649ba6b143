package oidc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// What relying parties have of a person, for the person: shown and ended by the party
// that holds a grant of theirs for it (ceremony.ScopeLinks), the portal. Ending takes no
// PIN and no card, since nothing is given by it.

func (p *Provider) getLinks(w http.ResponseWriter, r *http.Request) {
	grant, err := p.linksGrant(r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	links, err := p.LinksOf(r.Context(), grant.Subject, p.c.Now())
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, links)
}

func (p *Provider) postLinkEnd(w http.ResponseWriter, r *http.Request) {
	grant, err := p.linksGrant(r)
	at := p.c.Now()
	if err == nil {
		err = p.EndLink(r.Context(), audit.Actor{Party: grant.Party, Kind: "person", ID: grant.Subject}, grant.Subject, r.PathValue("id"), at)
	}
	var links ceremony.Links
	if err == nil {
		links, err = p.LinksOf(r.Context(), grant.Subject, at)
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, links)
}

func (p *Provider) linksGrant(r *http.Request) (ceremony.Grant, error) {
	return p.c.Gateway.Granted(r.Context(), r.Header.Get("Authorization"), r.Header.Get(ceremony.GrantHeader), ceremony.ScopeLinks)
}

// LinksOf lists what relying parties have of a person: one line for each party, however
// often the person logged in there. A party that has nothing any more is listed for as
// long as the grant would have lasted.
func (p *Provider) LinksOf(ctx context.Context, person string, at time.Time) (ceremony.Links, error) {
	out := ceremony.Links{Links: []ceremony.Link{}}
	grants, err := p.c.Store.GrantsOf(ctx, person, at)
	if err != nil {
		return out, fmt.Errorf("oidc: links: %w", err)
	}
	of := map[string][]Grant{}
	for _, g := range grants {
		of[g.Client] = append(of[g.Client], g)
	}
	for id, grants := range of {
		c, err := p.c.Store.Client(ctx, id)
		if err != nil {
			return out, fmt.Errorf("oidc: links: %w", err)
		}
		out.Links = append(out.Links, linkOf(c, grants))
	}
	slices.SortFunc(out.Links, func(a, b ceremony.Link) int {
		standing := func(l ceremony.Link) int { return min(1, int(l.Ended)) }
		return cmp.Or(standing(a)-standing(b), cmp.Compare(b.Ended, a.Ended), cmp.Compare(b.Since, a.Since), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// linkOf puts a person's grants at one client together: those that stand, or, when none
// does, the one that ended last.
func linkOf(c Client, grants []Grant) ceremony.Link {
	l := ceremony.Link{ID: c.ID, Name: c.Name, Mark: c.Mark, Logo: c.Logo}
	last := slices.MaxFunc(grants, func(a, b Grant) int { return a.EndedAt.Compare(b.EndedAt) })
	if standing := slices.DeleteFunc(slices.Clone(grants), func(g Grant) bool { return g.Ended }); len(standing) > 0 {
		grants = standing
	} else {
		grants = []Grant{last}
		l.Ended, l.Why = last.EndedAt.Unix(), endOf(last.Why)
	}
	var given []string
	for _, g := range grants {
		if l.Since == 0 || g.Begun.Unix() < l.Since {
			l.Since = g.Begun.Unix()
		}
		l.Used, l.Until = max(l.Used, g.Used.Unix()), max(l.Until, g.Until.Unix())
		given = append(given, strings.Fields(g.Given)...)
	}
	l.Claims = claimsOf(given) // each once, in the usual order
	return l
}

func endOf(why string) ceremony.LinkEnd {
	switch {
	case why == whyHolder:
		return ceremony.EndedByHolder
	case why == whyCodeAgain, why == whyTokenAgain:
		return ceremony.EndedByMisuse
	case why == whySessionOver, strings.HasPrefix(why, whyCertificate):
		return ceremony.EndedByCertificate
	}
	return ceremony.EndedByParty
}

// EndLink ends all that a relying party has of a person: from this moment its refresh
// tokens, access tokens and codes open nothing, it is told of the logout, and the
// person's history has it. Ending what has ended does nothing. ErrNoLink when there is no
// such party.
func (p *Provider) EndLink(ctx context.Context, who audit.Actor, person, client string, at time.Time) error {
	c, err := p.c.Store.Client(ctx, client)
	if errors.Is(err, ErrNotFound) {
		return ErrNoLink
	}
	if err != nil {
		return fmt.Errorf("oidc: end link: %w", err)
	}
	use := ceremony.Use{At: at.Unix(), Party: c.ID, Name: c.Name, Kind: ceremony.UseEnd, Verdict: ceremony.Passed,
		Purpose: ceremony.Text{JA: "このサービスとの連携を終わらせました。", EN: "You ended the link with this service."}, Category: c.Purpose.Category.Or()}
	err = p.c.Store.EndGrantsOf(ctx, who, person, c.ID, whyHolder, func(g Grant) *Notice { return c.notice(g, at) }, use)
	if err != nil {
		return fmt.Errorf("oidc: end link: %w", err)
	}
	return nil
}
