package pages

import (
	"context"
	"embed"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

//go:embed html
var htmlFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Options is what the pages need.
type Options struct {
	Phones Phones
	Models []phone.Model // that the sandbox can make a phone be
	Origin string        // of these pages, as browsers see it: http://phone.localhost:8403
	Hold   string        // the sandbox's page that holds a card to a reader; "" outside
	// Suspend is where anybody stops a lost phone with its lock code; "" when there
	// is no such page.
	Suspend string
	Now     func() time.Time // the phones' clock
	Log     *slog.Logger     // nil is silent
	// Sandbox says so on every screen.
	Sandbox bool
}

// secure tells whether browsers come over https.
func (o Options) secure() bool { return strings.HasPrefix(o.Origin, "https://") }

// Handler is the phone's pages.
type Handler struct {
	opt    Options
	site   *ui.Site
	drafts *drafts
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
	return &Handler{opt: opt, site: site, drafts: newDrafts()}, nil
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
	return ui.NewSite(ui.Party{
		ID: "phone", Name: ui.Text{JA: "Tegata スマホ", EN: "Tegata phone"}, Mark: "tegata", Secure: opt.secure(), Sandbox: opt.Sandbox,
	}, html, static)
}

// Routes is the table of contents. Mount it behind httpd.Guard with Pages and
// Camera on: the Host and Origin checks and the CSP are the guard's.
func (h *Handler) Routes() http.Handler {
	mux := http.NewServeMux()
	h.site.Mount(mux)
	mux.HandleFunc("GET /{$}", h.list)
	mux.HandleFunc("POST /hold", h.hold)
	mux.HandleFunc("GET /which", h.which)
	mux.HandleFunc("GET /models", h.models)
	h.site.MountTrouble(mux, h.showTrouble)
	mux.HandleFunc("GET /open", h.open)
	on := func(pattern string, f func(*visit)) { mux.HandleFunc(pattern, h.visit(f)) }
	// Taking the card away waits for nothing, least of all for the card to be read.
	mux.HandleFunc("POST /p/{id}/tap/remove", h.atOnce((*visit).removeCard))

	on("GET /p/{id}/{$}", (*visit).home)
	on("GET /p/{id}/manifest.webmanifest", (*visit).manifest)
	on("GET /p/{id}/sw.js", (*visit).worker)
	on("GET /p/{id}/certificates", (*visit).services)
	on("GET /p/{id}/certificate", (*visit).certificate)
	on("GET /p/{id}/history", (*visit).history)
	mountCopies(on)
	on("GET /p/{id}/unlock", (*visit).unlock)
	on("POST /p/{id}/unlock", (*visit).doUnlock)
	on("GET /p/{id}/secrets", (*visit).secrets)
	on("GET /p/{id}/change-pin", (*visit).changePIN)
	on("POST /p/{id}/change-pin", (*visit).doChangePIN)
	on("GET /p/{id}/change-password", (*visit).changePassword)
	on("POST /p/{id}/change-password", (*visit).doChangePassword)
	on("GET /p/{id}/forgot", (*visit).forgot)
	mountApplication(on, forgetting)
	on("GET /p/{id}/reset-pin", (*visit).resetPIN)
	on("POST /p/{id}/reset-pin", (*visit).doResetPIN)
	on("GET /p/{id}/biometrics", (*visit).biometrics)
	on("POST /p/{id}/biometrics", (*visit).beginBiometrics)
	on("GET /p/{id}/biometrics/enrol", (*visit).enrolBiometrics)
	on("POST /p/{id}/biometrics/enrol", (*visit).doEnrolBiometrics)
	on("POST /p/{id}/biometrics/stop", (*visit).stopBiometrics)
	on("POST /p/{id}/biometrics/challenge", (*visit).challenge)
	on("GET /p/{id}/methods", (*visit).methods)
	on("POST /p/{id}/methods", (*visit).prefer)
	on("GET /p/{id}/quiet", (*visit).quiet)
	on("POST /p/{id}/quiet", (*visit).setQuiet)
	on("GET /p/{id}/lost", (*visit).lost)
	on("GET /p/{id}/support", (*visit).support)
	on("POST /p/{id}/support", (*visit).makeSupport)
	on("GET /p/{id}/stop", (*visit).stop)
	on("POST /p/{id}/stop", (*visit).doStop)
	on("GET /p/{id}/hand-over", (*visit).handOver)
	on("GET /p/{id}/hand-over/force", (*visit).force)
	on("POST /p/{id}/hand-over/force", (*visit).doForce)
	on("GET /p/{id}/hand-over/card", (*visit).revokeCard)
	mountCardPIN(on, revoking)
	on("GET /p/{id}/hand-over/card/done", (*visit).cardRevoked)
	on("GET /p/{id}/hand-over/{why}", (*visit).giveUp)
	on("POST /p/{id}/hand-over/{why}", (*visit).doGiveUp)
	on("GET /p/{id}/stopped", (*visit).stopped)
	on("POST /p/{id}/stopped", (*visit).deliver)
	on("GET /p/{id}/trouble", (*visit).trouble)
	on("GET /p/{id}/mark", (*visit).mark)
	on("POST /p/{id}/mark", (*visit).setMark)
	on("GET /p/{id}/settings", (*visit).settings)
	on("POST /p/{id}/settings", (*visit).set)

	on("GET /p/{id}/enrol", (*visit).enrol)
	on("POST /p/{id}/enrol/begin", (*visit).begin)
	mountApplication(on, enrolling)
	on("GET /p/{id}/enrol/open", (*visit).openApplication)
	on("POST /p/{id}/enrol/resume", (*visit).resume)
	on("POST /p/{id}/enrol/leave", (*visit).leave)
	on("POST /p/{id}/enrol/abandon", (*visit).abandon)
	on("GET /p/{id}/enrol/pin", (*visit).pin)
	on("POST /p/{id}/enrol/pin", (*visit).setPIN)
	on("GET /p/{id}/enrol/password", (*visit).password)
	on("POST /p/{id}/enrol/password", (*visit).setPassword)
	on("GET /p/{id}/enrol/register", (*visit).register)
	on("POST /p/{id}/enrol/register", (*visit).doRegister)
	on("GET /p/{id}/enrol/done", (*visit).done)
	on("POST /p/{id}/enrol/done", (*visit).leaveDone)

	on("GET /p/{id}/found", (*visit).found)
	mountCardPIN(on, finding)
	on("GET /p/{id}/lost/card", (*visit).lostCard)
	mountCardPIN(on, reporting)
	on("GET /p/{id}/loosen", (*visit).loosen)
	on("POST /p/{id}/loosen", (*visit).doLoosen)
	on("GET /p/{id}/loosen/card", (*visit).loosenCard)
	mountCardPIN(on, loosening)
	on("GET /p/{id}/address", (*visit).contact)
	on("POST /p/{id}/address", (*visit).setContact)
	on("GET /p/{id}/address/card", (*visit).contactCard)
	mountCardPIN(on, contacting)
	on("GET /p/{id}/address/keep", (*visit).contactKeep)
	mountCardPIN(on, keeping)
	mountApplication(on, reissuing)
	on("GET /p/{id}/reissue/password", (*visit).reissuePassword)
	on("POST /p/{id}/reissue/password", (*visit).setReissuePassword)

	on("GET /p/{id}/present", (*visit).present)
	mux.HandleFunc("POST /p/{id}/present/away", h.atOnce((*visit).takeAway)) // waits for nothing
	on("GET /p/{id}/compat", (*visit).compat)
	on("POST /p/{id}/compat", (*visit).doCompat)
	mux.HandleFunc("POST /p/{id}/compat/off", h.atOnce((*visit).endCompat)) // waits for nothing
	on("GET /p/{id}/scan", (*visit).scan)
	on("POST /p/{id}/scan", (*visit).scanned)
	on("GET /p/{id}/request", (*visit).fetch)
	on("POST /p/{id}/request", (*visit).fetchElsewhere)
	on("GET /p/{id}/request/{ask}", (*visit).ask)
	on("POST /p/{id}/request/{ask}", (*visit).answer)
	on("GET /p/{id}/request/{ask}/document", (*visit).document)
	on("GET /p/{id}/request/{ask}/documents/{n}", (*visit).document)
	on("GET /p/{id}/request/{ask}/done", (*visit).answered)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.fail(w, r, ui.ErrNoPage)
	})
	return mux
}

