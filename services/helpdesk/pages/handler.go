package pages

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/services/desk"
	"tegata/services/helpdesk"
)

//go:embed html
var htmlFiles embed.FS

// Helpdesk is what the pages need of package helpdesk.
type Helpdesk interface {
	Call(ctx context.Context, agent string, f helpdesk.Facts) (number string, err error)
	View(ctx context.Context, agent, number string) (helpdesk.View, error)
	Again(ctx context.Context, agent, support string) (helpdesk.View, error)
	SuspendSeen(ctx context.Context, agent, support string) (number string, err error)
	Advise(ctx context.Context, number, source string) (helpdesk.Advice, error)
	Cases(ctx context.Context) ([]helpdesk.Case, error)
	CaseOf(ctx context.Context, number string) (helpdesk.Case, error)
	Queue(ctx context.Context) ([]helpdesk.Case, error)
	ViewReport(ctx context.Context, agent, number string) (helpdesk.Case, helpdesk.ReportView, error)
	TakeReport(ctx context.Context, agent, number string) error
	NoteStep(ctx context.Context, agent, number, step string) error
	CloseReport(ctx context.Context, agent, number, outcome string) error
}

// Desk is what they need of package desk.
type Desk interface {
	Begin(earlier string) (token string, err error)
	Step(ctx context.Context, token string) (desk.Progress, error)
	Signed(ctx context.Context, token string) (desk.Staff, error)
	Peek(ctx context.Context, token string) (desk.Staff, error)
	Leave(token string)
	Reader() string
}

// Options is what the pages are built from.
type Options struct {
	Helpdesk Helpdesk
	Desk     Desk
	Origin   string // of these pages, as browsers see it
	Hold     string // the sandbox's page that holds a card to a reader; "" outside
	Sandbox  bool
	Secure   bool // an https origin
	Now      func() time.Time
	Log      *slog.Logger // nil is silent
}

// Handler is the helpdesk's pages.
type Handler struct {
	opt    Options
	site   *ui.Site
	codes  helpdesk.Codes
	cookie desk.Cookie
}

// New parses the pages. An error names the file.
func New(opt Options) (*Handler, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	site, err := newSite(opt)
	if err != nil {
		return nil, err
	}
	codes, err := helpdesk.OpenCodes()
	if err != nil {
		return nil, err
	}
	return &Handler{opt: opt, site: site, codes: codes, cookie: desk.Cookie{Secure: opt.Secure}}, nil
}

func newSite(opt Options) (*ui.Site, error) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	name := ui.Text{JA: "手形ヘルプデスク", EN: "Tegata Helpdesk"}
	return ui.NewSite(ui.Party{ID: "helpdesk", Name: name, Mark: "helpdesk", Secure: opt.Secure, Sandbox: opt.Sandbox}, html, nil)
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.site.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("POST /enter", h.begin)
	mux.HandleFunc("GET /enter", h.enter)
	mux.HandleFunc("POST /leave", h.leave)
	mux.HandleFunc("GET /helper", h.helper)
	mux.HandleFunc("POST /helper", h.advise)

	mux.HandleFunc("GET /home", h.signed(h.home))
	mux.HandleFunc("GET /call", h.signed(h.call))
	mux.HandleFunc("POST /call", staying(h.signed(h.doCall)))
	mux.HandleFunc("GET /suspended/{number}", h.signed(h.suspended))
	mux.HandleFunc("GET /support", h.signed(h.support))
	mux.HandleFunc("POST /support", h.signed(h.doSupport))
	mux.HandleFunc("GET /support/{view}", h.signed(h.view))
	mux.HandleFunc("POST /support/{view}/suspend", staying(h.signed(h.suspendSeen)))
	mux.HandleFunc("GET /cases", h.signed(h.cases))
	mux.HandleFunc("GET /cases/{number}", h.signed(h.aCase))
	mux.HandleFunc("GET /reports", h.signed(h.reports))
	mux.HandleFunc("GET /reports/{number}", h.signed(h.report))
	mux.HandleFunc("POST /reports/{number}/take", h.signed(h.act(func(r *http.Request, agent, number string) error {
		return h.opt.Helpdesk.TakeReport(r.Context(), agent, number)
	})))
	mux.HandleFunc("POST /reports/{number}/note", h.signed(h.act(func(r *http.Request, agent, number string) error {
		return h.opt.Helpdesk.NoteStep(r.Context(), agent, number, r.PostFormValue("step"))
	})))
	mux.HandleFunc("POST /reports/{number}/close", h.signed(h.act(func(r *http.Request, agent, number string) error {
		return h.opt.Helpdesk.CloseReport(r.Context(), agent, number, r.PostFormValue("outcome"))
	})))
	h.site.MountTrouble(mux, h.showTrouble)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.Refuse(w, r, ui.ErrNoPage) })
	return mux
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.showTrouble(w, r, ui.TroubleOf(w, err))
}

