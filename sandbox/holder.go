package sandbox

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// Holder does with phone and card what their person would: at the phone's own door
// and at the rack on the table.
type Holder struct {
	Phones, Cards string              // URLs
	Token         httpd.OperatorToken // the sandbox operator's
	Client        *http.Client
}

// Phone makes the phone of p. One that is there already stays as it is.
func (h Holder) Phone(ctx context.Context, p Person) error { return h.phone(ctx, p, "") }

func (h Holder) phone(ctx context.Context, p Person, model string) error {
	body := struct {
		ID       string `json:"id"`
		Name     string `json:"name"`
		Model    string `json:"model,omitempty"`
		Resident string `json:"resident"`
	}{p.Phone(), p.Name + "のスマホ", model, p.ID}
	err := h.post(ctx, h.Phones+"/v1/phones", body, nil)
	if p, ok := errors.AsType[*problem.Problem](err); ok && p.Code == "phone-exists" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sandbox: phone of %s: %w", p.ID, err)
	}
	return nil
}

// Enrol holds the card of p to the phone and registers it, from wherever an
// interrupted registration stands. It returns the lock code, "" when the phone was
// registered already.
func (h Holder) Enrol(ctx context.Context, p Person, card CardSecrets, own PhoneSecrets) (lockCode string, err error) {
	var phone struct {
		State  string `json:"state"`
		Reader string `json:"reader"`
	}
	address := h.Phones + "/v1/phones/" + p.Phone()
	if err := httpd.GetJSON(ctx, h.Client, address, &phone, h.Token.Bearer()); err != nil {
		return "", fmt.Errorf("sandbox: enrol %s: %w", p.ID, err)
	}
	if phone.State == "registered" {
		return "", nil
	}
	tap := h.Cards + "/v1/cards/" + p.ID + "/tap"
	if err := h.post(ctx, tap, map[string]string{"reader": phone.Reader}, nil); err != nil {
		return "", fmt.Errorf("sandbox: enrol %s: %w", p.ID, err)
	}
	body := map[string]string{"card_signature_password": card.CardSignaturePassword, "phone_auth_pin": own.PhoneAuthPIN,
		"phone_signature_password": own.PhoneSignaturePassword}
	var done struct {
		LockCode string `json:"lock_code"`
	}
	err = h.post(ctx, address+"/enrol", body, &done)
	_, _, away := httpd.Exchange(ctx, h.Client, http.MethodDelete, tap, nil, h.Token.Bearer())
	if err = errors.Join(err, away); err != nil {
		return "", fmt.Errorf("sandbox: enrol %s: %w", p.ID, err)
	}
	return done.LockCode, nil
}

// Noted tells the phone of p that its lock code was written down.
func (h Holder) Noted(ctx context.Context, p Person) error {
	return h.post(ctx, h.Phones+"/v1/phones/"+p.Phone()+"/noted", struct{}{}, nil)
}

func (h Holder) post(ctx context.Context, address string, in, out any) error {
	return httpd.PostJSON(ctx, h.Client, address, in, out, h.Token.Bearer())
}
