package uitest

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tegata/internal/ui"
)

var (
	inlineScript = regexp.MustCompile(`(?i)<script(?:\s[^>]*)?>\s*[^<\s]|\son[a-z]+=|\sstyle=|javascript:`)
	title        = regexp.MustCompile(`<title>([^<]*)</title>`)
	form         = regexp.MustCompile(`(?s)<form([^>]*)>(.*?)</form>`)
	checked      = regexp.MustCompile(`\s(?:required|pattern=|minlength=|type="(?:date|email|url|number)")`) // by the browser, before a form is sent
	anyID        = regexp.MustCompile(`\sid="([^"]+)"`)
	label        = regexp.MustCompile(`<label[^>]*\sfor="([^"]+)"`)
)

// Page is one page with sample data, by a name that a person can read.
type Page struct {
	Name   string
	Screen ui.Screen
}

// Pages renders each page in both languages and fails t when one does not
// render, lacks a string, has not exactly one heading, no title, an inline
// script or style (our CSP would refuse it), an id twice, or a label for a
// field that is not there.
func Pages(t *testing.T, site *ui.Site, pages []Page) {
	t.Helper()
	for _, p := range pages {
		for _, l := range ui.Langs() {
			t.Run(p.Name+" "+string(l), func(t *testing.T) {
				Check(t, render(t, site, p, l))
			})
		}
	}
}

func render(t *testing.T, site *ui.Site, p Page, l ui.Lang) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: ui.LangCookie, Value: string(l)})
	w := httptest.NewRecorder()
	if err := site.Render(w, r, p.Screen); err != nil {
		t.Fatal(err)
	}
	return w.Body.String()
}

// Says fails t for each piece of HTML that the page of that name lacks in a
// language.
func Says(t *testing.T, site *ui.Site, pages []Page, name string, says map[ui.Lang][]string) {
	t.Helper()
	for l, pieces := range says {
		for _, s := range pieces {
			if !Has(t, site, pages, name, l, s) {
				t.Errorf("%s, %s: %q is not on the page", name, l, s)
			}
		}
	}
}

// Has reports whether the page of that name has a piece of HTML in a language.
func Has(t *testing.T, site *ui.Site, pages []Page, name string, l ui.Lang, piece string) bool {
	t.Helper()
	i := slices.IndexFunc(pages, func(p Page) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("there is no sample of %s", name)
	}
	return strings.Contains(render(t, site, pages[i], l), piece)
}

// Check fails t for what is wrong with one page of HTML.
func Check(t *testing.T, html string) {
	t.Helper()
	if i := strings.Index(html, "[["); i >= 0 {
		t.Errorf("a string is missing: %s", html[i:min(len(html), i+60)])
	}
	if strings.Contains(html, "%!") {
		t.Errorf("a string has the wrong arguments: %s", html[strings.Index(html, "%!"):][:40])
	}
	if n := strings.Count(html, "<h1"); n != 1 {
		t.Errorf("%d headings of the first level, want 1", n)
	}
	if m := title.FindStringSubmatch(html); m == nil || strings.HasPrefix(m[1], " |") {
		t.Error("the page has no title")
	}
	if m := inlineScript.FindString(html); m != "" {
		t.Errorf("inline script or style: %q", m)
	}
	ids := map[string]bool{}
	for _, m := range anyID.FindAllStringSubmatch(html, -1) {
		if ids[m[1]] {
			t.Errorf("id %q twice", m[1])
		}
		ids[m[1]] = true
	}
	for _, m := range form.FindAllStringSubmatch(html, -1) {
		if checked.MatchString(m[2]) && !strings.Contains(m[1], "novalidate") {
			t.Errorf("a browser would say in its own words what is wrong with the form%s", m[1])
		}
	}
	for _, m := range label.FindAllStringSubmatch(html, -1) {
		if !ids[m[1]] {
			t.Errorf("a label for %q, which is not there", m[1])
		}
	}
}

// Preview serves the pages with sample data on the address in TEGATA_PREVIEW,
// for a person or a camera to look at, until the test is stopped. Without the
// variable it does nothing.
func Preview(t *testing.T, site *ui.Site, pages []Page) {
	addr := os.Getenv("TEGATA_PREVIEW")
	if addr == "" {
		t.Skip("TEGATA_PREVIEW=127.0.0.1:9900 serves the pages to look at")
	}
	pages, named := slices.Clone(pages), map[string]int{}
	for i := range pages { // some states of a page have one name
		name := pages[i].Name
		if named[name]++; named[name] > 1 {
			pages[i].Name = fmt.Sprint(name, "-", named[name])
		}
	}
	mux := http.NewServeMux()
	site.Mount(mux)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		for _, p := range pages {
			fmt.Fprintf(w, "/look/%s\n", p.Name)
		}
	})
	for _, p := range pages {
		mux.HandleFunc("/look/"+p.Name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'")
			if err := site.Render(w, r, p.Screen); err != nil {
				t.Error(err)
			}
		})
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("look at http://%s/", l.Addr())
	http.Serve(l, mux)
}
