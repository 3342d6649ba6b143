package oidc

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
	"github.com/luikyv/go-oidc/pkg/provider"

	"tegata/internal/ceremony"
)

// Lifetimes in seconds, by the time that clients have.
const (
	codeSeconds      = 60  // RFC 6749, section 4.1.2: short
	codeSecondsFAPI2 = 30  // FAPI 2.0, section 5.3.2.1: at most 60
	tokenSeconds     = 300 // access tokens and ID Tokens
	pushedSeconds    = 60
	assertionSeconds = 300 // of a client assertion, and the age of a DPoP proof
	leewaySeconds    = 10
	loginSeconds     = 600 // from the authorization request until it is approved
)

// library is the engine on github.com/luikyv/go-oidc, one provider a profile: there
// the profile, pushed requests and rotation belong to the provider, not to a client.
type library struct {
	p       *Provider
	profile Profile
	handler http.Handler
}

// call is what one request to the library carries besides the request, and brings back.
type call struct {
	asked     *asked   // begin: what to ask
	outcome   *outcome // complete: what came of it
	refused   error    // what the library would have shown on a page of its own
	trouble   error    // why our side could not answer
	presented [32]byte // hash of the refresh token of this request
	path      string
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

func newLibrary(p *Provider, profile Profile) (*library, error) {
	l := &library{p: p, profile: profile}
	m := &manager{l}
	code := []provider.AuthCodeGrantOption{
		provider.WithIssuerResponseParameter(), // RFC 9207
		// RFC 9700, section 2.1.1: PKCE for every client, and S256 alone.
		provider.WithPKCE([]goidc.CodeChallengeMethod{goidc.CodeChallengeMethodSHA256}, provider.WithPKCERequired()),
		provider.WithAuthPolicies(goidc.NewPolicy("ceremony",
			func(*http.Request, *goidc.AuthnSession, *goidc.Client) bool { return true }, l.authenticate)),
		provider.WithAuthCodeLifetime(codeSeconds),
	}
	refresh := []provider.RefreshTokenOption{
		// The first refresh token is drawn when the code is redeemed, and rests as a hash.
		provider.WithRefreshTokenShouldIssue(func(context.Context, *goidc.Client, *goidc.Grant) bool { return false }),
		provider.WithRefreshTokenFunc(newToken),
	}
	options := []provider.Option{
		provider.WithScopes(scopes()...),
		provider.WithOpenIDScopeRequired(),
		provider.WithSigner(l.sign),
		provider.WithIDTokenLifetime(tokenSeconds),
		provider.WithIDTokenClaims(idTokenClaims),
		provider.WithUserInfoClaims(l.userInfoClaims),
		provider.WithTokenOptions(func(context.Context, *goidc.Grant, *goidc.Client) goidc.TokenOptions {
			return goidc.NewOpaqueTokenOptions(tokenSeconds)
		}, provider.WithOpaqueTokens(m), provider.WithOpaqueTokenFunc(func(ctx context.Context, _ *goidc.Grant) string { return newToken(ctx) })),
		provider.WithClientSecretVerifier(func(_ context.Context, stored, presented string) error {
			if !secretMatches(stored, presented) {
				return errors.New("oidc: another secret")
			}
			return nil
		}),
		provider.WithPrivateKeyJWTAuthn(clientAlgs()...),
		provider.WithJTIConsumer(m.consume),
		provider.WithJWTLifetime(assertionSeconds),
		provider.WithJWTLeewayTime(leewaySeconds),
		provider.WithAuthSessionLifetime(loginSeconds),
		provider.WithAuthnSessionIDFunc(func(context.Context) string { return ceremony.NewID() }),
		provider.WithGrantIDFunc(func(context.Context) string { return ceremony.NewID() }),
		provider.WithTokenRevocation(func(context.Context, *goidc.Client) bool { return true }),
		// A client learns about its own tokens only.
		provider.WithTokenIntrospection(func(_ context.Context, c *goidc.Client, t goidc.TokenInfo) bool { return c.ID == t.ClientID }),
		// Clients are found by this; the endpoint that goes with it is not served.
		provider.WithDCR(clients{p}),
		provider.WithErrorRenderer(func(_ http.ResponseWriter, r *http.Request, err error) error {
			callOf(r.Context()).refused = err
			return nil
		}),
		provider.WithErrorHandler(func(ctx context.Context, err error) {
			p.c.Log.InfoContext(ctx, "openid connect", "profile", profile, "error", err)
		}),
	}
	switch profile {
	case Basic:
		options = append(options, provider.WithSecretBasicAuthn())
		refresh = append(refresh, provider.WithRefreshTokenRotation()) // RFC 9700, section 4.14.2
	case FAPI2:
		code = append(code, provider.WithAuthCodeLifetime(codeSecondsFAPI2),
			provider.WithPAR(m, provider.WithPARRequired(), provider.WithPARLifetime(pushedSeconds), provider.WithPARIDFunc(newToken)))
		options = append(options, provider.WithClientCredentialsGrant(), provider.WithProfile(goidc.ProfileFAPI2, provider.WithProfileValidation()),
			provider.WithDPoP(clientAlgs(), provider.WithDPoPRequired()))
	}
	options = append(options, provider.WithRefreshTokenGrant(m, refresh...),
		provider.WithAuthCodeGrant(provider.AuthCodeGrantConfig{Manager: m, ResponseTypes: []goidc.ResponseType{goidc.ResponseTypeCode}}, code...))
	op, err := provider.New(provider.Config{Issuer: p.c.Issuer, Manager: m, JWKS: l.jwks,
		IDTokenAlgs: []goidc.SignatureAlgorithm{goidc.SigAlgES256}}, options...)
	if err != nil {
		return nil, fmt.Errorf("oidc: profile %s: %w", profile, err)
	}
	l.handler = op.Handler()
	return l, nil
}

// scopes are openid, one for each attribute, and sign.
func scopes() []goidc.Scope {
	list := []goidc.Scope{goidc.ScopeOpenID}
	for _, claim := range ceremony.AttributeClaims() {
		list = append(list, goidc.NewScope(claim))
	}
	return append(list, goidc.NewScope(scopeSign))
}

func (l *library) jwks(context.Context) (goidc.JSONWebKeySet, error) {
	set, err := l.p.keys.set()
	return goidc.JSONWebKeySet{Keys: set.Keys}, err
}

func (l *library) sign(context.Context, goidc.SignatureAlgorithm) (string, crypto.Signer, error) {
	return l.p.keys.signing()
}

// authenticate is the library's question who the person is. In begin nobody knows yet:
// the browser is sent to our own pages. In complete the ceremony has said.
func (l *library) authenticate(_ http.ResponseWriter, r *http.Request, as *goidc.AuthnSession, _ *goidc.Client) (goidc.Status, error) {
	c := callOf(r.Context())
	o := c.outcome
	if o == nil {
		c.asked = &asked{ID: as.ID, Scopes: strings.Fields(as.Scopes), Prompt: string(as.Prompt)}
		if as.IDTokenHintClaims != nil {
			c.asked.Hint = as.IDTokenHintClaims.Subject
		}
		return goidc.StatusPending, nil
	}
	if o.Error != "" {
		return goidc.StatusFailure, goidc.NewError(goidc.ErrorCode(o.Error), o.Description)
	}
	text, err := json.Marshal(o.Facts)
	if err != nil {
		return goidc.StatusFailure, err
	}
	as.Subject, as.GrantedScopes = o.Sub, strings.Join(o.Scopes, " ")
	as.Store = map[string]any{factsKey: string(text)}
	return goidc.StatusSuccess, nil
}

const factsKey = "tegata"

// factsOf reads what authenticate noted.
func factsOf(g *goidc.Grant) (f facts, err error) {
	text, _ := g.Store[factsKey].(string)
	if err := json.Unmarshal([]byte(text), &f); err != nil {
		return f, fmt.Errorf("oidc: grant %s: %w", g.ID, err)
	}
	return f, nil
}

// idTokenClaims are those of OpenID Connect Core, section 2, that follow from the login.
func idTokenClaims(_ context.Context, g *goidc.Grant) map[string]any {
	f, err := factsOf(g)
	if err != nil {
		return nil
	}
	return map[string]any{goidc.ClaimACR: f.ACR, goidc.ClaimAMR: f.AMR, goidc.ClaimAuthTime: f.AuthTime, "sid": f.SID}
}

// userInfoClaims are the released attributes, for the scopes of the grant. An address
// is an object (OpenID Connect Core, section 5.1.1).
func (l *library) userInfoClaims(ctx context.Context, g *goidc.Grant) map[string]any {
	out := map[string]any{}
	f, err := factsOf(g)
	if err == nil { // here the token was found good, and its proof
		err = l.p.c.Store.NoteUse(ctx, g.ID, l.p.c.Now())
	}
	if err != nil {
		callOf(ctx).trouble = err
		return out
	}
	for claim, value := range f.Claims {
		switch {
		case !slices.Contains(strings.Fields(g.Scopes), claim):
		case claim == ceremony.ClaimAddress:
			out[claim] = map[string]string{"formatted": value}
		default:
			out[claim] = value
		}
	}
	return out
}

// ask runs a request through the library.
func (l *library) ask(r *http.Request, c *call) *answer {
	c.path = r.URL.Path
	w := newAnswer()
	l.handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callKey{}, c)))
	return w
}

