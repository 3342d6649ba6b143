package pay

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"net/http"
	"sync"
	"time"

	"tegata/internal/ui"
)

// A till that nobody touches for clerkIdle is signed out, and any after clerkLife: a shift.
// maxClerks bounds the memory.
const (
	clerkIdle = 30 * time.Minute
	clerkLife = 12 * time.Hour
	maxClerks = 1_000
)

// Enter signs a clerk in at a shop's till: each try is counted before it is compared. It
// device is what the browser keeps of an earlier sign-in there: with it, the tries of others
// lock nobody out. It returns the code's version, what the browser keeps from now on,
// ErrNotFound, ErrTillCode and ErrTillLocked.
func (t *Tills) Enter(ctx context.Context, shop, typed, device string) (version int64, keeps string, err error) {
	if _, err := t.Shop(shop); err != nil {
		return 0, "", err
	}
	code, err := ParseCode(typed)
	if err != nil { // nothing that could be right: no try
		return 0, "", err
	}
	store := t.pay.conf.Store
	kept, err := store.TryTillCode(ctx, t.pay.conf.Now(), shop, deviceHash(device))
	if err != nil {
		return 0, "", err
	}
	if !kept.Is(code) {
		if kept.Left() == 0 {
			return 0, "", ErrTillLocked
		}
		return 0, "", ErrTillCode.With("tries_left", kept.Left())
	}
	if !kept.Device { // never a value that somebody else may have put there
		device = rand.Text()
	}
	if err := store.TillCodeRight(ctx, t.pay.conf.Now(), shop, kept.Version, deviceHash(device)); err != nil {
		return 0, "", err
	}
	return kept.Version, device, nil
}

// deviceHash is by what a browser is known; "" for none.
func deviceHash(device string) string {
	if device == "" {
		return ""
	}
	h := sha256.Sum256([]byte(device))
	return hex.EncodeToString(h[:])
}

// SetCode makes a code that of a shop's till. Tries at it and locks are forgotten; another
// code than before ends what is signed in, too. It returns ErrNotFound and ErrTillCode.
func (t *Tills) SetCode(ctx context.Context, shop, digits string) error {
	if _, err := t.Shop(shop); err != nil {
		return err
	}
	code, err := ParseCode(digits)
	if err != nil {
		return err
	}
	kept, err := t.pay.conf.Store.TillCode(ctx, shop)
	if err == nil && kept.Is(code) {
		return t.pay.conf.Store.UnlockTill(ctx, t.pay.conf.Now(), shop)
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return t.pay.conf.Store.SetTillCode(ctx, t.pay.conf.Now(), shop, code.Check())
}

// clerk is a browser that is signed in at a till.
type clerk struct {
	shop    string
	version int64  // of the code
	form    string // is in each of its forms, and nowhere else
	begun   time.Time
	seen    time.Time
}

func (c clerk) over(at time.Time) bool {
	return !at.Before(c.seen.Add(clerkIdle)) || !at.Before(c.begun.Add(clerkLife))
}

// clerks are those who are signed in, in memory alone.
type clerks struct {
	cookie string
	secure bool
	now    func() time.Time

	mu  sync.Mutex // guards all
	all map[string]clerk
}

func newClerks(secure bool, now func() time.Time) *clerks {
	c := &clerks{cookie: "pay-till", secure: secure, now: now, all: map[string]clerk{}}
	if secure {
		c.cookie = "__Host-pay-till" // RFC 6265bis, section 4.1.3.2
	}
	return c
}

// find is who is signed in at a shop in this browser.
func (c *clerks) find(r *http.Request, shop string) (clerk, bool) {
	sent, err := r.Cookie(c.cookie)
	if err != nil {
		return clerk{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.now()
	v, ok := c.all[sent.Value]
	if !ok || v.over(at) || v.shop != shop {
		return clerk{}, false
	}
	v.seen = at
	c.all[sent.Value] = v
	return v, true
}

// begin signs a browser in, under a token that nobody knew before.
func (c *clerks) begin(w http.ResponseWriter, r *http.Request, shop string, version int64) {
	c.end(r)
	c.mu.Lock()
	defer c.mu.Unlock()
	at := c.now()
	for token, v := range c.all {
		if v.over(at) {
			delete(c.all, token)
		}
	}
	for token := range c.all { // more tills than there are: somebody has a code and a program
		if len(c.all) < maxClerks {
			break
		}
		delete(c.all, token)
	}
	token := rand.Text()
	c.all[token] = clerk{shop: shop, version: version, form: rand.Text(), begun: at, seen: at}
	http.SetCookie(w, &http.Cookie{Name: c.cookie, Value: token, Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode, MaxAge: int(clerkLife / time.Second)})
}

// deviceLife is how long a browser is known at a till since it was signed in there last: the
// most that browsers keep a cookie (RFC 6265bis, section 5.5).
const deviceLife = 400 * 24 * time.Hour

// device is what this browser keeps of an earlier sign-in at a shop; "" for nothing.
func (c *clerks) device(r *http.Request, shop string) string {
	sent, err := r.Cookie(c.cookie + "-device-" + shop)
	if err != nil || !isOnce(sent.Value) {
		return ""
	}
	return sent.Value
}

// know has the browser keep that it was signed in at a shop. It opens nothing: the code is
// asked for as before, and tried as often as any other browser may.
func (c *clerks) know(w http.ResponseWriter, shop, device string) {
	http.SetCookie(w, &http.Cookie{Name: c.cookie + "-device-" + shop, Value: device, Path: "/", HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteStrictMode, MaxAge: int(deviceLife / time.Second)})
}

func (c *clerks) end(r *http.Request) {
	if sent, err := r.Cookie(c.cookie); err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.all, sent.Value)
	}
}

// tillVisit is a request of a clerk who is signed in at the shop.
type tillVisit struct {
	w    http.ResponseWriter
	r    *http.Request
	shop Shop
	page tillPage
}

// atTill lets in whoever is signed in at the shop of the path; what a form does takes the
// token of that sign-in's own pages.
func (h *Handler) atTill(f func(tillVisit)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		shop, err := h.opt.Tills.Shop(r.PathValue("shop"))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		c, in := h.clerks.find(r, shop.ID)
		if in {
			code, err := h.opt.Pay.conf.Store.TillCode(r.Context(), shop.ID)
			if err != nil {
				h.fail(w, r, err)
				return
			}
			in = code.Version == c.version
		}
		switch {
		case !in:
			http.Redirect(w, r, "/till/"+shop.ID+"/enter", http.StatusSeeOther)
			return
		case r.Method == http.MethodPost && subtle.ConstantTimeCompare([]byte(r.PostFormValue("form")), []byte(c.form)) != 1:
			h.failAtTill(w, r, shop, ErrTillForm)
			return
		}
		f(tillVisit{w, r, shop, tillPage{Shop: shop, Form: c.form}})
	}
}

