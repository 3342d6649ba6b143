package oidc

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A table that names a test which is not there holds nothing.
func TestTheConformanceTableNamesTests(t *testing.T) {
	table, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, pattern := range []string{"*_test.go", "../../store/verifier/*_test.go", "../../internal/ceremony/*_test.go", "../../cmd/tegata/journey_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+)").FindAllStringSubmatch(string(table), -1)
	if len(names) < 30 {
		t.Fatalf("only %d tests are named", len(names))
	}
	for _, m := range names {
		if !strings.Contains(source.String(), "func "+m[1]+"(t *testing.T)") {
			t.Errorf("there is no test %s", m[1])
		}
	}
}
