package main

import (
	"context"
	"errors"
	"net/http"

	"tegata/internal/ceremony"
	"tegata/internal/clock"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/internal/ui"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/services/portal"
	"tegata/services/portal/pages"
	portalstore "tegata/store/portal"
)

// portalName is the registered name: what the portal's own pages and the phone
// call it alike.
var portalName = ui.Text{JA: "手形ポータル", EN: "Tegata Portal"}

// portalRole is the resident's portal.
type portalRole struct {
	*room
	who     identity
	handler *pages.Handler
}

// openPortal opens the portal's room.
func (b build) openPortal(ctx context.Context, dir string, s settings, c *clock.Clock, authority *ca.CA, sink trace.Sink) (*portalRole, error) {
	r, err := b.openRoom(ctx, dir, "portal", portalstore.Schema)
	if err != nil {
		return nil, err
	}
	p := &portalRole{room: r}
	if err := p.open(ctx, s, c, authority, sink); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return p, nil
}

func (p *portalRole) open(ctx context.Context, s settings, c *clock.Clock, authority *ca.CA, sink trace.Sink) (err error) {
	origin := s.page("portal")
	party := profile.Party{ID: portalID, Role: pki.RoleParty, Origins: []string{origin}}
	if p.who, err = certify(ctx, authority, p.room, "sign", party, c.Now()); err != nil {
		return err
	}
	purpose := portalPurpose()
	core, err := portal.New(portal.Config{
		Origin: origin, Party: portalID, Verifier: s.machine("verifier"), VerifierID: verifierID, Issuer: s.machine("issuer"), Phone: s.page("phone"),
		Signer: p.who.signer, Chain: p.who.chain, Purpose: ceremony.Purpose{Code: purpose.Code, Sentence: purpose.Sentence},
		Now: c.Now, Log: p.log, Trace: sink,
	}, portalstore.New(p.db))
	if err != nil {
		return err
	}
	p.handler, err = pages.New(pages.Options{Portal: core, Name: portalName, Sandbox: true, Now: c.Now, Log: p.log})
	return err
}

// routes are the portal's pages.
func (p *portalRole) routes(s settings) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, p.db.Ping)
	mux.Handle("/", p.handler.Routes())
	return httpd.Guard(httpd.GuardOptions{Names: s.names("portal"), Pages: true, Log: p.log,
		Refuse: p.handler.Refuse}, mux)
}
