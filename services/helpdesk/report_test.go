package helpdesk_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/helpdesk"
	helpdeskstore "tegata/store/helpdesk"
)

func reporting() helpdesk.Reporting {
	return helpdesk.Reporting{Number: "04215533", Report: helpdesk.Report{ID: "AAAAAAAAAAAAAAAAAAAAAA", UsedAt: time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC),
		Party: "bank", Name: ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}, Verdict: ceremony.Passed}}
}

func refusedAs(t *testing.T, err error, code string) {
	t.Helper()
	if err == nil || problem.From(err).Code != code {
		t.Errorf("got %v, want %s", err, code)
	}
}

func TestAReportIsTakenInOnceAndWorkedOn(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		for range 2 {
			s, err := o.desk.Report(ctx, "portal", reporting())
			if err != nil || s.State != helpdesk.ReportOpen || s.Number != "04215533" || len(s.Events) != 1 || s.Events[0].What != helpdesk.Reported {
				t.Fatalf("%+v, %v", s, err)
			}
		}
		other := reporting()
		other.Report.Party = "carrier"
		_, err := o.desk.Report(ctx, "portal", other)
		refusedAs(t, err, "report-conflict")
		other = reporting()
		other.Report.ID = "BBBBBBBBBBBBBBBBBBBBBB" // under a number that is taken
		_, err = o.desk.Report(ctx, "portal", other)
		refusedAs(t, err, "report-conflict")
		_, err = o.desk.Report(ctx, "another portal", reporting())
		refusedAs(t, err, "report-conflict")
		_, err = o.desk.Standing(ctx, "another portal", reporting().Report.ID)
		refusedAs(t, err, "no-such-case")
		for name, change := range map[string]func(*helpdesk.Reporting){
			"a number of words":  func(r *helpdesk.Reporting) { r.Number = "hanako" },
			"no name":            func(r *helpdesk.Reporting) { r.Report.ID = "" },
			"a verdict of words": func(r *helpdesk.Reporting) { r.Report.Verdict = "it was Hanako" },
			"a code of words":    func(r *helpdesk.Reporting) { r.Report.Code = "Hanako Tegata" },
			"nobody asked":       func(r *helpdesk.Reporting) { r.Report.Party = "" },
			"at no time":         func(r *helpdesk.Reporting) { r.Report.UsedAt = time.Time{} },
		} {
			r := reporting()
			change(&r)
			t.Log(name)
			_, err := o.desk.Report(ctx, "portal", r)
			refusedAs(t, err, "report-form")
		}

		queue, err := o.desk.Queue(ctx)
		if err != nil || len(queue) != 1 || queue[0].State != helpdesk.ReportOpen || queue[0].Last().What != helpdesk.Reported {
			t.Fatalf("%+v, %v", queue, err)
		}
		number := queue[0].Number
		refusedAs(t, o.desk.NoteStep(ctx, "A-01", number, "explained"), "report-moved") // taken by nobody
		refusedAs(t, o.desk.CloseReport(ctx, "A-01", number, "own-use"), "report-moved")
		if err := o.desk.TakeReport(ctx, "A-01", number); err != nil {
			t.Fatal(err)
		}
		refusedAs(t, o.desk.TakeReport(ctx, "A-02", number), "report-moved")
		refusedAs(t, o.desk.NoteStep(ctx, "A-01", number, "Hanako was angry"), "report-word")
		refusedAs(t, o.desk.CloseReport(ctx, "A-01", number, "whatever"), "report-word")
		refusedAs(t, o.desk.TakeReport(ctx, "A-01", "99999999"), "no-such-case")
		for _, step := range helpdesk.Steps() {
			if err := o.desk.NoteStep(ctx, "A-01", number, step); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.desk.CloseReport(ctx, "A-02", number, "not-theirs"); err != nil {
			t.Fatal(err)
		}
		refusedAs(t, o.desk.NoteStep(ctx, "A-01", number, "explained"), "report-moved")
		s, err := o.desk.Standing(ctx, "portal", reporting().Report.ID)
		if err != nil || s.State != helpdesk.ReportClosed || s.Outcome != "not-theirs" || len(s.Events) != 3+len(helpdesk.Steps()) {
			t.Errorf("%+v, %v", s, err)
		}
		if queue, err := o.desk.Queue(ctx); err != nil || len(queue) != 0 {
			t.Errorf("%+v, %v", queue, err)
		}
		if len(o.asked) != 0 {
			t.Errorf("the issuer was asked %q", o.asked)
		}
		if err := o.db.CheckAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestALookAtAReportIsTheIssuersToKnowFirst(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		if _, err := o.desk.Report(ctx, "portal", reporting()); err != nil {
			t.Fatal(err)
		}
		o.answer["/v1/report-views"] = problem.NewCouldNotCheck("away", "x", "x", "x", "x")
		if _, _, err := o.desk.ViewReport(ctx, "A-01", "04215533"); err == nil {
			t.Error("a look that the issuer does not know of")
		}
		o.answer["/v1/report-views"] = map[string]any{"state": "registered", "certificates": []map[string]string{{"kind": "phone-auth", "state": "held"}}}
		for range 3 { // the page asks again and again whether the card lies there
			c, v, err := o.desk.ViewReport(ctx, "A-01", "04215533")
			if err != nil || !v.Known || len(v.Certificates) != 1 || c.Report.Party != "bank" {
				t.Fatalf("%+v, %+v, %v", c, v, err)
			}
		}
		if len(o.asked) != 2 || !strings.Contains(o.asked[1], `"agent":"A-01"`) || !strings.Contains(o.asked[1], reporting().Report.ID) {
			t.Errorf("the issuer was asked %q", o.asked)
		}
		o.answer["/v1/report-views"] = problem.NewRefused(404, "report-unknown", "x", "x", "x", "x")
		if _, v, err := o.desk.ViewReport(ctx, "A-02", "04215533"); err != nil || v.Known {
			t.Errorf("%+v, %v", v, err)
		}
		due, ok, err := o.desk.NextDue(ctx)
		if err != nil || !ok {
			t.Fatal(due, ok, err)
		}
		o.now = due
		if err := o.desk.RunDue(ctx, o.now); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := o.desk.NextDue(ctx); ok {
			t.Error("a look is still kept")
		}
		if _, _, err := o.desk.ViewReport(ctx, "A-01", "04215533"); err != nil {
			t.Fatal(err)
		}
		s, err := o.desk.Standing(ctx, "portal", reporting().Report.ID)
		if err != nil || len(s.Events) != 4 || s.Events[3].What != helpdesk.Viewed || s.Events[3].Agent != "A-01" {
			t.Errorf("the holder reads %+v, %v", s, err)
		}
		if _, _, err := o.desk.ViewReport(ctx, "A-01", "99999999"); !errors.Is(err, helpdesk.ErrNoCase) {
			t.Error(err)
		}
	})
}

