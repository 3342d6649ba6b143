package oidc

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/ui"
)

//go:embed html
var htmlFiles embed.FS

// Visits to the authorization endpoint that one source may make: each keeps a row for
// ten minutes. An office behind one address, or a proxy in front of us, is one source.
const (
	visitsPerSecond = 20
	visitBurst      = 600
)

// waitPoll is how often the waiting screen asks how the login stands.
const waitPoll = 2 * time.Second

func newSite(c Config) (*ui.Site, error) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	return ui.NewSite(ui.Party{ID: "verifier", Name: c.Name, Mark: "verifier", Home: "/about", Secure: c.Secure, Sandbox: c.Sandbox}, html, nil)
}

// Pages are what browsers see. Mount it behind httpd.Guard with Pages on, and MaxForm.
func (p *Provider) Pages() http.Handler {
	mux := httpd.NewMux()
	p.site.Mount(mux)
	mux.HandleFunc("GET "+pathAuthorize, p.noted(p.authorize))
	mux.HandleFunc("GET /login/{id}", p.choose)
	mux.HandleFunc("POST /login/{id}/ask", p.doAsk)
	mux.HandleFunc("POST /login/{id}/refuse", p.doRefuse)
	mux.HandleFunc("GET /login/{id}/phone", p.toPhone)
	mux.HandleFunc("GET /login/{id}/wait", p.wait)
	mux.HandleFunc("GET /login/{id}/done", p.done)
	mux.HandleFunc("GET /login/return", p.back)
	mux.HandleFunc("GET "+pathLogout, p.getLogout)
	mux.HandleFunc("GET /about", func(w http.ResponseWriter, r *http.Request) {
		p.show(w, r, ui.Screen{Page: "about", Data: struct{}{}})
	})
	p.developerPages(mux)
	p.site.MountTrouble(mux, p.showTrouble)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { p.Refuse(w, r, errNoPage) })
	small := httpd.LimitBody(mux, 64<<10)
	return mux.Behind(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == pathLogo {
			mux.ServeHTTP(w, r)
			return
		}
		small.ServeHTTP(w, r)
	}))
}

// PagePaths are the first parts of the paths of Pages, for whoever serves it beside the
// endpoints for programs.
func PagePaths() []string {
	return []string{pathAuthorize, "/login/", pathLogout, "/about", pathDevelopers, pathDevelopers + "/", "/static/", "/language", "/trouble"}
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (p *Provider) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	p.showTrouble(w, r, ui.TroubleOf(w, err))
}

var errNoPage = problem.New(problem.Refused, http.StatusNotFound, "no-such-page",
	problem.Text{Title: "このページはありません。", Detail: "アドレスを確かめるか、はじめの画面からやり直してください。"},
	problem.Text{Title: "There is no such page.", Detail: "Check the address, or begin again from the first page."})

func (p *Provider) show(w http.ResponseWriter, r *http.Request, sc ui.Screen) {
	if err := p.site.Render(w, r, sc); err != nil {
		p.c.Log.ErrorContext(r.Context(), "page", "page", sc.Page, "error", err)
	}
}

func (p *Provider) fail(w http.ResponseWriter, r *http.Request, err error) {
	if problem.From(err).Kind == problem.OurFault {
		p.c.Log.ErrorContext(r.Context(), "openid connect", "error", err)
	}
	if t := ui.TroubleOf(w, err); !p.site.FailForm(w, r, t) {
		p.showTrouble(w, r, t)
	}
}

// showTrouble says what is the matter. Inside a login one may try again, if that is of
// use, or go back to the service with nothing given.
func (p *Provider) showTrouble(w http.ResponseWriter, r *http.Request, t *ui.Trouble) {
	var more []ui.Action
	var next ui.Action
	if id := r.PathValue("id"); id != "" {
		if l, _, err := p.mine(r.Context(), id, p.browser(r)); err == nil && !l.Claimed {
			say := func(key string) string { return p.site.Say(ui.LangOf(r), key) }
			back := ui.Action{Label: say("trouble.back"), URL: "/login/" + id + "/refuse", Post: true}
			if l.Useless { // it would fail again, and ask for the password once more
				back.Label = say("trouble.return")
				next = back
			} else {
				next = ui.Action{Label: say("trouble.again"), URL: "/login/" + id}
				more = append(more, back)
			}
		}
	}
	t.With(ui.Text{JA: "サービスには何も渡していません。", EN: "Nothing was given to the service."}, next)
	p.show(w, r, ui.Screen{Page: "trouble", Data: ui.TroublePage{Trouble: t, More: more}, Status: t.Status, Bad: true})
}

