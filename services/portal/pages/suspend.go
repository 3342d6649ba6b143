package pages

import (
	"net/http"

	"tegata/internal/ui"
)

// suspend asks once more before the phone is suspended.
func (h *Handler) suspend(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie)); err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "suspend"})
}

// doSuspend suspends, and leads to a page that a reload does not repeat.
func (h *Handler) doSuspend(w http.ResponseWriter, r *http.Request) {
	if _, err := h.opt.Portal.Suspend(r.Context(), h.cookie(r, sessionCookie)); err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/suspended", http.StatusSeeOther)
}

// suspendedPage says what to do now, to who is logged in or not.
type suspendedPage struct{ Session bool }

func (h *Handler) suspended(w http.ResponseWriter, r *http.Request) {
	if _, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie)); err != nil {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "suspended", Data: suspendedPage{Session: true}})
}
