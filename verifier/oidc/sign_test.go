package oidc_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
)

// idClaims reads an ID Token; that it is signed is others' test.
func idClaims(t *testing.T, out map[string]any) (claims struct {
	Sub string   `json:"sub"`
	ACR string   `json:"acr"`
	AMR []string `json:"amr"`
}) {
	t.Helper()
	raw, _ := out["id_token"].(string)
	m, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		err = m.UnsafeClaimsWithoutVerification(&claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func TestADocumentIsSignedOverOpenIDConnect(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		if text := w.browser().get(w.origin + "/.well-known/openid-configuration").text; !strings.Contains(text, `"gender","sign"]`) || !strings.Contains(text, `"client_credentials"]`) {
			t.Errorf("discovery says nothing of it: %s", text)
		}
		for _, c := range []struct {
			format, media string
			content       []byte
		}{{"cades", "text/plain", []byte(application)}, {"pades", "application/pdf", applicationPDF()}, {"xades", "application/xml", []byte(applicationXML)}} {
			body := brought()
			body["document"], body["format"], body["media_type"] = c.content, c.format, c.media
			id := b.bring(body)
			p := w.browser().get(b.pushSign(id))
			for _, says := range []string{"手形証券", "口座開設の申込書に署名します。", "申込書.txt", "署名用パスワード"} {
				if !strings.Contains(p.text, says) {
					t.Errorf("the page does not say %q: %s", says, p.text)
				}
			}
			out := b.signedBy("hanako", b.pushSign(id, "scope", "openid sign name"))
			token, _ := out["access_token"].(string)
			if out["scope"] != "openid name sign" && out["scope"] != "openid sign name" {
				t.Errorf("scope %v", out["scope"])
			}
			claims := idClaims(t, out)
			if claims.ACR != w.origin+"/acr/r3" || strings.Join(claims.AMR, " ") != "pwd swk" {
				t.Errorf("%+v", claims)
			}
			for range 2 { // the line may break
				r := b.call("GET", resultOf(id), token, nil)
				var result ceremony.SignResult
				if err := json.Unmarshal(r.text, &result); err != nil || r.status != 200 {
					t.Fatalf("%s: %d %s", c.format, r.status, r.text)
				}
				if result.State != "done" || result.Verdict != ceremony.Passed || len(result.Signature) == 0 || result.Receipt == "" || result.Sub != claims.Sub ||
					result.ACR != claims.ACR || strings.Join(result.AMR, " ") != "pwd swk" || result.Document.Name != "申込書.txt" ||
					!bytes.Contains(result.Signed, []byte(`"kind":"phone-sign"`)) || result.Claims["name"] != "手形 花子" {
					t.Errorf("%s: %.600s", c.format, r.text)
				}
			}
			if status := b.userInfo("DPoP", token, b.proof(b.pop, "GET", "/userinfo", token)); status != 200 {
				t.Errorf("userinfo: %d", status)
			}
			// It was signed: nobody signs it again, and the document is gone.
			request := b.request()
			request.Set("scope", "openid sign")
			request.Set("sign_transaction_id", id)
			if status, out, _ := w.post("/par", b.authenticated(request), "", ""); status != 400 || out["error"] != "invalid_request" {
				t.Errorf("pushed again: %d %v", status, out)
			}
			if content, err := w.store.OIDC().SignContent(t.Context(), id, w.Now()); err == nil {
				t.Errorf("%d bytes are still there", len(content))
			}
		}
	})
}

// A result is given to the login in which it was signed. Each stranger hears why not.
func TestASignatureIsPolledByStrangers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.signer(t)
		mine, theirs := b.bring(brought()), b.bring(brought())
		out := b.signedBy("hanako", b.pushSign(mine))
		token, _ := out["access_token"].(string)
		out = b.signedBy("taro", b.pushSign(theirs))
		other, _ := out["access_token"].(string)
		_, plain := b.redeem(b.code(), b.proof(b.pop, "POST", "/token", ""))
		login, _ := plain["access_token"].(string)
		path := resultOf(mine)
		proof := func() string { return b.proof(b.pop, "GET", path, token) }
		used := proof()
		for _, c := range []struct {
			name, code string
			status     int
			got        reply
		}{
			{"the client's own token", "sign-login-needed", 403, b.call("GET", path, b.own(), nil)},
			{"another person's login", "sign-login-other", 403, b.call("GET", path, other, nil)},
			{"a login that signed nothing", "sign-login-other", 403, b.call("GET", path, login, nil)},
			{"an unknown transaction", "sign-transaction-unknown", 404, b.call("GET", resultOf("00000000-0000-4000-8000-000000000000"), token, nil)},
			{"no token", "access-token", 401, b.callAs("DPoP", "GET", path, "", proof(), nil)},
			{"a token that is none", "access-token", 401, b.call("GET", path, "x", nil)},
			{"without a proof", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, "", nil)},
			{"with another key", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, b.proof(pkitest.ECKey(t), "GET", path, token), nil)},
			{"a proof of another method", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, b.proof(b.pop, "POST", path, token), nil)},
			{"a proof of another address", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, b.proof(b.pop, "GET", resultOf(theirs), token), nil)},
			{"a proof of another token", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, b.proof(b.pop, "GET", path, other), nil)},
			{"a proof that is none", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, "a.b.c", nil)},
			{"a proof once", "", 200, b.callAs("DPoP", "GET", path, token, used, nil)},
			{"a proof twice", "dpop-proof", 401, b.callAs("DPoP", "GET", path, token, used, nil)},
			{"as a bearer token", "caller-unproved", 401, b.callAs("Bearer", "GET", path, token, proof(), nil)},
		} {
			if c.got.status != c.status || c.code != "" && c.got.code() != c.code {
				t.Errorf("%s: %d %s", c.name, c.got.status, c.got.text)
			}
			if c.status == 401 && c.code != "caller-unproved" && c.got.header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no challenge", c.name)
			}
			if c.status != 200 && bytes.Contains(c.got.text, []byte("signature\":")) {
				t.Errorf("%s: %s", c.name, c.got.text)
			}
		}
	})
}
