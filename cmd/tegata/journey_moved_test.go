package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pkitest"
	"tegata/services/relying"
	"tegata/verifier/oidc"
)

// movedSigns has the resident who moved asked for a signature over OpenID Connect: the
// phone, the page and the party's own library say why there is none, and how it goes on.
func (b *bankTest) movedSigns() {
	b.t.Helper()
	key := pkitest.ECKey(b.t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	b.must(err)
	var client addedClient
	b.must(httpd.PostJSON(b.t.Context(), httpd.Client(10*time.Second), b.settings.machine("verifier")+"/v1/clients", oidc.Client{
		ID: "lender", Name: ceremony.Text{JA: "手形ローン", EN: "Tegata Loans"}, Mark: "bank", Profile: oidc.FAPI2, Authentication: oidc.PrivateKeyJWT, JWKS: set,
		RedirectURIs: []string{b.config.RedirectURL},
		SignPurposes: []ceremony.RegisteredPurpose{{Code: "loan", RiskFloor: ceremony.R3, Sentence: ceremony.Text{JA: "借入の申込書に署名します。", EN: "Sign for a loan."}}},
		Purpose:      ceremony.RegisteredPurpose{Code: "lend", RiskFloor: ceremony.R2, Sentence: ceremony.Text{JA: "ローンの画面にログインします。", EN: "Log in to your loan."}}},
		&client, b.token.Bearer()))
	party, err := relying.New(relying.Config{Issuer: client.Issuer, ClientID: "lender", Key: key, KeyID: "k1", RedirectURI: b.config.RedirectURL, HTTP: httpd.Client(10 * time.Second)})
	b.must(err)
	document := relying.Document{Name: "申込書.txt", MediaType: "text/plain", Format: "cades", Purpose: "loan", Content: []byte("百万円を借ります。\n")}
	transaction, err := party.Bring(b.t.Context(), document, "loan-1")
	b.must(err)
	for _, ask := range []relying.Request{{Scopes: []string{"sign"}, ACR: "r3", Transaction: transaction}, {ACR: "r3"}} { // a document, and R3 without one
		l, to, err := party.Begin(b.t.Context(), ask)
		b.must(err)
		browser, err := newVisitor()
		b.must(err)
		b.must(browser.open(io.Discard, http.MethodGet, to, nil, nil))
		login := browser.at.String()
		b.must(browser.open(io.Discard, http.MethodPost, login+"/ask", url.Values{"with": {"this"}}, nil))
		link, err := browser.link("/open")
		b.must(err)
		var out struct {
			Approved       bool
			Redirect, Code string
		}
		b.must(httpd.PostJSON(b.t.Context(), httpd.Client(time.Minute), b.settings.machine("street")+"/residents/auto-moved/answer",
			map[string]string{"request": link}, &out))
		if out.Approved || out.Code != "certificate-data-changed" || out.Redirect == "" {
			b.t.Fatalf("%+v", out)
		}
		b.must(browser.open(io.Discard, http.MethodGet, out.Redirect, nil, nil))
		for _, says := range []string{"住所や氏名などが変わった", "署名用を新しくする", "サービスに戻る"} {
			if !strings.Contains(browser.page, says) {
				b.t.Errorf("the page does not say %q:\n%s", says, textOf(browser.page))
			}
		}
		b.must(browser.open(io.Discard, http.MethodPost, login+"/refuse", url.Values{}, nil))
		(&bankLogin{bankTest: b, browser: browser}).home()
		select {
		case q := <-b.arrived:
			if who, err := party.Finish(b.t.Context(), l, q); !errors.Is(err, relying.ErrDataChanged) || !errors.Is(err, relying.ErrDenied) || who != nil {
				b.t.Errorf("the party has %+v, %v", who, err)
			}
		case <-time.After(10 * time.Second):
			b.t.Fatalf("the party is told nothing; the browser is at %s\n%s", browser.at, textOf(browser.page))
		}
	}
}
