package oidc_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"net/url"

	"tegata/internal/ceremony"
	"tegata/verifier/oidc"
)

// Discovery, login, ID Token, userinfo, refresh and logout by unmodified clients
// (coreos/go-oidc, x/oauth2).
func TestAnUnmodifiedClientLogsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r := w.rp(ctx, "name", "address", "profile", "offline_access") // the last two are nobody's here
		before := time.Now().Add(-2 * time.Second)
		token, id := r.login(ctx, "hanako")

		var claims struct {
			ACR      string   `json:"acr"`
			AMR      []string `json:"amr"`
			AuthTime int64    `json:"auth_time"`
			SID      string   `json:"sid"`
		}
		if err := id.Claims(&claims); err != nil {
			t.Fatal(err)
		}
		if claims.ACR != w.origin+"/acr/r2" || strings.Join(claims.AMR, " ") != "pin swk" || claims.AuthTime < before.Unix() || claims.AuthTime > time.Now().Unix()+1 || claims.SID == "" {
			t.Errorf("%+v", claims)
		}
		if id.Subject == "" || strings.Contains(id.Subject, "hanako") {
			t.Errorf("sub %q", id.Subject)
		}
		if scope, _ := token.Extra("scope").(string); scope != "openid name address" {
			t.Errorf("scope %q", scope)
		}
		info, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token))
		if err != nil {
			t.Fatal(err)
		}
		var told struct {
			Name    string `json:"name"`
			Address struct {
				Formatted string `json:"formatted"`
			} `json:"address"`
			BirthDate string `json:"birthdate"`
		}
		if err := info.Claims(&told); err != nil || info.Subject != id.Subject || told.Name != "手形 花子" || told.Address.Formatted != "手形市一丁目1番" || told.BirthDate != "" {
			t.Errorf("%+v, %v", told, err)
		}

		// Refresh: a new token, of the same login.
		old := *token
		old.Expiry = time.Now().Add(-time.Hour)
		fresh, err := r.config.TokenSource(ctx, &old).Token()
		if err != nil {
			t.Fatal(err)
		}
		if fresh.AccessToken == token.AccessToken || fresh.RefreshToken == token.RefreshToken || fresh.RefreshToken == "" {
			t.Error("nothing new")
		}

		// RP-initiated logout ends the grant, and leads back.
		raw, _ := token.Extra("id_token").(string)
		p := w.browser().get(w.origin + "/logout?" + url.Values{"id_token_hint": {raw}, "post_logout_redirect_uri": {"http://127.0.0.1:9/bye"}, "state": {"s"}}.Encode())
		if p.status != 200 || p.away != "http://127.0.0.1:9/bye?state=s" {
			t.Errorf("%d %q", p.status, p.away)
		}
		if _, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, fresh)); err == nil {
			t.Error("userinfo after logout")
		}
		fresh.Expiry = time.Now().Add(-time.Hour)
		if _, err := r.config.TokenSource(ctx, fresh).Token(); err == nil {
			t.Error("refreshed after logout")
		}
	})
}

func TestTheSubIsOnePersonsAtOneSector(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, first := w.rp(ctx).login(ctx, "hanako")
		_, again := w.rp(ctx).login(ctx, "hanako")
		_, other := w.rp(ctx).login(ctx, "taro")
		if first.Subject != again.Subject || first.Subject == other.Subject {
			t.Errorf("%q, %q, %q", first.Subject, again.Subject, other.Subject)
		}
		// Two services that compare notes: one sector, one name; two sectors, two names.
		for id, same := range map[string]bool{"bank": true, "shop": false} {
			secret, sum := oidc.NewSecret()
			w.register(oidc.Client{ID: id + "-app", Name: ceremony.Text{JA: "手形アプリ", EN: "Tegata App"}, Mark: "bank", Profile: oidc.Basic,
				Authentication: oidc.SecretBasic, SecretSHA256: sum, RedirectURIs: []string{redirectURI}, Sector: id,
				Purpose: ceremony.RegisteredPurpose{Code: "login", Sentence: ceremony.Text{JA: "ログインします。", EN: "Log in."}, RiskFloor: ceremony.R1}})
			r := w.rp(ctx)
			r.config.ClientID, r.config.ClientSecret = id+"-app", secret
			if _, id := r.login(ctx, "hanako"); (id.Subject == first.Subject) != same {
				t.Errorf("%v: %q, %q", same, id.Subject, first.Subject)
			}
		}
	})
}

