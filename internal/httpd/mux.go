package httpd

import (
	"net/http"
	"slices"
)

// Registrar is where a party puts its routes: an http.ServeMux, or a Mux.
type Registrar interface {
	Handle(pattern string, h http.Handler)
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// Mux is an http.ServeMux that can say what it answers, so that a test can hold its
// routes against what is documented.
type Mux struct {
	http.ServeMux
	patterns []string
}

// NewMux makes one without routes.
func NewMux() *Mux { return &Mux{} }

// Lister is a handler that says what it answers: a Mux, or what stands before one.
type Lister interface{ Patterns() []string }

// Handle is http.ServeMux.Handle. Routes of a Mux that is mounted in this one are listed
// in the place of the pattern.
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.ServeMux.Handle(pattern, h)
	if inner, ok := h.(Lister); ok {
		m.List(inner.Patterns()...)
		return
	}
	m.List(pattern)
}

// HandleFunc is http.ServeMux.HandleFunc.
func (m *Mux) HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(f))
}

// List adds patterns that are answered in front of the mux.
func (m *Mux) List(patterns ...string) { m.patterns = append(m.patterns, patterns...) }

// Patterns are the patterns of all routes, sorted; one that is answered in two places
// is one.
func (m *Mux) Patterns() []string { return slices.Compact(slices.Sorted(slices.Values(m.patterns))) }

// Behind is h, which hands requests on to m, with m's list.
func (m *Mux) Behind(h http.Handler) http.Handler { return listed{h, m} }

type listed struct {
	http.Handler
	*Mux
}

func (l listed) ServeHTTP(w http.ResponseWriter, r *http.Request) { l.Handler.ServeHTTP(w, r) }
