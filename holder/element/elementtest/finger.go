// Package elementtest plays what stands outside an element in tests: the
// platform's authenticator behind navigator.credentials, which knows a finger.
package elementtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"testing"

	"github.com/descope/virtualwebauthn"

	"tegata/holder/element"
)

// Finger is a platform's authenticator with one credential. It always knows its
// owner unless Options say otherwise.
type Finger struct {
	Credential virtualwebauthn.Credential
	Options    virtualwebauthn.AuthenticatorOptions
}

// NewFinger draws an ES256 credential. virtualwebauthn writes a coordinate that
// begins with a zero too short (RFC 9053, section 7.1.1, wants all 32 bytes):
// those are drawn again.
func NewFinger() *Finger {
	for {
		f := &Finger{Credential: virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2)}
		point, err := f.key().PublicKey.Bytes()
		if err == nil && point[1] != 0 && point[33] != 0 {
			return f
		}
	}
}

func (f *Finger) key() *ecdsa.PrivateKey {
	key, err := x509.ParsePKCS8PrivateKey(f.Credential.Key.Data)
	ec, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		panic("elementtest: virtualwebauthn keeps its keys in another form now")
	}
	return ec
}

// Private is the private part of an ES256 credential, which nobody else has.
func (f *Finger) Private() []byte {
	d, err := f.key().Bytes()
	if err != nil {
		panic(err)
	}
	return d
}

// Create answers navigator.credentials.create on a page of origin.
func (f *Finger) Create(t testing.TB, c element.Creation, origin string) element.Attestation {
	t.Helper()
	said := virtualwebauthn.CreateAttestationResponse(virtualwebauthn.RelyingParty{ID: c.RPID, Origin: origin},
		virtualwebauthn.NewAuthenticatorWithOptions(f.Options), f.Credential,
		virtualwebauthn.AttestationOptions{Challenge: c.Challenge, RelyingPartyID: c.RPID})
	var r struct {
		Response struct{ ClientDataJSON, AttestationObject string }
	}
	if err := json.Unmarshal([]byte(said), &r); err != nil {
		t.Fatal(err)
	}
	return element.Attestation{ClientData: raw(t, r.Response.ClientDataJSON), Object: raw(t, r.Response.AttestationObject), Attachment: "platform"}
}

// Get answers navigator.credentials.get on a page of origin.
func (f *Finger) Get(t testing.TB, c element.Challenge, origin string) *element.Assertion {
	t.Helper()
	said := virtualwebauthn.CreateAssertionResponse(virtualwebauthn.RelyingParty{ID: c.RPID, Origin: origin},
		virtualwebauthn.NewAuthenticatorWithOptions(f.Options), f.Credential,
		virtualwebauthn.AssertionOptions{Challenge: c.Challenge, RelyingPartyID: c.RPID})
	var r struct {
		RawID    string
		Response struct{ AuthenticatorData, ClientDataJSON, Signature string }
	}
	if err := json.Unmarshal([]byte(said), &r); err != nil {
		t.Fatal(err)
	}
	return &element.Assertion{
		ID: raw(t, r.RawID), ClientData: raw(t, r.Response.ClientDataJSON),
		AuthenticatorData: raw(t, r.Response.AuthenticatorData), Signature: raw(t, r.Response.Signature),
	}
}

// Sign signs again what a test has changed.
func (f *Finger) Sign(t testing.TB, a *element.Assertion) {
	t.Helper()
	client := sha256.Sum256(a.ClientData)
	digest := sha256.Sum256(append(bytes.Clone(a.AuthenticatorData), client[:]...))
	var err error
	if a.Signature, err = f.Credential.Key.Sign(digest[:]); err != nil {
		t.Fatal(err)
	}
}

func raw(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
