package street

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

// maxBody is room for a batch of trace events.
const maxBody = 1 << 20 // bytes

// Routes is everything the street answers, behind httpd.Guard for names (the
// host:port values of its listener). metrics may be nil.
func (h *Handler) Routes(names []string, metrics *httpd.Metrics) http.Handler {
	mux := http.NewServeMux()
	h.site.Mount(mux)
	mux.HandleFunc("GET /{$}", h.home)
	mux.HandleFunc("GET /cards", h.rack)
	mux.HandleFunc("POST /cards/{id}/remove", h.remove)
	mux.HandleFunc("GET /hold", h.holdPage)
	mux.HandleFunc("POST /hold", h.hold)
	mux.HandleFunc("GET /pad", h.padPage)
	mux.Handle("POST /pad", httpd.Erased(http.HandlerFunc(h.pad)))
	mux.HandleFunc("GET /mailbox", h.mailbox)
	mux.HandleFunc("GET /offers", h.offers)
	mux.HandleFunc("GET /trace", h.tracePage)
	mux.HandleFunc("GET /trace/{file}", h.traceFile)
	mux.HandleFunc("POST /trace", h.sink)
	mux.HandleFunc("GET /break", h.breakPage)
	mux.HandleFunc("POST /break/card", h.breakCard)
	mux.HandleFunc("POST /break/ocsp", h.breakOCSP)
	mux.HandleFunc("POST /break/phone", h.breakPhone)
	mux.HandleFunc("POST /break/reset", h.breakReset)
	mux.HandleFunc("POST /break/clock", h.breakClock)
	mux.HandleFunc("POST /break/lost", h.breakLost)
	h.site.MountTrouble(mux, h.showTrouble)
	mux.HandleFunc("GET /stranger/{trick}", h.strangerRequest)
	mux.HandleFunc("GET /v1/parties/{id}", h.strangerParty)
	mux.HandleFunc("GET /shop", h.shop)
	mux.HandleFunc("POST /shop", h.askAtShop)
	mux.HandleFunc("GET /shop/phone", h.shopPhone)
	mux.HandleFunc("GET "+ShopReturn, h.shopBack)
	mux.HandleFunc("GET /shop/signed/{token}", h.signedFile)
	mux.HandleFunc("GET /shop/paper/{what}", h.paperFile)
	mux.HandleFunc("GET /services.json", h.servicesJSON)
	mux.HandleFunc("GET /residents.json", h.residentsJSON)
	mux.HandleFunc("POST /residents/{id}/answer", h.answerJSON)
	mux.HandleFunc("GET /residents", h.residents)
	mux.HandleFunc("POST /residents", h.doAnswer)
	mux.HandleFunc("GET /clock", h.clock)
	mux.HandleFunc("POST /clock/advance", h.advance)
	mux.HandleFunc("/", h.nothing)
	httpd.WithHealth(mux, h.ready)
	httpd.WithMetrics(mux, metrics)
	return httpd.Guard(httpd.GuardOptions{
		Names: names, Pages: true, MaxBody: maxBody, Log: h.conf.Log, Metrics: metrics,
		FormAction: h.wayBackOrigins(), // the hold page's form ends at the phone
	}, mux)
}

// ready is nil while the street can do its job: say how far things are.
func (h *Handler) ready(context.Context) error {
	if p := h.progress(); p.Failed != "" {
		return errors.New("street: the neighbourhood could not be made: " + p.Failed)
	}
	return nil
}

// nothing answers every path that is not ours.
func (h *Handler) nothing(w http.ResponseWriter, r *http.Request) {
	h.showTrouble(w, r, ui.TroubleOf(w, ui.ErrNoPage))
}

// show renders a page and logs what could not be rendered.
func (h *Handler) show(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := h.site.Render(w, r, sc); err != nil {
		h.log.ErrorContext(r.Context(), "page not rendered", "page", sc.Page, "error", err)
	}
}

// fail shows what went wrong, with the start page as the way back. After a form it
// has an address of its own.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error, safe ui.Text) {
	if t := h.trouble(w, err).With(safe, ui.Action{}); !h.site.FailForm(w, r, t) {
		h.showTrouble(w, r, t)
	}
}

func (h *Handler) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	t.Next = ui.Action{Label: h.site.Say(ui.LangOf(r), "home.return"), URL: "/"}
	h.show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t}, Status: t.Status})
}

// trouble is an error as a notice on a page, nil for nil. What is our fault is
// logged with its cause, which no page shows.
func (h *Handler) trouble(w http.ResponseWriter, err error) *ui.Trouble {
	if err == nil {
		return nil
	}
	if problem.From(err).Kind == problem.OurFault {
		h.log.Error("our fault", "error", err)
	}
	return ui.TroubleOf(w, err)
}

// person finds somebody by id.
func person(people []Person, match func(Person) bool) (Person, bool) {
	if i := slices.IndexFunc(people, match); i >= 0 {
		return people[i], true
	}
	return Person{}, false
}
