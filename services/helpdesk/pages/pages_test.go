package pages

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/internal/ui"
	"tegata/internal/ui/uitest"
	"tegata/services/desk"
	"tegata/services/helpdesk"
)

func TestEveryStringIsThereInBothLanguagesAndNoneIsLeftOver(t *testing.T) {
	html, err := fs.Sub(htmlFiles, "html")
	if err != nil {
		t.Fatal(err)
	}
	uitest.Words(t, html, ".")
}

func moment() time.Time { return time.Date(2026, 11, 22, 0, 41, 0, 0, time.UTC) }

func sampleView() helpdesk.View {
	return helpdesk.View{Advice: helpdesk.Advice{Stage: "registered", Error: "wrong-phone-pin", MadeAt: moment(), EndsAt: moment().Add(10 * time.Minute)},
		Support: "pTz7Jq0c5Zf1k2wYdWmX3A", State: "registered", PINTries: 2, PasswordTries: 0, Biometrics: "off", CanSuspend: true, Case: "261122-04170283", At: moment(),
		Certificates: []helpdesk.Certificate{{Kind: "phone-auth", State: "good"}, {Kind: "phone-sign", State: "held", Holds: []string{"lost"}}}}
}

func sampleCase() helpdesk.Case {
	return helpdesk.Case{Number: "261122-04170283", Kind: helpdesk.CaseCall, Agent: "A-01", OpenedAt: moment(), Events: []helpdesk.Event{
		{At: moment(), Agent: "A-01", What: helpdesk.Asked}, {At: moment(), Agent: "A-01", What: helpdesk.Refused, Code: "facts-not-matched"},
		{At: moment(), Agent: "A-01", What: helpdesk.Suspended}}}
}

