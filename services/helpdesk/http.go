package helpdesk

import (
	"net/http"

	"tegata/internal/httpd"
)

// maxReport bounds a report and its JSON, in bytes.
const maxReport = 8 << 10

// Door is where registered parties report, by programs.
type Door struct{ Helpdesk *Helpdesk }

// Routes is what it answers, below /v1/.
func (d Door) Routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/cases", httpd.LimitBody(http.HandlerFunc(d.report), maxReport))
	mux.HandleFunc("GET /v1/cases/{id}", d.standing)
	return mux
}

func (d Door) report(w http.ResponseWriter, r *http.Request) {
	party, err := d.Helpdesk.Admit(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	var in Reporting
	if err := httpd.ReadJSON(w, r, &in); err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	s, err := d.Helpdesk.Report(r.Context(), party, in)
	answer(w, r, s, err)
}

func (d Door) standing(w http.ResponseWriter, r *http.Request) {
	party, err := d.Helpdesk.Admit(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	s, err := d.Helpdesk.Standing(r.Context(), party, r.PathValue("id"))
	answer(w, r, s, err)
}

func answer(w http.ResponseWriter, r *http.Request, s Standing, err error) {
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	httpd.WriteJSON(w, http.StatusOK, s)
}
