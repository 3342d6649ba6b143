package document

import (
	"context"
	"net/http"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// MaxBody is the largest body of POST /v1/verify, in bytes: documents of 4 MB and
// their signatures, in base64.
const MaxBody = 8 << 20

// maxMessages bounds the work of one call.
const maxMessages = 16

// ErrNothingToVerify: a call without a message, or with too many.
var ErrNothingToVerify = problem.NewYourTurn(400, "verify-messages",
	"確かめる文書がないか、多すぎます。", "messages に、1件から16件までの署名された文書を入れてください。",
	"There is no document to check, or there are too many.", "Put one to 16 signed documents into messages.")

// Handler is POST /v1/verify.
type Handler struct {
	// Checker's status source is the verifier's own, such as its feed.
	Checker Checker
	// OCSP is asked instead where evidence is wanted: it has to be shown to others.
	OCSP certpath.OCSP
	// Enter says whether a call is a registered party's, and answers any other by itself. A
	// verdict tells the status of a person's certificate, which is not for everybody.
	Enter func(w http.ResponseWriter, r *http.Request, at time.Time) bool
	Now   func() time.Time
}

// verification is the body of a call.
type verification struct {
	Messages []Message `json:"messages"`
	Evidence bool      `json:"evidence"` // wanted
}

// verified is the answer to a call.
type verified struct {
	Answer
	Evidence *Evidence `json:"evidence,omitempty"`
}

// Routes is POST /v1/verify. A verdict of any kind is a 200.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/verify", h.post)
	return httpd.LimitBody(mux, MaxBody)
}

func (h *Handler) post(w http.ResponseWriter, r *http.Request) {
	at := h.Now()
	if !h.Enter(w, r, at) {
		return
	}
	var body verification
	if err := httpd.ReadJSON(w, r, &body); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	if len(body.Messages) == 0 || len(body.Messages) > maxMessages {
		httpd.WriteProblem(w, r, ErrNothingToVerify)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	httpd.WriteJSON(w, http.StatusOK, h.verify(r.Context(), body, at))
}

func (h *Handler) verify(ctx context.Context, body verification, at time.Time) verified {
	if !body.Evidence {
		report := h.Checker.CheckAll(ctx, body.Messages, at)
		return verified{Answer: report.Answer(h.Checker.Arc)}
	}
	checker, keeper, ocsp := h.Checker, &Keeper{}, h.OCSP
	ocsp.Keep = keeper.Keep
	checker.Status = ocsp
	report := checker.CheckAll(ctx, body.Messages, at)
	evidence := checker.Evidence(body.Messages, keeper.Answers(), report)
	return verified{report.Answer(checker.Arc), &evidence}
}
