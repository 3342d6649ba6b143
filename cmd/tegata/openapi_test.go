package main

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tegata/internal/httpd"
)

// What is not described, and why.
var (
	// Pages of the OpenID Provider lead one browser through one login: no program calls
	// them, and their addresses may change.
	privateOfVerifier = []string{"GET /static/", "POST /language", "GET /trouble", "GET /about", "GET /login/return", "GET /login/{id}", "GET /login/{id}/phone",
		"GET /login/{id}/wait", "GET /login/{id}/done", "POST /login/{id}/ask", "POST /login/{id}/refuse", "/",
		"POST /v1/clients", // the sandbox operator's door
		// Pages where a developer looks after clients.
		"GET /developers", "GET /developers/new", "POST /developers/new", "GET /developers/client", "POST /developers/client", "POST /developers/change", "POST /developers/logo",
		"POST /developers/secret", "POST /developers/delete"}
	// Doors between the parties of one operator, by the roles in their certificates:
	// register, helpdesk, portal and the sandbox's start page.
	privateOfIssuer = []string{"POST /v1/card-issuances", "POST /v1/card-reissues", "POST /v1/register-events", "POST /v1/support-views", "POST /v1/staff/linkage",
		"POST /v1/report-views", "POST /v1/notice-watches", "GET /v1/noticed", "GET /v1/outbox", "GET /v1/holders/{pairwise}/trust", "POST /v1/trust",
		"POST /v1/trust/openings", "POST /v1/trust/{id}/acceptance", "POST /v1/trust/{id}/confirmation", "POST /v1/trust/{id}/end",
		"POST /sandbox/ocsp"} // the sandbox operator's door
	// Pages for people, and what the sandbox's own roles send to them.
	privateOfStreet = []string{"GET /{$}", "GET /cards", "POST /cards/{id}/remove", "GET /hold", "POST /hold", "GET /residents", "POST /residents", "GET /pad", "POST /pad", "GET /mailbox", "GET /offers",
		"GET /trace", "GET /trace/{file}", "POST /trace", "GET /break", "POST /break/card", "POST /break/ocsp", "POST /break/phone", "POST /break/reset",
		"POST /break/clock", "POST /break/lost", "GET /stranger/{trick}", "GET /v1/parties/{id}", "GET /shop", "POST /shop", "GET /shop/phone", "GET /shop/return",
		"GET /shop/signed/{token}", "GET /shop/paper/{what}", "/", "GET /static/", "POST /language", "GET /trouble"}
)

// TestOpenAPI holds the descriptions against the running roles: every route is described
// or private, everything described answers, and what goes over the wire in the journeys
// is what the descriptions say, member by member.
func TestOpenAPI(t *testing.T) {
	all := map[string]*description{
		"verifier": describe(t, "verifier", openapiOf("verifier"), privateOfVerifier...),
		"issuer":   describe(t, "issuer", openapiOf("issuer"), privateOfIssuer...),
		"street":   describe(t, "street", openapiOf("street"), privateOfStreet...),
	}
	s := &streets{}
	t.Cleanup(s.clear)
	compared := false
	s.around = func(n *neighbourhood) {
		if !compared { // they are the same in each
			compared = true
			compareRoutes(t, n, all)
		}
		for role, d := range all {
			n.open(role, d.before(*n.doors[role].built.Load()))
		}
	}
	t.Run("journeys", func(t *testing.T) {
		testscript.Run(t, s.params(testscript.Params{Files: journeysOfOpenAPI()}))
	})
	t.Run("calls", func(t *testing.T) { callsOfOpenAPI(t, s) })
	for role, d := range all {
		for _, fault := range d.faults {
			t.Errorf("%s: %s", role, fault)
		}
		for _, name := range d.missed() {
			t.Errorf("%s: %s was never seen to work", role, name)
		}
	}
}

func journeysOfOpenAPI() (files []string) {
	for _, name := range []string{"signtx", "linked", "limits", "register", "stop", "suspend_portal", "address", "helpdesk"} {
		files = append(files, filepath.Join("testdata", name+".txtar"))
	}
	return files
}

// compareRoutes looks both ways.
func compareRoutes(t *testing.T, n *neighbourhood, all map[string]*description) {
	routes := map[string][]string{
		"verifier": append(n.verifier.sandboxRoutes(n.token, "").Patterns(), n.verifier.openid.Pages().(httpd.Lister).Patterns()...),
		"issuer":   n.issuer.sandboxRoutes(n.token).(httpd.Lister).Patterns(),
		"street":   append(n.streetRoutes().(httpd.Lister).Patterns(), patternsIn(t, "../../services/street/handler.go", "GET /static/", "POST /language", "GET /trouble", "GET /healthz", "GET /metrics", "GET /shop/return")...),
	}
	for role, d := range all {
		described := d.operations()
		if len(described) < 5 || len(routes[role]) < len(described) {
			t.Errorf("%s: %d routes and %d operations", role, len(routes[role]), len(described))
		}
		for _, pattern := range routes[role] {
			if in, out := slices.Contains(described, pattern), slices.Contains(d.private, pattern); in == out {
				t.Errorf("%s answers %q: described %t, private %t", role, pattern, in, out)
			}
		}
		for _, name := range append(described, d.private...) {
			if !slices.Contains(routes[role], name) {
				t.Errorf("%s: there is no %s", role, name)
			}
		}
	}
}

