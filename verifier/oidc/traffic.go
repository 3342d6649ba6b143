package oidc

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/internal/httpd"
)

// Traffic is one request of a client and what it was answered. It names no person and
// holds no code, token, state or address.
type Traffic struct {
	Client   string
	Endpoint string // its path
	Status   int
	Error    string // the code of RFC 6749 that was answered; "" for none
	Cause    string // which of our sentences says why; "" for none
	Request  string // the id under which the log has it
	At       time.Time
}

// keepTraffic is how many requests of a client are kept.
const keepTraffic = 100

// TrafficLife is how long they are kept in production, where only those are that failed.
const TrafficLife = 30 * 24 * time.Hour

// What production notes of a client: whoever names it in a wrong request makes a row.
const (
	notesPerSecond = 1
	noteBurst      = 20
)

// heard is what was answered, as far as the traffic tells it.
type heard struct {
	http.ResponseWriter
	status int
	body   []byte // of an error, at most maxHeard
}

const maxHeard = 1024 // bytes

func (h *heard) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
	h.ResponseWriter.WriteHeader(status)
}

func (h *heard) Write(b []byte) (int, error) {
	if h.status >= 400 && len(h.body) < maxHeard {
		h.body = append(h.body, b[:min(len(b), maxHeard-len(h.body))]...)
	}
	return h.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (h *heard) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// noted keeps what came of a request with its client's traffic, for whoever manages the
// client: all of it in a sandbox. Production keeps only what failed, so that nothing is
// kept of those who log in.
func (p *Provider) noted(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := &heard{ResponseWriter: w}
		next(h, r)
		if !p.c.Sandbox && h.status < 400 && errorOf(h) == "" {
			return
		}
		if err := p.note(r, h); err != nil && !errors.Is(err, ErrNotFound) {
			p.c.Log.ErrorContext(r.Context(), "traffic not noted", "error", err)
		}
	}
}

// mayNote bounds what production keeps in a time.
func (p *Provider) mayNote(client string) bool { return p.c.Sandbox || p.notes.Count(client) }

// pathOutcome stands in the traffic for the answer to a person's decision.
const pathOutcome = "/login"

// noteOutcome keeps how a login ended that was asked for: with a code, or an error.
func (p *Provider) noteOutcome(ctx context.Context, c Client, o outcome) {
	if !p.c.Sandbox && o.Error == "" {
		return
	}
	_, err := p.c.Store.Managed(ctx, c.ID)
	if err == nil && p.mayNote(c.ID) {
		err = p.c.Store.NoteTraffic(ctx, Traffic{Client: c.ID, Endpoint: pathOutcome, Status: http.StatusSeeOther, Error: o.Error, Cause: cmp.Or(o.Cause, o.Error),
			Request: httpd.RequestID(ctx), At: p.c.Now()}, keepTraffic)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		p.c.Log.ErrorContext(ctx, "traffic not noted", "error", err)
	}
}

func (p *Provider) note(r *http.Request, h *heard) error {
	ctx, id := r.Context(), ""
	switch r.URL.Path {
	case pathAuthorize:
		id = r.URL.Query().Get("client_id")
	case pathUserInfo:
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		t, err := p.c.Store.Token(ctx, hash(strings.TrimSpace(token)), p.c.Now())
		if err != nil {
			return err
		}
		g, err := p.c.Store.Grant(ctx, t.Grant, p.c.Now())
		if err != nil {
			return err
		}
		id = g.Client
	default:
		id = claimedClient(r)
	}
	if _, err := p.c.Store.Managed(ctx, id); err != nil {
		return err
	}
	c, err := p.c.Store.Client(ctx, id)
	if err != nil || !p.mayNote(id) {
		return err
	}
	t := Traffic{Client: id, Endpoint: r.URL.Path, Status: max(h.status, http.StatusOK), Request: httpd.RequestID(ctx), At: p.c.Now()}
	t.Error = errorOf(h)
	t.Cause = cause(r, c, t)
	return p.c.Store.NoteTraffic(ctx, t, keepTraffic)
}

// errorOf is the code that was answered, to the client or to the browser for it.
func errorOf(h *heard) string {
	if to, err := url.Parse(h.Header().Get("Location")); err == nil && to.Query().Get("error") != "" {
		return to.Query().Get("error")
	}
	var e oauthError
	if h.status >= 400 && json.Unmarshal(h.body, &e) == nil {
		return e.Code
	}
	return ""
}

// cause says which of the sentences "why.…" of the catalogue explains an answer.
func cause(r *http.Request, c Client, t Traffic) string {
	if t.Endpoint == pathAuthorize {
		return authorizeCause(r.URL.Query(), c, t)
	}
	switch t.Error {
	case "invalid_client":
		if c.Authentication == PrivateKeyJWT {
			return "assertion"
		}
		return "secret"
	case "invalid_grant":
		if r.PostForm.Get("grant_type") == "refresh_token" {
			return "refresh"
		}
		if r.PostForm.Has("redirect_uri") && !slices.Contains(c.RedirectURIs, r.PostForm.Get("redirect_uri")) {
			return "redirect"
		}
		return "code"
	case "invalid_dpop_proof", "invalid_token", "unauthorized_client", "invalid_scope", "temporarily_unavailable":
		return t.Error
	case "":
		return ""
	}
	return "request"
}

// authorizeCause explains what a browser was answered that brought a client's request.
func authorizeCause(q url.Values, c Client, t Traffic) string {
	twice := false
	for _, values := range q {
		twice = twice || len(values) > 1
	}
	switch {
	case t.Error == "" && t.Status < 400:
		return ""
	case twice:
		return "twice"
	case !q.Has("request_uri") && !slices.Contains(c.RedirectURIs, q.Get("redirect_uri")):
		return "redirect"
	case c.Profile == FAPI2 && !q.Has("request_uri"):
		return "pushed"
	case t.Error == "invalid_request" && q.Get("code_challenge_method") != "S256":
		return "pkce"
	case t.Error == "invalid_scope", t.Error == "login_required", t.Error == "unmet_authentication_requirements":
		return t.Error
	}
	return "request"
}
