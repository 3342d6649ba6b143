package card

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"maps"

	"tegata/internal/pki"
	"tegata/internal/secret"
)

// A signature certificate that ended is followed by another with a new key on the same
// card. The new key rests beside the one in use, where no command reaches it, until its
// certificate is there.
const (
	nextSignKey   = "next/001A"
	nextSignOrder = "next/order" // a file: what the key was made for
)

var (
	// ErrBlank says that a card is nobody's yet.
	ErrBlank = errors.New("card: the card is blank")
	// ErrOtherKey says that a certificate is not of the key that waits for one.
	ErrOtherKey = errors.New("card: the certificate is not of the key that waits for it")
)

// NewSignatureKey makes a signature key beside the one in use, for an order of that
// name, and returns its request. Asked again for the same order it returns a request
// for the same key; another order's key takes its place.
func (c *Card) NewSignatureKey(order string) ([]byte, error) {
	m := c.memory
	if err := m.profile.check(pki.CardSign); err != nil {
		return nil, err
	}
	if !c.Personalised() {
		return nil, ErrBlank
	}
	if key := m.waiting(order); key != nil {
		return requestOf(pki.CardSign, key)
	}
	fresh, err := rsa.GenerateKey(rand.Reader, keyBits) // takes a while: the card answers meanwhile
	if err != nil {
		return nil, fmt.Errorf("card: generate a key: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if string(m.state.Files[nextSignOrder]) == order && m.keys[nextSignKey] != nil { // asked twice at once
		return requestOf(pki.CardSign, m.keys[nextSignKey])
	}
	next, keys := m.state.clone(), maps.Clone(m.keys)
	if err := next.putKeyAt(keys, nextSignKey, fresh); err != nil {
		return nil, err
	}
	next.Files[nextSignOrder] = []byte(order)
	if err := m.commit(next); err != nil {
		return nil, fmt.Errorf("card: a new signature key: %w", err)
	}
	m.keys = keys
	return requestOf(pki.CardSign, fresh)
}

// waiting is the key that was made for order, or nil.
func (m *memory) waiting(order string) *rsa.PrivateKey {
	m.mu.Lock()
	defer m.mu.Unlock()
	if string(m.state.Files[nextSignOrder]) != order {
		return nil
	}
	return m.keys[nextSignKey]
}

// TakeSignature puts the certificate of the waiting key, and that key, in the place of
// the signature certificate and key in use, in one durable step. The password is set,
// with all its tries: the holder stands at the desk. Sent again with the certificate
// that is in the card it changes nothing. Errors: ErrBlank, ErrOtherKey.
func (c *Card) TakeSignature(certificate, authority []byte, password secret.Password) error {
	m := c.memory
	if password.IsZero() {
		return fmt.Errorf("card: a new signature certificate: %w", secret.ErrFormat)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case !m.state.Personalised:
		return ErrBlank
	case string(m.state.Files[jpkiSignCertificate]) == string(certificate):
		return nil
	case m.keys[nextSignKey] == nil:
		return ErrOtherKey
	}
	next, keys := m.state.clone(), maps.Clone(m.keys)
	if err := next.putKeyAt(keys, jpkiSignKey, m.keys[nextSignKey]); err != nil {
		return err
	}
	if err := next.putCertificate(pki.CardSign, keys[jpkiSignKey], certificate, authority); err != nil {
		return fmt.Errorf("%w: %w", ErrOtherKey, err)
	}
	delete(next.Keys, nextSignKey)
	delete(keys, nextSignKey)
	delete(next.Files, nextSignOrder)
	next.set(jpkiSignPIN, password)
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: a new signature certificate: %w", err)
	}
	m.keys = keys
	return nil
}
