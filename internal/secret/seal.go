package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"tegata/internal/durable"
)

// ErrSealBroken is returned when sealed bytes do not open: another key, another
// name, or a changed byte.
var ErrSealBroken = errors.New("secret: the seal does not open")

// Sealer seals small states under one key (AES-256-GCM, NIST SP 800-38D, random
// 96-bit nonces). The key, derived from the key file's with HKDF (RFC 5869) and the
// file's side, stays inside.
type Sealer struct{ aead cipher.AEAD }

// Side is the side of the fence on which a key file was made: sandbox and production
// never mix.
type Side string

// The sides, as they stand in a key file.
const (
	Sandbox    Side = "sandbox"
	Production Side = "production"
)

// ErrOtherSide is returned for a key file of the other side of the fence.
var ErrOtherSide = errors.New("secret: the key file was made on the other side of the fence between sandbox and production")

// keyFileHead begins a key file; the side and the key in base64 follow.
const keyFileHead = "tegata sealing key 1"

// CreateKeyFile makes a new key at path with mode 0600, marked with its side. It
// refuses to replace one.
func CreateKeyFile(f durable.Files, path string, side Side) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("secret: create key file: %s is there already", path)
	}
	key := make([]byte, 32)
	rand.Read(key) // never fails
	text := fmt.Appendf(nil, "%s %s %s\n", keyFileHead, side, base64.StdEncoding.EncodeToString(key))
	err := f.WriteFile(path, text, 0o600)
	clear(key)
	clear(text)
	return err
}

// OpenSealer reads a key file of a side. ErrOtherSide when it is of the other; a file
// that others may read is refused. What is sealed depends on the side: changing the
// word in the file opens nothing.
func OpenSealer(path string, side Side) (*Sealer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("secret: key file %s has mode %04o; it must be readable by its owner alone (0600)", path, info.Mode().Perm())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	defer clear(text)
	was, key, ok := parseKeyFile(string(text))
	if !ok {
		return nil, fmt.Errorf("secret: %s does not read as a key file", path)
	}
	if was != side {
		return nil, fmt.Errorf("%w: %s is of a %s", ErrOtherSide, path, was)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, keyFileHead+" "+string(side), 32)
	clear(key)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	block, err := aes.NewCipher(derived)
	clear(derived)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("secret: open key file: %w", err)
	}
	return &Sealer{aead}, nil
}

// parseKeyFile reads what CreateKeyFile wrote, in that spelling alone.
func parseKeyFile(text string) (side Side, key []byte, ok bool) {
	rest, ok := strings.CutPrefix(text, keyFileHead+" ")
	if !ok {
		return "", nil, false
	}
	word, encoded, ok := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	side = Side(word)
	if !ok || side != Sandbox && side != Production {
		return "", nil, false
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	// The decoder skips line breaks; the length leaves no room for one.
	return side, key, err == nil && len(key) == 32 && len(encoded) == base64.StdEncoding.EncodedLen(32)
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