// cookieName is the browser's own name here: with __Host- it is refused from another
// host or path by the browser itself (RFC 6265bis, section 4.1.3).
func (p *Provider) cookieName() string {
	if p.c.Secure {
		return "__Host-openid"
	}
	return "openid"
}

// browser is the cookie; "" when there is none.
func (p *Provider) browser(r *http.Request) string {
	c, err := r.Cookie(p.cookieName())
	if err != nil || !ceremony.ValidID(c.Value) {
		return ""
	}
	return c.Value
}

// bind gives the browser a cookie, if it has none. SameSite is Lax: relying party and
// phone both lead here by plain navigation.
func (p *Provider) bind(w http.ResponseWriter, r *http.Request) string {
	if b := p.browser(r); b != "" {
		return b
	}
	value := ceremony.NewID()
	http.SetCookie(w, &http.Cookie{Name: p.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: p.c.Secure,
		SameSite: http.SameSiteLaxMode, MaxAge: 2 * loginSeconds})
	return value
}

// request is an authorization request as it arrived.
type request struct {
	http  *http.Request
	query url.Values
}

// cleaned is the request with the query as it is now.
func (r request) cleaned() *http.Request {
	out := r.http.Clone(r.http.Context())
	out.URL.RawQuery = r.query.Encode()
	out.RequestURI = out.URL.RequestURI()
	return out
}

// authorize is the authorization endpoint (RFC 6749, section 3.1).
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if !p.visits.Count(httpd.Source(r)) {
		p.fail(w, r, ErrTooManyVisits)
		return
	}
	query := r.URL.Query()
	for _, values := range query {
		if len(values) > 1 { // RFC 6749, section 3.1: no parameter more than once
			p.fail(w, r, ErrRequest.Because(errors.New("oidc: a parameter is given twice")))
			return
		}
	}
	l, redirect, err := p.begin(r.Context(), request{r, query}, p.bind(w, r))
	switch {
	case err != nil:
		p.fail(w, r, err)
	case redirect != "":
		http.Redirect(w, r, redirect, http.StatusSeeOther)
	default:
		http.Redirect(w, r, "/login/"+l.ID, http.StatusSeeOther)
	}
}

// shownClient is a client as a person sees it.
type shownClient struct {
	Mark           string
	Logo           template.URL // in place of the mark
	Name, Sentence ui.Text
}

// shown is a client with the picture that is registered for it. A page whose picture
// cannot be read shows the mark.
func (p *Provider) shown(ctx context.Context, c Client) shownClient {
	logo, err := p.logoOf(ctx, c)
	if err != nil {
		p.c.Log.ErrorContext(ctx, "logo", "client", c.ID, "error", err)
	}
	return shownClient{c.Mark, logo, ui.Text(c.Name), ui.Text(c.Purpose.Sentence)}
}

type choosePage struct {
	ID        string
	Client    shownClient
	Data      []string
	Documents []string // names of the files that are to be signed; none: a login
	Password  bool     // R3: the signature password, not the PIN
	Other     bool     // another device may answer it
}

// crosses says whether a login may be answered by another device: R3 only where the phone
// shows what it is about (docs/ceremony.md).
func crosses(l Login) bool { return l.Transaction != "" || ceremony.Risk(l.Risk).Below(ceremony.R3) }

// choose says who asks for what, and lets the person choose the phone or refuse.
func (p *Provider) choose(w http.ResponseWriter, r *http.Request) {
	l, c, ok := p.open(w, r)
	if !ok {
		return
	}
	about, purpose, err := p.purposeOf(r.Context(), l, c, p.c.Now())
	if err != nil {
		p.fail(w, r, err)
		return
	}
	c.Purpose = purpose
	page := choosePage{ID: l.ID, Client: p.shown(r.Context(), c), Data: claimsOf(l.Scopes), Password: !ceremony.Risk(l.Risk).Below(ceremony.R3), Other: crosses(l)}
	if about != nil {
		for _, d := range about.all() {
			page.Documents = append(page.Documents, d.Name)
		}
	}
	p.show(w, r, ui.Screen{Page: "choose", Data: page})
}

// open finds the login of a page, and goes where it is over.
func (p *Provider) open(w http.ResponseWriter, r *http.Request) (Login, Client, bool) {
	l, c, err := p.mine(r.Context(), r.PathValue("id"), p.browser(r))
	switch {
	case err != nil:
		p.fail(w, r, err)
	case l.Redirect != "":
		http.Redirect(w, r, "/login/"+l.ID+"/done", http.StatusSeeOther)
	case l.Claimed: // somebody is at it, or died over it
		p.fail(w, r, ErrLoginOver)
	default:
		return l, c, true
	}
	return l, c, false
}

