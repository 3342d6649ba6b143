package relying

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// What a relying party says.
var (
	// ErrProvider: the provider could not be reached, or said nothing that can be used.
	// Nothing was decided.
	ErrProvider = errors.New("relying: no usable answer of the provider")
	// ErrNotAsked: what the browser brought is no answer to the login that was kept for it.
	ErrNotAsked = errors.New("relying: not the answer to this browser's login")
	// ErrDenied: the person, or the provider for them, did not agree.
	ErrDenied = errors.New("relying: access denied")
	// ErrDataChanged: access_denied, since the person's address or name changed and their
	// signature certificate ended with that. They can sign again after a visit to a desk.
	ErrDataChanged = errors.New("relying: the signature certificate ended with a change of data")
	// ErrWeak: a login of a lesser class than was asked for.
	ErrWeak = errors.New("relying: the login has not the class that was asked for")
)

// A RefusedError is the provider's refusal in its own code (RFC 6749, sections 4.1.2.1 and
// 5.2): the login is over, and another may be begun.
type RefusedError struct {
	Code        string
	Description string // for developers, beginning with a code of the verifier's when there is one
}

func (e *RefusedError) Error() string { return "relying: refused: " + e.Code }

// Is makes access_denied ErrDenied, and ErrDataChanged when its description begins with that
// code.
func (e *RefusedError) Is(target error) bool {
	why, _, _ := strings.Cut(e.Description, ":")
	return e.Code == "access_denied" && (target == ErrDenied || target == ErrDataChanged && why == "certificate-data-changed")
}

// Request says what a login is for.
type Request struct {
	Scopes      []string // beside openid
	ACR         string   // "r1", "r2", "r3"; "" for the registered class
	Transaction string   // a document to be signed in it; takes the scope sign and r3
}

// Login is the half of a login that the service keeps for one browser until it comes back.
// It is used once: who finishes it deletes it first.
type Login struct {
	State       string `json:"state"`
	Nonce       string `json:"nonce"`
	Verifier    string `json:"code_verifier"`
	ACR         string `json:"acr,omitempty"`
	Transaction string `json:"sign_transaction_id,omitempty"`
	Asks        bool   `json:"asks,omitempty"` // for attributes
}

// Person is who logged in. The access token is for this process alone, for five minutes.
type Person struct {
	Sub      string // pairwise: the same over renewals and new phones
	SID      string // of the provider's session, for back-channel logout; may be ""
	ACR      string
	AMR      []string
	AuthTime time.Time
	Claims   Claims
	token    string
}

// Begin pushes a request (RFC 9126) and returns what to keep, and where the browser goes
// within a minute. *RefusedError, ErrProvider.
func (p *Party) Begin(ctx context.Context, q Request) (Login, string, error) {
	found, err := p.provider(ctx)
	if err != nil {
		return Login{}, "", err
	}
	l := Login{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Transaction: q.Transaction,
		Asks: slices.ContainsFunc(q.Scopes, func(s string) bool { return s != "sign" })}
	form := url.Values{"response_type": {"code"}, "redirect_uri": {p.c.RedirectURI}, "scope": {strings.Join(append([]string{"openid"}, q.Scopes...), " ")},
		"state": {l.State}, "nonce": {l.Nonce}, "code_challenge": {oauth2.S256ChallengeFromVerifier(l.Verifier)}, "code_challenge_method": {"S256"}}
	if q.ACR != "" {
		l.ACR = p.c.Issuer + "/acr/" + q.ACR
		form.Set("acr_values", l.ACR)
	}
	if q.Transaction != "" {
		form.Set("sign_transaction_id", q.Transaction)
	}
	var pushed struct {
		URI string `json:"request_uri"`
	}
	if err := p.post(ctx, found.pushed, form, &pushed); err != nil {
		return Login{}, "", fmt.Errorf("relying: push: %w", err)
	}
	if pushed.URI == "" {
		return Login{}, "", fmt.Errorf("relying: push: no request_uri: %w", ErrProvider)
	}
	to, err := url.Parse(found.Endpoint().AuthURL)
	if err != nil {
		return Login{}, "", fmt.Errorf("relying: discovery: %w", errors.Join(ErrProvider, err))
	}
	to.RawQuery = url.Values{"client_id": {p.c.ClientID}, "request_uri": {pushed.URI}}.Encode()
	return l, to.String(), nil
}

