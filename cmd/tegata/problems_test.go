package main

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var updateErrors = flag.Bool("update-errors", false, "write docs/errors.md and services/helpdesk/codes.json anew")

// said is one problem as the source says it.
type said struct {
	code, kind string
	status     int
	ja, en     sentence
	by         string // the package
	at         string
}

type sentence struct{ title, detail string }

// sourceRoot is the module's directory as seen from this test.
const sourceRoot = "../.."

// TestEveryProblemIsInTheDocs reads every problem that any package can answer with
// from the source and compares docs/errors.md with it.
func TestEveryProblemIsInTheDocs(t *testing.T) {
	all := problemsInSource(t)
	sameAsSource(t, filepath.Join(sourceRoot, "docs", "errors.md"), errorsPage(all))
	sameAsSource(t, filepath.Join(sourceRoot, "services", "helpdesk", "codes.json"), codesFile(t, all))
}

// codesFile is what the helpdesk's pages say about a code: a line each. Where several
// packages have one, the first has the word: what a phone says before what others do.
func codesFile(t *testing.T, all []said) string {
	t.Helper()
	var lines []string
	for i, p := range all {
		if i > 0 && all[i-1].code == p.code {
			continue
		}
		line, err := json.Marshal(map[string]any{"kind": p.kind, "ja": []string{p.ja.title, p.ja.detail}, "en": []string{p.en.title, p.en.detail}})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strconv.Quote(p.code)+": "+string(line))
	}
	return "{\n" + strings.Join(lines, ",\n") + "\n}\n"
}

// sameAsSource compares a file that is written from the source with it.
func sameAsSource(t *testing.T, path, want string) {
	t.Helper()
	if *updateErrors {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == want {
		return
	}
	has, wants := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for _, line := range wants {
		if !slices.Contains(has, line) {
			t.Errorf("%s lacks: %s", path, line)
		}
	}
	for _, line := range has {
		if !slices.Contains(wants, line) {
			t.Errorf("%s has what no package says: %s", path, line)
		}
	}
	t.Error("write it anew: go test ./cmd/tegata -run TestEveryProblemIsInTheDocs -update-errors")
}

// TestEveryProblemSpeaksBothLanguages: what happened and the way on, in Japanese and
// in English, and one kind a code.
func TestEveryProblemSpeaksBothLanguages(t *testing.T) {
	kinds := map[string]said{}
	for _, p := range problemsInSource(t) {
		for name, text := range map[string]string{"title": p.ja.title, "detail": p.ja.detail} {
			if !strings.ContainsFunc(text, japanese) {
				t.Errorf("%s: %s: the Japanese %s is %q", p.at, p.code, name, text)
			}
		}
		for name, text := range map[string]string{"title": p.en.title, "detail": p.en.detail} {
			if text == "" || strings.ContainsFunc(text, japanese) {
				t.Errorf("%s: %s: the English %s is %q", p.at, p.code, name, text)
			}
		}
		if other, ok := kinds[p.code]; ok && other.kind != p.kind {
			t.Errorf("%s: %s is %q here and %q in %s", p.at, p.code, p.kind, other.kind, other.at)
		}
		kinds[p.code] = p
	}
}

func japanese(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han) }

// problemsInSource finds the calls of problem.New and of the functions beside it
// that do nothing but call it. Another package's own copy of such a function is a
// mistake: one form of writing a problem down is enough.
func problemsInSource(t *testing.T) []said {
	t.Helper()
	packages := map[string][]*ast.File{}
	files := token.NewFileSet()
	err := filepath.WalkDir(sourceRoot, func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && path != sourceRoot):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(sourceRoot, filepath.Dir(path))
		packages[dir] = append(packages[dir], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	statuses := constants([]*ast.File{parseStatuses(t)})
	read := func(dir string) reading {
		return reading{t: t, files: files, dir: filepath.ToSlash(dir), constants: constants(packages[dir]), statuses: statuses}
	}
	home := filepath.FromSlash("internal/problem")
	makers := read(home).makers(packages[home])
	var all []said
	for dir, in := range packages {
		r := read(dir)
		r.shared = makers
		all = append(all, r.problems(in)...)
	}
	slices.SortFunc(all, func(a, b said) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.by, b.by), cmp.Compare(a.at, b.at))
	})
	if len(all) < 100 {
		t.Fatalf("only %d problems were found", len(all))
	}
	return all
}

