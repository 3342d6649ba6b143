package oidc

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
)

// answer holds what the library writes until we have looked at it.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}, status: http.StatusOK} }

// Header implements http.ResponseWriter.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// sendTo writes the answer.
func (a *answer) sendTo(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	// RFC 6749, section 5.1: nobody keeps what holds a token.
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(a.status)
	w.Write(a.body.Bytes())
}

// oauthError is RFC 6749, section 5.2.
type oauthError struct {
	Code        string `json:"error"`
	Description string `json:"error_description,omitempty"`
}

// mend puts errors of the library into the words of the standards: its own for a grant
// that was revoked, for a proof that does not hold, and for its own failures, are words
// that no client knows.
func (a *answer) mend() {
	var e oauthError
	if a.status < 400 || json.Unmarshal(a.body.Bytes(), &e) != nil {
		return
	}
	switch {
	case e.Code == "expired_token":
		e.Code, a.status = "invalid_grant", http.StatusBadRequest
	case e.Description == "invalid DPoP proof": // RFC 9449, section 5
		e.Code, a.status = "invalid_dpop_proof", http.StatusBadRequest
	case e.Code == "internal_error":
		e.Code, e.Description = "server_error", ""
	}
	a.fail(a.status, e)
}

func (a *answer) fail(status int, e oauthError) {
	a.status = status
	a.body.Reset()
	a.header.Set("Content-Type", "application/json")
	a.header.Del("Content-Length")
	json.NewEncoder(&a.body).Encode(e) // two strings: always encodes
}

// challenge adds what a 401 has to carry (RFC 6749, section 5.2; RFC 6750, section 3;
// RFC 9449, section 7.1).
func (a *answer) challenge(scheme string) {
	var e oauthError
	if a.status == http.StatusUnauthorized && json.Unmarshal(a.body.Bytes(), &e) == nil {
		value := scheme + ` realm="openid"`
		if scheme != "Basic" && e.Code != "" {
			value += `, error="` + e.Code + `"`
		}
		if scheme == "DPoP" {
			value += `, algs="ES256 PS256"`
		}
		a.header.Set("WWW-Authenticate", value)
	}
}

// serve implements engine.
func (l *library) serve(w http.ResponseWriter, r *http.Request) {
	c := &call{}
	a := l.ask(r, c)
	if r.URL.Path == pathIntrospect && a.status == http.StatusForbidden {
		// RFC 7662, section 2.2: of a token that the client may not know of, it learns what it
		// would of one that is none.
		a.status = http.StatusOK
		a.body.Reset()
		a.header.Del("Content-Length")
		a.body.WriteString(`{"active":false}`)
	}
	a.mend()
	if c.trouble != nil {
		l.p.c.Log.ErrorContext(r.Context(), "openid connect", "error", c.trouble)
		// Nothing was decided: a client must not take it for a grant that has ended.
		a.fail(http.StatusServiceUnavailable, oauthError{Code: "temporarily_unavailable"})
	}
	scheme := "Basic"
	if r.URL.Path == pathUserInfo {
		scheme = "Bearer"
		if l.profile == FAPI2 {
			scheme = "DPoP"
		}
	}
	a.challenge(scheme)
	a.sendTo(w)
}
