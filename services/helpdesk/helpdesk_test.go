package helpdesk_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"crypto/x509"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/services/desk"
	"tegata/services/helpdesk"
	"tegata/store"
	helpdeskstore "tegata/store/helpdesk"
	"tegata/store/storetest"
)

// office is a helpdesk, and the issuer that it calls: what it was asked, and what it
// answers next.
type office struct {
	t      *testing.T
	now    time.Time
	desk   *helpdesk.Helpdesk
	db     *store.DB
	cases  *cases
	asked  []string // paths with bodies
	answer map[string]any
	before func() // comes before an answer, and before anything is done
}

// cases is a store whose disk may be full, and whose numbers may be taken.
type cases struct {
	helpdesk.Store
	full  bool
	taken int // so many more are
	tried int
}

func (c *cases) OpenCase(ctx context.Context, who audit.Actor, k helpdesk.Case) error {
	c.tried++
	switch {
	case c.full:
		return errors.New("the disk is full")
	case c.taken > 0:
		c.taken--
		return helpdesk.ErrTaken
	}
	return c.Store.OpenCase(ctx, who, k)
}

func (c *cases) Note(ctx context.Context, who audit.Actor, number string, e helpdesk.Event) error {
	if c.full {
		return errors.New("the disk is full")
	}
	return c.Store.Note(ctx, who, number, e)
}

func (o *office) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, err := ceremony.ParseClientAssertion(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if err != nil || m.Unverified().Issuer != "helpdesk" {
		o.t.Errorf("%s: the assertion: %v", r.URL.Path, err)
	}
	var body json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		o.t.Error(err)
	}
	o.asked = append(o.asked, r.URL.Path+" "+string(body))
	if o.before != nil { // a real issuer's transaction ends with its caller
		o.before()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	switch a := o.answer[r.URL.Path].(type) {
	case *problem.Problem:
		httpd.WriteProblem(w, r, a)
	default:
		httpd.WriteJSON(w, http.StatusOK, a)
	}
}

func eachOffice(t *testing.T, f func(t *testing.T, o *office)) {
	storetest.Each(t, helpdeskstore.Schema, func(t *testing.T, db *store.DB) {
		o := &office{t: t, db: db, now: time.Date(2026, 11, 22, 3, 0, 0, 0, time.UTC), answer: map[string]any{}}
		issuer := httptest.NewServer(o)
		t.Cleanup(issuer.Close)
		key := pkitest.ECKey(t)
		ops := pkitest.NewAuthority(t, pki.Ops, pkitest.ECKey(t), o.now)
		leaf := ops.Party(t, key.Public(), "helpdesk", pki.RoleHelpdesk, pkitest.Leaf{})
		o.cases = &cases{Store: helpdeskstore.New(db)}
		var err error
		o.desk, err = helpdesk.New(helpdesk.Config{Party: "helpdesk", Issuer: issuer.URL, Signer: key, Chain: []*x509.Certificate{leaf, ops.Cert},
			Now: func() time.Time { return o.now }}, o.cases)
		if err != nil {
			t.Fatal(err)
		}
		f(t, o)
	})
}

var facts = helpdesk.Facts{Name: "手形　花子", Address: "見本県手形市一丁目2番3号", BirthDate: "1980-02-17", Sex: "female"}

func TestACallIsACaseWithoutAWordAboutTheCaller(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.answer["/v1/suspensions"] = map[string]string{"state": "held"}
		number, err := o.desk.Call(t.Context(), "A-01", facts)
		if err != nil || !strings.HasPrefix(number, "261122-") {
			t.Fatalf("%q, %v", number, err)
		}
		if len(o.asked) != 1 || !strings.Contains(o.asked[0], `"agent":"A-01"`) || !strings.Contains(o.asked[0], facts.Name) {
			t.Errorf("the issuer was asked %q", o.asked)
		}
		c, err := o.desk.CaseOf(t.Context(), number)
		if err != nil || len(c.Events) != 2 || c.Events[0].What != helpdesk.Asked || c.Last().What != helpdesk.Suspended || c.Agent != "A-01" {
			t.Errorf("the case is %+v, %v", c, err)
		}
		refused := problem.NewRefused(403, "facts-not-matched", "だめ", "です", "no", "no")
		for _, want := range []struct {
			answer any
			what   helpdesk.What
			code   string
		}{{refused, helpdesk.Refused, "facts-not-matched"}, {problem.Busy, helpdesk.NotAnswered, "busy"}} {
			o.answer["/v1/suspensions"] = want.answer
			number, err := o.desk.Call(t.Context(), "A-02", facts)
			if err == nil || number == "" {
				t.Fatalf("%s: %q, %v", want.code, number, err)
			}
			c, err := o.desk.CaseOf(t.Context(), number)
			if err != nil || c.Last().What != want.what || c.Last().Code != want.code {
				t.Errorf("%s: %+v, %v", want.code, c, err)
			}
		}
		o.holdsNothingOf(facts.Name, facts.Address, facts.BirthDate)
		if err := o.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFormThatIsNotFilledInIsNoCase(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		for field, spoil := range map[string]func(*helpdesk.Facts){
			"name": func(f *helpdesk.Facts) { f.Name = "　 " }, "address": func(f *helpdesk.Facts) { f.Address = strings.Repeat("市", 300) },
			"birth_date": func(f *helpdesk.Facts) { f.BirthDate = "2026-11-23" }, "sex": func(f *helpdesk.Facts) { f.Sex = "" },
		} {
			f := facts
			spoil(&f)
			_, err := o.desk.Call(t.Context(), "A-01", f)
			if !errors.Is(err, helpdesk.ErrFactsForm) || problem.From(err).Extra["field"] != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		if all, err := o.desk.Cases(t.Context()); err != nil || len(all) != 0 || o.cases.tried != 0 || len(o.asked) != 0 {
			t.Errorf("cases %+v, %v; the issuer was asked %q", all, err, o.asked)
		}
	})
}