// failAtTill shows what went wrong with the way back to the till.
func (h *Handler) failAtTill(w http.ResponseWriter, r *http.Request, shop Shop, err error) {
	t := ui.TroubleOf(w, err)
	if t.Status >= 500 {
		h.opt.Log.ErrorContext(r.Context(), "pay: at a till", "shop", shop.ID, "error", err)
	}
	h.pages.ShowTroubleTo(w, r, t, ui.Action{Label: h.site.Say(ui.LangOf(r), "till.back"), URL: "/till/" + shop.ID})
}

// entering is where a clerk types the till's code.
func (h *Handler) entering(w http.ResponseWriter, r *http.Request) {
	shop, err := h.opt.Tills.Shop(r.PathValue("shop"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.showTill(w, r, "enter", tillPage{Shop: shop, Hold: h.opt.Codes, Trouble: h.site.Said(r).Trouble}, 0)
}

func (h *Handler) enter(w http.ResponseWriter, r *http.Request) {
	shop := r.PathValue("shop")
	// Whatever becomes of the browser: a try that was counted is compared.
	version, device, err := h.opt.Tills.Enter(context.WithoutCancel(r.Context()), shop, r.PostFormValue("code"), h.clerks.device(r, shop))
	switch {
	case errors.Is(err, ErrNotFound):
		h.fail(w, r, err)
	case err != nil:
		h.site.GoTo(w, r, ui.Later{Path: "/till/" + shop + "/enter", Trouble: ui.TroubleOf(w, err)}, "")
	default:
		h.clerks.begin(w, r, shop, version)
		h.clerks.know(w, shop, device)
		http.Redirect(w, r, "/till/"+shop, http.StatusSeeOther)
	}
}

// leaveTill signs out. It is a press of that till's own page alone.
func (h *Handler) leaveTill(v tillVisit) {
	h.clerks.end(v.r)
	http.Redirect(v.w, v.r, "/till/"+v.shop.ID+"/enter", http.StatusSeeOther)
}
