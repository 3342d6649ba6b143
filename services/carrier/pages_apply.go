package carrier

import (
	"errors"
	"net/http"
	"net/url"
	"time"

	"tegata/internal/ui"
	"tegata/services/guardian"
	"tegata/services/relying"
)

// startPage is what anybody sees.
type startPage struct {
	Plans []Plan
	In    bool
}

func (h *Handler) start(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	h.show(w, r, ui.Screen{Page: "start", Data: startPage{Plans(), s.Sub != ""}})
}

func (h *Handler) lost(w http.ResponseWriter, r *http.Request) {
	_, s := h.sessions.Find(r)
	h.show(w, r, ui.Screen{Page: "lost", Data: startPage{In: s.Sub != ""}})
}

// homePage is a person's lines.
type homePage struct {
	Who   Attributes
	Lines []Line
	Count int
	Max   int
	Room  bool // for one more
	Mail  bool // somebody is told by mail
}

// linesOf are a person's lines and addresses.
func (h *Handler) linesOf(r *http.Request, sub string) ([]Line, []Address, error) {
	all, err := h.opt.Carrier.Lines(r.Context(), sub)
	if err != nil {
		return nil, nil, err
	}
	addresses, err := h.opt.Carrier.Addresses(r.Context(), sub)
	return all, addresses, err
}

