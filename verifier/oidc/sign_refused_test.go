package oidc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
	"tegata/store/storetest"
	"tegata/verifier/oidc"
)

func TestDocumentsThatAreNotTaken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		small := map[string]any{"kty": "EC", "crv": "P-256", "x": "AQ", "y": "AQ", "alg": "ECDH-ES"}
		for _, c := range []struct {
			name, code, member string
			value              any
		}{
			{"without the document", "document-missing", "document", nil},
			{"a digest in its place", "malformed", "sha256", "x"},
			{"white space", "document-meaningless", "document", []byte(" \n\u3000\u200b")},
			{"more than 1 MB", "document-too-large", "document", bytes.Repeat([]byte("a"), ceremony.MaxDocument+1)},
			{"what no phone shows", "document-kind", "media_type", "application/zip"},
			{"not of its kind", "document-unreadable", "document", []byte("\x82\xa0")},
			{"without a name", "request-malformed", "name", nil},
			{"a path for a name", "request-malformed", "name", "../a.txt"},
			{"an unknown form", "request-malformed", "format", "pgp"},
			{"the purpose of a login", "sign-purpose", "purpose", "trade"},
			{"no purpose", "sign-purpose", "purpose", nil},
			{"sealed to a key off the curve", "sign-encrypt", "encrypt", small},
			{"sealed by another algorithm", "sign-encrypt", "encrypt", jose.JSONWebKey{Key: b.key.Public(), Algorithm: "RSA1_5"}},
			{"sealed to a private key", "sign-encrypt", "encrypt", jose.JSONWebKey{Key: b.key, Algorithm: "ECDH-ES"}},
			{"sealed to a key that is not registered for it", "sign-encrypt", "encrypt", map[string]any{"kid": "k1"}},
		} {
			body := brought()
			if body[c.member] = c.value; c.value == nil {
				delete(body, c.member)
			}
			r := b.call("POST", "/api/sign-transactions", b.own(), body)
			if r.status < 400 || r.status >= 500 || c.code != "malformed" && r.code() != c.code {
				t.Errorf("%s: %d %s", c.name, r.status, r.text)
			}
		}
		// The token of a login brings nothing, nor does one of a client that signs no more.
		_, out := b.redeem(b.code(), b.proof(b.pop, "POST", "/token", ""))
		login, _ := out["access_token"].(string)
		if r := b.call("POST", "/api/sign-transactions", login, brought()); r.status != 403 || r.code() != "sign-scope" || !strings.Contains(r.header.Get("WWW-Authenticate"), "insufficient_scope") {
			t.Errorf("a login's token: %d %s", r.status, r.text)
		}
		own := b.own()
		if status := b.userInfo("DPoP", own, b.proof(b.pop, "GET", "/userinfo", own)); status < 400 {
			t.Errorf("userinfo by the client's own token: %d", status)
		}
		w.signer(t, func(c *oidc.Client) { c.SignPurposes = nil })
		if r := b.call("POST", "/api/sign-transactions", own, brought()); r.status != 403 || r.code() != "sign-scope" {
			t.Errorf("after the scope was taken away: %d %s", r.status, r.text)
		}
		if status, out, _ := w.post("/token", b.authenticated(url.Values{"grant_type": {"client_credentials"}, "scope": {"sign"}}), "", "", "DPoP", b.proof(b.pop, "POST", "/token", "")); status != 400 || out["error"] != "unauthorized_client" {
			t.Errorf("a token: %d %v", status, out)
		}
	})
}

func TestTokensOfAClientsOwn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		ask := func(scope string, proof ...string) (int, any) {
			header := []string{}
			if len(proof) > 0 {
				header = []string{"DPoP", proof[0]}
			}
			status, out, _ := w.post("/token", b.authenticated(url.Values{"grant_type": {"client_credentials"}, "scope": {scope}}), "", "", header...)
			return status, out["error"]
		}
		for _, scope := range []string{"", "openid", "name", "openid sign", "sign name"} {
			if status, e := ask(scope, b.proof(b.pop, "POST", "/token", "")); status != 400 || e != "invalid_scope" {
				t.Errorf("scope %q: %d %v", scope, status, e)
			}
		}
		if status, e := ask("sign"); status != 400 {
			t.Errorf("without DPoP: %d %v", status, e)
		}
		other := *b
		other.key = pkitest.ECKey(t)
		form := other.authenticated(url.Values{"grant_type": {"client_credentials"}, "scope": {"sign"}})
		if status, out, _ := w.post("/token", form, "", "", "DPoP", b.proof(b.pop, "POST", "/token", "")); status != 401 {
			t.Errorf("another key: %d %v", status, out)
		}
		form = url.Values{"grant_type": {"client_credentials"}, "scope": {"sign"}}
		if status, out, _ := w.post("/token", form, "bank", w.secret); status != 400 || out["error"] != "unauthorized_client" {
			t.Errorf("basic: %d %v", status, out)
		}
		token := b.own()
		w.advance(6 * time.Minute)
		if r := b.call("POST", "/api/sign-transactions", token, brought()); r.status != 401 || r.code() != "access-token" {
			t.Errorf("after six minutes: %d %s", r.status, r.text)
		}
		token = b.own()
		if status, out, _ := w.post("/revoke", b.authenticated(url.Values{"token": {token}}), "", ""); status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		if r := b.call("POST", "/api/sign-transactions", token, brought()); r.status != 401 || r.code() != "access-token" {
			t.Errorf("revoked: %d %s", r.status, r.text)
		}
		token = b.own()
		if err := w.gateway.End(t.Context(), audit.System("verifier"), "broker"); err != nil {
			t.Fatal(err)
		}
		if r := b.call("POST", "/api/sign-transactions", token, brought()); r.status != 401 || r.code() != "access-token" {
			t.Errorf("after the registration's end: %d %s", r.status, r.text)
		}
	})
}

func TestTheSameDocumentBroughtAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		bring := func(key string, body map[string]any) (id string, r reply) {
			r = b.call("POST", "/api/sign-transactions", b.own(), body, "Idempotency-Key", key)
			var out struct {
				ID string `json:"sign_transaction_id"`
			}
			json.Unmarshal(r.text, &out) // a refusal has none
			return out.ID, r
		}
		first, r := bring("order-1", brought())
		if r.status != 201 || first == "" {
			t.Fatalf("%d %s", r.status, r.text)
		}
		if again, r := bring("order-1", brought()); again != first || r.status != 201 {
			t.Errorf("again: %s, %d %s", again, r.status, r.text)
		}
		if other, r := bring("order-2", brought()); other == first || r.status != 201 {
			t.Errorf("another key: %s, %d %s", other, r.status, r.text)
		}
		body := brought()
		body["name"] = "別の申込書.txt"
		if _, r := bring("order-1", body); r.status != 422 || r.code() != "idempotency-key" {
			t.Errorf("another content: %d %s", r.status, r.text)
		}
		if _, r := bring(strings.Repeat("k", 201), brought()); r.status != 422 || r.code() != "idempotency-key" {
			t.Errorf("a long key: %d %s", r.status, r.text)
		}
		w.advance(11 * time.Minute)
		if after, r := bring("order-1", brought()); after == first || r.status != 201 {
			t.Errorf("after its time: %s, %d %s", after, r.status, r.text)
		}
		status, out, _ := w.post("/par", b.authenticated(signRequest(b, first)), "", "")
		if status != 400 || out["error"] != "invalid_request" {
			t.Errorf("pushed after its time: %d %v", status, out)
		}
		if err := w.store.OIDC().SweepOIDC(t.Context(), w.Now()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.store.OIDC().SignTransaction(t.Context(), first, w.Now().Add(-time.Hour)); !errors.Is(err, oidc.ErrNotFound) {
			t.Errorf("what nobody signed is kept: %v", err)
		}
	})
}

func signRequest(b *broker, transaction string) url.Values {
	request := b.request()
	request.Set("scope", "openid sign")
	request.Set("sign_transaction_id", transaction)
	return request
}

func TestRequestsToSignThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		id := b.bring(brought())
		for name, c := range map[string]struct {
			change func(url.Values)
			error  string
		}{
			"without a transaction":          {func(v url.Values) { v.Del("sign_transaction_id") }, "invalid_request"},
			"a transaction without sign":     {func(v url.Values) { v.Set("scope", "openid") }, "invalid_request"},
			"an unknown transaction":         {func(v url.Values) { v.Set("sign_transaction_id", "00000000-0000-4000-8000-000000000000") }, "invalid_request"},
			"an attribute of no purpose":     {func(v url.Values) { v.Set("scope", "openid sign gender") }, "invalid_scope"},
			"without openid":                 {func(v url.Values) { v.Set("scope", "sign") }, "invalid_request"},
			"with a transaction given twice": {func(v url.Values) { v.Add("sign_transaction_id", id) }, "invalid_request"},
		} {
			request := signRequest(b, id)
			c.change(request)
			if status, out, _ := w.post("/par", b.authenticated(request), "", ""); status != 400 || out["error"] != c.error {
				t.Errorf("%s: %d %v", name, status, out)
			}
		}
		// Of the client's, and not of this purpose's; and a purpose that is gone.
		none := func(c *oidc.Client) { c.SignPurposes[0].Claims = nil }
		w.signer(t, none).as(b)
		request := signRequest(b, id)
		request.Set("scope", "openid sign name")
		if status, out, _ := w.post("/par", b.authenticated(request), "", ""); status != 400 || out["error"] != "invalid_scope" {
			t.Errorf("an attribute of another purpose: %d %v", status, out)
		}
		w.signer(t, func(c *oidc.Client) { c.SignPurposes[0].Code = "close" }).as(b)
		if status, out, _ := w.post("/par", b.authenticated(signRequest(b, id)), "", ""); status != 400 || out["error"] != "invalid_request" {
			t.Errorf("a purpose that is gone: %d %v", status, out)
		}
		w.signer(t).as(b)
		id = b.bring(brought())
		// By the browser alone: nothing of it counts.
		query := signRequest(b, id)
		if p := w.browser().get(w.origin + "/authorize?" + query.Encode()); strings.HasPrefix(p.at.Path, "/login/") || strings.Contains(p.away, "code=") {
			t.Errorf("without pushing: at %s, led to %q", p.at, p.away)
		}
		p := w.browser().get(b.push() + "&" + url.Values{"scope": {"openid sign"}, "sign_transaction_id": {id}}.Encode())
		l, err := w.store.OIDC().Login(t.Context(), strings.TrimPrefix(p.at.Path, "/login/"), w.Now())
		if err != nil || l.Transaction != "" || l.Risk != "R2" {
			t.Errorf("%+v, %v", l, err)
		}
		// A client of the profile basic has neither the scope nor the registration.
		r := w.rp(t.Context(), "sign")
		if q := w.arrived(w.browser().get(r.url())); q.Get("error") != "invalid_scope" {
			t.Errorf("basic: %v", q)
		}
		for name, change := range map[string]func(*oidc.Client){
			"of the profile basic": func(c *oidc.Client) { c.Profile = oidc.Basic },
			"below R3":             func(c *oidc.Client) { c.SignPurposes[0].RiskFloor = ceremony.R2 },
			"of the login's code":  func(c *oidc.Client) { c.SignPurposes[0].Code = "trade" },
			"for more data":        func(c *oidc.Client) { c.SignPurposes[0].Claims = []string{"gender"} },
			"with a key for signing that is none": func(c *oidc.Client) {
				c.JWKS, _ = json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.key.Public(), KeyID: "e", Algorithm: "ES256", Use: "enc"}}})
			},
		} {
			c, err := w.store.OIDC().Client(t.Context(), "broker")
			if err != nil {
				t.Fatal(err)
			}
			change(&c)
			if err := w.provider.Register(t.Context(), audit.System("verifier"), c); !errors.Is(err, oidc.ErrClient) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// Another client that knows a transaction's id gets nothing by it.
func TestAnotherClientsTransaction(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mine := w.signer(t)
		id := mine.bring(brought())
		out := mine.signedBy("hanako", mine.pushSign(id))
		token, _ := out["access_token"].(string)
		waiting := mine.bring(brought())
		// The same keys, registered under another id.
		c, err := w.store.OIDC().Client(t.Context(), "broker")
		if err != nil {
			t.Fatal(err)
		}
		c.ID, c.Sector = "other", "other"
		w.register(c)
		other := &broker{w: w, key: mine.key, pop: mine.pop, verifier: mine.verifier, id: "other", kid: "k1"}
		status, answer, _ := w.post("/par", other.authenticated(signRequest(other, waiting)), "", "")
		if status != 400 || answer["error"] != "invalid_request" {
			t.Errorf("pushed: %d %v", status, answer)
		}
		theirs := other.signedBy("hanako", other.pushSign(other.bring(brought())))
		other2, _ := theirs["access_token"].(string)
		if r := other.call("GET", resultOf(id), other2, nil); r.status != 404 || r.code() != "sign-transaction-unknown" {
			t.Errorf("fetched: %d %s", r.status, r.text)
		}
		if r := mine.call("GET", resultOf(id), token, nil); r.status != 200 {
			t.Errorf("its own: %d %s", r.status, r.text)
		}
	})
}

// as takes over a client that was registered anew, with other keys.
func (b *broker) as(old *broker) { *old = *b }

// One client does not fill the place of all.
func TestTooManyDocuments(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t))
	b := w.signer(t)
	token, body := b.own(), brought()
	body["purpose"] = "none"
	tooMany := 0
	for range 260 {
		switch r := b.call("POST", "/api/sign-transactions", token, body); {
		case r.status == 429 && r.code() == "sign-too-many":
			tooMany++
		case r.code() != "sign-purpose":
			t.Fatalf("%d %s", r.status, r.text)
		}
	}
	if tooMany == 0 || tooMany > 60 {
		t.Errorf("%d of 260 were too many", tooMany)
	}
}
