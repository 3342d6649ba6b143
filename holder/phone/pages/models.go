package pages

import (
	"net/http"
	"strings"

	"tegata/holder/phone"
	"tegata/internal/ui"
)

// modelsPage answers このスマホは使えますか by the list of supported phones.
type modelsPage struct {
	List   []phone.Listed
	Asked  string // as typed
	Known  bool   // the list speaks of it
	Answer phone.Listed
}

// Name is a model's name in the page's language.
func (p modelsPage) Name(l phone.Listed) ui.Text { return ui.Text{JA: l.JA, EN: l.EN} }

func modelsPageOf(asked string) modelsPage {
	p := modelsPage{List: phone.List(), Asked: strings.TrimSpace(asked)}
	p.Answer, p.Known = phone.Looked(p.Asked)
	return p
}

// models is for everybody, before anything is registered. What a phone really is, its
// hardware says at registration.
func (h *Handler) models(w http.ResponseWriter, r *http.Request) {
	sc := ui.Screen{Page: "models", Data: modelsPageOf(r.FormValue("model"))}
	if err := h.site.Render(w, r, sc); err != nil {
		h.opt.Log.ErrorContext(r.Context(), "page", "page", "models", "error", err)
	}
}
