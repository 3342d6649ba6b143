package oidc_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/pkitest"
	"tegata/verifier/oidc"
)

// broker is a client of the profile fapi2: a key to authenticate with, and one that its
// tokens are bound to.
type broker struct {
	w        *world
	key, pop *ecdsa.PrivateKey
	verifier string
	id, kid  string // client_id, and of key
}

func (w *world) broker(t *testing.T) *broker {
	t.Helper()
	b := &broker{w: w, key: pkitest.ECKey(t), pop: pkitest.ECKey(t), verifier: oauth2.GenerateVerifier(), id: "broker", kid: "k1"}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: b.key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	if err != nil {
		t.Fatal(err)
	}
	w.register(oidc.Client{ID: "broker", Name: ceremony.Text{JA: "手形証券", EN: "Tegata Securities"}, Mark: "bank", Profile: oidc.FAPI2,
		Authentication: oidc.PrivateKeyJWT, JWKS: set, RedirectURIs: []string{redirectURI}, Refresh: true,
		Purpose: ceremony.RegisteredPurpose{Code: "trade", Sentence: ceremony.Text{JA: "取引の画面にログインします。", EN: "Log in to trade."}, RiskFloor: ceremony.R2, Claims: []string{"name"}}})
	return b
}

// assertion is private_key_jwt (RFC 7523; FAPI 2.0: aud is the issuer alone).
func (b *broker) assertion(change ...func(map[string]any)) string {
	b.w.t.Helper()
	claims := map[string]any{"iss": b.id, "sub": b.id, "aud": b.w.origin, "jti": ceremony.NewID(), "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}
	for _, c := range change {
		c(claims)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: b.key, KeyID: b.kid}}, nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		b.w.t.Fatal(err)
	}
	return text
}

// proof is a DPoP proof (RFC 9449, section 4.2).
func (b *broker) proof(key *ecdsa.PrivateKey, method, path, token string) string {
	b.w.t.Helper()
	claims := map[string]any{"htm": method, "htu": b.w.origin + path, "jti": ceremony.NewID(), "iat": time.Now().Unix()}
	if token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	if err != nil {
		b.w.t.Fatal(err)
	}
	text, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		b.w.t.Fatal(err)
	}
	return text
}

func (b *broker) authenticated(form url.Values, change ...func(map[string]any)) url.Values {
	form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
	form.Set("client_assertion", b.assertion(change...))
	return form
}

func (b *broker) request() url.Values {
	sum := sha256.Sum256([]byte(b.verifier))
	return url.Values{"client_id": {b.id}, "response_type": {"code"}, "redirect_uri": {redirectURI}, "scope": {"openid name"}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}
}

// push pushes an authorization request (RFC 9126) and returns the address to open.
func (b *broker) push(more ...string) string {
	b.w.t.Helper()
	request := b.request()
	for i := 0; i < len(more); i += 2 {
		request.Set(more[i], more[i+1])
	}
	status, out, _ := b.w.post("/par", b.authenticated(request), "", "")
	uri, _ := out["request_uri"].(string)
	if status != 201 || uri == "" {
		b.w.t.Fatalf("%d %v", status, out)
	}
	return b.w.origin + "/authorize?" + url.Values{"client_id": {b.id}, "request_uri": {uri}}.Encode()
}

// code logs a holder in.
func (b *broker) code() string {
	b.w.t.Helper()
	v := b.w.browser()
	p := v.get(b.push())
	p = v.post(p.at.Path+"/ask", url.Values{"with": {"this"}})
	redirect, err := b.w.answer(b.w.requestIn(p), "hanako")
	if err != nil {
		b.w.t.Fatal(err)
	}
	q := b.w.arrived(v.get(redirect))
	if q.Get("state") != "s" || q.Get("iss") != b.w.origin {
		b.w.t.Errorf("%v", q)
	}
	return q.Get("code")
}

