package phone

import (
	"context"
	"time"

	"tegata/holder/element"
	"tegata/internal/secret"
)

// TwicePIN reads a PIN that was typed twice. ErrSecretForm, ErrEntriesDiffer.
func TwicePIN(first, second string) (secret.PIN, error) {
	pin, err := secret.ParsePIN(first)
	if err != nil {
		return secret.PIN{}, ErrSecretForm.With("which", string(element.PIN)).Because(err)
	}
	again, err := secret.ParsePIN(second)
	if err != nil || !pin.Equal(again) {
		return secret.PIN{}, ErrEntriesDiffer.With("which", string(element.PIN))
	}
	return pin, nil
}

// TwicePassword reads a signature password that was typed twice.
// ErrSecretForm, ErrEntriesDiffer.
func TwicePassword(first, second string) (secret.Password, error) {
	password, err := secret.ParsePassword(first)
	if err != nil {
		return secret.Password{}, ErrSecretForm.With("which", string(element.Password)).Because(err)
	}
	again, err := secret.ParsePassword(second)
	if err != nil || !password.Equal(again) {
		return secret.Password{}, ErrEntriesDiffer.With("which", string(element.Password))
	}
	return password, nil
}

// CheckPIN says whether a PIN may be chosen: nil, or ErrWeakSecret around a
// *secret.WeakError. The birthday is known once the card was read.
func (p *Phone) CheckPIN(ctx context.Context, pin secret.PIN) error {
	var birth time.Time
	open, live, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	switch {
	case open != nil:
		birth = open.Birth
	case live != nil:
		birth = live.Birth
	}
	return choiceProblem(element.PIN, secret.CheckPINChoice(pin, birth))
}

// CheckPassword says whether a password may be chosen; card is the card's
// password that was just typed, or zero.
func (p *Phone) CheckPassword(_ context.Context, password, card secret.Password) error {
	return choiceProblem(element.Password, secret.CheckPasswordChoice(password, card))
}
