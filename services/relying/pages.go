package relying

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/ui"
)

// Client is what Pages need of the protocol's client: a *Party.
type Client interface {
	Begin(ctx context.Context, q Request) (Login, string, error)
	Finish(ctx context.Context, l Login, brought url.Values) (*Person, error)
	Bring(ctx context.Context, d Document, key string) (string, error)
	Fetch(ctx context.Context, who *Person, transaction, sha256 string) (Signed, error)
	ReadLogout(ctx context.Context, token string) (Ended, error)
}

// PagesConfig is what a service has of its own in its Pages; T is what its sessions keep.
type PagesConfig[T any] struct {
	Client Client
	Party  ui.Party // its ID names the cookie and the log's events too
	HTML   fs.FS    // pages and catalogues
	Now    func() time.Time
	Log    *slog.Logger // nil is silent

	Facts     []string // scopes of a login, whose class is R2
	SignFacts []string // scopes of a login in which something is signed, beside sign: R3

	// Trouble says an error in the service's words. w is the answer being written.
	Trouble func(w http.ResponseWriter, err error) *ui.Trouble
	// Leads is the page that leads a browser to s.To.
	Leads func(s Session[T]) ui.Screen
	// Awaits is the signature that a session waits for; false when there is nothing of the kind.
	Awaits func(s Session[T]) (Awaited, bool)
	// Settled is told that it came back: err is why nothing came of it.
	Settled func(keeps *T, err error)
	// GaveUp counts somebody who did not sign.
	GaveUp func(ctx context.Context) error

	// What follows may be nil.

	// Asked is what the form of a login asks for, for the session that begins with it.
	Asked func(r *http.Request) T
	// Arrived is told who came back from a login, before the session's place is taken by now,
	// which has the person, and gets of the service's own what goes on. It returns where the
	// browser goes; without it that is /home. now begins also when there is an error to show.
	Arrived func(ctx context.Context, who *Person, before Session[T], now *Session[T]) (to string, err error)
	// Again is where the browser of somebody who is logged in goes when it brings an answer
	// for which nothing waits: a reload, or the way back. Without it that is /home.
	Again func(s Session[T]) (to string, err error)
	// Next is the one thing to do after a trouble; without it that is to begin again, in the
	// words of the key Start.
	Next  func(r *http.Request, t *ui.Trouble) ui.Action
	Start string
}

// Awaited is a signature that a service waits for.
type Awaited struct {
	Content []byte // of the document that was brought
	At      string // where the outcome is shown, also while it is not known
	// Receive takes what was signed, in a login that had these claims, and returns where the
	// browser goes.
	Receive func(ctx context.Context, login Claims, s Signed) (to string, err error)
}

// Taken is what became of the last signature that came back.
type Taken struct {
	To      string      // where that is shown; "" when none came back
	Busy    bool        // it is being received at this moment
	Trouble *ui.Trouble // why nothing came of it
}

// Pages are the pages of a service that have nothing of its own but words: the way to the
// provider and back, logout, and troubles.
type Pages[T any] struct {
	c        PagesConfig[T]
	site     *ui.Site
	sessions *Sessions[T]
}

// NewPages parses the service's pages. An error names the file.
func NewPages[T any](c PagesConfig[T]) (*Pages[T], error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	site, err := ui.NewSite(c.Party, c.HTML, nil)
	if err != nil {
		return nil, err
	}
	return &Pages[T]{c: c, site: site, sessions: NewSessions[T](c.Party.ID, c.Party.Secure, c.Now)}, nil
}

// Site is the service's.
func (p *Pages[T]) Site() *ui.Site { return p.site }

// Sessions are those of the service's browsers.
func (p *Pages[T]) Sessions() *Sessions[T] { return p.sessions }

// Mount adds what every service serves: its assets, login and logout, the trouble of a form,
// and what answers at every address that has no page.
func (p *Pages[T]) Mount(mux httpd.Registrar) {
	p.site.Mount(mux)
	mux.HandleFunc("POST /login", p.login)
	mux.HandleFunc("GET /go", p.leadAway)
	mux.HandleFunc("GET /callback", p.callback)
	mux.HandleFunc("POST /leave", p.leave)
	mux.HandleFunc("POST /v1/logout", p.backChannel)
	p.site.MountTrouble(mux, p.ShowTrouble)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.Refuse(w, r, ui.ErrNoPage) })
}

// LoggedIn lets in whoever came back from logging in, with their session's token.
func (p *Pages[T]) LoggedIn(f func(w http.ResponseWriter, r *http.Request, token string, s Session[T])) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		token, s := p.sessions.Find(r)
		if s.Sub == "" {
			http.Redirect(w, r, "/", http.StatusSeeOther)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		f(w, r, token, s)
	}
}

// Show writes a page.
func (p *Pages[T]) Show(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := p.site.Render(w, r, sc); err != nil {
		p.c.Log.ErrorContext(r.Context(), "page", "page", sc.Page, "error", err)
	}
}

// Fail shows an error in the service's words. After a form it has an address of its own.
func (p *Pages[T]) Fail(w http.ResponseWriter, r *http.Request, err error) {
	t := p.c.Trouble(w, err)
	if t.Status >= 500 {
		p.c.Log.ErrorContext(r.Context(), p.c.Party.ID, "error", err)
	}
	if !p.site.FailForm(w, r, t) {
		p.ShowTrouble(w, r, t)
	}
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (p *Pages[T]) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p.ShowTrouble(w, r, ui.TroubleOf(w, err))
}

// ShowTrouble shows a trouble, with the one thing to do now.
func (p *Pages[T]) ShowTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	if p.c.Next != nil {
		p.ShowTroubleTo(w, r, t, p.c.Next(r, t))
		return
	}
	p.ShowTroubleTo(w, r, t, ui.Action{Label: p.site.Say(ui.LangOf(r), p.c.Start), URL: "/"})
}

// ShowTroubleTo is ShowTrouble where the service knows what to do next.
func (p *Pages[T]) ShowTroubleTo(w http.ResponseWriter, r *http.Request, t *ui.Trouble, next ui.Action) {
	shown := *t // a session may hold it for others to be shown
	p.Show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: shown.With(ui.Text{}, next)}, Status: t.Status, Bad: true})
}
