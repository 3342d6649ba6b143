package pages

import (
	"errors"
	"net/http"

	"tegata/internal/ui"
	"tegata/services/portal"
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
	_, err := h.opt.Portal.Suspend(r.Context(), h.cookie(r, sessionCookie))
	if err != nil && !errors.Is(err, portal.ErrSessionHeld) { // held: the button was pressed twice
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/suspended", http.StatusSeeOther)
}

// suspended says what to do now. The session has ended by then, or does so in a
// moment, with the certificate that opened it.
func (h *Handler) suspended(w http.ResponseWriter, r *http.Request) {
	_, _, err := h.opt.Portal.SessionOf(r.Context(), h.cookie(r, sessionCookie))
	if err != nil && !errors.Is(err, portal.ErrSessionHeld) {
		h.fail(w, r, err)
		return
	}
	h.show(w, r, ui.Screen{Page: "suspended"})
}
