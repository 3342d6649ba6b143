package oidc_test

import (
	"context"
	"encoding/json"
	"net/url"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"

	"tegata/internal/audit"
	"tegata/internal/feed"
)

// Rotation, and the family that ends when a token is used again (RFC 9700, section
// 4.14.2).
func TestARefreshTokenIsUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		first := token.RefreshToken
		status, out := w.refresh(first)
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		second, _ := out["refresh_token"].(string)
		access, _ := out["access_token"].(string)
		if second == "" || second == first || !w.active(access) || !w.active(second) {
			t.Fatalf("%v", out)
		}
		if w.active(first) || !w.active(second) { // and asking ends nothing
			t.Error("the token that was rotated away is active, or asking about it ended the other")
		}
		if status, out := w.refresh(first); status != 400 || out["error"] != "invalid_grant" {
			t.Errorf("used again: %d %v", status, out)
		}
		for name, one := range map[string]string{"the newer refresh token": second, "its access token": access, "the first access token": token.AccessToken} {
			if w.active(one) {
				t.Errorf("%s is still active", name)
			}
		}
		if status, _ := w.refresh(second); status != 400 {
			t.Errorf("the newer token: %d", status)
		}
		w.toldOfLogout(t, "")
	})
}

func TestARefreshTokenInManyHands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		results := make(chan int, 8)
		for range cap(results) {
			go func() {
				status, _ := w.refresh(token.RefreshToken)
				results <- status
			}()
		}
		got := 0
		for range cap(results) {
			switch status := <-results; status {
			case 200:
				got++
			case 400:
			default:
				t.Errorf("answered %d", status)
			}
		}
		if got > 1 {
			t.Errorf("%d got new tokens for one", got)
		}
	})
}

// RFC 7009 and RFC 7662, by the client itself and by another.
func TestRevocationAndIntrospection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, id := w.rp(ctx).login(ctx, "hanako")
		status, out, _ := w.post("/introspect", url.Values{"token": {token.AccessToken}}, "bank", w.secret)
		if status != 200 || out["active"] != true || out["client_id"] != "bank" || out["sub"] != id.Subject || out["scope"] != "openid" {
			t.Errorf("%d %v", status, out)
		}
		if status, out, _ := w.post("/introspect", url.Values{"token": {token.AccessToken}}, "", ""); status != 401 {
			t.Errorf("a stranger asks: %d %v", status, out)
		}
		if status, _, _ := w.post("/revoke", url.Values{"token": {"none of ours"}}, "bank", w.secret); status != 200 {
			t.Errorf("an unknown token: %d", status) // RFC 7009, section 2.2
		}
		if status, _, _ := w.post("/revoke", url.Values{"token": {token.RefreshToken}}, "bank", w.secret); status != 200 {
			t.Errorf("revocation: %d", status)
		}
		if w.active(token.AccessToken) || w.active(token.RefreshToken) {
			t.Error("active after revocation")
		}
		if status, out := w.refresh(token.RefreshToken); status != 400 || out["error"] != "invalid_grant" {
			t.Errorf("refresh: %d %v", status, out)
		}
	})
}

// toldOfLogout has the provider work until the client "bank" is told, and checks the
// token as a client does (OpenID Connect Back-Channel Logout 1.0, section 2.6).
func (w *world) toldOfLogout(t *testing.T, sub string) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	running := make(chan error, 1)
	go func() { running <- w.provider.Run(ctx) }()
	var token string
	select {
	case token = <-w.logouts:
	case <-ctx.Done():
		t.Fatal("the client was told of nothing")
	}
	p, err := oidcclient.NewProvider(t.Context(), w.origin)
	if err != nil {
		t.Fatal(err)
	}
	m, err := p.Verifier(&oidcclient.Config{ClientID: "bank", SupportedSigningAlgs: []string{"ES256"}}).Verify(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		SID    string                     `json:"sid"`
		Nonce  *string                    `json:"nonce"`
		JTI    string                     `json:"jti"`
		Events map[string]json.RawMessage `json:"events"`
	}
	if err := m.Claims(&claims); err != nil {
		t.Fatal(err)
	}
	if _, ok := claims.Events["http://schemas.openid.net/event/backchannel-logout"]; !ok || claims.SID == "" || claims.JTI == "" || claims.Nonce != nil || sub != "" && m.Subject != sub {
		t.Errorf("%+v, sub %q", claims, m.Subject)
	}
	stop()
	if err := <-running; err != nil {
		t.Error(err)
	}
}