func (p *Provider) doAsk(w http.ResponseWriter, r *http.Request) {
	l, c, ok := p.open(w, r)
	if !ok {
		return
	}
	channel, to := ceremony.Same, "/phone"
	if r.PostFormValue("with") == "other" && crosses(l) {
		channel, to = ceremony.Cross, "/wait"
	}
	if err := p.askOrStay(r.Context(), l, c, channel); err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/login/"+l.ID+to, http.StatusSeeOther)
}

func (p *Provider) doRefuse(w http.ResponseWriter, r *http.Request) {
	l, _, ok := p.open(w, r)
	if !ok {
		return
	}
	if _, err := p.giveUp(r.Context(), l); err != nil {
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/login/"+l.ID+"/done", http.StatusSeeOther)
}

type phonePage struct{ ID, Link string }

// toPhone leads to the phone in this browser: a page of its own, because a form's
// redirect may not leave this origin (CSP form-action).
func (p *Provider) toPhone(w http.ResponseWriter, r *http.Request) {
	l, _, ok := p.open(w, r)
	if !ok {
		return
	}
	if l.Channel != string(ceremony.Same) {
		http.Redirect(w, r, "/login/"+l.ID, http.StatusSeeOther)
		return
	}
	link := p.phoneLink(l.RequestURI)
	w.Header().Set("Refresh", "0; url="+link)
	p.show(w, r, ui.Screen{Page: "phone", Data: phonePage{l.ID, link}})
}

type waitPage struct {
	ID, State, Match, Link string
	Until                  time.Time
	Document               bool   // one is to be signed
	Residents              string // where a test resident of the sandbox answers; "" outside
}

// residentsLink leads to the residents who answer by themselves, with this request.
func (p *Provider) residentsLink(l Login) string {
	if p.c.Residents == "" {
		return ""
	}
	return p.c.Residents + "?" + url.Values{"request": {p.phoneLink(l.RequestURI)}, "match": {l.Match}}.Encode()
}

// wait shows the QR code and the number until the phone has answered.
func (p *Provider) wait(w http.ResponseWriter, r *http.Request) {
	l, c, ok := p.open(w, r)
	if !ok {
		return
	}
	if l.Channel != string(ceremony.Cross) {
		http.Redirect(w, r, "/login/"+l.ID, http.StatusSeeOther)
		return
	}
	l, state, err := p.poll(r.Context(), l, c)
	switch {
	case err != nil:
		p.fail(w, r, err)
	case l.Redirect != "":
		http.Redirect(w, r, "/login/"+l.ID+"/done", http.StatusSeeOther)
	default:
		p.show(w, r, ui.Screen{Page: "wait", Poll: waitPoll, Data: waitPage{l.ID, state, l.Match, p.phoneLink(l.RequestURI), l.AskedUntil, l.Transaction != "", p.residentsLink(l)}})
	}
}

type donePage struct {
	Client shownClient
	Link   string
}

// done leads back to the relying party.
func (p *Provider) done(w http.ResponseWriter, r *http.Request) {
	l, c, err := p.mine(r.Context(), r.PathValue("id"), p.browser(r))
	if err == nil && l.Redirect == "" {
		err = ErrLoginOver
	}
	if err != nil {
		p.fail(w, r, err)
		return
	}
	if !ui.Polling(r) { // the script only looks whether this page is another one
		w.Header().Set("Refresh", "0; url="+l.Redirect)
	}
	p.show(w, r, ui.Screen{Page: "done", Data: donePage{p.shown(r.Context(), c), l.Redirect}})
}

// back is where the phone sends this browser, with a code that opens the result once.
func (p *Provider) back(w http.ResponseWriter, r *http.Request) {
	l, err := p.comeBack(r.Context(), p.browser(r), r.URL.Query().Get("response_code"))
	if err != nil {
		if l.ID != "" && !over(err) {
			r.SetPathValue("id", l.ID)
		}
		p.fail(w, r, err)
		return
	}
	http.Redirect(w, r, l.Redirect, http.StatusSeeOther)
}

// Beside serves pages and the endpoints for programs at one origin, each behind its own
// guard.
func Beside(pages, programs http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, path := range PagePaths() {
			if r.URL.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(r.URL.Path, path) {
				pages.ServeHTTP(w, r)
				return
			}
		}
		programs.ServeHTTP(w, r)
	})
}
