package pages

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"tegata/internal/ui"
	"tegata/services/helpdesk"
)

// hold is where a card is put to this desk's reader.
func (h *Handler) hold() string {
	if h.opt.Hold == "" {
		return ""
	}
	return h.opt.Hold + "?" + url.Values{"reader": {h.opt.Desk.Reader()}, "back": {h.opt.Origin + "/enter"}}.Encode()
}

type homePage struct {
	Agent string
	Cases []helpdesk.Case
}

// homeCases is how many of the newest cases the home page shows.
const homeCases = 5

func (h *Handler) home(w http.ResponseWriter, r *http.Request, agent string) {
	all, err := h.opt.Helpdesk.Cases(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "home", Data: homePage{Agent: agent, Cases: all[:min(len(all), homeCases)]}, Poll: alivePoll})
}

// callPage is the four facts, as the caller says them.
type callPage struct {
	Facts   helpdesk.Facts
	Trouble *ui.Trouble
	Case    string // of a try that was refused
}

func (h *Handler) call(w http.ResponseWriter, r *http.Request, _ string) {
	h.show(w, r, ui.Screen{Page: "call", Data: callPage{}, Poll: alivePoll})
}

// doCall suspends. A refusal comes back on this very answer, with what was typed: on a
// page of its own the caller's words would have to travel in an address or a cookie.
func (h *Handler) doCall(w http.ResponseWriter, r *http.Request, agent string) {
	f := helpdesk.Facts{Name: strings.TrimSpace(r.PostFormValue("name")), Address: strings.TrimSpace(r.PostFormValue("address")),
		BirthDate: r.PostFormValue("birth_date"), Sex: r.PostFormValue("sex")}
	number, err := h.opt.Helpdesk.Call(r.Context(), agent, f)
	if err == nil {
		h.done(w, r, number)
		return
	}
	h.log(r, err)
	page := callPage{Facts: f, Case: number, Trouble: ui.TroubleOf(w, err)}
	h.show(w, r, ui.Screen{Page: "call", Data: page, Status: page.Trouble.Status, Bad: true})
}

// suspendedPage is what the agent says to the caller.
type suspendedPage struct {
	Case helpdesk.Case // without a number when none could be kept
	At   time.Time
}

// done leads to what is to be said. Without a case there is no address to lead to: the
// answer to the form says it.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, number string) {
	if number == "" {
		h.show(w, r, ui.Screen{Page: "suspended", Data: suspendedPage{At: h.opt.Now()}})
		return
	}
	http.Redirect(w, r, "/suspended/"+number, http.StatusSeeOther)
}

func (h *Handler) suspended(w http.ResponseWriter, r *http.Request, _ string) {
	c, err := h.opt.Helpdesk.CaseOf(r.Context(), r.PathValue("number"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	last := c.Last()
	if last.What != helpdesk.Suspended {
		http.Redirect(w, r, "/cases/"+c.Number, http.StatusSeeOther)
		return
	}
	h.show(w, r, ui.Screen{Page: "suspended", Data: suspendedPage{Case: c, At: last.At}, Poll: alivePoll})
}

// supportPage asks for the number.
type supportPage struct{ Trouble *ui.Trouble }

func (h *Handler) support(w http.ResponseWriter, r *http.Request, _ string) {
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "support", Data: supportPage{said.Trouble}, Poll: alivePoll, Bad: said.Trouble != nil})
}

func (h *Handler) doSupport(w http.ResponseWriter, r *http.Request, agent string) {
	v, err := h.opt.Helpdesk.View(r.Context(), agent, digits(r.PostFormValue("number")))
	if err != nil {
		h.log(r, err)
		h.site.GoTo(w, r, ui.Later{Path: "/support", Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	h.site.Unsay(w)
	http.Redirect(w, r, "/support/"+v.Support, http.StatusSeeOther)
}

// digits leaves the digits of what was typed: wide or narrow, in groups or not.
func digits(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c >= '０' && c <= '９':
			return c - '０' + '0'
		case c == ' ', c == '　', c == '-':
			return -1
		}
		return c
	}, s)
}

// viewPage is what a support number shows: codes, and what they mean.
type viewPage struct {
	View    helpdesk.View
	Error   *meaning
	Trouble *ui.Trouble
}

// meaning is a code with its words, as far as there are any.
type meaning struct {
	Code  string
	Known bool
	helpdesk.Meaning
}

func (h *Handler) means(code string) *meaning {
	if code == "" {
		return nil
	}
	m, known := h.codes[code]
	return &meaning{Code: code, Known: known, Meaning: m}
}

func (h *Handler) view(w http.ResponseWriter, r *http.Request, agent string) {
	v, err := h.opt.Helpdesk.Again(r.Context(), agent, r.PathValue("view"))
	if isOver(err) {
		h.show(w, r, ui.Screen{Page: "over", Data: overPage{Agent: true}, Poll: alivePoll})
		return
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "view", Data: viewPage{View: v, Error: h.means(v.Error)}, Poll: alivePoll})
}

// overPage says that ten minutes have passed: nothing is shown any more.
type overPage struct{ Agent bool }

func (h *Handler) suspendSeen(w http.ResponseWriter, r *http.Request, agent string) {
	number, err := h.opt.Helpdesk.SuspendSeen(r.Context(), agent, r.PathValue("view"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.done(w, r, number)
}

type casesPage struct{ Cases []helpdesk.Case }

func (h *Handler) cases(w http.ResponseWriter, r *http.Request, _ string) {
	all, err := h.opt.Helpdesk.Cases(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "cases", Data: casesPage{all}, Poll: alivePoll})
}

type casePage struct {
	Case   helpdesk.Case
	Events []caseEvent
}

type caseEvent struct {
	helpdesk.Event
	Means *meaning
}

func (h *Handler) aCase(w http.ResponseWriter, r *http.Request, _ string) {
	c, err := h.opt.Helpdesk.CaseOf(r.Context(), r.PathValue("number"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	if c.Kind == helpdesk.CaseReport {
		http.Redirect(w, r, "/reports/"+url.PathEscape(c.Number), http.StatusSeeOther)
		return
	}
	page := casePage{Case: c}
	for _, e := range c.Events {
		page.Events = append(page.Events, caseEvent{e, h.means(e.Code)})
	}
	h.show(w, r, ui.Screen{Page: "case", Data: page, Poll: alivePoll})
}
