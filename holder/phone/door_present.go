package phone

import (
	"context"
	"net/http"
	"time"

	"tegata/internal/secret"
)

// Presented is how a phone stands with the terminal that it is, or was last, held to, as
// scripts see it.
type Presented struct {
	Reader  string `json:"reader,omitempty"`  // host:port of the slot; none: it is held nowhere
	Link    string `json:"link,omitempty"`    // of the request that was handed over
	Request string `json:"request,omitempty"` // its id, once it can be shown to the person

	// In compatibility mode, as it is switched on: what the terminal is given for a PIN, and
	// until when.
	Code  string     `json:"code,omitempty"`
	Until *time.Time `json:"until,omitempty"`
}

// present holds the phone to a terminal; with Compatible, as the card: that mode is switched
// on first, under the PIN.
func present(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Reader     string     `json:"reader"`
		Compatible bool       `json:"compatible"`
		PIN        secret.PIN `json:"phone_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	v := Presented{Reader: in.Reader}
	if in.Compatible {
		c, err := p.Compatible(ctx, in.PIN)
		if err != nil {
			return nil, err
		}
		v.Until = &c.Until
		c.Code.Reveal(func(digits []byte) { v.Code = string(digits) })
	}
	if err := p.Present(ctx, in.Reader); err != nil {
		p.EndCompatible()
		return nil, err
	}
	return v, nil
}

// presented tells; what was handed over and cannot be shown is that problem.
func presented(_ context.Context, p *Phone, _ *http.Request) (any, error) {
	v := Presented{Reader: p.PresentedAt()}
	if h, any := p.Handed(); any {
		if h.Err != nil {
			return nil, h.Err
		}
		v.Link, v.Request = h.Link, h.Ask
	}
	return v, nil
}

// takeAway takes the phone away from the terminal, and ends compatibility mode.
func takeAway(_ context.Context, p *Phone, _ *http.Request) (any, error) {
	p.EndCompatible()
	return struct {
		WasHeld bool `json:"was_held"`
	}{p.TakeAway()}, nil
}
