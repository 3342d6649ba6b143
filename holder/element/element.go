package element

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"tegata/holder/card"
	"tegata/internal/attest"
	"tegata/internal/durable"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// What a caller may branch on.
var (
	ErrInUse      = durable.ErrInUse // another process has the element open
	ErrNoKeys     = errors.New("element: there is no pair of keys")
	ErrNoSecrets  = errors.New("element: PIN and password are not set")
	ErrType       = errors.New("element: does not sign this type of message")
	ErrNotOurs    = errors.New("element: certificate is not of a key made here")
	ErrSession    = errors.New("element: the unlock is used up, expired or for another request")
	ErrWrongKind  = errors.New("element: not with this key")
	ErrNoLockCode = errors.New("element: there is no lock code to show")
)

// Which names one of the two secrets.
type Which string

// The two secrets of a phone.
const (
	PIN      Which = "phone-pin"      // 4 digits, opens the authentication key
	Password Which = "phone-password" // 6 to 16 letters and digits, opens the signature key
)

func (w Which) kind() pki.Kind {
	if w == Password {
		return pki.PhoneSign
	}
	return pki.PhoneAuth
}

// A SecretError says that a secret was wrong, or is blocked when no try is left.
type SecretError struct {
	Which     Which
	TriesLeft int
	Compared  bool // a try was used; false when the secret had been blocked before
}

func (e *SecretError) Error() string {
	return fmt.Sprintf("element: wrong %s, %d tries left", e.Which, e.TriesLeft)
}

// Config is what an element needs around it.
type Config struct {
	Dir    string // a directory of its own
	Files  durable.Files
	Sealer *secret.Sealer
	Arc    pki.Arc     // whose .7 is the element extension
	Cost   secret.Cost // of comparing a secret
	Now    func() time.Time
	// Origin is that of the phone's own pages, by which its platform's lock can be
	// asked (WebAuthn); its host is the RP ID. Empty: biometrics are not offered.
	Origin string
	// Applications answer over a tap beside the JPKI application.
	Applications []card.Application
	// UsedAsCard writes down that the authentication key is about to sign for a terminal
	// in compatibility mode, and says whether that is durable: if not, it does not sign. It
	// is called during the tap and must not call the Card. Nil: nothing is written down.
	UsedAsCard func() bool
	// GenerateKey makes an RSA-2048 key; nil: crypto/rsa does. Tests take keys
	// from a pool.
	GenerateKey func() (*rsa.PrivateKey, error)
}

// An Element is one secure element. Its methods may be called from any
// goroutine; one is done after the other.
type Element struct {
	config Config
	place  place
	lock   *os.File

	mu     sync.Mutex // guards all below
	state  state
	tapped *card.Card
	inside *card.Inside

	compat compat

	asked, enrolling *challenged // of biometrics; nil when none is on its way
}

// Create makes an element as it leaves the maker's hands: an id, a batch key, no
// keys of a person. It refuses a directory that holds one.
func Create(config Config, hw attest.Hardware, batch attest.Batch) (*Element, error) {
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("element: create: %w", err)
	}
	e, err := start(config)
	if err != nil {
		return nil, err
	}
	e.state = state{Hardware: hw}
	rand.Read(e.state.ID[:])
	if err := e.state.setBatch(batch); err != nil {
		e.lock.Close()
		return nil, err
	}
	e.mu.Lock()
	err = e.embed(nil) // saves the first state
	e.mu.Unlock()
	if err != nil {
		e.lock.Close()
		return nil, err
	}
	return e, nil
}

// Open wakes the element that rests in config.Dir. The error wraps
// secret.ErrRolledBack, secret.ErrSealBroken, ErrInUse, or the system's.
func Open(config Config) (*Element, error) {
	e, err := start(config)
	if err != nil {
		return nil, err
	}
	if err := e.load(); err != nil {
		e.lock.Close()
		return nil, err
	}
	if err := e.embed(e.state.Card); err != nil {
		e.lock.Close()
		return nil, err
	}
	return e, nil
}

