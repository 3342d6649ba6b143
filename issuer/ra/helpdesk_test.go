package ra_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// eachRegistered is registered on both databases.
func eachRegistered(t *testing.T, f func(*testing.T, *world, *card, *phone)) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c, p := w.issueCard("card-1", hanako(), 0), w.newPhone(2)
		p.enrol(c)
		f(t, w, c, p)
	})
}

// factsOf are what the holder of a card says by telephone.
func factsOf(c *card) ra.Facts {
	a := c.person.Attributes
	birth, err := a.Birth()
	if err != nil {
		c.w.t.Fatal(err)
	}
	return ra.Facts{Name: a.Name, Address: a.Address, BirthDate: birth.Format(time.DateOnly), Sex: "female"}
}

// suspendByCall is the holder of a card calling the helpdesk.
func (w *world) suspendByCall(ctx context.Context, c *card) error {
	_, err := w.ra.SuspendByFacts(ctx, "helpdesk", "A-01", factsOf(c))
	return err
}

func (p *phone) supportClaims() ra.SupportClaims {
	return ra.SupportClaims{StepClaims: p.claims(ra.StepSupport), Stage: "registered", Error: "pin-wrong", PINTries: 2, PasswordTries: 5, Biometrics: "off"}
}

func (p *phone) makeNumber() (ra.SupportNumber, error) {
	return p.w.ra.MakeSupportNumber(p.w.t.Context(), p.jws(ra.TypeEnrolment, p.supportClaims(), nil))
}

func (w *world) history(person string) (list []ra.Query) {
	w.t.Helper()
	err := w.store.Read(w.t.Context(), func(tx ra.Tx) (err error) {
		list, err = tx.QueriesOf(w.t.Context(), person, 100)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return list
}

func TestFourFactsSuspendAndTheRecordNamesTheAgent(t *testing.T) {
	eachRegistered(t, func(t *testing.T, w *world, c *card, p *phone) {
		f := factsOf(c)
		f.Name = "テガタ　ハナコ" // not by its reading: the authority has none
		_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "A-01", f)
		wantCode(t, err, ra.CodeFactsWrong)
		p.mustBe(status.Good, 0)
		f = factsOf(c)
		f.Name = "手形 花子" // as somebody types it
		f.Address = "東京都見本区１－２－３"
		got, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "A-01", f)
		if err != nil || got.State != "held" {
			t.Fatalf("%+v, %v", got, err)
		}
		p.mustBe(status.Held, status.CertificateHold, status.Lost)
		told := 0
		out, err := w.ra.Outbox(t.Context(), "", 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range out.Notices {
			if n.Kind == ra.NoticeSuspended {
				told++
				if !strings.Contains(n.JA.Body, "ヘルプデスク") || !strings.Contains(n.EN.Body, "helpdesk") {
					t.Errorf("the notice says %q, %q", n.JA.Body, n.EN.Body)
				}
			}
		}
		if told != 1 {
			t.Errorf("told %d times", told)
		}
		trail, err := w.auditTrail()
		if err != nil || !strings.Contains(trail, "helpdesk") || !strings.Contains(trail, "A-01") {
			t.Errorf("the audit records do not name helpdesk and agent: %v", err)
		}
		if strings.Contains(trail, "花子") || strings.Contains(trail, "見本区") {
			t.Error("what the caller said is in the audit records")
		}
		q := w.history(c.person.ID)
		if len(q) != 1 || q[0].What != "suspend" || q[0].Agent != "A-01" || q[0].Verifier != "helpdesk" {
			t.Errorf("the history says %+v", q)
		}
	})
}

// Nobody learns from the helpdesk whether somebody exists: not by the answer, not by the
// tries that are left.
func TestARefusalTellsNothingOfWhoExists(t *testing.T) {
	w, c, p := registered(t)
	w.issueCard("card-2", resident("jiro", "手形　次郎", time.Date(1990, 1, 2, 0, 0, 0, 0, time.UTC)), 4) // has no phone
	jiro := ra.Facts{Name: "手形　次郎", Address: c.person.Attributes.Address, BirthDate: "1990-01-02", Sex: "female"}
	other := factsOf(c)
	other.Address = "東京都見本区一丁目2番4号"
	sex := factsOf(c)
	sex.Sex = "male"
	nobody := factsOf(c)
	nobody.BirthDate = "1931-01-02"
	var texts []string
	for _, f := range []ra.Facts{other, nobody, jiro} {
		_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "A-01", f)
		got := wantCode(t, err, ra.CodeFactsWrong)
		texts = append(texts, strconv.Itoa(got.Status)+got.JA.Title+got.JA.Detail+strconv.Itoa(got.Extra["tries_left"].(int)))
	}
	if texts[0] != texts[1] || texts[1] != texts[2] {
		t.Errorf("told apart: %q", texts)
	}
	_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "A-01", sex)
	wantCode(t, err, ra.CodeFactsWrong)
	for name, change := range map[string]func(*ra.Facts){
		"no name": func(f *ra.Facts) { f.Name = " 　" }, "no address": func(f *ra.Facts) { f.Address = "" },
		"no birth date": func(f *ra.Facts) { f.BirthDate = "1980" }, "no sex": func(f *ra.Facts) { f.Sex = "2" },
	} {
		f := factsOf(c)
		change(&f)
		t.Log(name)
		_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "A-01", f)
		wantCode(t, err, ra.CodeFactsForm)
	}
	p.mustBe(status.Good, 0)
}

