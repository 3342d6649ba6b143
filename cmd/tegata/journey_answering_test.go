package main

import (
	"bytes"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/services/street"
	"tegata/verifier/oidc"
)

// bankTest is a relying party's automated test: an unmodified OpenID Connect client, a
// browser, and residents who answer by themselves.
type bankTest struct {
	*meddled
	config  oauth2.Config
	arrived chan url.Values
}

// bankLogin is one login under way.
type bankLogin struct {
	*bankTest
	browser *visitor
	page    string // of the login at the provider
	pkce    string
}

func (s *streets) answering(t *testing.T) {
	m := s.meddled(t)
	b := &bankTest{meddled: m, arrived: make(chan url.Values, 1)}
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { b.arrived <- r.URL.Query() }))
	defer bank.Close()
	var client addedClient
	m.must(httpd.PostJSON(t.Context(), httpd.Client(10*time.Second), m.settings.machine("verifier")+"/v1/clients", oidc.Client{
		ID: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "bank", Profile: oidc.Basic, Authentication: oidc.SecretBasic,
		RedirectURIs: []string{bank.URL + "/callback"},
		Purpose: ceremony.RegisteredPurpose{Code: "bank-login", RiskFloor: ceremony.R2, Claims: []string{"name"},
			Sentence: ceremony.Text{JA: "口座の画面にログインします。", EN: "Log in to your account."}},
	}, &client, m.token.Bearer()))
	provider, err := oidcclient.NewProvider(t.Context(), client.Issuer)
	m.must(err)
	b.config = oauth2.Config{ClientID: client.ClientID, ClientSecret: client.Secret, Endpoint: provider.Endpoint(), RedirectURL: bank.URL + "/callback", Scopes: []string{"openid", "name"}}

	var listed struct {
		Residents []street.Person `json:"residents"`
	}
	m.must(httpd.GetJSON(t.Context(), httpd.Client(10*time.Second), m.settings.machine("street")+"/residents.json", &listed))
	tested := 0
	for _, p := range listed.Residents {
		if p.Answers == "" {
			continue
		}
		tested++
		t.Run(p.Answers, func(t *testing.T) {
			m.t = t
			for _, with := range []string{"this", "other"} {
				if p.Answers != "wrong-number" || with == "other" {
					b.logIn(p, with)
				}
			}
		})
	}
	if tested != 11 {
		t.Errorf("%d residents answer by themselves", tested)
	}
	m.t = t
	b.movedSigns()
	var moved phoneView
	m.ask("/v1/phones/auto-moved-phone", &moved)
	for _, c := range moved.Certificates {
		if want := map[string]string{"phone-auth": "good", "phone-sign": "revoked"}[c.Kind]; c.Status != want {
			t.Errorf("%s of who moved is %s, want %s", c.Kind, c.Status, want)
		}
	}
}

// logIn begins a login, has a resident answer, and compares what comes of it at the
// answer, on the page and at the relying party with what the list says.
func (b *bankTest) logIn(p street.Person, with string) {
	b.t.Helper()
	l := b.begin()
	b.must(l.browser.open(io.Discard, http.MethodPost, l.page+"/ask", url.Values{"with": {with}}, nil))
	part := "/open"
	if with == "other" {
		part = "/residents"
	}
	link, err := l.browser.link(part)
	b.must(err)
	match := ""
	if with == "other" { // the page leads to who answers by itself, with all that is needed
		u, err := url.Parse(link)
		b.must(err)
		link = u.Query().Get("request")
		found := regexp.MustCompile(`>(\d\d)<`).FindStringSubmatch(l.browser.page)
		if found == nil {
			b.t.Fatalf("no number on\n%s", textOf(l.browser.page))
		}
		match = found[1]
	}
	var out struct {
		Answered bool   `json:"answered"`
		Approved bool   `json:"approved"`
		Redirect string `json:"redirect"`
		Code     string `json:"code"`
	}
	body := map[string]string{"request": link, "match": match}
	b.must(httpd.PostJSON(b.t.Context(), httpd.Client(time.Minute), b.settings.machine("street")+"/residents/"+p.ID+"/answer", body, &out))
	silent := p.Answers == "never-answers"
	if out.Approved != (p.Outcome == "") || out.Answered == silent || !silent && out.Code != p.Outcome {
		b.t.Fatalf("%s: %+v, want %q", with, out, p.Outcome)
	}
	if silent {
		b.must(fullClock{b.neighbourhood}.Advance(b.t.Context(), 6*time.Minute))
	}
	page := l.seen(with, out.Redirect)
	if p.Outcome == "" {
		b.granted(l)
		return
	}
	if p.Answers != "refuses" {
		if with == "other" && !strings.HasSuffix(p.Answers, "-locked") && p.Outcome != "not-registered" && !strings.Contains(page, p.Outcome) {
			b.t.Errorf("the page does not say %s:\n%s", p.Outcome, page)
		}
		b.must(l.browser.open(io.Discard, http.MethodPost, l.page+"/refuse", url.Values{}, nil))
		l.home()
	}
	select {
	case q := <-b.arrived:
		want := p.OAuthError
		if silent {
			want = "access_denied" // the person gave up waiting
		}
		if q.Get("error") != want || q.Has("code") || q.Get("state") != "state" || q.Get("iss") == "" {
			b.t.Errorf("the party is told %v, want %s", q, want)
		}
	case <-time.After(10 * time.Second):
		b.t.Errorf("the party is told nothing; the browser is at %s\n%s", l.browser.at, textOf(l.browser.page))
	}
}

func (b *bankTest) begin() *bankLogin {
	b.t.Helper()
	l := &bankLogin{bankTest: b, pkce: oauth2.GenerateVerifier()}
	var err error
	l.browser, err = newVisitor()
	b.must(err)
	b.must(l.browser.open(io.Discard, http.MethodGet, b.config.AuthCodeURL("state", oauth2.S256ChallengeOption(l.pkce)), nil, nil))
	l.page = l.browser.at.String()
	return l
}

// seen is what the browser shows after the answer: it is sent on by the phone, or waits.
func (l *bankLogin) seen(with, redirect string) string {
	l.t.Helper()
	out := &bytes.Buffer{}
	switch {
	case with == "other":
		l.must(l.browser.open(out, http.MethodGet, l.page+"/wait", nil, nil))
		l.home()
	case redirect != "":
		l.must(l.browser.open(out, http.MethodGet, redirect, nil, nil))
	}
	return out.String()
}

// home follows the link of the page that leads back to the relying party, if it is there.
func (l *bankLogin) home() {
	if !strings.HasSuffix(l.browser.at.Path, "/done") {
		return
	}
	if link, err := l.browser.link("/callback"); err == nil {
		l.must(l.browser.open(io.Discard, http.MethodGet, html.UnescapeString(link), nil, nil))
	}
}

func (b *bankTest) granted(l *bankLogin) {
	b.t.Helper()
	select {
	case q := <-b.arrived:
		token, err := b.config.Exchange(b.t.Context(), q.Get("code"), oauth2.VerifierOption(l.pkce))
		b.must(err)
		raw, _ := token.Extra("id_token").(string)
		if parts := strings.Split(raw, "."); len(parts) != 3 {
			b.t.Errorf("id_token %q", raw)
		}
	case <-time.After(10 * time.Second):
		text, _ := json.Marshal(textOf(l.browser.page))
		b.t.Errorf("no code at the party; the browser is at %s: %s", l.browser.at, text)
	}
}
