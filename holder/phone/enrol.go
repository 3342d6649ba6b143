package phone

import (
	"context"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"tegata/holder/eid"
	"tegata/holder/reader"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/ra"
)

// Why a registration ended, where it was not the authority that ended it.
const (
	endedAbandoned  = "abandoned"
	endedStopped    = "stopped"
	endedReplaced   = "replaced"
	endedSuperseded = "superseded"
	endedReset      = "reset"
)

// Apply is stage 1, none → applied: it reads the card held to the phone under
// its signature password, has it sign the application and sends it. terms is
// the version agreed to. replace ends an older open application of the same
// person; without it that is the problem "open-application".
//
// What the same card has signed already, and what may or may not have arrived,
// is sent again and not signed anew.
func (p *Phone) Apply(ctx context.Context, password secret.Password, terms string, replace bool) error {
	return p.applyFor(ctx, password, terms, replace, forBoth)
}

// ApplyForSign is Apply for a signature certificate alone, on the registered phone
// whose own has ended (moved, or found again). ErrNotRegistered without one.
func (p *Phone) ApplyForSign(ctx context.Context, password secret.Password, terms string, replace bool) error {
	return p.applyFor(ctx, password, terms, replace, forEnded)
}

// RenewSign is ApplyForSign while the present signature certificate is good: its
// password is forgotten or blocked (署名用パスワードを忘れた). It ends when the new one
// is there, and not before.
func (p *Phone) RenewSign(ctx context.Context, password secret.Password, terms string, replace bool) error {
	return p.applyFor(ctx, password, terms, replace, forForgotten)
}

// applicationFor is what an application is for.
type applicationFor struct{ reissue, renew bool }

var (
	forBoth      = applicationFor{}
	forEnded     = applicationFor{reissue: true}
	forForgotten = applicationFor{reissue: true, renew: true}
)

func (p *Phone) applyFor(ctx context.Context, password secret.Password, terms string, replace bool, what applicationFor) error {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	t, err := p.tap(ctx)
	if err != nil {
		return err
	}
	_, live, _, err := p.enrolments(ctx)
	like := Enrolment{Renew: what.renew}
	switch {
	case err != nil:
		return err
	case what.reissue && live == nil:
		return ErrNotRegistered
	case what.reissue:
		like.Reissue = live.ID
	}
	return p.apply(ctx, t, password, terms, like, replace)
}

// apply makes the application that like names, or goes on with it.
func (p *Phone) apply(ctx context.Context, t *reader.Tap, password secret.Password, terms string, like Enrolment, replace bool) error {
	signer, err := p.openCard(ctx, t, password)
	if err != nil {
		return err
	}
	open, _, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	if open != nil && (open.Reissue != like.Reissue || open.Renew != like.Renew) { // begun for something else
		if open.Step != StepDrafted && !replace {
			return ra.ErrOpenApplication
		}
		if err := p.abandon(ctx, open); err != nil {
			return err
		}
		open = nil
	}
	if open != nil && open.Step != StepDrafted && open.Step != StepSigned {
		if open.Content.ApplicantCertificateSHA256 == pki.Fingerprint(signer.Certificate().Raw) {
			return nil // this card's application is there; go on with it
		}
		if !replace {
			return ra.ErrOpenApplication
		}
		if err := p.abandon(ctx, open); err != nil {
			return err
		}
		open = nil
	}
	if open != nil && open.Step == StepSigned && resendable(open, signer, terms) {
		err := p.send(ctx, open, replace)
		if err == nil || !final(err) {
			return err
		}
		open = nil // refused for good, and ended; this card may apply anew
	}
	e, err := p.draft(ctx, open, signer, terms, like)
	if err != nil {
		return err
	}
	if e.Application, err = cms.Sign(signer, signer.Certificate(), e.Content.Canonical(), p.now(), false); err != nil {
		return cardProblem(err)
	}
	e.Step = StepSigned
	if err := p.keep(ctx, e); err != nil {
		return err
	}
	p.phones.c.Trace.Note(ctx, trace.Event{
		At: p.now(), From: "card", To: "phone", Kind: "signature", Detail: map[string]string{"phone": p.id, "enrolment": e.ID},
		TitleJA: "カードが利用申請書に署名しました", TitleEN: "The card signed the application",
		PEM: string(pem.EncodeToMemory(&pem.Block{Type: "CMS", Bytes: e.Application})),
	})
	return p.send(ctx, e, replace)
}

