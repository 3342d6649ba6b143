package relying_test

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"tegata/internal/httpd"
	"tegata/services/relying"
)

const redirectURI = "http://bank.localhost/callback"

// op is a small provider that is as strict as FAPI 2.0 asks, and says what a test has it say.
type op struct {
	t      *testing.T
	origin string
	client *ecdsa.PrivateKey
	key    *ecdsa.PrivateKey // published; signs unless forged is there
	forged *ecdsa.PrivateKey

	mu     sync.Mutex            // guards what follows
	jti    map[string]bool       // of assertions and proofs
	pushed map[string]url.Values // by request_uri
	codes  map[string]url.Values
	tokens map[string]string // thumbprint by access token
	brings map[string]string // transaction by Idempotency-Key

	lacks                      string // a member of discovery to leave out
	nonce, acr, kind, sub, sha string // said in place of the truth
	refuse                     string // error of the token endpoint
	told                       string // sub of userinfo
	away                       bool   // the keys cannot be had
}

func newOP(t *testing.T) (*op, *relying.Party) {
	t.Helper()
	o := &op{t: t, client: newKey(t), key: newKey(t), jti: map[string]bool{}, pushed: map[string]url.Values{}, codes: map[string]url.Values{},
		tokens: map[string]string{}, brings: map[string]string{}, kind: "DPoP", sub: "hanako-at-the-bank"}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.discovery)
	mux.HandleFunc("GET /jwks", func(w http.ResponseWriter, r *http.Request) {
		if o.away {
			w.WriteHeader(500)
			return
		}
		say(w, 200, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: o.key.Public(), KeyID: "op", Algorithm: "ES256", Use: "sig"}}})
	})
	mux.HandleFunc("POST /par", o.par)
	mux.HandleFunc("POST /token", o.token)
	mux.HandleFunc("POST /api/sign-transactions", o.bring)
	mux.HandleFunc("GET /api/sign-transactions/{id}/result", o.result)
	mux.HandleFunc("GET /userinfo", o.userinfo)
	mux.HandleFunc("POST /v1/verify", o.verify)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	o.origin = server.URL
	return o, o.party()
}

