package bank

import (
	"crypto/rand"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/ui"
	"tegata/services/guardian"
	"tegata/services/relying"
)

//go:embed html
var htmlFiles embed.FS

// SignPurpose is the registered purpose of the application's signature.
const SignPurpose = "open-account"

// Options is what the pages are built from.
type Options struct {
	Bank    *Bank
	Party   relying.Client
	Keys    jose.JSONWebKeySet // published, for letters
	Origin  string             // of the pages
	Sandbox bool
	Secure  bool // an https origin
	Now     func() time.Time
	Log     *slog.Logger // nil is silent
}

// keeps is what a browser's session holds for the bank.
type keeps struct {
	Draft      *Draft
	Permission *Permission
	Paper      *Paper
	Signs      string // what a login that waits is for: one of the following
	After      string // where a login leads; "" is /home
	Invitation string // of a guardian, which this browser made
}

// What is signed.
const (
	signsDraft      = "application"
	signsPermission = "permission"
	signsPaper      = "paper"
)

type session = relying.Session[keeps]

// Handler is the bank's pages.
type Handler struct {
	opt      Options
	pages    *relying.Pages[keeps]
	site     *ui.Site
	sessions *relying.Sessions[keeps]
}

// NewHandler parses the pages. An error names the file.
func NewHandler(opt Options) (*Handler, error) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		return nil, err
	}
	h := &Handler{opt: opt}
	h.pages, err = relying.NewPages(relying.PagesConfig[keeps]{
		Client: opt.Party, Party: ui.Party{ID: "bank", Name: ui.Text{JA: "手形銀行", EN: "Tegata Bank"}, Mark: "bank", Secure: opt.Secure, Sandbox: opt.Sandbox},
		HTML: html, Now: opt.Now, Log: opt.Log, Facts: facts, SignFacts: facts,
		Trouble: troubleOf, Leads: leads, Awaits: h.awaits, Settled: settled, GaveUp: opt.Bank.GaveUp, Asked: asked, Arrived: arrived, Again: again, Start: "trouble.start",
	})
	if err != nil {
		return nil, err
	}
	h.site, h.sessions = h.pages.Site(), h.pages.Sessions()
	return h, nil
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.pages.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("GET /home", h.signedIn(h.home))
	mux.HandleFunc("GET /apply", h.signedIn(h.apply))
	mux.HandleFunc("GET /apply/securities", h.signedIn(h.apply))
	mux.HandleFunc("POST /apply", h.signedIn(h.draw))
	mux.HandleFunc("GET /check", h.signedIn(h.check))
	mux.HandleFunc("POST /check", h.signedIn(h.signDraft))
	mux.HandleFunc("GET /applications/{id}", h.receipt)
	mux.HandleFunc("GET /account", h.signedIn(h.account))
	mux.HandleFunc("POST /account", h.signedIn(h.cash))
	mux.HandleFunc("GET /mandates", h.signedIn(h.mandates))
	mux.HandleFunc("GET /mandates/{id}", h.wish)
	mux.HandleFunc("POST /mandates/{id}", h.signedIn(h.permit))
	mux.HandleFunc("POST /mandates/{id}/decline", h.signedIn(h.decline))
	mux.HandleFunc("GET /mandates/{id}/end", h.signedIn(h.ending))
	mux.HandleFunc("POST /mandates/{id}/end", h.signedIn(h.endMandate))
	h.calls(mux)
	mux.HandleFunc("GET /received/{id}/{file}", h.signedIn(h.paper))
	mux.HandleFunc("GET /received", h.signedIn(h.received))
	mux.HandleFunc("GET /received/{id}/paper/{file}", h.signedIn(h.signedPaper))
	mux.HandleFunc("POST /invite", h.signedIn(h.invite))
	mux.HandleFunc("POST /withdraw", h.signedIn(h.withdraw))
	mux.HandleFunc("GET /consent/{link}", h.consent)
	mux.HandleFunc("POST /consent/{link}", h.signedIn(h.declare))
	mux.HandleFunc("POST /consent/{link}/sign", h.signedIn(h.agree))
	mux.HandleFunc("GET /received/{id}/consent/{file}", h.signedIn(h.consentPaper))
	mux.HandleFunc("GET /undo", h.signedIn(h.undoing))
	mux.HandleFunc("POST /undo", h.signedIn(h.undo))
	mux.HandleFunc("GET /release", h.signedIn(h.releasing))
	mux.HandleFunc("POST /release", h.signedIn(h.release))
	mux.HandleFunc("GET /hold/{link}", h.holding) // whoever reads the letter needs no login
	mux.HandleFunc("POST /hold/{link}", h.hold)
	mux.HandleFunc("GET /close", h.signedIn(h.closing))
	mux.HandleFunc("POST /close", h.signedIn(h.close))
	return mux
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.pages.Refuse(w, r, err)
}