func TestNoPhoneWaitsForANumber(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.answer["/v1/suspensions"] = map[string]string{"state": "held"}
		o.cases.taken = 20 // none is free, until the phone is stopped
		number, err := o.desk.Call(t.Context(), "A-01", facts)
		if err != nil || !regexp.MustCompile(`^261122-[0-9]{8}$`).MatchString(number) || len(o.asked) != 1 {
			t.Fatalf("%q, %v; the issuer was asked %q", number, err, o.asked)
		}
		c, err := o.desk.CaseOf(t.Context(), number)
		if err != nil || len(c.Events) != 2 || c.Events[0].What != helpdesk.Asked || c.Last().What != helpdesk.Suspended {
			t.Errorf("the case is %+v, %v", c, err)
		}
		v := o.seen()
		o.cases.full = true
		if number, err := o.desk.Call(t.Context(), "A-01", facts); err != nil || number != "" || len(o.asked) != 3 {
			t.Errorf("no case can be kept: %q, %v; the issuer was asked %q", number, err, o.asked)
		}
		if number, err := o.desk.SuspendSeen(t.Context(), "A-01", v.Support); err != nil || number != "" || len(o.asked) != 4 {
			t.Errorf("from a view: %q, %v; the issuer was asked %q", number, err, o.asked)
		}
		if err := o.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// holdsNothingOf looks through everything that the database holds.
func (o *office) holdsNothingOf(words ...string) {
	o.t.Helper()
	err := o.db.Read(o.t.Context(), func(tx store.Tx) error {
		for _, query := range []string{"SELECT number || kind || agent FROM case_file", "SELECT number || agent || what || code FROM case_event",
			"SELECT id || person FROM agent", "SELECT party || kind || actor || action || object || detail FROM store_audit"} {
			rows, err := tx.Query(o.t.Context(), query)
			if err != nil {
				return err
			}
			for rows.Next() {
				var text string
				if err := rows.Scan(&text); err != nil {
					return err
				}
				for _, w := range words {
					if strings.Contains(text, w) {
						o.t.Errorf("%q is in the database: %s", w, query)
					}
				}
			}
			if err := errors.Join(rows.Err(), rows.Close()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *office) opens(support string) {
	o.answer["/v1/support-views"] = map[string]any{"support": support, "stage": "registered", "error": "wrong-phone-pin", "made_at": o.now, "ends_at": o.now.Add(10 * time.Minute),
		"state": "registered", "pin_tries": 2, "password_tries": 5, "can_suspend": true, "certificates": []map[string]string{{"kind": "phone-auth", "state": "good"}}}
}

// seen is a view that the agent A-01 has opened.
func (o *office) seen() helpdesk.View {
	o.t.Helper()
	o.opens("view-1")
	v, err := o.desk.View(o.t.Context(), "A-01", "123456")
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

func TestAViewIsAskedForOncePerAgentAndEndsWithItsTime(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.opens("view-1")
		for _, number := range []string{"", "12345", "1234567", "12345a"} {
			if _, err := o.desk.View(t.Context(), "A-01", number); !errors.Is(err, helpdesk.ErrSupportForm) {
				t.Errorf("%q: %v", number, err)
			}
		}
		v, err := o.desk.View(t.Context(), "A-01", "123456")
		if err != nil || v.Stage != "registered" || v.PINTries != 2 || v.Certificates[0].State != "good" || v.Case == "" {
			t.Fatalf("%+v, %v", v, err)
		}
		for range 3 { // a page that asks whether anything is new asks nobody
			if again, err := o.desk.Again(t.Context(), "A-01", v.Support); err != nil || again.Case != v.Case {
				t.Fatalf("%+v, %v", again, err)
			}
		}
		if len(o.asked) != 1 {
			t.Errorf("the issuer was asked %d times", len(o.asked))
		}
		if other, err := o.desk.Again(t.Context(), "A-02", v.Support); err != nil || other.Case != v.Case || len(o.asked) != 2 {
			t.Errorf("another agent: %+v, %v; asked %d times", other, err, len(o.asked))
		}
		due, ok, err := o.desk.NextDue(t.Context())
		if err != nil || !ok || !due.Equal(v.EndsAt) {
			t.Errorf("due %v %v, %v", due, ok, err)
		}
		o.now = v.EndsAt
		if err := o.desk.RunDue(t.Context(), o.now); err != nil {
			t.Fatal(err)
		}
		if _, ok, _ := o.desk.NextDue(t.Context()); ok {
			t.Error("views are left")
		}
		over := problem.NewRefused(404, "support-number-unknown", "ない", "です", "no", "no")
		o.answer["/v1/support-views"] = over
		if _, err := o.desk.Again(t.Context(), "A-01", v.Support); !errors.Is(err, over) {
			t.Errorf("after ten minutes: %v", err)
		}
		c, err := o.desk.CaseOf(t.Context(), v.Case)
		if err != nil || len(c.Events) != 2 || c.Events[1].Agent != "A-02" || c.Kind != helpdesk.CaseSupport {
			t.Errorf("the case is %+v, %v", c, err)
		}
		o.holdsNothingOf("123456", "view-1")
	})
}

// Nobody came by to erase it: the moment counts.
func TestAnOldCopyIsNotShown(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		v := o.seen()
		o.now = v.EndsAt
		o.answer["/v1/support-views"] = problem.Busy
		if v, err := o.desk.Again(t.Context(), "A-01", v.Support); err == nil {
			t.Errorf("shown after its time: %+v", v)
		}
	})
}

func TestAViewLeadsToASuspensionInTheSameCase(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		v := o.seen()
		o.answer["/v1/suspensions"] = map[string]string{"state": "held"}
		number, err := o.desk.SuspendSeen(t.Context(), "A-01", v.Support)
		if err != nil || number != v.Case {
			t.Fatalf("%q, %v", number, err)
		}
		if last := o.asked[len(o.asked)-1]; !strings.Contains(last, `"support":"view-1"`) || !strings.Contains(last, `"agent":"A-01"`) {
			t.Errorf("the issuer was asked %s", last)
		}
		n := len(o.asked)
		if _, err := o.desk.Again(t.Context(), "A-01", v.Support); err != nil || len(o.asked) != n+1 {
			t.Errorf("the copy from before is shown: %v", err)
		}
		if _, err := o.desk.SuspendSeen(t.Context(), "A-01", "never seen"); !errors.Is(err, helpdesk.ErrNoCase) {
			t.Errorf("a view that was never seen: %v", err)
		}
	})
}

