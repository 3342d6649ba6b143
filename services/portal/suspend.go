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
// reached. It goes on when ctx is cancelled.
func (p *Portal) Suspend(ctx context.Context, token string) (time.Time, error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	h, err := p.mayHold(ctx, token)
	if err != nil {
		return time.Time{}, err
	}
	return p.suspend(ctx, h, "")
}

// mayHold is with what the issuer puts the phone of who is logged in on hold.
func (p *Portal) mayHold(ctx context.Context, token string) (Hold, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return Hold{}, err
	}
	if s.Grants[ceremony.ScopeSuspend] == "" {
		return Hold{}, ErrNoSuspend
	}
	return Hold{Holder: s.Holder, Grant: s.Grants[ceremony.ScopeSuspend]}, nil
}

// suspend asks the issuer. It remembers whose report it is, if it is for one, so that the
// helpdesk, which is told of it by the same name, sees states by it.
func (p *Portal) suspend(ctx context.Context, h Hold, report string) (time.Time, error) {
	return p.askHold(ctx, h, report, false)
}

// askHold asks the issuer; repeat says that nobody pressed anything for it: an answer may
// have been lost and the phone found since, and then it is not held once more.
func (p *Portal) askHold(ctx context.Context, h Hold, report string, repeat bool) (time.Time, error) {
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return time.Time{}, fmt.Errorf("portal: suspend: %w", err)
	}
	body := struct {
		Holder string `json:"holder"`
		Report string `json:"report,omitempty"`
		Repeat bool   `json:"repeat,omitempty"`
	}{h.Holder, report, repeat}
	var held struct {
		At time.Time `json:"at"`
	}
	err = httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/suspensions", body, &held, header,
		httpd.Header{Name: ceremony.GrantHeader, Value: h.Grant})
	if err != nil {
		return time.Time{}, err
	}
	return held.At, nil
}
