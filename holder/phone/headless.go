package phone

import (
	"context"
	"strings"

	"tegata/holder/reader"
	"tegata/internal/secret"
)

// Secrets are all that a registration asks of a person.
type Secrets struct {
	Card     secret.Password // the card's signature password
	PIN      secret.PIN      // chosen for the phone
	Password secret.Password // chosen for the phone
}

// EnrolOptions are what a registration without a screen can be told.
type EnrolOptions struct {
	Replace bool   // end an older open application
	Reader  string // "" or "vpcd": the phone's own; "pcsc:NAME": a reader of the system
	Terms   string // the version agreed to; "" is the authority's current one
}

// Enrol is the whole registration without a screen, from wherever it stands: the
// same steps as a person takes on the pages. It returns the lock code. Cut off
// after the last step, it is not begun again: the code is told again.
func (p *Phone) Enrol(ctx context.Context, s Secrets, o EnrolOptions) (secret.LockCode, error) {
	look, err := p.Look(ctx)
	if err != nil {
		return secret.LockCode{}, err
	}
	if look.Stage == StageRegistered && look.LockCode {
		return p.Register(ctx)
	}
	if look.Stage != StageApplied && look.Stage != StageIssued {
		// Before the card is asked for anything: what will be refused later anyway.
		if err := p.checkChoices(ctx, s); err != nil {
			return secret.LockCode{}, err
		}
		if err := p.enrolFrom(ctx, s, o); err != nil {
			return secret.LockCode{}, err
		}
	}
	if err := p.MakeKeys(ctx, s.PIN, s.Password, s.Card); err != nil {
		return secret.LockCode{}, err
	}
	return p.Register(ctx)
}

func (p *Phone) checkChoices(ctx context.Context, s Secrets) error {
	if s.PIN.IsZero() || s.Password.IsZero() || s.Card.IsZero() {
		return ErrSecretForm
	}
	if err := p.CheckPIN(ctx, s.PIN); err != nil {
		return err
	}
	return p.CheckPassword(ctx, s.Password, s.Card)
}

// enrolFrom is stage 1 with the reader of o.
func (p *Phone) enrolFrom(ctx context.Context, s Secrets, o EnrolOptions) error {
	if o.Terms == "" {
		t, err := p.Terms(ctx)
		if err != nil {
			return err
		}
		o.Terms = t.Version
	}
	name, pcsc := strings.CutPrefix(o.Reader, "pcsc:")
	if !pcsc {
		return p.Apply(ctx, s.Card, o.Terms, o.Replace)
	}
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	t, err := reader.OpenPCSC(ctx, name)
	if err != nil {
		return ErrNoCard.Because(err)
	}
	defer t.Close()
	return p.apply(ctx, t, s.Card, o.Terms, Enrolment{}, o.Replace)
}
