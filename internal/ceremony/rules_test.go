package ceremony_test

import (
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
)

// Each row says in a sentence what changes, and whether that allows anything new.
func TestWhatIsLooser(t *testing.T) {
	quiet := func(from, to int, refuse bool) ceremony.Rules {
		return ceremony.Rules{Quiet: &ceremony.QuietHours{From: from * 60, To: to * 60, Refuse: refuse}}
	}
	daily := func(n int) ceremony.Rules { return ceremony.Rules{Daily: []ceremony.DailyLimit{{Uses: n}}} }
	raised := func(d ceremony.Demand) ceremony.Rules {
		return ceremony.Rules{Raised: []ceremony.Raised{{Of: ceremony.Kiosk, To: d}}}
	}
	locked := ceremony.Rules{Locked: []ceremony.Category{ceremony.Kiosk}}
	for _, row := range []struct {
		name     string
		from, to ceremony.Rules
		looser   bool
		changes  int
	}{
		{"nothing", locked, locked, false, 0},
		{"a lock", ceremony.Rules{}, locked, false, 1},
		{"the end of a lock", locked, ceremony.Rules{}, true, 1},
		{"another lock instead", locked, ceremony.Rules{Locked: []ceremony.Category{ceremony.Tax}}, true, 2},
		{"a first limit", ceremony.Rules{}, daily(3), false, 1},
		{"fewer a day", daily(3), daily(2), false, 1},
		{"more a day", daily(2), daily(3), true, 1},
		{"the end of a limit", daily(2), ceremony.Rules{}, true, 1},
		{"first quiet hours", ceremony.Rules{}, quiet(23, 6, false), false, 1},
		{"longer ones", quiet(23, 6, false), quiet(22, 7, false), false, 1},
		{"later ones, longer on the whole", quiet(22, 6, false), quiet(23, 9, false), true, 1},
		{"shorter ones that refuse all", quiet(22, 6, false), quiet(23, 6, true), true, 1},
		{"the PIN again where all was refused", quiet(22, 6, true), quiet(22, 6, false), true, 1},
		{"the end of quiet hours", quiet(22, 6, true), ceremony.Rules{}, true, 1},
		{"a raised class", ceremony.Rules{}, raised(ceremony.DemandPIN), false, 1},
		{"a class raised higher", raised(ceremony.DemandPIN), raised(ceremony.DemandPassword), false, 1},
		{"a class raised less high", raised(ceremony.DemandPassword), raised(ceremony.DemandPIN), true, 1},
		{"the end of a raised class", raised(ceremony.DemandPIN), ceremony.Rules{}, true, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.from.Check() != nil || row.to.Check() != nil {
				t.Fatal("these are no rules")
			}
			d := row.from.Differences(row.to)
			if row.from.Looser(row.to) != row.looser || len(d) != row.changes || row.looser != (len(d) > 0 && d[0].Looser) {
				t.Errorf("%+v", d)
			}
		})
	}
}

func TestRulesThatAreNone(t *testing.T) {
	for name, r := range map[string]ceremony.Rules{
		"a category that nobody knows":     {Locked: []ceremony.Category{"prize"}},
		"a lock twice":                     {Locked: []ceremony.Category{ceremony.Tax, ceremony.Tax}},
		"a limit of none":                  {Daily: []ceremony.DailyLimit{{Uses: 0}}},
		"a limit of a hundred":             {Daily: []ceremony.DailyLimit{{Uses: 100}}},
		"two limits of one category":       {Daily: []ceremony.DailyLimit{{Uses: 1}, {Uses: 2}}},
		"quiet hours without length":       {Quiet: &ceremony.QuietHours{From: 60, To: 60}},
		"an hour of another day":           {Quiet: &ceremony.QuietHours{From: 60, To: 24 * 60}},
		"a class raised to nothing":        {Raised: []ceremony.Raised{{Of: ceremony.Tax}}},
		"a class raised to what is no key": {Raised: []ceremony.Raised{{Of: ceremony.Tax, To: "face"}}},
		"a purpose without its party":      {Raised: []ceremony.Raised{{Purpose: "login", To: ceremony.DemandPIN}}},
		"a purpose and a category at once": {Raised: []ceremony.Raised{{Of: ceremony.Tax, Party: "bank", Purpose: "login", To: ceremony.DemandPIN}}},
		"a version below none":             {Version: -1},
	} {
		if r.Check() == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// The hash is of what is meant, not of the order in which it was said; and it is not of
// another version.
func TestTheHashOfRules(t *testing.T) {
	a := ceremony.Rules{Version: 2, Locked: []ceremony.Category{ceremony.Tax, ceremony.Kiosk}, Daily: []ceremony.DailyLimit{{Of: ceremony.Tax, Uses: 1}, {Uses: 2}}}
	b := ceremony.Rules{Version: 2, Locked: []ceremony.Category{ceremony.Kiosk, ceremony.Tax}, Daily: []ceremony.DailyLimit{{Uses: 2}, {Of: ceremony.Tax, Uses: 1}}}
	if a.Hash() != b.Hash() || len(a.Hash()) != 64 {
		t.Error("two orders, two hashes")
	}
	if b.Version = 3; a.Hash() == b.Hash() {
		t.Error("two versions, one hash")
	}
	if a.Locked[0] != ceremony.Tax {
		t.Error("hashing changed the rules")
	}
}

func TestHoursAndDaysAreJapans(t *testing.T) {
	night := &ceremony.QuietHours{From: 23 * 60, To: 6 * 60}
	for clock, want := range map[string]bool{"22:59": false, "23:00": true, "00:00": true, "05:59": true, "06:00": false} {
		at, err := time.ParseInLocation("2006-01-02 15:04", "2026-11-22 "+clock, pki.JST)
		if err != nil {
			t.Fatal(err)
		}
		if night.Holds(at.UTC()) != want {
			t.Errorf("%s: %v", clock, !want)
		}
	}
	from, to := ceremony.DayOf(time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC)) // half past midnight on the 23rd
	if !from.Equal(time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC)) || to.Sub(from) != 24*time.Hour {
		t.Errorf("%s to %s", from, to)
	}
	if ceremony.Category("").Or() != ceremony.Private || ceremony.Category("prize").Or() != ceremony.Private || ceremony.Tax.Or() != ceremony.Tax {
		t.Error("what is unknown is private")
	}
}
