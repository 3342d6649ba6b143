package pages

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// The person's desk beside its first page: one use in full, who looked, and what was
// reported as not one's own.

type usePage struct {
	Use        use
	AsOf       time.Time
	Case       string // number of the case that was opened for it; "" when none was
	CanSuspend bool
}

// oneUse shows all that is known of a use, and the button 身に覚えがない.
func (h *Handler) oneUse(w http.ResponseWriter, r *http.Request) {
	token := h.cookie(r, sessionCookie)
	home, u, err := h.opt.Portal.UseOf(r.Context(), token, r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	cases, err := h.opt.Portal.CasesOf(r.Context(), token)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := usePage{Use: useOf(u), AsOf: home.Snapshot.At, CanSuspend: pageOf(home, h.opt.Now()).CanSuspend}
	if i := slices.IndexFunc(cases, func(c portal.Case) bool { return c.UseID == p.Use.ID }); i >= 0 {
		p.Case = cases[i].Number
	}
	h.show(w, r, ui.Screen{Page: "use", Data: p})
}

// notMe opens a case and stops the phone. When the phone could not be stopped, the case
// says so, and how it can be.
func (h *Handler) notMe(w http.ResponseWriter, r *http.Request) {
	c, err := h.opt.Portal.NotMe(r.Context(), h.cookie(r, sessionCookie), r.PathValue("id"))
	h.toCase(w, r, c, err)
}

func (h *Handler) holdFor(w http.ResponseWriter, r *http.Request) {
	c, err := h.opt.Portal.HoldFor(r.Context(), h.cookie(r, sessionCookie), r.PathValue("number"))
	h.toCase(w, r, c, err)
}

func (h *Handler) toCase(w http.ResponseWriter, r *http.Request, c portal.Case, err error) {
	if c.Number == "" {
		h.fail(w, r, err)
		return
	}
	to := "/cases/" + url.PathEscape(c.Number)
	if err != nil {
		h.log(r, err)
		h.site.GoTo(w, r, ui.Later{Path: to, Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

type casePage struct {
	Number    string
	Use       use
	OpenedAt  time.Time
	Suspended time.Time
	Holding   bool // the issuer is asked again by itself
	Session   bool // is still open; the report that stops a phone ends it
	Standing  portal.ReportStanding
	Told      bool // the helpdesk is, or will be
	Trouble   *ui.Trouble
}

// oneCase shows a case and what happens next.
func (h *Handler) oneCase(w http.ResponseWriter, r *http.Request) {
	c, err := h.opt.Portal.CaseOf(r.Context(), h.cookie(r, sessionCookie), r.PathValue("number"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	said := h.site.Said(r)
	p := caseOf(c)
	p.Trouble = said.Trouble
	p.Standing = h.opt.Portal.StandingOf(r.Context(), c)
	p.Told = p.Standing.State != portal.ReportNone
	_, _, err = h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie))
	p.Session = err == nil
	h.show(w, r, ui.Screen{Page: "case", Data: p, Bad: p.Trouble != nil})
}

func caseOf(c portal.Case) casePage {
	return casePage{Number: c.Number, Use: useOf(c.Use), OpenedAt: c.OpenedAt, Suspended: c.Suspended, Holding: !c.Hold.Due.IsZero()}
}

type casesPage struct{ Cases []casePage }

func (h *Handler) cases(w http.ResponseWriter, r *http.Request) {
	all, err := h.opt.Portal.CasesOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	var p casesPage
	for _, c := range all {
		p.Cases = append(p.Cases, caseOf(c))
	}
	h.show(w, r, ui.Screen{Page: "cases", Data: p})
}

// seenPage is who asked the issuer about the person (だれが見たか).
type seenPage struct {
	Queries []query
	Missing bool
	AsOf    time.Time
}

type query struct {
	At      time.Time
	Who     string
	Agent   string
	What    string
	Claims  []string
	Refused string
}

func (h *Handler) seen(w http.ResponseWriter, r *http.Request) {
	home, err := h.opt.Portal.HomeOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "seen", Data: seenOf(home.Snapshot)})
}

func seenOf(s portal.Snapshot) seenPage {
	p := seenPage{Missing: s.MissingCertificates, AsOf: s.At}
	for _, q := range s.Queries {
		line := query{At: q.At, Who: q.Verifier, Agent: q.Agent, What: "other", Claims: q.Claims, Refused: q.Refused}
		if slices.Contains([]string{"linkage", "attributes", "certificates", "support", "helper", "suspend", "staff", "report"}, q.What) {
			line.What = q.What
		}
		p.Queries = append(p.Queries, line)
	}
	return p
}

// useOf puts in order what is shown of a use. What an older record lacks is left out.
func useOf(u portal.Use) use {
	v := use{
		ID: portal.UseID(u), At: time.Unix(u.At, 0), Name: text(u.Name), Purpose: text(u.Purpose), Channel: string(u.Channel), Verdict: string(u.Verdict),
		Code: u.Code, Why: text(u.Why), Claims: u.Claims, Rejected: u.Verdict != ceremony.Passed,
		Kind: string(u.Kind), Risk: string(u.Risk), Place: text(u.Place), Terminal: u.Terminal, Receipt: u.Receipt, Raisable: u.PurposeCode != "",
	}
	for _, way := range u.AMR {
		if slices.Contains([]string{"pin", "user", "pwd"}, way) {
			v.How = append(v.How, way)
		}
	}
	if u.Category != "" {
		v.Category = text(u.Category.Words())
	}
	return v
}

func text(t ceremony.Text) ui.Text { return ui.Text{JA: t.JA, EN: t.EN} }
