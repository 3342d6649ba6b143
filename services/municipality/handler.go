package municipality

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"tegata/internal/audit"
	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// Admit says who a caller of the register's door is, or why it stays closed.
type Admit func(*http.Request) (audit.Actor, error)

// Operator admits whoever holds the sandbox operator's token, the one that opens
// the sandbox's other controls too. In production there is no token, and with an
// empty one nobody is admitted: officers' own keys are a later door.
func Operator(token httpd.OperatorToken) Admit {
	return func(r *http.Request) (audit.Actor, error) {
		if !token.Opens(r) {
			return audit.Actor{}, httpd.ErrOperator
		}
		return audit.Actor{Party: "municipality", Kind: "person", ID: "sandbox-operator"}, nil
	}
}

// Handler is the register's HTTP door.
type Handler struct {
	Register *Register
	Admit    Admit
	Pages    *Pages                      // nil: programs only
	Officer  Admit                       // who sits at the pages' desk; nil: the pages only show
	Ready    func(context.Context) error // the database answers
	Guard    httpd.GuardOptions
}

// Routes is everything the municipality answers.
func (h *Handler) Routes() http.Handler {
	door := http.NewServeMux()
	door.HandleFunc("POST /v1/residents", h.add)
	door.HandleFunc("GET /v1/residents", h.list)
	door.HandleFunc("GET /v1/residents/{id}", h.show)
	door.HandleFunc("POST /v1/residents/{id}/cards", h.order)
	door.HandleFunc("POST /v1/residents/{id}/cards/{card}/signatures", h.orderSignature)
	door.HandleFunc("POST /v1/residents/{id}/events", h.report)
	door.HandleFunc("POST /v1/residents/{id}/events/{event}/cancellation", h.cancel)
	mux := http.NewServeMux()
	mux.Handle("/v1/", door)
	httpd.WithHealth(mux, h.Ready)
	if h.Guard.Metrics != nil {
		httpd.WithMetrics(mux, h.Guard.Metrics)
	}
	guard := h.Guard
	if h.Pages != nil {
		guard.Pages = true
		h.Pages.site.Mount(mux)
		guard.Refuse = func(w http.ResponseWriter, r *http.Request, err error) {
			if strings.HasPrefix(r.URL.Path, "/v1/") {
				httpd.WriteProblem(w, r, err)
				return
			}
			h.failPage(w, r, err)
		}
		mux.HandleFunc("GET /{$}", h.residents)
		h.mountDesk(mux)
		mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.failPage(w, r, ui.ErrNoPage) })
	}
	return httpd.Guard(guard, mux)
}

func (h *Handler) add(w http.ResponseWriter, r *http.Request) {
	var in Resident
	who, err := h.enter(w, r, &in)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.Register.Add(r.Context(), who, in)
	answer(w, r, http.StatusOK, out, err)
}

func (h *Handler) list(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Admit(r); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.Register.List(r.Context(), r.URL.Query().Get("after"), 100)
	answer(w, r, http.StatusOK, struct {
		Residents []Entry `json:"residents"` // at most 100; the next ones with ?after= the last id
	}{out}, err)
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request) {
	if _, err := h.Admit(r); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.Register.Show(r.Context(), r.PathValue("id"))
	answer(w, r, http.StatusOK, out, err)
}

func (h *Handler) order(w http.ResponseWriter, r *http.Request) {
	h.ordered(w, r, func(who audit.Actor, id string) (CardView, error) {
		return h.Register.OrderCard(r.Context(), who, r.PathValue("id"), id)
	})
}

func (h *Handler) orderSignature(w http.ResponseWriter, r *http.Request) {
	h.ordered(w, r, func(who audit.Actor, id string) (CardView, error) {
		return h.Register.OrderSignature(r.Context(), who, r.PathValue("id"), r.PathValue("card"), id)
	})
}

func (h *Handler) ordered(w http.ResponseWriter, r *http.Request, do func(who audit.Actor, id string) (CardView, error)) {
	var in struct {
		ID string `json:"id"` // of the card or the order, client-chosen
	}
	who, err := h.enter(w, r, &in)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := do(who, in.ID)
	status := http.StatusOK
	if out.DoneAt == nil {
		status = http.StatusAccepted
	}
	answer(w, r, status, out, err)
}

func (h *Handler) cancel(w http.ResponseWriter, r *http.Request) {
	who, err := h.Admit(r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.Register.Cancel(r.Context(), who, r.PathValue("id"), r.PathValue("event"))
	answer(w, r, http.StatusOK, out, err)
}

func (h *Handler) report(w http.ResponseWriter, r *http.Request) {
	var in Report
	who, err := h.enter(w, r, &in)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	out, err := h.Register.Report(r.Context(), who, r.PathValue("id"), in)
	status := http.StatusOK
	if out.State == EventWaiting {
		status = http.StatusAccepted // it stands; the issuer hears of it later
	}
	answer(w, r, status, out, err)
}

// enter admits the caller, then reads the body.
func (h *Handler) enter(w http.ResponseWriter, r *http.Request, in any) (audit.Actor, error) {
	who, err := h.Admit(r)
	if err != nil {
		return audit.Actor{}, err
	}
	return who, httpd.ReadJSON(w, r, in)
}

func answer(w http.ResponseWriter, r *http.Request, status int, v any, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // nobody is there any more
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, status, v)
}
