package card

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"

	"tegata/internal/secret"
)

// maxFile is the longest file in bytes: READ BINARY reaches 15 bits of offset.
const maxFile = 1 << 15

// state is everything the card must not forget. Its JSON form rests sealed. The
// maps' keys are file names such as "jpki/0018": application and identifier.
type state struct {
	Profile      Profile              `json:"profile"`
	Token        Token                `json:"token"`
	Cost         secret.Cost          `json:"cost"`
	Personalised bool                 `json:"personalised"`
	Secrets      map[string]reference `json:"secrets"`
	Files        map[string][]byte    `json:"files"`
	Keys         map[string][]byte    `json:"keys"` // PKCS #8
}

// reference is a PIN or password as the card knows it.
type reference struct {
	Left     int             `json:"left"` // tries
	Max      int             `json:"max"`
	Verifier secret.Verifier `json:"verifier"` // the zero value recognises nothing
}

// Token is what is printed on, and written once into, a token. The zero value
// of a field is filled in by Create and Embed where that makes sense.
type Token struct {
	// Serial is 1 to 16 digits, the token's serial number. Random when empty.
	Serial string `json:"serial"`
	// CardID is the identifier that GET DATA 0045 answers: printable ASCII, at
	// most 16 characters. The serial when empty.
	CardID string `json:"card_id"`
	// Municipality is the five-digit code of who issued the card, or empty.
	Municipality string `json:"municipality"`
	// Expires is the card's last day as YYYYMMDD, or empty.
	Expires string `json:"expires"`
}

func (t Token) complete() (Token, error) {
	if t.Serial == "" {
		t.Serial = randomDigits(16)
	}
	if t.CardID == "" {
		t.CardID = t.Serial
	}
	for _, f := range []struct {
		what, text string
		ok         bool
	}{
		{"serial", t.Serial, len(t.Serial) <= 16 && digits(t.Serial)},
		{"card id", t.CardID, len(t.CardID) <= 16 && printable(t.CardID)},
		{"municipality", t.Municipality, t.Municipality == "" || len(t.Municipality) == 5 && digits(t.Municipality)},
		{"expiry", t.Expires, t.Expires == "" || len(t.Expires) == 8 && digits(t.Expires)},
	} {
		if !f.ok {
			return Token{}, fmt.Errorf("card: %s %.40q is not of its form", f.what, f.text)
		}
	}
	return t, nil
}

func randomDigits(n int) string {
	b := make([]byte, n)
	for i := range b {
		d, err := rand.Int(rand.Reader, big.NewInt(10))
		if err != nil {
			panic("card: no randomness") // crypto/rand does not fail
		}
		b[i] = '0' + byte(d.Int64())
	}
	return string(b)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7E {
			return false
		}
	}
	return true
}

// clone copies s so deep that changing the copy's maps leaves s alone. Values
// in the maps are replaced, never changed in place.
func (s state) clone() state {
	s.Secrets, s.Files, s.Keys = maps.Clone(s.Secrets), maps.Clone(s.Files), maps.Clone(s.Keys)
	return s
}

func (s state) marshal() []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic("card: the state does not encode: " + err.Error()) // its types always do
	}
	return b
}

// parseState reads what marshal wrote, and opens the keys.
func parseState(b []byte) (state, map[string]*rsa.PrivateKey, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return state{}, nil, fmt.Errorf("card: the state does not decode: %w", err)
	}
	if s.Profile != ProfileCard && s.Profile != ProfilePhone {
		return state{}, nil, fmt.Errorf("card: the state is of an unknown profile %.20q", s.Profile)
	}
	s = s.clone()
	if s.Secrets == nil || s.Files == nil {
		return state{}, nil, fmt.Errorf("card: the state is incomplete")
	}
	if s.Keys == nil {
		s.Keys = map[string][]byte{}
	}
	keys := make(map[string]*rsa.PrivateKey, len(s.Keys))
	for name, der := range s.Keys {
		key, err := x509.ParsePKCS8PrivateKey(der)
		if err != nil {
			return state{}, nil, fmt.Errorf("card: key %s does not open", name) // the cause may quote it
		}
		private, ok := key.(*rsa.PrivateKey)
		if !ok {
			return state{}, nil, fmt.Errorf("card: key %s is of an unknown type", name)
		}
		keys[name] = private
	}
	return s, keys, nil
}
