package oidc_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/verifier/oidc"
)

// post is a form to an endpoint for programs.
func (w *world) post(path string, form url.Values, id, secret string, header ...string) (int, map[string]any, http.Header) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if secret != "" {
		r.SetBasicAuth(id, secret)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	out := map[string]any{}
	text, err := io.ReadAll(res.Body)
	if err != nil || len(text) > 0 && json.Unmarshal(text, &out) != nil {
		w.t.Fatalf("%s answered %d: %s, %v", path, res.StatusCode, text, err)
	}
	return res.StatusCode, out, res.Header
}

// redeem sends a code as the client "bank" does.
func (w *world) redeem(code, verifier string) (int, map[string]any) {
	w.t.Helper()
	status, out, _ := w.post("/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}, "bank", w.secret)
	return status, out
}

func (w *world) refresh(token string) (int, map[string]any) {
	w.t.Helper()
	status, out, _ := w.post("/token", url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}, "bank", w.secret)
	return status, out
}

// active asks introspection.
func (w *world) active(token string) bool {
	w.t.Helper()
	status, out, _ := w.post("/introspect", url.Values{"token": {token}}, "bank", w.secret)
	if status != 200 {
		w.t.Fatalf("introspection answered %d %v", status, out)
	}
	return out["active"] == true
}

// No browser is ever led to an address that is not registered, letter by letter.
func TestRedirectAddressesAreComparedExactly(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.rp(t.Context())
		for _, to := range []string{"", "http://127.0.0.1:9/callback/", "http://127.0.0.1:9/callback?x=1", "http://127.0.0.1:9/callback#x", "http://127.0.0.1:10/callback",
			"https://127.0.0.1:9/callback", "http://127.0.0.1:9@evil.example/callback", "http://127.0.0.1:9/Callback", "http://127.0.0.1:9/x/../callback",
			"http://127.0.0.1:9\\@evil.example/callback", "javascript:alert(1)", "//127.0.0.1:9/callback", "http://127.0.0.1:9/%63allback", "http://localhost:9/callback"} {
			p := w.browser().get(r.url(oauth2.SetAuthURLParam("redirect_uri", to)))
			if p.away != "" || p.status != 400 || p.at.Host != strings.TrimPrefix(w.origin, "http://") {
				t.Errorf("%q: %d, led to %q", to, p.status, p.away)
			}
		}
		if p := w.browser().get(r.url(oauth2.SetAuthURLParam("client_id", "nobody"))); p.away != "" || p.status != 400 {
			t.Errorf("unknown client: %d, led to %q", p.status, p.away)
		}
		if p := w.browser().get(r.url() + "&redirect_uri=" + url.QueryEscape("https://evil.example/")); p.away != "" || p.status != 400 {
			t.Errorf("two addresses: %d, led to %q", p.status, p.away)
		}
	})
}

// What the authorization endpoint refuses, at the client's own address, with iss.
func TestRequestsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		fetched := make(chan string, 1)
		inside := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { fetched <- r.URL.Path }))
		defer inside.Close()
		r := w.rp(t.Context())
		for _, c := range []struct {
			name  string
			more  []oauth2.AuthCodeOption
			error string
		}{
			{"no PKCE", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("code_challenge", ""), oauth2.SetAuthURLParam("code_challenge_method", "")}, "invalid_request"},
			{"PKCE plain", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("code_challenge_method", "plain")}, "invalid_request"},
			{"PKCE without a method, which is plain", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("code_challenge_method", "")}, "invalid_request"},
			{"implicit flow", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("response_type", "id_token token")}, "unsupported_response_type"},
			{"hybrid flow", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("response_type", "code id_token")}, "unsupported_response_type"},
			{"the code in a fragment", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("response_mode", "fragment")}, "invalid_request"},
			{"an attribute that is not registered", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("scope", "openid gender")}, "invalid_scope"},
			{"without openid", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("scope", "name")}, "invalid_request"},
			{"silently", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("prompt", "none")}, "login_required"},
			{"a nonce of two kilobytes", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("nonce", strings.Repeat("n", 2048))}, "invalid_request"},
			{"a class that takes the other profile", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("acr_values", w.origin+"/acr/r3")}, "unmet_authentication_requirements"},
			{"a request object", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("request", "e30.e30.")}, "request_not_supported"},
			{"a request elsewhere, to be fetched by us", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("request_uri", inside.URL+"/meta")}, "request_uri_not_supported"},
			{"a handle that this profile has not", []oauth2.AuthCodeOption{oauth2.SetAuthURLParam("request_uri", "urn:ietf:params:oauth:request_uri:x")}, "request_uri_not_supported"},
		} {
			q := w.arrived(w.browser().get(r.url(c.more...)))
			if q.Get("error") != c.error || q.Get("state") != r.state || q.Get("iss") != w.origin || q.Has("code") {
				t.Errorf("%s: %v", c.name, q)
			}
		}
		select {
		case path := <-fetched:
			t.Errorf("the provider fetched %s", path)
		default:
		}
	})
}

func TestACodeIsUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.rp(t.Context())
		code := r.code(w.browser(), "hanako").Get("code")
		status, out := w.redeem(code, r.verifier)
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		access, _ := out["access_token"].(string)
		if !w.active(access) {
			t.Fatal("the token is not active")
		}
		// RFC 6749, section 4.1.2: the second use ends what the first one got.
		if status, out := w.redeem(code, r.verifier); status != 400 || out["error"] != "invalid_grant" {
			t.Errorf("again: %d %v", status, out)
		}
		if w.active(access) {
			t.Error("the first one's token lives on")
		}
		refresh, _ := out["refresh_token"].(string)
		if status, out := w.refresh(refresh); status != 400 || out["error"] != "invalid_grant" {
			t.Errorf("refresh: %d %v", status, out)
		}
		// Its client did not ask for that end, and hears of it.
		if due, err := w.store.OIDC().DueNotices(t.Context(), w.Now(), 10); err != nil || len(due) != 1 {
			t.Errorf("%d notices, %v", len(due), err)
		}
	})
}

// Of many at the same moment one gets tokens at most.
func TestACodeInManyHands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.rp(t.Context())
		code := r.code(w.browser(), "hanako").Get("code")
		results := make(chan int, 8)
		for range cap(results) {
			go func() {
				status, _ := w.redeem(code, r.verifier)
				results <- status
			}()
		}
		got := 0
		for range cap(results) {
			if <-results == 200 {
				got++
			}
		}
		if got > 1 {
			t.Errorf("%d got tokens for one code", got)
		}
	})
}

