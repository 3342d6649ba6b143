package portal_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/services/portal"
)

// serveDesk answers what the desk asks of issuer and verifier, against the grants of one
// login.
func (w *world) serveDesk(rw http.ResponseWriter, r *http.Request) bool {
	grant := r.Header.Get(ceremony.GrantHeader)
	var change ceremony.RulesChange
	switch {
	case r.URL.Path == "/v1/suspensions" && (grant == "suspend-grant" || grant == "trust-grant" || grant == ""):
		var body struct {
			Report, Trust string
			Repeat        bool
			Code          string `json:"lock_code"`
		}
		json.NewDecoder(r.Body).Decode(&body)
		if (grant == "") != (body.Code != "") || (grant == "trust-grant") != (body.Trust != "") {
			http.Error(rw, "", http.StatusForbidden)
			return true
		}
		if w.asked != nil { // a real issuer's transaction ends with its caller
			w.asked()
			select {
			case <-r.Context().Done():
				return true
			case <-time.After(100 * time.Millisecond):
			}
		}
		switch {
		case w.refusal != nil:
			httpd.WriteProblem(rw, r, w.refusal)
			return true
		case w.unheld:
			http.Error(rw, "", http.StatusServiceUnavailable)
			return true
		}
		w.reported, w.repeated = body.Report, body.Repeat
		w.suspensions++
		if w.lost {
			w.lost = false
			panic(http.ErrAbortHandler)
		}
		httpd.WriteJSON(rw, http.StatusOK, map[string]any{"at": w.now})
	case r.URL.Path == "/v1/rules" && grant == "rules-grant" && r.Method == http.MethodGet:
		httpd.WriteJSON(rw, http.StatusOK, ceremony.HeldRules{Rules: w.rules})
	case r.URL.Path == "/v1/rules" && grant == "rules-grant" && r.Method == http.MethodPut:
		json.NewDecoder(r.Body).Decode(&change)
		w.rules = change.Rules
		httpd.WriteJSON(rw, http.StatusOK, ceremony.HeldRules{Rules: w.rules})
	case r.URL.Path == "/v1/rules/proposals" && grant == "rules-grant" && r.Method == http.MethodPost:
		json.NewDecoder(r.Body).Decode(&change)
		w.proposals = append(w.proposals, change)
		httpd.WriteJSON(rw, http.StatusOK, ceremony.RulesPrepared{URL: "x"})
	case r.URL.Path == "/v1/links" && grant == "links-grant":
		httpd.WriteJSON(rw, http.StatusOK, w.links)
	case r.Method == http.MethodPost && grant == "links-grant" && strings.HasPrefix(r.URL.Path, "/v1/links/"):
		for i := range w.links.Links {
			if l := &w.links.Links[i]; r.URL.Path == "/v1/links/"+l.ID+"/end" && l.Ended == 0 {
				l.Ended, l.Why = w.now.Unix(), ceremony.EndedByHolder
			}
		}
		httpd.WriteJSON(rw, http.StatusOK, w.links)
	default:
		return false
	}
	return true
}

