package oidc

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"
)

// Access tokens at the resources of our own, which the library does not serve: those of
// the profile fapi2, each with the proof that it is bound to.

// access is what a token that was presented with its proof opens.
type access struct {
	client Client
	scopes []string
	facts  *facts // of the login that gave it; nil: its client asked for it by itself
}

// enter finds out who brings an access token. ErrAccessToken, ErrProof; any other error
// decided nothing.
func (p *Provider) enter(r *http.Request) (access, error) {
	ctx, at := r.Context(), p.c.Now()
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !ByToken(r) || token == "" || len(r.Header.Values("Authorization")) != 1 {
		return access{}, ErrAccessToken
	}
	kept, err := p.c.Store.Token(ctx, hash(token), at)
	if err != nil {
		return access{}, noToken(err)
	}
	g, err := p.c.Store.Grant(ctx, kept.Grant, at)
	if err != nil {
		return access{}, noToken(err)
	}
	c, err := p.client(ctx, g.Client)
	if err != nil {
		return access{}, noToken(err)
	}
	standing, err := p.standing(ctx, g, at)
	if err != nil {
		return access{}, err
	}
	var t goidc.Token
	if err := json.Unmarshal([]byte(kept.Content), &t); err != nil {
		return access{}, fmt.Errorf("oidc: token: %w", err)
	}
	if standing.RevokedAt != 0 || t.RevokedAt != 0 || c.Profile != FAPI2 || t.JWKThumbprint == "" {
		return access{}, ErrAccessToken
	}
	if err := p.checkProof(r, token, t.JWKThumbprint, at); err != nil {
		return access{}, err
	}
	out := access{client: c, scopes: strings.Fields(t.Scopes)}
	if standing.Subject == standing.ClientID {
		return out, nil
	}
	f, err := factsOf(standing)
	out.facts = &f
	return out, err
}

// ByToken says whether a request brings an access token of the profile fapi2.
func ByToken(r *http.Request) bool { return hasScheme(r, "DPoP") }

// hasScheme tells by what a request authenticates.
func hasScheme(r *http.Request, scheme string) bool {
	said, _, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.EqualFold(said, scheme)
}

func noToken(err error) error {
	if errors.Is(err, ErrNotFound) {
		return ErrAccessToken
	}
	return err
}

// checkProof is RFC 9449, section 4.3: ErrProof, with why. Any other error decided
// nothing.
func (p *Provider) checkProof(r *http.Request, token, thumbprint string, at time.Time) error {
	bad := func(why string) error { return ErrProof.Because(errors.New("oidc: DPoP proof: " + why)) }
	proofs := r.Header.Values("DPoP")
	if len(proofs) != 1 {
		return bad("not exactly one")
	}
	m, err := jose.ParseSignedCompact(proofs[0], clientAlgs())
	if err != nil {
		return ErrProof.Because(err)
	}
	header := m.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" {
		return bad("typ is not dpop+jwt")
	}
	key := header.JSONWebKey
	if key == nil || !key.Valid() || !key.IsPublic() {
		return bad("no public key in it")
	}
	if k, ok := key.Key.(*rsa.PublicKey); ok && k.N.BitLen() < 2048 { // FAPI 2.0, section 5.4.1
		return bad("an RSA key of less than 2048 bits")
	}
	payload, err := m.Verify(key)
	if err != nil {
		return ErrProof.Because(err)
	}
	var claims struct {
		ID       string `json:"jti"`
		Method   string `json:"htm"`
		URI      string `json:"htu"`
		Hash     string `json:"ath"`
		IssuedAt *int64 `json:"iat"`
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		return ErrProof.Because(err)
	}
	sum, ath := []byte(nil), sha256.Sum256([]byte(token))
	if sum, err = key.Thumbprint(crypto.SHA256); err != nil {
		return ErrProof.Because(err)
	}
	// htu is without query and fragment (RFC 9449, section 4.2).
	uri, _, _ := strings.Cut(claims.URI, "?")
	switch {
	case base64.RawURLEncoding.EncodeToString(sum) != thumbprint:
		return bad("another key than the token's")
	case claims.Hash != base64.RawURLEncoding.EncodeToString(ath[:]):
		return bad("ath is of another token")
	case claims.Method != r.Method:
		return bad("htm is of another method")
	case uri != p.c.Issuer+r.URL.EscapedPath():
		return bad("htu is another address")
	case claims.IssuedAt == nil:
		return bad("no iat")
	case claims.ID == "":
		return bad("no jti")
	}
	if age := p.wall(at).Sub(time.Unix(*claims.IssuedAt, 0)); age > assertionSeconds*time.Second || age < -leewaySeconds*time.Second {
		return bad("iat is too old, or yet to come")
	}
	if err := p.once(r.Context(), claims.ID); errors.Is(err, ErrUsed) || errors.Is(err, errLongID) {
		return ErrProof.Because(err)
	} else if err != nil {
		return fmt.Errorf("oidc: DPoP proof: %w", err)
	}
	return nil
}

var errLongID = errors.New("oidc: a jti of more than 200 bytes")

// once remembers the jti of an assertion or a DPoP proof until it has expired: errLongID,
// or ErrUsed when it came before.
func (p *Provider) once(ctx context.Context, jti string) error {
	if len(jti) > 200 {
		return errLongID
	}
	return p.c.Store.JTI(ctx, jti, p.c.Now().Add((assertionSeconds+2*leewaySeconds)*time.Second))
}