// A suspended or revoked certificate stops refresh and userinfo at once, and the client
// is told.
func TestAGrantEndsWithItsCertificate(t *testing.T) {
	for _, s := range []feed.Status{feed.Held, feed.Revoked} {
		t.Run(string(s), func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				ctx := t.Context()
				r := w.rp(ctx)
				token, id := r.login(ctx, "hanako")
				neighbour, _ := w.rp(ctx).login(ctx, "taro")
				watching(t, w)
				w.turn("hanako", s)
				if _, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token)); err == nil {
					t.Error("userinfo answers")
				}
				if w.active(token.AccessToken) {
					t.Error("the access token is active")
				}
				if status, out := w.refresh(token.RefreshToken); status != 400 || out["error"] != "invalid_grant" {
					t.Errorf("refresh: %d %v", status, out)
				}
				w.toldOfLogout(t, id.Subject)
				if status, _ := w.refresh(neighbour.RefreshToken); status != 200 {
					t.Errorf("the neighbour's: %d", status)
				}
			})
		})
	}
}

// Nobody asks, and the grant still ends: the provider hears of it.
func TestAClientIsToldWithoutAsking(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		_, id := w.rp(ctx).login(ctx, "hanako")
		watching(t, w)
		w.turn("hanako", feed.Held)
		w.toldOfLogout(t, id.Subject)
	})
}

// watching has the gateway watch over its sessions until the test ends.
func watching(t *testing.T, w *world) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.gateway.WatchSessions(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// When status cannot be learned nothing is decided: the client keeps its token.
func TestAStaleFeedDecidesNothing(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		w.mu.Lock()
		w.offset += 2 * time.Minute // and no batch since
		w.mu.Unlock()
		if status, out := w.refresh(token.RefreshToken); status != 503 || out["error"] != "temporarily_unavailable" {
			t.Errorf("refresh: %d %v", status, out)
		}
		w.tell()
		if status, out := w.refresh(token.RefreshToken); status != 200 {
			t.Errorf("afterwards: %d %v", status, out)
		}
	})
}

// A login lasts as long as the gateway says: twelve hours, and half an hour when it
// crossed devices.
func TestAGrantEndsWithItsSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		token, _ := w.rp(ctx).login(ctx, "hanako")
		w.advance(11 * time.Hour)
		status, out := w.refresh(token.RefreshToken)
		if status != 200 {
			t.Fatalf("after 11 hours: %d %v", status, out)
		}
		next, _ := out["refresh_token"].(string)
		w.advance(61 * time.Minute)
		if status, _ := w.refresh(next); status != 400 {
			t.Errorf("after 12 hours: %d", status)
		}
	})
}

// A relying party whose registration has ended gets nothing more, for nobody.
func TestAnEndedPartyGetsNothingMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		r := w.rp(ctx)
		token, _ := r.login(ctx, "hanako")
		if err := w.gateway.End(ctx, audit.System("verifier"), "bank"); err != nil {
			t.Fatal(err)
		}
		if status, out := w.refresh(token.RefreshToken); status != 401 || out["error"] != "invalid_client" {
			t.Errorf("refresh: %d %v", status, out)
		}
		if _, err := r.provider.UserInfo(ctx, r.config.TokenSource(ctx, token)); err == nil {
			t.Error("userinfo answers")
		}
		if p := w.browser().get(r.url()); p.status != 400 || p.away != "" {
			t.Errorf("authorize: %d, led to %q", p.status, p.away)
		}
	})
}