// openCard unlocks the card's signature key. Errors are problems.
func (p *Phone) openCard(ctx context.Context, t *reader.Tap, password secret.Password) (*eid.Signer, error) {
	j, err := eid.Open(ctx, t)
	if err != nil {
		return nil, cardProblem(err)
	}
	if j.Phone() {
		return nil, ErrNotACard
	}
	there, _, err := j.Present(ctx)
	if err != nil {
		return nil, cardProblem(err)
	}
	if !there {
		return nil, p.cardRefused(ctx, p.whyNoSignature(ctx, j))
	}
	signer, err := j.Signer(ctx, eid.SignPassword, password)
	if err != nil {
		return nil, p.cardRefused(ctx, cardProblem(err))
	}
	return signer, nil
}

// whyNoSignature is why a card without a signature certificate is refused. The card
// says only that there is none; whether its holder is under 15 is for the authority
// to say, which knows the card by its authentication certificate. When that cannot
// be learned, the phone says what it knows.
func (p *Phone) whyNoSignature(ctx context.Context, j *eid.JPKI) error {
	leaf, err := j.AuthCertificate(ctx)
	if errors.Is(err, eid.ErrAbsent) {
		return ra.ErrNoSignature
	}
	if err != nil {
		return cardProblem(err)
	}
	id := ceremony.NewID()
	chain, err := p.element.DeviceKey(ra.DeviceKeyChallenge(id))
	if err != nil {
		return fmt.Errorf("phone: device key: %w", err)
	}
	claims := ra.ApplyClaims{StepClaims: p.claims(id, ra.StepApply), AuthCertificate: leaf.Raw}
	if err = p.step(ctx, "/v1/enrolments", claims, chain, &ra.Applied{}); err == nil {
		return errUnexpected // nothing was applied for
	}
	switch problem.From(err).Code {
	case ra.CodeUnder15, ra.CodePersonDied:
		return err
	}
	return ra.ErrNoSignature.Because(err)
}

// cardRefused writes a refused attempt into the history.
func (p *Phone) cardRefused(ctx context.Context, err error) error {
	if noted := p.note(ctx, refusal(UseCardRead, err)); noted != nil {
		return noted
	}
	return err
}

// resendable tells whether what e holds is what would be signed again now.
func resendable(e *Enrolment, signer *eid.Signer, terms string) bool {
	return e.Content.ApplicantCertificateSHA256 == pki.Fingerprint(signer.Certificate().Raw) && e.Content.TermsVersion == terms
}

// draft chooses the content of an application and writes it down. A draft that
// was never signed is used again, under the same id.
func (p *Phone) draft(ctx context.Context, open *Enrolment, signer *eid.Signer, terms string, like Enrolment) (*Enrolment, error) {
	now := p.now()
	e := &Enrolment{ID: ceremony.NewID(), Phone: p.id, BegunAt: now, Reissue: like.Reissue, Renew: like.Renew}
	if open != nil && open.Step == StepDrafted {
		e = open
	} else if open != nil {
		if err := p.end(ctx, open, endedReplaced); err != nil { // signed, perhaps sent: never reused
			return nil, err
		}
	}
	attributes, err := pki.ParseAttributes(p.phones.c.Arc, signer.Certificate())
	if err != nil {
		return nil, ErrCardFailed.Because(err)
	}
	if e.Birth, err = attributes.Birth(); err != nil {
		return nil, ErrCardFailed.Because(err)
	}
	device, err := p.element.DeviceKeyHash()
	if err != nil {
		return nil, fmt.Errorf("phone: device key: %w", err)
	}
	e.Holder, e.Step = attributes.Name, StepDrafted
	e.Content = ra.Application{
		ApplicantCertificateSHA256: pki.Fingerprint(signer.Certificate().Raw),
		Certificates:               e.certificates(),
		DeviceKeySHA256:            hex.EncodeToString(device),
		Enrolment:                  e.ID,
		Nonce:                      ceremony.NewID(),
		TermsVersion:               terms,
		Time:                       now.UTC().Truncate(time.Second).Format(time.RFC3339),
	}
	return e, p.keep(ctx, e)
}

