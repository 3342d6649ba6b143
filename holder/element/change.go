package element

import (
	"fmt"

	"tegata/internal/secret"
)

// ChangePIN gives the PIN a new value and all its tries. The present PIN proves the
// holder, as at an unlock: the try is counted, durably, before it is compared.
func (e *Element) ChangePIN(old, next secret.PIN) error {
	return e.replace(PIN, Unlock{PIN: old}, next.IsZero(), next, secret.Password{})
}

// ChangePassword is ChangePIN for the signature password. Only who knows it can: a
// password that is forgotten or blocked goes with its key, and a new key comes with a
// password of its own (SetSignPassword).
func (e *Element) ChangePassword(old, next secret.Password) error {
	return e.replace(Password, Unlock{Password: old}, next.IsZero(), secret.PIN{}, next)
}

// ResetPIN gives the PIN a new value and all its tries; the password proves the
// holder.
func (e *Element) ResetPIN(password secret.Password, pin secret.PIN) error {
	return e.replace(Password, Unlock{Password: password}, pin.IsZero(), pin, secret.Password{})
}

// replace compares the secret that proves the holder, and then sets the one that is
// not zero, in one durable step. Killed between the two, the old one still opens.
func (e *Element) replace(proof Which, u Unlock, empty bool, pin secret.PIN, password secret.Password) error {
	if empty {
		return fmt.Errorf("element: change a secret: %w", secret.ErrFormat)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.open(proof, u); err != nil {
		return err
	}
	if err := e.inside.SetSecrets(pin, password); err != nil {
		return fmt.Errorf("element: change a secret: %w", err)
	}
	return nil
}