func TestAHelperHasNoCaseAndNoAgent(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.opens("view-1")
		a, err := o.desk.Advise(t.Context(), "123456", "203.0.113.5")
		if err != nil || a.Stage != "registered" || a.Error != "wrong-phone-pin" {
			t.Fatalf("%+v, %v", a, err)
		}
		if strings.Contains(o.asked[0], "agent") || !strings.Contains(o.asked[0], `"source":"203.0.113.5"`) {
			t.Errorf("the issuer was asked %s", o.asked[0])
		}
		if all, err := o.desk.Cases(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("cases: %+v, %v", all, err)
		}
	})
}

func TestTheRosterIsByWhomACardBelongsTo(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		o.answer["/v1/staff/linkage"] = map[string]string{"person": "jiro-here"}
		for range 2 {
			if err := o.desk.Enrol(t.Context(), "A-01", []byte("a card")); err != nil {
				t.Fatal(err)
			}
		}
		if len(o.asked) != 1 {
			t.Errorf("asked %d times whose the card is", len(o.asked))
		}
		s, err := o.desk.Staff(t.Context(), "jiro-here")
		if err != nil || s.ID != "A-01" {
			t.Errorf("%+v, %v", s, err)
		}
		if _, err := o.desk.Staff(t.Context(), "somebody else"); !errors.Is(err, desk.ErrNotStaff) {
			t.Errorf("somebody else: %v", err)
		}
		o.answer["/v1/staff/linkage"] = map[string]string{}
		if _, err := o.desk.Whose(t.Context(), []byte("a card")); err == nil {
			t.Error("an answer without a person is a person")
		}
	})
}

func TestEveryCodeOfAPhoneHasWords(t *testing.T) {
	codes, err := helpdesk.OpenCodes()
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{"wrong-phone-pin", "card-removed", "unsupported-phone", "card-revoked", "no-network"} {
		if m, ok := codes[code]; !ok || m.Title.JA == "" || m.Detail.EN == "" || m.Kind == "" {
			t.Errorf("%s: %+v", code, m)
		}
	}
}