// patternsIn reads the patterns out of the source of a party whose mux does not list them:
// each literal one of Handle and HandleFunc, and more, which are mounted by name.
func patternsIn(t *testing.T, file string, more ...string) []string {
	t.Helper()
	source, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(source, func(node ast.Node) bool {
		call, ok := node.(*ast.CallExpr)
		if !ok || len(call.Args) != 2 {
			return true
		}
		if f, ok := call.Fun.(*ast.SelectorExpr); !ok || f.Sel.Name != "Handle" && f.Sel.Name != "HandleFunc" {
			return true
		}
		if text, ok := call.Args[0].(*ast.BasicLit); ok {
			pattern, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			more = append(more, pattern)
		}
		return true
	})
	return more
}

// The codes in the descriptions are registered ones.
func TestTheCodesOfOpenAPIAreRegistered(t *testing.T) {
	all := problemsInSource(t)
	for _, role := range []string{"verifier", "issuer", "street"} {
		codes := describe(t, role, openapiOf(role)).codes()
		if len(codes) < 4 {
			t.Errorf("%s: %v", role, codes)
		}
		for code := range codes {
			if !slices.ContainsFunc(all, func(s said) bool { return s.code == code }) {
				t.Errorf("%s names %s, which nobody says", role, code)
			}
		}
	}
}

// What is not as described is noticed.
func TestWhatOpenAPINotices(t *testing.T) {
	const links, problem = `{"links":[]}`, `{"type":"urn:tegata:error:grant-refused","status":403,"kind":"refused","code":"grant-refused"}`
	for _, c := range []struct {
		name, method, path, mediaType, body string
		status, faults                      int
	}{
		{"as described", "GET", "/v1/links", "application/json", links, 200, 0},
		{"a problem as described", "GET", "/v1/links", "application/problem+json", problem, 403, 0},
		{"a member that is not described", "GET", "/v1/links", "application/json", `{"links":[],"more":1}`, 200, 1},
		{"a member of a member", "GET", "/v1/links", "application/json", `{"links":[{"id":"x","secret":"y"}]}`, 200, 1},
		{"a member that is missing", "GET", "/v1/links", "application/json", `{}`, 200, 1},
		{"a status", "GET", "/v1/links", "application/json", links, 202, 1},
		{"a code", "GET", "/v1/links", "application/problem+json", strings.ReplaceAll(problem, "grant-refused", "link-unknown"), 403, 1},
		{"a code of another status", "GET", "/v1/links", "application/problem+json", problem, 503, 1},
		{"a media type", "GET", "/v1/links", "text/html", links, 200, 1},
		{"a parameter", "GET", "/v1/links?all=yes", "application/json", links, 200, 1},
		{"a path", "GET", "/v1/rings", "application/json", links, 200, 1},
		{"a method", "PUT", "/v1/links", "application/json", links, 200, 1},
		{"a body", "POST", "/v1/events", "application/json", `{"sets":{}}`, 200, 1},
	} {
		d := describe(t, "verifier", openapiOf("verifier"), privateOfVerifier...)
		r := httptest.NewRequest(c.method, "http://127.0.0.1"+c.path, strings.NewReader(`{"nonsense":1}`))
		r.Header.Set("Authorization", "Bearer x")
		r.Header.Set("Tegata-Grant", "x")
		r.Header.Set("Content-Type", "application/json")
		d.before(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", c.mediaType)
			w.WriteHeader(c.status)
			io.WriteString(w, c.body)
		})).ServeHTTP(httptest.NewRecorder(), r)
		if (len(d.faults) > 0) != (c.faults > 0) {
			t.Errorf("%s: %q", c.name, d.faults)
		}
	}
}

// startRecorded runs a neighbourhood in this process, with s.around at its doors.
func (s *streets) startRecorded(data string) (*runningStreet, error) {
	set, err := openSettings(data)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	n, err := standardBuild(console{err: io.Discard}, false).openNeighbourhood(ctx, data, set)
	if err != nil {
		stop()
		return nil, err
	}
	r := &runningStreet{ended: make(chan error, 1), cancel: stop, own: n}
	ready := make(chan struct{})
	go func() { r.ended <- n.run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
		s.around(n)
		return r, nil
	case err := <-r.ended:
		stop()
		return nil, err
	case <-time.After(60 * time.Second):
		return nil, errors.Join(errors.New("the neighbourhood does not get ready"), r.stop())
	}
}
