package attest

import (
	"crypto"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"tegata/internal/durable"
	"tegata/internal/secret"
)

// makerState is a Maker at rest, sealed.
type makerState struct {
	Key  []byte `json:"key"`  // PKCS#8
	Root []byte `json:"root"` // DER
}

// CreateMaker makes a maker and keeps it, sealed, at path. It refuses to replace
// one.
func CreateMaker(f durable.Files, s *secret.Sealer, path, name string, at time.Time) (Maker, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return Maker{}, fmt.Errorf("attest: create maker: %s is there already", filepath.Base(path))
	}
	m, err := NewMaker(name, at)
	if err != nil {
		return Maker{}, err
	}
	key, err := x509.MarshalPKCS8PrivateKey(m.Key)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: create maker: %w", err)
	}
	state, err := json.Marshal(makerState{Key: key, Root: m.Root.Raw})
	if err != nil {
		return Maker{}, fmt.Errorf("attest: create maker: %w", err)
	}
	return m, f.WriteFile(path, s.Seal(filepath.Base(path), state), 0o600)
}

// OpenMaker reads what CreateMaker kept.
func OpenMaker(s *secret.Sealer, path string) (Maker, error) {
	sealed, err := os.ReadFile(path)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: open maker: %w", err)
	}
	plain, err := s.Open(filepath.Base(path), sealed)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: open maker: %w", err)
	}
	var state makerState
	if err := json.Unmarshal(plain, &state); err != nil {
		return Maker{}, fmt.Errorf("attest: open maker: %w", err)
	}
	key, err := x509.ParsePKCS8PrivateKey(state.Key)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: open maker: %w", err)
	}
	root, err := x509.ParseCertificate(state.Root)
	if err != nil {
		return Maker{}, fmt.Errorf("attest: open maker: %w", err)
	}
	return Maker{Root: root, Key: key.(crypto.Signer)}, nil // CreateMaker only writes signers
}
