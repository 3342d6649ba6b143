package element

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"tegata/holder/card"
	"tegata/internal/attest"
	"tegata/internal/pki"
	"tegata/internal/secret"
)

// reissue is a signature key on its way alone: the authentication key stays.
type reissue struct {
	Password  secret.Verifier `json:"password"`
	Challenge []byte          `json:"challenge,omitempty"`
	Sign      []byte          `json:"sign,omitempty"` // PKCS#8
}

func (r reissue) key() (*rsa.PrivateKey, error) {
	key, err := x509.ParsePKCS8PrivateKey(r.Sign)
	private, ok := key.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errors.New("element: a key does not open")
	}
	return private, nil
}

// SetSignPassword prepares the password of a new signature key. It opens nothing
// until that key's certificate is written.
func (e *Element) SetSignPassword(password secret.Password) error {
	if password.IsZero() {
		return ErrNoSecrets
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	r := reissue{}
	if e.state.Reissue != nil {
		r = *e.state.Reissue
	}
	r.Password = secret.NewVerifier(password, e.config.Cost)
	next := e.state
	next.Reissue = &r
	return e.commit(next)
}

// GenerateSignKey makes a new signature key and proves it, as GenerateKeys does a
// pair: with the same challenge the same key. ErrNoSecrets before SetSignPassword.
func (e *Element) GenerateSignKey(challenge []byte) (attest.KeyProof, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Reissue == nil {
		return attest.KeyProof{}, ErrNoSecrets
	}
	if len(challenge) == 0 {
		return attest.KeyProof{}, errors.New("element: no challenge")
	}
	if !bytes.Equal(e.state.Reissue.Challenge, challenge) {
		key, err := e.config.GenerateKey()
		if err != nil {
			return attest.KeyProof{}, fmt.Errorf("element: generate a key: %w", err)
		}
		r := *e.state.Reissue
		r.Challenge = challenge
		if r.Sign, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
			return attest.KeyProof{}, errors.New("element: a key does not encode")
		}
		next := e.state
		next.Reissue = &r
		if err := e.commit(next); err != nil { // durable before anybody hears of it
			return attest.KeyProof{}, err
		}
	}
	key, err := e.state.Reissue.key()
	if err != nil {
		return attest.KeyProof{}, err
	}
	return e.prove(key, key, challenge)
}

// WriteSignCertificate puts the new signature key into use, with its certificate and
// password, in one durable step. Written again, the same certificate changes nothing.
// Errors are WriteCertificates'.
func (e *Element) WriteSignCertificate(certificate, authority []byte) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.state.Reissue == nil || e.state.Reissue.Sign == nil {
		if bytes.Equal(e.inside.Certificate(pki.PhoneSign), certificate) {
			return nil
		}
		return ErrNoKeys
	}
	key, err := e.state.Reissue.key()
	if err != nil {
		return err
	}
	c, err := x509.ParseCertificate(certificate)
	if err != nil || !key.PublicKey.Equal(c.PublicKey) {
		return fmt.Errorf("%w: %s", ErrNotOurs, pki.PhoneSign)
	}
	in := card.Installation{
		Keys:         map[pki.Kind]*rsa.PrivateKey{pki.PhoneSign: key},
		Certificates: map[pki.Kind][]byte{pki.PhoneSign: certificate}, Authorities: map[pki.Kind][]byte{pki.PhoneSign: authority},
		Password: e.state.Reissue.Password,
	}
	before := e.state
	e.state.Reissue = nil
	if err := e.inside.Install(in); err != nil { // saves both
		e.state = before
		return fmt.Errorf("element: %w", err)
	}
	return nil
}
