package phone

import (
	"context"

	"tegata/holder/eid"
	"tegata/holder/element"
	"tegata/internal/problem"
	"tegata/internal/secret"
)

// ErrSecretUnchanged is a change to the same.
var ErrSecretUnchanged = problem.NewYourTurn(422, "secret-unchanged",
	"いまと同じものです。", "別のものを選んでください。何も変わっていません。入力できる回数は減っていません。",
	"This is the one that you have.", "Choose another one. Nothing has changed, and no try was used up.")

// ChangePIN changes the PIN; the present one proves the holder.
func (p *Phone) ChangePIN(ctx context.Context, old, next secret.PIN) error {
	switch {
	case old.IsZero() || next.IsZero():
		return ErrSecretForm.With("which", string(element.PIN))
	case old.Equal(next):
		return ErrSecretUnchanged.With("which", string(element.PIN))
	}
	if err := p.CheckPIN(ctx, next); err != nil {
		return err
	}
	return p.change(ctx, UsePINChanged, func() error { return p.element.ChangePIN(old, next) })
}

// ChangePassword changes the signature password; the present one proves the holder.
func (p *Phone) ChangePassword(ctx context.Context, old, next secret.Password) error {
	switch {
	case old.IsZero() || next.IsZero():
		return ErrSecretForm.With("which", string(element.Password))
	case old.Equal(next):
		return ErrSecretUnchanged.With("which", string(element.Password))
	}
	if err := p.CheckPassword(ctx, next, secret.Password{}); err != nil {
		return err
	}
	return p.change(ctx, UsePasswordChanged, func() error { return p.element.ChangePassword(old, next) })
}

// ResetPIN sets a new PIN in place of one that is forgotten or blocked; the phone's
// signature password proves the holder.
func (p *Phone) ResetPIN(ctx context.Context, password secret.Password, pin secret.PIN) error {
	if password.IsZero() || pin.IsZero() {
		return ErrSecretForm
	}
	if err := p.CheckPIN(ctx, pin); err != nil {
		return err
	}
	return p.change(ctx, UsePINReset, func() error { return p.element.ResetPIN(password, pin) })
}

// CardTries are what is left of the two secrets of the card that is held to the phone. A
// secret that the card does not have (a child's has no password) is -1.
type CardTries struct{ PIN, Password int }

// CardTries asks the card that is held to the phone, which costs no try. It waits for
// no card, and for no step that speaks with one: known is false then.
func (p *Phone) CardTries(ctx context.Context) (left CardTries, known bool) {
	if !p.work.TryLock() {
		return left, false
	}
	defer p.work.Unlock()
	p.mu.Lock()
	slot := p.slot
	p.mu.Unlock()
	if slot == nil {
		return left, false
	}
	t := slot.Current()
	if t == nil {
		return left, false
	}
	j, err := eid.Open(ctx, t)
	if err != nil || j.Phone() {
		return left, false
	}
	sign, _, err := j.Present(ctx)
	if err == nil {
		left.PIN, err = j.Tries(ctx, eid.AuthPIN)
	}
	if left.Password = -1; err == nil && sign {
		left.Password, err = j.Tries(ctx, eid.SignPassword)
	}
	return left, err == nil
}
