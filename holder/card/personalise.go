package card

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"tegata/internal/pki"
	"tegata/internal/secret"
)

// ErrPersonalised says that a card belongs to somebody already.
var ErrPersonalised = errors.New("card: the card is personalised already")

// Personalisation makes a blank card somebody's card.
type Personalisation struct {
	// Certificates and Authorities are DER, by kind. CardAuth must be there;
	// CardSign is absent for a child under 15.
	Certificates map[pki.Kind][]byte
	Authorities  map[pki.Kind][]byte
	// AuthPIN opens the authentication key.
	AuthPIN secret.PIN
	// SignPassword opens the signature key: present exactly when there is a
	// signature certificate.
	SignPassword secret.Password
}

// Personalise writes certificates and secrets in one durable step, once:
// ErrPersonalised afterwards. A signature key without a certificate is
// destroyed.
func (c *Card) Personalise(p Personalisation) error {
	m := c.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Personalised {
		return ErrPersonalised
	}
	_, signs := p.Certificates[pki.CardSign]
	switch {
	case p.Certificates[pki.CardAuth] == nil:
		return errors.New("card: personalise: no authentication certificate")
	case p.AuthPIN.IsZero():
		return errors.New("card: personalise: no PIN")
	case signs == p.SignPassword.IsZero():
		return errors.New("card: personalise: signature certificate and password go together")
	}
	next := m.state.clone()
	for kind, der := range p.Certificates {
		if err := next.Profile.check(kind); err != nil {
			return err
		}
		if err := next.putCertificate(kind, m.keys[keyName(kind)], der, p.Authorities[kind]); err != nil {
			return err
		}
	}
	next.set(jpkiAuthPIN, p.AuthPIN)
	if signs {
		next.set(jpkiSignPIN, p.SignPassword)
	} else {
		delete(next.Keys, jpkiSignKey)
	}
	next.Personalised = true
	if err := m.commit(next); err != nil {
		return fmt.Errorf("card: personalise: %w", err)
	}
	if !signs {
		delete(m.keys, jpkiSignKey)
	}
	return nil
}

// Personalised reports whether the card belongs to somebody.
func (c *Card) Personalised() bool {
	c.memory.mu.Lock()
	defer c.memory.mu.Unlock()
	return c.memory.state.Personalised
}

// PublicKey returns the public half of the key of the given kind. An error means
// that there is none.
func (c *Card) PublicKey(kind pki.Kind) (*rsa.PublicKey, error) {
	key, err := c.memory.keyOf(kind)
	if err != nil {
		return nil, err
	}
	return &key.PublicKey, nil
}

// CSR returns a PKCS #10 request (RFC 2986) with an empty subject, signed by the
// key of the given kind: proof of its possession, which is all that the
// authority takes from it.
func (c *Card) CSR(kind pki.Kind) ([]byte, error) { return c.memory.csr(kind) }

// Certificate returns the DER of a certificate in the card, nil when there is
// none. The signature certificate names its holder.
func (c *Card) Certificate(kind pki.Kind) []byte { return c.memory.file(certificateName(kind)) }

// Authority returns the DER of the authority's certificate that stands beside the
// certificate of the given kind, nil when there is none.
func (c *Card) Authority(kind pki.Kind) []byte { return c.memory.file(authorityName(kind)) }

// TriesLeft is how many tries are left of the secret of the given kind's key;
// 0 when it is blocked or not set.
func (c *Card) TriesLeft(kind pki.Kind) int { return c.memory.triesLeft(secretName(kind)) }

// ResetPIN gives the authentication PIN a new value and all its tries: what the
// municipality's desk does for a holder who has proved to be the holder.
func (c *Card) ResetPIN(p secret.PIN) error {
	if p.IsZero() {
		return fmt.Errorf("card: reset the PIN: %w", secret.ErrFormat)
	}
	return c.resetSecret(jpkiAuthPIN, p)
}

// ResetPassword is ResetPIN for the signature password. It fails on a card that
// has no signature certificate.
func (c *Card) ResetPassword(p secret.Password) error {
	if p.IsZero() {
		return fmt.Errorf("card: reset the password: %w", secret.ErrFormat)
	}
	if len(c.Certificate(pki.CardSign)) == 0 {
		return errors.New("card: reset the password: there is no signature certificate")
	}
	return c.resetSecret(jpkiSignPIN, p)
}

func (c *Card) resetSecret(name string, value secret.Revealer) error {
	if !c.Personalised() {
		return errors.New("card: reset a secret: the card is blank")
	}
	if err := c.memory.setSecret(name, value); err != nil {
		return fmt.Errorf("card: reset a secret: %w", err)
	}
	return nil
}

func (m *memory) keyOf(kind pki.Kind) (*rsa.PrivateKey, error) {
	if err := m.profile.check(kind); err != nil {
		return nil, err
	}
	key := m.key(keyName(kind))
	if key == nil {
		return nil, fmt.Errorf("card: there is no %s key", kind)
	}
	return key, nil
}

func (m *memory) csr(kind pki.Kind) ([]byte, error) {
	key, err := m.keyOf(kind)
	if err != nil {
		return nil, err
	}
	return requestOf(kind, key)
}

func requestOf(kind pki.Kind, key *rsa.PrivateKey) ([]byte, error) {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{SignatureAlgorithm: x509.SHA256WithRSA}, key)
	if err != nil {
		return nil, fmt.Errorf("card: request for %s: %w", kind, err)
	}
	return der, nil
}
