package phone

import (
	"context"
	"fmt"

	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// MakeSignKey is stage 2 of a re-issue: it sets the new signature password, makes the
// key, has it certified, writes the certificate, and tells the authority that it is
// there. Nothing is asked of the person after the password, so all of it is one act;
// repeated after whatever went wrong it goes on, with the same key. card is the card's
// password that was typed before, or zero.
func (p *Phone) MakeSignKey(ctx context.Context, password, card secret.Password) error {
	p.work.Lock()
	defer p.work.Unlock()
	open, live, _, err := p.enrolments(ctx)
	switch {
	case err != nil:
		return err
	case open == nil || live == nil || open.Reissue != live.ID:
		return ErrNothingOpen
	}
	if open.Step == StepApplied {
		if err := p.CheckPassword(ctx, password, card); err != nil {
			return err
		}
		if err := p.element.SetSignPassword(password); err != nil {
			return fmt.Errorf("phone: password: %w", err)
		}
		if err := p.certifySign(ctx, open); err != nil {
			return err
		}
	}
	return p.takeOver(ctx, open, live)
}

// certifySign makes the key and has the authority certify it.
func (p *Phone) certifySign(ctx context.Context, e *Enrolment) error {
	proof, err := p.element.GenerateSignKey(ra.KeyChallenge(e.Application, e.Nonce))
	if err != nil {
		return fmt.Errorf("phone: key: %w", err)
	}
	p.tell(ctx, "", "keys", "スマホの中で、新しい署名用の鍵を作りました", "Made a new signature key inside the phone", map[string]string{"enrolment": e.ID})
	var issued ra.Issued
	claims := ra.KeysClaims{StepClaims: p.claims(e.ID, ra.StepKeys), Sign: proof}
	if err := p.step(ctx, "/v1/enrolments/"+e.ID+"/keys", claims, nil, &issued); err != nil {
		return p.over(ctx, e, err)
	}
	if len(issued.Certificates.Sign) == 0 {
		return errUnexpected
	}
	e.Step, e.Certificates, e.Authorities, e.ExpiresAt = StepIssued, &issued.Certificates, &issued.Authorities, issued.ExpiresAt
	return p.keep(ctx, e)
}

// takeOver writes the certificate and registers it: from then on it is the phone's.
func (p *Phone) takeOver(ctx context.Context, e, live *Enrolment) error {
	if e.Step == StepIssued {
		if err := p.element.WriteSignCertificate(e.Certificates.Sign, e.Authorities.Sign); err != nil {
			return fmt.Errorf("phone: certificate: %w", err)
		}
		e.Step = StepWritten
		if err := p.keep(ctx, e); err != nil {
			return err
		}
	}
	if e.Step != StepWritten {
		return ErrNothingOpen.With("step", string(e.Step))
	}
	var r ra.Registered
	claims := ra.RegisterClaims{StepClaims: p.claims(e.ID, ra.StepRegister), SignSHA256: pki.Fingerprint(e.Certificates.Sign)}
	if err := p.step(ctx, "/v1/enrolments/"+e.ID+"/registration", claims, nil, &r); err != nil {
		return p.over(ctx, e, err)
	}
	live.SignEnded, live.Certificates.Sign, live.Authorities.Sign = false, e.Certificates.Sign, e.Authorities.Sign
	if err := p.keep(ctx, live); err != nil {
		return err
	}
	if err := p.note(ctx, &Use{ID: e.ID, Kind: UseReissued, Result: ResultDone}); err != nil {
		return err
	}
	return p.end(ctx, e, string(ra.EndedReissued))
}
