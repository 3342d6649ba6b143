// Package relyingtest is a stand-in for *relying.Party in tests of the pages of services
// that use it: it logs in whom the test says. What the party itself checks is the tests of
// package relying.
package relyingtest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"time"

	"tegata/services/relying"
)

// Provider logs in whoever the test says, and signs whatever is brought.
type Provider struct {
	Who     relying.Person
	Content []byte        // of the document that was brought last
	Keys    []string      // of all that were brought
	Lag     time.Duration // by which the login is older than now
	Lost    error         // what Fetch says in place of a result
}

// Origin is where it leads.
const Origin = "http://verifier.localhost"

// Begin is relying.Party's.
func (p *Provider) Begin(_ context.Context, q relying.Request) (relying.Login, string, error) {
	l := relying.Login{State: rand.Text(), Transaction: q.Transaction}
	return l, Origin + "/authorize?state=" + l.State, nil
}

// Finish is relying.Party's.
func (p *Provider) Finish(_ context.Context, l relying.Login, brought url.Values) (*relying.Person, error) {
	if l.State == "" || brought.Get("state") != l.State {
		return nil, relying.ErrNotAsked
	}
	if brought.Get("error") != "" {
		return nil, &relying.RefusedError{Code: brought.Get("error"), Description: brought.Get("error_description")}
	}
	who := p.Who
	who.AuthTime = time.Now().Add(-p.Lag)
	return &who, nil
}

// Bring is relying.Party's.
func (p *Provider) Bring(_ context.Context, d relying.Document, key string) (string, error) {
	p.Content, p.Keys = d.Content, append(p.Keys, key)
	return "tx-" + key, nil
}

// Fetch is relying.Party's.
func (p *Provider) Fetch(_ context.Context, who *relying.Person, _, sum string) (relying.Signed, error) {
	want := sha256.Sum256(p.Content)
	switch {
	case p.Lost != nil:
		return relying.Signed{}, p.Lost
	case sum != base64.RawURLEncoding.EncodeToString(want[:]):
		return relying.Signed{}, relying.ErrOtherSigner
	}
	return relying.Signed{Verdict: relying.Passed, Sub: who.Sub, Signature: []byte("cms")}, nil
}

// ReadLogout is relying.Party's: the one good token is "good".
func (p *Provider) ReadLogout(_ context.Context, token string) (relying.Ended, error) {
	if token != "good" {
		return relying.Ended{}, relying.ErrLogoutToken
	}
	return relying.Ended{ID: "1", Sub: p.Who.Sub}, nil
}