func TestTriesWithFactsAreLimited(t *testing.T) {
	w, c, p := registered(t)
	try := func(agent string, f ra.Facts) error {
		_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", agent, f)
		return err
	}
	wrong := factsOf(c)
	wrong.Address = "東京都見本区九丁目"
	for i := range ra.FactsPerPerson { // by whichever agent, however the name is written
		wrong.Name = []string{"手形　花子", "手形花子"}[i%2]
		got := wantCode(t, try("A-0"+strconv.Itoa(i), wrong), ra.CodeFactsWrong)
		if got.Extra["tries_left"] != ra.FactsPerPerson-1-i {
			t.Errorf("after %d tries: %v", i+1, got.Extra)
		}
	}
	if got := wantCode(t, try("A-09", factsOf(c)), ra.CodeFactsTries); got.Status != 429 || got.Extra["retry_after"] == nil {
		t.Errorf("got %+v", got)
	}
	p.mustBe(status.Good, 0)
	w.now = w.now.Add(time.Hour + time.Minute)
	for i := range ra.FactsPerAgent { // one agent through the calendar
		f := wrong
		f.BirthDate = time.Date(1950, 1, 1+i, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
		wantCode(t, try("A-01", f), ra.CodeFactsWrong)
	}
	wantCode(t, try("A-01", factsOf(c)), ra.CodeFactsTries)
	for range ra.FactsPerAgent { // right ones are given back
		if err := try("A-02", factsOf(c)); err != nil {
			t.Fatal(err)
		}
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
}

// Whoever knows no more than a birth date closes the helpdesk to nobody by a few calls.
func TestABirthDateAloneClosesNoHelpdesk(t *testing.T) {
	w, c, p := registered(t)
	for i := range ra.FactsPerBirthDate { // one name after the other
		if i == ra.FactsPerPerson || i == ra.FactsPerBirthDate-1 {
			if err := w.suspendByCall(t.Context(), c); err != nil {
				t.Fatalf("after %d calls: %v", i, err)
			}
		}
		f := factsOf(c)
		f.Name = "手形　" + strconv.Itoa(i) + "子"
		_, err := w.ra.SuspendByFacts(t.Context(), "helpdesk", "B-"+strconv.Itoa(i%3), f)
		wantCode(t, err, ra.CodeFactsWrong)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	wantCode(t, w.suspendByCall(t.Context(), c), ra.CodeFactsTries) // nobody walks through the names
}

func TestASupportNumberShowsCodesForTenMinutes(t *testing.T) {
	eachRegistered(t, func(t *testing.T, w *world, c *card, p *phone) {
		compact := p.jws(ra.TypeEnrolment, p.supportClaims(), nil)
		made, err := w.ra.MakeSupportNumber(t.Context(), compact)
		if err != nil || len(made.Number) != 6 || !made.EndsAt.Equal(w.now.Add(10*time.Minute)) {
			t.Fatalf("%+v, %v", made, err)
		}
		again, err := w.ra.MakeSupportNumber(t.Context(), compact) // its answer was lost
		if err != nil || again != made {
			t.Errorf("sent again: %+v, %v", again, err)
		}
		v, err := w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: made.Number, Agent: "A-01"})
		if err != nil {
			t.Fatal(err)
		}
		if v.Stage != "registered" || v.Error != "pin-wrong" || v.PINTries != 2 || v.PasswordTries != 5 || v.State != ra.StateRegistered || !v.CanSuspend || len(v.Certificates) != 2 {
			t.Errorf("the agent sees %+v", v)
		}
		for _, cert := range v.Certificates {
			if cert.State != "good" {
				t.Errorf("the agent sees %+v", cert)
			}
		}
		h, err := w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: made.Number, Source: "203.0.113.5"})
		if err != nil || h.Stage != "registered" || h.Error != "pin-wrong" || h.State != "" || h.Certificates != nil || h.CanSuspend {
			t.Errorf("a helper sees %+v, %v", h, err)
		}
		q := w.history(c.person.ID)
		seen := map[string]string{}
		for _, x := range q {
			seen[x.What] = x.Agent
		}
		if len(q) != 2 || seen["support"] != "A-01" {
			t.Errorf("the history says %+v", q)
		}
		if _, ok := seen["helper"]; !ok {
			t.Errorf("the helper's view is not in the history: %+v", q)
		}
		if w.pass(10 * time.Minute); w.rows("support_number") != 0 {
			t.Error("ten minutes later it is still there")
		}
		for _, query := range []ra.SupportQuery{{Number: made.Number, Agent: "A-01"}, {Support: v.Support, Agent: "A-01"}, {Support: v.Support, Source: "x"}} {
			_, err = w.ra.ViewSupport(t.Context(), "helpdesk", query)
			wantCode(t, err, ra.CodeSupportNumber)
		}
		_, err = w.ra.SuspendBySupport(t.Context(), "helpdesk", "A-01", v.Support)
		wantCode(t, err, ra.CodeSupportNumber)
		p.mustBe(status.Good, 0)
	})
}

