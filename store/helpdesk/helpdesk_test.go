package helpdesk_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/audit"
	"tegata/services/helpdesk"
	"tegata/store"
	helpdeskstore "tegata/store/helpdesk"
	"tegata/store/storetest"
)

var (
	at  = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	who = audit.Actor{Party: "helpdesk", Kind: "person", ID: "A-01"}
)

func TestTheRosterNamesWhoIsOnIt(t *testing.T) {
	storetest.Each(t, helpdeskstore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := helpdeskstore.New(db), t.Context()
		a := helpdesk.Agent{ID: "A-01", Person: "p", AddedAt: at}
		if _, err := s.AgentOf(ctx, "p"); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Fatalf("nobody is on it: %v", err)
		}
		if err := s.PutAgent(ctx, who, a); err != nil {
			t.Fatal(err)
		}
		if got, err := s.AgentOf(ctx, "p"); err != nil || got != a {
			t.Fatalf("got %+v, %v", got, err)
		}
		if err := s.PutAgent(ctx, who, helpdesk.Agent{ID: "A-02", Person: "p", AddedAt: at}); err == nil {
			t.Error("one person has two names")
		}
		a.EndedAt = at.Add(time.Hour)
		if err := s.PutAgent(ctx, who, a); err != nil {
			t.Fatal(err)
		}
		if _, err := s.AgentOf(ctx, "p"); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Fatalf("taken off: %v", err)
		}
		if all, err := s.Agents(ctx); err != nil || len(all) != 1 || all[0] != a {
			t.Errorf("the roster is %+v, %v", all, err)
		}
	})
}

func TestACaseKeepsWhatWasDone(t *testing.T) {
	storetest.Each(t, helpdeskstore.Schema, func(t *testing.T, db *store.DB) {
		s, ctx := helpdeskstore.New(db), t.Context()
		c := helpdesk.Case{Number: "261122-0001", Kind: helpdesk.CaseSupport, Reference: [32]byte{7}, Agent: "A-01", OpenedAt: at,
			Events: []helpdesk.Event{{At: at, Agent: "A-01", What: helpdesk.Viewed}}}
		if err := s.OpenCase(ctx, who, c); err != nil {
			t.Fatal(err)
		}
		if err := s.OpenCase(ctx, who, c); !errors.Is(err, helpdesk.ErrTaken) {
			t.Errorf("the same number again: %v", err)
		}
		e := helpdesk.Event{At: at.Add(time.Minute), Agent: "A-02", What: helpdesk.Refused, Code: "no-phone"}
		if err := s.Note(ctx, who, c.Number, e); err != nil {
			t.Fatal(err)
		}
		if err := s.Note(ctx, who, "261122-0002", e); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("a case that is not there: %v", err)
		}
		c.Events = append(c.Events, e)
		if got, err := s.Case(ctx, c.Number); err != nil || cmp.Diff(c, got) != "" {
			t.Errorf("%v: %s", err, cmp.Diff(c, got))
		}
		if got, err := s.CaseAbout(ctx, c.Reference); err != nil || got.Number != c.Number {
			t.Errorf("by what it is about: %+v, %v", got, err)
		}
		if _, err := s.CaseAbout(ctx, [32]byte{8}); !errors.Is(err, helpdesk.ErrNotFound) {
			t.Errorf("about something else: %v", err)
		}
		other := helpdesk.Case{Number: "261122-0003", Kind: helpdesk.CaseCall, Agent: "A-01", OpenedAt: at.Add(time.Hour),
			Events: []helpdesk.Event{{At: at.Add(time.Hour), Agent: "A-01", What: helpdesk.Asked}}}
		if err := s.OpenCase(ctx, who, other); err != nil {
			t.Fatal(err)
		}
		all, err := s.Cases(ctx, 10)
		if err != nil || len(all) != 2 || all[0].Number != other.Number || all[1].Last() != e {
			t.Errorf("the list is %+v, %v", all, err)
		}
		if err := db.CheckAudit(ctx); err != nil {
			t.Error(err)
		}
	})
}
