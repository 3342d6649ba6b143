package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Cookies ignore ports: a page that answered at the address would share its
// cookies with every role there.
func TestPagesAnswerByTheirOwnNameOnly(t *testing.T) {
	s := settings{Listen: "127.0.0.1:8400"}
	h := s.ownName("portal", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	for _, tt := range []struct {
		name, method, url string
		status            int
		location          string
	}{
		{"a page by its name", "GET", "http://portal.localhost:8404/home", 204, ""},
		{"a page by the address is sent to its name", "GET", "http://127.0.0.1:8404/login/return?response_code=x", 307, "http://portal.localhost:8404/login/return?response_code=x"},
		{"a path that looks like another host stays here", "GET", "http://127.0.0.1:8404//evil.example/", 307, "http://portal.localhost:8404//evil.example/"},
		{"a form by the address is refused", "POST", "http://127.0.0.1:8404/login", 421, ""},
		{"a program comes by the address", "POST", "http://127.0.0.1:8404/v1/phones", 204, ""},
		{"and moves the clock there", "POST", "http://127.0.0.1:8404/clock/advance", 204, ""},
		{"so does a probe", "GET", "http://127.0.0.1:8404/healthz", 204, ""},
		{"what only begins like a program's path is a page", "GET", "http://127.0.0.1:8404/clocks", 307, "http://portal.localhost:8404/clocks"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.method, tt.url, nil))
			if w.Code != tt.status || w.Header().Get("Location") != tt.location {
				t.Fatalf("got %d %s, want %d %s", w.Code, w.Header().Get("Location"), tt.status, tt.location)
			}
		})
	}
}
