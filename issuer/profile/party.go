package profile

import (
	"errors"
	"fmt"
	"net/url"

	"tegata/internal/pki"
)

// admitParty refuses ops certificates for parties that could not be registered.
func (o Operator) admitParty(c Certificate) error {
	p := c.Party
	if c.Subject != (Subject{}) {
		return errors.New("profile: an ops certificate names a party, not a person")
	}
	if len(p.ID) == 0 || len(p.ID) > 64 || !plain(p.ID) {
		return errors.New("profile: a party's id is 1 to 64 letters, digits, dots, hyphens and underscores")
	}
	if o.Arc.Role(p.Role) == nil {
		return fmt.Errorf("profile: no role is called %.20q", p.Role)
	}
	if p.Role == pki.RoleTSA && p.Encryption {
		return errors.New("profile: a time-stamp authority's key signs")
	}
	for _, origin := range p.Origins {
		u, err := url.Parse(origin)
		// RFC 6454, section 6.2: an origin is scheme, host and port, nothing else.
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.String() != u.Scheme+"://"+u.Host || u.User != nil {
			return fmt.Errorf("profile: %.80q is not an origin", origin)
		}
	}
	return nil
}

func plain(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && r != '-' && r != '.' && r != '_' {
			return false
		}
	}
	return true
}

// PartyURN names a party in a subjectAltName.
func PartyURN(id string) string { return "urn:tegata:party:" + id }
