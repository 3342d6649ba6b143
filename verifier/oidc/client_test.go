package oidc_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
)

// browser is a person's browser: it keeps cookies, and stops where it would leave the
// verifier.
type browser struct {
	w *world
	c *http.Client
}

func (w *world) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return &browser{w, &http.Client{Jar: jar, Timeout: 10 * time.Second, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host != w.origin {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// page is what a browser sees: the last address, and where it is led away to.
type page struct {
	status int
	at     *url.URL
	away   string
	text   string
}

func (b *browser) read(res *http.Response, err error) page {
	b.w.t.Helper()
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	p := page{status: res.StatusCode, at: res.Request.URL, away: res.Header.Get("Location"), text: html.UnescapeString(string(text))}
	if _, to, ok := strings.Cut(res.Header.Get("Refresh"), "url="); ok {
		p.away = to
	}
	return p
}

func (b *browser) get(to string) page {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, to, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8") // by which servers tell people from programs
	return b.read(b.c.Do(r))
}

func (b *browser) post(path string, form url.Values) page {
	b.w.t.Helper()
	return b.read(b.c.PostForm(b.w.origin+path, form))
}

// requestIn is the address that a phone fetches, out of the link that a page shows.
func (w *world) requestIn(p page) string {
	w.t.Helper()
	found := regexp.MustCompile(`http://phone\.localhost:8403/open\?request_uri=[^"\s<]+`).FindString(p.text)
	u, err := url.Parse(found)
	if err != nil || found == "" {
		w.t.Fatalf("no link to the phone on %s (%d): %s", p.at, p.status, p.text)
	}
	return u.Query().Get("request_uri")
}

// rp is a relying party made of the usual libraries, unmodified.
type rp struct {
	w        *world
	provider *oidcclient.Provider
	config   oauth2.Config
	verifier string // PKCE
	nonce    string
	state    string
}

func (w *world) rp(ctx context.Context, scopes ...string) *rp {
	w.t.Helper()
	p, err := oidcclient.NewProvider(ctx, w.origin)
	if err != nil {
		w.t.Fatal(err)
	}
	return &rp{w: w, provider: p, verifier: oauth2.GenerateVerifier(), nonce: ceremony.NewID(), state: ceremony.NewID(),
		config: oauth2.Config{ClientID: "bank", ClientSecret: w.secret, Endpoint: p.Endpoint(), RedirectURL: redirectURI, Scopes: append([]string{"openid"}, scopes...)}}
}

func (r *rp) url(more ...oauth2.AuthCodeOption) string {
	return r.config.AuthCodeURL(r.state, append([]oauth2.AuthCodeOption{oidcclient.Nonce(r.nonce), oauth2.S256ChallengeOption(r.verifier)}, more...)...)
}

// code logs a holder in on the same device and returns what comes back to the client.
func (r *rp) code(b *browser, name string, change ...func(*ceremony.Answer)) url.Values {
	r.w.t.Helper()
	p := b.get(r.url())
	if p.status != 200 || !strings.HasPrefix(p.at.Path, "/login/") {
		r.w.t.Fatalf("authorize: %d at %s, %s", p.status, p.at, p.text)
	}
	p = b.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
	redirect, err := r.w.answer(r.w.requestIn(p), name, change...)
	if err != nil {
		r.w.t.Fatal(err)
	}
	return r.w.arrivedAt(r.config.RedirectURL, b.get(redirect))
}

// arrived is the query with which the browser comes to the client.
func (w *world) arrived(p page) url.Values {
	w.t.Helper()
	return w.arrivedAt(redirectURI, p)
}

func (w *world) arrivedAt(address string, p page) url.Values {
	w.t.Helper()
	u, err := url.Parse(p.away)
	if err != nil || !strings.HasPrefix(p.away, address) {
		w.t.Fatalf("the browser is at %s (%d) and led to %q: %s", p.at, p.status, p.away, p.text)
	}
	return u.Query()
}

// tokens redeems a code and checks the ID Token as any client does.
func (r *rp) tokens(ctx context.Context, q url.Values) (*oauth2.Token, *oidcclient.IDToken, error) {
	if q.Get("state") != r.state || q.Get("iss") != r.w.origin {
		r.w.t.Errorf("state %q, iss %q", q.Get("state"), q.Get("iss"))
	}
	t, err := r.config.Exchange(ctx, q.Get("code"), oauth2.VerifierOption(r.verifier))
	if err != nil {
		return nil, nil, err
	}
	raw, _ := t.Extra("id_token").(string)
	id, err := r.provider.Verifier(&oidcclient.Config{ClientID: r.config.ClientID, SupportedSigningAlgs: []string{"ES256"}}).Verify(ctx, raw)
	if err == nil && id.Nonce != r.nonce {
		r.w.t.Errorf("nonce %q", id.Nonce)
	}
	return t, id, err
}

func (r *rp) login(ctx context.Context, name string) (*oauth2.Token, *oidcclient.IDToken) {
	r.w.t.Helper()
	t, id, err := r.tokens(ctx, r.code(r.w.browser(), name))
	if err != nil {
		r.w.t.Fatal(err)
	}
	return t, id
}
