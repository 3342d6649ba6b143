package reader

import (
	"sync"

	"tegata/holder/apdu"
	"tegata/internal/secret"
)

// A KeyPad is a token that lies in a reader with a key pad of its own: the PIN that
// somebody types there goes to the token, and never to the terminal. It is on the token's
// side of the tap because there is nothing but the token to talk to over vpcd.
type KeyPad struct {
	Token

	mu     sync.Mutex // guards the fields below
	number string     // typed, and not asked for yet
	pin    secret.PIN // likewise
}

// WithKeyPad is t in such a reader.
func WithKeyPad(t Token) *KeyPad { return &KeyPad{Token: t} }

// Type types the number of two digits that a screen shows, which the terminal is told,
// and the PIN, which it is not. Each serves once: when the terminal next asks, or not at
// all when t is taken away before.
func (k *KeyPad) Type(number string, pin secret.PIN) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.number, k.pin = number, pin
}

func (k *KeyPad) takeNumber() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	number := k.number
	k.number = ""
	return number
}

func (k *KeyPad) take() secret.PIN {
	k.mu.Lock()
	defer k.mu.Unlock()
	pin := k.pin
	k.pin = secret.PIN{}
	return pin
}

// PowerOff implements Token.
func (k *KeyPad) PowerOff() {
	k.Type("", secret.PIN{})
	k.Token.PowerOff()
}

// Transmit implements Token. A terminal that asks the pad before anything was typed is
// told so at once, as by one whose time is over, and may ask again.
func (k *KeyPad) Transmit(command []byte) []byte {
	c, err := apdu.ParseCommand(command)
	if err != nil || !c.ForPad() {
		return k.Token.Transmit(command)
	}
	if c.ReadsPad() {
		number := k.takeNumber()
		if number == "" {
			return statusWord(apdu.SWPadTimeout)
		}
		return append([]byte(number), statusWord(apdu.SWOK)...)
	}
	verify, at, err := c.PadTemplate()
	if err != nil {
		return statusWord(apdu.SWWrongData)
	}
	pin := k.take()
	if pin.IsZero() {
		return statusWord(apdu.SWPadTimeout)
	}
	pin.Reveal(func(digits []byte) { copy(verify[at:], digits) })
	defer clear(verify)
	return k.Token.Transmit(verify)
}

func statusWord(sw uint16) []byte { return []byte{byte(sw >> 8), byte(sw)} }
