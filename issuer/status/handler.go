package status

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/trace"
	"tegata/issuer/profile"
)

var errNoSuch = problem.New(problem.Refused, http.StatusNotFound, "no-such-file",
	problem.Text{Title: "この名前の失効情報・証明書はありません。", Detail: "証明書に書かれている URL を確かめてください。"},
	problem.Text{Title: "There is no CRL or certificate of that name.", Detail: "Check the URL written in the certificate."})

var errCannotTell = problem.New(problem.CouldNotCheck, http.StatusServiceUnavailable, "status-unavailable",
	problem.Text{Title: "いまは証明書の状態を確認できません。", Detail: "時間をおいて、もう一度お試しください。何も変わっていません。"},
	problem.Text{Title: "The status of certificates cannot be told at the moment.", Detail: "Try again later; nothing has changed."})

var errNotOCSP = problem.New(problem.YourTurn, http.StatusUnsupportedMediaType, "not-ocsp-request",
	problem.Text{Title: "この窓口は OCSP リクエストだけを受け付けます。", Detail: "Content-Type: application/ocsp-request で送ってください。"},
	problem.Text{Title: "Only OCSP requests are accepted here.", Detail: "Send them with Content-Type: application/ocsp-request."})

const changesPath = "/v1/status/changes"

// Handler answers over HTTP for everything that can be asked about certificates.
type Handler struct {
	Ledger      *Ledger
	Responder   *Responder
	CRLs        *CRLs
	Authorities Authorities
	Feed        *Feed
	Trace       trace.Sink // the sandbox's; nil in production

	stopped atomic.Bool // see StopOCSP
}

// NewHandler builds all projections of a ledger. admit authenticates followers of
// the change feed by their Authorization header; nil admits nobody.
func NewHandler(ledger *Ledger, store Store, authorities Authorities, admit Admit) *Handler {
	return &Handler{
		Ledger:      ledger,
		Responder:   NewResponder(ledger, authorities),
		CRLs:        NewCRLs(ledger, store, authorities),
		Authorities: authorities,
		Feed:        NewFeed(ledger, store, authorities, admit),
	}
}

// StopOCSP makes the responder fall silent and speak again: the sandbox's "break
// it". A stopped responder cuts the line, as a crashed one would.
func (h *Handler) StopOCSP(stopped bool) { h.stopped.Store(stopped) }

// Ready returns nil while answers can be given: the readiness of the role.
func (h *Handler) Ready(ctx context.Context) error {
	_, _, err := h.Ledger.asOf(ctx)
	return err
}

// Public says whether r asks for what is signed and for everybody: OCSP answers,
// CRLs, authorities' certificates, and the practice statement that they name. It is
// answered without TLS and under any name (httpd.GuardOptions.Public); the change
// feed is not, which tells of everybody at once.
func Public(r *http.Request) bool {
	path := r.URL.Path
	return path == "/ocsp" || path == "/cps" ||
		strings.HasPrefix(path, "/ocsp/") || strings.HasPrefix(path, "/crl/") || strings.HasPrefix(path, "/ca/")
}

