package portal

import (
	"context"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
)

// Suspend puts the phone of who is logged in on hold (紛失, 身に覚えがない): the issuer
// does it at once, against the grant that this login brought. The session ends
// with the certificate that opened it, as the verifier tells. Errors are
// problems: those of SessionOf, ErrNoSuspend, the issuer's own, or that it could not be
// reached.
func (p *Portal) Suspend(ctx context.Context, token string) (time.Time, error) {
	return p.suspendFor(ctx, token, "")
}

// suspendFor is Suspend for what the holder reported: the issuer remembers whose report it
// is, so that the helpdesk, which is told of it by the same name, sees states by it.
func (p *Portal) suspendFor(ctx context.Context, token, report string) (time.Time, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return time.Time{}, err
	}
	if s.Grants[ceremony.ScopeSuspend] == "" {
		return time.Time{}, ErrNoSuspend
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return time.Time{}, fmt.Errorf("portal: suspend: %w", err)
	}
	body := struct {
		Holder string `json:"holder"`
		Report string `json:"report,omitempty"`
	}{s.Holder, report}
	var held struct {
		At time.Time `json:"at"`
	}
	err = httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/suspensions", body, &held, header,
		httpd.Header{Name: ceremony.GrantHeader, Value: s.Grants[ceremony.ScopeSuspend]})
	if err != nil {
		return time.Time{}, err
	}
	return held.At, nil
}
