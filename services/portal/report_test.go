package portal_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/services/portal"
)

// deskOf is a helpdesk that can be away: it keeps what it is told.
type deskOf struct {
	t     *testing.T
	w     *world
	away  bool
	lost  bool             // the answer is lost, once it has taken something in
	never *problem.Problem // it refuses with this
	told  []string
	state string
}

func (d *deskOf) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	m, err := ceremony.ParseClientAssertion(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil || m.Unverified().Issuer != "portal" {
		d.t.Errorf("%s: the assertion: %v", r.URL.Path, err)
	}
	if d.away {
		http.Error(rw, "", http.StatusServiceUnavailable)
		return
	}
	if r.Method == http.MethodPost {
		var body json.RawMessage
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			d.t.Error(err)
		}
		d.told = append(d.told, string(body))
		if d.never != nil {
			httpd.WriteProblem(rw, r, d.never)
			return
		}
		if d.lost {
			d.lost = false
			panic(http.ErrAbortHandler)
		}
	}
	httpd.WriteJSON(rw, http.StatusOK, portal.ReportStanding{State: d.state, Events: []portal.ReportEvent{}})
}

// A helpdesk that is away loses nothing: it is told of a case when it is back, once, and
// what it is told says neither who nor where from.
func TestTheHelpdeskIsToldOfEachCase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		d := &deskOf{t: t, w: w, away: true, state: "open"}
		server := httptest.NewServer(d)
		t.Cleanup(server.Close)
		w.helpdesk(t, server.URL)
		session := w.deskLogin(t, "")
		home, err := w.HomeOf(ctx, session)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.NotMe(ctx, session, portal.UseID(home.Snapshot.Uses[0]))
		if err != nil || len(c.Report) != 22 {
			t.Fatalf("%+v, %v", c, err)
		}
		if got := w.reported; got != c.Report {
			t.Errorf("the issuer was told %q, not %q", got, c.Report)
		}
		stands := func() string {
			t.Helper()
			c, err := w.CaseOf(ctx, session, c.Number)
			if err != nil {
				t.Fatal(err)
			}
			return w.StandingOf(ctx, c).State
		}
		for range 3 { // each try is put off before it is made
			if err := w.ReportDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if s := stands(); s != portal.ReportWaiting || len(d.told) != 0 {
			t.Errorf("away: %s, told %q", s, d.told)
		}
		d.away = false
		if err := w.ReportDue(ctx); err != nil || len(d.told) != 0 {
			t.Errorf("before its time: %v, told %q", err, d.told)
		}
		w.now = w.now.Add(5 * time.Second)
		for range 2 {
			if err := w.ReportDue(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if len(d.told) != 1 || !strings.Contains(d.told[0], c.Number) || !strings.Contains(d.told[0], c.Report) {
			t.Fatalf("told %q", d.told)
		}
		for _, word := range []string{home.Account.Name, home.Account.Person, home.Session.Holder, c.Use.Receipt} {
			if word != "" && strings.Contains(d.told[0], word) {
				t.Errorf("the helpdesk was told %q: %s", word, d.told[0])
			}
		}
		d.state = "taken"
		if s := stands(); s != "taken" {
			t.Errorf("there: %s", s)
		}
		d.away = true
		if s := stands(); s != portal.ReportUnknown {
			t.Errorf("away again: %s", s)
		}
	})
}

// reports is a case that the helpdesk is to be told of.
func (w *world) reports(t *testing.T) (*deskOf, portal.Case) {
	t.Helper()
	d := &deskOf{t: t, w: w, state: "open"}
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	w.helpdesk(t, server.URL)
	session, use := w.useOf(t, "")
	c, err := w.NotMe(t.Context(), session, use)
	if err != nil {
		t.Fatal(err)
	}
	return d, c
}

// later is what becomes of a case once it was told of again and again, for hours.
func (w *world) later(t *testing.T, c portal.Case) portal.Case {
	t.Helper()
	for range 12 {
		w.now = w.now.Add(time.Hour)
		if err := w.ReportDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	session, _ := w.useOf(t, "")
	c, err := w.CaseOf(t.Context(), session, c.Number)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// An answer that is lost makes the portal say the same again, by the same name: from this
// the helpdesk knows that it is one report.
func TestALostAnswerIsAskedForWithTheSameReport(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		d, c := w.reports(t)
		d.lost = true
		if err := w.ReportDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		c = w.later(t, c)
		if len(d.told) != 2 || d.told[0] != d.told[1] || !strings.Contains(d.told[0], c.Report) {
			t.Errorf("told %q", d.told)
		}
		if s := w.StandingOf(t.Context(), c); s.State != "open" {
			t.Errorf("it is %s", s.State)
		}
	})
}

// What the helpdesk never takes in is told once, and nobody is promised another try. What
// it refuses because of something that passes is told again.
func TestAReportThatIsRefusedForGoodIsOver(t *testing.T) {
	for code, over := range map[string]bool{"report-form": true, "report-conflict": true, "reporter-unknown": false} {
		t.Run(code, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				d, c := w.reports(t)
				d.never = problem.NewRefused(409, code, "x", "x", "x", "x")
				if err := w.ReportDue(t.Context()); err != nil {
					t.Fatal(err)
				}
				c = w.later(t, c)
				want, untaken := portal.ReportWaiting, ""
				if over {
					want, untaken = portal.ReportUntaken, code
				}
				if s := w.StandingOf(t.Context(), c); s.State != want || c.Untaken != untaken || (len(d.told) == 1) != over {
					t.Errorf("%s, %q, told %d times", s.State, c.Untaken, len(d.told))
				}
				if err := w.db.CheckAudit(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// Without a helpdesk nobody waits to be told.
func TestWithoutAHelpdeskNobodyIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		session := w.deskLogin(t, "")
		home, err := w.HomeOf(t.Context(), session)
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.NotMe(t.Context(), session, portal.UseID(home.Snapshot.Uses[0]))
		if err != nil || c.Report == "" || !c.Due.IsZero() || w.StandingOf(t.Context(), c).State != portal.ReportNone {
			t.Errorf("%+v, %v", c, err)
		}
	})
}
