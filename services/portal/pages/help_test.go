package pages

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var references = regexp.MustCompile(`(?:href|src)="(/[^"#]*)"`)

// Whatever the guide leads to is there, for people who are not logged in.
func TestTheGuideLeadsNowhereInVain(t *testing.T) {
	for name, sandbox := range map[string]bool{"sandbox": true, "production": false} {
		t.Run(name, func(t *testing.T) {
			h, err := New(Options{Portal: awayPortal{}, Sandbox: sandbox, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			routes := h.Routes()
			get := func(path string) *httptest.ResponseRecorder {
				w := httptest.NewRecorder()
				routes.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				return w
			}
			seen := map[string]bool{}
			var pictures int
			for next := []string{"/help"}; len(next) > 0; next = next[1:] {
				path := next[0]
				if seen[path] {
					continue
				}
				seen[path] = true
				w := get(path)
				if w.Code != http.StatusOK {
					t.Errorf("%s: %d", path, w.Code)
				}
				if strings.HasPrefix(path, "/help/files/") {
					pictures++
				}
				if path != "/help" && !strings.HasPrefix(path, "/help/") || strings.HasPrefix(path, "/help/files/") {
					continue // beyond the guide
				}
				for _, m := range references.FindAllStringSubmatch(w.Body.String(), -1) {
					next = append(next, m[1])
				}
			}
			if pictures < 30 || !seen["/help/questions"] || !seen["/help/lost"] || !seen["/help/files/main-job.webm"] {
				t.Errorf("%d pictures; seen %v", pictures, seen)
			}
			if w := get("/help/look-inside"); w.Code != http.StatusNotFound {
				t.Errorf("a chapter without pictures: %d", w.Code)
			}
		})
	}
}
