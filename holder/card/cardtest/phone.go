package cardtest

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"testing"

	"tegata/holder/card"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/secret"
)

// Phone is an element reduced to its memory and to compatibility mode, which a
// test switches by its fields.
type Phone struct {
	Card   *card.Card
	Inside *card.Inside

	On         bool   // compatibility mode
	Number     uint64 // of its session
	Code       string // what it shows
	Left       int    // wrong codes left
	Signatures int    // left

	State []byte // what was saved last
	Saves int
	Full  bool // the disk takes nothing
}

// NewPhone makes an element with PIN 1357 and password TEGATA2357, in
// compatibility mode with code 8642, three tries and three signatures. more
// answers over a tap as well.
func NewPhone(t testing.TB, more ...card.Application) *Phone {
	t.Helper()
	p := &Phone{On: true, Number: 1, Code: "8642", Left: 3, Signatures: 3}
	keys := map[pki.Kind]*rsa.PrivateKey{pki.PhoneAuth: pkitest.Key(t, 4), pki.PhoneSign: pkitest.Key(t, 5)}
	var err error
	p.Card, p.Inside, err = card.Embed(card.Embedding{
		Save: p.Save, Compat: p, Applications: more, Spec: card.Spec{Cost: secret.TestCost(), Keys: keys},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Inside.SetSecrets(PIN(t, "1357"), Password(t, "TEGATA2357")); err != nil {
		t.Fatal(err)
	}
	if err := p.Inside.WriteCertificates(Certificates(t, keys)); err != nil {
		t.Fatal(err)
	}
	return p
}

// Save is the element's memory.
func (p *Phone) Save(state []byte) error {
	if p.Full {
		return errors.New("disk full")
	}
	p.State, p.Saves = bytes.Clone(state), p.Saves+1
	return nil
}

// Session, Tries, Verify and Sign make Phone a card.Compat.
func (p *Phone) Session() (uint64, bool) { return p.Number, p.On }

// Tries is how many wrong codes are left.
func (p *Phone) Tries() int { return p.Left }

// Verify compares a code; the last wrong one ends compatibility mode.
func (p *Phone) Verify(code []byte) bool {
	if string(code) == p.Code {
		return true
	}
	p.Left--
	p.On = p.Left > 0
	return false
}

// Sign counts a signature.
func (p *Phone) Sign() bool {
	p.Signatures--
	return p.Signatures >= 0
}
