package element

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"tegata/internal/attest"
	"tegata/internal/secret"
)

// state is everything the element must not forget; its JSON form rests sealed.
// The card's state lies inside, so that both change in one write.
type state struct {
	ID            [16]byte        `json:"id"`
	ResetCounter  uint32          `json:"reset_counter"`
	Counter       uint64          `json:"ctr"`
	LastUnlock    int64           `json:"last_unlock"` // seconds since 1970; 0: never
	Hardware      attest.Hardware `json:"hardware"`
	Fault         Fault           `json:"fault,omitempty"`
	BatchKey      []byte          `json:"batch_key"` // PKCS#8
	BatchChain    [][]byte        `json:"batch_chain"`
	DeviceKey     []byte          `json:"device_key,omitempty"` // PKCS#8
	LastChallenge []byte          `json:"last_challenge,omitempty"`
	Pending       *pending        `json:"pending,omitempty"`
	Reissue       *reissue        `json:"reissue,omitempty"`   // a signature key alone on its way
	LockCode      string          `json:"lock_code,omitempty"` // until its owner has seen it
	Biometric     *biometric      `json:"biometric,omitempty"`
	Quiet         *Quiet          `json:"quiet,omitempty"` // nil: DefaultQuiet
	Card          []byte          `json:"card"`
}

// pending is a pair on its way: made, not yet certified. The pair in use works
// on beside it.
type pending struct {
	PIN       secret.Verifier `json:"pin"`
	Password  secret.Verifier `json:"password"`
	Challenge []byte          `json:"challenge,omitempty"`
	Auth      []byte          `json:"auth,omitempty"` // PKCS#8
	Sign      []byte          `json:"sign,omitempty"`
}

func (s state) lastUnlock() time.Time {
	if s.LastUnlock == 0 {
		return time.Time{}
	}
	return time.Unix(s.LastUnlock, 0).UTC()
}

func (s *state) setBatch(b attest.Batch) error {
	der, err := x509.MarshalPKCS8PrivateKey(b.Key)
	if err != nil {
		return errors.New("element: the batch key does not encode")
	}
	s.BatchKey, s.BatchChain = der, b.Chain
	return nil
}

func (s state) batch() (attest.Batch, error) {
	key, err := x509.ParsePKCS8PrivateKey(s.BatchKey)
	ec, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return attest.Batch{}, errors.New("element: the batch key does not open")
	}
	return attest.Batch{Key: ec, Chain: s.BatchChain}, nil
}

// deviceKey returns nil when there is none yet.
func (s state) deviceKey() (*ecdsa.PrivateKey, error) {
	if s.DeviceKey == nil {
		return nil, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(s.DeviceKey)
	ec, ok := key.(*ecdsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("element: the device key does not open")
	}
	return ec, nil
}

func (p pending) keys() (auth, sign *rsa.PrivateKey, err error) {
	if p.Auth == nil || p.Sign == nil {
		return nil, nil, ErrNoKeys
	}
	var keys [2]*rsa.PrivateKey
	for i, der := range [][]byte{p.Auth, p.Sign} {
		key, err := x509.ParsePKCS8PrivateKey(der)
		private, ok := key.(*rsa.PrivateKey)
		if err != nil || !ok {
			return nil, nil, errors.New("element: a key does not open")
		}
		keys[i] = private
	}
	return keys[0], keys[1], nil
}

// place is where the state rests.
type place struct {
	path, counter string
	file          *secret.StateFile // nil: not there yet, or a write failed
	created       bool
}

func placeIn(c Config) place {
	return place{path: filepath.Join(c.Dir, "element.sealed"), counter: filepath.Join(c.Dir, "element.counter")}
}

func (e *Element) load() error {
	file, plain, err := secret.OpenStateFile(e.config.Files, e.config.Sealer, e.place.path, e.place.counter)
	if err != nil {
		return fmt.Errorf("element: open: %w", err)
	}
	if err := json.Unmarshal(plain, &e.state); err != nil {
		return errors.New("element: the state does not decode")
	}
	e.place.file, e.place.created = file, true
	return nil
}

// write makes s durable. After a failed write the file is opened again first: a
// disk that was full for a while costs no element.
func (e *Element) write(s state) error {
	plain, err := json.Marshal(s)
	if err != nil {
		return errors.New("element: the state does not encode")
	}
	p := &e.place
	switch {
	case !p.created:
		p.file, err = secret.CreateStateFile(e.config.Files, e.config.Sealer, p.path, p.counter, plain)
		p.created = err == nil
		return err
	case p.file == nil:
		if p.file, _, err = secret.OpenStateFile(e.config.Files, e.config.Sealer, p.path, p.counter); err != nil {
			return err
		}
	}
	if err := p.file.Write(plain); err != nil {
		p.file = nil
		return err
	}
	return nil
}

// commit makes next the state. The caller holds mu.
func (e *Element) commit(next state) error {
	if err := e.write(next); err != nil {
		return fmt.Errorf("element: %w", err)
	}
	e.state = next
	return nil
}

// errTapWrites is a card's state that is written without mu.
var errTapWrites = errors.New("element: the card's state is written from the inside alone")

// saveCard is called by the card, while the caller of its inside holds mu. Over a tap
// nobody does, and no command that a phone takes there leads here: secrets are compared,
// and counted, by gate. One that did would overwrite what the inside is about to write; it
// is refused.
func (e *Element) saveCard(cardState []byte) error {
	if e.mu.TryLock() {
		e.mu.Unlock()
		return errTapWrites
	}
	next := e.state
	next.Card = cardState
	return e.commit(next)
}
