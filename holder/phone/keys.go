package phone

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/holder/element"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// checkInEvery is how often a phone that is on checks in by itself; after a
// failure it tries again an hour later.
const (
	checkInEvery = 24 * time.Hour
	checkInRetry = time.Hour
)

// MakeKeys is stage 2, applied → issued: it sets the two secrets of the phone,
// makes both key pairs, has them certified and writes the certificates. Repeated
// after whatever went wrong it goes on, with the same keys. card is the card's
// password that was typed before, or zero.
func (p *Phone) MakeKeys(ctx context.Context, pin secret.PIN, password, card secret.Password) error {
	p.work.Lock()
	defer p.work.Unlock()
	open, _, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	switch {
	case open == nil || open.Reissue != "":
		return ErrNothingOpen
	case open.Step == StepWritten:
		return nil
	case open.Step != StepApplied && open.Step != StepIssued:
		return ErrNothingOpen.With("step", string(open.Step))
	}
	if err := p.CheckPIN(ctx, pin); err != nil {
		return err
	}
	if err := p.CheckPassword(ctx, password, card); err != nil {
		return err
	}
	if err := p.element.SetSecrets(pin, password); err != nil {
		return fmt.Errorf("phone: secrets: %w", err)
	}
	if open.Step == StepApplied {
		if err := p.certify(ctx, open); err != nil {
			return err
		}
	}
	return p.write(ctx, open)
}

// certify makes the keys and has the authority certify them.
func (p *Phone) certify(ctx context.Context, e *Enrolment) error {
	auth, sign, err := p.element.GenerateKeys(ra.KeyChallenge(e.Application, e.Nonce))
	if err != nil {
		return fmt.Errorf("phone: keys: %w", err)
	}
	p.tell(ctx, "", "keys", "スマホの中で、2組の鍵を作りました", "Made two pairs of keys inside the phone",
		map[string]string{"enrolment": e.ID})
	var issued ra.Issued
	claims := ra.KeysClaims{StepClaims: p.claims(e.ID, ra.StepKeys), Auth: auth, Sign: sign}
	if err := p.step(ctx, "/v1/enrolments/"+e.ID+"/keys", claims, nil, &issued); err != nil {
		return p.over(ctx, e, err)
	}
	if len(issued.Certificates.Auth) == 0 || len(issued.Certificates.Sign) == 0 {
		return errUnexpected
	}
	e.Step, e.Certificates, e.Authorities, e.ExpiresAt = StepIssued, &issued.Certificates, &issued.Authorities, issued.ExpiresAt
	return p.keep(ctx, e)
}

// write puts the certificates into the element.
func (p *Phone) write(ctx context.Context, e *Enrolment) error {
	err := p.element.WriteCertificates(
		map[pki.Kind][]byte{pki.PhoneAuth: e.Certificates.Auth, pki.PhoneSign: e.Certificates.Sign},
		map[pki.Kind][]byte{pki.PhoneAuth: e.Authorities.Auth, pki.PhoneSign: e.Authorities.Sign},
	)
	if err != nil {
		return fmt.Errorf("phone: certificates: %w", err)
	}
	e.Step = StepWritten
	return p.keep(ctx, e)
}

// over ends e when the authority says that it has ended, and returns err.
func (p *Phone) over(ctx context.Context, e *Enrolment, err error) error {
	if why := endedWhy(err); why != "" {
		if kept := p.end(ctx, e, why); kept != nil {
			return kept
		}
		if noted := p.note(ctx, ended(UseRegistered, why, err)); noted != nil {
			return noted
		}
		return err
	}
	if final(err) {
		if noted := p.note(ctx, refusal(UseRegistered, err)); noted != nil {
			return noted
		}
	}
	return err
}

// Register is stage 3, issued → registered: the person has pressed 登録する. It
// returns the lock code, which is shown until NotedLockCode; called again
// meanwhile it returns the same.
func (p *Phone) Register(ctx context.Context) (secret.LockCode, error) {
	p.work.Lock()
	defer p.work.Unlock()
	open, live, _, err := p.enrolments(ctx)
	if err != nil {
		return secret.LockCode{}, err
	}
	switch {
	case open == nil && live != nil:
		return p.lockCode()
	case open == nil || open.Step != StepWritten || open.Reissue != "":
		return secret.LockCode{}, ErrNothingOpen
	}
	if !sane(open.LockCodeCost) {
		return secret.LockCode{}, errUnexpected
	}
	cost := secret.Cost{Time: open.LockCodeCost.TimeCost, MemoryKiB: open.LockCodeCost.MemoryKiB, Threads: open.LockCodeCost.Threads}
	verifier, err := p.element.LockCode(open.LockCodeSalt, cost)
	if err != nil {
		return secret.LockCode{}, fmt.Errorf("phone: lock code: %w", err)
	}
	var r ra.Registered
	claims := ra.RegisterClaims{
		StepClaims: p.claims(open.ID, ra.StepRegister),
		AuthSHA256: pki.Fingerprint(open.Certificates.Auth), SignSHA256: pki.Fingerprint(open.Certificates.Sign),
		LockCodeVerifier: verifier,
	}
	if err := p.step(ctx, "/v1/enrolments/"+open.ID+"/registration", claims, nil, &r); err != nil {
		return secret.LockCode{}, p.over(ctx, open, err)
	}
	if err := p.note(ctx, &Use{ID: open.ID, Kind: UseRegistered, Result: ResultDone}); err != nil {
		return secret.LockCode{}, err
	}
	if live != nil {
		if err := p.end(ctx, live, endedSuperseded); err != nil {
			return secret.LockCode{}, err
		}
	}
	now := p.now()
	open.Step, open.RegisteredAt, open.LastCheckIn, open.NextCheckIn = StepRegistered, r.RegisteredAt, now, now.Add(checkInEvery)
	if err := p.keep(ctx, open); err != nil {
		return secret.LockCode{}, err
	}
	return p.lockCode()
}

// errUnexpected is an answer of the authority that no authority gives.
var errUnexpected = errors.New("phone: the authority's answer does not fit")

// sane keeps an authority from making the phone work, or run out of memory, for
// a lock code.
func sane(c ra.LockCost) bool {
	return c.TimeCost > 0 && c.TimeCost <= 16 && c.MemoryKiB > 0 && c.MemoryKiB <= 256<<10 && c.Threads > 0
}

func (p *Phone) lockCode() (secret.LockCode, error) {
	code, err := p.element.ShowLockCode()
	if errors.Is(err, element.ErrNoLockCode) {
		return code, ErrLockCodeGone
	}
	return code, err
}

// NotedLockCode says that the person has the lock code; nobody shows it again.
func (p *Phone) NotedLockCode(context.Context) error { return p.element.ForgetLockCode() }
