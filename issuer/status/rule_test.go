package status

import (
	"errors"
	"slices"
	"testing"
	"time"
)

var (
	day1 = time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	day2 = day1.AddDate(0, 0, 1)
	day3 = day1.AddDate(0, 0, 2)
	day4 = day1.AddDate(0, 0, 3)
)

func TestTheRuleOfTheLedger(t *testing.T) {
	type step struct {
		change Change
		at     time.Time
	}
	open := func(c Cause, at time.Time) step { return step{Change{Op: Open, Cause: c}, at} }
	lift := func(c Cause, at time.Time) step { return step{Change{Op: Lift, Cause: c}, at} }
	revoke := func(reason int, at time.Time) step { return step{Change{Op: Revoke, Reason: reason}, at} }
	for _, c := range []struct {
		name      string
		steps     []step
		status    Status
		reason    int
		since     time.Time
		goodSince time.Time
		changed   int // steps that changed something
	}{
		{"issued and left alone is good", nil, Good, 0, time.Time{}, day1, 0},
		{"a hold is certificateHold since it began", []step{open(Lost, day2)}, Held, 6, day2, day1, 1},
		{"the same hold twice is one", []step{open(Lost, day2), open(Lost, day3)}, Held, 6, day2, day1, 1},
		{"a lifted hold is good since then", []step{open(Lost, day2), lift(Lost, day3)}, Good, 0, time.Time{}, day3, 2},
		{"lifting what is not open changes nothing", []step{lift(Lost, day2)}, Good, 0, time.Time{}, day1, 0},
		{"one cause does not lift another", []step{open(Lost, day2), lift(Silent, day3)}, Held, 6, day2, day1, 1},
		{"good only when all holds are lifted", []step{open(Lost, day2), open(Silent, day3), lift(Silent, day4)}, Held, 6, day2, day1, 3},
		{"the date is the earliest open hold's", []step{open(Lost, day2), open(Silent, day3), lift(Lost, day4)}, Held, 6, day3, day1, 3},
		{"a revocation has its own date", []step{revoke(4, day3)}, Revoked, 4, day3, day1, 1},
		{"held, then revoked, is revoked since the hold began", []step{open(Lost, day2), revoke(5, day4)}, Revoked, 5, day2, day1, 2},
		{"held, lifted, then revoked, has its own date", []step{open(Lost, day2), lift(Lost, day3), revoke(5, day4)}, Revoked, 5, day4, day3, 3},
		{"of several holds the earliest that is still open counts", []step{open(Lost, day2), open(Silent, day3), lift(Lost, day3), revoke(5, day4)}, Revoked, 5, day3, day1, 4},
		{"the first revocation stays", []step{revoke(4, day2), revoke(1, day3)}, Revoked, 4, day2, day1, 1},
		{"a hold adds nothing to a revocation", []step{revoke(4, day2), open(Lost, day3)}, Revoked, 4, day2, day1, 1},
	} {
		e := Entry{Status: Good, GoodSince: day1}
		changes := 0
		for _, s := range c.steps {
			next, changed, err := Decide(e, s.change, s.at)
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if changed {
				changes++
			}
			e = next
		}
		if e.Status != c.status || e.Reason != c.reason || !e.Since.Equal(c.since) || !e.GoodSince.Equal(c.goodSince) || changes != c.changed {
			t.Errorf("%s: got %s, reason %d, since %v, good since %v after %d changes", c.name, e.Status, e.Reason, e.Since, e.GoodSince, changes)
		}
	}
}

func TestRevokedIsFinal(t *testing.T) {
	held, _, err := Decide(Entry{Status: Good}, Change{Op: Open, Cause: Lost}, day1)
	if err != nil {
		t.Fatal(err)
	}
	revoked, _, err := Decide(held, Change{Op: Revoke, Reason: Superseded}, day2)
	if err != nil || len(revoked.Holds) != 0 {
		t.Fatal(revoked, err)
	}
	for _, cause := range Causes() {
		if _, _, err := Decide(revoked, Change{Op: Lift, Cause: cause}, day3); !errors.Is(err, ErrFinal) {
			t.Errorf("lifting %s: %v", cause, err)
		}
	}
}

func TestDecideLeavesItsArgumentAlone(t *testing.T) {
	e := Entry{Status: Held, Reason: 6, Since: day1, Holds: []Hold{{Lost, day1}, {Silent, day2}}}
	before := slices.Clone(e.Holds)
	for _, c := range []Change{{Op: Lift, Cause: Lost}, {Op: Open, Cause: Suspected}, {Op: Revoke, Reason: 1}} {
		if _, _, err := Decide(e, c, day3); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(e.Holds, before) || e.Status != Held {
		t.Errorf("it is now %+v", e)
	}
}

func TestChangesThatAreNone(t *testing.T) {
	for name, c := range map[string]Change{
		"no operation":                {},
		"an operation that is none":   {Op: "pardon"},
		"a hold without cause":        {Op: Open},
		"a hold with a reason":        {Op: Open, Cause: Lost, Reason: 6},
		"a revocation as a hold":      {Op: Revoke, Reason: CertificateHold},
		"a removal from a delta CRL":  {Op: Revoke, Reason: 8},
		"reason 7 does not exist":     {Op: Revoke, Reason: 7},
		"an authority's compromise":   {Op: Revoke, Reason: 2},
		"a revocation with a cause":   {Op: Revoke, Reason: 1, Cause: Lost},
		"a reason beyond the list":    {Op: Revoke, Reason: 11},
		"a cause that is none":        {Op: Lift, Cause: "bored"},
		"a hold with invalidity date": {Op: Open, Cause: Lost, Invalid: day1},
	} {
		if _, changed, err := Decide(Entry{Status: Good}, c, day1); err == nil || changed {
			t.Errorf("%s: was applied", name)
		}
	}
}
