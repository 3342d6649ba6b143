package main

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"image"
	"image/png"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	oidcclient "github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"golang.org/x/crypto/ocsp"
	"golang.org/x/oauth2"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pkitest"
	"tegata/internal/tsp"
	"tegata/services/street"
	"tegata/verifier/oidc"
)

// callsOfOpenAPI calls what no journey does.
func callsOfOpenAPI(t *testing.T, s *streets) {
	m := s.meddled(t)
	s.around(m.neighbourhood)
	issuer, verifier, start := m.settings.machine("issuer"), m.settings.machine("verifier"), m.settings.machine("street")
	for _, role := range []string{issuer, verifier, start} {
		m.call("GET", role+"/healthz", "", nil)
		m.call("GET", role+"/metrics", "", nil)
		if text := m.call("GET", role+openapiPath, "", nil); !bytes.HasPrefix(text, []byte("openapi: 3.1.")) {
			t.Errorf("%s: %.40q", role, text)
		}
	}
	m.call("GET", issuer+"/cps", "", nil)
	m.statusCalls(issuer)
	m.documentCalls(verifier)
	m.tokenCalls(verifier)
	m.pushedCall(verifier)
	m.logoCall(verifier)
	m.answeredCall(start)
}

// call demands an answer of 2xx.
func (m *meddled) call(method, address, mediaType string, body []byte, header ...httpd.Header) []byte {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, address, bytes.NewReader(body))
	m.must(err)
	if mediaType != "" {
		r.Header.Set("Content-Type", mediaType)
	}
	for _, h := range header {
		r.Header.Set(h.Name, h.Value)
	}
	res, err := httpd.Client(20 * time.Second).Do(r)
	m.must(err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	m.must(err)
	if res.StatusCode/100 != 2 {
		m.t.Fatalf("%s %s: %s: %s", method, address, res.Status, text)
	}
	return text
}

// logoCall registers a service at the developers' pages, gives it a picture, and fetches
// that as phones do.
func (m *meddled) logoCall(verifier string) {
	pages := m.settings.page("verifier") + "/developers"
	form := url.Values{"name_ja": {"青葉書店"}, "name_en": {"Aoba Books"}, "sentence_ja": {"注文を見ます。"}, "sentence_en": {"See your orders."},
		"redirect_uris": {"http://127.0.0.1:9/callback"}, "profile": {"basic"}, "risk": {"R1"}}
	said := m.call("POST", pages+"/new", "application/x-www-form-urlencoded", []byte(form.Encode()))
	shown := regexp.MustCompile(`<code>([^<]+)</code>`).FindAllSubmatch(said, -1)
	if len(shown) != 3 {
		m.t.Fatalf("%s", said)
	}
	var body, picture bytes.Buffer
	m.must(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 64, 64))))
	parts := multipart.NewWriter(&body)
	m.must(errors.Join(parts.WriteField("client", string(shown[0][1])), parts.WriteField("token", string(shown[2][1]))))
	file, err := parts.CreateFormFile("logo", "logo.png")
	m.must(err)
	_, err = picture.WriteTo(file)
	m.must(errors.Join(err, parts.Close()))
	m.call("POST", pages+"/logo", parts.FormDataContentType(), body.Bytes())
	if got := m.call("GET", verifier+ceremony.LogoPath(string(shown[0][1])), "", nil); !bytes.HasPrefix(got, []byte("\x89PNG")) {
		m.t.Errorf("the logo is %.10q", got)
	}
}

// statusCalls asks for the status of a phone's certificate by OCSP, and for the lists
// that it names.
func (m *meddled) statusCalls(issuer string) {
	var phone phoneView
	m.ask("/v1/phones/taro-phone", &phone)
	block, _ := pem.Decode([]byte(phone.Certificates[0].PEM))
	leaf, err := x509.ParseCertificate(block.Bytes)
	m.must(err)
	for _, i := range m.issuer.ca.Issuers() {
		m.call("GET", issuer+"/crl/"+i.Label()+".crl", "", nil)
		if leaf.CheckSignatureFrom(i.Certificate) != nil {
			continue
		}
		der, err := ocsp.CreateRequest(leaf, i.Certificate, nil)
		m.must(err)
		m.call("GET", issuer+"/ocsp/"+base64.StdEncoding.EncodeToString(der), "", nil)
		at, err := url.Parse(leaf.CRLDistributionPoints[0])
		m.must(err)
		m.call("GET", issuer+at.Path, "", nil)
	}
}

