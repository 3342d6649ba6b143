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

// receipt asks for the number, which the QR code brings, and the tag, which it does not:
// only who reads it off the phone in their hand learns something about that phone.
func (h *Handler) receipt(w http.ResponseWriter, r *http.Request) {
	h.show(w, r, ui.Screen{Page: "receipt", Data: receiptPage{ID: strings.TrimSpace(r.URL.Query().Get("id"))}})
}

// checkReceipt answers from the ledger at this moment; nothing of it is kept. It is a
// form's and no link's: a link may come from whoever sells the phone.
func (h *Handler) checkReceipt(w http.ResponseWriter, r *http.Request) {
	page := receiptPage{ID: strings.TrimSpace(r.PostFormValue("id")), Tag: r.PostFormValue("tag")}
	err := error(portal.ErrReceiptIncomplete)
	if page.ID != "" && strings.TrimSpace(page.Tag) != "" {
		var found receipt.Revocation
		if found, err = h.opt.Portal.ReceiptOf(r.Context(), page.ID); err == nil {
			page.Answer = &receiptAnswer{Receipt: found, Other: !found.Of(page.Tag)}
		}
	}
	sc := ui.Screen{Page: "receipt"}
	if err != nil {
		page.Trouble = ui.TroubleOf(w, err)
		sc.Status, sc.Bad = page.Trouble.Status, true
	}
	sc.Data = page
	h.show(w, r, sc)
}
