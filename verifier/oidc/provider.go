package oidc

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/limit"
	"tegata/internal/ui"
	"tegata/verifier/gateway"
)

// Gateway is what the provider needs of package gateway.
type Gateway interface {
	Start(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, body ceremony.Start, at time.Time) (ceremony.Started, error)
	Result(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, resultID string, at time.Time) (ceremony.Result, error)
	Standing(ctx context.Context, party, session string, at time.Time) error
	Events(ctx context.Context, caller ceremony.Caller, p ceremony.EventPoll) (ceremony.Events, error)
	Registered(ctx context.Context, id string) error
	Register(ctx context.Context, who audit.Actor, p gateway.Party) error
	Fits(ctx context.Context, p gateway.Party) (gateway.Party, error)
	StartSigning(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, body ceremony.SignStart, at time.Time) (ceremony.Started, error)
	SignResult(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, resultID string, at time.Time) (ceremony.SignResult, error)
	End(ctx context.Context, who audit.Actor, id string) error
	PersonOf(ctx context.Context, party, resultID string) (string, error)
	Granted(ctx context.Context, authorization, compact, scope string) (ceremony.Grant, error)
}

// Config is what a provider is built from. Every field without "optional" is required.
type Config struct {
	Issuer   string // iss: the verifier's origin for programs
	Pages    string // the origin of the pages, for browsers; may be the same
	Party    string // the provider's registered id at the gateway
	Verifier string // the gateway's id: the requests' audience
	Phone    string // where links to the phone lead

	Signer crypto.Signer       // the key that is registered for Party
	Chain  []*x509.Certificate // its certificate under the ops authority, leaf first

	// Key opens the signing key of ID Tokens with this label, and makes it when there
	// is none. Each lasts for a period of ours; see keyring.
	Key func(label string) (crypto.Signer, error)

	Gateway Gateway
	Store   Store
	Now     func() time.Time
	Client  *http.Client // for back-channel logout; optional: httpd.Client of 5 s
	Name    ui.Text      // the provider's name on its pages
	Sandbox bool         // says so on every page
	// Residents is the sandbox's page where residents answer by themselves; optional, and
	// refused where there is no sandbox.
	Residents string
	Secure    bool         // an https origin: cookies are marked Secure and named __Host-
	Log       *slog.Logger // optional
}

// Provider is the OpenID Provider. Its methods may be called at once, and by several
// processes over one store.
type Provider struct {
	c       Config
	site    *ui.Site
	keys    *keyring
	engines map[Profile]engine
	visits  *limit.Sources // at the authorization endpoint, by source
	// documents counts those that each client brings.
	documents *limit.Sources
	verdicts  *limit.Sources // that each client asks for

	newClients *rate.Limiter // of developers, in a sandbox
	// applying counts applications by source: each is a row for thirty days.
	applying *limit.Sources
	notes    *limit.Sources // of failed requests, by client
}

// New checks c and makes a provider of it.
func New(c Config) (*Provider, error) {
	for name, value := range map[string]string{"issuer": c.Issuer, "pages": c.Pages, "party": c.Party, "verifier": c.Verifier, "phone": c.Phone} {
		if value == "" {
			return nil, fmt.Errorf("oidc: configuration: %s is missing", name)
		}
	}
	if c.Signer == nil || len(c.Chain) == 0 || c.Key == nil || c.Gateway == nil || c.Store == nil || c.Now == nil {
		return nil, errors.New("oidc: configuration: keys, gateway, store or clock are missing")
	}
	if c.Residents != "" && !c.Sandbox {
		return nil, errors.New("oidc: configuration: residents who answer by themselves are a sandbox's")
	}
	if o, err := ceremony.Origin(c.Issuer); err != nil || o != c.Issuer {
		return nil, errors.New("oidc: configuration: the issuer is not an origin")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Client == nil {
		c.Client = httpd.Client(5 * time.Second)
	}
	p := &Provider{c: c, keys: newKeyring(c.Key, c.Now), engines: map[Profile]engine{},
		visits: limit.NewSources(visitsPerSecond, visitBurst), documents: limit.NewSources(documentsPerSecond, documentBurst),
		verdicts:   limit.NewSources(verdictsPerSecond, verdictBurst),
		newClients: rate.NewLimiter(rate.Every(time.Second), 30), applying: limit.NewSources(appliedPerSecond, applyBurst),
		notes: limit.NewSources(notesPerSecond, noteBurst)}
	var err error
	if p.site, err = newSite(c); err != nil {
		return nil, err
	}
	for _, profile := range []Profile{Basic, FAPI2} {
		if p.engines[profile], err = newLibrary(p, profile); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// caller is the provider as the gateway knows it: in one process with it, and by the
// same rules as any other party.
func (p *Provider) caller(responseCode string, at time.Time) (ceremony.Caller, ceremony.Entry) {
	a := ceremony.NewClientAssertion(p.c.Party, p.c.Verifier, at)
	a.ResponseCode = responseCode
	return ceremony.Caller{Party: p.c.Party, Leaf: p.c.Chain[0], Assertion: a},
		ceremony.Entry{Party: p.c.Party, ID: a.ID, Expires: time.Unix(a.Expires, 0).Add(ceremony.Skew)}
}

// wall is the moment for the outside: what clients read in tokens goes by the time that
// they have, whatever a sandbox's clock says.
func (p *Provider) wall(at time.Time) time.Time { return time.Now().UTC().Add(at.Sub(p.c.Now())) }
