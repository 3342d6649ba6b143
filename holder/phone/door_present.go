package phone

import (
	"context"
	"net/http"
)

// Presented is how a phone stands with the terminal that it is, or was last, held to, as
// scripts see it.
type Presented struct {
	Reader  string `json:"reader,omitempty"`  // host:port of the slot; none: it is held nowhere
	Link    string `json:"link,omitempty"`    // of the request that was handed over
	Request string `json:"request,omitempty"` // its id, once it can be shown to the person
}

// present holds the phone to a terminal.
func present(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Reader string `json:"reader"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := p.Present(ctx, in.Reader); err != nil {
		return nil, err
	}
	return Presented{Reader: in.Reader}, nil
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

// takeAway takes the phone away from the terminal.
func takeAway(_ context.Context, p *Phone, _ *http.Request) (any, error) {
	return struct {
		WasHeld bool `json:"was_held"`
	}{p.TakeAway()}, nil
}