// A report may come before the hold that tells the issuer whose it is: who looked too early
// sees it a moment later, and the case has one line for it and one for what was seen.
func TestALookThatWasTooEarlyIsAskedAgain(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		if _, err := o.desk.Report(ctx, "portal", reporting()); err != nil {
			t.Fatal(err)
		}
		look := func(known bool, asked int) {
			t.Helper()
			_, v, err := o.desk.ViewReport(ctx, "A-01", "04215533")
			if err != nil || v.Known != known || len(o.asked) != asked {
				t.Fatalf("%+v, %v, asked %d times", v, err, len(o.asked))
			}
		}
		o.answer["/v1/report-views"] = problem.NewRefused(404, "report-unknown", "x", "x", "x", "x")
		look(false, 1)
		o.now = o.now.Add(2 * time.Second)
		look(false, 1)
		o.now = o.now.Add(8 * time.Second)
		look(false, 2)
		o.answer["/v1/report-views"] = map[string]any{"state": "registered", "certificates": []map[string]string{{"kind": "phone-auth", "state": "held"}}}
		o.now = o.now.Add(10 * time.Second)
		look(true, 3)
		o.now = o.now.Add(9 * time.Minute)
		look(true, 3)
		s, err := o.desk.Standing(ctx, "portal", reporting().Report.ID)
		if err != nil || len(s.Events) != 3 {
			t.Errorf("the holder reads %+v, %v", s, err)
		}
	})
}