// Routes is the table of contents. Paths that are not here go to next, which may
// be nil. It must stand before any http.ServeMux: a mux cleans the path, and the
// base64 of an OCSP request may hold "//" (RFC 6960, appendix A.1).
func (h *Handler) Routes(next http.Handler) http.Handler {
	mux := httpd.NewMux()
	mux.HandleFunc("POST /ocsp", h.ocspPost)
	mux.HandleFunc("GET /crl/{file}", h.crlWhole)
	mux.HandleFunc("GET /crl/{authority}/{file}", h.crlPartition)
	mux.HandleFunc("GET /ca/bundle.pem", h.bundle)
	mux.HandleFunc("GET /ca/{file}", h.authority)
	mux.HandleFunc("GET /cps", h.practices)
	mux.HandleFunc("GET "+changesPath, h.Feed.changes)
	mux.List("GET /ocsp/{base64}")
	if inner, ok := next.(httpd.Lister); ok {
		mux.List(inner.Patterns()...)
	}
	return mux.Behind(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The path as it was sent. EscapedPath would decode it once more, to see that
		// RawPath is of Path; net/http has just made one from the other.
		if raw, ok := strings.CutPrefix(cmp.Or(r.URL.RawPath, r.URL.Path), "/ocsp/"); ok {
			r.Pattern = "/ocsp/{base64}" // for the log: never the path itself
			h.ocspRaw(w, r, raw)
			return
		}
		if r.URL.Path == "/ocsp" && r.Method == http.MethodPost { // as the mux would say, which takes longer to find it
			r.Pattern = "POST /ocsp"
			h.ocspPost(w, r)
			return
		}
		if next != nil && !Public(r) && r.URL.Path != changesPath {
			next.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// ocspRaw is what stands below /ocsp/: a request in the path, or a POST by a
// client that added a slash.
func (h *Handler) ocspRaw(w http.ResponseWriter, r *http.Request, raw string) {
	switch {
	case r.Method == http.MethodPost && raw == "":
		h.ocspPost(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		h.ocspGet(w, r)
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		httpd.WriteProblem(w, r, httpd.ErrMethod)
	}
}

func (h *Handler) ocspPost(w http.ResponseWriter, r *http.Request) {
	// RFC 6960, appendix A.1: the Content-Type is application/ocsp-request.
	if t := r.Header.Get("Content-Type"); t != "application/ocsp-request" { // or it is spelled otherwise
		if media, _, err := mime.ParseMediaType(t); err != nil || media != "application/ocsp-request" {
			httpd.WriteProblem(w, r, errNotOCSP)
			return
		}
	}
	h.ocspAnswer(w, r, readRequest(r))
}

// readRequest reads a request's body; nil, which is malformed, when it is too large
// or the line breaks.
func readRequest(r *http.Request) []byte {
	if n := r.ContentLength; n >= 0 && n <= maxRequest { // net/http gives no more than that
		der := make([]byte, n)
		if _, err := io.ReadFull(r.Body, der); err != nil {
			return nil
		}
		return der
	}
	der, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil || len(der) > maxRequest {
		return nil
	}
	return der
}

// ocspGet reads the request from the path: base64, then percent-encoded where a
// path needs it (RFC 5019, section 5). "+" and "/" may stand raw; padding may miss.
func (h *Handler) ocspGet(w http.ResponseWriter, r *http.Request) {
	var der []byte
	text := strings.TrimPrefix(r.URL.Path, "/ocsp/") // decoded and not cleaned
	if len(text) <= 2*maxRequest {
		var err error
		if der, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "=")); err != nil {
			der = nil
		}
	}
	h.ocspAnswer(w, r, der)
}

func (h *Handler) ocspAnswer(w http.ResponseWriter, r *http.Request, der []byte) {
	if h.stopped.Load() {
		panic(http.ErrAbortHandler)
	}
	a := h.Responder.answer(r.Context(), der)
	h.noteOCSP(r, der, a)
	head := w.Header()
	httpd.Inert(head)
	head["Content-Type"] = ocspResponse
	if a.kept == nil { // a nonce, several certificates, or an error: for this asker alone
		head.Set("Cache-Control", "no-store")
		w.Write(a.der)
		return
	}
	// RFC 5019, section 6.2: caches keep an answer until nextUpdate and no longer.
	told := a.tell(h.Ledger.now())
	head["Date"], head["Cache-Control"] = told.date, told.cache
	head["Last-Modified"], head["Expires"], head["Etag"] = a.kept.modified, a.kept.expires, a.kept.tag
	if r.Method != http.MethodPost && r.Header.Get("If-None-Match") == a.kept.tag[0] {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Write(a.der)
}

// ocspResponse is a header's value, shared by all answers. Names are in Go's spelling.
var ocspResponse = []string{"application/ocsp-response"}

func secondsLeft(until, now time.Time) int64 { return max(0, int64(until.Sub(now)/time.Second)) }

func (h *Handler) noteOCSP(r *http.Request, asked []byte, a answered) {
	if h.Trace == nil {
		return
	}
	h.Trace.Note(r.Context(), trace.Event{
		At: h.Ledger.now(), From: "issuer", Kind: "status",
		TitleJA: "OCSP レスポンダが証明書の状態を答えました", TitleEN: "The OCSP responder told the status of a certificate",
		PEM:   string(pem.EncodeToMemory(&pem.Block{Type: "OCSP RESPONSE", Bytes: a.der})),
		Check: h.Responder.checkLines(asked),
	})
}

// checkLines are what verifies the answer to a request in a terminal: its signature
// by the responder that the authority delegated to, and that it tells of what was asked.
// Empty where the answer is none that is signed (RFC 6960, section 2.3).
func (r *Responder) checkLines(asked []byte) string {
	req, err := parseRequest(asked)
	if err != nil {
		return ""
	}
	issuer, ok := r.issuerOf(req.ids[0])
	if !ok {
		return ""
	}
	authority := issuer.Label() + ".pem"
	var b strings.Builder
	// openssl reads answers in DER. A nonce in it answers a request that is not here.
	b.WriteString("openssl asn1parse -in answer.pem -noout -out answer.der\n")
	fmt.Fprintf(&b, "openssl ocsp -respin answer.der -no_nonce -CAfile %s", authority)
	for _, id := range req.ids {
		if !id.ours || !issuer.named(id) {
			continue
		}
		hash := "-sha1"
		if id.hash == sha256Hash {
			hash = "-sha256"
		}
		fmt.Fprintf(&b, " %s -issuer %s -serial 0x%s", hash, authority, id.serial)
	}
	return b.String()
}

func (h *Handler) crlWhole(w http.ResponseWriter, r *http.Request) {
	label, ok := strings.CutSuffix(r.PathValue("file"), ".crl")
	h.crl(w, r, label, "", ok)
}

func (h *Handler) crlPartition(w http.ResponseWriter, r *http.Request) {
	partition, ok := strings.CutSuffix(r.PathValue("file"), ".crl")
	h.crl(w, r, r.PathValue("authority"), partition, ok && partition != "")
}

func (h *Handler) crl(w http.ResponseWriter, r *http.Request, label, partition string, ok bool) {
	kind, generation, err := profile.ParseLabel(label)
	if err != nil || !ok {
		httpd.WriteProblem(w, r, errNoSuch)
		return
	}
	c, err := h.CRLs.Current(r.Context(), Scope{kind, generation, partition})
	switch {
	case errors.Is(err, ErrNoScope):
		httpd.WriteProblem(w, r, errNoSuch)
		return
	case err != nil:
		httpd.WriteProblem(w, r, errCannotTell.Because(err))
		return
	}
	now := h.Ledger.now()
	// A cache may keep a CRL only as long as no newer one can be made, and never
	// beyond nextUpdate.
	age := min(secondsLeft(c.NextUpdate, now), int64(crlPause/time.Second))
	head := w.Header()
	head.Set("Content-Type", "application/pkix-crl")
	head.Set("Date", now.UTC().Format(http.TimeFormat))
	head.Set("Expires", now.Add(time.Duration(age)*time.Second).UTC().Format(http.TimeFormat))
	head.Set("Cache-Control", fmt.Sprintf("max-age=%d, public, no-transform, must-revalidate", age))
	head.Set("ETag", fmt.Sprintf(`"%s-%s-%d"`, label, partition, c.Number))
	http.ServeContent(w, r, "", c.ThisUpdate, bytes.NewReader(c.DER))
}

func (h *Handler) authority(w http.ResponseWriter, r *http.Request) {
	label, ok := strings.CutSuffix(r.PathValue("file"), ".cer")
	for _, i := range h.Authorities.Issuers() {
		if ok && i.Label() == label {
			w.Header().Set("Content-Type", "application/pkix-cert")
			w.Write(i.Certificate.Raw)
			return
		}
	}
	httpd.WriteProblem(w, r, errNoSuch)
}

func (h *Handler) bundle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/pem-certificate-chain")
	for _, i := range h.Authorities.Issuers() {
		w.Write(pki.EncodePEM(i.Certificate.Raw))
	}
}

// practices is where the certificates' CPS pointer leads.
func (h *Handler) practices(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintf(w, "%s\n\n%s\n", h.Authorities.Operator().Organization, practices)
}

const practices = `How certificates are issued here.

Signature and authentication certificates, for cards and for phones, come from
four authorities with keys of their own; a fifth certifies the parties. Each
certificate is checked against its profile and recorded before it is signed.
Status is told by OCSP (/ocsp), by CRLs (/crl/AUTHORITY.crl and by partition) and,
to registered verifiers, by the change feed. A certificate is good when it was
issued, is not on hold and is not revoked. Policies: .1.1 card signature, .1.2
card authentication, .1.3 phone signature, .1.4 phone authentication, .1.5
parties, under the operator's arc.`
