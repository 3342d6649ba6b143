// Package tsa is the time-stamp authority: POST /tsa takes a request and gives a
// token (RFC 3161, 3.4).
//
// It owns the door, the order "record the serial number, then sign", and the
// refusal to sign when the clock is behind a token that was given. The encoding is
// package tsp's; the key's certificate comes from the ops authority.
//
// # Trust
//
// Whoever asks is a stranger and stays one: a token says when a digest was seen, not
// who brought it. The worst a stranger can do is to make us record serial numbers,
// and a limit on all of them together bounds that. The clock of this machine is
// trusted; it is what tokens rest on.
package tsa

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/tsp"
)

// What a Store may answer.
var (
	// ErrSerialUsed: the serial number was recorded before.
	ErrSerialUsed = errors.New("tsa: serial number used")
	// ErrClockBack: a token was given for a moment that lies ahead of this one.
	ErrClockBack = errors.New("tsa: the clock is behind a time-stamp that was given")
)

// A Stamp is what is recorded of a token before it is signed. What was stamped is not
// among it: a record of digests would tell who signed what.
type Stamp struct {
	Serial pki.Serial
	At     time.Time // whole seconds
}

// Store keeps what the authority must not forget.
type Store interface {
	// RecordStamp durably records s before it returns. ErrSerialUsed when the serial
	// number is there already, ErrClockBack when a stamp of a later second is.
	RecordStamp(ctx context.Context, s Stamp) error
}

// Limits on a request, and on how many are answered.
const (
	maxQuery  = 4 << 10 // bytes; a request has about 80
	perSecond = 100     // tokens, for everybody together
	burst     = 500
)

// ErrMediaType: what was sent is not called a time-stamp request.
var ErrMediaType = problem.NewYourTurn(http.StatusUnsupportedMediaType, "not-timestamp-query",
	"この窓口はタイムスタンプの要求だけを受け付けます。", "Content-Type: application/timestamp-query で送ってください。",
	"Only time-stamp requests are accepted here.", "Send it with Content-Type: application/timestamp-query.")

// ErrTooMany: more time-stamps are asked for than are given.
var ErrTooMany = problem.New(problem.CouldNotCheck, http.StatusTooManyRequests, "too-many-timestamps",
	problem.Text{Title: "タイムスタンプの要求が混み合っています。", Detail: "少し待って、もう一度お試しください。"},
	problem.Text{Title: "Too many time-stamps are asked for.", Detail: "Wait a moment and try again."})

// TSA answers requests. Its methods may be called at once.
type TSA struct {
	authority tsp.Authority
	store     Store
	now       func() time.Time
	log       *slog.Logger
	limit     *rate.Limiter
}

// New makes a time-stamp authority, or says what is wrong with a.
func New(a tsp.Authority, store Store, now func() time.Time, log *slog.Logger) (*TSA, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	return &TSA{authority: a, store: store, now: now, log: log, limit: rate.NewLimiter(perSecond, burst)}, nil
}

// Routes is POST /tsa.
func (t *TSA) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tsa", t.post)
	return httpd.LimitBody(mux, maxQuery)
}

func (t *TSA) post(w http.ResponseWriter, r *http.Request) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != tsp.QueryMediaType {
		httpd.WriteProblem(w, r, ErrMediaType)
		return
	}
	if !t.limit.Allow() {
		httpd.WriteProblem(w, r, ErrTooMany)
		return
	}
	query, err := io.ReadAll(r.Body)
	if err != nil { // too long, or the line broke: either way no request
		query = nil
	}
	w.Header().Set("Content-Type", tsp.ReplyMediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.Write(t.Answer(r.Context(), query)) // the caller is gone when this fails
}

// Answer answers one TimeStampReq. It never fails: what gets no token gets the
// rejection that RFC 3161, 2.4.2 has for it.
func (t *TSA) Answer(ctx context.Context, query []byte) []byte {
	token, err := t.stamp(ctx, query)
	if err == nil {
		return tsp.Granted(token)
	}
	if d, ok := errors.AsType[*tsp.Declined](err); ok {
		return tsp.Rejected(d.Failure)
	}
	t.log.ErrorContext(ctx, "no time-stamp", "error", err)
	if errors.Is(err, ErrClockBack) {
		return tsp.Rejected(tsp.TimeNotAvailable)
	}
	return tsp.Rejected(tsp.SystemFailure)
}

func (t *TSA) stamp(ctx context.Context, query []byte) ([]byte, error) {
	r, err := tsp.ParseRequest(query)
	if err != nil {
		return nil, err
	}
	if r.Policy != nil && !r.Policy.Equal(t.authority.Policy) { // before anything is recorded
		return nil, &tsp.Declined{Failure: tsp.UnacceptedPolicy, Reason: tsp.ErrPolicy}
	}
	s, err := t.record(ctx)
	if errors.Is(err, ErrClockBack) { // two requests at the turn of a second may overtake each other
		s, err = t.record(ctx)
	}
	if err != nil {
		return nil, err
	}
	return t.authority.Stamp(r, s.Serial.Big(), s.At)
}

// record takes a serial number for a token of this second: what the token is over is
// there by the second's end, which is within the accuracy.
func (t *TSA) record(ctx context.Context) (Stamp, error) {
	at := t.now().UTC().Truncate(time.Second)
	if leaf := t.authority.Chain[0]; at.Before(leaf.NotBefore) || at.After(leaf.NotAfter) {
		return Stamp{}, errors.New("tsa: the authority's certificate is not valid now")
	}
	s := Stamp{Serial: pki.RandomSerial(), At: at}
	return s, t.store.RecordStamp(ctx, s)
}
