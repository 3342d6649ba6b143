package pages

import (
	"net/http"

	"tegata/internal/ui"
)

// A known is one of the six secrets that a person may be asked for: four of the card and
// two of the phone. Its ID is what a page that asks for it links to.
type known struct {
	ID   string // "card-pin", …: whose it is, and its form
	On   string // "card" or "phone"
	Kind string // "pin" or "password"
	Max  int    // tries
}

type whichPage struct{ Phone, Card []known }

// sixSecrets are they, those that are asked for most first. The words are in the catalogue.
func sixSecrets() whichPage {
	return whichPage{
		Phone: []known{{"phone-pin", "phone", "pin", 3}, {"phone-password", "phone", "password", 5}},
		Card: []known{
			{"card-pin", "card", "pin", 3}, {"card-password", "card", "password", 5},
			{"card-input", "card", "pin", 3}, {"card-resident", "card", "pin", 3},
		},
	}
}

// which tells the six apart, on a page that can be printed (どの暗証番号？). It knows
// nobody and asks for nothing.
func (h *Handler) which(w http.ResponseWriter, r *http.Request) {
	if err := h.site.Render(w, r, ui.Screen{Page: "which", Data: sixSecrets()}); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", "which", "error", err)
	}
}