// deskLogin is a browser that is logged in with grants for everything.
func (w *world) deskLogin(t *testing.T, login string) string {
	t.Helper()
	browser, _, err := w.Begin(t.Context(), ceremony.Same)
	if err != nil {
		t.Fatal(err)
	}
	w.result, w.code = passed(ceremony.Same), ceremony.NewID()
	w.result.Session = login
	w.result.Grants[ceremony.ScopeSuspend], w.result.Grants[ceremony.ScopeRules] = "suspend-grant", "rules-grant"
	w.result.Grants[ceremony.ScopeLinks] = "links-grant"
	w.result.Grants[ceremony.ScopeTrust] = "trust-grant"
	session, err := w.Return(t.Context(), browser, w.code)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func TestNotMeStopsThePhoneAndOpensOneCase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		session := w.deskLogin(t, "")
		home, err := w.HomeOf(ctx, session)
		if err != nil || len(home.Snapshot.Uses) != 1 || len(home.Snapshot.Queries) != 1 || home.Snapshot.Queries[0].What != "linkage" {
			t.Fatalf("%+v, %v", home, err)
		}
		id := portal.UseID(home.Snapshot.Uses[0])

		// The issuer is away: the number is there all the same, and says that nothing is stopped.
		w.unheld = true
		c, err := w.NotMe(ctx, session, id)
		if err == nil || len(c.Number) != 8 || !c.Suspended.IsZero() {
			t.Fatalf("%+v, %v", c, err)
		}
		w.unheld = false
		again, err := w.NotMe(ctx, session, id) // pressed again
		if err != nil || again.Number != c.Number || !again.Suspended.Equal(morning) {
			t.Fatalf("%+v, %v", again, err)
		}
		for range 2 {
			if c, err := w.HoldFor(ctx, session, c.Number); err != nil || !c.Suspended.Equal(morning) {
				t.Fatalf("%+v, %v", c, err)
			}
		}
		all, err := w.CasesOf(ctx, session)
		if err != nil || len(all) != 1 || all[0].Use.Party != "portal" || w.suspensions != 1 {
			t.Errorf("%+v, %v, stopped %d times", all, err, w.suspensions)
		}
		if _, err := w.NotMe(ctx, session, "no such use"); !errors.Is(err, portal.ErrNoUse) {
			t.Error(err)
		}
		if _, err := w.CaseOf(ctx, session, "00000000"); !errors.Is(err, portal.ErrNoCase) {
			t.Error(err)
		}
		// Nobody else's, and nobody's who is not logged in.
		other := passed(ceremony.Same)
		other.Sub = "person-2"
		browser, _, err := w.Begin(ctx, ceremony.Same)
		if err != nil {
			t.Fatal(err)
		}
		w.result, w.code = other, ceremony.NewID()
		stranger, err := w.Return(ctx, browser, w.code)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.CaseOf(ctx, stranger, c.Number); !errors.Is(err, portal.ErrNoCase) {
			t.Errorf("somebody else's case: %v", err)
		}
		if _, err := w.NotMe(ctx, "", id); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Error(err)
		}
		if _, err := w.RulesOf(ctx, stranger); !errors.Is(err, portal.ErrNoRules) {
			t.Errorf("a login without a grant: %v", err)
		}
	})
}

func TestStricterHoldsAtOnceAndLooserWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		session := w.deskLogin(t, "")
		held, err := w.RulesOf(ctx, session)
		if err != nil {
			t.Fatal(err)
		}
		done, err := w.ChangeRules(ctx, session, ceremony.NewID(), held.Rules, ceremony.Rules{Locked: []ceremony.Category{ceremony.Private}})
		if err != nil || done.Waits || w.rules.Version != 1 || !w.rules.Locks(ceremony.Private) {
			t.Fatalf("%+v, %v, %+v", done, err, w.rules)
		}
		id := ceremony.NewID()
		done, err = w.ChangeRules(ctx, session, id, w.rules, ceremony.Rules{Locked: []ceremony.Category{ceremony.Tax}})
		if err != nil || !done.Waits || done.Proposal != id || w.rules.Version != 1 || len(w.proposals) != 1 || w.proposals[0].Rules.Version != 2 || w.proposals[0].ID != id {
			t.Errorf("%+v, %v, %+v", done, err, w.proposals)
		}
		// The grant ends with the session.
		if err := w.Logout(ctx, session); err != nil {
			t.Fatal(err)
		}
		if _, err := w.RulesOf(ctx, session); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Error(err)
		}
		session = w.deskLogin(t, "")
		w.now = w.now.Add(2 * time.Hour)
		if _, err := w.ChangeRules(ctx, session, ceremony.NewID(), w.rules, ceremony.Rules{}); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Errorf("two hours later: %v", err)
		}
	})
}

