package element

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"time"

	"tegata/internal/secret"
)

// What compatibility mode allows, each time that its holder switches it on.
const (
	compatTime       = 5 * time.Minute
	compatTries      = 3 // wrong codes
	compatSignatures = 3
)

// Compatible is compatibility mode while it is on: terminals that know nothing but the card
// are shown the authentication key as if the phone were one. They take Code for its PIN.
type Compatible struct {
	Code       secret.PIN // drawn for this time; the phone shows it
	Until      time.Time
	Tries      int // wrong codes left
	Signatures int // left
}

// compat is the mode as it stands. It lives in memory: a process that starts again has
// forgotten it, and nobody wins a try by that, since the code is gone too.
type compat struct {
	session uint64 // counts switchings on; 0: never
	on      bool
	Compatible
}

// Compatible switches compatibility mode on under the PIN, anew when it is on. Its errors
// are Unlock's.
func (e *Element) Compatible(pin secret.PIN) (Compatible, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.compat.on = false // whoever asks anew and fails has none
	if err := e.open(PIN, Unlock{PIN: pin}); err != nil {
		return Compatible{}, err
	}
	code, err := drawCode()
	if err != nil {
		return Compatible{}, err
	}
	e.compat.session++
	e.compat.on = true
	e.compat.Compatible = Compatible{Code: code, Until: e.config.Now().Add(compatTime), Tries: compatTries, Signatures: compatSignatures}
	return e.compat.Compatible, nil
}

func drawCode() (secret.PIN, error) {
	n, err := rand.Int(rand.Reader, big.NewInt(10_000))
	if err != nil {
		return secret.PIN{}, fmt.Errorf("element: draw a code: %w", err)
	}
	return secret.ParsePIN(fmt.Sprintf("%04d", n))
}

// IsCompatible is compatibility mode as it stands; false when it is off.
func (e *Element) IsCompatible() (Compatible, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.compat.Compatible, e.compatible()
}

// EndCompatible switches it off.
func (e *Element) EndCompatible() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.compat.on = false
}

// compatible is whether it is on. The caller holds mu.
func (e *Element) compatible() bool {
	c := &e.compat
	if c.on && (!e.config.Now().Before(c.Until) || c.Tries <= 0 || !e.hasKeys()) {
		c.on = false
	}
	return c.on
}

// gate is the element's side of a tap in compatibility mode (card.Compat). It takes mu, and
// the card holds no lock of its memory then: nothing that a terminal sends writes the card's
// state.
type gate struct{ e *Element }

func (g gate) Session() (uint64, bool) {
	g.e.mu.Lock()
	defer g.e.mu.Unlock()
	on := g.e.compatible()
	return g.e.compat.session, on
}

func (g gate) Tries() int {
	g.e.mu.Lock()
	defer g.e.mu.Unlock()
	if !g.e.compatible() {
		return 0
	}
	return g.e.compat.Tries
}

// Verify counts the try before it compares; what is right gives it back.
func (g gate) Verify(code []byte) bool {
	e := g.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.compatible() {
		return false
	}
	e.compat.Tries--
	if e.raise() != nil { // what cannot be counted is not compared
		return false
	}
	typed, err := secret.ParsePIN(string(code))
	if err != nil || !typed.Equal(e.compat.Code) {
		return false
	}
	e.compat.Tries++
	return true
}

// Sign counts a signature and has it written down before it is made.
func (g gate) Sign() bool {
	if !g.count() {
		return false
	}
	return g.e.config.UsedAsCard == nil || g.e.config.UsedAsCard()
}

func (g gate) count() bool {
	e := g.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.compatible() || e.compat.Signatures <= 0 {
		return false
	}
	e.compat.Signatures--
	return e.raise() == nil
}
