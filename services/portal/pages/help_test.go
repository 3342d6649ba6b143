package pages

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"
)

var references = regexp.MustCompile(`(?:href|src|poster)="(/[^"#]*)"`)

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
			var pictures, films int
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
				switch kind := w.Header().Get("Content-Type"); {
				case !strings.HasPrefix(path, "/help/files/"):
				case kind == "image/png":
					pictures++
				case kind == "video/webm":
					films++
				default:
					t.Errorf("%s: %s", path, kind)
				}
				if path != "/help" && !strings.HasPrefix(path, "/help/") || strings.HasPrefix(path, "/help/files/") {
					continue // beyond the guide
				}
				for _, m := range references.FindAllStringSubmatch(w.Body.String(), -1) {
					next = append(next, m[1])
				}
			}
			if pictures < 80 || films < 15 || !seen["/help/questions"] {
				t.Errorf("%d pictures, %d films; seen %v", pictures, films, seen)
			}
			for _, id := range []string{
				"register", "log-in", "other-screen", "status", "secrets", "forgotten", "biometrics", "notices", "idle", "limits", "trusted", "not-me",
				"lost", "found", "give-up", "moved", "helpdesk", "helper", "trouble",
			} {
				if !seen["/help/"+id] {
					t.Errorf("nothing leads to the chapter %s", id)
				}
			}
			if w := get("/help/look-inside"); w.Code != http.StatusNotFound {
				t.Errorf("a chapter without pictures: %d", w.Code)
			}
		})
	}
}
