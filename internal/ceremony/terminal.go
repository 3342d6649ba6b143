package ceremony

import (
	"crypto/x509"
	"encoding/base64"
	"strings"
)

// Terminal is where the person stands: a till, a kiosk, a reception desk. Its words are
// those of its registration, so that a phone shows no place that nobody vouched for.
type Terminal struct {
	ID      string `json:"id"`      // as its certificate names it
	Place   Text   `json:"place"`   // of the shop and the counter
	Address Text   `json:"address"` // where that stands
	X5C     string `json:"x5c"`     // the terminal's certificate under the ops authority, base64 of DER
}

// Certificate reads the terminal's certificate: ErrMalformed. Nothing is validated.
func (t Terminal) Certificate() (*x509.Certificate, error) {
	if len(t.X5C) > 8<<10 || strings.ContainsAny(t.X5C, "\r\n") { // which Go's decoder skips
		return nil, malformed("terminal certificate")
	}
	der, err := base64.StdEncoding.Strict().DecodeString(t.X5C)
	if err != nil {
		return nil, malformed("terminal certificate")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, malformed("terminal certificate")
	}
	return c, nil
}

func (t Terminal) check() error {
	if err := checkPlace(t.ID, t.Place, t.Address); err != nil {
		return err
	}
	_, err := t.Certificate()
	return err
}

// RegisteredTerminal is one terminal at which a party may ask.
type RegisteredTerminal struct {
	ID      string `json:"id"`
	Place   Text   `json:"place"`
	Address Text   `json:"address"`
	Key     string `json:"key"` // KeyID of its certificate
}

// Check looks at the form of r: ErrMalformed.
func (r RegisteredTerminal) Check() error {
	if err := checkPlace(r.ID, r.Place, r.Address); err != nil {
		return err
	}
	if !digest(r.Key) {
		return malformed("terminal key")
	}
	return nil
}

// is tells whether a request's terminal is this one: the same words, and a certificate
// that names it and is of its key.
func (r RegisteredTerminal) is(t Terminal) bool {
	c, err := t.Certificate()
	if err != nil || t.ID != r.ID || t.Place != r.Place || t.Address != r.Address || KeyID(c) != r.Key {
		return false
	}
	id, ok := PartyOf(c)
	return ok && id == t.ID
}

func checkPlace(id string, place, address Text) error {
	if !identifier(id) {
		return malformed("terminal id")
	}
	if err := place.check("place", 200); err != nil {
		return err
	}
	return address.check("address", 400)
}

// TerminalParameter is the query parameter of GET /v1/parties/{id} that names a terminal
// of the party: the registration then tells of it.
const TerminalParameter = "terminal"
