package carrier

import (
	"context"
	"embed"
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
	Party   relying.Client
	Sandbox bool
	Secure  bool // an https origin
	Now     func() time.Time
	Log     *slog.Logger // nil is silent
}

// Handler is the carrier's pages.
type Handler struct {
	opt      Options
	pages    *relying.Pages[keeps]
	site     *ui.Site
	sessions *relying.Sessions[keeps]
	phoneKey string // name of the cookie
}

// keeps is what a browser's session has besides its person.
type keeps struct {
	draft      *Draft // at /check
	signing    *Draft // that is on the phone
	after      string // where a login leads; "" is /home
	invitation string // of a guardian, which this browser made
	invited    string // to which line
}

// session is a browser's.
type session = relying.Session[keeps]

// NewHandler parses the pages. An error names the file.
func NewHandler(opt Options) (*Handler, error) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	h := &Handler{opt: opt, phoneKey: "esim"}
	h.pages, err = relying.NewPages(relying.PagesConfig[keeps]{
		Client: opt.Party, Party: ui.Party{ID: "carrier", Name: ui.Text{JA: "手形モバイル", EN: "Tegata Mobile"}, Mark: "carrier", Secure: opt.Secure, Sandbox: opt.Sandbox},
		HTML: html, Now: opt.Now, Log: opt.Log, Facts: facts,
		Trouble: troubleOf, Leads: leads, Awaits: h.awaits, Settled: settled, GaveUp: opt.Carrier.GaveUp, Asked: asked, Arrived: arrived, Next: h.next,
	})
	if err != nil {
		return nil, err
	}
	h.site, h.sessions = h.pages.Site(), h.pages.Sessions()
	if opt.Secure {
		h.phoneKey = "__Host-esim" // RFC 6265bis, section 4.1.3.2
	}
	return h, nil
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.pages.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("GET /lost", h.lost)
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
	mux.HandleFunc("POST /lines/{id}/withdraw-contract", h.loggedIn(h.withdrawLine))
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
	return mux
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.pages.Refuse(w, r, err)
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, sc ui.Screen) { h.pages.Show(w, r, sc) }

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) { h.pages.Fail(w, r, err) }

// next is the one thing to do after a trouble.
func (h *Handler) next(r *http.Request, t *ui.Trouble) ui.Action {
	say := func(key string) string { return h.site.Say(ui.LangOf(r), key) }
	if t.Code == codeClaims { // the phone is asked anew what it gives
		return ui.Action{Label: say("trouble.login"), URL: "/login", Post: true}
	}
	if _, s := h.sessions.Find(r); s.Sub != "" {
		return ui.Action{Label: say("back.home"), URL: "/home"}
	}
	return ui.Action{Label: say("trouble.start"), URL: "/"}
}

// loggedIn lets in whoever came back from logging in.
func (h *Handler) loggedIn(f func(http.ResponseWriter, *http.Request, string, session)) http.HandlerFunc {
	return h.pages.LoggedIn(f)
}

// whoOf is the person of a login.
func whoOf(c relying.Claims) Attributes {
	return Attributes{Name: c.Name, Address: c.Address.Formatted, Birthdate: c.Birthdate}
}

// asked is what a login is for: a consent, when the form names one.
func asked(r *http.Request) (k keeps) {
	if link := r.PostFormValue("consent"); invitation.MatchString(link) {
		k.after = "/consent/" + link
	}
	return k
}

// arrived is where a login leads. Nothing of the session before it goes on.
func arrived(_ context.Context, _ *relying.Person, before session, _ *session) (string, error) {
	return before.Keeps.after, nil
}

// goPage leads to the provider.
type goPage struct {
	To   string
	Step bool // the last of those that lead to a line
}

func leads(s session) ui.Screen {
	return ui.Screen{Page: "go", Data: goPage{s.To, s.Keeps.signing != nil && s.Keeps.signing.Kind == ""}}
}

// awaits is the signature that a session waits for.
func (h *Handler) awaits(s session) (relying.Awaited, bool) {
	d := s.Keeps.signing
	if d == nil {
		return relying.Awaited{}, false
	}
	to := "/home"
	switch d.Kind {
	case "":
	case Install:
		to = "/line"
	case Agree:
		to = "/consent/" + d.link
	default:
		to = "/lines/" + d.Line
	}
	return relying.Awaited{Content: d.Document, At: to, Receive: func(ctx context.Context, login relying.Claims, signed relying.Signed) (string, error) {
		return to, h.opt.Carrier.Receive(ctx, s.Sub, *d, whoOf(login), signed)
	}}, true
}

// settled forgets what was signed. What came to nothing can be signed again.
func settled(k *keeps, err error) {
	if err == nil {
		*k = keeps{}
	}
	k.signing = nil
}
