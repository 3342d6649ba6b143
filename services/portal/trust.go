package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/secret"
)

// Trusting is whom the person trusts and who trusts the person, as the issuer tells it:
// the relations live there, and this portal keeps nothing of them.
type Trusting struct {
	Trusted []Trusted `json:"trusted"`
	Charges []Charge  `json:"charges"`
}

// Trusted is somebody who may stop the person's phone, or is asked to.
type Trusted struct {
	ID    string     `json:"id"`
	State string     `json:"state"` // invited, opened, accepted, active
	Label string     `json:"label"` // the person's own word
	Shown string     `json:"shown"` // what the person is called there
	Code  CodeToTell `json:"code"`  // while it is invited
	Name  string     `json:"name"`  // registered name, from accepted on
	Until time.Time  `json:"until"` // when a step that is waited for comes too late
}

// Charge is somebody whose phone the person may stop.
type Charge struct {
	ID      string `json:"id"`
	State   string `json:"state"` // opened, accepted, active
	Name    string `json:"name"`  // as the other wished to be called
	Stopped bool   `json:"stopped"`
}

// CodeToTell is an invitation's code on its way to the page of who made it.
type CodeToTell struct{ secret.InvitationCode }

// UnmarshalJSON reads the issuer's digits.
func (c *CodeToTell) UnmarshalJSON(text []byte) error {
	var digits string
	if err := json.Unmarshal(text, &digits); err != nil || digits == "" {
		return err
	}
	code, err := secret.ParseInvitationCode(digits)
	c.InvitationCode = code
	return err
}

// TrustStep is what a person does to a relation.
type TrustStep string

// The steps, as the issuer's doors are called.
const (
	AcceptTrust  TrustStep = "acceptance"
	ConfirmTrust TrustStep = "confirmation"
	EndTrust     TrustStep = "end"
)

// Trusting asks the issuer how all stands. Errors of this and what follows are
// problems: ErrNotLoggedIn, ErrNoTrust, the issuer's own, or that it could not be reached.
func (p *Portal) Trusting(ctx context.Context, token string) (out Trusting, err error) {
	s, headers, err := p.trustHeaders(ctx, token)
	if err != nil {
		return Trusting{}, err
	}
	err = httpd.GetJSON(ctx, p.client, p.config.Issuer+"/v1/holders/"+url.PathEscape(s.Holder)+"/trust", &out, headers...)
	return out, err
}

// InviteTrusted makes an invitation: label is the person's own word for the other,
// shown what the other is to know the person by.
func (p *Portal) InviteTrusted(ctx context.Context, token, label, shown string) error {
	type invitation struct {
		Holder string `json:"holder"`
		Label  string `json:"label"`
		Shown  string `json:"shown"`
	}
	_, err := p.postTrust(ctx, token, "/v1/trust", func(holder string) any { return invitation{holder, label, shown} })
	return err
}

// OpenInvitation hands in the code that somebody told this person, and returns the id
// of the invitation that is theirs to accept.
func (p *Portal) OpenInvitation(ctx context.Context, token string, code secret.InvitationCode) (id string, err error) {
	var body struct {
		Holder string `json:"holder"`
		Code   string `json:"code"`
	}
	code.Reveal(func(digits []byte) { body.Code = string(digits) })
	out, err := p.postTrust(ctx, token, "/v1/trust/openings", func(holder string) any { body.Holder = holder; return body })
	if err != nil {
		return "", err
	}
	for _, c := range out.Charges { // the newest of those that wait for an answer
		if c.State == "opened" {
			id = c.ID
		}
	}
	return id, nil
}

// StepTrust takes a step of a relation. Taken again it changes nothing.
func (p *Portal) StepTrust(ctx context.Context, token, id string, step TrustStep) error {
	type done struct {
		Holder string `json:"holder"`
	}
	_, err := p.postTrust(ctx, token, "/v1/trust/"+url.PathEscape(id)+"/"+string(step), func(holder string) any { return done{holder} })
	return err
}

// SuspendCharge stops the phone of somebody who trusts this person. It goes on when ctx
// is cancelled.
func (p *Portal) SuspendCharge(ctx context.Context, token, id string) error {
	ctx, cancel := outliving(ctx)
	defer cancel()
	s, headers, err := p.trustHeaders(ctx, token)
	if err != nil {
		return err
	}
	body := struct {
		Holder string `json:"holder"`
		Trust  string `json:"trust"`
	}{s.Holder, id}
	var held struct {
		State string `json:"state"`
	}
	return httpd.PostJSON(ctx, p.client, p.config.Issuer+"/v1/suspensions", body, &held, headers...)
}

func (p *Portal) postTrust(ctx context.Context, token, path string, body func(holder string) any) (out Trusting, err error) {
	s, headers, err := p.trustHeaders(ctx, token)
	if err != nil {
		return Trusting{}, err
	}
	err = httpd.PostJSON(ctx, p.client, p.config.Issuer+path, body(s.Holder), &out, headers...)
	return out, err
}

// trustHeaders are what opens the issuer's doors for who is logged in.
func (p *Portal) trustHeaders(ctx context.Context, token string) (Session, []httpd.Header, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return Session{}, nil, err
	}
	if s.Grants[ceremony.ScopeTrust] == "" {
		return Session{}, nil, ErrNoTrust
	}
	header, err := p.bearer(p.config.Issuer, "")
	if err != nil {
		return Session{}, nil, fmt.Errorf("portal: trust: %w", err)
	}
	return s, []httpd.Header{header, {Name: ceremony.GrantHeader, Value: s.Grants[ceremony.ScopeTrust]}}, nil
}
