package pay

import (
	"crypto/ecdsa"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/httpd"
	"tegata/internal/ui"
	"tegata/services/relying"
)

//go:embed html
var htmlFiles embed.FS

// SignPurpose is the registered purpose of the terms' signature.
const SignPurpose = "open-wallet"

// Options is what the pages are built from.
type Options struct {
	Pay     *Pay
	Party   relying.Client
	Tills   *Tills           // of the shops; nil for none
	Hold    string           // the sandbox's page that holds a phone to a till; "" outside
	Codes   string           // the sandbox's page that shows the tills' codes; "" outside
	Bank    ui.Text          // the bank's name
	Key     *ecdsa.PublicKey // of our letters, published
	KeyID   string
	Sandbox bool
	Secure  bool // an https origin
	Now     func() time.Time
	Log     *slog.Logger // nil is silent
}

// Handler is the wallet's pages.
type Handler struct {
	opt      Options
	pages    *relying.Pages[keeps]
	site     *ui.Site
	sessions *relying.Sessions[keeps]
	clerks   *clerks
}

// keeps is what a browser's session holds for the wallet.
type keeps struct {
	Draft *Draft
	Then  then   // what the login that waits is for
	Link  link   // that waits for its browser to come back from the bank
	Once  string // id of the charge that the form on the screen would make
}

// then is what follows a login by somebody who was logged in already.
type then struct {
	What      string // "link", or a Switch; "" for nothing
	At        time.Time
	Once, Day int64
}

// link is the half of a link that stays with the browser.
type link struct{ ID, State string }

type session = relying.Session[keeps]

func pagesFS() (fs.FS, error) { return fs.Sub(htmlFiles, "html") }

// NewHandler parses the pages. An error names the file.
func NewHandler(opt Options) (*Handler, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	html, err := pagesFS()
	if err != nil {
		return nil, err
	}
	h := &Handler{opt: opt}
	h.pages, err = relying.NewPages(relying.PagesConfig[keeps]{
		Client: opt.Party, Party: ui.Party{ID: "pay", Name: ui.Text{JA: "てがたペイ", EN: "Tegata Pay"}, Mark: "pay", Secure: opt.Secure, Sandbox: opt.Sandbox},
		HTML: html, Now: opt.Now, Log: opt.Log, Facts: facts, SignFacts: facts,
		Trouble: troubleOf, Leads: h.leads, Awaits: h.awaits, Settled: settled, GaveUp: opt.Pay.GaveUp, Arrived: h.arrived, Start: "trouble.start",
	})
	if err != nil {
		return nil, err
	}
	h.site, h.sessions, h.clerks = h.pages.Site(), h.pages.Sessions(), newClerks(opt.Secure, opt.Now)
	return h, nil
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages on.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.pages.Mount(mux)
	mux.HandleFunc("GET /{$}", h.start)
	mux.HandleFunc("GET /home", h.loggedIn(h.home))
	mux.HandleFunc("GET /terms", h.loggedIn(h.terms))
	mux.HandleFunc("POST /terms", h.loggedIn(h.sign))
	mux.HandleFunc("GET /accounts", h.within(h.accounts))
	mux.HandleFunc("GET /link", h.within(h.asking))
	mux.HandleFunc("POST /link", h.within(h.link))
	mux.HandleFunc("GET /bank/return", h.loggedIn(h.fromBank))
	mux.HandleFunc("GET /accounts/{id}", h.within(h.account))
	mux.HandleFunc("POST /accounts/{id}/end", h.within(h.end))
	mux.HandleFunc("GET /charge", h.within(h.charging))
	mux.HandleFunc("POST /charge", h.within(h.charge))
	mux.HandleFunc("GET /charges/{id}", h.within(h.charged))
	mux.HandleFunc("POST /charges/{id}", h.within(h.askAgain))
	mux.HandleFunc("GET /history", h.within(h.history))
	mux.HandleFunc("GET /ledger.csv", h.within(h.export))
	mux.HandleFunc("GET /settings", h.within(h.settings))
	mux.HandleFunc("POST /settings/{switch}", h.within(h.turn))
	mux.HandleFunc("GET /received", h.within(h.received))
	mux.HandleFunc("GET /received/{file}", h.within(h.signed))
	mux.HandleFunc("GET /close", h.within(h.closing))
	mux.HandleFunc("POST /close", h.within(h.close))
	if h.opt.Tills != nil {
		mux.HandleFunc("GET /till", h.tills)
		mux.HandleFunc("GET /till/{shop}/enter", h.entering)
		mux.HandleFunc("POST /till/{shop}/enter", h.enter)
		mux.HandleFunc("POST /till/{shop}/leave", h.atTill(h.leaveTill))
		mux.HandleFunc("GET /till/{shop}", h.atTill(h.till))
		mux.HandleFunc("POST /till/{shop}", h.atTill(h.sell))
		mux.HandleFunc("GET /till/{shop}/sales", h.atTill(h.sales))
		mux.HandleFunc("GET /till/{shop}/{id}", h.atTill(h.sale))
		mux.HandleFunc("POST /till/{shop}/{id}/cancel", h.atTill(h.cancelSale))
		mux.HandleFunc("GET /till/{shop}/{id}/refund", h.atTill(h.refunding))
		mux.HandleFunc("POST /till/{shop}/{id}/refund", h.atTill(h.refund))
	}
	mux.HandleFunc("GET /v1/keys", h.keys)
	mux.HandleFunc("POST /v1/mandate-ended", h.mandateEnded)
	return mux
}

