package phone

import (
	"context"
	"net/http"

	"tegata/internal/secret"
)

// changeSecret changes the PIN, the signature password, or both: whichever comes with
// a new value.
func changeSecret(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		PIN         secret.PIN      `json:"phone_auth_pin"`
		NewPIN      secret.PIN      `json:"new_phone_auth_pin"`
		Password    secret.Password `json:"phone_signature_password"`
		NewPassword secret.Password `json:"new_phone_signature_password"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.NewPIN.IsZero() && in.NewPassword.IsZero() {
		return nil, ErrSecretForm
	}
	if !in.NewPIN.IsZero() {
		if err := p.ChangePIN(ctx, in.PIN, in.NewPIN); err != nil {
			return nil, err
		}
	}
	if !in.NewPassword.IsZero() {
		if err := p.ChangePassword(ctx, in.Password, in.NewPassword); err != nil {
			return nil, err
		}
	}
	return show(ctx, p, r)
}

// resetPIN sets a new PIN by the signature password.
func resetPIN(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		NewPIN   secret.PIN      `json:"new_phone_auth_pin"`
		Password secret.Password `json:"phone_signature_password"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := p.ResetPIN(ctx, in.Password, in.NewPIN); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// resetPassword brings a new signature certificate with a new password, by the card.
func resetPassword(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Card        secret.Password `json:"card_signature_password"`
		NewPassword secret.Password `json:"new_phone_signature_password"`
		Replace     bool            `json:"replace"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return newSignature(ctx, p, r, p.RenewSign, in.Card, in.NewPassword, in.Replace)
}
