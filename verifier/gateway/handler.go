package gateway

import (
	"context"
	"io"
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// Routes are the gateway's endpoints. Bodies are limited to 64 KiB, but where a
// document comes in.
func (g *Gateway) Routes() http.Handler {
	const begin, answer = "POST /api/sign-transactions", "POST /v1/requests/{id}/answer"
	mux := httpd.NewMux()
	mux.HandleFunc(begin, g.postSigning)
	mux.HandleFunc(answer, g.postAnswer)
	mux.HandleFunc("POST /v1/requests", g.postRequest)
	mux.HandleFunc("GET /r/{id}", g.getRequestObject)
	mux.HandleFunc("GET /v1/requests/{id}/document", g.getDocument)
	mux.HandleFunc("GET /v1/requests/{id}/documents/{n}", g.getDocuments)
	mux.HandleFunc("GET /api/sign-transactions/{id}/result", g.getSignResult)
	mux.HandleFunc("GET /v1/requests/{id}", g.getResult)
	mux.HandleFunc("GET /v1/parties/{id}", g.getParty)
	mux.HandleFunc("GET /v1/parties/{id}/logo", g.getLogo)
	mux.HandleFunc("GET /v1/uses", g.getUses)
	g.routesOfRules(mux)
	mux.HandleFunc("GET /v1/status", g.getStatus)
	mux.HandleFunc("POST /v1/events", g.postEvents)
	return mux.Behind(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(64 << 10)
		switch _, pattern := mux.Handler(r); pattern {
		case begin:
			limit = ceremony.MaxSignStart
		case answer:
			limit = ceremony.MaxPosted
		}
		httpd.LimitBody(mux, limit).ServeHTTP(w, r)
	}))
}

func (g *Gateway) postRequest(w http.ResponseWriter, r *http.Request) { started(g, w, r, g.Start) }

// started answers a call by which a party begins a request.
func started[Body any](g *Gateway, w http.ResponseWriter, r *http.Request,
	start func(context.Context, ceremony.Caller, ceremony.Entry, Body, time.Time) (ceremony.Started, error)) {
	at := g.c.Now()
	var body Body
	caller, entry, err := g.Check(r.Context(), r.Header.Get("Authorization"), at)
	if err == nil {
		err = httpd.ReadJSON(w, r, &body)
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := start(r.Context(), caller, entry, body, at)
	answer(w, r, http.StatusCreated, out, err)
}

func (g *Gateway) getRequestObject(w http.ResponseWriter, r *http.Request) {
	compact, err := g.Fetch(r.Context(), r.PathValue("id"), r.Header.Get(ceremony.PhoneHeader), g.c.Now())
	signed(w, r, ceremony.RequestMediaType, compact, err)
}

func (g *Gateway) postAnswer(w http.ResponseWriter, r *http.Request) {
	var body ceremony.Posted
	if err := httpd.ReadJSON(w, r, &body); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	taken, err := g.Answer(r.Context(), r.PathValue("id"), r.Header.Get(ceremony.PhoneHeader), httpd.Source(r), body, g.c.Now())
	if err != nil && taken.Verdict != "" { // a stored verdict: the phone still sends the browser back
		p := problem.From(err).With("verdict", taken.Verdict)
		if taken.Redirect != "" {
			p = p.With("redirect", taken.Redirect)
		}
		err = p
	}
	answer(w, r, http.StatusOK, taken, err)
}

func (g *Gateway) getResult(w http.ResponseWriter, r *http.Request) { result(g, w, r, g.Result) }

// result answers a call by which a party asks for the result of a request.
func result[Result any](g *Gateway, w http.ResponseWriter, r *http.Request,
	tell func(context.Context, ceremony.Caller, ceremony.Entry, string, time.Time) (Result, error)) {
	at := g.c.Now()
	caller, entry, err := g.Check(r.Context(), r.Header.Get("Authorization"), at)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := tell(r.Context(), caller, entry, r.PathValue("id"), at)
	answer(w, r, http.StatusOK, out, err)
}

func (g *Gateway) getParty(w http.ResponseWriter, r *http.Request) {
	compact, err := g.RegistrationAt(r.Context(), r.PathValue("id"), r.URL.Query().Get(ceremony.TerminalParameter), g.c.Now())
	signed(w, r, ceremony.RegistrationMediaType, compact, err)
}

// getLogo gives a picture that is ours: it was made anew from what the party sent, and the
// guard's headers keep browsers from taking it for anything else.
func (g *Gateway) getLogo(w http.ResponseWriter, r *http.Request) {
	picture, err := g.Logo(r.Context(), r.PathValue("id"))
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Write(picture) // the line may break; whoever shows it notices by the registration
}

func (g *Gateway) getUses(w http.ResponseWriter, r *http.Request) {
	at := g.c.Now()
	caller, err := g.Enter(r.Context(), r.Header.Get("Authorization"), at)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	uses, err := g.Uses(r.Context(), caller, r.Header.Get(ceremony.GrantHeader), at)
	answer(w, r, http.StatusOK, uses, err)
}

// postEvents is RFC 8936: polling for Security Event Tokens, with waiting.
func (g *Gateway) postEvents(w http.ResponseWriter, r *http.Request) {
	caller, err := g.Enter(r.Context(), r.Header.Get("Authorization"), g.c.Now())
	var body ceremony.EventPoll
	if err == nil {
		err = httpd.ReadJSON(w, r, &body)
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	events, err := g.Events(r.Context(), caller, body)
	answer(w, r, http.StatusOK, events, err)
}

// Health answers GET /v1/status.
type Health struct {
	Verifier string       `json:"verifier"` // its id, as its certificates name it
	Policy   string       `json:"policy"`   // "feed", or "ocsp-crl" when there is no feed
	Feed     *feed.Health `json:"feed,omitempty"`
}

// Health tells whether the gateway can learn status.
func (g *Gateway) Health(at time.Time) Health {
	if g.c.Feed == nil {
		return Health{Verifier: g.c.ID, Policy: "ocsp-crl"}
	}
	h := g.c.Feed.Health(at)
	return Health{Verifier: g.c.ID, Policy: "feed", Feed: &h}
}

func (g *Gateway) getStatus(w http.ResponseWriter, r *http.Request) {
	h := g.Health(g.c.Now())
	status := http.StatusOK
	if h.Feed != nil && !h.Feed.Fresh {
		status = http.StatusServiceUnavailable
	}
	httpd.WriteJSON(w, status, h)
}

// Ready tells whether the gateway can do its job now: the feed is fresh.
func (g *Gateway) Ready(context.Context) error {
	if g.c.Feed != nil && !g.c.Feed.Health(g.c.Now()).Fresh {
		return feed.ErrStale
	}
	return nil
}

func answer(w http.ResponseWriter, r *http.Request, status int, body any, err error) {
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, status, body)
}

func signed(w http.ResponseWriter, r *http.Request, mediaType, compact string, err error) {
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", mediaType)
	io.WriteString(w, compact) // the line may break; the phone notices by the signature
}