// Whoever has the number looks as often as they like, and fills no history.
func TestHelpersDisplaceNoAgentsLook(t *testing.T) {
	eachRegistered(t, func(t *testing.T, w *world, c *card, p *phone) {
		looks := func(number string, times int) {
			t.Helper()
			for i := range times {
				w.now = w.now.Add(time.Second)
				if _, err := w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: number, Source: "s" + strconv.Itoa(i)}); err != nil {
					t.Fatal(err)
				}
			}
		}
		made, err := p.makeNumber()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: made.Number, Agent: "A-01"}); err != nil {
			t.Fatal(err)
		}
		looks(made.Number, 110)
		got := w.history(c.person.ID)
		if len(got) != 2 || got[0].What != "helper" || !got[0].At.Equal(w.now) || got[1].Agent != "A-01" {
			t.Errorf("the history says %+v", got)
		}
		for range 101 { // a line each: there are as many numbers as somebody with the phone makes
			if made, err = p.makeNumber(); err != nil {
				t.Fatal(err)
			}
			looks(made.Number, 1)
		}
		if got = w.history(c.person.ID); len(got) != 101 || got[100].Agent != "A-01" {
			t.Errorf("%d lines, of which the last is %+v", len(got), got[len(got)-1])
		}
	})
}

// The moment counts, not whether anybody came by to erase it.
func TestASupportNumberIsOverWithoutAnyWork(t *testing.T) {
	w, _, p := registered(t)
	made, err := p.makeNumber()
	if err != nil {
		t.Fatal(err)
	}
	w.now = w.now.Add(10 * time.Minute)
	_, err = w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: made.Number, Agent: "A-01"})
	wantCode(t, err, ra.CodeSupportNumber)
}

func TestASupportNumberIsKeptNowhere(t *testing.T) {
	w, _, p := registered(t)
	first, err := p.makeNumber()
	if err != nil {
		t.Fatal(err)
	}
	second, err := p.makeNumber()
	if err != nil || w.rows("support_number") != 1 {
		t.Fatalf("%v; %d are open", err, w.rows("support_number"))
	}
	if first.Number != second.Number { // one in a million is the same
		_, err = w.ra.ViewSupport(t.Context(), "helpdesk", ra.SupportQuery{Number: first.Number, Agent: "A-01"})
		wantCode(t, err, ra.CodeSupportNumber)
	}
	old := p.supportClaims()
	if _, err := p.makeNumber(); err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.MakeSupportNumber(t.Context(), p.jws(ra.TypeEnrolment, old, nil)) // an old message ends no newer number
	wantCode(t, err, ra.CodeElementSuspected)
	c := p.supportClaims()
	c.Error = "My name is Hanako"
	_, err = w.ra.MakeSupportNumber(t.Context(), p.jws(ra.TypeEnrolment, c, nil))
	wantCode(t, err, ra.CodeBadRequest)
}