func samples(t *testing.T) []uitest.Page {
	t.Helper()
	codes, err := helpdesk.OpenCodes()
	if err != nil {
		t.Fatal(err)
	}
	h := &Handler{codes: codes}
	page := func(name, file string, data any) uitest.Page {
		return uitest.Page{Name: name, Screen: ui.Screen{Page: file, Data: data, Poll: alivePoll}}
	}
	v := sampleView()
	refused := problem.NewRefused(403, "facts-not-matched", "この4つの情報で一時停止できるスマホはありません。", "聞き間違いがないか、確かめてください。", "No phone can be suspended by these four facts.", "Go through them once more.").With("tries_left", 3)
	facts := helpdesk.Facts{Name: "手形　花子", Address: "見本県手形市一丁目2番3号", BirthDate: "1980-02-17", Sex: "female"}
	ended := v
	ended.State, ended.Stage, ended.Ended, ended.Certificates, ended.CanSuspend, ended.Error = "ended", "ended", "stopped", nil, false, "never-heard-of"
	none := v
	none.Error = ""
	c := sampleCase()
	out := []uitest.Page{
		page("01-start", "start", startPage{}),
		page("10-home", "home", homePage{Agent: "A-01", Cases: []helpdesk.Case{c}}), page("11-home-empty", "home", homePage{Agent: "A-01"}),
		page("12-call", "call", callPage{}), page("13-call-refused", "call", callPage{Facts: facts, Case: c.Number, Trouble: ui.TroubleOf(nil, refused)}),
		page("14-suspended", "suspended", suspendedPage{Case: c, At: moment()}),
		page("14-suspended-no-number", "suspended", suspendedPage{At: moment()}),
		page("15-support", "support", supportPage{}), page("16-support-form", "support", supportPage{ui.TroubleOf(nil, helpdesk.ErrSupportForm)}),
		page("17-view", "view", viewPage{View: v, Error: h.means(v.Error)}), page("18-view-ended", "view", viewPage{View: ended, Error: h.means(ended.Error)}),
		page("19-view-no-error", "view", viewPage{View: none, Error: h.means("")}),
		page("20-over", "over", overPage{Agent: true}), page("21-over-helper", "over", overPage{}),
		page("22-cases", "cases", casesPage{[]helpdesk.Case{c}}), page("23-cases-empty", "cases", casesPage{}),
		page("24-case", "case", casePage{Case: c, Events: []caseEvent{{c.Events[0], nil}, {c.Events[1], h.means("facts-not-matched")}, {c.Events[2], h.means("x")}}}),
		page("30-helper", "helper", helperPage{}), page("31-helper-sees", "helper", helperPage{Advice: &v.Advice, Error: h.means(v.Error)}),
		page("32-helper-wrong", "helper", helperPage{Trouble: ui.TroubleOf(nil, helpdesk.ErrSupportForm)}),
	}
	report := func(state helpdesk.ReportState) helpdesk.Case {
		c := helpdesk.Case{Number: "04215533", Kind: helpdesk.CaseReport, OpenedAt: moment(), State: state, Events: []helpdesk.Event{{At: moment(), What: helpdesk.Reported}},
			Report: &helpdesk.Report{ID: "AAAAAAAAAAAAAAAAAAAAAA", From: "portal", UsedAt: moment(), Party: "aoba", Name: ceremony.Text{JA: "あおば銀行", EN: "Aoba Bank"}, Verdict: ceremony.Failed, Code: "match-wrong"}}
		if state != helpdesk.ReportOpen {
			c.Events = append(c.Events, helpdesk.Event{At: moment(), Agent: "A-01", What: helpdesk.Viewed}, helpdesk.Event{At: moment(), Agent: "A-01", What: helpdesk.Taken},
				helpdesk.Event{At: moment(), Agent: "A-01", What: helpdesk.Noted, Code: "explained"})
		}
		if state == helpdesk.ReportClosed {
			c.Events = append(c.Events, helpdesk.Event{At: moment(), Agent: "A-02", What: helpdesk.Closed, Code: "not-theirs"})
		}
		return c
	}
	known := helpdesk.ReportView{Known: true, State: "registered", Certificates: v.Certificates, At: moment()}
	passed := report(helpdesk.ReportOpen)
	passed.Report = &helpdesk.Report{ID: "B", UsedAt: moment(), Party: "aoba", Verdict: ceremony.Passed}
	out = append(out, page("25-reports", "reports", reportsPage{[]helpdesk.Case{report(helpdesk.ReportTaken), report(helpdesk.ReportOpen)}}), page("26-reports-empty", "reports", reportsPage{}),
		page("27-report-open", "report", h.reportPage(report(helpdesk.ReportOpen), known, nil)), page("27-report-unlinked", "report", h.reportPage(passed, helpdesk.ReportView{}, nil)),
		page("28-report-taken", "report", h.reportPage(report(helpdesk.ReportTaken), known, ui.TroubleOf(nil, helpdesk.ErrReportMoved))),
		page("29-report-closed", "report", h.reportPage(report(helpdesk.ReportClosed), helpdesk.ReportView{Known: true}, nil)))
	for _, s := range []desk.State{desk.StatePut, desk.StateTake, desk.StatePIN} {
		out = append(out, page("02-enter-"+string(s), "enter", enterPage{State: s, Number: "07", Until: moment(), Hold: "http://street.localhost:8400/hold"}))
	}
	out = append(out, page("03-enter-wrong", "enter", enterPage{State: desk.StatePIN, Number: "07", Until: moment(), Trouble: ui.TroubleOf(nil, desk.ErrPIN.With("tries_left", 1))}))
	for _, err := range []*problem.Problem{desk.ErrNotSignedIn, desk.ErrCardTaken, desk.ErrIdle, desk.ErrTaken, desk.ErrCrowded, desk.ErrNotStaff, desk.ErrCardUnchecked, helpdesk.ErrNoCase, ui.ErrNoPage} {
		out = append(out, page("40-"+err.Code, "trouble", ui.TroublePage{Trouble: ui.TroubleOf(nil, err).With(ui.Text{}, ui.Action{Label: "はじめの画面へ", URL: "/"})}))
	}
	return out
}

