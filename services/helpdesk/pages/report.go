package pages

import (
	"net/http"
	"net/url"

	"tegata/internal/ui"
	"tegata/services/helpdesk"
)

// Reports of uses that their holders say were none of theirs: the queue, one of them, and
// the three things that an agent does about it. There is no field for words of one's own.

type reportsPage struct{ Cases []helpdesk.Case }

func (h *Handler) reports(w http.ResponseWriter, r *http.Request, _ string) {
	all, err := h.opt.Helpdesk.Queue(r.Context())
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "reports", Data: reportsPage{all}, Poll: alivePoll})
}

type reportPage struct {
	Case     helpdesk.Case
	Name     ui.Text // of who asked
	View     helpdesk.ReportView
	Code     *meaning // of the reported use, when it was refused
	Events   []caseEvent
	Steps    []string
	Outcomes []string
	Trouble  *ui.Trouble
}

// report shows one, which is a line of the person's history.
func (h *Handler) report(w http.ResponseWriter, r *http.Request, agent string) {
	c, v, err := h.opt.Helpdesk.ViewReport(r.Context(), agent, r.PathValue("number"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "report", Data: h.reportPage(c, v, said.Trouble), Poll: alivePoll, Bad: said.Trouble != nil})
}

func (h *Handler) reportPage(c helpdesk.Case, v helpdesk.ReportView, trouble *ui.Trouble) reportPage {
	p := reportPage{Case: c, Name: ui.Text{JA: c.Report.Name.JA, EN: c.Report.Name.EN}, View: v, Code: h.means(c.Report.Code), Steps: helpdesk.Steps(), Outcomes: helpdesk.Outcomes(), Trouble: trouble}
	for _, e := range c.Events {
		p.Events = append(p.Events, caseEvent{Event: e})
	}
	return p
}

// act does something about a report and shows it again, with what was wrong if anything.
func (h *Handler) act(do func(r *http.Request, agent, number string) error) func(http.ResponseWriter, *http.Request, string) {
	return func(w http.ResponseWriter, r *http.Request, agent string) {
		number := r.PathValue("number")
		to := "/reports/" + url.PathEscape(number)
		if err := do(r, agent, number); err != nil {
			h.log(r, err)
			h.site.GoTo(w, r, ui.Later{Path: to, Trouble: ui.TroubleOf(w, err)}, "")
			return
		}
		h.site.Unsay(w)
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}
