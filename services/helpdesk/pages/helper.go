package pages

import (
	"fmt"
	"net/http"
	"time"

	"tegata/internal/httpd"
	"tegata/internal/ui"
	"tegata/services/helpdesk"
)

// helperPage is for somebody who sits beside the person, or has them on the telephone,
// and has no account here: a private office that advises. It shows where the person is
// and what went wrong, and has nothing to press but the way back.
type helperPage struct {
	Advice  *helpdesk.Advice
	Error   *meaning
	Trouble *ui.Trouble
}

func (h *Handler) helper(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("over") != "" {
		h.show(w, r, ui.Screen{Page: "over", Data: overPage{}})
		return
	}
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "helper", Data: helperPage{Trouble: said.Trouble}, Bad: said.Trouble != nil})
}

// advise shows what the number opens, on this very answer: an address for it would be
// one that can be passed on. When its time is over the browser leaves it by itself.
func (h *Handler) advise(w http.ResponseWriter, r *http.Request) {
	a, err := h.opt.Helpdesk.Advise(r.Context(), digits(r.PostFormValue("number")), httpd.Source(r))
	if err != nil {
		h.log(r, err)
		h.site.GoTo(w, r, ui.Later{Path: "/helper", Trouble: ui.TroubleOf(w, err)}, "")
		return
	}
	h.site.Unsay(w)
	left := max(1, int(a.EndsAt.Sub(h.opt.Now()).Round(time.Second).Seconds()))
	w.Header().Set("Refresh", fmt.Sprintf("%d; url=/helper?over=1", left))
	h.show(w, r, ui.Screen{Page: "helper", Data: helperPage{Advice: &a, Error: h.means(a.Error)}})
}
