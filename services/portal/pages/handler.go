package pages

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"tegata/docs/guide"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/receipt"
	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/services/portal"
)

//go:embed html
var htmlFiles embed.FS

// Portal is what the pages need of package portal.
type Portal interface {
	Begin(ctx context.Context, channel ceremony.Channel) (token string, l portal.Login, err error)
	Waiting(ctx context.Context, token string) (portal.Login, error)
	Poll(ctx context.Context, token string) (state portal.State, session string, err error)
	Return(ctx context.Context, token, responseCode string) (session string, err error)
	SessionOf(ctx context.Context, token string) (portal.Session, portal.Account, error)
	HomeOf(ctx context.Context, token string) (portal.Home, error)
	Logout(ctx context.Context, token string) error
	PhoneLink(requestURI string) string
	Suspend(ctx context.Context, token string) (time.Time, error)
	SuspendByLockCode(ctx context.Context, birth string, code secret.LockCode, source string) (time.Time, error)
	ReceiptOf(ctx context.Context, number string) (receipt.Revocation, error)

	UseOf(ctx context.Context, token, id string) (portal.Home, portal.Use, error)
	NotMe(ctx context.Context, token, useID string) (portal.Case, error)
	HoldFor(ctx context.Context, token, number string) (portal.Case, error)
	CaseOf(ctx context.Context, token, number string) (portal.Case, error)
	CasesOf(ctx context.Context, token string) ([]portal.Case, error)
	StandingOf(ctx context.Context, c portal.Case) portal.ReportStanding
	RulesOf(ctx context.Context, token string) (ceremony.HeldRules, error)
	ChangeRules(ctx context.Context, token, id string, from, to ceremony.Rules) (portal.Changed, error)
	Proposed(ctx context.Context, token, id string) (ceremony.RulesProposal, string, error)
	LinksOf(ctx context.Context, token string) (ceremony.Links, error)
	Logos(ctx context.Context, links []ceremony.Link) map[string][]byte
	EndLink(ctx context.Context, token, id string) error
	truster
	pusher
}

// Options is what the pages are built from.
type Options struct {
	Portal  Portal
	Name    ui.Text // registered name of the portal; empty is the sandbox's
	Phone   string  // origin of the phones' pages
	Sandbox bool
	// Secure marks the cookies Secure and names them __Host-: an https origin.
	Secure bool
	Now    func() time.Time
	Log    *slog.Logger // nil is silent
}

// Handler is the portal's pages.
type Handler struct {
	opt   Options
	site  *ui.Site
	guide guide.Guide
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
	read, err := guide.Open()
	if err != nil {
		return nil, err
	}
	return &Handler{opt: opt, site: site, guide: read}, nil
}

func newSite(opt Options) (*ui.Site, error) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, err
	}
	name := opt.Name
	if name == (ui.Text{}) {
		name = ui.Text{JA: "くらしの窓口", EN: "Residents' portal"}
	}
	return ui.NewSite(ui.Party{ID: "portal", Name: name, Mark: "portal", Secure: opt.Secure, Sandbox: opt.Sandbox}, html, static)
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.site.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("POST /login", h.login)
	mux.HandleFunc("GET /login/phone", h.phone)
	mux.HandleFunc("GET /login/wait", h.wait)
	mux.HandleFunc("POST /login/cancel", h.cancel)
	mux.HandleFunc("GET /login/return", h.back)
	mux.HandleFunc("GET /home", h.home)
	mux.HandleFunc("GET /certificates", h.certificates)
	mux.HandleFunc("GET /uses", h.uses)
	mux.HandleFunc("GET /uses/{id}", h.oneUse)
	mux.HandleFunc("POST /uses/{id}/not-me", h.notMe)
	mux.HandleFunc("GET /cases", h.cases)
	mux.HandleFunc("GET /cases/{number}", h.oneCase)
	mux.HandleFunc("POST /cases/{number}/hold", h.holdFor)
	mux.HandleFunc("GET /seen", h.seen)
	mux.HandleFunc("GET /links", h.links)
	mux.HandleFunc("POST /links/{id}/end", h.endLink)
	mux.HandleFunc("GET /rules", h.rules)
	mux.HandleFunc("GET /rules/locks", h.question("locks", fillLocks))
	mux.HandleFunc("POST /rules/locks", h.change("/rules/locks", chooseLocks))
	mux.HandleFunc("GET /rules/limits", h.question("limits", fillLimits))
	mux.HandleFunc("POST /rules/limits", h.change("/rules/limits", chooseLimits))
	mux.HandleFunc("GET /rules/quiet", h.question("quiet", fillQuiet))
	mux.HandleFunc("POST /rules/quiet", h.change("/rules/quiet", chooseQuiet))
	mux.HandleFunc("GET /rules/classes", h.question("classes", h.fillClasses))
	mux.HandleFunc("POST /rules/classes", h.change("/rules/classes", chooseClasses))
	mux.HandleFunc("GET /rules/loosen/{id}", h.loosen)
	mux.HandleFunc("POST /logout", h.logout)
	mux.HandleFunc("GET /bye", h.bye)
	mux.HandleFunc("GET /receipt", h.receipt)
	mux.HandleFunc("POST /receipt", h.checkReceipt)
	mux.HandleFunc("GET /give-up", h.giveUp)
	mux.HandleFunc("GET /lost", h.lost)
	mux.HandleFunc("POST /lost", h.doLost)
	mux.HandleFunc("GET /lost/done", h.lostDone)
	mux.HandleFunc("GET /suspend", h.suspend)
	mux.HandleFunc("POST /suspend/login", func(w http.ResponseWriter, r *http.Request) { h.logIn(w, r, thenOwn) })
	mux.HandleFunc("POST /suspend", h.doSuspend)
	mux.HandleFunc("GET /suspended", h.suspended)
	mux.HandleFunc("GET /help", h.help)
	mux.HandleFunc("GET /help/{id}", h.chapter)
	mux.HandleFunc("GET /help/questions", h.questions)
	mux.Handle("GET /help/files/", guideFiles())
	h.trustRoutes(mux)
	h.pushRoutes(mux)
	h.site.MountTrouble(mux, h.showTrouble)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.Refuse(w, r, ui.ErrNoPage) })
	return mux
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.showTrouble(w, r, ui.TroubleOf(w, err))
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := h.site.Render(w, r, sc); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", sc.Page, "error", err)
	}
}

