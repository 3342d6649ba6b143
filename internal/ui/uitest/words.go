// Package uitest checks the pages of a party: that every string is there in
// both languages and none is left over, and that every page renders as a page
// should. Tests only.
package uitest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"tegata/internal/ui"
)

var (
	oneKey   = regexp.MustCompile(`\btp? "([^"]+)"`)
	groupKey = regexp.MustCompile(`\btgl? (?:\([^)]*\) )?"([^"]+)"`)
	verb     = regexp.MustCompile(`%[-+# 0]*[0-9]*[a-zA-Z]`)
)

// Words fails t for every string that a page or the Go code in dir asks for
// and a catalogue lacks, for every string nobody asks for, and for every pair
// whose arguments differ between the languages. A string counts as asked for
// when a template says t or tp with its key, tg with its group, or when a Go
// string constant in dir is its key, or its group followed by a dot.
func Words(t *testing.T, pages fs.FS, dir string) {
	t.Helper()
	words, err := ui.OpenCatalogue(pages)
	if err != nil {
		t.Fatal(err)
	}
	common, err := ui.CommonWords()
	if err != nil {
		t.Fatal(err)
	}
	asked, groups := map[string]bool{}, map[string]bool{}
	err = fs.WalkDir(pages, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".html" {
			return err
		}
		b, err := fs.ReadFile(pages, name)
		if err != nil {
			return err
		}
		for _, m := range oneKey.FindAllStringSubmatch(string(b), -1) {
			asked[m[1]] = true
		}
		for _, m := range groupKey.FindAllStringSubmatch(string(b), -1) {
			groups[m[1]+"."] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	said := constants(t, dir)
	for key := range asked {
		if strings.HasPrefix(key, "ui.") && !words.Has(ui.JA, key) {
			continue // package ui's own, checked there
		}
		for _, l := range ui.Langs() {
			if !words.Has(l, key) {
				t.Errorf("%s.json lacks %q, which a page asks for", l, key)
			}
		}
	}
	for _, l := range ui.Langs() {
		for _, key := range words.Keys(l) {
			other := ui.EN
			if l == ui.EN {
				other = ui.JA
			}
			if !words.Has(other, key) {
				t.Errorf("%q is in %s.json only", key, l)
				continue
			}
			if strings.HasPrefix(key, "ui.") && common.Has(l, key) {
				continue // said in this party's way
			}
			if !asked[key] && !said[key] && !grouped(key, groups) && !grouped(key, said) {
				t.Errorf("%s.json: nobody asks for %q", l, key)
			}
		}
	}
	for _, key := range words.Keys(ui.JA) {
		ja, en := verb.FindAllString(words[ui.JA][key], -1), verb.FindAllString(words[ui.EN][key], -1)
		if len(ja) != len(en) {
			t.Errorf("%q takes %d arguments in Japanese, %d in English", key, len(ja), len(en))
		}
	}
}

// grouped reports whether some prefix of key that ends in a dot is in set.
func grouped(key string, set map[string]bool) bool {
	for i, c := range key {
		if c == '.' && set[key[:i+1]] {
			return true
		}
	}
	return false
}

// constants is every string constant in the Go files of dir.
func constants(t *testing.T, dir string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					out[s] = true
				}
			}
			return true
		})
	}
	return out
}