// certificates are what an application is for.
func (e *Enrolment) certificates() []string {
	if e.Reissue != "" {
		return []string{string(pki.PhoneSign)}
	}
	return []string{string(pki.PhoneAuth), string(pki.PhoneSign)}
}

// send brings a signed application to the authority: once more does no harm.
func (p *Phone) send(ctx context.Context, e *Enrolment, replace bool) error {
	chain, err := p.element.DeviceKey(ra.DeviceKeyChallenge(e.ID))
	if err != nil {
		return fmt.Errorf("phone: device key: %w", err)
	}
	var a ra.Applied
	claims := ra.ApplyClaims{StepClaims: p.claims(e.ID, ra.StepApply), Application: e.Application, Replace: replace, Renew: e.Renew}
	if err := p.step(ctx, "/v1/enrolments", claims, chain, &a); err != nil {
		if final(err) {
			if ended := p.end(ctx, e, problem.From(err).Code); ended != nil {
				return ended
			}
			if noted := p.note(ctx, refusal(UseCardRead, err)); noted != nil {
				return noted
			}
		}
		return err
	}
	e.Step, e.Nonce, e.LockCodeSalt, e.LockCodeCost, e.ExpiresAt = StepApplied, a.Nonce, a.LockCodeSalt, a.LockCodeCost, a.ExpiresAt
	if err := p.keep(ctx, e); err != nil {
		return err
	}
	return p.note(ctx, &Use{Kind: UseCardRead, Result: ResultDone})
}

// Resume goes on where a registration stopped, as far as that needs nobody: a
// signed application is sent again, certificates that arrived are written.
func (p *Phone) Resume(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	open, live, _, err := p.enrolments(ctx)
	if err != nil || open == nil {
		return err
	}
	switch {
	case open.Step == StepSigned:
		return p.send(ctx, open, false)
	case open.Reissue != "" && live != nil && (open.Step == StepIssued || open.Step == StepWritten):
		return p.takeOver(ctx, open, live)
	case open.Step == StepIssued:
		return p.write(ctx, open)
	}
	return nil
}

// Replace sends what the card has signed once more and ends the older open
// application of the same person: the answer to "open-application". The card is
// not needed again. ErrNothingOpen when nothing signed is waiting.
func (p *Phone) Replace(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	open, _, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	if open == nil || open.Step != StepSigned {
		return ErrNothingOpen
	}
	return p.send(ctx, open, true)
}

// Abandon ends the open registration of this phone, at the authority too if it
// has ever arrived there.
func (p *Phone) Abandon(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	open, _, _, err := p.enrolments(ctx)
	if err != nil || open == nil {
		return err
	}
	return p.abandon(ctx, open)
}

func (p *Phone) abandon(ctx context.Context, e *Enrolment) error {
	if e.Step != StepDrafted {
		var s ra.Stopped
		err := p.step(ctx, "/v1/revocations", p.claims(e.ID, ra.StepStop), nil, &s)
		if err != nil && endedWhy(err) == "" {
			return err
		}
	}
	return p.end(ctx, e, endedAbandoned)
}
