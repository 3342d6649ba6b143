package street

import (
	"net/http"
	"slices"

	"tegata/internal/httpd"
)

// discovered is GET /services.json: where everything in this neighbourhood is.
type discovered struct {
	Services []Service `json:"services"`
	Readers  []Reader  `json:"readers"`
	Sandbox  bool      `json:"sandbox"`
}

func (h *Handler) servicesJSON(w http.ResponseWriter, r *http.Request) {
	out := discovered{Services: h.conf.Services, Readers: h.readers(r.Context()), Sandbox: true}
	if out.Services == nil {
		out.Services = []Service{}
	}
	if out.Readers == nil {
		out.Readers = []Reader{}
	}
	httpd.WriteJSON(w, http.StatusOK, out)
}

// residentsJSON lists the sandbox people with what is special about each and
// how those answer whose phones answer by themselves.
func (h *Handler) residentsJSON(w http.ResponseWriter, r *http.Request) {
	people, err := h.conf.People(r.Context())
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	people = slices.DeleteFunc(people, func(p Person) bool { return p.Answers != "" }) // those that exist by now
	people = append(people, h.conf.Answering...)
	if people == nil {
		people = []Person{}
	}
	httpd.WriteJSON(w, http.StatusOK, map[string]any{"residents": people, "sandbox": true, "complete": h.progress().Done})
}