// On another device: QR code and number, without script, by asking again.
func TestALoginAcrossDevices(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r, b := w.rp(ctx), w.browser()
		p := b.get(r.url())
		if !strings.Contains(p.text, "手形銀行") || !strings.Contains(p.text, "口座の画面にログインします。") {
			t.Errorf("the page does not say who asks for what: %s", p.text)
		}
		p = b.post(p.at.Path+"/ask", url.Values{"with": {"other"}})
		if p.status != 200 || !strings.HasSuffix(p.at.Path, "/wait") {
			t.Fatalf("%d at %s", p.status, p.at)
		}
		number := numberOn(t, p)
		if _, err := w.answer(w.requestIn(p), "hanako", func(a *ceremony.Answer) { a.Match = number }); err != nil {
			t.Fatal(err)
		}
		p = b.get(p.at.String())
		if p.status != 200 || !strings.HasSuffix(p.at.Path, "/done") {
			t.Fatalf("%d at %s: %s", p.status, p.at, p.text)
		}
		token, _, err := r.tokens(ctx, w.arrived(p))
		if err != nil {
			t.Fatal(err)
		}
		// It may have been relayed: half an hour, and no more.
		w.advance(29 * time.Minute)
		status, out := w.refresh(token.RefreshToken)
		if status != 200 {
			t.Fatalf("after 29 minutes: %d %v", status, out)
		}
		next, _ := out["refresh_token"].(string)
		w.advance(2 * time.Minute)
		if status, _ := w.refresh(next); status != 400 {
			t.Errorf("after 31 minutes: %d", status)
		}
	})
}

// numberOn is the number that a waiting page shows.
func numberOn(t *testing.T, p page) string {
	t.Helper()
	found := regexp.MustCompile(`class="bignumber"[^>]*>(\d\d)<`).FindStringSubmatch(p.text)
	if found == nil {
		t.Fatal("no number on the page")
	}
	return found[1]
}

func TestWrongNumberIsSaidAndMayBeTriedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, b := w.rp(t.Context()), w.browser()
		p := b.get(r.url())
		login := p.at.Path
		p = b.post(login+"/ask", url.Values{"with": {"other"}})
		number := numberOn(t, p)
		var shown []string
		_, err := w.answer(w.requestIn(p), "hanako", func(a *ceremony.Answer) {
			a.Match = "99"
			if number == "99" {
				a.Match = "98"
			}
			shown = append(shown, a.Match)
		})
		if err == nil {
			t.Fatalf("%v passed", shown)
		}
		if p = b.get(p.at.String()); p.status != 403 || !strings.Contains(p.text, "match-wrong") {
			t.Fatalf("%d: %s", p.status, p.text)
		}
		p = b.post(login+"/ask", url.Values{"with": {"this"}})
		redirect, err := w.answer(w.requestIn(p), "hanako")
		if err != nil {
			t.Fatal(err)
		}
		if w.arrived(b.get(redirect)).Get("code") == "" {
			t.Error("no code")
		}
	})
}

// Refusing is as easy as agreeing, on either screen, and the client hears the same.
func TestRefusing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r, b := w.rp(t.Context(), "name"), w.browser()
		p := b.get(r.url())
		q := w.arrived(b.post(p.at.Path+"/refuse", nil))
		if q.Get("error") != "access_denied" || q.Get("state") != r.state || q.Get("iss") != w.origin || q.Has("code") {
			t.Errorf("%v", q)
		}
		q = w.rp(t.Context(), "name").code(w.browser(), "hanako", func(a *ceremony.Answer) { a.Decision, a.Reason, a.Granted = ceremony.Refuse, "unwanted", nil })
		if q.Get("error") != "access_denied" || q.Has("code") {
			t.Errorf("%v", q)
		}
	})
}

// What the holder keeps is not given, and not in scope.
func TestAnAttributeThatIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r := w.rp(ctx, "name", "address")
		token, _, err := r.tokens(ctx, r.code(w.browser(), "hanako", func(a *ceremony.Answer) { a.Granted = []string{"name"} }))
		if err != nil {
			t.Fatal(err)
		}
		if scope, _ := token.Extra("scope").(string); scope != "openid name" {
			t.Errorf("scope %q", scope)
		}
		info, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token))
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]any{}
		if err := info.Claims(&told); err != nil || told["name"] != "手形 花子" || told["address"] != nil {
			t.Errorf("%v, %v", told, err)
		}
	})
}

// The registration of a relying party is what a phone reads strictly, and it has no key.
func TestPhonesReadTheRegistration(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		compact, err := w.gateway.Registration(t.Context(), "bank", w.Now())
		if err != nil {
			t.Fatal(err)
		}
		m, err := ceremony.ParseRegistration(compact)
		if err != nil {
			t.Fatal(err)
		}
		if r := m.Unverified(); r.Through != "openid" || len(r.Keys) != 0 || r.Name.JA != "手形銀行" {
			t.Errorf("%+v", r)
		}
	})
}
