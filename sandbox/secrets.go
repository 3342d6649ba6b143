package sandbox

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/big"
	"os"
	"slices"
	"sync"
	"time"

	"tegata/internal/durable"
	"tegata/internal/secret"
)

// CardSecrets are the secrets of one sandbox card as its invented holder chose
// them. In a sandbox they may be shown: that is what it is for.
type CardSecrets struct {
	CardSignaturePassword string `json:"card_signature_password"`
	CardAuthPIN           string `json:"card_auth_pin"`
	CardInputPIN          string `json:"card_input_pin"`
	CardResidentPIN       string `json:"card_resident_pin"`
}

// PhoneSecrets are those of a phone that was registered when the sandbox was made.
type PhoneSecrets struct {
	PhoneAuthPIN           string `json:"phone_auth_pin"`
	PhoneSignaturePassword string `json:"phone_signature_password"`
	LockCode               string `json:"lock_code,omitempty"` // as its person noted it at the registration
}

// Secrets is DIR/sandbox-secrets.json, mode 0600: the one place where secrets of
// a sandbox stand in clear. Its methods may be called by many goroutines.
type Secrets struct {
	path  string
	files durable.Files

	mu      sync.Mutex // guards content
	content secretsFile
}

type secretsFile struct {
	Sandbox bool                    `json:"sandbox"` // always true: production refuses the file
	Cards   map[string]CardSecrets  `json:"cards"`
	Phones  map[string]PhoneSecrets `json:"phones"`
	Tills   map[string]string       `json:"tills,omitempty"` // eight digits each, by shop
}

// OpenSecrets reads the file, or begins an empty one that is written with the
// first secret.
func OpenSecrets(path string, files durable.Files) (*Secrets, error) {
	s := &Secrets{path: path, files: files, content: secretsFile{Sandbox: true, Cards: map[string]CardSecrets{}, Phones: map[string]PhoneSecrets{}}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sandbox: secrets: %w", err)
	}
	var content secretsFile
	if err := json.Unmarshal(text, &content); err != nil || !content.Sandbox || content.Cards == nil || content.Phones == nil {
		return nil, fmt.Errorf("sandbox: %s is not a sandbox's file of secrets", path)
	}
	s.content = content
	return s, nil
}

// Card returns the secrets of a card, drawing them the first time. They are
// durable when it returns.
func (s *Secrets) Card(id string) (CardSecrets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.content.Cards[id]; ok {
		return c, nil
	}
	c := CardSecrets{CardSignaturePassword: drawPassword(), CardAuthPIN: drawPIN(), CardInputPIN: drawPIN(), CardResidentPIN: drawPIN()}
	s.content.Cards[id] = c
	return c, s.save()
}

// Phone is Card for a phone's two secrets.
func (s *Secrets) Phone(id string) (PhoneSecrets, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p, ok := s.content.Phones[id]; ok {
		return p, nil
	}
	p := PhoneSecrets{PhoneAuthPIN: drawPIN(), PhoneSignaturePassword: drawPassword()}
	s.content.Phones[id] = p
	return p, s.save()
}

// Till returns the code of a shop's till, drawing it the first time. It is durable when it
// returns.
func (s *Secrets) Till(shop string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code, ok := s.content.Tills[shop]; ok {
		return code, nil
	}
	if s.content.Tills == nil {
		s.content.Tills = map[string]string{}
	}
	code := draw("0123456789", 8)
	s.content.Tills[shop] = code
	return code, s.save()
}

// Tills are the codes that were drawn, by shop.
func (s *Secrets) Tills() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.content.Tills)
}

// NoteLockCode keeps the lock code of a phone, as its person keeps a note of it.
func (s *Secrets) NoteLockCode(phone, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.content.Phones[phone]
	p.LockCode = code
	s.content.Phones[phone] = p
	return s.save()
}

// CardIDs are the cards whose secrets were drawn.
func (s *Secrets) CardIDs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.content.Cards))
}

// Known returns the secrets of a card or phone that exist already.
func (s *Secrets) Known(id string) (card *CardSecrets, phone *PhoneSecrets) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, ok := s.content.Cards[id]; ok {
		card = &c
	}
	if p, ok := s.content.Phones[id]; ok {
		phone = &p
	}
	return card, phone
}

func (s *Secrets) save() error {
	text, err := json.MarshalIndent(s.content, "", "  ")
	if err != nil {
		return fmt.Errorf("sandbox: secrets: %w", err)
	}
	return s.files.WriteFile(s.path, append(text, '\n'), 0o600)
}

// drawPIN draws four digits that the rules for choosing a PIN accept whoever the
// holder is: the first is above 3, so it is no day, month or year of birth.
func drawPIN() string {
	for {
		text := draw("456789", 1) + draw("0123456789", 3)
		if pin, err := secret.ParsePIN(text); err == nil && secret.CheckPINChoice(pin, time.Time{}) == nil {
			return text
		}
	}
}

// drawPassword draws eight letters and digits without those that look alike.
func drawPassword() string { return draw("ACDEFGHJKLMNPQRTUVWXY", 4) + draw("34679", 4) }

func draw(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		k, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil { // crypto/rand does not fail
			panic("sandbox: no randomness: " + err.Error())
		}
		text[i] = alphabet[k.Int64()]
	}
	return string(text)
}
