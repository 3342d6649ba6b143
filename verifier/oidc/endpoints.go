package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// Endpoints, below the issuer for programs and below Config.Pages for browsers. The
// library has the same names.
const (
	pathDiscovery  = "/.well-known/openid-configuration"
	pathJWKS       = "/jwks"
	pathAuthorize  = "/authorize"
	pathToken      = "/token"
	pathUserInfo   = "/userinfo"
	pathIntrospect = "/introspect"
	pathRevoke     = "/revoke"
	pathPushed     = "/par"
	pathLogout     = "/logout"
)

// Routes are the endpoints for programs.
func (p *Provider) Routes(mux httpd.Registrar) {
	mux.HandleFunc("GET "+pathDiscovery, p.getDiscovery)
	mux.HandleFunc("GET "+pathJWKS, p.getJWKS)
	for _, path := range []string{pathToken, pathIntrospect, pathRevoke, pathPushed} {
		mux.HandleFunc("POST "+path, p.noted(p.byClient))
	}
	mux.HandleFunc("GET "+pathUserInfo, p.noted(p.userInfo))
	mux.HandleFunc("POST "+pathUserInfo, p.noted(p.userInfo))
	mux.HandleFunc("GET /v1/links", p.getLinks)
	mux.HandleFunc("POST /v1/links/{id}/end", p.postLinkEnd)
}

// metadata is OpenID Connect Discovery 1.0, section 3, and RFC 8414.
type metadata struct {
	Issuer             string   `json:"issuer"`
	Authorization      string   `json:"authorization_endpoint"`
	Token              string   `json:"token_endpoint"`
	UserInfo           string   `json:"userinfo_endpoint"`
	JWKS               string   `json:"jwks_uri"`
	Pushed             string   `json:"pushed_authorization_request_endpoint"`
	Introspection      string   `json:"introspection_endpoint"`
	Revocation         string   `json:"revocation_endpoint"`
	EndSession         string   `json:"end_session_endpoint"`
	Scopes             []string `json:"scopes_supported"`
	Claims             []string `json:"claims_supported"`
	ResponseTypes      []string `json:"response_types_supported"`
	ResponseModes      []string `json:"response_modes_supported"`
	Grants             []string `json:"grant_types_supported"`
	Subjects           []string `json:"subject_types_supported"`
	IDTokenAlgs        []string `json:"id_token_signing_alg_values_supported"`
	ACR                []string `json:"acr_values_supported"`
	Challenges         []string `json:"code_challenge_methods_supported"`
	TokenAuth          []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs      []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth  []string `json:"introspection_endpoint_auth_methods_supported"`
	RevocationAuth     []string `json:"revocation_endpoint_auth_methods_supported"`
	DPoPAlgs           []string `json:"dpop_signing_alg_values_supported"`
	Prompts            []string `json:"prompt_values_supported"`
	UILocales          []string `json:"ui_locales_supported"`
	IssParameter       bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
	ClaimsParameter    bool     `json:"claims_parameter_supported"`
	RequestParameter   bool     `json:"request_parameter_supported"`
	RequestURI         bool     `json:"request_uri_parameter_supported"`
	BackchannelLogout  bool     `json:"backchannel_logout_supported"`
	BackchannelSession bool     `json:"backchannel_logout_session_supported"`
}