// After an agent has stopped a phone no page of theirs says that one is good which may be
// that one.
func TestAStoppedPhoneIsNotShownAsGood(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ctx := t.Context()
		if _, err := o.desk.Report(ctx, "portal", reporting()); err != nil {
			t.Fatal(err)
		}
		v := o.seen()
		o.answer["/v1/suspensions"] = map[string]string{"state": "held"}
		for name, stop := range map[string]func() error{
			"for a caller": func() error { _, err := o.desk.Call(ctx, "A-01", facts); return err },
			"from a view":  func() error { _, err := o.desk.SuspendSeen(ctx, "A-01", v.Support); return err },
		} {
			state := func(want string) {
				t.Helper()
				o.answer["/v1/report-views"] = map[string]any{"certificates": []map[string]string{{"kind": "phone-auth", "state": want}}}
				_, v, err := o.desk.ViewReport(ctx, "A-01", "04215533")
				if err != nil || v.Certificates[0].State != want || !v.At.Equal(o.now) {
					t.Errorf("%s: %+v, %v", name, v, err)
				}
			}
			seen := func(asked int) {
				t.Helper()
				n := len(o.asked)
				if again, err := o.desk.Again(ctx, "A-01", v.Support); err != nil || len(o.asked) != n+asked || asked > 0 && !again.At.Equal(o.now) {
					t.Errorf("%s: the view %+v, %v", name, again, err)
				}
			}
			o.now = o.now.Add(15 * time.Minute)
			o.opens("view-1")
			seen(1)
			seen(0)
			state("good")
			o.now = o.now.Add(time.Second)
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			state("held")
			seen(1)
		}
	})
}

// Only the registered portal reports, with an assertion that serves once.
func TestOnlyARegisteredPortalReports(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		ops := pkitest.NewAuthority(t, pki.Ops, pkitest.ECKey(t), o.now)
		key := pkitest.ECKey(t)
		chainOf := func(id string, role pki.Role) []*x509.Certificate {
			return []*x509.Certificate{ops.Party(t, key.Public(), id, role, pkitest.Leaf{}), ops.Cert}
		}
		const here = "http://127.0.0.1:8413"
		desk, err := helpdesk.New(helpdesk.Config{Party: "helpdesk", Issuer: "http://127.0.0.1:1", Signer: key, Chain: chainOf("helpdesk", pki.RoleHelpdesk),
			Now: func() time.Time { return o.now }, Reporters: helpdesk.Reporters{Audience: here, Parties: []string{"portal"},
				Path: func(_ context.Context, chain []*x509.Certificate, at time.Time) error {
					_, err := certpath.Validate(chain[0], chain[1:], []*x509.Certificate{ops.Cert}, certpath.ForRole(pki.SandboxArc(), pki.RoleParty), at)
					return err
				}}}, helpdeskstore.New(o.db))
		if err != nil {
			t.Fatal(err)
		}
		door := httptest.NewServer(helpdesk.Door{Helpdesk: desk}.Routes())
		t.Cleanup(door.Close)
		sign := func(id string, role pki.Role, audience string) string {
			s, err := ceremony.SignClientAssertion(key, chainOf(id, role), ceremony.NewClientAssertion(id, audience, o.now))
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		post := func(header ...httpd.Header) error {
			return httpd.PostJSON(t.Context(), httpd.Client(5*time.Second), door.URL+"/v1/cases", reporting(), nil, header...)
		}
		good := sign("portal", pki.RoleParty, here)
		refusedAs(t, post(), "reporter-unknown")
		refusedAs(t, post(httpd.Bearer(sign("bank", pki.RoleParty, here))), "reporter-unknown")
		refusedAs(t, post(httpd.Bearer(sign("portal", pki.RoleHelpdesk, here))), "reporter-unknown")
		refusedAs(t, post(httpd.Bearer(sign("portal", pki.RoleParty, "http://127.0.0.1:8401"))), "reporter-unknown")
		if err := post(httpd.Bearer(good)); err != nil {
			t.Fatal(err)
		}
		refusedAs(t, post(httpd.Bearer(good)), "reporter-unknown") // an assertion serves once
		if err := post(httpd.Bearer(sign("portal", pki.RoleParty, here))); err != nil {
			t.Errorf("sent again: %v", err)
		}
		var s helpdesk.Standing
		err = httpd.GetJSON(t.Context(), httpd.Client(5*time.Second), door.URL+"/v1/cases/"+reporting().Report.ID, &s, httpd.Bearer(sign("portal", pki.RoleParty, here)))
		if err != nil || s.State != helpdesk.ReportOpen {
			t.Errorf("%+v, %v", s, err)
		}
		refusedAs(t, httpd.GetJSON(t.Context(), httpd.Client(5*time.Second), door.URL+"/v1/cases/"+reporting().Report.ID, &s), "reporter-unknown")
		// A helpdesk at which nobody is registered hears nobody.
		_, err = o.desk.Admit(t.Context(), "Bearer "+sign("portal", pki.RoleParty, here))
		refusedAs(t, err, "reporter-unknown")
	})
}
