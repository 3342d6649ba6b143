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

// sender is the creditor that a mandate belongs to: only its letters count for it.
func (b *Bank) sender(r *http.Request) (string, error) {
	m, err := b.conf.Store.Mandate(r.Context(), r.PathValue("id"))
	return m.Creditor, err
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
	from, err := b.sender(r)
	if err != nil {
		return 0, nil, err
	}
	var body struct {
		ID   string `json:"id"`
		Code string `json:"code"`
	}
	c, err := b.open(r.Context(), typeRedeem, e, from, &body)
	if err != nil {
		return 0, nil, err
	}
	if body.ID != r.PathValue("id") {
		return 0, nil, ErrLetter
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
	from, err := b.sender(r)
	if err != nil {
		return 0, nil, err
	}
	var body struct {
		ID     string `json:"id"`
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}
	if _, err := b.open(r.Context(), typeCharge, e, from, &body); err != nil {
		return 0, nil, err
	}
	if body.ID != r.PathValue("id") {
		return 0, nil, ErrLetter
	}
	if body.Amount <= 0 || len(body.Charge) < 20 || len(body.Charge) > 64 {
		return 0, nil, ErrMandate
	}
	c, err := b.conf.Store.Take(r.Context(), b.conf.Now(), body.ID, Charge{ID: body.Charge, Amount: body.Amount})
	return http.StatusOK, c, err
}

func end(b *Bank, r *http.Request, e envelope) (int, any, error) {
	from, err := b.sender(r)
	if err != nil {
		return 0, nil, err
	}
	var body struct {
		ID string `json:"id"`
	}
	if _, err := b.open(r.Context(), typeEnd, e, from, &body); err != nil {
		return 0, nil, err
	}
	if body.ID != r.PathValue("id") {
		return 0, nil, ErrLetter
	}
	return http.StatusOK, struct{}{}, b.conf.Store.End(r.Context(), b.conf.Now(), body.ID, ByCreditor)
}