func (b *broker) redeem(code string, proof ...string) (int, map[string]any) {
	b.w.t.Helper()
	form := b.authenticated(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {redirectURI}, "code_verifier": {b.verifier}})
	var header []string
	if len(proof) > 0 {
		header = []string{"DPoP", proof[0]}
	}
	status, out, _ := b.w.post("/token", form, "", "", header...)
	return status, out
}

func (b *broker) userInfo(scheme, token, proof string) int {
	b.w.t.Helper()
	r, err := http.NewRequestWithContext(b.w.t.Context(), http.MethodGet, b.w.origin+"/userinfo", nil)
	if err != nil {
		b.w.t.Fatal(err)
	}
	r.Header.Set("Authorization", scheme+" "+token)
	if proof != "" {
		r.Header.Set("DPoP", proof)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		b.w.t.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

func TestAFAPI2ClientLogsIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		status, out := b.redeem(b.code(), b.proof(b.pop, "POST", "/token", ""))
		if status != 200 || out["token_type"] != "DPoP" {
			t.Fatalf("%d %v", status, out)
		}
		token, _ := out["access_token"].(string)
		refresh, _ := out["refresh_token"].(string)
		if status := b.userInfo("DPoP", token, b.proof(b.pop, "GET", "/userinfo", token)); status != 200 {
			t.Errorf("userinfo: %d", status)
		}
		// RFC 9449, section 7: the token is of no use without its key.
		for name, status := range map[string]int{
			"as a bearer token":         b.userInfo("Bearer", token, ""),
			"bearer, with the proof":    b.userInfo("Bearer", token, b.proof(b.pop, "GET", "/userinfo", token)),
			"without a proof":           b.userInfo("DPoP", token, ""),
			"with another key":          b.userInfo("DPoP", token, b.proof(pkitest.ECKey(t), "GET", "/userinfo", token)),
			"a proof of another method": b.userInfo("DPoP", token, b.proof(b.pop, "POST", "/userinfo", token)),
			"a proof of another place":  b.userInfo("DPoP", token, b.proof(b.pop, "GET", "/token", token)),
			"a proof of another token":  b.userInfo("DPoP", token, b.proof(b.pop, "GET", "/userinfo", "x")),
		} {
			if status != 401 && status != 400 {
				t.Errorf("%s: %d", name, status)
			}
		}
		once := b.proof(b.pop, "GET", "/userinfo", token)
		if first, again := b.userInfo("DPoP", token, once), b.userInfo("DPoP", token, once); first != 200 || again == 200 {
			t.Errorf("one proof: %d, then %d", first, again)
		}
		// FAPI 2.0, section 5.3.2.1: no rotation; the token is bound to the client.
		for range 2 {
			status, out, _ := w.post("/token", b.authenticated(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}), "", "", "DPoP", b.proof(b.pop, "POST", "/token", ""))
			if next, _ := out["refresh_token"].(string); status != 200 || next != "" && next != refresh {
				t.Errorf("refresh: %d %v", status, out)
			}
		}
		if status, _, _ := w.post("/token", b.authenticated(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}), "", ""); status == 200 {
			t.Error("refreshed without a proof")
		}
	})
}

