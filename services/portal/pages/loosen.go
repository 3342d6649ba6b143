package pages

import (
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/ui"
)

// loosenPage is a change that waits for the card: what gets looser, and the way to the
// phone that the card is held to.
type loosenPage struct {
	Looser, Tighter []ui.Text
	Link            string
	Until           time.Time
	Done            bool
}

func (h *Handler) loosen(w http.ResponseWriter, r *http.Request) {
	prepared, link, err := h.opt.Portal.Proposed(r.Context(), h.cookie(r, sessionCookie), r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := loosenOf(prepared, link)
	sc := ui.Screen{Page: "loosen", Data: p}
	if !p.Done {
		sc.Poll = changePoll
	}
	h.show(w, r, sc)
}

func loosenOf(prepared ceremony.RulesProposal, link string) loosenPage {
	p := loosenPage{Link: link, Until: time.Unix(prepared.ExpiresAt, 0), Done: prepared.Done}
	for _, d := range prepared.From.Differences(prepared.To) {
		if d.Looser {
			p.Looser = append(p.Looser, text(d.Words()))
		} else {
			p.Tighter = append(p.Tighter, text(d.Words()))
		}
	}
	return p
}
