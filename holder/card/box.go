package card

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"tegata/internal/durable"
	"tegata/internal/secret"
)

// ErrInUse says that another process is the writer of a box of cards.
var ErrInUse = durable.ErrInUse

// ErrNoCard says that a box holds no card of that name.
var ErrNoCard = errors.New("card: there is no such card")

// ErrName says that a text cannot be the name of a card.
var ErrName = errors.New("card: a name is 1 to 64 of a-z, 0-9 and hyphens")

// A Box is a directory of cards with one writer:
//
//	DIR/lock             held by the process that has the box open
//	DIR/key              the key file that seals the cards, mode 0600
//	DIR/NAME.card        a card's sealed state
//	DIR/counters/NAME    its version, kept apart
//
// While it is open nobody else writes the cards in it, and each name has one
// Card. All methods may be called from any goroutine.
type Box struct {
	dir    string
	files  durable.Files
	sealer *secret.Sealer
	lock   *os.File

	mu   sync.Mutex // guards open
	open map[string]*Card
}

const (
	boxKey      = "key"
	boxCounters = "counters"
	cardSuffix  = ".card"
)

// CreateBox makes an empty box in dir, which is made when it is not there, and
// opens it. It refuses a directory that holds one.
func CreateBox(dir string, f durable.Files) (*Box, error) {
	if err := os.MkdirAll(filepath.Join(dir, boxCounters), 0o700); err != nil {
		return nil, fmt.Errorf("card: create box: %w", err)
	}
	if err := secret.CreateKeyFile(f, filepath.Join(dir, boxKey), secret.Sandbox); err != nil {
		return nil, fmt.Errorf("card: create box: %w", err)
	}
	return OpenBox(dir, f)
}

// OpenBox opens the box in dir and keeps it until Close. ErrInUse when another
// process has it, or this one.
func OpenBox(dir string, f durable.Files) (*Box, error) {
	sealer, err := secret.OpenSealer(filepath.Join(dir, boxKey), secret.Sandbox)
	if err != nil {
		return nil, fmt.Errorf("card: open box: %w", err)
	}
	lock, err := durable.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, fmt.Errorf("card: open box %s: %w", dir, err)
	}
	return &Box{dir: dir, files: f, sealer: sealer, lock: lock, open: map[string]*Card{}}, nil
}

// Close gives the box up. Cards taken from it must not be used any more.
func (b *Box) Close() error { return b.lock.Close() }

// List returns the names of the cards, sorted.
func (b *Box) List() ([]string, error) {
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("card: list: %w", err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), cardSuffix); ok && checkName(name) == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Create makes a blank card of that name. It refuses to replace one.
func (b *Box) Create(name string, spec Spec) (*Card, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	c, err := Create(b.place(name), spec)
	if err != nil {
		return nil, err
	}
	b.open[name] = c
	return c, nil
}

// Open returns the card of that name: the same Card each time. The error is or
// wraps ErrNoCard, secret.ErrRolledBack or secret.ErrSealBroken.
func (b *Box) Open(name string) (*Card, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.open[name]; c != nil {
		return c, nil
	}
	place := b.place(name)
	if _, err := os.Lstat(place.Path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", ErrNoCard, name)
	}
	c, err := Open(place)
	if err != nil {
		return nil, err
	}
	b.open[name] = c
	return c, nil
}

func (b *Box) place(name string) Place {
	return Place{
		Files: b.files, Sealer: b.sealer,
		Path:        filepath.Join(b.dir, name+cardSuffix),
		CounterPath: filepath.Join(b.dir, boxCounters, name),
	}
}

// checkName keeps names of cards file names: 1 to 64 of a-z, 0-9 and hyphens.
func checkName(name string) error {
	ok := name != "" && len(name) <= 64
	for _, r := range name {
		ok = ok && (r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-')
	}
	if !ok {
		return fmt.Errorf("%w: not %.70q", ErrName, name)
	}
	return nil
}