func (h *Handler) home(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, addresses, err := h.linesOf(r, s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := homePage{Who: whoOf(s.Claims), Lines: all, Max: MaxLines}
	var poll time.Duration
	for _, l := range all {
		if l.Counts() {
			p.Count++
		}
		if l.State == Signed || l.State == Awaiting {
			poll = 2 * time.Second
		}
	}
	for _, a := range addresses {
		p.Mail = p.Mail || !a.ConfirmedAt.IsZero() && a.Until.IsZero()
	}
	p.Room = p.Count < MaxLines
	h.show(w, r, ui.Screen{Page: "home", Data: p, Poll: poll})
}

// applyPage asks for a plan.
type applyPage struct {
	Who     Attributes
	Plans   []Plan
	Chosen  string
	Filter  bool
	Must    bool // below 18
	Mail    ui.Field
	Trouble *ui.Trouble
	Count   int
}

func (h *Handler) apply(w http.ResponseWriter, r *http.Request, _ string, s session) {
	who := whoOf(s.Claims)
	if err := h.opt.Carrier.May(r.Context(), s.Sub, who); err != nil {
		h.fail(w, r, err)
		return
	}
	n, err := h.opt.Carrier.Count(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	said := h.site.Said(r)
	p := applyPage{Who: who, Plans: Plans(), Must: h.opt.Carrier.MustFilter(who), Trouble: said.Trouble, Count: n}
	mail := said.Entered.Get("mail")
	switch d := s.Keeps.draft; {
	case said.Trouble != nil:
		p.Chosen, p.Filter = said.Entered.Get("plan"), said.Entered.Get("filter") == "yes"
	case d != nil && d.Kind == "":
		p.Chosen, p.Filter, mail = d.Choices.Plan, d.Choices.Filter, d.Choices.Mail
	}
	p.Mail = h.mailField(r, mail)
	p.Mail.Optional, p.Mail.Hint = true, h.site.Say(ui.LangOf(r), "mail.hint")
	h.show(w, r, ui.Screen{Page: "apply", Data: p, Bad: p.Trouble != nil})
}

func (h *Handler) mailField(r *http.Request, value string) ui.Field {
	say := func(key string) string { return h.site.Say(ui.LangOf(r), key) }
	return ui.Field{Name: "mail", Label: say("mail.label"), Hint: say("mail.sent"), Type: "text", Mode: "email", Max: 254, Value: value}
}

func (h *Handler) draw(w http.ResponseWriter, r *http.Request, token string, s session) {
	c := Choices{Plan: r.PostFormValue("plan"), Filter: r.PostFormValue("filter") == "yes", Mail: r.PostFormValue("mail")}
	d, err := h.opt.Carrier.Draw(r.Context(), s.Sub, whoOf(s.Claims), c)
	if errors.Is(err, ErrChoices) || errors.Is(err, ErrFilter) || errors.Is(err, ErrAddress) {
		entered := url.Values{"plan": {c.Plan}, "filter": {r.PostFormValue("filter")}, "mail": {c.Mail}}
		h.site.GoTo(w, r, ui.Later{Path: "/apply", Trouble: troubleOf(w, err), Entered: entered}, "")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.draft(w, r, token, d)
}

// draft puts a draft before its person.
func (h *Handler) draft(w http.ResponseWriter, r *http.Request, token string, d Draft) {
	h.sessions.Change(token, func(v *session) { v.Keeps.draft = &d })
	h.site.Unsay(w) // what was wrong with the form before is right now
	http.Redirect(w, r, "/check", http.StatusSeeOther)
}

// checkPage is the whole document.
type checkPage struct {
	Draft *Draft
	Back  string
}

func (h *Handler) check(w http.ResponseWriter, r *http.Request, _ string, s session) {
	d := s.Keeps.draft
	if d == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	p := checkPage{Draft: d, Back: "/apply"}
	switch d.Kind {
	case "":
	case Install:
		p.Back = "/lines/" + d.Line + "/install"
	case Agree:
		p.Back = "/home"
	default:
		p.Back = "/lines/" + d.Line + "/change/" + string(d.Kind)
	}
	h.show(w, r, ui.Screen{Page: "check", Data: p})
}

// sign brings the document, once for each draft, and leads to the phone.
func (h *Handler) sign(w http.ResponseWriter, r *http.Request, token string, s session) {
	d := s.Keeps.draft
	if d == nil {
		http.Redirect(w, r, "/home", http.StatusSeeOther)
		return
	}
	if r.PostFormValue("draft") != d.ID { // another page of this browser has drawn another
		http.Redirect(w, r, "/check", http.StatusSeeOther)
		return
	}
	h.pages.Sign(w, r, token, s, relying.Document{Content: d.Document, Name: d.fileName(), MediaType: "text/plain", Format: "cades", Purpose: d.purpose(), Facts: d.facts()},
		func(k *keeps) { k.signing = d })
}

// receivedPage is all that the carrier has of a person.
type receivedPage struct {
	Who       Attributes
	Lines     []Line
	Addresses []Address
	Changes   []Change
	Consents  []guardian.Consent
}

func (h *Handler) received(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, addresses, err := h.linesOf(r, s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	changes, err := h.opt.Carrier.Changes(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	consents, err := h.opt.Carrier.Consents(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "received", Data: receivedPage{whoOf(s.Claims), all, addresses, changes, consents}})
}

// contactPage is where notices go.
type contactPage struct {
	Addresses []Address
	Mail      ui.Field
	Trouble   *ui.Trouble
	Lines     int
}

func (h *Handler) contact(w http.ResponseWriter, r *http.Request, _ string, s session) {
	all, err := h.opt.Carrier.Addresses(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	n, err := h.opt.Carrier.Count(r.Context(), s.Sub)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "contact", Data: contactPage{all, h.mailField(r, said.Entered.Get("mail")), said.Trouble, n}, Bad: said.Trouble != nil})
}

func (h *Handler) setContact(w http.ResponseWriter, r *http.Request, _ string, s session) {
	address := r.PostFormValue("mail")
	err := h.opt.Carrier.SetAddress(r.Context(), s.Sub, address)
	if errors.Is(err, ErrAddress) || errors.Is(err, ErrSoon) {
		h.site.GoTo(w, r, ui.Later{Path: "/contact", Trouble: troubleOf(w, err), Entered: url.Values{"mail": {address}}}, "")
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.site.Unsay(w)
	http.Redirect(w, r, "/contact", http.StatusSeeOther)
}
