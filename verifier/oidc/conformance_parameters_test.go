package oidc_test

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// spoiled are the ways in which a parameter is wrong, in the order of the tables below.
var spoiled = []string{"missing", "empty", "doubled", "too long", "of a wrong kind"}

// spoil makes one parameter of a form wrong.
func spoil(form url.Values, name, how, other string) url.Values {
	out := maps.Clone(form)
	switch how {
	case "missing":
		out.Del(name)
	case "empty":
		out.Set(name, "")
	case "doubled":
		out[name] = []string{out.Get(name), out.Get(name)}
	case "too long":
		out.Set(name, strings.Repeat("x", 5000))
	default:
		out.Set(name, other)
	}
	return out
}

// parameters is a parameter, a value of a wrong kind, and what answers each way of being
// wrong: an error of OAuth; "page", one that is shown and leads nowhere; "ok", since it may
// be left out or is not looked at.
type parameters []struct{ name, other, want string }

// walk makes each wrong in each way.
func (p parameters) walk(t *testing.T, endpoint string, form func() url.Values, ask func(url.Values) string) {
	t.Helper()
	for _, one := range p {
		wants := strings.Fields(one.want)
		if len(wants) != len(spoiled) {
			t.Fatalf("%s: %s: %d wants", endpoint, one.name, len(wants))
		}
		for i, how := range spoiled {
			if got := ask(spoil(form(), one.name, how, one.other)); got != wants[i] {
				t.Errorf("%s: %s is %s: %s, want %s", endpoint, one.name, how, got, wants[i])
			}
		}
	}
}

// The authorization endpoint: OpenID Connect Core, section 3.1.2.1; RFC 6749, section
// 4.1.2.1 says what goes to the client and what to the person.
func TestParametersOfAuthorize(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.rp(t.Context())
		form := func() url.Values {
			u, err := url.Parse(r.url())
			if err != nil {
				t.Fatal(err)
			}
			return u.Query()
		}
		parameters{
			{"client_id", "\x00", "page page page page page"},
			{"redirect_uri", "callback", "page page page page page"},
			{"response_type", "token", "invalid_request invalid_request page unsupported_response_type unsupported_response_type"},
			{"scope", "\x00", "invalid_request invalid_request page invalid_request invalid_request"},
			{"state", "\x00", "ok ok page invalid_request ok"},
			{"nonce", "\x00", "ok ok page invalid_request ok"},
			{"code_challenge", "short", "invalid_request invalid_request page invalid_request invalid_request"},
			{"code_challenge_method", "plain", "invalid_request invalid_request page invalid_request invalid_request"},
			{"response_mode", "form_post", "ok ok page invalid_request invalid_request"},
			{"request", "e30.e30.", "ok request_not_supported page request_not_supported request_not_supported"},
			{"request_uri", "https://elsewhere.example/", "ok request_uri_not_supported page request_uri_not_supported request_uri_not_supported"},
			{"id_token_hint", "e30.e30.", "ok ok page page page"},
			{"prompt", "none login", "ok ok page ok invalid_request"},
			{"acr_values", "\x00", "ok ok page ok ok"},
			{"max_age", "-1", "ok ok page ok ok"},
			{"ui_locales", "\x00", "ok ok page ok ok"},
			{"display", "\x00", "ok ok page ok ok"},
			{"login_hint", "\x00", "ok ok page ok ok"},
			{"claims", "{", "ok ok page ok ok"},
		}.walk(t, "authorize", form, func(q url.Values) string {
			p := w.browser().get(w.origin + "/authorize?" + q.Encode())
			switch away, err := url.Parse(p.away); {
			case err != nil:
				t.Fatal(err)
			case p.away != "":
				return away.Query().Get("error")
			case p.status == 200 && strings.HasPrefix(p.at.Path, "/login/"):
				return "ok"
			case p.status == 400:
				return "page"
			default:
				return strconv.Itoa(p.status)
			}
			return ""
		})
	})
}

// oauth asks an endpoint for programs: the error, with the status that belongs to it.
func (w *world) oauth(path string, form url.Values, id, secret string) string {
	w.t.Helper()
	status, out, _ := w.post(path, form, id, secret)
	code, _ := out["error"].(string)
	switch {
	case status/100 == 2 && code == "":
		return "ok"
	case code == "invalid_client" && status == 401, code != "invalid_client" && status == 400:
		return code
	}
	return strconv.Itoa(status) + " " + code
}

// Pushed requests: RFC 9126, section 2; the client's proof: RFC 7523, section 2.2.
func TestParametersOfPAR(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		const bad = "invalid_request invalid_request invalid_request invalid_request invalid_request"
		parameters{
			{"client_id", "nobody", "ok ok invalid_request invalid_client invalid_client"},
			{"client_assertion", "e30.e30.", "invalid_client invalid_client invalid_request invalid_client invalid_client"},
			{"client_assertion_type", "\x00", "invalid_client invalid_client invalid_request invalid_client invalid_client"},
			{"redirect_uri", "callback", bad},
			{"response_type", "token", "invalid_request invalid_request invalid_request unsupported_response_type unsupported_response_type"},
			{"scope", "\x00", bad},
			{"state", "\x00", "ok ok invalid_request invalid_request ok"},
			{"nonce", "\x00", "ok ok invalid_request invalid_request ok"},
			{"code_challenge", "short", bad},
			{"code_challenge_method", "plain", bad},
			{"response_mode", "form_post", "ok ok invalid_request invalid_request invalid_request"},
			{"request", "e30.e30.", "ok request_not_supported invalid_request request_not_supported request_not_supported"},
			{"request_uri", "https://elsewhere.example/", "ok request_uri_not_supported invalid_request request_uri_not_supported request_uri_not_supported"},
			{"acr_values", "\x00", "ok ok invalid_request ok ok"},
		}.walk(t, "par", func() url.Values { return b.authenticated(b.request()) }, func(q url.Values) string { return w.oauth("/par", q, "", "") })
	})
}

