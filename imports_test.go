// The rules of the house, read from its own source files. Each rule carries its
// reason, which is what a builder who breaks it sees.
package tegata_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// edge is one import of one of our packages by another.
type edge struct{ from, to, file string }

// rule refuses some edges.
type rule struct {
	reason string
	broken func(from, to string) bool
}

var parties = []string{"holder", "issuer", "verifier", "services"}

func in(pkg string, folders ...string) bool {
	for _, f := range folders {
		if pkg == f || strings.HasPrefix(pkg, f+"/") {
			return true
		}
	}
	return false
}

var rules = []rule{
	{"a verifier learns about certificates as a stranger does, over HTTP: if ours works, a bank's own works too",
		func(from, to string) bool { return in(from, "verifier") && in(to, "issuer") }},
	{"the OpenID Provider is an asking party of the gateway; the gateway does not know it",
		func(from, to string) bool { return in(from, "verifier/gateway") && in(to, "verifier/oidc") }},
	{"the issuer vouches for people it reaches only by message: it imports no holder, verifier or service",
		func(from, to string) bool { return in(from, "issuer") && in(to, "holder", "verifier", "services") }},
	{"internal is shared and knows none of the four parties, nor where state rests",
		func(from, to string) bool {
			return in(from, "internal") && in(to, append(parties, "store", "sandbox")...)
		}},
	{"only cmd knows which store is used; a package declares the Store that it needs",
		func(from, to string) bool { return in(to, "store") && !in(from, "store", "cmd") }},
	{"bank, carrier and pay are honest examples for outsiders: of ours they use internal/ui, internal/httpd, internal/problem, in which both of these speak, and what they share, the client with its pages, letters and the consent of guardians, which is under the same rule, alone, and pay's till, a terminal, holder/reader",
		func(from, to string) bool {
			return in(from, "services/bank", "services/carrier", "services/pay", "services/relying", "services/notice", "services/guardian") &&
				!in(to, from, "internal/ui", "internal/httpd", "internal/problem", "services/relying", "services/notice", "services/guardian") && !(in(from, "services/pay") && in(to, "holder/reader"))
		}},
	{"of the services, terminals alone may import holder/reader, a staff desk holder/eid too (it reads its staff's ID cards as any terminal does), and none anything else of the holder",
		func(from, to string) bool {
			terminal := in(from, "services/kiosk", "services/clinic", "services/pay", "services/desk")
			card := in(from, "services/desk") && in(to, "holder/eid")
			return in(from, "services") && in(to, "holder") && !(terminal && in(to, "holder/reader")) && !card
		}},
	{"a staff desk is for every party with staff, and knows none of them",
		func(from, to string) bool {
			return in(from, "services/desk") && in(to, "services") && !in(to, "services/desk")
		}},
	{"a service relies on the verifier and the issuer by URL and key, not by Go value",
		func(from, to string) bool { return in(from, "services") && in(to, "issuer", "verifier") }},
	{"data flows ra → ca → profile and ra → status, never back",
		func(from, to string) bool {
			switch {
			case in(from, "issuer/profile"):
				return in(to, "issuer")
			case in(from, "issuer/ca"):
				return in(to, "issuer/ra")
			case in(from, "issuer/status"):
				return in(to, "issuer/ra")
			}
			return false
		}},
	{"the phone knows the registration authority's messages and nothing behind its door",
		func(from, to string) bool {
			return in(from, "holder") && (in(to, "issuer/ca", "issuer/status", "issuer/profile", "verifier", "services"))
		}},
	{"a card, an element and a reader know nothing of the network's parties",
		func(from, to string) bool {
			return in(from, "holder/apdu", "holder/card", "holder/element", "holder/reader", "holder/eid") &&
				in(to, "issuer", "verifier", "services")
		}},
	{"nobody imports cmd",
		func(_, to string) bool { return in(to, "cmd") }},
}

func TestImportsFollowTheData(t *testing.T) {
	edges := ourImports(t, false)
	if len(edges) < 20 {
		t.Fatalf("only %d imports were found: the test does not see the tree", len(edges))
	}
	for _, e := range edges {
		for _, r := range rules {
			if r.broken(e.from, e.to) {
				t.Errorf("%s: %s imports %s: %s", e.file, e.from, e.to, r.reason)
			}
		}
	}
}

// A rule that cannot be broken guards nothing.
func TestEachRuleCanBeBroken(t *testing.T) {
	packages := []string{"holder/phone", "holder/card", "issuer/ra", "issuer/ca", "issuer/profile", "issuer/status", "verifier/gateway", "verifier/oidc",
		"services/bank", "services/portal", "services/kiosk", "services/desk", "internal/pki", "store/issuer", "cmd/tegata", "sandbox"}
	for _, r := range rules {
		broken := false
		for _, from := range packages {
			for _, to := range packages {
				broken = broken || from != to && r.broken(from, to)
			}
		}
		if !broken {
			t.Errorf("nothing breaks this rule: %s", r.reason)
		}
	}
}

func TestNoPackageIsNamedForNothing(t *testing.T) {
	for _, e := range ourImports(t, true) {
		switch path.Base(e.from) {
		case "util", "utils", "common", "core", "types", "models", "helpers", "mocks", "misc":
			t.Errorf("%s: a package is named for what it owns", e.file)
		}
	}
}

func TestNoInitAndNoPackageStateThatChanges(t *testing.T) {
	forEachFile(t, func(pkg, file string, parsed *ast.File) {
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				t.Errorf("%s: func init() runs before main can say what it wants; build it where it is used", file)
			}
		}
	})
}

// ourImports lists imports of our own packages in non-test files, and in test
// files too when tests is true.
func ourImports(t *testing.T, tests bool) []edge {
	t.Helper()
	var edges []edge
	walk(t, tests, func(pkg, file string, parsed *ast.File) {
		for _, spec := range parsed.Imports {
			to, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if rest, ours := strings.CutPrefix(to, "tegata/"); ours {
				edges = append(edges, edge{pkg, rest, file})
			}
		}
	})
	return edges
}

func forEachFile(t *testing.T, f func(pkg, file string, parsed *ast.File)) {
	t.Helper()
	walk(t, false, f)
}

func walk(t *testing.T, tests bool, f func(pkg, file string, parsed *ast.File)) {
	t.Helper()
	err := filepath.WalkDir(".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == "testdata" || strings.HasPrefix(entry.Name(), ".") && file != "."):
			return filepath.SkipDir
		case entry.IsDir(), filepath.Ext(file) != ".go", !tests && strings.HasSuffix(file, "_test.go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(filepath.Dir(file)), filepath.ToSlash(file), parsed)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
