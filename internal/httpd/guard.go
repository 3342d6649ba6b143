// Package httpd is the door of every HTTP listener of Tegata and the way one
// party calls another.
//
// It owns what must be the same at each door: which names it answers to, which
// origins may speak to it, request ids, limits of size and time, security
// headers, strict JSON, problem details (RFC 9457), health, metrics and an
// orderly end. Routes, rules and pages are left to the parties.
//
// # Trust
//
// Nothing that arrives is trusted: not Host (DNS rebinding brings a stranger's
// page to a loopback port), not Origin, not the length. A caller's identity is
// checked by the party with package ceremony; being on the loopback says nothing
// about who it is.
package httpd

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"tegata/internal/problem"
)

// GuardOptions say what a listener is.
type GuardOptions struct {
	// Names are the host:port values the listener answers to ("portal.localhost:8404",
	// "127.0.0.1:8404"); a request with another Host is refused. A name without a
	// port is one on the scheme's default port.
	Names []string
	// Public says that r asks for what is signed and for everybody, so that Host need
	// not be among Names: a rebound name reads there what anybody may, and programs
	// such as `openssl ocsp` leave the port out of Host. nil: nothing is.
	Public func(r *http.Request) bool
	// Pages says that people's browsers come here: the answer may be a page, with
	// scripts and styles of its own origin.
	Pages bool
	// Camera lets the pages ask for the camera (the phone reads QR codes).
	Camera bool
	// FormAction lists other origins a form's answer may redirect to; Chromium
	// applies form-action to redirects too.
	FormAction []string
	// MaxBody limits a request's body in bytes; 0 means 64 KiB.
	MaxBody int64
	// Log receives one line a request; nil means none. It never holds a path or a
	// query, only the route: an id or a code may be in the former.
	Log *slog.Logger
	// Metrics counts the requests; may be nil.
	Metrics *Metrics
	// Refuse writes an error of the guard itself; nil means WriteProblem. A party
	// with pages shows one.
	Refuse func(http.ResponseWriter, *http.Request, error)
}

var errMisdirected = problem.New(problem.Refused, http.StatusMisdirectedRequest, "wrong-host",
	problem.Text{Title: "この名前ではこの窓口を利用できません。", Detail: "アドレスを確かめて、正しい名前でもう一度開いてください。"},
	problem.Text{Title: "This service does not answer to that name.", Detail: "Check the address and open it by its own name."})

var errOrigin = problem.New(problem.Refused, http.StatusForbidden, "wrong-origin",
	problem.Text{Title: "ほかのサイトからの操作は受け付けません。", Detail: "何も変わっていません。この画面を開き直して操作してください。"},
	problem.Text{Title: "Another site's page may not do this.", Detail: "Nothing has changed. Open this service's own page and try there."})

// Guard puts opt's checks before h. From outside to inside: request id, headers,
// log and metrics; Host; Origin; what other sites' pages embed; cross-site
// requests; the size of the body. A panic of h becomes problem.Internal.
func Guard(opt GuardOptions, h http.Handler) http.Handler {
	if opt.MaxBody == 0 {
		opt.MaxBody = 64 << 10
	}
	if opt.Refuse == nil {
		opt.Refuse = WriteProblem
	}
	g := &guard{opt: opt, names: map[string]bool{}}
	for _, n := range opt.Names {
		g.names[strings.ToLower(n)] = true
	}
	// Machine endpoints too: no API of ours is meant for another site's script.
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { opt.Refuse(w, r, errOrigin) }))
	g.next = cross.Handler(h)
	g.headers = opt.headers()
	return g
}

type guard struct {
	opt     GuardOptions
	names   map[string]bool
	headers map[string][]string // of every answer; the values are shared and never changed
	next    http.Handler
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(requestIDHeader)
	if !goodRequestID(id) {
		id = rand.Text()
	}
	r = r.WithContext(context.WithValue(r.Context(), callKey{}, &call{id, g.opt.Log}))
	limit(w, r, g.opt.MaxBody)
	rec := &recorder{ResponseWriter: w, r: r}
	rec.Header().Set(requestIDHeader, id)
	maps.Copy(rec.Header(), g.headers)

	began := time.Now() // a duration, not a date
	done := g.opt.Metrics.begin()
	defer func() {
		fault := recover()
		if fault != nil && fault != http.ErrAbortHandler {
			g.panicked(rec, r, fault)
		}
		took := time.Since(began)
		done(r.Method, r.Pattern, rec.code(), took)
		if g.opt.Log != nil {
			g.opt.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request_id", id), slog.String("method", r.Method),
				slog.String("route", r.Pattern), slog.Int("status", rec.code()), slog.Duration("took", took))
		}
		if fault != nil && (fault == http.ErrAbortHandler || rec.status != 0 && !rec.replaced) {
			panic(http.ErrAbortHandler) // half an answer is out: cut the line, so that nobody takes it for a whole one
		}
	}()

	switch {
	case !g.names[strings.ToLower(r.Host)] && (g.opt.Public == nil || !g.opt.Public(r)):
		g.opt.Refuse(rec, r, errMisdirected)
	case !g.originAllowed(r), embedded(r):
		g.opt.Refuse(rec, r, errOrigin)
	default:
		g.next.ServeHTTP(rec, r)
	}
}