func TestCodesInWrongHands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret, sum := oidc.NewSecret()
		w.register(oidc.Client{ID: "carrier", Name: ceremony.Text{JA: "手形通信", EN: "Tegata Mobile"}, Mark: "carrier", Profile: oidc.Basic,
			Authentication: oidc.SecretBasic, SecretSHA256: sum, RedirectURIs: []string{redirectURI},
			Purpose: ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}, RiskFloor: ceremony.R1}})
		form := func(code, verifier string) url.Values {
			return url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {verifier}}
		}
		for _, c := range []struct {
			name   string
			send   func(code string, r *rp) (int, map[string]any, http.Header)
			status int
			error  string
		}{
			{"another client's code", func(code string, r *rp) (int, map[string]any, http.Header) {
				return w.post("/token", form(code, r.verifier), "carrier", secret)
			}, 400, "invalid_grant"},
			{"without the PKCE verifier", func(code string, _ *rp) (int, map[string]any, http.Header) {
				return w.post("/token", form(code, ""), "bank", w.secret)
			}, 400, "invalid_grant"},
			{"with another verifier", func(code string, _ *rp) (int, map[string]any, http.Header) {
				return w.post("/token", form(code, oauth2.GenerateVerifier()), "bank", w.secret)
			}, 400, "invalid_grant"},
			{"with the challenge as verifier", func(code string, r *rp) (int, map[string]any, http.Header) {
				s := sha256.Sum256([]byte(r.verifier))
				return w.post("/token", form(code, base64.RawURLEncoding.EncodeToString(s[:])), "bank", w.secret)
			}, 400, "invalid_grant"},
			{"at another address", func(code string, r *rp) (int, map[string]any, http.Header) {
				f := form(code, r.verifier)
				f.Set("redirect_uri", "http://127.0.0.1:9/other")
				return w.post("/token", f, "bank", w.secret)
			}, 400, "invalid_grant"},
			{"without a secret", func(code string, r *rp) (int, map[string]any, http.Header) {
				f := form(code, r.verifier)
				f.Set("client_id", "bank")
				return w.post("/token", f, "", "")
			}, 401, "invalid_client"},
			{"with a wrong secret", func(code string, r *rp) (int, map[string]any, http.Header) {
				return w.post("/token", form(code, r.verifier), "bank", secret)
			}, 401, "invalid_client"},
			{"with the stored form of the secret", func(code string, r *rp) (int, map[string]any, http.Header) {
				return w.post("/token", form(code, r.verifier), "bank", sum)
			}, 401, "invalid_client"},
			{"as two clients at once", func(code string, r *rp) (int, map[string]any, http.Header) {
				f := form(code, r.verifier)
				f.Set("client_id", "carrier")
				return w.post("/token", f, "bank", w.secret)
			}, 401, "invalid_client"},
			{"with an unsigned assertion", func(code string, r *rp) (int, map[string]any, http.Header) {
				f := form(code, r.verifier)
				f.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
				f.Set("client_assertion", base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`))+"."+
					base64.RawURLEncoding.EncodeToString([]byte(`{"iss":"bank","sub":"bank","aud":"`+w.origin+`","jti":"1","exp":9999999999}`))+".")
				return w.post("/token", f, "", "")
			}, 401, "invalid_client"},
			{"in the address", func(code string, r *rp) (int, map[string]any, http.Header) {
				return w.post("/token?"+form(code, r.verifier).Encode(), url.Values{}, "bank", w.secret)
			}, 400, "invalid_request"},
		} {
			r := w.rp(t.Context())
			code := r.code(w.browser(), "hanako").Get("code")
			status, out, header := c.send(code, r)
			if status != c.status || out["error"] != c.error || out["access_token"] != nil {
				t.Errorf("%s: %d %v", c.name, status, out)
			}
			if (status == 401) != (header.Get("WWW-Authenticate") != "") {
				t.Errorf("%s: %d with WWW-Authenticate %q", c.name, status, header.Get("WWW-Authenticate"))
			}
		}
	})
}

// A login link that is mailed to a victim opens nothing: not the page, not the result.
func TestALoginBelongsToTheBrowserThatBeganIt(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		attacker, victim := w.browser(), w.browser()
		r := w.rp(t.Context(), "name")
		p := attacker.get(r.url())
		login := p.at
		if p := victim.get(login.String()); p.status != 403 || !strings.Contains(p.text, "openid-other-browser") || strings.Contains(p.text, "手形銀行") {
			t.Errorf("the victim sees %d %s", p.status, p.text)
		}
		for _, path := range []string{"/ask", "/refuse"} {
			if p := victim.post(login.Path+path, nil); p.status != 403 {
				t.Errorf("%s: %d", path, p.status)
			}
		}
		// The victim's phone answers the attacker's link; its browser brings the code back.
		p = attacker.post(login.Path+"/ask", url.Values{"with": {"this"}})
		redirect, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		if p := victim.get(redirect); p.status != 403 || p.away != "" {
			t.Errorf("the victim's browser is led to %q (%d)", p.away, p.status)
		}
		// And the attacker's, which has no code, learns nothing by asking again.
		for _, path := range []string{"", "/phone", "/wait", "/done"} {
			if p := attacker.get(w.origin + login.Path + path); strings.HasPrefix(p.away, redirectURI) {
				t.Errorf("%s leads to %s", path, p.away)
			}
		}
	})
}

// Who photographed the QR code, or saw the address, polls in vain.
func TestAStrangerPolls(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.browser()
		p := b.get(w.rp(t.Context()).url())
		p = b.post(p.at.Path+"/ask", url.Values{"with": {"other"}})
		stranger := w.browser()
		if _, err := w.answer(w.requestIn(p), "hanako", func(a *ceremony.Answer) { a.Match = numberOn(t, p) }); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{p.at.Path, strings.TrimSuffix(p.at.Path, "/wait") + "/done"} {
			if got := stranger.get(w.origin + path); got.status != 403 || got.away != "" {
				t.Errorf("%s: %d, led to %q", path, got.status, got.away)
			}
		}
		if w.arrived(b.get(p.at.String())).Get("code") == "" {
			t.Error("and the person's own browser gets no code")
		}
	})
}

// Tokens in the wrong place.
func TestTokensThatAreNone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		id, _ := token.Extra("id_token").(string)
		for name, value := range map[string]string{"none": "", "made up": ceremony.NewID(), "an ID Token": id, "a refresh token": token.RefreshToken} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.origin+"/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+value)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), `error="invalid_token"`) {
				t.Errorf("%s: %d %q", name, res.StatusCode, res.Header.Get("WWW-Authenticate"))
			}
		}
		w.advance(6 * time.Minute)
		if w.active(token.AccessToken) {
			t.Error("an access token outlives its five minutes")
		}
	})
}

// ID Tokens as hints: ours alone, whole, and for this client.
func TestLogoutIsNotForged(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		id, _ := token.Extra("id_token").(string)
		parts := strings.Split(id, ".")
		none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "."
		spoiled := parts[0] + "." + parts[1] + "." + strings.Repeat("A", 86)
		for name, q := range map[string]url.Values{
			"no hint":                     {"client_id": {"bank"}},
			"alg none":                    {"id_token_hint": {none}},
			"another signature":           {"id_token_hint": {spoiled}},
			"for another client":          {"id_token_hint": {id}, "client_id": {"carrier"}},
			"to an address of a thief":    {"id_token_hint": {id}, "post_logout_redirect_uri": {"https://evil.example/"}},
			"an address without a client": {"post_logout_redirect_uri": {"http://127.0.0.1:9/bye"}},
		} {
			if p := w.browser().get(w.origin + "/logout?" + q.Encode()); p.away != "" || p.status == 200 && name != "no hint" {
				t.Errorf("%s: %d, led to %q", name, p.status, p.away)
			}
			if !w.active(token.AccessToken) {
				t.Fatalf("%s: logged out", name)
			}
		}
	})
}

// Clients that encode id and secret as RFC 6749, section 2.3.1, says (openid-client) are
// the same clients; what is no encoding is nobody's.
func TestBasicCredentialsAreFormEncoded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		secret, sum := oidc.NewSecret()
		w.register(oidc.Client{ID: "a-shop", Name: ceremony.Text{JA: "店", EN: "Shop"}, Mark: "店", Profile: oidc.Basic, Authentication: oidc.SecretBasic, SecretSHA256: sum,
			RedirectURIs: []string{redirectURI}, Purpose: ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}, RiskFloor: ceremony.R1}})
		for id, want := range map[string]int{"a-shop": 200, "a%2Dshop": 200, "a%2dshop": 200, "a%shop": 401, "a%252Dshop": 401} {
			if status, out, _ := w.post("/introspect", url.Values{"token": {"none"}}, id, secret); status != want {
				t.Errorf("%s: %d %v", id, status, out)
			}
		}
		if status, _, _ := w.post("/introspect", url.Values{"token": {"none"}}, "a-shop", secret+"%"); status != 401 {
			t.Errorf("a secret that is no encoding: %d", status)
		}
	})
}
