package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tegata/internal/durable"
)

// ErrSealBroken is returned when sealed bytes do not open: another key, another
// name, or a changed byte.
var ErrSealBroken = errors.New("secret: the seal does not open")

// Sealer seals small states under one key (AES-256-GCM, NIST SP 800-38D, random
// 96-bit nonces). The key stays inside.
type Sealer struct{ aead cipher.AEAD }

// CreateKeyFile makes a new key at path with mode 0600. It refuses to replace one.
func CreateKeyFile(f durable.Files, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("secret: create key file: %s is there already", path)
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	return f.WriteFile(path, key, 0o600)
}

// OpenSealer reads a key file. A file that others may read is refused.
func OpenSealer(path string) (*Sealer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret: key file %s has mode %04o; it must be readable by its owner alone (0600)", path, info.Mode().Perm())
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	if len(key) != 32 {
		return nil, fmt.Errorf("secret: key file %s does not hold a key of 32 bytes", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts plaintext; name is bound to it, so that one file's content does
// not open as another's.
func (s *Sealer) Seal(name string, plaintext []byte) []byte {
	return s.aead.Seal(nil, nil, plaintext, []byte(name))
}

// Open is the reverse of Seal. ErrSealBroken when it is not.
func (s *Sealer) Open(name string, sealed []byte) ([]byte, error) {
	plaintext, err := s.aead.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return nil, ErrSealBroken
	}
	return plaintext, nil
}
