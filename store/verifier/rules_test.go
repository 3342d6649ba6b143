package verifier_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/store"
	"tegata/store/verifier"
	"tegata/verifier/gateway"
)

var holder = audit.Actor{Party: "portal", Kind: "person", ID: "p"}

func rulesOf(version int64, locked ...ceremony.Category) ceremony.Rules {
	return ceremony.Rules{Version: version, Locked: locked}
}

func changeTo(id string, r ceremony.Rules) gateway.RulesChange {
	return gateway.RulesChange{ID: id, Person: "p", Rules: r, By: ceremony.RulesByParty, Party: "portal", At: now}
}

func TestRulesAreComparedAndSet(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, want := t.Context(), wants(t)
		if r, err := s.Rules(ctx, "p"); err != nil || r.Version != 0 || !r.Empty() {
			t.Fatalf("%+v, %v", r, err)
		}
		want(s.PutRules(ctx, holder, changeTo("b", rulesOf(2))), gateway.ErrRulesChanged) // does not follow on nothing
		want(s.PutRules(ctx, holder, changeTo("a", rulesOf(1, ceremony.Tax, ceremony.Kiosk))), nil)
		want(s.PutRules(ctx, holder, changeTo("a", rulesOf(1, ceremony.Kiosk, ceremony.Tax))), nil) // the same again
		want(s.PutRules(ctx, holder, changeTo("a", rulesOf(1))), gateway.ErrUsed)                   // another under its id
		want(s.PutRules(ctx, holder, changeTo("c", rulesOf(1))), gateway.ErrRulesChanged)

		want(s.PutProposal(ctx, holder, gateway.Proposal{ID: "x", Person: "p", Rules: rulesOf(2), At: now, Expires: now.Add(time.Hour)}), nil)
		want(s.PutProposal(ctx, holder, gateway.Proposal{ID: "x", Person: "p", Rules: rulesOf(2), At: now, Expires: now.Add(time.Hour)}), nil)
		want(s.PutProposal(ctx, holder, gateway.Proposal{ID: "x", Person: "q", Rules: rulesOf(2), At: now, Expires: now.Add(time.Hour)}), gateway.ErrUsed)
		_, err := s.Proposal(ctx, "y")
		want(err, gateway.ErrNotFound)

		card := changeTo("d", rulesOf(2))
		card.By, card.Nonce, card.NonceEnd, card.Proposal = ceremony.RulesByCard, "n", now.Add(time.Hour), "x"
		stale := card
		stale.ID, stale.Rules.Version = "e", 9
		want(s.PutRules(ctx, holder, stale), gateway.ErrRulesChanged) // and neither nonce nor proposal is used up
		want(s.PutRules(ctx, holder, card), nil)
		if p, err := s.Proposal(ctx, "x"); err != nil || !p.Done || p.Person != "p" || !p.Expires.Equal(now.Add(time.Hour)) {
			t.Errorf("%+v, %v", p, err)
		}
		again := card
		again.ID, again.Rules.Version, again.Proposal = "f", 3, ""
		want(s.PutRules(ctx, holder, again), gateway.ErrUsed) // the nonce
		again.Nonce, again.Proposal = "m", "x"
		want(s.PutRules(ctx, holder, again), gateway.ErrUsed) // the proposal

		all, err := s.RulesChanges(ctx, "p", 10)
		if err != nil || len(all) != 2 || all[0].By != ceremony.RulesByCard || all[1].Rules.Version != 1 || all[1].At != now.Unix() {
			t.Errorf("%+v, %v", all, err)
		}
		// What waited for the card is forgotten in time.
		want(s.Sweep(ctx, now.Add(time.Hour)), nil)
		_, err = s.Proposal(ctx, "x")
		want(err, gateway.ErrNotFound)
		want(db.CheckAudit(ctx), nil)
	})
}

// wantOne fails the test unless one of many was first and the others were told why not.
func wantOne(t *testing.T, errs []error, why error) {
	t.Helper()
	first := 0
	for _, err := range errs {
		if err == nil {
			first++
		} else {
			wants(t)(err, why)
		}
	}
	if first != 1 {
		t.Errorf("%d of %d were first", first, len(errs))
	}
}