// RFC 6749, sections 4.1.3, 5.2 and 6; RFC 7636, section 4.6.
func TestParametersOfToken(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, ctx := w.rp(t.Context()), t.Context()
		ask := func(q url.Values) string { return w.oauth("/token", q, "bank", w.secret) }
		parameters{
			{"grant_type", "password", "invalid_request invalid_request invalid_request unsupported_grant_type unsupported_grant_type"},
			{"code", "\x00", "invalid_request invalid_request invalid_request invalid_grant invalid_grant"},
			{"redirect_uri", "callback", "invalid_grant invalid_grant invalid_request invalid_grant invalid_grant"},
			{"code_verifier", "\x00", "invalid_grant invalid_grant invalid_request invalid_grant invalid_grant"},
			{"client_id", "broker", "ok ok invalid_request invalid_client invalid_client"},
		}.walk(t, "token, code", func() url.Values {
			q := r.code(w.browser(), "hanako")
			return url.Values{"grant_type": {"authorization_code"}, "code": {q.Get("code")}, "redirect_uri": {redirectURI}, "code_verifier": {r.verifier}}
		}, ask)
		parameters{
			{"grant_type", "password", "invalid_request invalid_request invalid_request unsupported_grant_type unsupported_grant_type"},
			{"refresh_token", "\x00", "invalid_request invalid_request invalid_request invalid_grant invalid_grant"},
			{"scope", "openid gender", "ok ok invalid_request invalid_scope invalid_scope"},
		}.walk(t, "token, refresh", func() url.Values {
			token, _ := r.login(ctx, "hanako")
			return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token.RefreshToken}, "scope": {"openid"}}
		}, ask)
	})
}

// RFC 7662, section 2.1; RFC 7009, section 2.1: a token that is none is no error.
func TestParametersOfIntrospectionAndRevocation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, path := range []string{"/introspect", "/revoke"} {
			parameters{
				{"token", "\x00", "invalid_request invalid_request invalid_request ok ok"},
				{"token_type_hint", "\x00", "ok ok invalid_request ok ok"},
			}.walk(t, path, func() url.Values { return url.Values{"token": {"none"}, "token_type_hint": {"access_token"}} },
				func(q url.Values) string { return w.oauth(path, q, "bank", w.secret) })
		}
	})
}

// OpenID Connect Core, section 5.3.1; RFC 6750, section 3.1.
func TestParametersOfUserInfo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _ := w.rp(t.Context()).login(t.Context(), "hanako")
		for name, c := range map[string]struct {
			header []string
			status int
		}{
			"missing":         {nil, 401},
			"empty":           {[]string{"Bearer "}, 401},
			"too long":        {[]string{"Bearer " + strings.Repeat("x", 5000)}, 401},
			"of a wrong kind": {[]string{"Basic eDp4"}, 401},
			"another scheme":  {[]string{"DPoP " + token.AccessToken}, 401},
			"as it should be": {[]string{"Bearer " + token.AccessToken}, 200},
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.origin+"/userinfo", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header["Authorization"] = c.header
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if told := res.Header.Get("WWW-Authenticate"); res.StatusCode != c.status || (c.status == 401) != strings.Contains(told, `error="invalid_token"`) {
				t.Errorf("a token that is %s: %d, %q", name, res.StatusCode, told)
			}
		}
	})
}

// OpenID Connect RP-Initiated Logout 1.0, sections 2 and 3. "ok" leads back to the client.
func TestParametersOfLogout(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		token, _ := w.rp(t.Context()).login(t.Context(), "hanako")
		raw, _ := token.Extra("id_token").(string)
		parameters{
			{"id_token_hint", "e30.e30.", "ok ok page page page"},
			{"client_id", "broker", "ok ok page page page"},
			{"post_logout_redirect_uri", "bye", "stays stays page page page"},
			{"state", "\x00", "ok ok page page ok"},
			{"logout_hint", "\x00", "ok ok page ok ok"},
		}.walk(t, "logout", func() url.Values {
			return url.Values{"id_token_hint": {raw}, "client_id": {"bank"}, "post_logout_redirect_uri": {"http://127.0.0.1:9/bye"}, "state": {"s"}}
		}, func(q url.Values) string {
			p := w.browser().get(w.origin + "/logout?" + q.Encode())
			switch {
			case p.status == 200 && strings.HasPrefix(p.away, "http://127.0.0.1:9/bye"):
				return "ok"
			case p.status == 200 && p.away == "":
				return "stays"
			case p.status == 400 && p.away == "":
				return "page"
			}
			return strconv.Itoa(p.status) + " " + p.away
		})
	})
}
