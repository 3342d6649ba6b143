package element

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"tegata/holder/card"
	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// A Fault is something wrong with the attestations of a virtual phone, so that a
// person can see an authority refuse it.
type Fault string

// The faults. What the hardware itself can be wrong about (level, boot,
// exportable keys, its maker) is in attest.Hardware and the batch.
const (
	NoFault           Fault = ""
	FaultOtherKey     Fault = "other-key"     // attests a key, but not the one requested
	FaultOldChallenge Fault = "old-challenge" // repeats what it attested before
)

// SetSecrets prepares the secrets of a new pair. They open nothing until the
// pair's certificates are written; a pair in use keeps its own until then. Keys
// that were being prepared stay.
func (e *Element) SetSecrets(pin secret.PIN, password secret.Password) error {
	if pin.IsZero() || password.IsZero() {
		return ErrNoSecrets
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	p := pending{}
	if e.state.Pending != nil {
		p = *e.state.Pending
	}
	p.PIN, p.Password = secret.NewVerifier(pin, e.config.Cost), secret.NewVerifier(password, e.config.Cost)
	next := e.state
	next.Pending = &p
	return e.commit(next)
}

// SecretsPrepared reports whether SetSecrets was called for the pair on its way.
func (e *Element) SecretsPrepared() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.state.Pending != nil && e.state.Pending.PIN.Hash != nil
}

// GenerateKeys makes a new pair of RSA-2048 keys and returns what proves them to
// the authority: a PKCS#10 request each and its attestation over challenge.
// Called again with the same challenge it proves the same keys, also after a
// restart; with another challenge it makes others. ErrNoSecrets before
// SetSecrets.
func (e *Element) GenerateKeys(challenge []byte) (auth, sign attest.KeyProof, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Pending == nil || e.state.Pending.PIN.Hash == nil {
		return auth, sign, ErrNoSecrets
	}
	if len(challenge) == 0 {
		return auth, sign, errors.New("element: no challenge")
	}
	if !bytes.Equal(e.state.Pending.Challenge, challenge) {
		if err := e.generate(challenge); err != nil {
			return auth, sign, err
		}
	}
	a, s, err := e.state.Pending.keys()
	if err != nil {
		return auth, sign, err
	}
	if auth, err = e.prove(a, s, challenge); err != nil {
		return auth, sign, err
	}
	sign, err = e.prove(s, a, challenge)
	return auth, sign, err
}

// generate makes both keys durable before anybody hears of them.
func (e *Element) generate(challenge []byte) error {
	p := *e.state.Pending
	p.Challenge = challenge
	for _, to := range []*[]byte{&p.Auth, &p.Sign} {
		key, err := e.config.GenerateKey()
		if err != nil {
			return fmt.Errorf("element: generate a key: %w", err)
		}
		if *to, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return errors.New("element: a key does not encode")
		}
	}
	next := e.state
	next.Pending = &p
	return e.commit(next)
}

// prove writes the request for key and its attestation, with the phone's fault
// if it has one.
func (e *Element) prove(key, other *rsa.PrivateKey, challenge []byte) (attest.KeyProof, error) {
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSA}, key)
	if err != nil {
		return attest.KeyProof{}, fmt.Errorf("element: request: %w", err)
	}
	attested := key.Public()
	switch e.state.Fault {
	case FaultOtherKey:
		attested = other.Public()
	case FaultOldChallenge:
		challenge = e.state.LastChallenge
	}
	chain, err := e.attest(attested, challenge)
	return attest.KeyProof{CSR: csr, Chain: chain}, err
}

func (e *Element) attest(pub crypto.PublicKey, challenge []byte) ([][]byte, error) {
	batch, err := e.state.batch()
	if err != nil {
		return nil, err
	}
	el := attest.Element{ID: e.state.ID, ResetCounter: e.state.ResetCounter}
	return batch.Attest(pub, challenge, e.state.Hardware, e.config.Arc.ElementExtension(), el, e.config.Now())
}

// WriteCertificates puts the new pair into use: keys, certificates and secrets in
// one durable step. Written again, the same certificates change nothing. The
// error is ErrNotOurs when a certificate is of another key, ErrNoKeys when no
// pair is on its way.
func (e *Element) WriteCertificates(certificates, authorities map[pki.Kind][]byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Pending == nil || e.state.Pending.Auth == nil {
		for kind, der := range certificates {
			if !bytes.Equal(e.inside.Certificate(kind), der) {
				return ErrNoKeys
			}
		}
		return nil
	}
	auth, sign, err := e.state.Pending.keys()
	if err != nil {
		return err
	}
	in := card.Installation{
		Keys:         map[pki.Kind]*rsa.PrivateKey{pki.PhoneAuth: auth, pki.PhoneSign: sign},
		Certificates: certificates, Authorities: authorities,
		PIN: e.state.Pending.PIN, Password: e.state.Pending.Password,
	}
	for kind, key := range in.Keys {
		c, err := x509.ParseCertificate(certificates[kind])
		if err != nil || !key.PublicKey.Equal(c.PublicKey) {
			return fmt.Errorf("%w: %s", ErrNotOurs, kind)
		}
	}
	before := e.state
	e.state.Pending = nil
	e.compat.on = false                          // another registration, perhaps another person
	e.state.forgetBiometric()                    // so are these
	if err := e.inside.Install(in); err != nil { // saves both
		e.state = before
		return fmt.Errorf("element: %w", err)
	}
	return nil
}

// LockCode draws the lock code of this pair when there is none yet, and returns
// its verifier under the authority's salt and cost. The code itself stays here
// until ForgetLockCode.
func (e *Element) LockCode(salt []byte, cost secret.Cost) (secret.Verifier, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	code, err := e.lockCode()
	if errors.Is(err, ErrNoLockCode) {
		code = secret.GenerateLockCode()
		next := e.state
		code.Reveal(func(b []byte) { next.LockCode = string(b) })
		err = e.commit(next)
	}
	if err != nil {
		return secret.Verifier{}, err
	}
	return secret.NewVerifierWithSalt(code, salt, cost), nil
}

// ShowLockCode returns the code for the one screen that shows it; ErrNoLockCode
// once its owner has said that it is noted.
func (e *Element) ShowLockCode() (secret.LockCode, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lockCode()
}

func (e *Element) lockCode() (secret.LockCode, error) {
	if e.state.LockCode == "" {
		return secret.LockCode{}, ErrNoLockCode
	}
	return secret.ParseLockCode(e.state.LockCode)
}

// ForgetLockCode destroys the code; what is left is its owner's note and the
// authority's verifier.
func (e *Element) ForgetLockCode() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	next := e.state
	next.LockCode = ""
	return e.commit(next)
}
