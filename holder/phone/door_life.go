package phone

import (
	"context"
	"net/http"

	"tegata/internal/secret"
)

// found resumes the phone with the card that is held to it.
func found(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		PIN secret.PIN `json:"card_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := p.Found(ctx, in.PIN); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// reissue brings the phone a new signature certificate, going on wherever an earlier
// attempt stopped.
func reissue(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Card     secret.Password `json:"card_signature_password"`
		Password secret.Password `json:"phone_signature_password"`
		Replace  bool            `json:"replace"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	l, err := p.Look(ctx)
	if err != nil {
		return nil, err
	}
	if l.Stage != StageReissue {
		terms, err := p.Terms(ctx)
		if err != nil {
			return nil, err
		}
		if err := p.ApplyForSign(ctx, in.Card, terms.Version, in.Replace); err != nil {
			return nil, err
		}
	}
	if err := p.MakeSignKey(ctx, in.Password, in.Card); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// reportLost suspends the phone of whoever's card is held to this one.
func reportLost(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		PIN secret.PIN `json:"card_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	at, err := p.ReportLost(ctx, in.PIN)
	return struct {
		State string `json:"state"`
		At    any    `json:"at"`
	}{"held", at}, err
}