// fail shows the page of a problem, with the one thing to do now. After a form it
// has an address of its own.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	h.log(r, err)
	if t := ui.TroubleOf(w, err); !h.site.FailForm(w, r, t) {
		h.showTrouble(w, r, t)
	}
}

// log keeps our own faults for the operator; a refusal is the person's.
func (h *Handler) log(r *http.Request, err error) {
	if problem.From(err).Kind == problem.OurFault {
		h.opt.Log.ErrorContext(r.Context(), "portal", "error", err)
	}
}

func (h *Handler) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	say := func(key string) string { return h.site.Say(ui.LangOf(r), key) }
	next := ui.Action{Label: say("trouble.start"), URL: "/"}
	safe := ui.Text{JA: "ログインしていません。情報は見られていません。", EN: "Nobody was logged in and nothing was shown."}
	if _, _, e := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie)); e == nil {
		next, safe = ui.Action{Label: say("trouble.home"), URL: "/home"}, ui.Text{}
	}
	if t.Code == ui.ErrNoPage.Code {
		safe = ui.Text{}
	}
	var more []ui.Action
	// What could not be checked now can perhaps be in a moment: the same page again.
	if t.Kind == problem.CouldNotCheck && r.Method == http.MethodGet && r.URL.Path != "/trouble" {
		more, next = append(more, next), ui.Action{Label: say("trouble.again"), URL: r.URL.RequestURI()}
	}
	t.With(safe, next)
	t.Ask = ui.Text{JA: "役所の窓口、またはこの画面の番号を添えて電話でお聞きください。", EN: "Ask at the municipal office, or by phone with the code on this page."}
	h.show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t, More: more}, Status: t.Status, Bad: true})
}

// The two cookies of every login.
const (
	loginCookie   = "login"
	sessionCookie = "session"
)

// name is the cookie's name: with __Host- the browser itself refuses it from
// another host or path (RFC 6265bis, section 4.1.3).
func (h *Handler) name(cookie string) string {
	if h.opt.Secure {
		return "__Host-portal-" + cookie
	}
	return "portal-" + cookie
}

func (h *Handler) cookie(r *http.Request, name string) string {
	c, err := r.Cookie(h.name(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// keep sets a cookie until the moment; the zero moment removes it. SameSite is
// Lax: the phone brings the browser back from another site by a plain
// navigation, which Strict would leave without its login.
func (h *Handler) keep(w http.ResponseWriter, name, value string, until time.Time) {
	c := &http.Cookie{Name: h.name(name), Value: value, Path: "/", HttpOnly: true, Secure: h.opt.Secure, SameSite: http.SameSiteLaxMode}
	switch {
	case value == "":
		c.MaxAge = -1
	case !until.IsZero():
		c.MaxAge = max(1, int(until.Sub(h.opt.Now()).Seconds()))
	}
	http.SetCookie(w, c)
}
