package guardian_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/services/guardian"
)

func TestYearsBeginInJapan(t *testing.T) {
	for _, c := range []struct {
		birth, at string
		years     int
		needed    bool
	}{
		{"2008-11-28", "2026-11-27T14:59:59Z", 17, true},
		{"2008-11-28", "2026-11-27T15:00:00Z", 18, false}, // midnight in Japan
		{"2011-11-28", "2026-11-27T14:59:59Z", 14, false},
		{"2011-11-28", "2026-11-27T15:00:00Z", 15, true},
		{"2008-02-29", "2026-02-28T14:59:59Z", 17, true},
		{"2008-02-29", "2026-02-28T15:00:00Z", 18, false}, // 1 March
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if years, err := guardian.Age(c.birth, at); err != nil || years != c.years || guardian.Needed(c.birth, at) != c.needed {
			t.Errorf("born %s, at %s: %d %v", c.birth, c.at, years, err)
		}
	}
	if _, err := guardian.Age("29.2.2008", time.Now()); err == nil {
		t.Error("no date is one")
	}
	if guardian.Needed("", time.Now()) {
		t.Error("somebody of no age is a minor")
	}
}

func TestWhoIsAdmitted(t *testing.T) {
	at := time.Date(2026, 11, 28, 1, 0, 0, 0, time.UTC)
	mum := guardian.Person{Sub: "mum", Name: "佐藤 花子", Address: "東京都千代田区1", Birthdate: "1990-02-03"}
	open := guardian.Consent{Subject: "a1", Minor: "kid", Until: at.Add(time.Second)}
	with := func(f func(*guardian.Consent, *guardian.Person)) error {
		c, who := open, mum
		f(&c, &who)
		return c.Admits(who, at)
	}
	type both = func(*guardian.Consent, *guardian.Person)
	for name, c := range map[string]struct {
		f    both
		want error
	}{
		"a parent":            {func(*guardian.Consent, *guardian.Person) {}, nil},
		"who took it":         {func(c *guardian.Consent, _ *guardian.Person) { c.Guardian.Sub = "mum" }, nil},
		"who did not take it": {func(c *guardian.Consent, _ *guardian.Person) { c.Guardian.Sub = "dad" }, guardian.ErrTaken},
		"the minor":           {func(_ *guardian.Consent, p *guardian.Person) { p.Sub = "kid" }, guardian.ErrSelf},
		"18 tomorrow":         {func(_ *guardian.Consent, p *guardian.Person) { p.Birthdate = "2008-11-29" }, guardian.ErrMinor},
		"18 today":            {func(_ *guardian.Consent, p *guardian.Person) { p.Birthdate = "2008-11-28" }, nil},
		"no address":          {func(_ *guardian.Consent, p *guardian.Person) { p.Address = "" }, guardian.ErrFacts},
		"no birth date":       {func(_ *guardian.Consent, p *guardian.Person) { p.Birthdate = "" }, guardian.ErrFacts},
		"too late":            {func(c *guardian.Consent, _ *guardian.Person) { c.Until = at }, guardian.ErrOver},
		"given":               {func(c *guardian.Consent, _ *guardian.Person) { c.SignedAt = at }, guardian.ErrSigned},
	} {
		if err := with(c.f); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c := (guardian.Consent{}); c.SameAddress("") {
		t.Error("no address is the same as none")
	}
	if lines := (guardian.Consent{Document: []byte("a\n\nb\n")}).Lines(); strings.Join(lines, "|") != "a|b" {
		t.Errorf("%q", lines)
	}
}
