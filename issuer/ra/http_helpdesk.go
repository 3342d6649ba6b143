package ra

import (
	"errors"
	"net/http"

	"tegata/internal/ceremony"
	"tegata/internal/pki"
)

// suspendByHelpdesk is an agent's one power: to suspend, by four facts or by a view.
func (h *Handler) suspendByHelpdesk(r *http.Request, s Suspension) (Suspended, error) {
	caller, err := h.RA.Admit(r.Context(), r.Header.Get("Authorization"), pki.RoleHelpdesk, h.RA.at())
	if err != nil {
		return Suspended{}, err
	}
	if s.BirthDate != "" || s.LockCode != "" || s.Source != "" || s.Holder != "" || len(s.Word) > 0 || (s.Facts == nil) == (s.Support == "") {
		return Suspended{}, ErrBadRequest.With("field", "facts").Because(errors.New("ra: two ways at once"))
	}
	if s.Facts != nil {
		return h.RA.SuspendByFacts(r.Context(), caller.Party, s.Agent, *s.Facts)
	}
	return h.RA.SuspendBySupport(r.Context(), caller.Party, s.Agent, s.Support)
}

func (h *Handler) supportNumber(w http.ResponseWriter, r *http.Request) {
	if body, ok := read[StepBody](w, r); ok {
		v, err := h.RA.MakeSupportNumber(r.Context(), body.Step)
		answer(w, r, v, err)
	}
}

func (h *Handler) supportView(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[SupportQuery](w, r); ok {
		v, err := h.RA.ViewSupport(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) reportView(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[ReportQuery](w, r); ok {
		v, err := h.RA.ViewReport(r.Context(), c.Party, body)
		answer(w, r, v, err)
	}
}

func (h *Handler) staff(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	if body, ok := read[StaffQuery](w, r); ok {
		v, err := h.RA.LinkStaff(r.Context(), c.Party, body.Certificate)
		answer(w, r, v, err)
	}
}
