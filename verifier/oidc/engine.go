package oidc

import (
	"context"
	"net/http"
)

// engine speaks OAuth 2.0 and OpenID Connect with the clients of one profile. It checks
// messages and writes tokens; whom it asks, and what happens once, is not its to decide.
// What stands behind it may be replaced.
type engine interface {
	// begin checks an authorization request. It returns what a person is to be asked;
	// or an address, to which the browser takes an error; or, when there is no address
	// that is safe to go to, why.
	begin(r *http.Request) (a asked, redirect string, err error)
	// complete ends an authorization and returns where the browser goes, with a code or
	// an error.
	complete(ctx context.Context, id string, o outcome) (redirect string, err error)
	// serve answers an endpoint for programs.
	serve(w http.ResponseWriter, r *http.Request)
}

// asked is an authorization request that was found in order.
type asked struct {
	ID     string // of the Login that was kept
	Scopes []string
	Prompt string
	Hint   string // sub of a valid id_token_hint
}

// outcome is what came of asking a person. With Error set it is a refusal.
type outcome struct {
	Error, Description string // RFC 6749, section 4.1.2.1
	Cause              string // in the client's traffic, in place of Error; "": that

	Sub    string
	Scopes []string // granted
	Facts  facts
}

// facts is what tokens of a grant say of the login, beside the protocol's own.
type facts struct {
	Claims   map[string]string `json:"claims,omitempty"` // as the issuer released them
	ACR      string            `json:"acr"`
	AMR      []string          `json:"amr"`
	AuthTime int64             `json:"auth_time"`
	SID      string            `json:"sid"`
	Session  string            `json:"session,omitempty"` // the gateway's
	UntilMS  int64             `json:"until_ms"`          // of the grant, by our clock
	Person   string            `json:"person,omitempty"`  // as the gateway names them; told to nobody
	// Transaction is what was signed in this login, and Result where the gateway has it.
	Transaction string `json:"transaction,omitempty"`
	Result      string `json:"result,omitempty"`
}