// begin implements engine.
func (l *library) begin(r *http.Request) (asked, string, error) {
	c := &call{}
	w := l.ask(r, c)
	switch {
	case c.trouble != nil:
		return asked{}, "", c.trouble
	case c.asked != nil:
		return *c.asked, "", nil
	case w.header.Get("Location") != "":
		return asked{}, w.header.Get("Location"), nil
	case c.refused != nil:
		return asked{}, "", refusal(c.refused)
	}
	return asked{}, "", fmt.Errorf("oidc: the library answered %d to an authorization request", w.status)
}

// complete implements engine.
func (l *library) complete(ctx context.Context, id string, o outcome) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.p.c.Issuer+"/authorize/"+url.PathEscape(id), nil)
	if err != nil {
		return "", err
	}
	c := &call{outcome: &o}
	w := l.ask(r, c)
	switch {
	case c.trouble != nil:
		return "", c.trouble
	case w.header.Get("Location") != "":
		return w.header.Get("Location"), nil
	case c.refused != nil:
		return "", refusal(c.refused)
	}
	return "", fmt.Errorf("oidc: the library answered %d to an authorization", w.status)
}

// refusal is a request that is not redirected, since its address is not the client's.
func refusal(err error) error {
	if _, ok := errors.AsType[goidc.Error](err); ok {
		return ErrRequest.Because(err)
	}
	return err
}
