package pages

import (
	"net/http"
	"strings"

	"tegata/internal/receipt"
	"tegata/internal/ui"
	"tegata/services/portal"
)

// receiptPage is where anybody checks that a phone was given up properly.
type receiptPage struct {
	ID, Tag string // as typed
	Answer  *receiptAnswer
	Trouble *ui.Trouble
}

// receiptAnswer is green or red.
type receiptAnswer struct {
	Receipt receipt.Revocation
	Other   bool // the tag is another phone's
}

// Good is true only when the tag matches and nothing on the phone can be used.
func (a receiptAnswer) Good() bool { return a.Receipt.Clear && !a.Other }

// receipt answers from the ledger at this moment; nothing of it is kept.
func (h *Handler) receipt(w http.ResponseWriter, r *http.Request) {
	page := receiptPage{ID: strings.TrimSpace(r.FormValue("id")), Tag: r.FormValue("tag")}
	sc := ui.Screen{Page: "receipt"}
	if pressed := r.Form.Has("tag"); pressed && (page.ID == "" || strings.TrimSpace(page.Tag) == "") {
		page.Trouble = ui.TroubleOf(w, portal.ErrReceiptIncomplete)
		sc.Status, sc.Bad = page.Trouble.Status, true
	} else if pressed {
		found, err := h.opt.Portal.ReceiptOf(r.Context(), page.ID)
		if err != nil {
			page.Trouble = ui.TroubleOf(w, err)
			sc.Status, sc.Bad = page.Trouble.Status, true
		} else {
			page.Answer = &receiptAnswer{Receipt: found, Other: !found.Of(page.Tag)}
		}
	}
	sc.Data = page
	h.show(w, r, sc)
}
