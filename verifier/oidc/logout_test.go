package oidc_test

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
)

const bye = "http://127.0.0.1:9/bye"

// logout goes where a client sends the browser.
func (w *world) logout(q url.Values) page { return w.browser().get(w.origin + "/logout?" + q.Encode()) }

// expired is an ID Token as it was given, but of a day before: by the key that signed it.
func (w *world) expired(raw string) string {
	w.t.Helper()
	m, err := jose.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		w.t.Fatal(err)
	}
	var claims map[string]any
	d := json.NewDecoder(bytes.NewReader(m.UnsafePayloadWithoutVerification()))
	d.UseNumber()
	if err := d.Decode(&claims); err != nil {
		w.t.Fatal(err)
	}
	for _, name := range []string{"iat", "exp", "auth_time"} {
		n, ok := claims[name].(json.Number)
		seconds, err := n.Int64()
		if !ok || err != nil {
			w.t.Fatalf("%s: %v", name, claims[name])
		}
		claims[name] = seconds - int64(24*time.Hour/time.Second)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		w.t.Fatal(err)
	}
	header := m.Signatures[0].Header
	for _, signing := range w.keys {
		key, ok := signing.(*ecdsa.PrivateKey)
		if !ok {
			w.t.Fatalf("%T", signing)
		}
		if _, err := m.Verify(key.Public()); err != nil {
			continue
		}
		signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: header.KeyID}}, nil)
		if err != nil {
			w.t.Fatal(err)
		}
		signed, err := signer.Sign(payload)
		if err != nil {
			w.t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			w.t.Fatal(err)
		}
		return compact
	}
	w.t.Fatal("no key of ours signed it")
	return ""
}

// OpenID Connect RP-Initiated Logout 1.0, section 2: the browser of somebody who logs out in
// the evening brings the ID Token of the morning. It ends the login and leads back; a second
// time there is nothing to end, and it leads back as well.
func TestAnExpiredTokenLogsOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r := w.rp(ctx)
		token, _ := r.login(ctx, "hanako")
		other, _ := w.rp(ctx).login(ctx, "taro")
		raw, _ := token.Extra("id_token").(string)
		old := w.expired(raw)
		if _, err := r.provider.Verifier(&oidcclient.Config{ClientID: "bank", SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, old); err == nil || !strings.Contains(err.Error(), "expired") {
			t.Fatalf("a client takes it for fresh: %v", err)
		}
		w.advance(11 * time.Hour) // the login stands for twelve
		if p := w.logout(url.Values{"id_token_hint": {old}, "client_id": {"carrier"}, "post_logout_redirect_uri": {bye}}); p.status != 400 || p.away != "" {
			t.Errorf("for another client: %d %q", p.status, p.away)
		}
		spoiled := old[:strings.LastIndex(old, ".")+1] + base64.RawURLEncoding.EncodeToString(make([]byte, 64))
		if p := w.logout(url.Values{"id_token_hint": {spoiled}, "post_logout_redirect_uri": {bye}}); p.status != 400 || p.away != "" {
			t.Errorf("by nobody's key: %d %q", p.status, p.away)
		}
		if !w.active(token.RefreshToken) {
			t.Fatal("it ended before")
		}
		for _, which := range []string{"first", "second"} {
			if p := w.logout(url.Values{"id_token_hint": {old}, "post_logout_redirect_uri": {bye}, "state": {"evening"}}); p.status != 200 || p.away != bye+"?state=evening" {
				t.Errorf("the %s time: %d %q", which, p.status, p.away)
			}
		}
		if w.active(token.RefreshToken) {
			t.Error("the login stands")
		}
		refreshed := *token
		refreshed.Expiry = time.Now().Add(-time.Hour)
		if _, err := r.config.TokenSource(ctx, &refreshed).Token(); err == nil {
			t.Error("refreshed after logout")
		}
		refreshed = *other
		refreshed.Expiry = time.Now().Add(-time.Hour)
		if _, err := r.config.TokenSource(ctx, &refreshed).Token(); err != nil {
			t.Errorf("somebody else's login ended: %v", err)
		}
	})
}

// The state of a logout goes back as that of a login does, and is no longer.
func TestTheStateOfALogoutIsBounded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _ := w.rp(t.Context()).login(t.Context(), "hanako")
		raw, _ := token.Extra("id_token").(string)
		q := url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {bye}, "state": {strings.Repeat("s", 1025)}}
		for name, q := range map[string]url.Values{"with all": q, "alone": {"state": q["state"]}} {
			if p := w.logout(q); p.status != 400 || p.away != "" || !strings.Contains(p.text, "openid-logout-state") {
				t.Errorf("%s: %d %q: %s", name, p.status, p.away, p.text)
			}
		}
		if !w.active(token.AccessToken) {
			t.Error("logged out all the same")
		}
		q.Set("state", strings.Repeat("s", 1024))
		if p := w.logout(q); p.status != 200 || p.away != bye+"?state="+q.Get("state") {
			t.Errorf("1024 bytes: %d %q", p.status, p.away)
		}
		if w.active(token.AccessToken) {
			t.Error("still logged in")
		}
	})
}