func (p *Provider) metadata() metadata {
	var algs []string
	for _, a := range clientAlgs() {
		algs = append(algs, string(a))
	}
	auth := []string{SecretBasic, PrivateKeyJWT}
	return metadata{
		Issuer: p.c.Issuer, Authorization: p.c.Pages + pathAuthorize, Token: p.c.Issuer + pathToken, UserInfo: p.c.Issuer + pathUserInfo,
		JWKS: p.c.Issuer + pathJWKS, Pushed: p.c.Issuer + pathPushed, Introspection: p.c.Issuer + pathIntrospect,
		Revocation: p.c.Issuer + pathRevoke, EndSession: p.c.Pages + pathLogout,
		Scopes:        append(append([]string{"openid"}, ceremony.AttributeClaims()...), scopeSign),
		Claims:        append([]string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"}, ceremony.AttributeClaims()...),
		ResponseTypes: []string{"code"}, ResponseModes: []string{"query"}, Grants: []string{"authorization_code", "refresh_token", "client_credentials"},
		Subjects: []string{"pairwise"}, IDTokenAlgs: []string{"ES256"},
		ACR:        []string{p.acr(ceremony.R1), p.acr(ceremony.R2), p.acr(ceremony.R3)},
		Challenges: []string{"S256"}, TokenAuth: auth, TokenAuthAlgs: algs, IntrospectionAuth: auth, RevocationAuth: auth, DPoPAlgs: algs,
		Prompts: []string{"none", "login", "consent"}, UILocales: []string{"ja", "en"}, IssParameter: true, BackchannelLogout: true, BackchannelSession: true,
	}
}

// acr names a risk class, as the gateway does.
func (p *Provider) acr(r ceremony.Risk) string {
	return p.c.Issuer + "/acr/" + strings.ToLower(string(r))
}

func (p *Provider) getDiscovery(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=300")
	httpd.WriteJSON(w, http.StatusOK, p.metadata())
}

func (p *Provider) getJWKS(w http.ResponseWriter, r *http.Request) {
	set, err := p.keys.set()
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=300")
	httpd.WriteJSON(w, http.StatusOK, set)
}

// waitsForOperator describes invalid_client to a program whose client nobody has approved.
const waitsForOperator = "the client waits for the operator's approval"

// byClient passes a request on to the engine of the client's profile. Who the client
// is, is here only what it says; the engine authenticates it.
func (p *Provider) byClient(w http.ResponseWriter, r *http.Request) {
	if r.URL.RawQuery != "" { // RFC 6749, section 2.3.1: credentials never in the address
		fail(w, http.StatusBadRequest, "invalid_request", "parameters go into the body")
		return
	}
	if err := r.ParseForm(); err != nil {
		fail(w, http.StatusBadRequest, "invalid_request", "the form cannot be read")
		return
	}
	for name, values := range r.PostForm { // RFC 6749, section 3.2: none twice
		if len(values) > 1 {
			fail(w, http.StatusBadRequest, "invalid_request", "a parameter is given twice: "+name)
			return
		}
	}
	if r.URL.Path == pathToken && r.PostForm.Get("grant_type") == "" { // RFC 6749, section 5.2: a required parameter is missing
		fail(w, http.StatusBadRequest, "invalid_request", "grant_type is missing")
		return
	}
	if !plainBasic(r) {
		w.Header().Set("WWW-Authenticate", `Basic realm="openid"`)
		fail(w, http.StatusUnauthorized, "invalid_client", "")
		return
	}
	c, err := p.client(r.Context(), claimedClient(r))
	switch {
	case errors.Is(err, ErrNotFound):
		why := ""
		if p.waits(r.Context(), claimedClient(r)) {
			why = waitsForOperator
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="openid"`)
		fail(w, http.StatusUnauthorized, "invalid_client", why)
		return
	case err != nil:
		p.c.Log.ErrorContext(r.Context(), "openid connect", "error", err)
		fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
		return
	case r.URL.Path == pathPushed && c.Profile != FAPI2:
		fail(w, http.StatusBadRequest, "unauthorized_client", "pushed requests are for the profile fapi2")
		return
	}
	// RFC 6749, section 4.4: a client's own token is for bringing documents, and opens
	// nothing of anybody's.
	if r.URL.Path == pathToken && r.PostForm.Get("grant_type") == "client_credentials" {
		switch {
		case !c.signs():
			fail(w, http.StatusBadRequest, "unauthorized_client", "client_credentials is for clients with the scope sign")
			return
		case strings.Join(strings.Fields(r.PostForm.Get("scope")), " ") != scopeSign:
			fail(w, http.StatusBadRequest, "invalid_scope", "the scope of client_credentials is sign")
			return
		}
	}
	if r.URL.Path == pathPushed {
		asked := wish{strings.Fields(r.PostForm.Get("acr_values")), r.PostForm.Get("sign_transaction_id")}
		r = r.WithContext(context.WithValue(r.Context(), wishKey{}, asked))
		if e := p.cleanForm(r.PostForm, c); e != "" {
			fail(w, http.StatusBadRequest, e, "")
			return
		}
		if slices.Contains(strings.Fields(r.PostForm.Get("scope")), scopeSign) != (asked.transaction != "") {
			fail(w, http.StatusBadRequest, "invalid_request", "sign_transaction_id goes with the scope sign")
			return
		}
		r.Form = r.PostForm
	}
	p.engines[c.Profile].serve(w, r)
}

// wish is what of a pushed request is ours and not the library's. The browser that brings
// the handle later has no say in it (RFC 9126, section 4).
type wish struct {
	classes     []string // acr_values
	transaction string   // sign_transaction_id
}

// wishKey is where it is for who keeps the request.
type wishKey struct{}

// plainBasic undoes the form encoding in which id and secret come (RFC 6749, section
// 2.3.1), for whoever reads them after us. Neither has a character for which it matters
// when a client left the encoding out. false: it cannot be undone.
func plainBasic(r *http.Request) bool {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return true
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	r.SetBasicAuth(id, secret)
	return errID == nil && errSecret == nil
}

// claimedClient is who a request for programs says that it comes from.
func claimedClient(r *http.Request) string {
	if id, _, ok := r.BasicAuth(); ok {
		return id
	}
	if id := r.PostForm.Get("client_id"); id != "" {
		return id
	}
	_, rest, _ := strings.Cut(r.PostForm.Get("client_assertion"), ".")
	payload, _, _ := strings.Cut(rest, ".")
	text, err := base64.RawURLEncoding.DecodeString(payload)
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// userInfo passes a request on to the engine of the client that the token was given to.
func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	at := p.c.Now()
	t, err := p.c.Store.Token(r.Context(), hash(strings.TrimSpace(token)), at)
	var c Client
	if err == nil {
		var g Grant
		if g, err = p.c.Store.Grant(r.Context(), t.Grant, at); err == nil {
			c, err = p.client(r.Context(), g.Client)
		}
	}
	switch {
	case err != nil && !errors.Is(err, ErrNotFound):
		p.c.Log.ErrorContext(r.Context(), "openid connect", "error", err)
		fail(w, http.StatusServiceUnavailable, "temporarily_unavailable", "")
	// RFC 9449, section 7.2: a token that is bound to a key does not pass as a bearer token.
	case err != nil, strings.EqualFold(scheme, "Bearer") != (c.Profile == Basic):
		w.Header().Set("WWW-Authenticate", `Bearer realm="openid", error="invalid_token"`)
		fail(w, http.StatusUnauthorized, "invalid_token", "")
	default:
		p.engines[c.Profile].serve(w, r)
	}
}

func fail(w http.ResponseWriter, status int, code, description string) {
	w.Header().Set("Cache-Control", "no-store")
	httpd.WriteJSON(w, status, oauthError{code, description})
}

// maxEcho bounds state and nonce, in bytes.
const maxEcho = 1024

// cleanForm takes out of an authorization request what we may ignore and the library
// would refuse, and refuses what it would let pass. It returns an error code of RFC
// 6749, or nothing.
func (p *Provider) cleanForm(q url.Values, c Client) string {
	// RFC 6749, section 3.3: the server may ignore scopes. The usual profile, email and
	// offline_access name what nobody here has.
	known := append([]string{"openid", scopeSign}, ceremony.AttributeClaims()...)
	var keep []string
	for _, s := range strings.Fields(q.Get("scope")) {
		if slices.Contains(known, s) && !slices.Contains(keep, s) {
			keep = append(keep, s)
		}
	}
	q.Set("scope", strings.Join(keep, " "))
	// OpenID Connect Core, section 3.1.2.1: acr_values is a wish. The risk class is asked
	// for by us, see riskOf.
	for _, wish := range []string{"acr_values", "display", "claims", "ui_locales", "max_age", "login_hint"} {
		q.Del(wish)
	}
	switch {
	case q.Get("response_type") != "" && q.Get("response_type") != "code":
		return "unsupported_response_type"
	case q.Has("request"):
		return "request_not_supported"
	// A request_uri is a handle that we gave. Nothing is ever fetched from an address that
	// a request names.
	case q.Has("request_uri") && (c.Profile != FAPI2 || !strings.HasPrefix(q.Get("request_uri"), "urn:ietf:params:oauth:request_uri:")):
		return "request_uri_not_supported"
	// They are kept for each visit, and come back as they are: a row has to stay small.
	case len(q.Get("state")) > maxEcho || len(q.Get("nonce")) > maxEcho:
		return "invalid_request"
	case q.Get("response_mode") != "" && q.Get("response_mode") != "query":
		return "invalid_request"
	// OpenID Connect Core, section 3.1.2.1: none stands alone.
	case slices.Contains(strings.Fields(q.Get("prompt")), "none") && len(strings.Fields(q.Get("prompt"))) > 1:
		return "invalid_request"
	// RFC 7636, section 4.3: without a method it would be plain.
	case q.Has("code_challenge") && (q.Get("code_challenge_method") != "S256" || len(q.Get("code_challenge")) != 43):
		return "invalid_request"
	}
	return ""
}