func TestSupportNumbersCannotBeGuessed(t *testing.T) {
	eachRegistered(t, func(t *testing.T, w *world, _ *card, p *phone) {
		made, err := p.makeNumber()
		if err != nil {
			t.Fatal(err)
		}
		guess := func(q ra.SupportQuery) error {
			_, err := w.ra.ViewSupport(t.Context(), "helpdesk", q)
			return err
		}
		wrong := "000000"
		if made.Number == wrong {
			wrong = "000001"
		}
		for range ra.NumbersPerAgent {
			wantCode(t, guess(ra.SupportQuery{Number: wrong, Agent: "A-01"}), ra.CodeSupportNumber)
		}
		wantCode(t, guess(ra.SupportQuery{Number: made.Number, Agent: "A-01"}), ra.CodeSupportTries)
		for range ra.NumbersPerHelper {
			wantCode(t, guess(ra.SupportQuery{Number: wrong, Source: "203.0.113.5"}), ra.CodeSupportNumber)
		}
		wantCode(t, guess(ra.SupportQuery{Number: made.Number, Source: "203.0.113.5"}), ra.CodeSupportTries)
		for n := range ra.NumbersPerHelpdesk - ra.NumbersPerHelper {
			wantCode(t, guess(ra.SupportQuery{Number: wrong, Source: "s" + strconv.Itoa(n)}), ra.CodeSupportNumber)
		}
		wantCode(t, guess(ra.SupportQuery{Number: made.Number, Source: "one more"}), ra.CodeSupportTries)
		if err := guess(ra.SupportQuery{Number: made.Number, Agent: "A-02"}); err != nil { // helpers use up no agent's tries
			t.Error(err)
		}
	})
}

func TestAnAgentSuspendsFromAViewAndCanDoNothingElse(t *testing.T) {
	w, c, p := registered(t)
	base := w.serve()
	desk := w.newParty("helpdesk", pki.RoleHelpdesk)
	post := func(path string, body, out any) error {
		return httpd.PostJSON(t.Context(), httpd.Client(5*time.Second), base+path, body, out, httpd.Bearer(desk.assertion()))
	}
	var made ra.SupportNumber
	if err := w.post(base+"/v1/support-numbers", ra.StepBody{Step: p.jws(ra.TypeEnrolment, p.supportClaims(), nil)}, &made); err != nil {
		t.Fatal(err)
	}
	var v ra.SupportView
	if err := post("/v1/support-views", ra.SupportQuery{Number: made.Number, Agent: "A-01"}, &v); err != nil {
		t.Fatal(err)
	}
	var held ra.Suspended
	if err := post("/v1/suspensions", ra.Suspension{Support: v.Support, Agent: "A-01"}, &held); err != nil || held.State != "held" {
		t.Fatalf("%+v, %v", held, err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	var staff ra.Linkage
	if err := post("/v1/staff/linkage", ra.StaffQuery{Certificate: c.issued.Certificates.Auth}, &staff); err != nil || staff.Person == "" {
		t.Fatalf("%+v, %v", staff, err)
	}
	wantCode(t, post("/v1/staff/linkage", ra.StaffQuery{Certificate: c.issued.Certificates.Sign}, &staff), ra.CodeUnknownCertificate)
	// Every other door of the authority, with whatever an agent could have at hand.
	before := w.history(c.person.ID)
	facts := factsOf(c)
	for _, door := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/v1/resumptions", ra.StepBody{Step: desk.assertion()}},
		{"POST", "/v1/resumptions", ra.Suspension{Facts: &facts, Agent: "A-01"}},
		{"POST", "/v1/revocations", ra.StepBody{Step: desk.assertion()}},
		{"POST", "/v1/enrolments", ra.StepBody{Step: desk.assertion()}},
		{"POST", "/v1/checkins", ra.StepBody{Step: desk.assertion()}},
		{"POST", "/v1/support-numbers", ra.StepBody{Step: desk.assertion()}},
		{"POST", "/v1/card-issuances", c.issuance()},
		{"POST", "/v1/register-events", ra.RegisterEvent{ID: "e", Person: c.person.ID, Kind: ra.EventCardFound}},
		{"POST", "/v1/verifier/linkage", ra.LinkageQuery{Certificate: c.issued.Certificates.Auth}},
		{"POST", "/v1/verifier/attributes", ra.AttributesQuery{Release: "x"}},
		{"GET", "/v1/holders/" + staff.Person + "/certificates", nil},
		{"GET", "/v1/outbox", nil},
	} {
		err := post(door.path, door.body, nil)
		if door.method == http.MethodGet {
			err = httpd.GetJSON(t.Context(), httpd.Client(5*time.Second), base+door.path, nil, httpd.Bearer(desk.assertion()))
		}
		if err == nil {
			t.Errorf("%s lets an agent in", door.path)
		}
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	if after := w.history(c.person.ID); len(after) != len(before) {
		t.Errorf("something was told: %+v", after[:len(after)-len(before)])
	}
}

// rows counts what a table holds.
func (w *world) rows(table string) (n int) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(tx store.Tx) error {
		return tx.QueryRow(w.t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}
