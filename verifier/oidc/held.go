package oidc

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Held is a client as its operator sees it: registered, applied for, or both.
type Held struct {
	ID          string
	Registered  *Client      // nil: it may ask nothing
	Contact     string       // of its developer; "" when an operator registered it
	Application *Application // the newest; nil when nobody applied for it
}

// State is how a client stands in a word.
func (h Held) State() string {
	switch {
	case h.Application != nil && h.Application.State == Applied && h.Registered != nil:
		return "change " + Applied
	case h.Registered != nil:
		return "registered"
	case h.Application != nil && h.Application.State != Approved:
		return h.Application.State
	}
	return Ended
}

// Held lists what there is to operate, what waits first.
func (p *Provider) Held(ctx context.Context) (all []Held, err error) {
	open, err := p.c.Store.Applications(ctx)
	if err != nil {
		return nil, fmt.Errorf("oidc: applications: %w", err)
	}
	seen := map[string]bool{}
	for _, a := range open {
		if a.State == Applied {
			seen[a.Client.ID] = true
			all = append(all, Held{ID: a.Client.ID})
		}
	}
	clients, err := p.c.Store.Clients(ctx)
	if err != nil {
		return nil, fmt.Errorf("oidc: clients: %w", err)
	}
	for _, a := range open {
		clients = append(clients, Client{ID: a.Client.ID})
	}
	for _, c := range clients {
		if !seen[c.ID] {
			seen[c.ID] = true
			all = append(all, Held{ID: c.ID})
		}
	}
	for i := range all {
		if all[i], err = p.HeldOne(ctx, all[i].ID); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Waiting is how many applications wait for an operator, and since when the first of them
// does; zero when none does.
func (p *Provider) Waiting(ctx context.Context) (n int, since time.Time, err error) {
	all, err := p.c.Store.Applications(ctx)
	if err != nil {
		return 0, since, fmt.Errorf("oidc: applications: %w", err)
	}
	for _, a := range all { // the longest unchanged first
		if a.State != Applied {
			continue
		}
		if n++; n == 1 {
			since = a.At
		}
	}
	return n, since, nil
}

// HeldOne is one client as its operator sees it. ErrNotFound.
func (p *Provider) HeldOne(ctx context.Context, id string) (Held, error) {
	h := Held{ID: id}
	c, err := p.client(ctx, id)
	known := err == nil
	if known {
		h.Registered = &c
	} else if !errors.Is(err, ErrNotFound) {
		return h, fmt.Errorf("oidc: client %s: %w", id, err)
	}
	a, err := p.c.Store.Application(ctx, id)
	if err == nil {
		h.Application, known = &a, true
	} else if !errors.Is(err, ErrNotFound) {
		return h, fmt.Errorf("oidc: application %s: %w", id, err)
	}
	m, err := p.c.Store.Managed(ctx, id)
	if err == nil {
		h.Contact = m.Contact
	} else if !errors.Is(err, ErrNotFound) {
		return h, fmt.Errorf("oidc: contact of %s: %w", id, err)
	}
	if !known {
		if _, err := p.c.Store.Client(ctx, id); err != nil { // not even ended
			return h, err
		}
	}
	return h, nil
}

// PictureOf is the logo that a client applied for, or, when nothing waits, that is
// registered: a PNG, or nothing.
func (p *Provider) PictureOf(ctx context.Context, h Held) ([]byte, error) {
	c := charge{Held: h}.draft()
	if c.Logo == "" {
		return nil, nil
	}
	picture, err := p.c.Store.Logo(ctx, c.ID, c.Logo)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	return picture, err
}
