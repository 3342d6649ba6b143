package relying

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Assertions and proofs go by the wall's clock: the provider outside has no other.

// assertion is the client's authentication (RFC 7523, section 3), good for a minute.
func (p *Party) assertion() (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: p.c.Key, KeyID: p.c.KeyID}}, nil)
	if err != nil {
		return "", err
	}
	now := time.Now()
	// FAPI 2.0 Security Profile, section 5.3.3.1: aud is the issuer, as a string.
	return jwt.Signed(signer).Claims(map[string]any{"iss": p.c.ClientID, "sub": p.c.ClientID, "aud": p.c.Issuer, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}).Serialize()
}

// authenticated adds the client's authentication to a form.
func (p *Party) authenticated(form url.Values) (url.Values, error) {
	assertion, err := p.assertion()
	if err != nil {
		return nil, err
	}
	form.Set("client_id", p.c.ClientID)
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", assertion)
	return form, nil
}

// proof is a DPoP proof (RFC 9449, section 4.2); token is "" where none is shown yet.
func (p *Party) proof(method, address, token string) (string, error) {
	at, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	at.RawQuery, at.Fragment = "", "" // htu has neither
	claims := map[string]any{"htm": method, "htu": at.String(), "jti": rand.Text(), "iat": time.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.pop}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(claims).Serialize()
}

// proving sends a fresh proof with each request that shows no token: at the token endpoint.
type proving struct{ p *Party }

func (t proving) RoundTrip(r *http.Request) (*http.Response, error) {
	proof, err := t.p.proof(r.Method, r.URL.String(), "")
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("DPoP", proof)
	next := t.p.c.HTTP.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	return next.RoundTrip(r)
}

// provingClient is the client for the token endpoint.
func (p *Party) provingClient() *http.Client {
	return &http.Client{Timeout: p.c.HTTP.Timeout, CheckRedirect: p.c.HTTP.CheckRedirect, Transport: proving{p}}
}
