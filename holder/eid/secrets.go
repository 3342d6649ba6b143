package eid

import (
	"fmt"

	"tegata/holder/apdu"
	"tegata/internal/secret"
)

// Secret is one of the two secrets of the JPKI application.
type Secret int

// The secrets and the keys that they open.
const (
	AuthPIN      Secret = iota // 利用者証明用: four digits, three tries
	SignPassword               // 署名用: 6 to 16 capitals and digits, five tries
)

// JA and EN are the secret's name as people know it.
func (s Secret) JA() string {
	if s == SignPassword {
		return "署名用パスワード"
	}
	return "利用者証明用暗証番号"
}

// EN is the English name.
func (s Secret) EN() string {
	if s == SignPassword {
		return "signature password"
	}
	return "authentication PIN"
}

// String is EN: the name, never the value, which is not here.
func (s Secret) String() string { return s.EN() }

func (s Secret) file() uint16 {
	if s == SignPassword {
		return apdu.EFSignPIN
	}
	return apdu.EFAuthPIN
}

func (s Secret) keyFile() uint16 {
	if s == SignPassword {
		return apdu.EFSignKey
	}
	return apdu.EFAuthKey
}

// accepts keeps one secret from being sent as the other.
func (s Secret) accepts(value secret.Revealer) bool {
	switch v := value.(type) {
	case secret.PIN:
		return s == AuthPIN && !v.IsZero()
	case secret.Password:
		return s == SignPassword && !v.IsZero()
	}
	return false
}

// A SecretError says that the card refused a secret.
type SecretError struct {
	Which     Secret
	TriesLeft int // 0: blocked from now on
	// Before says that it was blocked already, so that nothing was compared.
	Before bool
}

func (e *SecretError) Error() string {
	switch {
	case e.Before:
		return fmt.Sprintf("eid: the card's %s is blocked", e.Which.EN())
	case e.TriesLeft == 0:
		return fmt.Sprintf("eid: the card's %s was wrong and is blocked now", e.Which.EN())
	}
	return fmt.Sprintf("eid: the card's %s was wrong, %d tries left", e.Which.EN(), e.TriesLeft)
}

// Unwrap lets errors.Is find apdu.ErrBlocked and errors.As an *apdu.PINError.
func (e *SecretError) Unwrap() error {
	if e.Before {
		return apdu.ErrBlocked
	}
	return &apdu.PINError{TriesLeft: e.TriesLeft}
}

// Blocked reports whether there is no try left.
func (e *SecretError) Blocked() bool { return e.TriesLeft == 0 }

// JA and EN say it to the holder: what happened, and the way on.
func (e *SecretError) JA() string {
	switch {
	case e.Blocked():
		return "カードの" + e.Which.JA() + "はロックされています。住所地の市区町村の窓口で解除できます。"
	case e.TriesLeft == 1:
		return "カードの" + e.Which.JA() + "が違います。あと1回間違えるとロックされます。"
	}
	return fmt.Sprintf("カードの%sが違います。あと%d回試せます。", e.Which.JA(), e.TriesLeft)
}

// EN is the English sentence.
func (e *SecretError) EN() string {
	switch {
	case e.Blocked():
		return "The card's " + e.Which.EN() + " is blocked. Your municipality's desk can unblock it."
	case e.TriesLeft == 1:
		return "That is not the card's " + e.Which.EN() + ". One more wrong try blocks it."
	}
	return fmt.Sprintf("That is not the card's %s. You have %d tries left.", e.Which.EN(), e.TriesLeft)
}
