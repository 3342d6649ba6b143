package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// Suspend puts the phone of who is logged in on hold (紛失, 身に覚えがない): the issuer
// does it at once, against the grant that this login brought. Pressed again it changes
// nothing. The session stays, so that the person sees what became of it. Errors are
// problems: ErrNotLoggedIn, ErrNoSuspend, the issuer's own, or that it could not be
// reached.
func (p *Portal) Suspend(ctx context.Context, token string) (time.Time, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return time.Time{}, err
	}
	if s.SuspendGrant == "" {
		return time.Time{}, ErrNoSuspend
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return time.Time{}, fmt.Errorf("portal: suspend: %w", err)
	}
	body := struct {
		Holder string `json:"holder"`
	}{s.Holder}
	var held struct {
		At time.Time `json:"at"`
	}
	err = httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/suspensions", body, &held, header,
		httpd.Header{Name: ceremony.GrantHeader, Value: s.SuspendGrant})
	if err != nil {
		return time.Time{}, err
	}
	return held.At, p.noteSuspension(ctx, s.Person, held.At)
}

// noteSuspension brings what the home page shows up to what the issuer has just said.
func (p *Portal) noteSuspension(ctx context.Context, person string, at time.Time) error {
	s, err := p.store.Snapshot(ctx, person)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("portal: suspend: %w", err)
	}
	s.Certificates = slices.Clone(s.Certificates)
	for i, c := range s.Certificates {
		if (c.Kind == "phone-auth" || c.Kind == "phone-sign") && c.State == "good" {
			s.Certificates[i].State, s.Certificates[i].Holds, s.Certificates[i].Since = "held", []string{"lost"}, &at
		}
	}
	if err := p.store.PutSnapshot(ctx, p.who(person), person, s); err != nil {
		return fmt.Errorf("portal: suspend: %w", err)
	}
	return nil
}
