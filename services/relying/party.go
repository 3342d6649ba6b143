package relying

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
)

// Config says who a relying party is.
type Config struct {
	Issuer      string // of the provider; compared letter by letter (RFC 8414, section 3.3)
	ClientID    string
	Key         *ecdsa.PrivateKey // on P-256, by which the client authenticates
	KeyID       string            // kid of Key in the registered JWKS
	RedirectURI string            // registered
	HTTP        *http.Client      // httpd.Client
}

// Party is a relying party. Its proofs are made with a key that is drawn for each process:
// a token that was stolen from a database opens nothing, and a token does not outlive the
// process, whose people log in again.
type Party struct {
	c   Config
	pop *ecdsa.PrivateKey

	mu    sync.Mutex // guards found
	found *provider  // nil: not discovered yet
}

// provider is what discovery said.
type provider struct {
	*oidc.Provider
	pushed string // pushed_authorization_request_endpoint
}

// New makes a relying party; nothing is asked of the provider yet, which may start later.
func New(c Config) (*Party, error) {
	switch {
	case c.Issuer == "" || c.ClientID == "" || c.KeyID == "" || c.RedirectURI == "" || c.HTTP == nil:
		return nil, errors.New("relying: issuer, client, kid, redirect address or HTTP client is missing")
	case c.Key == nil || c.Key.Curve != elliptic.P256():
		return nil, errors.New("relying: the client's key is not on P-256") // ES256: RFC 7518, section 3.4
	}
	pop, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("relying: %w", err)
	}
	return &Party{c: c, pop: pop}, nil
}

// provider discovers once; a discovery that failed is tried again at the next call.
func (p *Party) provider(ctx context.Context) (*provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	// The key set is fetched long after this call: its context must not end with the visitor's.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.c.HTTP), p.c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("relying: discovery: %w", errors.Join(ErrProvider, err))
	}
	var more struct {
		Pushed  string   `json:"pushed_authorization_request_endpoint"`
		Iss     bool     `json:"authorization_response_iss_parameter_supported"`
		DPoP    []string `json:"dpop_signing_alg_values_supported"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("relying: discovery: %w", errors.Join(ErrProvider, err))
	}
	// FAPI 2.0 Security Profile, sections 5.3.2.1 and 5.3.2.2: without these there is no such login.
	if more.Pushed == "" || !more.Iss || !slices.Contains(more.DPoP, "ES256") || !slices.Contains(more.Methods, "private_key_jwt") {
		return nil, fmt.Errorf("relying: the provider lacks pushed requests, iss, DPoP with ES256 or private_key_jwt: %w", ErrProvider)
	}
	p.found = &provider{found, more.Pushed}
	return p.found, nil
}
