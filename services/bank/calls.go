package bank

import (
	"crypto/sha256"
	"net/http"
	"time"

	"tegata/internal/httpd"
	"tegata/services/relying"
)

// The creditors' side: letters by POST, each safe to repeat.

// maxLetter is the largest body of a letter, in bytes.
const maxLetter = 16 << 10

// Calls mounts what creditors call.
func (h *Handler) calls(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/keys", func(w http.ResponseWriter, r *http.Request) {
		httpd.WriteJSON(w, http.StatusOK, h.opt.Keys)
	})
	call := func(pattern string, f func(b *Bank, r *http.Request, e envelope) (int, any, error)) {
		mux.Handle(pattern, httpd.LimitBody(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			var e envelope
			err := httpd.ReadJSON(w, r, &e)
			status, out := 0, any(nil)
			if err == nil {
				status, out, err = f(h.opt.Bank, r, e)
			}
			if err != nil {
				httpd.WriteProblem(w, r, err)
				return
			}
			httpd.WriteJSON(w, status, out)
		}), maxLetter))
	}
	call("POST /v1/mandates", h.ask)
	call("POST /v1/mandates/{id}/redeem", redeem)
	call("POST /v1/mandates/{id}/charges", charge)
	call("POST /v1/mandates/{id}/end", end)
}

// about reads a creditor's letter about a mandate of its own, whose id the address and the
// body have. Who it is from is checked before whether there is such a mandate.
func about(b *Bank, r *http.Request, typ string, e envelope, id *string, body any) (Creditor, error) {
	c, err := b.open(r.Context(), typ, e, relying.SenderOf(e.Letter), body)
	if err != nil {
		return Creditor{}, err
	}
	if *id != r.PathValue("id") {
		return Creditor{}, ErrLetter
	}
	m, err := b.conf.Store.Mandate(r.Context(), *id)
	if err == nil && m.Creditor != c.ID {
		err = ErrMandateUnknown
	}
	return c, err
}

func (h *Handler) ask(b *Bank, r *http.Request, e envelope) (int, any, error) {
	var body struct {
		ID     string `json:"id"`
		Holder struct {
			Attributes
		} `json:"holder"`
		State string `json:"state"`
		Terms
	}
	c, err := b.open(r.Context(), typeAsk, e, relying.SenderOf(e.Letter), &body)
	if err != nil {
		return 0, nil, err
	}
	m := Mandate{ID: body.ID, Holder: body.Holder.Attributes, Terms: body.Terms, Back: body.State}
	if err := b.AskMandate(r.Context(), c, m); err != nil {
		return 0, nil, err
	}
	return http.StatusCreated, map[string]string{"url": h.opt.Origin + "/mandates/" + m.ID}, nil
}

func redeem(b *Bank, r *http.Request, e envelope) (int, any, error) {
	var body struct {
		ID   string `json:"id"`
		Code string `json:"code"`
	}
	c, err := about(b, r, typeRedeem, e, &body.ID, &body)
	if err != nil {
		return 0, nil, err
	}
	m, err := b.conf.Store.Redeem(r.Context(), b.conf.Now(), body.ID, sha256.Sum256([]byte(body.Code)))
	if err != nil {
		return 0, nil, err
	}
	out, err := b.seal(typeMandate, c.ID, map[string]any{"id": m.ID, "holder": m.Holder, "account": Masked(m.Account), "limit_once": m.Terms.LimitOnce,
		"limit_day": m.Terms.LimitDay, "valid_to": m.Terms.ValidTo, "first_limit": FirstLimit, "first_until": m.FirstUntil().UTC().Format(time.RFC3339),
		"granted_at": m.GrantedAt.UTC().Format(time.RFC3339), "evidence": m.Evidence})
	return http.StatusOK, out, err
}

func charge(b *Bank, r *http.Request, e envelope) (int, any, error) {
	var body struct {
		ID     string `json:"id"`
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}
	if _, err := about(b, r, typeCharge, e, &body.ID, &body); err != nil {
		return 0, nil, err
	}
	if body.Amount <= 0 || len(body.Charge) < 20 || len(body.Charge) > 64 {
		return 0, nil, ErrMandate
	}
	c, err := b.conf.Store.Take(r.Context(), b.conf.Now(), body.ID, Charge{ID: body.Charge, Amount: body.Amount})
	return http.StatusOK, c, err
}

func end(b *Bank, r *http.Request, e envelope) (int, any, error) {
	var body struct {
		ID string `json:"id"`
	}
	if _, err := about(b, r, typeEnd, e, &body.ID, &body); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, struct{}{}, b.conf.Store.End(r.Context(), b.conf.Now(), body.ID, ByCreditor)
}