// alivePoll is how often a page asks whether the card still lies in the reader: one that
// was left open says so within this time.
const alivePoll = 2 * time.Second

// staying goes on when the agent's browser goes away: who they are is asked before a phone
// is stopped, and must not be what takes the suspension back.
func staying(f http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { f(w, r.WithContext(context.WithoutCancel(r.Context()))) }
}

// signed lets an agent in whose card lies in the reader.
func (h *Handler) signed(f func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ask := h.opt.Desk.Signed
		if ui.Polling(r) {
			ask = h.opt.Desk.Peek
		}
		staff, err := ask(r.Context(), h.cookie.Token(r))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		f(w, r, staff.ID)
	}
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := h.site.Render(w, r, sc); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", sc.Page, "error", err)
	}
}

// fail shows the page of a problem. After a form it has an address of its own.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.log(r, err)
	if t := ui.TroubleOf(w, err); !h.site.FailForm(w, r, t) {
		h.showTrouble(w, r, t)
	}
}

// log keeps our own faults for the operator.
func (h *Handler) log(r *http.Request, err error) {
	if problem.From(err).Kind == problem.OurFault {
		h.opt.Log.ErrorContext(r.Context(), "helpdesk", "error", err)
	}
}

func (h *Handler) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	next := ui.Action{Label: h.site.Say(ui.LangOf(r), "trouble.start"), URL: "/"}
	if _, err := h.opt.Desk.Peek(r.Context(), h.cookie.Token(r)); err == nil {
		next = ui.Action{Label: h.site.Say(ui.LangOf(r), "trouble.home"), URL: "/home"}
	}
	h.show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t.With(ui.Text{}, next)}, Status: t.Status, Bad: true})
}

// isOver tells whether a view's ten minutes are over, or it never was.
func isOver(err error) bool {
	p := problem.From(err)
	return p != nil && p.Code == "support-number-unknown"
}

// startPage is what anybody sees.
type startPage struct{}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	if _, err := h.opt.Desk.Signed(r.Context(), h.cookie.Token(r)); err == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	h.show(w, r, ui.Screen{Page: "start", Data: startPage{}})
}

// begin has this browser wait for a card.
func (h *Handler) begin(w http.ResponseWriter, r *http.Request) {
	token, err := h.opt.Desk.Begin(h.cookie.Token(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.cookie.Keep(w, token)
	http.Redirect(w, r, "/enter", http.StatusSeeOther)
}

// enterPage is the wait for a card and its PIN.
type enterPage struct {
	State   desk.State
	Number  string // of this browser, for the reader's key pad
	Hold    string // where a card is put to this reader, in a sandbox
	Until   time.Time
	Trouble *ui.Trouble // why the last try failed
}

func (h *Handler) enter(w http.ResponseWriter, r *http.Request) {
	p, err := h.opt.Desk.Step(r.Context(), h.cookie.Token(r))
	switch {
	case errors.Is(err, desk.ErrNotSignedIn):
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	case p.State == desk.StateIn:
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	page := enterPage{State: p.State, Number: p.Number, Until: p.Until, Hold: h.hold()}
	if p.Wrong != nil {
		page.Trouble = ui.TroubleOf(w, p.Wrong)
	}
	h.show(w, r, ui.Screen{Page: "enter", Data: page, Poll: time.Second, Quiet: true, Bad: page.Trouble != nil})
}

func (h *Handler) leave(w http.ResponseWriter, r *http.Request) {
	h.opt.Desk.Leave(h.cookie.Token(r))
	h.cookie.Keep(w, "")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}
