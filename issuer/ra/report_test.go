package ra_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

func (w *world) reportAtPortal(c *card, report string) error {
	g, err := w.suspendGrant(w.t.Context(), c)
	if err == nil {
		_, err = w.ra.SuspendByHolder(w.t.Context(), "portal", g.Subject, report, g)
	}
	return err
}

// historyOf is what the person sees of who looked.
func (w *world) historyOf(person string) (out []ra.Query) {
	w.t.Helper()
	err := w.store.Read(w.t.Context(), func(tx ra.Tx) (err error) { out, err = tx.QueriesOf(w.t.Context(), person, 100); return err })
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestAReportShowsStatesAndEachLookIsInTheHistory(t *testing.T) {
	w, c, p := registered(t)
	report := ceremony.NewID()
	for range 2 { // pressed twice
		if err := w.reportAtPortal(c, report); err != nil {
			t.Fatal(err)
		}
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	w.now = w.now.Add(time.Second) // after what was asked at the report
	v, err := w.ra.ViewReport(t.Context(), "helpdesk", ra.ReportQuery{Report: report, Agent: "A-01"})
	if err != nil || v.State != ra.StateRegistered || len(v.Certificates) != 2 || v.Certificates[0].State != "held" || v.Certificates[0].Holds[0] != "lost" {
		t.Fatalf("%+v, %v", v, err)
	}
	seen := w.historyOf(c.person.ID)
	if len(seen) == 0 || seen[0].What != "report" || seen[0].Agent != "A-01" || seen[0].Verifier != "helpdesk" {
		t.Errorf("the history says %+v", seen)
	}
	for name, q := range map[string]ra.ReportQuery{
		"no report": {Agent: "A-01"}, "another": {Report: ceremony.NewID(), Agent: "A-01"},
	} {
		_, err := w.ra.ViewReport(t.Context(), "helpdesk", q)
		t.Log(name)
		wantCode(t, err, ra.CodeReportUnknown)
	}
	_, err = w.ra.ViewReport(t.Context(), "helpdesk", ra.ReportQuery{Report: report, Agent: "Hanako <x>"})
	wantCode(t, err, ra.CodeBadRequest)
	if n := len(w.historyOf(c.person.ID)); n != len(seen) {
		t.Errorf("a look that showed nothing is a line: %d, not %d", n, len(seen))
	}
	wantCode(t, w.reportAtPortal(c, "short"), ra.CodeBadRequest)
	twin := w.issueCard("card-2", resident("twin", "手形　花子", time.Date(1980, 2, 17, 0, 0, 0, 0, time.UTC)), 6)
	wantCode(t, w.reportAtPortal(twin, report), ra.CodeBadRequest) // somebody else's name for it
	w.now = w.now.Add(ra.ReportLasts)
	_, err = w.ra.ViewReport(t.Context(), "helpdesk", ra.ReportQuery{Report: report, Agent: "A-01"})
	wantCode(t, err, ra.CodeReportUnknown)
}

// Where there is nothing to stop, whose report it is is known all the same.
func TestAReportWithoutAPhoneIsKnown(t *testing.T) {
	w := newWorld(t)
	c := w.issueCard("card-1", hanako(), 0)
	report := ceremony.NewID()
	wantCode(t, w.reportAtPortal(c, report), ra.CodeNoPhone)
	v, err := w.ra.ViewReport(t.Context(), "helpdesk", ra.ReportQuery{Report: report, Agent: "A-01"})
	if err != nil || v.State != "" || len(v.Certificates) != 0 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestOnlyAHelpdeskSeesAReport(t *testing.T) {
	w := newWorld(t)
	base := w.serve()
	portal, desk := w.newParty("portal", pki.RoleParty), w.newParty("helpdesk", pki.RoleHelpdesk)
	query := ra.ReportQuery{Report: ceremony.NewID(), Agent: "A-01"}
	wantCode(t, w.post(base+"/v1/report-views", query, nil), ra.CodeCaller)
	wantCode(t, w.post(base+"/v1/report-views", query, nil, httpd.Bearer(portal.assertion())), ra.CodeCallerRole)
	wantCode(t, w.post(base+"/v1/report-views", query, nil, httpd.Bearer(desk.assertion())), ra.CodeReportUnknown)
}

// An answer may be lost and the phone found since: what the portal repeats by itself does
// not stop it once more, and what somebody presses does.
func TestARepeatedReportStopsNoPhoneThatWasFound(t *testing.T) {
	w, c, p := registered(t)
	base, portal, verifier := w.serve(), w.newParty("portal", pki.RoleParty), w.newParty("verifier", pki.RoleVerifier)
	report := ceremony.NewID()
	hold := func(repeat bool) ra.Suspended {
		t.Helper()
		g, err := w.suspendGrant(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := ceremony.SignGrant(verifier.key, verifier.chain, g)
		if err != nil {
			t.Fatal(err)
		}
		var out ra.Suspended
		if err := w.post(base+"/v1/suspensions", ra.Suspension{Holder: g.Subject, Report: report, Repeat: repeat}, &out, httpd.Bearer(portal.assertion()),
			httpd.Header{Name: ceremony.GrantHeader, Value: compact}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	first := hold(true) // nothing of it is known: the first one that arrived
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	w.now = w.now.Add(time.Minute)
	if _, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))); err != nil {
		t.Fatal(err)
	}
	if again := hold(true); !again.At.Equal(first.At) || again.State != "held" {
		t.Errorf("%+v, not %+v", again, first)
	}
	if s := p.pair()[0].Status; s != status.Good {
		t.Errorf("the found phone is %v", s)
	}
	hold(false)
	if s := p.pair()[0].Status; s != status.Held {
		t.Errorf("after a press it is %v", s)
	}
}

// Whoever asked may be gone before it is done: a try is counted first, so that a line that
// broke would have cost one and stopped nothing.
func TestASuspensionOutlivesItsLine(t *testing.T) {
	w, _, p := registered(t)
	mux := http.NewServeMux()
	(&ra.Handler{RA: w.ra}).Register(mux)
	body, err := json.Marshal(ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)})
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(gone, "POST", "/v1/suspensions", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, r)
	if answer.Code != 200 {
		t.Errorf("%d: %s", answer.Code, answer.Body)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
}
