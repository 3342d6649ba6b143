package ra

import "net/http"

// changeContact and keepContact are open to anybody: the card's word says who speaks.
func (h *Handler) changeContact(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[ContactChange](w, r); ok {
		v, err := h.RA.ChangeContact(r.Context(), body)
		answer(w, r, v, err)
	}
}

func (h *Handler) keepContact(w http.ResponseWriter, r *http.Request) {
	body, ok := read[ContactChange](w, r)
	if !ok {
		return
	}
	if body.Contact != (Contact{}) {
		answer(w, r, ContactChanging{}, ErrBadRequest.With("field", "contact"))
		return
	}
	v, err := h.RA.KeepContact(r.Context(), body.Word)
	answer(w, r, v, err)
}