// Against a limit of one, of many answers at once one is stored; and none that was
// judged by rules that have changed since.
func TestTheLimitIsCountedWithTheVerdict(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, want := t.Context(), wants(t)
		want(s.PutPerson(ctx, [32]byte{1}, "p", now), nil)
		want(s.PutPerson(ctx, [32]byte{2}, "p", now), nil) // the same person's phone before
		from, to := ceremony.DayOf(now)
		counted := func(n int, c gateway.Count) gateway.Outcome {
			o := outcome(n)
			c.From, c.To = from, to
			o.Certificate, o.Count = [32]byte{byte(1 + n%2)}, &c
			want(s.PutRequest(ctx, entry(), request(n)), nil)
			return o
		}
		want(s.Finish(ctx, who, counted(1, gateway.Count{Category: ceremony.Tax, Rules: 1, Limit: 1})), gateway.ErrRulesChanged)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			o := counted(10+i, gateway.Count{Category: ceremony.Private, Limit: 1})
			wg.Go(func() { errs[i] = s.Finish(ctx, who, o) })
		}
		wg.Wait()
		wantOne(t, errs, gateway.ErrLimitReached)
		// Of another category there is one left, of all together there is none after that; a
		// use that is not counted is no matter of theirs.
		want(s.Finish(ctx, who, counted(30, gateway.Count{Category: ceremony.Tax, Limit: 1, Total: 2})), nil)
		want(s.Finish(ctx, who, counted(31, gateway.Count{Category: ceremony.Clinic, Total: 2})), gateway.ErrLimitReached)
		want(s.Finish(ctx, who, counted(32, gateway.Count{})), nil)
		// The request whose use was too many is still open for the verdict that says so.
		o := outcome(31)
		o.Verdict, o.Code, o.Claims = ceremony.Failed, "daily-limit", nil
		want(s.Finish(ctx, who, o), nil)
		if uses, err := s.Uses(ctx, "p", 50); err != nil || len(uses) != 4 {
			t.Errorf("%d uses, %v", len(uses), err)
		}
		want(db.CheckAudit(ctx), nil)
	})
}

// Of many who change the rules at once, one is first.
func TestOfManyChangesAtOnceOneIsFirst(t *testing.T) {
	each(t, func(t *testing.T, _ *store.DB, s *verifier.Store) {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				errs[i] = s.PutRules(t.Context(), holder, changeTo(fmt.Sprint("c", i), rulesOf(1, ceremony.Tax)))
			})
		}
		wg.Wait()
		wantOne(t, errs, gateway.ErrRulesChanged)
	})
}

// A telling is written with the change, claimed by one process at a time, and gone once it
// is settled.
func TestATellingIsWrittenWithTheChange(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, s *verifier.Store) {
		ctx, want := t.Context(), wants(t)
		c := changeTo("a", rulesOf(1, ceremony.Tax))
		c.Tell = gateway.TellRaised
		refused := changeTo("b", rulesOf(7))
		refused.Tell = gateway.TellRaised
		want(s.PutRules(ctx, holder, refused), gateway.ErrRulesChanged)
		want(s.PutRules(ctx, holder, c), nil)
		want(s.PutRules(ctx, holder, c), nil) // the same again
		want(s.PutRules(ctx, holder, changeTo("c", rulesOf(2, ceremony.Tax))), nil)
		if early, err := s.TellingsDue(ctx, now.Add(-time.Millisecond), 10); err != nil || len(early) != 0 {
			t.Errorf("%+v, %v", early, err)
		}
		all, err := s.TellingsDue(ctx, now, 10)
		if err != nil || len(all) != 1 || all[0].Person != "p" || all[0].Code != gateway.TellRaised || all[0].ID == "" || all[0].Tries != 0 {
			t.Fatalf("%+v, %v", all, err)
		}
		for i, mine := range []bool{true, false} {
			if got, err := s.ClaimTelling(ctx, all[0], now.Add(time.Minute)); err != nil || got != mine {
				t.Errorf("claim %d: %v, %v", i, got, err)
			}
		}
		if left, err := s.TellingsDue(ctx, now, 10); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		if again, err := s.TellingsDue(ctx, now.Add(time.Minute), 10); err != nil || len(again) != 1 || again[0].Tries != 1 {
			t.Errorf("%+v, %v", again, err)
		}
		want(s.SettleTelling(ctx, holder, all[0].ID, now, ""), nil)
		want(s.SettleTelling(ctx, holder, all[0].ID, now, ""), nil)
		if left, err := s.TellingsDue(ctx, now.Add(time.Hour), 10); err != nil || len(left) != 0 {
			t.Errorf("%+v, %v", left, err)
		}
		want(db.CheckAudit(ctx), nil)
	})
}
