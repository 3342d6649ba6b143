package oidc_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pades"
	"tegata/internal/pades/padestest"
	"tegata/internal/xades"
	"tegata/verifier/oidc"
)

const application = "口座を開くことを申し込みます。\nI apply for an account.\n"

const applicationXML = `<?xml version="1.0" encoding="UTF-8"?>` + "\n<application xmlns=\"urn:example\"><account>savings</account></application>\n"

// applicationPDF is one page with one line of text.
func applicationPDF() []byte { return padestest.Page("I apply for an account", "") }

// signed fetches a document of a request as a phone does, and signs it as an element
// does.
func (w *world) signed(d ceremony.Document, h holder, header httpd.Header) []byte {
	w.t.Helper()
	content, _, err := httpd.Exchange(w.t.Context(), httpd.Client(0), http.MethodGet, d.URL, nil, header)
	if err != nil {
		w.t.Fatal(err)
	}
	var out []byte
	switch d.Format {
	case "cades":
		out, err = cms.Sign(h.key, h.sign[0], content, w.Now(), true)
	case "pades":
		var draft *pades.Draft
		if draft, err = pades.Prepare(content, pades.Options{At: w.Now()}); err == nil {
			var der []byte
			if der, err = cms.SignPAdES(h.key, h.sign[0], draft.Content()); err == nil {
				out, err = draft.Embed(der)
			}
		}
	case "xades":
		out, err = xades.Sign(h.key, content, xades.Options{Form: xades.Enveloped, Certificate: h.sign[0], SigningTime: w.Now()})
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

// signer is a broker that may have documents signed.
func (w *world) signer(t *testing.T, change ...func(*oidc.Client)) *broker {
	t.Helper()
	b := w.broker(t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	c := oidc.Client{ID: "broker", Name: ceremony.Text{JA: "手形証券", EN: "Tegata Securities"}, Mark: "bank", Profile: oidc.FAPI2,
		Authentication: oidc.PrivateKeyJWT, JWKS: set, RedirectURIs: []string{redirectURI}, Refresh: true,
		Purpose: ceremony.RegisteredPurpose{Code: "trade", Sentence: ceremony.Text{JA: "取引の画面にログインします。", EN: "Log in to trade."}, RiskFloor: ceremony.R2, Claims: []string{"name"}},
		SignPurposes: []ceremony.RegisteredPurpose{{Code: "apply", Sentence: ceremony.Text{JA: "口座開設の申込書に署名します。", EN: "Sign the application for an account."},
			RiskFloor: ceremony.R3, Claims: []string{"name"}}}}
	for _, f := range change {
		f(&c)
	}
	w.register(c)
	return b
}

// own is a token of the client's own.
func (b *broker) own() string {
	b.w.t.Helper()
	status, out, _ := b.w.post("/token", b.authenticated(url.Values{"grant_type": {"client_credentials"}, "scope": {"sign"}}), "", "", "DPoP", b.proof(b.pop, "POST", "/token", ""))
	token, _ := out["access_token"].(string)
	if status != 200 || token == "" || out["token_type"] != "DPoP" || out["refresh_token"] != nil || out["scope"] != nil && out["scope"] != "sign" {
		b.w.t.Fatalf("%d %v", status, out)
	}
	return token
}

// reply is an answer of the signature transactions' API.
type reply struct {
	status int
	header http.Header
	text   []byte
}

func (r reply) code() string {
	var p struct{ Code string }
	if json.Unmarshal(r.text, &p) != nil {
		return ""
	}
	return p.Code
}

// call calls the API with a token and a proof.
func (b *broker) call(method, path, token string, body any, header ...string) reply {
	b.w.t.Helper()
	return b.callAs("DPoP", method, path, token, b.proof(b.pop, method, path, token), body, header...)
}

func (b *broker) callAs(scheme, method, path, token, proof string, body any, header ...string) reply {
	b.w.t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			b.w.t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(b.w.t.Context(), method, b.w.origin+path, bytes.NewReader(text))
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Authorization", scheme+" "+token)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err = io.ReadAll(res.Body)
	if err != nil {
		b.w.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, text}
}

// brought is what a client sends for a text.
func brought() map[string]any {
	return map[string]any{"document": []byte(application), "name": "申込書.txt", "media_type": "text/plain", "format": "cades", "purpose": "apply"}
}

// bring brings a document and returns its transaction.
func (b *broker) bring(body map[string]any) string {
	b.w.t.Helper()
	r := b.call("POST", "/api/sign-transactions", b.own(), body)
	var out struct {
		ID      string `json:"sign_transaction_id"`
		Expires int64  `json:"expires_at"`
	}
	if err := json.Unmarshal(r.text, &out); err != nil || r.status != 201 || len(out.ID) != 36 || out.Expires == 0 {
		b.w.t.Fatalf("%d %s, %v", r.status, r.text, err)
	}
	return out.ID
}

// pushSign pushes a request to sign, and returns the address to open.
func (b *broker) pushSign(transaction string, more ...string) string {
	b.w.t.Helper()
	return b.push(append([]string{"scope", "openid sign", "acr_values", b.w.origin + "/acr/r3", "sign_transaction_id", transaction}, more...)...)
}

// signedBy has a person sign what was pushed, on the same device, and returns the tokens.
func (b *broker) signedBy(name, address string) map[string]any {
	b.w.t.Helper()
	v := b.w.browser()
	p := v.get(address)
	p = v.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
	redirect, err := b.w.answer(b.w.requestIn(p), name)
	if err != nil {
		b.w.t.Fatal(err)
	}
	status, out := b.redeem(b.w.arrived(v.get(redirect)).Get("code"), b.proof(b.pop, "POST", "/token", ""))
	if status != 200 {
		b.w.t.Fatalf("%d %v", status, out)
	}
	return out
}

func resultOf(id string) string { return "/api/sign-transactions/" + id + "/result" }
