package oidc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A token can be checked by whoever read the JWKS a period before it was signed, and
// still a period after.
func TestKeysOverlap(t *testing.T) {
	made := map[string]crypto.Signer{}
	open := func(label string) (crypto.Signer, error) {
		if made[label] == nil {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return nil, err
			}
			made[label] = key
		}
		return made[label], nil
	}
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	ring := newKeyring(open, func() time.Time { return now })
	published := func() map[string]bool {
		set, err := ring.set()
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(set)
		if err != nil || strings.Contains(string(text), `"d"`) {
			t.Fatalf("a private key is published: %v", err)
		}
		ids := map[string]bool{}
		for _, k := range set.Keys {
			if k.Algorithm != "ES256" || k.Use != "sig" {
				t.Errorf("%+v", k)
			}
			ids[k.KeyID] = true
		}
		return ids
	}
	before := published()
	now = now.Add(keyPeriod)
	id, signer, err := ring.signing()
	if err != nil || !before[id] {
		t.Fatalf("the key that signs now was not published a period ago: %v", err)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: payloadSigner{id, signer}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Sign([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := m.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := ring.verify(compact); err != nil {
			t.Error(err)
		}
		now = now.Add(keyPeriod)
	}
	if _, err := ring.verify(compact); err == nil || published()[id] {
		t.Error("a key of two periods ago still counts")
	}
}