// parseStatuses reads the standard library's names of HTTP status codes.
func parseStatuses(t *testing.T) *ast.File {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(runtime.GOROOT(), "src", "net", "http", "status.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// constants are a package's constants as they are written.
func constants(files []*ast.File) map[string]ast.Expr {
	all := map[string]ast.Expr{}
	for _, f := range files {
		for _, decl := range f.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, name := range v.Names {
					if i < len(v.Values) {
						all[name.Name] = v.Values[i]
					}
				}
			}
		}
	}
	return all
}

// reading is the reading of one package.
type reading struct {
	t         *testing.T
	files     *token.FileSet
	dir       string
	constants map[string]ast.Expr
	statuses  map[string]ast.Expr
	shared    map[string]maker // of package problem
}

// maker is a function that returns problem.New of its parameters.
type maker struct {
	parameters []string
	call       *ast.CallExpr
}

// makers are the functions of a package that only call problem.New.
func (r reading) makers(files []*ast.File) map[string]maker {
	all := map[string]maker{}
	for _, f := range files {
		for _, decl := range f.Decls {
			if name, m, ok := r.maker(decl); ok {
				all[name] = m
			}
		}
	}
	return all
}

func (r reading) problems(files []*ast.File) (all []said) {
	inside := map[*ast.CallExpr]bool{}
	for name, m := range r.makers(files) {
		inside[m.call] = true
		if _, ok := r.shared[name]; !ok || r.dir != "internal/problem" {
			r.t.Errorf("%s: %s does what a function of package problem does", r.files.Position(m.call.Pos()), name)
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			switch {
			case !ok || inside[call]:
			case r.isNew(call):
				all = append(all, r.say(call, call.Args, nil))
			default:
				if m, is := r.shared[r.ofProblem(call)]; is {
					given := map[string]ast.Expr{}
					for i, p := range m.parameters {
						given[p] = call.Args[i]
					}
					all = append(all, r.say(call, m.call.Args, given))
				}
			}
			return true
		})
	}
	return all
}

// ofProblem is the name of a function of package problem that is called, or "".
func (r reading) ofProblem(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.SelectorExpr:
		if pkg, ok := f.X.(*ast.Ident); ok && pkg.Name == "problem" {
			return f.Sel.Name
		}
	case *ast.Ident:
		if r.dir == "internal/problem" {
			return f.Name
		}
	}
	return ""
}

func (r reading) isNew(call *ast.CallExpr) bool { return r.ofProblem(call) == "New" }

func (r reading) maker(decl ast.Decl) (string, maker, bool) {
	f, ok := decl.(*ast.FuncDecl)
	if !ok || f.Recv != nil || f.Body == nil || len(f.Body.List) != 1 {
		return "", maker{}, false
	}
	ret, ok := f.Body.List[0].(*ast.ReturnStmt)
	if !ok || len(ret.Results) != 1 {
		return "", maker{}, false
	}
	call, ok := ret.Results[0].(*ast.CallExpr)
	if !ok || !r.isNew(call) {
		return "", maker{}, false
	}
	m := maker{call: call}
	for _, field := range f.Type.Params.List {
		for _, name := range field.Names {
			m.parameters = append(m.parameters, name.Name)
		}
	}
	return f.Name.Name, m, len(m.parameters) > 0
}

// say reads the arguments of problem.New.
func (r reading) say(at *ast.CallExpr, args []ast.Expr, given map[string]ast.Expr) said {
	r.t.Helper()
	p := said{by: r.dir, at: r.files.Position(at.Pos()).String()}
	if len(args) != 5 {
		r.t.Fatalf("%s: problem.New takes five arguments", p.at)
	}
	p.kind = r.kind(args[0])
	status, err := strconv.Atoi(r.text(args[1], given))
	if err != nil {
		r.t.Fatalf("%s: the status: %v", p.at, err)
	}
	p.status, p.code = status, r.text(args[2], given)
	p.ja, p.en = r.words(args[3], given), r.words(args[4], given)
	return p
}

func (r reading) kind(e ast.Expr) string {
	name := ""
	switch e := e.(type) {
	case *ast.SelectorExpr:
		name = e.Sel.Name
	case *ast.Ident:
		name = e.Name
	}
	for _, k := range errorKinds {
		if k.constant == name {
			return k.kind
		}
	}
	r.t.Fatalf("%s: %s is no kind of problem", r.files.Position(e.Pos()), name)
	return ""
}

