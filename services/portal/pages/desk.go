package pages

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"sync"
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
	Sending   bool // it will be in a moment: the page looks again by itself
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
	// For a minute only: a page that goes on reloading is one that cannot be read.
	if p.Sending = p.Standing.State == portal.ReportWaiting && h.opt.Now().Sub(c.OpenedAt) < time.Minute; p.Sending {
		w.Header().Set("Refresh", "3")
	}
	// A login from before the hold ends with it, within a second or so: to whoever sees
	// the case in that second it is over as well.
	s, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie))
	p.Session = err == nil && (c.Suspended.IsZero() || s.Begun.After(c.Suspended))
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
	h.askStandings(r.Context(), all, p.Cases)
	h.show(w, r, ui.Screen{Page: "cases", Data: p})
}

// How long the list waits for the helpdesk, and of how many cases it asks.
const (
	standingWait = 3 * time.Second
	standingsOf  = 20
)

// askStandings asks how the newest cases stand, all at once: a helpdesk that is slow
// costs the wait of one.
func (h *Handler) askStandings(ctx context.Context, all []portal.Case, shown []casePage) {
	ctx, cancel := context.WithTimeout(ctx, standingWait)
	defer cancel()
	var asked sync.WaitGroup
	for i := range all[:min(len(all), standingsOf)] {
		asked.Go(func() {
			shown[i].Standing = h.opt.Portal.StandingOf(ctx, all[i])
			shown[i].Told = shown[i].Standing.State != portal.ReportNone
		})
	}
	asked.Wait()
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
	Known   bool // Who has a name in words
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
		line := query{At: q.At, Who: q.Verifier, Known: slices.Contains([]string{"portal", "verifier", "helpdesk"}, q.Verifier), Agent: q.Agent, What: "other", Claims: q.Claims, Refused: q.Refused}
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
		Documents: u.Documents,
	}
	if u.Document != nil {
		v.Documents = []ceremony.UsedDocument{*u.Document}
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
