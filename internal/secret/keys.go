package secret

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tegata/internal/durable"
)

// Keys is a directory of private keys at rest: PKCS#8 (RFC 5958), each in a file
// of its own, sealed under one key with its label bound to it, so that one key's
// file does not open as another's.
type Keys struct {
	Dir    string
	Sealer *Sealer
	Files  durable.Files // the zero value works
}

func (k Keys) path(label string) string { return filepath.Join(k.Dir, label+".key") }

// Open opens the key of label. fs.ErrNotExist when there is none,
// ErrSealBroken when its file is another's or was changed.
func (k Keys) Open(label string) (crypto.Signer, error) {
	sealed, err := os.ReadFile(k.path(label))
	if err != nil {
		return nil, fmt.Errorf("secret: key of %s: %w", label, err)
	}
	der, err := k.Sealer.Open("private key "+label, sealed)
	if err != nil {
		return nil, fmt.Errorf("secret: key of %s: %w", label, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	clear(der)
	if err != nil {
		return nil, fmt.Errorf("secret: key of %s is not PKCS#8", label) // the parser's words may repeat bytes of the key
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("secret: key of %s cannot sign", label)
	}
	return signer, nil
}

// Replace makes a new key for label; it is durable when it is returned.
func (k Keys) Replace(label string, generate func() (crypto.Signer, error)) (crypto.Signer, error) {
	signer, err := generate()
	if err != nil {
		return nil, fmt.Errorf("secret: key of %s: %w", label, err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(signer)
	if err != nil {
		return nil, fmt.Errorf("secret: key of %s: %w", label, err)
	}
	err = k.Files.WriteFile(k.path(label), k.Sealer.Seal("private key "+label, der), 0o600)
	clear(der)
	if err != nil {
		return nil, err
	}
	return signer, nil
}

// OpenOrMake opens the key of label, or makes it when there is none.
func (k Keys) OpenOrMake(label string, generate func() (crypto.Signer, error)) (crypto.Signer, error) {
	signer, err := k.Open(label)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	return k.Replace(label, generate)
}

// P256 draws a key for a party: signatures of requests, assertions and status
// answers are many, and small.
func P256() (crypto.Signer, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }
