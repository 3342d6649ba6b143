package secret

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"tegata/internal/durable"
)

// ErrRolledBack is returned when a sealed file is older than its counter says:
// somebody put it back, for example to win tries of a PIN.
var ErrRolledBack = errors.New("secret: the sealed state is older than its counter")

// StateFile is one sealed state with a version, and a counter kept in another
// file. The counter is written after the state, so a crash between the two leaves
// the state one ahead, which is accepted; a state behind its counter is refused.
// It has one writer.
type StateFile struct {
	files         durable.Files
	sealer        *Sealer
	path, counter string
	version       uint64
}

// CreateStateFile writes a first state. It refuses to replace one.
func CreateStateFile(f durable.Files, s *Sealer, path, counterPath string, plaintext []byte) (*StateFile, error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("secret: create state: %s is there already", filepath.Base(path))
	}
	file := &StateFile{files: f, sealer: s, path: path, counter: counterPath}
	if err := file.Write(plaintext); err != nil {
		return nil, err
	}
	return file, nil
}

// OpenStateFile reads the state at path. ErrRolledBack when it is older than the
// counter; ErrSealBroken when it does not open; the system's error when it is not
// there.
func OpenStateFile(f durable.Files, s *Sealer, path, counterPath string) (*StateFile, []byte, error) {
	file := &StateFile{files: f, sealer: s, path: path, counter: counterPath}
	sealed, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, fmt.Errorf("secret: open state: %w", err)
	}
	content, err := s.Open(file.name(), sealed)
	if err != nil || len(content) < 8 {
		return nil, nil, fmt.Errorf("secret: open state %s: %w", file.name(), ErrSealBroken)
	}
	file.version = binary.BigEndian.Uint64(content)
	seen, err := file.readCounter()
	if err != nil {
		return nil, nil, fmt.Errorf("secret: open state %s: %w", file.name(), err)
	}
	if file.version < seen {
		return nil, nil, fmt.Errorf("secret: open state %s: version %d, counter %d: %w", file.name(), file.version, seen, ErrRolledBack)
	}
	if file.version > seen { // a crash between the two writes: finish it
		if err := file.writeCounter(); err != nil {
			return nil, nil, err
		}
	}
	return file, content[8:], nil
}

// Write replaces the state; it is durable when Write returns. After an error the
// StateFile must be opened again: what is on the disk is the old state or the new.
func (s *StateFile) Write(plaintext []byte) error {
	s.version++
	content := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(plaintext)), s.version)
	content = append(content, plaintext...)
	if err := s.files.WriteFile(s.path, s.sealer.Seal(s.name(), content), 0o600); err != nil {
		return err
	}
	return s.writeCounter()
}

func (s *StateFile) name() string { return filepath.Base(s.path) }

func (s *StateFile) writeCounter() error {
	content := binary.BigEndian.AppendUint64(nil, s.version)
	return s.files.WriteFile(s.counter, s.sealer.Seal(s.name()+" counter", content), 0o600)
}

// readCounter returns 0 only when the state is the very first: a missing counter
// beside a later state is a rollback by deletion.
func (s *StateFile) readCounter() (uint64, error) {
	sealed, err := os.ReadFile(s.counter)
	if errors.Is(err, fs.ErrNotExist) && s.version == 1 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	content, err := s.sealer.Open(s.name()+" counter", sealed)
	if err != nil || len(content) != 8 {
		return 0, ErrSealBroken
	}
	return binary.BigEndian.Uint64(content), nil
}
