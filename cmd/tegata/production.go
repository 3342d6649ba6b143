package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"tegata/internal/attest"
	"tegata/internal/audit"
	"tegata/internal/clock"
	"tegata/internal/secret"
	"tegata/issuer/profile"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// ledgerAllowance is how long a change of the status ledger may take to be committed:
// a served issuer is never alone with its database, since operators' commands write
// it too.
const ledgerAllowance = 2 * time.Second

// production is chosen roles of an operator's: what `tegata serve` runs and what
// `tegata init -config` makes.
type production struct {
	build
	config *config
	clock  *clock.Clock

	issuer   *issuer
	verifier *verifier
	portal   *portalRole
	closers  []io.Closer // in the order in which they were opened
}

// sandboxFiles are what only a sandbox's directory holds, and why production
// refuses it.
var sandboxFiles = []struct{ name, why string }{
	{settingsFile, "is a sandbox's mark"},
	{sandboxSecrets, "holds secrets that init made up"},
	{clockFile, "moves the clock"},
	{operatorToken, "opens a sandbox's doors"},
}

// newProduction checks the fence around the data directory.
func newProduction(b build, c *config) (*production, error) {
	for _, f := range sandboxFiles {
		path := filepath.Join(c.Data, f.name)
		if _, err := os.Lstat(path); err == nil {
			return nil, usagef("%s %s: sandbox and production never mix; name another folder as data", path, f.why)
		}
	}
	b.side = secret.Production
	b.database = func(role string) string {
		if dsn := c.role(role).Database; dsn != "" {
			return dsn
		}
		return "sqlite:" + filepath.Join(c.Data, role, role+".db")
	}
	return &production{build: b, config: c, clock: clock.System()}, nil
}

// site is what a role is told; trust is read for those that rely on others.
func (p *production) site() site {
	return site{places: p.config, base: p.config.Data, arc: p.config.arc, now: p.clock.Now}
}

// relyingSite is site with the trust anchors and the installed certificates.
func (p *production) relyingSite() (site, error) {
	at := p.site()
	anchors, err := openAnchors(p.config.Trust)
	if err != nil {
		return at, err
	}
	at.anchors, at.certify = anchors, p.config.installed(anchors, at.now)
	if v := p.config.Verifier; v != nil && v.OpenID != nil {
		at.openID = v.OpenID.Name
	}
	return at, nil
}

// open opens a role.
func (p *production) open(ctx context.Context, role string) error {
	if role == "issuer" {
		return p.openVouching(ctx)
	}
	at, err := p.relyingSite()
	if err != nil {
		return err
	}
	switch role {
	case "verifier":
		if p.verifier, err = p.openVerifier(ctx, at); err != nil {
			return err
		}
		p.closers = append(p.closers, p.verifier)
	case "portal":
		if p.portal, err = p.openPortal(ctx, at, p.config.Portal.Name); err != nil {
			return err
		}
		p.closers = append(p.closers, p.portal)
	}
	return nil
}

func (p *production) openVouching(ctx context.Context) error {
	rules, err := p.config.issuerRules()
	if err != nil {
		return err
	}
	sender, err := p.config.sender()
	if err != nil {
		return err
	}
	if p.issuer, err = p.openIssuer(ctx, p.site(), rules); err != nil {
		return err
	}
	p.closers = append(p.closers, p.issuer)
	if sender != nil {
		p.issuer.mailFrom(p.site(), sender)
	}
	return nil
}

// handler is what answers for a role that is open.
func (p *production) handler(role string) http.Handler {
	switch role {
	case "issuer":
		return p.issuer.guard(p.config.names(role), p.issuer.status.Routes(p.issuer.routes()))
	case "verifier":
		return p.verifier.doors(p.config, nil, p.guardedDocuments(p.config, p.verifier.metrics, p.verifier.routes()))
	case "portal":
		return p.portal.routes(p.config)
	}
	return http.NotFoundHandler()
}

// publication is the part of the issuer that answers without TLS: what is signed and
// public. Its other doors do not stand there.
func (p *production) publication() http.Handler {
	signed := p.issuer.status.Routes(nil)
	public := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !status.Public(r) {
			http.NotFound(w, r)
			return
		}
		signed.ServeHTTP(w, r)
	})
	return p.issuer.guard(namesOf(p.config.Issuer.Publication.URL), public)
}

// work is the timed work of the roles that are open.
func (p *production) work() []clock.Work {
	var list []clock.Work
	if p.issuer != nil {
		list = append(list, p.issuer.ra)
	}
	if p.verifier != nil {
		list = append(list, p.verifier.gateway)
	}
	return list
}

// Close closes what is open.
func (p *production) Close() error {
	var errs []error
	for _, c := range slices.Backward(p.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// operator is who runs an operator's command in the audit records: the number of
// the account, never a name.
func operator() audit.Actor {
	return audit.Actor{Party: "operator", Kind: "person", ID: fmt.Sprintf("uid-%d", os.Getuid())}
}

// issuerRules reads the files that the issuer's configuration names.
func (c *config) issuerRules() (issuerRules, error) {
	rules := issuerRules{
		operator:   profile.Operator{Organization: c.Organization, Unit: c.Unit, Arc: c.arc, BaseURL: c.Issuer.Publication.URL, Issuer: c.url("issuer")},
		policy:     ra.Policy{Models: c.Issuer.Phones.Models, MinLevel: attest.TrustedEnvironment},
		terms:      ra.Terms{Version: c.Issuer.Terms.Version},
		algorithms: c.Issuer.Algorithms,
		ledger:     []status.Option{status.Shared(ledgerAllowance)},
	}
	if rules.terms.Version == "" {
		return rules, usagef("%s: issuer.terms.version is missing", c.path)
	}
	switch c.Issuer.Phones.Level {
	case "", "trusted-environment":
	case "strongbox":
		rules.policy.MinLevel = attest.StrongBox
	default:
		return rules, usagef(`%s: issuer.phones.level is "trusted-environment" or "strongbox", not %q`, c.path, c.Issuer.Phones.Level)
	}
	for kind, algorithm := range c.Issuer.Algorithms {
		if algorithm != profile.RSA2048SHA256 && algorithm != profile.ECDSAP384SHA384 {
			return rules, usagef("%s: issuer.algorithms.%s: %q is neither %s nor %s", c.path, kind, algorithm, profile.RSA2048SHA256, profile.ECDSAP384SHA384)
		}
	}
	if len(c.Issuer.Phones.Roots) == 0 || len(c.Issuer.Phones.Models) == 0 {
		return rules, usagef("%s: issuer.phones: roots and models are needed; without them every phone is refused", c.path)
	}
	for _, file := range c.Issuer.Phones.Roots {
		root, err := openCertificate(c.file(file))
		if err != nil {
			return rules, usagef("%s: issuer.phones.roots: %s: %v", c.path, file, err)
		}
		rules.policy.Roots = append(rules.policy.Roots, root)
	}
	for _, text := range []struct {
		name, file string
		into       *string
	}{{"ja", c.Issuer.Terms.JA, &rules.terms.JA}, {"en", c.Issuer.Terms.EN, &rules.terms.EN}} {
		content, err := os.ReadFile(c.file(text.file))
		if err != nil || len(content) == 0 {
			return rules, usagef("%s: issuer.terms.%s: a text file is needed: %v", c.path, text.name, err)
		}
		*text.into = string(content)
	}
	return rules, nil
}