// The report that stops the phone ends the session with it; its number stays in sight
// of whoever made it, and nothing else does.
func TestTheNumberOfAReportOutlivesItsSession(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		login := ceremony.NewID()
		session := w.deskLogin(t, login)
		home, err := w.HomeOf(ctx, session)
		if err != nil {
			t.Fatal(err)
		}
		id := portal.UseID(home.Snapshot.Uses[0])
		c, err := w.NotMe(ctx, session, id)
		if err != nil {
			t.Fatal(err)
		}
		w.tell(t, w.verifier, nil, login, ceremony.CertificateHeld)
		w.hear(t)
		w.wantSession(t, session, portal.ErrSessionHeld)
		if again, err := w.NotMe(ctx, session, id); err != nil || again.Number != c.Number {
			t.Errorf("pressed again: %+v, %v", again, err)
		}
		if shown, err := w.CaseOf(ctx, session, c.Number); err != nil || shown.Number != c.Number || shown.Suspended.IsZero() {
			t.Errorf("%+v, %v", shown, err)
		}
		for what, err := range map[string]error{
			"the list":    func() error { _, err := w.CasesOf(ctx, session); return err }(),
			"another use": func() error { _, err := w.NotMe(ctx, session, "another"); return err }(),
			"the limits":  func() error { _, err := w.RulesOf(ctx, session); return err }(),
		} {
			if !errors.Is(err, portal.ErrSessionHeld) {
				t.Errorf("%s: %v", what, err)
			}
		}
		w.now = w.now.Add(10 * time.Minute)
		if _, err := w.CaseOf(ctx, session, c.Number); err != nil {
			t.Errorf("ten minutes later: %v", err)
		}
		w.now = w.now.Add(time.Second)
		if _, err := w.CaseOf(ctx, session, c.Number); !errors.Is(err, portal.ErrSessionHeld) {
			t.Errorf("after ten minutes: %v", err)
		}
		if c, err := w.NotMe(ctx, session, id); !errors.Is(err, portal.ErrSessionHeld) {
			t.Errorf("pressed again after ten minutes: %+v, %v", c, err)
		}
		w.now = w.now.Add(2 * time.Hour)
		if _, err := w.CaseOf(ctx, session, c.Number); !errors.Is(err, portal.ErrNotLoggedIn) {
			t.Errorf("after the session's time: %v", err)
		}
	})
}

// The stopped phone may be in somebody else's hand, with a session of its own: what the
// owner reports elsewhere is not to be seen there, and nothing anywhere after a log-out.
func TestAReportIsShownOnlyWhereItWasMade(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ctx := t.Context()
		thiefs, owners := ceremony.NewID(), ceremony.NewID()
		thief, owner := w.deskLogin(t, thiefs), w.deskLogin(t, owners)
		home, err := w.HomeOf(ctx, owner)
		if err != nil {
			t.Fatal(err)
		}
		id := portal.UseID(home.Snapshot.Uses[0])
		c, err := w.NotMe(ctx, owner, id)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.CaseOf(ctx, thief, c.Number); err != nil {
			t.Fatalf("while both are logged in: %v", err)
		}
		for _, login := range []string{thiefs, owners} {
			w.tell(t, w.verifier, nil, login, ceremony.CertificateHeld)
		}
		w.hear(t)
		if seen, err := w.CaseOf(ctx, thief, c.Number); !errors.Is(err, portal.ErrSessionHeld) || seen.Number != "" {
			t.Errorf("the other browser sees %+v, %v", seen, err)
		}
		if seen, err := w.NotMe(ctx, thief, id); !errors.Is(err, portal.ErrSessionHeld) || seen.Number != "" {
			t.Errorf("the other browser reports and sees %+v, %v", seen, err)
		}
		if seen, err := w.CaseOf(ctx, owner, c.Number); err != nil || seen.Use.Party != "portal" {
			t.Errorf("who made the report sees %+v, %v", seen, err)
		}
		if err := w.Logout(ctx, owner); err != nil {
			t.Fatal(err)
		}
		if seen, err := w.CaseOf(ctx, owner, c.Number); !errors.Is(err, portal.ErrNotLoggedIn) || seen.Number != "" {
			t.Errorf("after the log-out: %+v, %v", seen, err)
		}
		if seen, err := w.NotMe(ctx, owner, id); !errors.Is(err, portal.ErrNotLoggedIn) || seen.Number != "" {
			t.Errorf("reported after the log-out: %+v, %v", seen, err)
		}
	})
}
