package carrier

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

//go:embed html
var htmlFiles embed.FS

// SignPurpose and ChangePurpose are the registered purposes of signatures.
const (
	SignPurpose   = "mobile-line"
	ChangePurpose = "change-of-sim"
)

// facts are the scopes of what a contract names, and of no more.
var facts = []string{"name", "address", "birthdate"}

// Options is what the pages are built from.
type Options struct {
	Carrier *Carrier
	Party   *relying.Party
	Sandbox bool
	Secure  bool // an https origin
	Now     func() time.Time
	Log     *slog.Logger // nil is silent
}

// Handler is the carrier's pages.
type Handler struct {
	opt      Options
	site     *ui.Site
	sessions *relying.Sessions[keeps]
	phoneKey string // name of the cookie
}

// keeps is what a browser's session has besides its person.
type keeps struct {
	draft      *Draft // at /check
	signing    *Draft // that is on the phone
	tries      int    // signatures of the draft that came to nothing
	after      string // where a login leads; "" is /home
	invitation string // of a guardian, which this browser made
	invited    string // to which line
}

// session is a browser's.
type session = relying.Session[keeps]

// NewHandler parses the pages. An error names the file.
func NewHandler(opt Options) (*Handler, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	site, err := ui.NewSite(ui.Party{ID: "carrier", Name: ui.Text{JA: "手形モバイル", EN: "Tegata Mobile"}, Mark: "carrier", Secure: opt.Secure, Sandbox: opt.Sandbox}, html, nil)
	if err != nil {
		return nil, err
	}
	h := &Handler{opt: opt, site: site, sessions: relying.NewSessions[keeps]("carrier", opt.Secure, opt.Now), phoneKey: "esim"}
	if opt.Secure {
		h.phoneKey = "__Host-esim" // RFC 6265bis, section 4.1.3.2
	}
	return h, nil
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.site.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("GET /lost", h.lost)
	mux.HandleFunc("POST /login", h.login)
	mux.HandleFunc("GET /go", h.leadAway)
	mux.HandleFunc("GET /callback", h.callback)
	mux.HandleFunc("POST /v1/logout", h.backChannel)
	mux.HandleFunc("POST /leave", h.leave)
	mux.HandleFunc("GET /home", h.loggedIn(h.home))
	mux.HandleFunc("GET /apply", h.loggedIn(h.apply))
	mux.HandleFunc("POST /apply", h.loggedIn(h.draw))
	mux.HandleFunc("GET /check", h.loggedIn(h.check))
	mux.HandleFunc("POST /check", h.loggedIn(h.sign))
	mux.HandleFunc("GET /received", h.loggedIn(h.received))
	mux.HandleFunc("GET /contact", h.loggedIn(h.contact))
	mux.HandleFunc("POST /contact", h.loggedIn(h.setContact))
	mux.HandleFunc("GET /lines/{id}", h.loggedIn(h.lineOf("line")))
	mux.HandleFunc("GET /lines/{id}/install", h.loggedIn(h.installing))
	mux.HandleFunc("POST /lines/{id}/install", h.loggedIn(h.install))
	mux.HandleFunc("GET /lines/{id}/change/{kind}", h.loggedIn(h.changing))
	mux.HandleFunc("POST /lines/{id}/change/{kind}", h.loggedIn(h.change))
	mux.HandleFunc("POST /lines/{id}/withdraw", h.loggedIn(h.withdraw))
	mux.HandleFunc("POST /lines/{id}/invite", h.loggedIn(h.invite))
	mux.HandleFunc("GET /consent/{link}", h.consent)
	mux.HandleFunc("POST /consent/{link}", h.loggedIn(h.declare))
	mux.HandleFunc("GET /lines/{id}/freeze", h.loggedIn(h.lineOf("freeze")))
	mux.HandleFunc("POST /lines/{id}/freeze", h.loggedIn(h.freeze))
	// Whoever holds the SIM, and whoever reads the mail, needs no login.
	mux.HandleFunc("GET /line", h.inbox)
	mux.HandleFunc("POST /line/veto", h.vetoBySIM)
	mux.HandleFunc("GET /stop/{link}", h.stopping)
	mux.HandleFunc("POST /stop/{link}", h.stop)
	mux.HandleFunc("GET /mail/{link}", h.confirming)
	mux.HandleFunc("POST /mail/{link}", h.confirm)
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

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	t := troubleOf(w, err)
	if t.Status >= 500 {
		h.opt.Log.ErrorContext(r.Context(), "carrier", "error", err)
	}
	if !h.site.FailForm(w, r, t) {
		h.showTrouble(w, r, t)
	}
}