// documentCalls has a signature judged, and a digest stamped.
func (m *meddled) documentCalls(verifier string) {
	in, out := filepath.Join(m.t.TempDir(), "promise.txt"), filepath.Join(m.t.TempDir(), "promise.p7s")
	content := []byte("約束します。\n")
	m.must(os.WriteFile(in, content, 0o600))
	said := &bytes.Buffer{}
	c := console{in: strings.NewReader(m.taro), out: said, err: said, getenv: func(string) string { return "" }}
	if code := run(m.t.Context(), []string{"phone", "sign", "taro-phone", "-in", in, "-out", out, "-secrets", "-", "-street", m.settings.machine("street"), "-data", m.dir}, c); code != exitDone {
		m.t.Fatalf("exit %d: %s", code, said)
	}
	signed, err := os.ReadFile(out)
	m.must(err)
	body, err := json.Marshal(map[string]any{"evidence": true, "messages": []map[string][]byte{{"signed": signed, "content": content}}})
	m.must(err)
	who := m.portal.who
	compact, err := ceremony.SignClientAssertion(who.signer, who.chain, ceremony.NewClientAssertion(portalID, verifierID, m.clock.Now()))
	m.must(err)
	answer := m.call("POST", verifier+"/v1/verify", "application/json", body, httpd.Bearer(compact))
	if !bytes.Contains(answer, []byte(`"verdict":"passed"`)) {
		m.t.Errorf("%s", answer)
	}
	sum := sha256.Sum256(content)
	query, err := tsp.NewRequest(crypto.SHA256, sum[:]).Marshal()
	m.must(err)
	m.call("POST", verifier+"/tsa", tsp.QueryMediaType, query)
}

// tokenCalls is what a client of the profile basic does beside logging in.
func (m *meddled) tokenCalls(verifier string) {
	arrived := make(chan url.Values, 1)
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.Query() }))
	m.t.Cleanup(bank.Close)
	config, id := m.registered("paper", bank.URL+"/callback")
	pkce := oauth2.GenerateVerifier()
	q := m.arrives(config.AuthCodeURL("state", oauth2.S256ChallengeOption(pkce)), id.Name.JA+": "+id.Purpose.Sentence.JA, arrived)
	token, err := config.Exchange(m.t.Context(), q.Get("code"), oauth2.VerifierOption(pkce))
	m.must(err)
	const form = "application/x-www-form-urlencoded"
	basic := httpd.Header{Name: "Authorization", Value: "Basic " + base64.StdEncoding.EncodeToString([]byte(config.ClientID+":"+config.ClientSecret))}
	m.call("POST", verifier+"/userinfo", "", nil, httpd.Bearer(token.AccessToken))
	if said := m.call("POST", verifier+"/introspect", form, []byte(url.Values{"token": {token.AccessToken}}.Encode()), basic); !bytes.Contains(said, []byte(`"active":true`)) {
		m.t.Errorf("introspection: %s", said)
	}
	m.call("POST", verifier+"/revoke", form, []byte(url.Values{"token": {token.RefreshToken}}.Encode()), basic)
	raw, _ := token.Extra("id_token").(string)
	m.call("GET", m.settings.page("verifier")+"/logout?"+url.Values{"id_token_hint": {raw}}.Encode(), "", nil)
}

// answeredCall has a resident who answers by themselves answer.
func (m *meddled) answeredCall(at string) {
	b := &bankTest{meddled: m, arrived: make(chan url.Values, 1)}
	bank := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { b.arrived <- r.URL.Query() }))
	m.t.Cleanup(bank.Close)
	b.config, _ = m.registered("answered", bank.URL+"/callback")
	var listed struct {
		Residents []street.Person `json:"residents"`
	}
	m.must(json.Unmarshal(m.call("GET", at+"/residents.json", "", nil), &listed))
	for _, p := range listed.Residents {
		if p.Answers == "refuses" {
			b.logIn(p, "this")
		}
	}
}

// registered registers a client of the profile basic by the operator's door.
func (m *meddled) registered(id, redirect string) (oauth2.Config, oidc.Client) {
	m.t.Helper()
	verifier := m.settings.machine("verifier")
	c := oidc.Client{ID: id, Name: ceremony.Text{JA: "手形" + id, EN: "Tegata " + id}, Mark: "bank", Profile: oidc.Basic, Authentication: oidc.SecretBasic,
		RedirectURIs: []string{redirect}, Refresh: true,
		Purpose: ceremony.RegisteredPurpose{Code: id + "-login", RiskFloor: ceremony.R2, Claims: []string{"name", "address"},
			Sentence: ceremony.Text{JA: id + "にログインします。", EN: "Log in to " + id + "."}}}
	var added addedClient
	m.must(httpd.PostJSON(m.t.Context(), httpd.Client(10*time.Second), verifier+"/v1/clients", c, &added, m.token.Bearer()))
	provider, err := oidcclient.NewProvider(m.t.Context(), added.Issuer)
	m.must(err)
	return oauth2.Config{ClientID: added.ClientID, ClientSecret: added.Secret, Endpoint: provider.Endpoint(), RedirectURL: redirect,
		Scopes: []string{"openid", "name", "address"}}, c
}