// Refuse shows what the guard refuses as a page (httpd.GuardOptions.Refuse).
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, err error) { h.fail(w, r, err) }

// visit is one request to one phone.
type visit struct {
	h     *Handler
	w     http.ResponseWriter
	r     *http.Request
	phone Phone
	look  look
	base  string // /p/ID
	held  bool   // this browser has this phone in the hand
	draft *draft
	went  string // where goTo sent the browser, below base
}

// path is that of the page, below the phone's own.
func (v *visit) path() string { return strings.TrimPrefix(v.r.URL.EscapedPath(), v.base) }

// visit finds the phone and looks at it. A phone that is off shows only the
// button that switches it on.
//
// A form is worked on to its end, whatever the browser does meanwhile, and the
// next one waits: a second click makes a browser drop the first request, and
// whoever comes second must see what came of it.
func (h *Handler) visit(f func(*visit)) http.HandlerFunc {
	look := h.atOnce(f)
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		if _, err := h.opt.Phones.Find(r.Context(), id); err == nil && r.Method == http.MethodPost {
			d := h.drafts.of(id, h.opt.Now())
			d.turn.Lock()
			defer d.turn.Unlock()
			r = r.WithContext(context.WithoutCancel(r.Context()))
		}
		look(w, r)
	}
}

// atOnce is visit for what waits for nothing.
func (h *Handler) atOnce(f func(*visit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id := r.PathValue("id")
		p, err := h.opt.Phones.Find(r.Context(), id)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		v := &visit{h: h, w: w, r: r, phone: p, base: "/p/" + url.PathEscape(id), held: inHand(r) == id, draft: h.drafts.of(id, h.opt.Now())}
		if err := v.see(); err != nil {
			h.fail(w, r, err)
			return
		}
		switchOn := r.Method == http.MethodPost && r.URL.Path == v.base+"/settings"
		if !v.look.Power && r.Method == http.MethodPost && !switchOn {
			v.goTo("/")
			return
		}
		if !v.look.Power && !switchOn {
			v.show(ui.Screen{Page: "off", Data: basePage{Base: v.base}, Quiet: true})
			return
		}
		f(v)
	}
}