// LimitBody lets h read at most max bytes of a body: a party's own limit, below the
// guard's. It is not http.MaxBytesHandler, which passes on a copy of the request: the
// route that a mux inside notes in r.Pattern would be lost to log and metrics.
func LimitBody(h http.Handler, max int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit(w, r, max)
		h.ServeHTTP(w, r)
	})
}

func limit(w http.ResponseWriter, r *http.Request, max int64) {
	if r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w, r.Body, max)
	}
}

// originAllowed compares Origin, which every browser sends with a request that
// a script or another site's form makes, to our own names. "null" is a stranger.
func (g *guard) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Path == "" && g.names[strings.ToLower(u.Host)]
}

// embedded says whether another site's page asks as a part of itself: a picture, a
// frame, a fetch, a page loaded ahead. What a link opens may fetch, note and set
// cookies, so only a person's own step from page to page comes from elsewhere.
// Browsers that do not send these headers (W3C Fetch Metadata) have the other checks.
func embedded(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "cross-site", "same-site":
	default:
		return false
	}
	mode, dest := r.Header.Get("Sec-Fetch-Mode"), r.Header.Get("Sec-Fetch-Dest")
	return mode != "" && mode != "navigate" || dest != "" && dest != "document" || r.Header.Get("Sec-Purpose") != ""
}

func (g *guard) panicked(rec *recorder, r *http.Request, fault any) {
	if g.opt.Log != nil {
		g.opt.Log.LogAttrs(r.Context(), slog.LevelError, "panic", slog.String("request_id", RequestID(r.Context())),
			slog.String("route", r.Pattern), slog.Any("fault", fault), slog.String("stack", string(debug.Stack())))
	}
	if rec.status != 0 {
		return
	}
	rec.replaced = true
	g.opt.Refuse(rec, r, problem.Internal.Because(fmt.Errorf("httpd: panic: %v", fault)))
}

// headers is what every answer carries; a handler may overrule Cache-Control.
func (opt GuardOptions) headers() http.Header {
	h := http.Header{}
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	// Not "no-referrer": with it a browser sends "Origin: null" with our own forms.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !opt.Pages {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		return h
	}
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	camera := "()"
	if opt.Camera {
		camera = "(self)"
	}
	h.Set("Permissions-Policy", "camera="+camera+", microphone=(), geolocation=(), payment=()")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "+
		"font-src 'self'; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "+
		"base-uri 'none'; frame-ancestors 'none'; form-action "+strings.Join(append([]string{"'self'"}, opt.FormAction...), " "))
	return h
}

// Inert takes away what only a browser that shows or embeds an answer heeds. It is for
// public data of a media type that no browser shows or sniffs, sent so often that
// 250 bytes count: OCSP answers.
func Inert(h http.Header) {
	for _, name := range []string{"X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Cross-Origin-Resource-Policy", "Content-Security-Policy"} {
		delete(h, name)
	}
}

var (
	// ErrNoRoute is the answer to a path that nothing stands at.
	ErrNoRoute = problem.NewYourTurn(http.StatusNotFound, "no-such-path",
		"この窓口に、このアドレスはありません。", "アドレスを確かめてください。", "Nothing stands at this path.", "Check the address.")
	// ErrMethod is the answer to a method that a path does not know; the header Allow
	// names those that it does (RFC 9110, section 15.5.6).
	ErrMethod = problem.NewYourTurn(http.StatusMethodNotAllowed, "wrong-method",
		"このアドレスでは、この HTTP メソッドは使えません。", "Allow ヘッダーにあるメソッドを使ってください。",
		"This path does not know that HTTP method.", "Use one that the header Allow names.")
)

// unrouted is what a mux says when it has no route, as a problem: net/http's own words
// are text that no program reads. Doors with pages have a page for every path.
func unrouted(r *http.Request, status int, h http.Header) *problem.Problem {
	switch {
	case r.Pattern != "" || h.Get("Content-Type") == problem.ContentType:
		return nil
	case status == http.StatusNotFound:
		return ErrNoRoute
	case status == http.StatusMethodNotAllowed:
		return ErrMethod
	}
	return nil
}

// recorder remembers the status for the log and whether anything is out. What a mux
// says of its own becomes a problem.
type recorder struct {
	http.ResponseWriter
	r        *http.Request
	status   int
	replaced bool // the answer is the guard's, after a panic
	mute     bool // a problem stands for what the handler writes
}

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		if p := unrouted(rec.r, status, rec.Header()); p != nil {
			WriteProblem(rec, rec.r, p)
			rec.mute = true
			return
		}
	}
	if rec.status == 0 && status >= 200 { // 1xx come before the answer
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.mute {
		return len(b), nil
	}
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush and set deadlines.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) code() int {
	if rec.status == 0 {
		return http.StatusOK
	}
	return rec.status
}

const requestIDHeader = "X-Request-Id"

// call is what a context carries of a request.
type call struct {
	id  string
	log *slog.Logger // of the door it came through; may be nil
}

type callKey struct{}

func callOf(ctx context.Context) call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return *c
	}
	return call{}
}

// WithRequestID returns a context that carries id; our clients send it along, so
// that one id follows a person's action through all parties.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, callKey{}, &call{id, callOf(ctx).log})
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string { return callOf(ctx).id }

// goodRequestID accepts a caller's id only when it can do no harm in a log.
func goodRequestID(id string) bool {
	if len(id) < 8 || len(id) > 64 {
		return false
	}
	for _, c := range []byte(id) {
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}
