// Package receipt is the revocation receipt of a phone that was given up: what the
// issuer's ledger says, at one moment, of everything that was ever issued to one
// secure element.
//
// It owns the signed message and how whoever is shown one checks it: the shop that
// takes the phone over, the portal that answers for a shop, anybody with a terminal.
// What the ledger says is the issuer's; whether the phone in somebody's hand is the one
// meant is told by the tag that the wiped phone shows.
//
// A receipt is a JWS (RFC 7515) of typ "tegata-revocation+jwt", ES256, with the chain of
// the issuer's feed signer under the ops authority in x5c. It names no person.
//
// # Trust
//
// Whoever hands a receipt over is not trusted, nor is the line it came by: it counts by
// its signature, by its signer's path and role, and by that signer not being revoked. It
// is true of its own moment and of none after it: a phone can be registered again a
// minute later, so that who decides by it asks for a new one.
package receipt

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/certpath"
	"tegata/internal/jws"
	"tegata/internal/pki"
)

// Fresh is how old a receipt may be that is to tell how things are now.
const Fresh = 2 * time.Minute

// What a receipt can be refused for. Check returns an error that wraps one of these;
// that its signer's status could not be learned wraps certpath.ErrNoStatus.
var (
	ErrMalformed = errors.New("receipt: malformed")
	ErrSignature = errors.New("receipt: not signed by the issuer")
	ErrIssuer    = errors.New("receipt: another issuer's")
	ErrOld       = errors.New("receipt: not of this moment")
)

var kind = jws.Kind{Typ: "tegata-revocation+jwt", Algs: []jose.SignatureAlgorithm{jws.ES256}, MaxBytes: 16 << 10}

// Revocation is what the ledger says of a phone that was given up.
type Revocation struct {
	Issuer    string `json:"iss"`        // the issuer's URL
	ID        string `json:"jti"`        // the receipt's number, 128 random bits
	Tag       string `json:"tag"`        // 8 characters that the wiped phone shows
	RevokedAt int64  `json:"revoked_at"` // seconds since 1970
	Clear     bool   `json:"clear"`      // nothing on that element is good or held
	At        int64  `json:"iat"`        // the moment that all this is true of
}

// AsOf is the moment that the receipt is true of.
func (r Revocation) AsOf() time.Time { return time.Unix(r.At, 0).UTC() }

// Revoked is when the phone was given up.
func (r Revocation) Revoked() time.Time { return time.Unix(r.RevokedAt, 0).UTC() }

// Of says whether the tag that somebody reads off a phone is the receipt's: capital
// or small letters, spaces and hyphens as people write them.
func (r Revocation) Of(tag string) bool {
	tag = strings.ToUpper(strings.NewReplacer(" ", "", "　", "", "-", "").Replace(tag))
	return tag != "" && tag == r.Tag
}

var tagForm = regexp.MustCompile(`^[A-Z2-7]{8}$`)

func (r Revocation) check() error {
	if r.Issuer == "" || len(r.Issuer) > 200 || !ValidNumber(r.ID) || !tagForm.MatchString(r.Tag) || r.RevokedAt <= 0 || r.At < r.RevokedAt {
		return ErrMalformed
	}
	return nil
}

// ValidNumber says whether a receipt's number has its form: 128 bits in base64url.
func ValidNumber(number string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(number)
	return err == nil && len(b) == 16
}

// Sign signs r with the issuer's key; chain is leaf first.
func Sign(signer crypto.Signer, chain []*x509.Certificate, r Revocation) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	return jws.Sign(kind, signer, chain, r)
}

// Checker is what whoever is shown a receipt knows.
type Checker struct {
	Ops    []*x509.Certificate // roots of the ops authority
	Arc    pki.Arc
	Issuer string // the issuer's URL; "" takes any that has such a certificate
	// Status says whether the signer's certificate is still good; nil does not ask,
	// which is for who cannot: a receipt without a line.
	Status certpath.StatusSource
}

// Check verifies a receipt: form, path and role of its signer as of the receipt's
// moment, signature, and, when Status is there, that the signer is good at the moment
// at. How old it is the caller judges, by FreshAt.
func (c Checker) Check(ctx context.Context, compact string, at time.Time) (Revocation, error) {
	m, err := jws.Parse[Revocation](kind, strings.TrimSpace(compact))
	if err != nil {
		return Revocation{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	said := m.Unverified()
	if err := said.check(); err != nil {
		return Revocation{}, err
	}
	if c.Issuer != "" && said.Issuer != c.Issuer {
		return Revocation{}, ErrIssuer
	}
	path, err := certpath.Validate(m.Chain()[0], m.Chain()[1:], c.Ops, certpath.ForRole(c.Arc, pki.RoleFeed), said.AsOf())
	if err != nil {
		return Revocation{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	r, err := m.Verify()
	if err != nil {
		return Revocation{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	if c.Status == nil {
		return r, nil
	}
	s, err := c.Status.Status(ctx, path[0], path[1], at)
	switch {
	case err != nil:
		return Revocation{}, err
	case s.State == certpath.Unknown:
		return Revocation{}, certpath.ErrNoStatus
	case s.State != certpath.Good:
		return Revocation{}, fmt.Errorf("%w: its certificate is %s", ErrSignature, s.State)
	}
	return r, nil
}

// FreshAt returns ErrOld when the receipt says nothing about the moment at.
func (r Revocation) FreshAt(at time.Time) error {
	if age := at.Sub(r.AsOf()); age > Fresh || age < -Fresh {
		return ErrOld
	}
	return nil
}
