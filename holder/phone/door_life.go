package phone

import (
	"context"
	"net/http"
	"time"

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
	return newSignature(ctx, p, r, p.ApplyForSign, in.Card, in.Password, in.Replace)
}

// newSignature goes the whole way to a signature certificate under password, going on
// wherever an earlier attempt stopped.
func newSignature(ctx context.Context, p *Phone, r *http.Request, apply func(context.Context, secret.Password, string, bool) error,
	card, password secret.Password, replace bool) (any, error) {
	if card.IsZero() || password.IsZero() {
		return nil, ErrSecretForm
	}
	l, err := p.Look(ctx)
	if err != nil {
		return nil, err
	}
	if l.Stage != StageReissue {
		// Before the card is asked for anything: what will be refused later anyway.
		if err := p.CheckPassword(ctx, password, card); err != nil {
			return nil, err
		}
		terms, err := p.Terms(ctx)
		if err != nil {
			return nil, err
		}
		if err := apply(ctx, card, terms.Version, replace); err != nil {
			return nil, err
		}
	}
	if err := p.MakeSignKey(ctx, password, card); err != nil {
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

// stop gives the phone up. With force it is wiped although the authority cannot be
// reached; the answer has no receipt then, and says since when it waits to be told.
func stop(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Force bool `json:"force"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	var out struct {
		Receipt *Receipt   `json:"receipt,omitempty"`
		Untold  *time.Time `json:"untold,omitempty"`
	}
	if !in.Force {
		receipt, err := p.Stop(ctx)
		out.Receipt = &receipt
		return out, err
	}
	if err := p.ForceStop(ctx); err != nil {
		return nil, err
	}
	l, err := p.Look(ctx)
	if out.Receipt = l.Receipt; !l.Untold.IsZero() {
		out.Receipt, out.Untold = nil, &l.Untold
	}
	return out, err
}

// deliver tells the authority what it could not be told when the phone was wiped.
func deliver(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	if err := p.Deliver(ctx); err != nil {
		return nil, err
	}
	return show(ctx, p, r)
}

// revokeByCard revokes the phone of whoever's card is held to this one.
func revokeByCard(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		PIN secret.PIN `json:"card_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	receipt, err := p.RevokeByCard(ctx, in.PIN)
	return struct {
		Receipt Receipt `json:"receipt"`
	}{receipt}, err
}