func start(config Config) (*Element, error) {
	if config.Now == nil || config.Sealer == nil || config.Cost == (secret.Cost{}) {
		return nil, errors.New("element: clock, sealer or cost is missing")
	}
	if config.GenerateKey == nil {
		config.GenerateKey = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) }
	}
	lock, err := durable.Lock(filepath.Join(config.Dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("element: open %s: %w", filepath.Base(config.Dir), err)
	}
	return &Element{config: config, place: placeIn(config), lock: lock}, nil
}

// embed takes the card's interpreter in. Its state is a part of ours.
func (e *Element) embed(cardState []byte) error {
	tapped, inside, err := card.Embed(card.Embedding{
		State: cardState, Save: e.saveCard,
		Spec:         card.Spec{Cost: e.config.Cost},
		Compat:       gate{e},
		Applications: e.config.Applications,
	})
	if err != nil {
		return fmt.Errorf("element: %w", err)
	}
	e.tapped, e.inside = tapped, inside
	return nil
}

// Close gives the element up; another process may open it.
func (e *Element) Close() error { return e.lock.Close() }

// Card is what a terminal sees over a tap.
func (e *Element) Card() *card.Card { return e.tapped }

// ID names the element in its attestations. It survives a reset.
func (e *Element) ID() [16]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.ID
}

// Tag is the 8 characters by which a person recognises the element, also after a
// reset.
func (e *Element) Tag() string {
	id := e.ID()
	return Tag(id)
}

// Tag is the tag of an element id, as the authority computes it for a revocation
// receipt: no part of the id itself.
func Tag(id [16]byte) string {
	sum := sha256.Sum256(append([]byte("tegata element tag 1:"), id[:]...))
	return base32.StdEncoding.EncodeToString(sum[:5])
}

// ResetCounter counts factory resets.
func (e *Element) ResetCounter() uint32 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.ResetCounter
}

// Counter is the value that the last comparison or signature raised.
func (e *Element) Counter() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Counter
}

// LastUnlock is when PIN, password or biometrics last matched; the zero time when never.
func (e *Element) LastUnlock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.lastUnlock()
}

// Hardware is what the element attests about its phone.
func (e *Element) Hardware() attest.Hardware {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Hardware
}

// Fault returns the fault that Fit built in.
func (e *Element) Fault() Fault {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Fault
}

// Fit changes the phone around the element, as only the maker of a virtual phone
// can: its model, how it starts, who vouches for it, and a fault of its
// attestations. Keys stay.
func (e *Element) Fit(hw attest.Hardware, batch attest.Batch, fault Fault) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.state
	next.Hardware, next.Fault = hw, fault
	if err := next.setBatch(batch); err != nil {
		return err
	}
	return e.commit(next)
}

// HasKeys reports whether there is a pair with certificates.
func (e *Element) HasKeys() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.hasKeys()
}

func (e *Element) hasKeys() bool {
	return e.inside.Certificate(pki.PhoneAuth) != nil && e.inside.Certificate(pki.PhoneSign) != nil
}

// Certificate returns the DER of a certificate in use and of its authority's;
// nil when there is none.
func (e *Element) Certificate(kind pki.Kind) (certificate, authority []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inside.Certificate(kind), e.inside.Authority(kind)
}

// Tries is how many tries are left of a secret; 0 when blocked or not set.
func (e *Element) Tries(w Which) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.inside.TriesLeft(w.kind())
}

// Reset is a factory reset: keys, certificates, secrets and the device key are
// destroyed and the reset counter goes up, in one durable step. Id and counter
// stay: a counter that starts again would hide a clone.
func (e *Element) Reset() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	before := e.state
	e.state.ResetCounter++
	e.state.Counter++
	e.state.DeviceKey, e.state.Pending, e.state.Reissue, e.state.LockCode, e.state.LastUnlock = nil, nil, nil, "", 0
	e.state.Biometric, e.state.Quiet, e.asked, e.enrolling = nil, nil, nil, nil
	e.compat.on = false
	if err := e.inside.Wipe(); err != nil { // saves both
		e.state = before
		return fmt.Errorf("element: reset: %w", err)
	}
	return nil
}
