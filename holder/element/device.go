package element

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/attest"
	"tegata/internal/jws"
)

// The only two types of message that the device key signs.
const (
	TypeEnrolment = "tegata-enrolment+jwt"
	TypeCheckIn   = "tegata-checkin+jwt"
)

// maxStep is what the authority reads at most, in bytes of the compact form.
const maxStep = 96 << 10

// DeviceKey returns the attestation chain of the device key, leaf first, over
// challenge. The key is made on the first call; it lives until a reset.
func (e *Element) DeviceKey(challenge []byte) ([][]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key, err := e.deviceKey()
	if err != nil {
		return nil, err
	}
	next := e.state
	next.LastChallenge = challenge
	if err := e.commit(next); err != nil {
		return nil, err
	}
	return e.attest(key.Public(), challenge)
}

// DeviceKeyHash is the SHA-256 of the device key's SubjectPublicKeyInfo. The key
// is made when there is none.
func (e *Element) DeviceKeyHash() ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	key, err := e.deviceKey()
	if err != nil {
		return nil, err
	}
	return attest.KeyHash(key.Public())
}

// deviceKey makes the key durable before it returns it.
func (e *Element) deviceKey() (*ecdsa.PrivateKey, error) {
	if key, err := e.state.deviceKey(); key != nil || err != nil {
		return key, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("element: device key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, errors.New("element: the device key does not encode")
	}
	next := e.state
	next.DeviceKey = der
	return key, e.commit(next)
}

// SignStep signs claims, an object, as a message of one of the two types with
// the device key. The element adds iat and ctr, and to a check-in last_unlock,
// reset_counter, verified_boot and device_locked: these are its own account and
// replace whatever the caller put there. chain goes into x5c and may be empty.
//
// It returns ErrType for any other type of message and ErrNoKeys when there is
// no device key.
func (e *Element) SignStep(typ string, claims any, chain [][]byte) (string, error) {
	if !slices.Contains([]string{TypeEnrolment, TypeCheckIn}, typ) {
		return "", ErrType
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	key, err := e.state.deviceKey()
	if err != nil {
		return "", err
	}
	if key == nil {
		return "", ErrNoKeys
	}
	members, err := object(claims)
	if err != nil {
		return "", err
	}
	if err := e.raise(); err != nil {
		return "", err
	}
	own := map[string]any{"iat": e.config.Now().Unix(), "ctr": e.state.Counter}
	if typ == TypeCheckIn {
		own["last_unlock"], own["reset_counter"] = e.state.LastUnlock, e.state.ResetCounter
		own["verified_boot"], own["device_locked"] = e.state.Hardware.Boot.String(), e.state.Hardware.Locked
	}
	for name, v := range own {
		if members[name], err = json.Marshal(v); err != nil {
			return "", fmt.Errorf("element: %s: %w", name, err)
		}
	}
	certificates, err := parseChain(chain)
	if err != nil {
		return "", err
	}
	kind := jws.Kind{Typ: typ, Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: maxStep, Bare: true}
	compact, err := jws.Sign(kind, key, certificates, members)
	if err != nil {
		return "", fmt.Errorf("element: %w", err)
	}
	return compact, nil
}

// raise raises the counter, durably: before every signature.
func (e *Element) raise() error {
	next := e.state
	next.Counter++
	return e.commit(next)
}

// object turns claims into the members of one JSON object.
func object(claims any) (map[string]json.RawMessage, error) {
	encoded, err := jws.Encode(claims)
	if err != nil {
		return nil, fmt.Errorf("element: claims: %w", err)
	}
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(encoded, &members); err != nil || members == nil {
		return nil, errors.New("element: claims are no object")
	}
	return members, nil
}

func parseChain(chain [][]byte) ([]*x509.Certificate, error) {
	var out []*x509.Certificate
	for _, der := range chain {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("element: chain: %w", err)
		}
		out = append(out, c)
	}
	return out, nil
}