// keys publishes by what our letters are read.
func (h *Handler) keys(w http.ResponseWriter, r *http.Request) {
	httpd.WriteJSON(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: h.opt.Key, KeyID: h.opt.KeyID, Algorithm: "ES256", Use: "sig"}}})
}

// mandateEnded is where the bank tells that a mandate is over.
func (h *Handler) mandateEnded(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Letter string `json:"letter"`
	}
	err := httpd.ReadJSON(w, r, &in)
	if err == nil {
		err = h.opt.Pay.Ended(r.Context(), in.Letter)
	}
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	httpd.WriteJSON(w, http.StatusOK, struct{}{})
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) {
	h.pages.Refuse(w, r, err)
}

// page is what every page of the wallet may show.
type page struct {
	Who     Attributes
	W       *Wallet
	S       Standing
	Limits  Limits
	Draft   *Draft
	M       *Mandate
	All     []Mandate
	C       *Charge
	Waiting []Charge
	Notices []Notice
	Entries []Entry
	Trouble *ui.Trouble
	Bank    ui.Text
	Link    string
	Once    string
	From    string // the mandate, the amount and the other amount that were entered
	Chosen  int64
	Other   string
	Amounts []int64
	Days    []int64
	In      bool
	Taking  bool
	Now     time.Time
}

// Today is what may still be charged and paid.
func (p page) Today() (out struct{ Charge, Pay int64 }) {
	out.Charge, out.Pay = max(0, p.Limits.ChargeDay-p.S.ChargedToday), max(0, p.Limits.PayDay-p.S.PaidToday)
	return out
}

// First says whether a mandate is in its first 24 hours.
func (p page) First(m Mandate) bool { return m.State == MandateActive && p.Now.Before(m.FirstUntil) }

// Over says whether a mandate's time is over.
func (p page) Over(m Mandate) bool { return m.State == MandateActive && !p.Now.Before(m.ValidTo) }

// Usable are the mandates under which money may be taken.
func (p page) Usable() (out []Mandate) {
	for _, m := range p.All {
		if m.State == MandateActive && !p.Over(m) {
			out = append(out, m)
		}
	}
	return out
}

// screen is a page with what all of them show.
func (h *Handler) screen(name string, p page, poll time.Duration) ui.Screen {
	p.Bank, p.Now = h.opt.Bank, h.opt.Now()
	return ui.Screen{Page: name, Data: p, Poll: poll, Bad: p.Trouble != nil}
}

func (h *Handler) show(w http.ResponseWriter, r *http.Request, name string, p page, poll time.Duration) {
	h.pages.Show(w, r, h.screen(name, p, poll))
}

func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) { h.pages.Fail(w, r, err) }

// loggedIn lets in whoever came back from logging in.
func (h *Handler) loggedIn(f func(http.ResponseWriter, *http.Request, string, session)) http.HandlerFunc {
	return h.pages.LoggedIn(f)
}

// visit is a request of somebody with an open wallet.
type visit struct {
	w     http.ResponseWriter
	r     *http.Request
	token string
	s     session
	page  page
}

// within lets in whoever has an open wallet.
func (h *Handler) within(f func(visit)) http.HandlerFunc {
	return h.loggedIn(func(w http.ResponseWriter, r *http.Request, token string, s session) {
		a, err := h.opt.Pay.Wallet(r.Context(), s.Sub)
		if errors.Is(err, ErrNotFound) || err == nil && !a.Open() {
			http.Redirect(w, r, "/home", http.StatusSeeOther)
			return
		}
		p := page{Who: AttributesOf(s.Claims), W: &a, In: true}
		if err == nil {
			p.Limits, err = LimitsOf(a.Holder, h.opt.Now())
		}
		if err == nil {
			p.S, err = h.opt.Pay.Standing(r.Context(), a)
		}
		if err != nil {
			h.fail(w, r, err)
			return
		}
		f(visit{w, r, token, s, p})
	})
}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	h.show(w, r, "start", page{In: s.Sub != ""}, 0)
}

// home is the wallet, or the way to one.
func (h *Handler) home(w http.ResponseWriter, r *http.Request, _ string, s session) {
	p := page{Who: AttributesOf(s.Claims), In: true}
	a, err := h.opt.Pay.Wallet(r.Context(), s.Sub)
	switch {
	case errors.Is(err, ErrNotFound) && s.Taken.Busy:
		p.Taking = true
		h.show(w, r, "home", p, time.Second)
		return
	case errors.Is(err, ErrNotFound):
		p.Trouble = s.Taken.Trouble
		h.show(w, r, "home", p, 0)
		return
	case err != nil:
		h.fail(w, r, err)
		return
	}
	p.W = &a
	if a.Open() {
		p.Waiting, err = h.opt.Pay.Waiting(r.Context(), a)
		if err == nil {
			p.Notices, err = h.opt.Pay.Notices(r.Context(), a, 5)
		}
		if err == nil {
			p.Limits, err = LimitsOf(a.Holder, h.opt.Now())
		}
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, "home", p, 5*time.Second) // what another screen, the bank or a shop did is seen here
}