// pushedCall is a client of the profile fapi2 that pushes a request.
func (m *meddled) pushedCall(verifier string) {
	key := pkitest.ECKey(m.t)
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k1", Algorithm: "ES256", Use: "sig"}}})
	m.must(err)
	const redirect = "http://127.0.0.1:9/callback"
	m.must(httpd.PostJSON(m.t.Context(), httpd.Client(10*time.Second), verifier+"/v1/clients", oidc.Client{
		ID: "broker", Name: ceremony.Text{JA: "手形証券", EN: "Tegata Securities"}, Mark: "bank", Profile: oidc.FAPI2, Authentication: oidc.PrivateKeyJWT, JWKS: set,
		RedirectURIs: []string{redirect},
		SignPurposes: []ceremony.RegisteredPurpose{{Code: "order", RiskFloor: ceremony.R3, Sentence: ceremony.Text{JA: "注文書に署名します。", EN: "Sign an order."}}},
		Purpose: ceremony.RegisteredPurpose{Code: "trade", RiskFloor: ceremony.R2, Claims: []string{"name"},
			Sentence: ceremony.Text{JA: "取引の画面にログインします。", EN: "Log in to trade."}}}, &addedClient{}, m.token.Bearer()))
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: key, KeyID: "k1"}}, nil)
	m.must(err)
	assertion := func() []string {
		text, err := jwt.Signed(signer).Claims(map[string]any{"iss": "broker", "sub": "broker", "aud": verifier, "jti": ceremony.NewID(),
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}).Serialize()
		m.must(err)
		return []string{text}
	}
	const form, bearer = "application/x-www-form-urlencoded", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	push := func(more url.Values) []byte {
		request := url.Values{
			"client_id": {"broker"}, "response_type": {"code"}, "redirect_uri": {redirect}, "scope": {"openid name"}, "state": {"s"}, "nonce": {"n"},
			"code_challenge": {oauth2.S256ChallengeFromVerifier(oauth2.GenerateVerifier())}, "code_challenge_method": {"S256"},
			"client_assertion_type": {bearer}, "client_assertion": assertion()}
		maps.Copy(request, more)
		return m.call("POST", verifier+"/par", form, []byte(request.Encode()))
	}
	push(nil)

	prover, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt"))
	m.must(err)
	prove := func(address, token string) httpd.Header {
		sum := sha256.Sum256([]byte(token))
		claims := map[string]any{"jti": ceremony.NewID(), "htm": "POST", "htu": address, "iat": time.Now().Unix()}
		if token != "" {
			claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
		}
		text, err := jwt.Signed(prover).Claims(claims).Serialize()
		m.must(err)
		return httpd.Header{Name: "DPoP", Value: text}
	}
	var own struct {
		AccessToken string `json:"access_token"`
	}
	m.must(json.Unmarshal(m.call("POST", verifier+"/token", form, []byte(url.Values{"grant_type": {"client_credentials"}, "scope": {"sign"},
		"client_assertion_type": {bearer}, "client_assertion": assertion()}.Encode()), prove(verifier+"/token", "")), &own))
	body, err := json.Marshal(map[string]any{"document": []byte("注文します。\n"), "name": "order.txt", "media_type": "text/plain", "format": "cades", "purpose": "order"})
	m.must(err)
	at := verifier + "/api/sign-transactions"
	bring := func(body []byte) []byte {
		return m.call("POST", at, "application/json", body, httpd.Header{Name: "Authorization", Value: "DPoP " + own.AccessToken}, prove(at, own.AccessToken),
			httpd.Header{Name: "Idempotency-Key", Value: ceremony.NewID()})
	}
	bring(body)
	two := []map[string]any{}
	for _, text := range []string{"注文します。\n", "約款を読みました。\n"} {
		two = append(two, map[string]any{"document": []byte(text), "name": "order.txt", "media_type": "text/plain", "format": "cades"})
	}
	body, err = json.Marshal(map[string]any{"documents": two, "purpose": "order"})
	m.must(err)
	var brought struct {
		ID string `json:"sign_transaction_id"`
	}
	m.must(json.Unmarshal(bring(body), &brought))
	var pushed struct {
		RequestURI string `json:"request_uri"`
	}
	m.must(json.Unmarshal(push(url.Values{"scope": {"openid sign"}, "sign_transaction_id": {brought.ID}, "acr_values": {verifier + "/acr/r3"}}), &pushed))
	m.documentsCall(m.settings.page("verifier") + "/authorize?" + url.Values{"client_id": {"broker"}, "request_uri": {pushed.RequestURI}}.Encode())
}

// documentsCall fetches what is to be signed in a login, as a phone does.
func (m *meddled) documentsCall(login string) {
	browser, err := newVisitor()
	m.must(err)
	m.must(browser.open(io.Discard, http.MethodGet, login, nil, nil))
	m.must(browser.open(io.Discard, http.MethodPost, browser.at.String()+"/ask", url.Values{"with": {"this"}}, nil))
	link, err := browser.link("/open")
	m.must(err)
	u, err := url.Parse(link)
	m.must(err)
	phone := httpd.Header{Name: ceremony.PhoneHeader, Value: ceremony.NewID()}
	q, err := ceremony.ParseRequest(string(m.call("GET", u.Query().Get("request_uri"), "", nil, phone)))
	m.must(err)
	for _, d := range q.Unverified().ToSign() {
		m.call("GET", d.URL, "", nil, phone)
	}
}
