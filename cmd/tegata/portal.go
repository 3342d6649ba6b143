package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/services/portal"
	"tegata/services/portal/pages"
	portalstore "tegata/store/portal"
)

// portalName is the sandbox's registered name: what the portal's own pages and the
// phone call it alike.
var portalName = ui.Text{JA: "手形ポータル", EN: "Tegata Portal"}

// portalRole is the resident's portal.
type portalRole struct {
	*room
	who     identity
	core    *portal.Portal
	handler *pages.Handler
}

// openPortal opens the portal's room.
func (b build) openPortal(ctx context.Context, at site, name ui.Text) (*portalRole, error) {
	r, err := b.openRoom(ctx, at.base, "portal", portalstore.Schema)
	if err != nil {
		return nil, err
	}
	p := &portalRole{room: r}
	if err := p.open(ctx, at, name); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return p, nil
}

func (p *portalRole) open(ctx context.Context, at site, name ui.Text) (err error) {
	if p.who, err = at.certify(ctx, p.room, "sign", portalParty(at)); err != nil {
		return err
	}
	purpose := portalPurpose()
	key, err := p.pushKey()
	if err != nil {
		return err
	}
	p.core, err = portal.New(portal.Config{
		Origin: at.page("portal"), Party: portalID, Verifier: at.machine("verifier"), VerifierID: verifierID, Issuer: at.machine("issuer"), Phone: at.page("phone"),
		Helpdesk: helpdeskOf(at), Signer: p.who.signer, Chain: p.who.chain, Purpose: ceremony.Purpose{Code: purpose.Code, Sentence: purpose.Sentence},
		Ops: opsAuthorities(at.anchors), Arc: at.arc, Status: certpath.OCSP{Client: httpd.Client(5 * time.Second)},
		Verified: at.verifierPath, Push: &portal.PushConfig{Key: key, Loopback: at.sandbox},
		Now: at.now, Log: p.log, Trace: at.sink,
	}, portalstore.New(p.db))
	if err != nil {
		return err
	}
	p.handler, err = pages.New(pages.Options{Portal: p.core, Name: name, Phone: at.page("phone"), Sandbox: at.sandbox, Secure: !at.sandbox, Now: at.now, Log: p.log})
	return err
}

// reportEvery is how often the portal looks for reports that a phone is to be stopped for, or
// that the helpdesk is to be told of.
const reportEvery = time.Second

// helpdeskOf is where the helpdesk is: in a sandbox, which alone runs one.
func helpdeskOf(at site) string {
	if !at.sandbox {
		return ""
	}
	return at.machine("helpdesk")
}

// pushEvery is how often the portal asks whether there are notices to tell browsers of.
const pushEvery = 2 * time.Second

// pushKey is the key by which browsers' push services know this portal. A portal that
// has none yet makes one, also where nothing else is made: with a lost one, people
// press the button again, and no more.
func (p *portalRole) pushKey() ([]byte, error) {
	r := *p.room
	r.make = true
	return r.symmetric("push")
}

// portalParty is what the portal's certificate says of it.
func portalParty(at places) profile.Party {
	return profile.Party{ID: portalID, Role: pki.RoleParty, Origins: []string{at.page("portal")}}
}

// routes are the portal's pages.
func (p *portalRole) routes(at places) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, p.db.Ping)
	httpd.WithMetrics(mux, p.metrics)
	mux.Handle("/", p.handler.Routes())
	return httpd.Guard(httpd.GuardOptions{Names: at.names("portal"), Pages: true, Log: p.log, Metrics: p.metrics,
		Refuse: p.handler.Refuse}, mux)
}
