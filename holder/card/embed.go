package card

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"

	"tegata/holder/apdu"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// Embedding is how a phone's element takes the interpreter into itself. The
// element keeps the card's state inside its own, so that both are written in one
// step by one writer.
type Embedding struct {
	// State is what Save was last given; nil begins with an empty element.
	State []byte
	// Save makes state durable before it returns. It is called while the card
	// is locked: it must not call the Card or the Inside.
	Save func(state []byte) error
	// Spec is used when State is nil. No key is generated that it does not hold.
	Spec Spec
	// Compat decides about compatibility mode over a tap; nil: never on.
	Compat Compat
	// Applications answer over a tap beside the JPKI application: the wallet.
	Applications []Application
}

// Embed returns the two sides of a phone's element: the Card that readers see
// over a tap, and the Inside, which only the element holds. An empty element is
// saved before Embed returns.
func Embed(e Embedding) (*Card, *Inside, error) {
	var (
		s    state
		keys map[string]*rsa.PrivateKey
		err  error
	)
	if e.Save == nil {
		return nil, nil, errors.New("card: embed: no way to save")
	}
	if e.State != nil {
		s, keys, err = parseState(e.State)
	} else {
		s, keys, err = newState(ProfilePhone, e.Spec)
	}
	if err != nil {
		return nil, nil, err
	}
	if s.Profile != ProfilePhone {
		return nil, nil, fmt.Errorf("card: embed: the state is that of a %s", s.Profile)
	}
	m := &memory{profile: s.Profile, save: e.Save, state: s, keys: keys}
	if e.State == nil {
		if err := m.commit(s); err != nil {
			return nil, nil, fmt.Errorf("card: embed: %w", err)
		}
	}
	return assemble(m, e.Compat, e.Applications), &Inside{memory: m}, nil
}

// Inside is the internal interface of an element: what never goes over a tap.
// Whoever holds it decides when a key may be used; it checks nothing but what a
// method names. Its kinds are pki.PhoneAuth and pki.PhoneSign.
type Inside struct{ memory *memory }

// GenerateKeys replaces the keys of the given kinds, and forgets their
// certificates, in one durable step.
func (i *Inside) GenerateKeys(kinds ...pki.Kind) error {
	m := i.memory
	for _, kind := range kinds {
		if err := m.profile.check(kind); err != nil {
			return err
		}
	}
	fresh, opened := state{Keys: map[string][]byte{}}, map[string]*rsa.PrivateKey{}
	if err := fresh.generate(opened, kinds...); err != nil { // takes a second: not under the lock
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.state.clone()
	for _, kind := range kinds {
		next.Keys[keyName(kind)] = fresh.Keys[keyName(kind)]
		delete(next.Files, certificateName(kind))
		delete(next.Files, authorityName(kind))
	}
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: generate keys: %w", err)
	}
	for name, key := range opened {
		m.keys[name] = key
	}
	return nil
}

// PublicKey returns the public half of a key. An error means that there is none.
func (i *Inside) PublicKey(kind pki.Kind) (*rsa.PublicKey, error) {
	key, err := i.memory.keyOf(kind)
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, nil
}

// CSR returns a PKCS #10 request signed by a key, as Card.CSR does.
func (i *Inside) CSR(kind pki.Kind) ([]byte, error) { return i.memory.csr(kind) }

// SetSecrets gives PIN and password new values and all their tries in one
// durable step. A zero value leaves that secret as it is.
func (i *Inside) SetSecrets(pin secret.PIN, password secret.Password) error {
	m := i.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.state.clone()
	if !pin.IsZero() {
		next.set(jpkiAuthPIN, pin)
	}
	if !password.IsZero() {
		next.set(jpkiSignPIN, password)
	}
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: set secrets: %w", err)
	}
	return nil
}

// VerifyAuthPIN compares the PIN, as VERIFY does: the try is durably counted
// first. The error is nil, wraps *apdu.PINError with the tries left, or is
// apdu.ErrBlocked when there was no try left; anything else means that the state
// could not be written.
func (i *Inside) VerifyAuthPIN(p secret.PIN) error {
	if p.IsZero() {
		return fmt.Errorf("card: verify: %w", secret.ErrFormat)
	}
	return apdu.Status(i.memory.try(jpkiAuthPIN, p)).Err()
}

// VerifySignPassword is VerifyAuthPIN for the signature password.
func (i *Inside) VerifySignPassword(p secret.Password) error {
	if p.IsZero() {
		return fmt.Errorf("card: verify: %w", secret.ErrFormat)
	}
	return apdu.Status(i.memory.try(jpkiSignPIN, p)).Err()
}

// TriesLeft is how many tries are left of a key's secret; 0 when it is blocked
// or not set.
func (i *Inside) TriesLeft(kind pki.Kind) int { return i.memory.triesLeft(secretName(kind)) }

// WriteCertificates writes certificates and their authorities' in one durable
// step. Each must be of the key that is in the element.
func (i *Inside) WriteCertificates(certificates, authorities map[pki.Kind][]byte) error {
	m := i.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	next := m.state.clone()
	for kind, der := range certificates {
		if err := next.Profile.check(kind); err != nil {
			return err
		}
		if err := next.putCertificate(kind, m.keys[keyName(kind)], der, authorities[kind]); err != nil {
			return err
		}
	}
	next.Personalised = true
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: write certificates: %w", err)
	}
	return nil
}

// Certificate returns the DER of a certificate, nil when there is none;
// Authority that of its authority.
func (i *Inside) Certificate(kind pki.Kind) []byte { return i.memory.file(certificateName(kind)) }

// Authority returns the DER of the certificate of kind's authority, or nil.
func (i *Inside) Authority(kind pki.Kind) []byte { return i.memory.file(authorityName(kind)) }

// Sign signs digest with a key: RSASSA-PKCS1-v1_5, or RSASSA-PSS when opts is a
// *rsa.PSSOptions. The element has unlocked it, by whatever it takes for that.
func (i *Inside) Sign(kind pki.Kind, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	signer, err := i.Signer(kind)
	if err != nil {
		return nil, err
	}
	return signer.Sign(rand.Reader, digest, opts)
}

// SignAuth is Sign with the authentication key.
func (i *Inside) SignAuth(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return i.Sign(pki.PhoneAuth, digest, opts)
}

// SignSign is Sign with the signature key.
func (i *Inside) SignSign(digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return i.Sign(pki.PhoneSign, digest, opts)
}

// Signer returns a key as a crypto.Signer whose private half cannot be reached
// through it.
func (i *Inside) Signer(kind pki.Kind) (crypto.Signer, error) {
	key, err := i.memory.keyOf(kind)
	if err != nil {
		return nil, err
	}
	return sealedSigner{sign: key.Sign, public: &key.PublicKey}, nil
}

// sealedSigner hides the private key: no type assertion brings it back.
type sealedSigner struct {
	sign   func(io.Reader, []byte, crypto.SignerOpts) ([]byte, error)
	public *rsa.PublicKey
}

func (s sealedSigner) Public() crypto.PublicKey { return s.public }

func (s sealedSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	return s.sign(rand.Reader, digest, opts)
}

// Wipe destroys keys, certificates and secrets in one durable step. The token
// number stays.
func (i *Inside) Wipe() error {
	m := i.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	next, keys, err := newState(m.profile, Spec{Token: m.state.Token, Cost: m.state.Cost})
	if err != nil {
		return err
	}
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: wipe: %w", err)
	}
	m.keys = keys
	return nil
}
