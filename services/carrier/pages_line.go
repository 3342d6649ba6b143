package carrier

import (
	"crypto/rand"
	"errors"
	"net/http"
	"time"

	"tegata/internal/ui"
	"tegata/services/notice"
)

// linePage is one line, or a question about it.
type linePage struct {
	L    Line
	Kind Kind // that is asked for
	Here bool // its SIM is in this phone
	// Phone is the number of this phone, as a request to put the SIM into it has it.
	Phone string
	// Invitation is the address for a guardian, which this browser made.
	Invitation string
}

// lineOf shows a page about one line of the person's.
func (h *Handler) lineOf(name string) func(http.ResponseWriter, *http.Request, string, session) {
	return func(w http.ResponseWriter, r *http.Request, _ string, s session) {
		l, err := h.opt.Carrier.Line(r.Context(), s.Sub, r.PathValue("id"))
		if err != nil {
			h.fail(w, r, err)
			return
		}
		if name != "line" && l.State != Active {
			http.Redirect(w, r, "/lines/"+l.ID, http.StatusSeeOther)
			return
		}
		phone := h.phone(r)
		var poll time.Duration
		if name == "line" && (l.State == Awaiting || l.State == Signed || l.Waits()) {
			poll = 2 * time.Second
		}
		if !h.opt.Now().Before(l.Port.Until) {
			l.Port = Port{} // it serves no more
		}
		p := linePage{L: l, Phone: TokenOf(phone).Short()}
		if s.Keeps.invited == l.ID {
			p.Invitation = s.Keeps.invitation
		}
		boxes, err := h.opt.Carrier.Inboxes(r.Context(), phone)
		if err != nil {
			h.fail(w, r, err)
			return
		}
		for _, b := range boxes {
			p.Here = p.Here || b.SIM.ICCID == l.SIM.ICCID
		}
		h.show(w, r, ui.Screen{Page: name, Data: p, Poll: poll})
	}
}

// phone is what this phone is known by to its SIMs; "" before the first. It stands for the
// identifier of a phone's eUICC (GSMA SGP.22, section 2.4.3): a browser is a phone here.
func (h *Handler) phone(r *http.Request) string {
	c, err := r.Cookie(h.phoneKey)
	if err != nil {
		return ""
	}
	return c.Value
}

// phoneLife is for how long a browser remembers, which a phone does for ever.
const phoneLife = 400 * 24 * time.Hour

// installing asks whether to put the profile into this phone. The phone has its key before
// the carrier hears of it: whatever is lost on the way, pressing again is enough.
func (h *Handler) installing(w http.ResponseWriter, r *http.Request, token string, s session) {
	key := h.phone(r)
	if key == "" {
		key = rand.Text()
	}
	c := &http.Cookie{Name: h.phoneKey, Value: key, Path: "/", HttpOnly: true, Secure: h.opt.Secure, SameSite: http.SameSiteLaxMode, MaxAge: int(phoneLife / time.Second)}
	http.SetCookie(w, c)
	if h.phone(r) == "" {
		r.AddCookie(c) // what this page says of the phone
	}
	h.lineOf("install")(w, r, token, s)
}

func (h *Handler) install(w http.ResponseWriter, r *http.Request, token string, s session) {
	id, key := r.PathValue("id"), h.phone(r)
	if key == "" {
		http.Redirect(w, r, "/lines/"+id+"/install", http.StatusSeeOther)
		return
	}
	d, err := h.opt.Carrier.DrawInstall(r.Context(), s.Sub, whoOf(s.Claims), id, key)
	if errors.Is(err, ErrInstalled) { // the page says where
		http.Redirect(w, r, "/lines/"+id+"/install", http.StatusSeeOther)
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.draft(w, r, token, d)
}

// changing says what a change does before its request is written.
func (h *Handler) changing(w http.ResponseWriter, r *http.Request, _ string, s session) {
	l, err := h.opt.Carrier.Line(r.Context(), s.Sub, r.PathValue("id"))
	if err == nil {
		err = errors.Join(l.Allowed(Kind(r.PathValue("kind"))), whoOf(s.Claims).Whole())
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "change", Data: linePage{L: l, Kind: Kind(r.PathValue("kind"))}})
}

func (h *Handler) change(w http.ResponseWriter, r *http.Request, token string, s session) {
	d, err := h.opt.Carrier.DrawChange(r.Context(), s.Sub, whoOf(s.Claims), r.PathValue("id"), Kind(r.PathValue("kind")))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.draft(w, r, token, d)
}

// done leads back to the line, or says why not.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/lines/"+r.PathValue("id"), http.StatusSeeOther)
}

func (h *Handler) withdraw(w http.ResponseWriter, r *http.Request, _ string, s session) {
	h.done(w, r, h.opt.Carrier.Withdraw(r.Context(), s.Sub, r.PathValue("id"), r.PostFormValue("change")))
}

func (h *Handler) freeze(w http.ResponseWriter, r *http.Request, _ string, s session) {
	h.done(w, r, h.opt.Carrier.Freeze(r.Context(), s.Sub, r.PathValue("id")))
}

// inboxPage is what the SIMs of a phone received.
type inboxPage struct{ Boxes []Inbox }

// inbox is the phone's own page: what it holds opens it.
func (h *Handler) inbox(w http.ResponseWriter, r *http.Request) {
	all, err := h.opt.Carrier.Inboxes(r.Context(), h.phone(r))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "inbox", Data: inboxPage{all}, Poll: 2 * time.Second})
}

func (h *Handler) vetoBySIM(w http.ResponseWriter, r *http.Request) {
	if err := h.opt.Carrier.VetoBySIM(r.Context(), h.phone(r), r.PostFormValue("change")); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/line", http.StatusSeeOther)
}

// stopPage is what a mail's link leads to.
type stopPage struct {
	Link   string
	Change Change
}

// stopping asks before it stops: programs that look into mail open links, and press nothing.
func (h *Handler) stopping(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	change, err := h.opt.Carrier.ChangeByLink(r.Context(), link)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "stop", Data: stopPage{link, change}})
}

func (h *Handler) stop(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if err := h.opt.Carrier.VetoByLink(r.Context(), link); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/stop/"+link, http.StatusSeeOther)
}

// mailPage is what the link leads to that confirms an address.
type mailPage struct {
	Link    string
	Address Address
}

func (h *Handler) confirming(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	a, err := h.opt.Carrier.AddressByLink(r.Context(), link)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "mail", Data: mailPage{link, a}})
}

func (h *Handler) confirm(w http.ResponseWriter, r *http.Request) {
	link := r.PathValue("link")
	if err := h.opt.Carrier.Confirm(r.Context(), link); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/mail/"+link, http.StatusSeeOther)
}

// Outbox answers GET /v1/outbox?after=ID: the mail, for whoever delivers it. Who may read it
// is for the caller to see to.
func (h *Handler) Outbox() http.Handler { return notice.Outbox(h.opt.Carrier.conf.Store.Outbox) }
