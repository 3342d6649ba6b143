package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tegata/issuer/profile"
)

// Private keys rest as PKCS#8 (RFC 5958) sealed under the operator's sealing key;
// the name of the file is bound to it, so that one authority's key does not open
// as another's.

func (c *CA) keyPath(label string) string { return filepath.Join(c.config.Dir, label+".key") }

// generate draws a key for an authority.
func generate(a profile.Algorithm) (crypto.Signer, error) {
	switch a {
	case profile.RSA2048SHA256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case profile.ECDSAP384SHA384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return nil, fmt.Errorf("ca: no algorithm is called %.24q", a)
}

// generateDelegate draws a P-256 key: status answers and feed batches are many.
func generateDelegate() (crypto.Signer, error) {
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// openOrMakeKey opens the key of label, or makes it when there is none.
func (c *CA) openOrMakeKey(label string, make func() (crypto.Signer, error)) (crypto.Signer, error) {
	signer, err := c.openKey(label)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	return c.replaceKey(label, make)
}

// replaceKey makes a new key for label; it is durable when it is returned.
func (c *CA) replaceKey(label string, make func() (crypto.Signer, error)) (crypto.Signer, error) {
	signer, err := make()
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s: %w", label, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s: %w", label, err)
	}
	err = c.config.Files.WriteFile(c.keyPath(label), c.config.Sealer.Seal("ca key "+label, der), 0o600)
	clear(der)
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s: %w", label, err)
	}
	return signer, nil
}

// openKey opens the key of label. fs.ErrNotExist when there is none.
func (c *CA) openKey(label string) (crypto.Signer, error) {
	sealed, err := os.ReadFile(c.keyPath(label))
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s: %w", label, err)
	}
	der, err := c.config.Sealer.Open("ca key "+label, sealed)
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s: %w", label, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	clear(der)
	if err != nil {
		return nil, fmt.Errorf("ca: key of %s is not PKCS#8", label) // the parser's words may repeat bytes of the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("ca: key of %s cannot sign", label)
	}
	return signer, nil
}
