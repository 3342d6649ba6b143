package pages

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/services/portal"
)

type lostPage struct {
	Birth   string // as typed; the code is asked for anew
	Trouble *ui.Trouble
}

// lost stops a lost phone from any browser in the world: no cookie, no login.
func (h *Handler) lost(w http.ResponseWriter, r *http.Request) {
	said := h.site.Said(r)
	h.show(w, r, ui.Screen{Page: "lost", Data: lostPage{said.Entered.Get("birth_date"), said.Trouble}, Bad: said.Trouble != nil})
}

func (h *Handler) doLost(w http.ResponseWriter, r *http.Request) {
	birth := strings.TrimSpace(r.PostFormValue("birth_date"))
	code, err := secret.ParseLockCode(r.PostFormValue("lock_code"))
	switch {
	case birth != "" && errors.Is(err, secret.ErrCheckDigit):
		err = portal.ErrLostDigit
	case birth == "" || err != nil:
		err = portal.ErrLostForm
	default:
		_, err = h.opt.Portal.SuspendByLockCode(r.Context(), birth, code, httpd.Source(r))
	}
	if err != nil {
		h.log(r, err)
		h.site.GoTo(w, r, ui.Later{Path: "/lost", Trouble: ui.TroubleOf(w, err), Entered: url.Values{"birth_date": {birth}}}, "")
		return
	}
	http.Redirect(w, r, "/lost/done", http.StatusSeeOther)
}

func (h *Handler) lostDone(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "suspended"})
}
