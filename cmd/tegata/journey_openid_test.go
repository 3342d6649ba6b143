package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/verifier/oidc"
)

// openID is the login of an unmodified OpenID Connect client at the whole
// neighbourhood: registration by the operator's door, a browser, `tegata phone
// approve`, tokens, attributes from the register, and the end by suspension.
func (s *streets) openID(t *testing.T) {
	m := s.meddled(t)
	ctx, verifier := t.Context(), m.settings.machine("verifier")
	arrived := make(chan url.Values, 1)
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Query() }))
	defer bank.Close()
	var client addedClient
	m.must(httpd.PostJSON(ctx, httpd.Client(10*time.Second), verifier+"/v1/clients", oidc.Client{
		ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "bank", Profile: oidc.Basic, Authentication: oidc.SecretBasic,
		RedirectURIs: []string{bank.URL + "/callback"}, Refresh: true,
		Purpose: ceremony.RegisteredPurpose{Code: "bank-login", RiskFloor: ceremony.R2, Claims: []string{"name", "address", "birthdate", "gender"},
			Sentence: ceremony.Text{JA: "口座の画面にログインします。", EN: "Log in to your account."}},
	}, &client, m.token.Bearer()))
	if client.Secret == "" || client.Issuer != verifier {
		t.Fatalf("%+v", client)
	}

	provider, err := oidcclient.NewProvider(ctx, client.Issuer)
	m.must(err)
	config := oauth2.Config{ClientID: client.ClientID, ClientSecret: client.Secret, Endpoint: provider.Endpoint(), RedirectURL: bank.URL + "/callback",
		Scopes: []string{"openid", "name", "address", "birthdate", "gender"}}
	pkce, nonce := oauth2.GenerateVerifier(), ceremony.NewID()
	q := m.arrives(config.AuthCodeURL("state", oidcclient.Nonce(nonce), oauth2.S256ChallengeOption(pkce)), "手形銀行: 口座の画面にログインします。", arrived)
	if q.Get("iss") != verifier || q.Get("state") != "state" {
		t.Errorf("%v", q)
	}
	token, err := config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(pkce))
	m.must(err)
	raw, _ := token.Extra("id_token").(string)
	id, err := provider.Verifier(&oidcclient.Config{ClientID: client.ClientID, SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, raw)
	m.must(err)
	if id.Nonce != nonce {
		t.Errorf("nonce %q", id.Nonce)
	}
	info, err := provider.UserInfo(ctx, config.TokenSource(ctx, token))
	m.must(err)
	told := map[string]any{}
	m.must(info.Claims(&told))
	if told["name"] != "手形　太郎" || told["birthdate"] == nil || told["address"] == nil || told["sub"] != id.Subject {
		t.Errorf("userinfo: %v", told)
	}
	token.Expiry = time.Now().Add(-time.Minute)
	token, err = config.TokenSource(ctx, token).Token()
	m.must(err)

	// The phone is suspended: nothing more is told or refreshed.
	m.suspend()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		if _, err := provider.UserInfo(ctx, config.TokenSource(ctx, token)); err != nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal("userinfo answers half a minute after the suspension")
		}
	}
	token.Expiry = time.Now().Add(-time.Minute)
	if _, err := config.TokenSource(ctx, token).Token(); err == nil || !strings.Contains(err.Error(), "invalid_grant") {
		t.Errorf("refresh after the suspension: %v", err)
	}
}

// arrives takes a new browser through a login that a relying party began, with Taro's
// phone: what it brings back. The phone has to show who asks, and for what.
func (m *meddled) arrives(begun, shown string, arrived <-chan url.Values) url.Values {
	m.t.Helper()
	browser, err := newVisitor()
	m.must(err)
	m.must(browser.open(io.Discard, http.MethodGet, begun, nil, nil))
	name, _, _ := strings.Cut(shown, ": ")
	if browser.at.Host != strings.TrimPrefix(m.settings.page("verifier"), "http://") || !strings.Contains(browser.page, name) {
		m.t.Fatalf("the browser is at %s:\n%s", browser.at, textOf(browser.page))
	}
	m.must(browser.open(io.Discard, http.MethodPost, browser.at.String()+"/ask", url.Values{"with": {"this"}}, nil))
	link, err := browser.link("/open")
	m.must(err)
	code, said := m.approve(link)
	if code != exitDone || !strings.Contains(said, shown) {
		m.t.Fatalf("exit %d: %s", code, said)
	}
	home := &bytes.Buffer{}
	m.must(browser.open(home, http.MethodGet, strings.TrimSpace(said[strings.LastIndex(strings.TrimSpace(said), "\n")+1:]), nil, nil))
	select {
	case q := <-arrived:
		return q
	default:
		m.t.Fatalf("the browser did not come back to the relying party:\n%s", home)
		return nil
	}
}

// suspend is `tegata phone suspend` with the lock code that Taro noted.
func (m *meddled) suspend() {
	m.t.Helper()
	_, phone := m.secrets.Known("taro-phone")
	in, err := json.Marshal(map[string]string{"birth_date": "1979-11-03", "lock_code": phone.LockCode})
	m.must(err)
	out := &bytes.Buffer{}
	c := console{in: bytes.NewReader(in), out: out, err: out, getenv: func(string) string { return "" }}
	if code := run(m.t.Context(), []string{"phone", "suspend", "-lock-code", "-", "-street", m.settings.machine("street"), "-data", m.dir}, c); code != exitDone {
		m.t.Fatalf("exit %d: %s", code, out)
	}
}
