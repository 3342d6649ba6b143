package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tegata/internal/secret"
)

// mayKeep is what a role's database keeps, and must be found there. What a browser gave
// for being told of notices the portal must have to tell it; whoever has all of it can do
// no more than tell that browser that there is something.
var mayKeep = map[string]string{
	"the browser's push key":    "portal",
	"the browser's push secret": "portal",
	"the push address":          "portal",
	"the new address":           "issuer", // notices go there
}

// checkKept searches every file of the data directory. The helpdesk keeps nothing of who
// called, neither as it was heard nor as the register writes it.
func (c *canaries) checkKept(t *testing.T) {
	t.Helper()
	found := map[string]int{}
	role := func(h fileHit) string {
		name, _ := filepath.Rel(c.dir, h.path)
		role, file, _ := strings.Cut(name, string(filepath.Separator))
		if !strings.HasPrefix(file, role+".db") {
			return ""
		}
		return role
	}
	for _, h := range c.inFiles(t, c.everything()...) {
		if at := role(h); at == "" || mayKeep[h.needle] != at {
			t.Error(h)
		}
		found[h.needle]++
	}
	for want, at := range mayKeep {
		if found[want] == 0 {
			t.Errorf("%s is not in the database of %s, so the search is worth nothing", want, at)
		}
	}
	for _, h := range c.inFiles(t, c.registered...) {
		at := role(h)
		if strings.HasPrefix(h.path, filepath.Join(c.dir, "helpdesk")+string(filepath.Separator)) {
			t.Error(h)
		}
		found[h.needle+" "+at]++
	}
	for _, n := range c.registered {
		if found[n.name+" municipality"] == 0 {
			t.Errorf("%s is not in the register, so the search is worth nothing", n.name)
		}
	}
	if c.caseNumber == "" || len(c.inFiles(t, needle{"the case", []form{{name: "text", bytes: []byte(c.caseNumber)}}})) == 0 {
		t.Error("the call became no case")
	}
	atHelpdesk := 0
	for _, h := range c.inFiles(t, needle{"the report", []form{{name: "text", bytes: []byte(c.reported)}}}) {
		if role(h) == "helpdesk" {
			atHelpdesk++
		}
	}
	if c.reported == "" || atHelpdesk == 0 {
		t.Error("the report reached no helpdesk, so that it learns nothing of the person is not shown")
	}
}

// pushKeyOf is the private key by which push services know the portal.
func pushKeyOf(t *testing.T, dir string) needle {
	t.Helper()
	sealer, err := secret.OpenSealer(filepath.Join(dir, "portal", "key"), secret.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := os.ReadFile(filepath.Join(dir, "portal", "keys", "push.sealed"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := sealer.Open("symmetric push", sealed)
	if err != nil || len(key) != 32 {
		t.Fatalf("the portal's push key: %d bytes, %v", len(key), err)
	}
	return keyNeedle("the portal's push key", key)
}
