package oidc_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/verifier/oidc"
)

// FAPI 2.0, section 5.3.2.1: a code lives for at most 60 seconds; RFC 6749, section
// 4.1.2. What is kept of a code is put back as it was a while ago.
func TestACodeIsShortLived(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b, r := w.broker(t), w.rp(t.Context())
		for name, c := range map[string]struct {
			code   string
			life   time.Duration
			redeem func(code string) (int, map[string]any)
		}{
			"fapi2": {b.code(), 30 * time.Second, func(code string) (int, map[string]any) { return b.redeem(code, b.proof(b.pop, "POST", "/token", "")) }},
			"basic": {r.code(w.browser(), "hanako").Get("code"), 60 * time.Second, func(code string) (int, map[string]any) { return w.redeem(code, r.verifier) }},
		} {
			if left := w.codeLife(c.code); left > c.life || left < c.life-10*time.Second {
				t.Errorf("%s: a code has %v left of %v", name, left, c.life)
			}
			old, young := w.agedCode(c.code, c.life+2*time.Second), w.agedCode(c.code, c.life-15*time.Second)
			if status, out := c.redeem(old); status != 400 || out["error"] != "invalid_grant" {
				t.Errorf("%s: a code that is too old: %d %v", name, status, out)
			}
			if status, out := c.redeem(young); status != 200 {
				t.Errorf("%s: a code in its time: %d %v", name, status, out)
			}
		}
	})
}

func (w *world) grantOfCode(code string) (oidc.Grant, map[string]any) {
	w.t.Helper()
	g, err := w.store.OIDC().GrantByCode(w.t.Context(), sha256.Sum256([]byte(code)), w.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	content := map[string]any{}
	if err := json.Unmarshal([]byte(g.Content), &content); err != nil {
		w.t.Fatal(err)
	}
	return g, content
}

func (w *world) codeLife(code string) time.Duration {
	w.t.Helper()
	_, content := w.grantOfCode(code)
	until, _ := content["auth_code_expires_at"].(float64)
	return time.Until(time.Unix(int64(until), 0))
}

// agedCode keeps the grant of a code once more, under another code, as one that was given
// earlier.
func (w *world) agedCode(code string, age time.Duration) string {
	w.t.Helper()
	g, content := w.grantOfCode(code)
	until, _ := content["auth_code_expires_at"].(float64)
	g.ID = ceremony.NewID()
	content["auth_code_expires_at"], content["id"] = int64(until)-int64(age/time.Second), g.ID
	text, err := json.Marshal(content)
	if err != nil {
		w.t.Fatal(err)
	}
	g.Content, code = string(text), ceremony.NewID()
	if err := w.store.OIDC().PutGrant(w.t.Context(), audit.System("verifier"), g, sha256.Sum256([]byte(code))); err != nil {
		w.t.Fatal(err)
	}
	return code
}

// RFC 7662, section 4: who asks about another's token learns nothing, not even that it is
// one.
func TestIntrospectionByAnotherClient(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _ := w.rp(t.Context()).login(t.Context(), "hanako")
		secret, sum := oidc.NewSecret()
		w.register(oidc.Client{ID: "shop", Name: ceremony.Text{JA: "店", EN: "Shop"}, Mark: "bank", Profile: oidc.Basic, Authentication: oidc.SecretBasic,
			SecretSHA256: sum, RedirectURIs: []string{"http://127.0.0.1:9/shop"}, Refresh: true,
			Purpose: ceremony.RegisteredPurpose{Code: "shop-login", Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}, RiskFloor: ceremony.R1}})
		b := w.broker(t)
		for name, of := range map[string]string{"access": token.AccessToken, "refresh": token.RefreshToken} {
			if !w.active(of) {
				t.Fatalf("%s token: its own client is told that it is none", name)
			}
			for client, ask := range map[string]func(string) (int, map[string]any){
				"basic": func(path string) (int, map[string]any) {
					status, out, _ := w.post(path, url.Values{"token": {of}}, "shop", secret)
					return status, out
				},
				"fapi2": func(path string) (int, map[string]any) {
					status, out, _ := w.post(path, b.authenticated(url.Values{"token": {of}}), "", "")
					return status, out
				},
			} {
				if status, out := ask("/introspect"); status != 200 || out["active"] != false || len(out) != 1 {
					t.Errorf("%s token, asked by another client (%s): %d %v", name, client, status, out)
				}
				ask("/revoke") // RFC 7009, section 2.1: only who got it ends it
				if !w.active(of) {
					t.Errorf("%s token: ended by another client (%s)", name, client)
				}
			}
		}
	})
}

// RFC 9449, section 11.1: a proof serves once, at the token endpoint too, and neither for
// another code nor for a refresh.
func TestAProofServesOneTokenRequest(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		once := b.proof(b.pop, "POST", "/token", "")
		status, out := b.redeem(b.code(), once)
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		refresh, _ := out["refresh_token"].(string)
		if status, out := b.redeem(b.code(), once); status != 400 || out["error"] != "invalid_dpop_proof" {
			t.Errorf("another code: %d %v", status, out)
		}
		form := func() url.Values {
			return b.authenticated(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}})
		}
		if status, out, _ := w.post("/token", form(), "", "", "DPoP", once); status != 400 || out["error"] != "invalid_dpop_proof" {
			t.Errorf("a refresh: %d %v", status, out)
		}
		if status, out, _ := w.post("/token", form(), "", "", "DPoP", b.proof(b.pop, "POST", "/token", "")); status != 200 {
			t.Errorf("a refresh with a proof of its own: %d %v", status, out)
		}
	})
}