func (h *Handler) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	next := ui.Action{Label: h.site.Say(ui.LangOf(r), "trouble.start"), URL: "/"}
	if _, s := h.sessions.Find(r); s.Sub != "" {
		next = ui.Action{Label: h.site.Say(ui.LangOf(r), "back.home"), URL: "/home"}
	}
	if t.Code == codeClaims { // the phone is asked anew what it gives
		next = ui.Action{Label: h.site.Say(ui.LangOf(r), "trouble.login"), URL: "/login", Post: true}
	}
	h.show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t.With(ui.Text{}, next)}, Status: t.Status, Bad: true})
}

// loggedIn lets in whoever came back from logging in.
func (h *Handler) loggedIn(f func(http.ResponseWriter, *http.Request, string, session)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, s := h.sessions.Find(r)
		if s.Sub == "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		f(w, r, token, s)
	}
}

// whoOf is the person of a login.
func whoOf(c relying.Claims) Attributes {
	return Attributes{Name: c.Name, Address: c.Address.Formatted, Birthdate: c.Birthdate}
}

// login begins a login of the class R2.
func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	old, _ := h.sessions.Find(r)
	var k keeps
	if link := r.PostFormValue("consent"); invitation.MatchString(link) {
		k.after = "/consent/" + link
	}
	l, to, err := h.opt.Party.Begin(r.Context(), relying.Request{Scopes: facts, ACR: "r2"})
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Begin(w, old, session{Login: l, To: to, Keeps: k})
	http.Redirect(w, r, "/go", http.StatusSeeOther)
}

// goPage leads to the provider.
type goPage struct {
	To   string
	Step bool // the last of those that lead to a line
}

// leadAway leads to the provider: a page of its own, since a form's redirect may not leave
// this origin (Content Security Policy Level 3, section 6.4.1). The address serves once, for a
// minute.
func (h *Handler) leadAway(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	if s.To == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.Header().Set("Refresh", "0; url="+s.To)
	h.show(w, r, ui.Screen{Page: "go", Data: goPage{s.To, s.Keeps.signing != nil && s.Keeps.signing.Kind == ""}})
}

func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	token, s := h.sessions.Find(r)
	l := h.sessions.Take(token, r.URL.Query().Get("state"))
	if l.State == "" && s.Sub != "" { // a reload, or the way back
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	// Whatever becomes of the browser: what was signed is recorded.
	ctx := context.WithoutCancel(r.Context())
	who, err := h.opt.Party.Finish(ctx, l, r.URL.Query())
	if err == nil && l.Transaction != "" {
		err = h.take(ctx, s, l, who)
	}
	if l.Transaction == "" {
		if err != nil {
			h.fail(w, r, err)
			return
		}
		h.sessions.Begin(w, token, session{Sub: who.Sub, SID: who.SID, Claims: who.Claims})
		http.Redirect(w, r, cmp.Or(s.Keeps.after, "/home"), http.StatusSeeOther)
		return
	}
	if err != nil {
		if errors.Is(err, relying.ErrDenied) {
			err = errors.Join(err, h.opt.Carrier.GaveUp(ctx))
		}
		h.sessions.Change(token, func(v *session) { v.Keeps.signing = nil; v.Keeps.tries++ })
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps = keeps{} })
	to := "/home"
	switch d := s.Keeps.signing; d.Kind {
	case "":
	case Install:
		to = "/line"
	case Agree:
		to = "/consent/" + d.link
	default:
		to = "/lines/" + d.Line
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// take fetches what was signed, and has the carrier receive it.
func (h *Handler) take(ctx context.Context, s session, l relying.Login, who *relying.Person) error {
	d := s.Keeps.signing
	if d == nil || s.Sub != who.Sub {
		return ErrSignature
	}
	signed, err := h.opt.Party.Fetch(ctx, who, l.Transaction, d.sum())
	if err != nil {
		return err
	}
	return h.opt.Carrier.Receive(ctx, s.Sub, *d, signed)
}

func (h *Handler) leave(w http.ResponseWriter, r *http.Request) {
	token, _ := h.sessions.Find(r)
	h.sessions.Drop(token)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// backChannel ends sessions that the provider ended (OpenID Connect Back-Channel Logout
// 1.0, section 2.8).
func (h *Handler) backChannel(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // section 2.8
	e, err := h.opt.Party.ReadLogout(r.Context(), r.PostFormValue("logout_token"))
	if errors.Is(err, relying.ErrProvider) { // nobody knows yet whether it ends anything: the provider tries again
		http.Error(w, "provider", http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		http.Error(w, "logout_token", http.StatusBadRequest)
		return
	}
	h.sessions.End(e)
}
