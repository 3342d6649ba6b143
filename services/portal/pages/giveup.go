package pages

import (
	"net/http"

	"tegata/internal/ui"
)

// giveUpPage leads whoever gives a phone up to where that is done (スマホを手放す).
type giveUpPage struct{ Phone string } // origin of the phones' pages; "" when there is none

// giveUp revokes nothing itself. What cannot be undone takes the phone in the hand or the
// card: a browser that is logged in, perhaps a borrowed one, can suspend and no more.
func (h *Handler) giveUp(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "giveup", Data: giveUpPage{h.opt.Phone}})
}
