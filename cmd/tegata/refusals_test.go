package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheTableOfRefusals holds docs/refusals.md against the source: each code is
// one that a package says, in the words of the table, and each test that is named
// is where the table says.
func TestTheTableOfRefusals(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(sourceRoot, "docs", "refusals.md"))
	if err != nil {
		t.Fatal(err)
	}
	all := problemsInSource(t)
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (.+?)<br>(.+?) \\| .+ \\| (.+) \\|$")
	rows := row.FindAllStringSubmatch(string(b), -1)
	if len(rows) < 25 {
		t.Fatalf("only %d refusals in the table", len(rows))
	}
	for _, m := range rows {
		code, ja, en := m[1], m[2], m[3]
		if !slices.ContainsFunc(all, func(p said) bool { return p.code == code && p.ja.title == ja && p.en.title == en }) {
			t.Errorf("nobody says %s as %q, %q", code, ja, en)
		}
		if !strings.Contains(m[4], `"`) {
			t.Errorf("%s has no test", code)
		}
	}
	for _, m := range regexp.MustCompile(`\]\(\.\./([^)]+)\) "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
		source, err := os.ReadFile(filepath.Join(sourceRoot, filepath.FromSlash(m[1])))
		if err != nil {
			t.Error(err)
		} else if !strings.Contains(string(source), m[2]) {
			t.Errorf("%s has no %q", m[1], m[2])
		}
	}
}
