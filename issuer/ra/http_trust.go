package ra

import (
	"context"
	"net/http"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
)

// trustDoors are the doors about people who trust each other. Each is open to a party with a grant of the person
// who is logged in there.
func (h *Handler) trustDoors() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/holders/{pairwise}/trust": h.door(pki.RoleParty, h.trusting),
		"POST /v1/trust":                   h.door(pki.RoleParty, h.inviteTrusted),
		"POST /v1/trust/openings": h.door(pki.RoleParty, h.trustStep(func(ctx context.Context, party, _ string, in TrustStep, g ceremony.Grant) (Trusting, error) {
			return h.RA.OpenInvitation(ctx, party, in, g)
		})),
		"POST /v1/trust/{id}/acceptance":   h.door(pki.RoleParty, h.trustStep(h.RA.AcceptTrust)),
		"POST /v1/trust/{id}/confirmation": h.door(pki.RoleParty, h.trustStep(h.RA.ConfirmTrust)),
		"POST /v1/trust/{id}/end":          h.door(pki.RoleParty, h.trustStep(h.RA.EndTrust)),
	}
}

func (h *Handler) trusting(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	g, err := h.grant(r)
	if err != nil {
		httpd.WriteProblem(w, r, err)
		return
	}
	v, err := h.RA.Trusting(r.Context(), c.Party, r.PathValue("pairwise"), g)
	answer(w, r, v, err)
}

// granted is a door at which a party acts for the person of its grant: read, look at the
// grant, act, answer.
func granted[B, V any](h *Handler, act func(r *http.Request, party string, body B, g ceremony.Grant) (V, error)) func(http.ResponseWriter, *http.Request, ceremony.Caller) {
	return func(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
		body, ok := read[B](w, r)
		if !ok {
			return
		}
		g, err := h.grant(r)
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		v, err := act(r, c.Party, body, g)
		answer(w, r, v, err)
	}
}

func (h *Handler) inviteTrusted(w http.ResponseWriter, r *http.Request, c ceremony.Caller) {
	granted(h, func(r *http.Request, party string, in TrustInvitation, g ceremony.Grant) (Trusting, error) {
		return h.RA.InviteTrusted(r.Context(), party, in, g)
	})(w, r, c)
}

func (h *Handler) trustStep(do func(ctx context.Context, party, id string, in TrustStep, g ceremony.Grant) (Trusting, error)) func(http.ResponseWriter, *http.Request, ceremony.Caller) {
	return granted(h, func(r *http.Request, party string, in TrustStep, g ceremony.Grant) (Trusting, error) {
		return do(r.Context(), party, r.PathValue("id"), in, g)
	})
}