func site(t *testing.T) *ui.Site {
	t.Helper()
	s, err := newSite(Options{Sandbox: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryPageRendersInBothLanguages(t *testing.T) { uitest.Pages(t, site(t), samples(t)) }

func TestPreview(t *testing.T) { uitest.Preview(t, site(t), samples(t)) }

// AT-S02: no screen of the console has a field for a secret, not even one that is not
// called so. Whatever can be typed is one of the few fields that are named here.
func TestNoPageHasAFieldForASecret(t *testing.T) {
	fields := map[string]string{"name": "text", "address": "text", "birth_date": "date", "sex": "radio", "number": "text", "back": "hidden", "step": "radio", "outcome": "radio"}
	input := regexp.MustCompile(`<(?:input|textarea|select)\b[^>]*>`)
	attribute := func(tag, name string) string {
		m := regexp.MustCompile(`\s` + name + `="([^"]*)"`).FindStringSubmatch(tag)
		if m == nil {
			return ""
		}
		return m[1]
	}
	sampled := map[string]bool{}
	for _, p := range samples(t) {
		sampled[p.Screen.Page+".html"] = true
		w := httptest.NewRecorder()
		if err := site(t).Render(w, httptest.NewRequest("GET", "/", nil), p.Screen); err != nil {
			t.Fatal(err)
		}
		html := w.Body.String()
		for _, word := range []string{`type="password"`, "data-pin", "keypad", "one-time-code"} {
			if strings.Contains(html, word) {
				t.Errorf("%s has %s", p.Name, word)
			}
		}
		for _, tag := range input.FindAllString(html, -1) {
			if name := attribute(tag, "name"); fields[name] == "" || fields[name] != attribute(tag, "type") {
				t.Errorf("%s has a field that nobody thought of: %s", p.Name, tag)
			}
		}
	}
	files, err := fs.Glob(htmlFiles, "html/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := strings.TrimPrefix(f, "html/")
		if !sampled[name] && !strings.HasSuffix(name, ".part.html") {
			t.Errorf("no sample of %s was looked at", name)
		}
	}
}

// office is a desk at which one browser is signed in, and a helpdesk behind it.
type office struct {
	Helpdesk
	err    error  // of every call
	agent  string // of the last call
	facts  helpdesk.Facts
	signed bool
	peeked int
	unkept bool // no case could be kept
}

func (o *office) Begin(string) (string, error) { return "token", nil }
func (o *office) Step(context.Context, string) (desk.Progress, error) {
	return desk.Progress{State: desk.StatePIN, Until: moment(), Wrong: o.err}, nil
}
func (o *office) Signed(_ context.Context, token string) (desk.Staff, error) {
	if !o.signed || token != "token" {
		return desk.Staff{}, desk.ErrCardTaken
	}
	return desk.Staff{ID: "A-01"}, nil
}
func (o *office) Peek(ctx context.Context, token string) (desk.Staff, error) {
	o.peeked++
	return o.Signed(ctx, token)
}
func (o *office) Leave(string)   { o.signed = false }
func (o *office) Reader() string { return "127.0.0.1:8418" }

// number is the number of the case, when one could be kept.
func (o *office) number() string {
	if o.unkept {
		return ""
	}
	return sampleCase().Number
}

func (o *office) Call(_ context.Context, agent string, f helpdesk.Facts) (string, error) {
	o.agent, o.facts = agent, f
	return o.number(), o.err
}
func (o *office) View(_ context.Context, agent, _ string) (helpdesk.View, error) {
	o.agent = agent
	return sampleView(), o.err
}
func (o *office) Again(_ context.Context, agent, _ string) (helpdesk.View, error) {
	o.agent = agent
	return sampleView(), o.err
}
func (o *office) SuspendSeen(_ context.Context, agent, _ string) (string, error) {
	o.agent = agent
	return o.number(), o.err
}
func (o *office) Advise(context.Context, string, string) (helpdesk.Advice, error) {
	return sampleView().Advice, o.err
}
func (o *office) Cases(context.Context) ([]helpdesk.Case, error) {
	return []helpdesk.Case{sampleCase()}, nil
}
func (o *office) CaseOf(context.Context, string) (helpdesk.Case, error) { return sampleCase(), nil }

func (o *office) ask(t *testing.T, method, path string, form url.Values, polling bool) (*http.Response, string) {
	t.Helper()
	h, err := New(Options{Helpdesk: o, Desk: o, Origin: "http://helpdesk.localhost:8413", Hold: "http://street.localhost:8400/hold", Sandbox: true, Now: moment})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: "desk", Value: "token"})
	if polling {
		r.Header.Set("Tegata-Poll", "1")
	}
	w := httptest.NewRecorder()
	h.Routes().ServeHTTP(w, r)
	b, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(b)
}

// The agents' pages ask for the card, each time.
func TestNothingIsThereWithoutACard(t *testing.T) {
	o := &office{}
	for _, path := range []string{"/home", "/call", "/support", "/support/x", "/suspended/x", "/cases", "/cases/x"} {
		r, body := o.ask(t, "GET", path, nil, false)
		if r.StatusCode != http.StatusUnauthorized || !strings.Contains(body, desk.ErrCardTaken.JA.Title) || strings.Contains(body, "261122") {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	for _, path := range []string{"/call", "/support", "/support/x/suspend"} {
		if r, _ := o.ask(t, "POST", path, url.Values{"number": {"123456"}}, false); r.Header.Get("Location") != "/trouble" || o.agent != "" {
			t.Errorf("%s: %d to %q as %q", path, r.StatusCode, r.Header.Get("Location"), o.agent)
		}
	}
}

func TestAPageThatAsksByItselfIsNoPress(t *testing.T) {
	o := &office{signed: true}
	o.ask(t, "GET", "/home", nil, true)
	if o.peeked != 1 {
		t.Errorf("peeked %d times", o.peeked)
	}
	if o.ask(t, "GET", "/home", nil, false); o.peeked != 1 {
		t.Error("a press only peeked")
	}
}

func TestARefusedCallKeepsWhatWasTypedOnThePageAlone(t *testing.T) {
	o := &office{signed: true, err: problem.NewRefused(403, "facts-not-matched", "合いません。", "もう一度。", "No.", "Again.")}
	form := url.Values{"name": {"手形 花子"}, "address": {"手形市1-2-3"}, "birth_date": {"1980-02-17"}, "sex": {"female"}}
	r, body := o.ask(t, "POST", "/call", form, false)
	if r.StatusCode != 403 || o.agent != "A-01" || o.facts.Address != "手形市1-2-3" || !strings.Contains(body, `value="手形市1-2-3"`) {
		t.Errorf("%d as %q: %+v", r.StatusCode, o.agent, o.facts)
	}
	if len(r.Cookies()) != 0 {
		t.Errorf("cookies were set: %v", r.Cookies())
	}
	o.err = nil
	if r, _ = o.ask(t, "POST", "/call", form, false); r.StatusCode != http.StatusSeeOther || r.Header.Get("Location") != "/suspended/261122-04170283" {
		t.Errorf("%d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

// A phone that was stopped is stopped, also when no number could be kept; and whether the
// owner is told now depends on whether it was stopped before, which no page knows.
func TestWhatIsSaidAfterASuspensionIsTrue(t *testing.T) {
	form := url.Values{"name": {"手形 花子"}, "address": {"手形市1-2-3"}, "birth_date": {"1980-02-17"}, "sex": {"female"}}
	o := &office{signed: true, unkept: true}
	for _, path := range []string{"/call", "/support/x/suspend"} {
		r, body := o.ask(t, "POST", path, form, false)
		if r.StatusCode != http.StatusOK || !strings.Contains(body, "一時停止しました") || !strings.Contains(body, "いま受付番号を出せません") || strings.Contains(body, "lockcode") {
			t.Errorf("%s without a number: %d", path, r.StatusCode)
		}
	}
	o.unkept = false
	_, body := o.ask(t, "GET", "/suspended/261122-04170283", nil, false)
	if strings.Contains(body, "お知らせを送りました") || !strings.Contains(body, "前から止まっていたときは") || !strings.Contains(body, "261122-04170283") {
		t.Error("the page says that a notice was sent, whether or not one was")
	}
}

func TestAfterTenMinutesThePageShowsNothing(t *testing.T) {
	o := &office{signed: true}
	_, body := o.ask(t, "GET", "/support/x", nil, false)
	if !strings.Contains(body, "wrong-phone-pin") {
		t.Error("the view does not show the code")
	}
	o.err = problem.NewRefused(404, "support-number-unknown", "ない", "です", "no", "no")
	_, body = o.ask(t, "GET", "/support/x", nil, false)
	if !strings.Contains(body, "10分が過ぎました") || strings.Contains(body, "wrong-phone-pin") {
		t.Errorf("after ten minutes: %s", body)
	}
}

// A helper's page leaves by itself when the number is over, and has nothing to press.
func TestAHelperCanOnlyRead(t *testing.T) {
	o := &office{}
	r, body := o.ask(t, "POST", "/helper", url.Values{"number": {"482 913"}}, false)
	if r.StatusCode != 200 || r.Header.Get("Refresh") != "600; url=/helper?over=1" || !strings.Contains(body, "wrong-phone-pin") {
		t.Errorf("%d, refresh %q", r.StatusCode, r.Header.Get("Refresh"))
	}
	forms := regexp.MustCompile(`action="([^"]+)"`).FindAllStringSubmatch(body, -1)
	if len(forms) != 1 || forms[0][1] != "/language" {
		t.Errorf("there is something to press: %v", forms)
	}
	for _, hidden := range []string{"利用者証明用", "261122", "pTz7Jq0c5Zf1k2wYdWmX3A"} {
		if strings.Contains(body, hidden) {
			t.Errorf("a helper sees %q", hidden)
		}
	}
	o.err = helpdesk.ErrSupportForm
	if r, _ := o.ask(t, "POST", "/helper", url.Values{"number": {"1"}}, false); r.Header.Get("Location") != "/helper" {
		t.Errorf("a wrong number: %d to %q", r.StatusCode, r.Header.Get("Location"))
	}
}

func TestTheWaitLeadsToTheReader(t *testing.T) {
	o := &office{err: errors.New("x")}
	_, body := o.ask(t, "GET", "/enter", nil, false)
	if !strings.Contains(body, "http://street.localhost:8400/hold?back=http%3A%2F%2Fhelpdesk.localhost%3A8413%2Fenter&amp;reader=127.0.0.1%3A8418") {
		t.Error("no way to the reader")
	}
}