type page struct {
	Who        Attributes
	A          *Application
	S          *Application // securities
	Product    Product
	All        []Application
	Draft      *Draft
	Choices    Choices
	Trouble    *ui.Trouble
	Link       string
	Fields     []choice
	In         bool
	Sandbox    bool
	Balance    int64
	Entries    []line
	Key        string // of a form that is sent once
	Permission *Permission
	Mandates   []held
	Mandate    string // its id
	Held       *held
	Now        time.Time
	Paper      *Paper
	Papers     []Paper
	Consent    *guardian.Consent
	Consents   []guardian.Consent
}

// choice is a question with its answers.
type choice struct {
	Name    string
	Answers []string
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, name string, p page, poll time.Duration) {
	h.pages.Show(w, r, ui.Screen{Page: name, Data: p, Poll: poll, Bad: p.Trouble != nil})
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) { h.pages.Fail(w, r, err) }

// signedIn lets in whoever came back from signing in.
func (h *Handler) signedIn(f func(http.ResponseWriter, *http.Request, string, session)) http.HandlerFunc {
	return h.pages.LoggedIn(f)
}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	h.show(w, r, "start", page{In: s.Sub != ""}, 0)
}

func (h *Handler) home(w http.ResponseWriter, r *http.Request, _ string, s session) {
	p, poll := page{Who: attributes(s.Claims), Now: h.opt.Now()}, time.Duration(0)
	for product, into := range map[Product]**Application{Deposit: &p.A, Securities: &p.S} {
		a, err := h.opt.Bank.Current(r.Context(), s.Sub, product)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
		*into, poll = &a, max(poll, pollOf(a))
	}
	if p.A != nil && p.A.State == Opened {
		var err error
		if p.Balance, err = h.opt.Bank.Balance(r.Context(), p.A.Number); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	p.Link = s.Keeps.Invitation
	h.show(w, r, "home", p, poll)
}

func (h *Handler) apply(w http.ResponseWriter, r *http.Request, _ string, s session) {
	product := productOf(r)
	if err := h.opt.Bank.May(r.Context(), s.Sub, attributes(s.Claims), product); err != nil {
		h.fail(w, r, err)
		return
	}
	p := page{Product: product, Who: attributes(s.Claims), Trouble: h.site.Said(r).Trouble, Fields: []choice{{"occupation", Occupations()}, {"purpose", Purposes()}}}
	if product == Securities {
		p.Fields = append(p.Fields, choice{"tax", Taxes()})
	}
	if s.Keeps.Draft != nil && s.Keeps.Draft.Choices.Product == product {
		p.Choices = s.Keeps.Draft.Choices
	}
	h.show(w, r, "apply", p, 0)
}

func (h *Handler) draw(w http.ResponseWriter, r *http.Request, token string, s session) {
	c := Choices{Occupation: r.PostFormValue("occupation"), Purpose: r.PostFormValue("purpose"), PEP: r.PostFormValue("pep") == "yes",
		Abroad: r.PostFormValue("abroad") == "yes", Card: r.PostFormValue("card") == "yes", Product: productOf(r)}
	if c.Product == Securities {
		c.Card, c.Tax, c.NISA = false, r.PostFormValue("tax"), r.PostFormValue("nisa") == "yes"
	}
	d, err := h.opt.Bank.Draw(r.Context(), rand.Text(), s.Sub, attributes(s.Claims), c)
	if errors.Is(err, ErrChoices) {
		h.site.GoTo(w, r, ui.Later{Path: applyAt(c.Product), Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.sessions.Change(token, func(v *session) { v.Keeps.Draft = &d })
	http.Redirect(w, r, "/check", http.StatusSeeOther)
}

// applyAt is where one applies for a product.
func applyAt(p Product) string {
	if p == Securities {
		return "/apply/securities"
	}
	return "/apply"
}

// productOf is the product that a form or an address names.
func productOf(r *http.Request) Product {
	if r.URL.Path == applyAt(Securities) || Product(r.FormValue("product")) == Securities {
		return Securities
	}
	return Deposit
}

func (h *Handler) check(w http.ResponseWriter, r *http.Request, _ string, s session) {
	if s.Keeps.Draft == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	h.show(w, r, "check", page{Draft: s.Keeps.Draft}, 0)
}

// receipt shows what became of an application, and nothing about the person: whoever
// signed it learns of the outcome also where the certificate, and with it the login, ended.
func (h *Handler) receipt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	a, err := h.opt.Bank.Application(r.Context(), r.PathValue("id"))
	_, s := h.sessions.Find(r)
	switch mine := s.Taken.To == r.URL.Path; {
	case errors.Is(err, ErrNotFound) && mine && s.Taken.Trouble != nil:
		h.pages.ShowTrouble(w, r, s.Taken.Trouble)
		return
	case errors.Is(err, ErrNotFound) && mine: // it is being checked at this moment
		h.show(w, r, "receipt", page{}, time.Second)
		return
	case errors.Is(err, ErrNotFound):
		h.fail(w, r, ui.ErrNoPage)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "receipt", page{A: &a}, pollOf(a))
}

// pollOf is how often a page about an application asks again.
func pollOf(a Application) time.Duration {
	switch a.State {
	case Reviewing:
		return 2 * time.Second
	case Awaiting:
		return 5 * time.Second
	}
	return 0
}

// signDraft has the application signed.
func (h *Handler) signDraft(w http.ResponseWriter, r *http.Request, token string, s session) {
	d := s.Keeps.Draft
	if d == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	if r.PostFormValue("draft") != d.ID { // another tab drew another one: it is shown first
		http.Redirect(w, r, "/check", http.StatusSeeOther)
		return
	}
	h.pages.Sign(w, r, token, s, relying.Document{Content: d.Document, Name: "application.txt", MediaType: "text/plain", Format: "cades", Purpose: SignPurpose},
		func(k *keeps) { k.Signs = signsDraft })
}

func (h *Handler) closing(w http.ResponseWriter, r *http.Request, _ string, s session) {
	a, err := h.opt.Bank.Current(r.Context(), s.Sub, productOf(r))
	if err != nil || a.State != Opened {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	p := page{A: &a, Product: productOf(r), Trouble: h.site.Said(r).Trouble}
	if a.Held() {
		p.Trouble = ui.TroubleOf(w, ErrHeld)
	}
	h.show(w, r, "close", p, 0)
}

func (h *Handler) close(w http.ResponseWriter, r *http.Request, _ string, s session) {
	err := h.opt.Bank.Close(r.Context(), s.Sub, productOf(r))
	if errors.Is(err, ErrHeld) { // the page says what there is to do
		http.Redirect(w, r, "/close?product="+string(productOf(r)), http.StatusSeeOther)
		return
	}
	if errors.Is(err, ErrSecurities) {
		h.site.GoTo(w, r, ui.Later{Path: "/close", Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	if errors.Is(err, ErrNotEmpty) {
		h.site.GoTo(w, r, ui.Later{Path: "/account", Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/home", http.StatusSeeOther)
}