func TestAFAPI2ClientIsHeldToItsProfile(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		if p := w.browser().get(w.origin + "/authorize?" + b.request().Encode()); strings.Contains(p.away, "code=") || strings.HasPrefix(p.at.Path, "/login/") {
			t.Errorf("without pushing: at %s, led to %q", p.at, p.away)
		}
		pushed := b.push()
		if p := w.browser().get(pushed); !strings.HasPrefix(p.at.Path, "/login/") {
			t.Fatalf("at %s (%d)", p.at, p.status)
		}
		if p := w.browser().get(pushed); strings.HasPrefix(p.at.Path, "/login/") {
			t.Error("a handle was used twice")
		}
		if p := w.browser().get(strings.Replace(b.push(), "client_id=broker", "client_id=bank", 1)); strings.HasPrefix(p.at.Path, "/login/") {
			t.Error("another client's handle was used")
		}
		if status, out := b.redeem(b.code()); status == 200 {
			t.Errorf("without DPoP: %v", out)
		}
		for name, change := range map[string]func(map[string]any){
			"for another audience":     func(c map[string]any) { c["aud"] = "https://other.example" },
			"for several audiences":    func(c map[string]any) { c["aud"] = []string{w.origin, "https://other.example"} },
			"for the token endpoint":   func(c map[string]any) { c["aud"] = w.origin + "/token" },
			"expired":                  func(c map[string]any) { c["exp"] = time.Now().Add(-time.Minute).Unix() },
			"for a year":               func(c map[string]any) { c["exp"] = time.Now().AddDate(1, 0, 0).Unix() },
			"without an id":            func(c map[string]any) { delete(c, "jti") },
			"in another client's name": func(c map[string]any) { c["iss"], c["sub"] = "bank", "bank" },
			"about another client":     func(c map[string]any) { c["sub"] = "bank" },
		} {
			if status, out, _ := w.post("/par", b.authenticated(b.request(), change), "", ""); status != 401 {
				t.Errorf("an assertion %s: %d %v", name, status, out)
			}
		}
		form := b.authenticated(b.request())
		if status, _, _ := w.post("/par", form, "", ""); status != 201 {
			t.Errorf("%d", status)
		}
		if status, _, _ := w.post("/par", form, "", ""); status != 401 {
			t.Errorf("an assertion was used twice: %d", status)
		}
		other := *b
		other.key = pkitest.ECKey(t)
		if status, _, _ := w.post("/par", other.authenticated(b.request()), "", ""); status != 401 {
			t.Errorf("another key: %d", status)
		}
		// Algorithm confusion: the public key as the secret of an HMAC.
		public, err := (&jose.JSONWebKey{Key: b.key.Public(), KeyID: "k1"}).MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: public}, (&jose.SignerOptions{}).WithHeader("kid", "k1"))
		if err != nil {
			t.Fatal(err)
		}
		forged, err := jwt.Signed(s).Claims(map[string]any{"iss": b.id, "sub": b.id, "aud": w.origin, "jti": "x", "exp": time.Now().Add(time.Minute).Unix()}).Serialize()
		if err != nil {
			t.Fatal(err)
		}
		form = b.authenticated(b.request())
		form.Set("client_assertion", forged)
		if status, _, _ := w.post("/par", form, "", ""); status != 401 {
			t.Errorf("HS256: %d", status)
		}
		// A client of the profile basic has no such door.
		if status, _, _ := w.post("/par", b.request(), "bank", w.secret); status != 400 {
			t.Errorf("basic at /par: %d", status)
		}
	})
}

// The class of a pushed request is the one that was pushed: the browser neither raises nor
// lowers it.
func TestThePushedClassIsAsked(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		b := w.broker(t)
		r3 := w.origin + "/acr/r3"
		for name, c := range map[string]struct {
			pushed, opened string
			want           ceremony.Risk
		}{
			"R3 pushed":              {r3, "", ceremony.R3},
			"R3 pushed, R1 at hand":  {r3, w.origin + "/acr/r1", ceremony.R3},
			"nothing pushed, R3":     {"", r3, ceremony.R2},
			"below the floor pushed": {w.origin + "/acr/r1", "", ceremony.R2},
		} {
			address := b.push("acr_values", c.pushed)
			if c.opened != "" {
				address += "&acr_values=" + url.QueryEscape(c.opened)
			}
			p := w.browser().get(address)
			l, err := w.store.OIDC().Login(t.Context(), strings.TrimPrefix(p.at.Path, "/login/"), w.Now())
			if err != nil || l.Risk != string(c.want) {
				t.Errorf("%s: at %s: %q, %v; want %s", name, p.at, l.Risk, err, c.want)
			}
		}
	})
}
