package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
)

func TestATerminalIsRegisteredWithTheKeyOfItsCertificate(t *testing.T) {
	dir := t.TempDir()
	ops := pkitest.NewAuthority(t, pki.Ops, pkitest.Key(t, 0), time.Now())
	keys := map[string]string{}
	certificate := func(file, id string) string {
		t.Helper()
		c := ops.Party(t, pkitest.ECKey(t).Public(), id, pki.RoleTerminal, pkitest.Leaf{})
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, pki.EncodePEM(c.Raw), 0o600); err != nil {
			t.Fatal(err)
		}
		keys[file] = ceremony.KeyID(c)
		return path
	}
	one, two, again := certificate("one", "till-1"), certificate("two", "till-2"), certificate("again", "till-1")
	at := func(id string) partyTerminal {
		return partyTerminal{ID: id, Place: ceremony.Text{JA: "店", EN: "Shop"}, Address: ceremony.Text{JA: "町", EN: "Town"}}
	}
	got, err := registeredTerminals([]partyTerminal{at("till-1"), at("till-2")}, []string{two, one})
	if err != nil || len(got) != 2 || got[0].Key != keys["one"] || got[1].Key != keys["two"] || got[0].ID != "till-1" || got[0].Check() != nil {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := registeredTerminals(nil, nil); err != nil || len(got) != 0 {
		t.Errorf("none: %+v, %v", got, err)
	}
	for name, c := range map[string]struct {
		all  []partyTerminal
		with []string
		want string
	}{
		"without its certificate":              {[]partyTerminal{at("till-1")}, nil, "no certificate is given"},
		"with another's":                       {[]partyTerminal{at("till-1")}, []string{two}, "no certificate is given"},
		"there twice":                          {[]partyTerminal{at("till-1"), at("till-1")}, []string{one}, "twice"},
		"a certificate too many":               {[]partyTerminal{at("till-1")}, []string{one, two}, `no terminal "till-2"`},
		"two certificates of one":              {[]partyTerminal{at("till-1")}, []string{one, again}, "another certificate"},
		"what is no certificate, nor is there": {[]partyTerminal{at("till-1")}, []string{filepath.Join(dir, "x")}, "not a PEM certificate"},
	} {
		if _, err := registeredTerminals(c.all, c.with); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