// Finish takes what the browser brought back. ErrNotAsked when it does not belong to the
// login; ErrDenied and other *RefusedError from the provider; ErrWeak; ErrProvider, after
// which the code may be used up: begin another login.
func (p *Party) Finish(ctx context.Context, l Login, brought url.Values) (*Person, error) {
	// RFC 9207, section 2.4: iss is compared before anything else is believed, an error too.
	if l.State == "" || len(brought["state"]) != 1 || len(brought["iss"]) != 1 ||
		subtle.ConstantTimeCompare([]byte(brought.Get("state")), []byte(l.State)) != 1 || brought.Get("iss") != p.c.Issuer {
		return nil, ErrNotAsked
	}
	if code := brought.Get("error"); code != "" {
		return nil, &RefusedError{Code: code, Description: brought.Get("error_description")}
	}
	found, err := p.provider(ctx)
	if err != nil {
		return nil, err
	}
	form, err := p.authenticated(url.Values{})
	if err != nil {
		return nil, fmt.Errorf("relying: %w", err)
	}
	options := []oauth2.AuthCodeOption{oauth2.VerifierOption(l.Verifier)}
	for name := range form {
		options = append(options, oauth2.SetAuthURLParam(name, form.Get(name)))
	}
	config := oauth2.Config{ClientID: p.c.ClientID, RedirectURL: p.c.RedirectURI,
		Endpoint: oauth2.Endpoint{TokenURL: found.Endpoint().TokenURL, AuthStyle: oauth2.AuthStyleInParams}}
	token, err := config.Exchange(oidc.ClientContext(ctx, p.provingClient()), brought.Get("code"), options...)
	if err != nil {
		return nil, refused("redeem", err)
	}
	// RFC 9449, section 5: a token of another type is bound to nothing.
	if !strings.EqualFold(token.TokenType, "DPoP") {
		return nil, fmt.Errorf("relying: the token is not bound to a proof: %w", ErrProvider)
	}
	who, err := p.person(ctx, found, l, token)
	if err == nil && l.Asks {
		who.Claims, err = p.claims(ctx, found, who.Sub, who.token)
	}
	if err != nil {
		return nil, err
	}
	return who, nil
}

// person checks the ID Token (OpenID Connect Core, section 3.1.3.7).
func (p *Party) person(ctx context.Context, found *provider, l Login, token *oauth2.Token) (*Person, error) {
	raw, _ := token.Extra("id_token").(string)
	id, err := found.Verifier(&oidc.Config{ClientID: p.c.ClientID, SupportedSigningAlgs: []string{oidc.ES256}}).Verify(oidc.ClientContext(ctx, p.c.HTTP), raw)
	if err != nil {
		return nil, fmt.Errorf("relying: ID Token: %w", errors.Join(ErrProvider, err))
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(l.Nonce)) != 1 {
		return nil, fmt.Errorf("relying: the ID Token is of another login: %w", ErrNotAsked)
	}
	var claims struct {
		SID      string   `json:"sid"`
		ACR      string   `json:"acr"`
		AMR      []string `json:"amr"`
		AuthTime int64    `json:"auth_time"`
	}
	if err := id.Claims(&claims); err != nil {
		return nil, fmt.Errorf("relying: ID Token: %w", errors.Join(ErrProvider, err))
	}
	// acr_values is a wish (OpenID Connect Core, section 3.1.2.1): the answer is what counts.
	if l.ACR != "" && claims.ACR != l.ACR {
		return nil, ErrWeak
	}
	return &Person{Sub: id.Subject, SID: claims.SID, ACR: claims.ACR, AMR: claims.AMR, AuthTime: time.Unix(claims.AuthTime, 0).UTC(), token: token.AccessToken}, nil
}

// refused turns an answer of the token endpoint into our words.
func refused(what string, err error) error {
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok && e.ErrorCode != "" && e.Response.StatusCode/100 == 4 {
		return fmt.Errorf("relying: %s: %w", what, &RefusedError{Code: e.ErrorCode})
	}
	return fmt.Errorf("relying: %s: %w", what, errors.Join(ErrProvider, err))
}

// post sends an authenticated form and decodes the answer. *RefusedError, ErrProvider.
func (p *Party) post(ctx context.Context, address string, form url.Values, out any) error {
	form, err := p.authenticated(form)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := p.c.HTTP.Do(r)
	if err != nil {
		return errors.Join(ErrProvider, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return errors.Join(ErrProvider, err)
	}
	if res.StatusCode/100 == 4 {
		var e struct {
			Error string `json:"error"`
		}
		if json.Unmarshal(text, &e) == nil && e.Error != "" {
			return &RefusedError{Code: e.Error}
		}
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answer %d: %w", res.StatusCode, ErrProvider)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return errors.Join(ErrProvider, err)
	}
	return nil
}
