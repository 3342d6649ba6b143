package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// OpenID Connect RP-Initiated Logout 1.0, section 4: an ID Token that has expired is a
// hint like any other. One that names another issuer or no session is none.
func TestAnExpiredHintCounts(t *testing.T) {
	keys := map[string]crypto.Signer{}
	p := &Provider{c: Config{Issuer: "https://verifier.example"}}
	p.keys = newKeyring(func(label string) (crypto.Signer, error) {
		if keys[label] == nil {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return nil, err
			}
			keys[label] = key
		}
		return keys[label], nil
	}, time.Now)
	for name, c := range map[string]struct {
		change func(map[string]any)
		counts bool
	}{
		"expired yesterday": {func(map[string]any) {}, true},
		"of another issuer": {func(m map[string]any) { m["iss"] = "https://other.example" }, false},
		"without a session": {func(m map[string]any) { delete(m, "sid") }, false},
		"for nobody":        {func(m map[string]any) { delete(m, "aud") }, false},
	} {
		claims := map[string]any{"iss": p.c.Issuer, "aud": "bank", "sub": "s", "sid": "session",
			"iat": time.Now().Add(-25 * time.Hour).Unix(), "exp": time.Now().Add(-24 * time.Hour).Unix()}
		c.change(claims)
		payload, err := json.Marshal(claims)
		if err != nil {
			t.Fatal(err)
		}
		id, key, err := p.keys.signing()
		if err != nil {
			t.Fatal(err)
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: payloadSigner{id, key}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		h, err := p.readHint(compact)
		if (err == nil) != c.counts || c.counts && (h.SID != "session" || h.Audience != "bank") {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
	}
}