// party is a client of it that knows nothing yet.
func (o *op) party() *relying.Party {
	o.t.Helper()
	p, err := relying.New(relying.Config{Issuer: o.origin, ClientID: "bank", Key: o.client, KeyID: "k1", RedirectURI: redirectURI, HTTP: httpd.Client(5 * time.Second)})
	if err != nil {
		o.t.Fatal(err)
	}
	return p
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func say(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (o *op) discovery(w http.ResponseWriter, r *http.Request) {
	all := map[string]any{"issuer": o.origin, "authorization_endpoint": o.origin + "/authorize", "token_endpoint": o.origin + "/token", "userinfo_endpoint": o.origin + "/userinfo", "jwks_uri": o.origin + "/jwks",
		"pushed_authorization_request_endpoint": o.origin + "/par", "authorization_response_iss_parameter_supported": true,
		"dpop_signing_alg_values_supported": []string{"ES256"}, "token_endpoint_auth_methods_supported": []string{"private_key_jwt"}}
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(all, o.lacks)
	say(w, 200, all)
}

// once says whether a jti is new.
func (o *op) once(jti string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	fresh := jti != "" && !o.jti[jti]
	o.jti[jti] = true
	return fresh
}

// authentic checks the client's assertion.
func (o *op) authentic(w http.ResponseWriter, r *http.Request) bool {
	var c struct {
		Iss string `json:"iss"`
		Sub string `json:"sub"`
		Jti string `json:"jti"`
		Aud any    `json:"aud"`
		Iat int64  `json:"iat"`
		Exp int64  `json:"exp"`
	}
	m, err := jwt.ParseSigned(r.PostFormValue("client_assertion"), []jose.SignatureAlgorithm{jose.ES256})
	if err == nil {
		err = m.Claims(o.client.Public(), &c)
	}
	if err != nil || c.Iss != "bank" || c.Sub != "bank" || c.Aud != o.origin || c.Exp <= c.Iat || c.Exp > time.Now().Add(61*time.Second).Unix() || !o.once(c.Jti) ||
		m.Headers[0].KeyID != "k1" || r.PostFormValue("client_id") != "bank" || r.PostFormValue("client_secret") != "" ||
		r.PostFormValue("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
		o.t.Errorf("not the client: %v %+v", err, c)
		say(w, 401, map[string]string{"error": "invalid_client"})
		return false
	}
	return true
}

// bound checks a proof and returns its key's thumbprint.
func (o *op) bound(r *http.Request, token string) string {
	m, err := jose.ParseSignedCompact(r.Header.Get("DPoP"), []jose.SignatureAlgorithm{jose.ES256})
	if err != nil || m.Signatures[0].Protected.JSONWebKey == nil || m.Signatures[0].Protected.ExtraHeaders["typ"] != "dpop+jwt" {
		o.t.Errorf("no proof: %v", err)
		return ""
	}
	key := m.Signatures[0].Protected.JSONWebKey
	payload, err := m.Verify(key)
	if err != nil {
		o.t.Error(err)
		return ""
	}
	var c struct{ Htm, Htu, Ath, Jti string }
	json.Unmarshal(payload, &c)
	ath := ""
	if token != "" {
		ath = digest(token)
	}
	if c.Htm != r.Method || c.Htu != o.origin+r.URL.Path || c.Ath != ath || !o.once(c.Jti) || !key.IsPublic() {
		o.t.Errorf("another proof: %+v", c)
		return ""
	}
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		o.t.Error(err)
	}
	return string(sum)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

func (o *op) par(w http.ResponseWriter, r *http.Request) {
	if !o.authentic(w, r) {
		return
	}
	if r.PostForm.Get("code_challenge_method") != "S256" || r.PostForm.Get("redirect_uri") != redirectURI || r.PostForm.Get("sign_transaction_id") == "over" {
		say(w, 400, map[string]string{"error": "invalid_request"})
		return
	}
	uri := "urn:" + rand.Text()
	o.mu.Lock()
	o.pushed[uri] = r.PostForm
	o.mu.Unlock()
	say(w, 201, map[string]any{"request_uri": uri, "expires_in": 60})
}

// approve is the person: what the browser brings back.
func (o *op) approve(address string) url.Values {
	o.t.Helper()
	u, err := url.Parse(address)
	if err != nil || !strings.HasPrefix(address, o.origin+"/authorize?") || len(u.Query()) != 2 || u.Query().Get("client_id") != "bank" {
		o.t.Fatalf("the browser is led to %q", address)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	code := rand.Text()
	o.codes[code] = o.pushed[u.Query().Get("request_uri")]
	return url.Values{"code": {code}, "state": {o.codes[code].Get("state")}, "iss": {o.origin}}
}

func (o *op) token(w http.ResponseWriter, r *http.Request) {
	if !o.authentic(w, r) {
		return
	}
	thumb := o.bound(r, "")
	o.mu.Lock()
	defer o.mu.Unlock()
	token := rand.Text()
	out := map[string]any{"access_token": token, "token_type": o.kind, "expires_in": 300}
	if r.PostForm.Get("grant_type") == "authorization_code" {
		q := o.codes[r.PostForm.Get("code")]
		delete(o.codes, r.PostForm.Get("code"))
		if q == nil || digest(r.PostForm.Get("code_verifier")) != q.Get("code_challenge") || r.PostForm.Get("redirect_uri") != redirectURI || o.refuse != "" {
			say(w, 400, map[string]string{"error": "invalid_grant"})
			return
		}
		out["id_token"] = o.idToken(q)
	} else if r.PostForm.Get("grant_type") != "client_credentials" || r.PostForm.Get("scope") != "sign" || o.refuse != "" {
		say(w, 400, map[string]string{"error": "unauthorized_client"})
		return
	}
	o.tokens[token] = thumb
	say(w, 200, out)
}

func (o *op) idToken(q url.Values) string {
	nonce, acr := q.Get("nonce"), q.Get("acr_values")
	if o.nonce != "" {
		nonce = o.nonce
	}
	if o.acr != "" {
		acr = o.acr
	}
	return o.says(map[string]any{"nonce": nonce, "acr": acr, "amr": []string{"pwd", "swk"}, "auth_time": time.Now().Unix(), "sid": "session-1"})
}

// says signs claims as the provider, beside those that all of its tokens have.
func (o *op) says(claims map[string]any) string {
	key := o.key
	if o.forged != nil {
		key = o.forged
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "op"}}, nil)
	if err != nil {
		o.t.Fatal(err)
	}
	now := time.Now()
	all := map[string]any{"iss": o.origin, "aud": "bank", "sub": o.sub, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix()}
	maps.Copy(all, claims)
	text, err := jwt.Signed(s).Claims(all).Serialize()
	if err != nil {
		o.t.Fatal(err)
	}
	return text
}

// enters checks a token with its proof.
func (o *op) enters(w http.ResponseWriter, r *http.Request) bool {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	thumb := o.bound(r, token)
	o.mu.Lock()
	defer o.mu.Unlock()
	if kept, ok := o.tokens[token]; !ok || kept == "" || kept != thumb {
		o.t.Errorf("a token that opens nothing: %q", r.Header.Get("Authorization"))
		w.WriteHeader(401)
		return false
	}
	return true
}

func (o *op) bring(w http.ResponseWriter, r *http.Request) {
	if !o.enters(w, r) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if o.brings[key] == "" {
		o.brings[key] = rand.Text()
	}
	say(w, 201, map[string]any{"sign_transaction_id": o.brings[key], "expires_at": time.Now().Add(time.Minute).Unix()})
}

func (o *op) result(w http.ResponseWriter, r *http.Request) {
	if !o.enters(w, r) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	say(w, 200, map[string]any{"state": "done", "verdict": "passed", "sub": o.sub, "receipt": "r", "signature": []byte("CMS"),
		"document": map[string]string{"name": "a.txt", "sha256": o.sha}})
}

func (o *op) userinfo(w http.ResponseWriter, r *http.Request) {
	if !o.enters(w, r) {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	say(w, 200, map[string]any{"sub": cmp.Or(o.told, o.sub), "name": "手形 花子", "birthdate": "1990-01-02", "gender": "female", "address": map[string]string{"formatted": "東京都"}})
}

// verify knows one signature over one application.
func (o *op) verify(w http.ResponseWriter, r *http.Request) {
	if !o.enters(w, r) {
		return
	}
	var body struct {
		Messages []struct{ Signed, Content []byte }
	}
	json.NewDecoder(r.Body).Decode(&body)
	if len(body.Messages) != 1 || string(body.Messages[0].Signed) != "CMS" || string(body.Messages[0].Content) != application {
		say(w, 200, map[string]any{"verdict": "failed", "signatures": []any{}})
		return
	}
	say(w, 200, map[string]any{"verdict": "passed", "checked_at": time.Now(), "signatures": []any{map[string]any{
		"signer": map[string]string{"kind": "phone-sign", "name": "手形 花子", "certificate_sha256": "ab12"}, "status": map[string]any{"state": "good", "this_update": time.Now()}}}})
}