// see looks at the phone.
func (v *visit) see() error { return v.seeBy(v.phone.Look) }

// seeNow looks once more, asking for the certificates' states.
func (v *visit) seeNow() error { return v.seeBy(v.phone.LookNow) }

func (v *visit) seeBy(look func(context.Context) (phone.Look, error)) error {
	l, err := look(v.r.Context())
	if err != nil {
		return err
	}
	v.look = lookOf(l, v.h.opt.Models)
	return nil
}

// basePage is what every page of a phone has.
type basePage struct {
	Base    string
	Look    look
	Trouble *ui.Trouble
}

func (v *visit) page() basePage {
	return basePage{Base: v.base, Look: v.look}
}

// frame is the phone around the page.
func (v *visit) frame(nav string) *ui.Frame {
	l := v.look
	f := &ui.Frame{
		Base: v.base, Name: l.Name, Picture: l.Picture, Word: l.Word, Clock: ui.Clock(l.Now),
		NFC: l.NFC, Network: l.Network, Power: l.Power, Nav: nav,
	}
	if l.Tapped {
		f.Tapped = v.say("tap.card")
	}
	return f
}

// show writes a page inside the phone.
func (v *visit) show(sc ui.Screen) { v.showAt("", sc) }

func (v *visit) showAt(nav string, sc ui.Screen) {
	sc.Frame = v.frame(nav)
	v.saw()
	if err := v.h.site.Render(v.w, v.r, sc); err != nil {
		v.h.opt.Log.ErrorContext(v.r.Context(), "page", "page", sc.Page, "error", err)
	}
}

// goTo sends the browser on after a form: a reload repeats nothing.
func (v *visit) goTo(path string) {
	v.went = path
	http.Redirect(v.w, v.r, v.base+path, http.StatusSeeOther)
}

func (v *visit) say(key string, args ...any) string {
	return v.h.site.Say(ui.LangOf(v.r), key, args...)
}

// both is a string of the catalogue in both languages.
func (v *visit) both(key string, args ...any) ui.Text {
	return ui.Text{JA: v.h.site.Say(ui.JA, key, args...), EN: v.h.site.Say(ui.EN, key, args...)}
}
