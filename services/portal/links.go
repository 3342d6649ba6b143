package portal

import (
	"context"
	"fmt"
	"net/url"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// Which services log the holder in with this phone's certificate (連携中のサービス) is the
// verifier's to know and to end. Nothing of it rests here.

// LinksOf asks which services have something of who is logged in: at this moment, unlike
// the rest of the desk. ErrNoLinks when this login brought no grant for it.
func (p *Portal) LinksOf(ctx context.Context, token string) (links ceremony.Links, err error) {
	headers, err := p.linksGrant(ctx, token)
	if err != nil {
		return links, err
	}
	return links, httpd.GetJSON(ctx, p.client, p.config.Verifier+"/v1/links", &links, headers...)
}

// EndLink ends all that a service has of who is logged in. Ended again, nothing happens.
// Errors are problems: ErrNotLoggedIn, ErrNoLinks, the verifier's own.
func (p *Portal) EndLink(ctx context.Context, token, id string) error {
	headers, err := p.linksGrant(ctx, token)
	if err != nil {
		return err
	}
	return httpd.PostJSON(ctx, p.client, p.config.Verifier+"/v1/links/"+url.PathEscape(id)+"/end", struct{}{}, nil, headers...)
}

func (p *Portal) linksGrant(ctx context.Context, token string) ([]httpd.Header, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return nil, err
	}
	if s.Grants[ceremony.ScopeLinks] == "" {
		return nil, ErrNoLinks
	}
	header, err := p.bearer(p.config.VerifierID, "")
	if err != nil {
		return nil, fmt.Errorf("portal: links: %w", err)
	}
	return []httpd.Header{header, {Name: ceremony.GrantHeader, Value: s.Grants[ceremony.ScopeLinks]}}, nil
}