func (r reading) words(e ast.Expr, given map[string]ast.Expr) (w sentence) {
	if name, ok := e.(*ast.Ident); ok && given[name.Name] != nil {
		e = given[name.Name]
	}
	lit, ok := e.(*ast.CompositeLit)
	if !ok {
		r.t.Fatalf("%s: the words are not written here", r.files.Position(e.Pos()))
	}
	for i, el := range lit.Elts {
		field := []string{"Title", "Detail"}[i]
		if kv, ok := el.(*ast.KeyValueExpr); ok {
			field, el = kv.Key.(*ast.Ident).Name, kv.Value
		}
		if field == "Title" {
			w.title = r.text(el, given)
		} else {
			w.detail = r.text(el, given)
		}
	}
	return w
}

// text evaluates a constant: literals, their sums, names of this package and of
// net/http, and parameters.
func (r reading) text(e ast.Expr, given map[string]ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			s, err := strconv.Unquote(e.Value)
			if err != nil {
				r.t.Fatal(err)
			}
			return s
		}
		return e.Value
	case *ast.BinaryExpr:
		return r.text(e.X, given) + r.text(e.Y, given)
	case *ast.ParenExpr:
		return r.text(e.X, given)
	case *ast.Ident:
		if v := given[e.Name]; v != nil {
			return r.text(v, nil)
		}
		if v := r.constants[e.Name]; v != nil {
			return r.text(v, nil)
		}
	case *ast.SelectorExpr:
		if v := r.statuses[e.Sel.Name]; v != nil {
			return r.text(v, nil)
		}
	case *ast.CallExpr: // strings.TrimSpace(nothingEN), string(code)
		if len(e.Args) == 1 {
			return strings.TrimSpace(r.text(e.Args[0], given))
		}
	}
	r.t.Fatalf("%s: this is not a constant", r.files.Position(e.Pos()))
	return ""
}

// errorKinds are the four kinds, in the order of the page.
var errorKinds = []struct{ constant, kind, heading, about string }{
	{"YourTurn", "your-turn", "Your turn", "The person or the caller must do something. Nothing was decided against them."},
	{"Refused", "refused", "Refused", "It was checked, and the answer is no."},
	{"CouldNotCheck", "could-not-check", "Could not check", "Somebody could not be reached or did not know. Nothing was decided; try later."},
	{"OurFault", "our-fault", "Our fault", "A defect, a full disk, a database that does not answer."},
}

// errorsPage is docs/errors.md.
func errorsPage(all []said) string {
	var b strings.Builder
	b.WriteString(errorsHead)
	for _, k := range errorKinds {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n", k.heading, k.about)
		b.WriteString("| code | HTTP | what happened | what to do | said by |\n|---|---|---|---|---|\n")
		for i, p := range all {
			if p.kind != k.kind {
				continue
			}
			// The same words in several packages are one line.
			same := func(q said) bool { return q.code == p.code && q.status == p.status && q.ja == p.ja && q.en == p.en }
			if slices.ContainsFunc(all[:i], same) {
				continue
			}
			var by []string
			for _, q := range all {
				if same(q) && !slices.Contains(by, q.by) {
					by = append(by, q.by)
				}
			}
			fmt.Fprintf(&b, "| `%s` | %d | %s<br>%s | %s<br>%s | %s |\n", p.code, p.status,
				cell(p.en.title), cell(p.ja.title), cell(p.en.detail), cell(p.ja.detail), strings.Join(by, ", "))
		}
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "|", "\\|") }

const errorsHead = `# Errors

Every answer that is not a success is one of four kinds that nobody may confuse. On a page the kind has its own
shape, title and colour; over HTTP it is the member ` + "`kind`" + ` of the problem details (RFC 9457), whose ` + "`type`" + ` is
` + "`urn:tegata:error:CODE`" + `; on a terminal it is the exit code: 1 refused or your turn, 2 could not check, 69 a party
is unreachable, 70 our fault, 64 the command itself was wrong. Codes are stable: branch on them, never on sentences.

A wrong secret carries ` + "`which`" + ` and ` + "`tries_left`" + `; every answer carries ` + "`request_id`" + `, which the log of whoever said
it has too.

This page is written from the source by a test, so that no code is missing. [How to meet each refusal](refusals.md)
on the pages of the sandbox.
`
