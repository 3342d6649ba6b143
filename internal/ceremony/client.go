package ceremony

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	"tegata/internal/jws"
)

var clientKind = jws.Kind{Typ: "tegata-client+jwt", Algs: algs(jws.ES256), MaxBytes: 16 << 10}

// MaxAssertion is how long a client assertion lives.
const MaxAssertion = 60 * time.Second

// ClientAssertion is how one party proves itself to another on one call: signed
// by its ops key, sent as `Authorization: Bearer`, used once (RFC 7523; OpenID
// Connect Core, section 9, private_key_jwt).
type ClientAssertion struct {
	Issuer   string `json:"iss"` // the calling party
	Subject  string `json:"sub"` // the same
	Audience string `json:"aud"` // the called party, as it calls itself
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	// ResponseCode is the one-time code that the browser brought back: only with
	// it the result of a same-device request is given.
	ResponseCode string `json:"response_code,omitempty"`
}

// NewClientAssertion makes the claims for one call: 45 seconds, a fresh jti.
func NewClientAssertion(party, audience string, at time.Time) ClientAssertion {
	return ClientAssertion{
		Issuer: party, Subject: party, Audience: audience, ID: NewID(),
		IssuedAt: at.Unix(), Expires: at.Add(45 * time.Second).Unix(),
	}
}

// SignClientAssertion checks a and signs it with the party's ops key.
func SignClientAssertion(signer crypto.Signer, chain []*x509.Certificate, a ClientAssertion) (string, error) {
	if err := a.check(); err != nil {
		return "", err
	}
	return jws.Sign(clientKind, signer, chain, a)
}

// ParseClientAssertion reads an assertion and checks its form, not its signature.
func ParseClientAssertion(compact string) (*jws.Message[ClientAssertion], error) {
	m, err := jws.Parse[ClientAssertion](clientKind, compact)
	if err != nil {
		return nil, err
	}
	if err := m.Unverified().check(); err != nil {
		return nil, err
	}
	return m, nil
}

func (a ClientAssertion) check() error {
	if !identifier(a.Issuer) || a.Subject != a.Issuer || a.Audience == "" || len(a.Audience) > 200 || !ValidID(a.ID) {
		return malformed("client assertion")
	}
	if a.IssuedAt <= 0 || a.Expires <= a.IssuedAt || a.Expires-a.IssuedAt > int64(MaxAssertion/time.Second) {
		return malformed("lifetime")
	}
	if a.ResponseCode != "" && !ValidID(a.ResponseCode) {
		return malformed("response_code")
	}
	return nil
}

// What can be wrong with a caller.
var (
	// ErrNoAssertion: no `Authorization: Bearer` with a client assertion.
	ErrNoAssertion = errors.New("ceremony: no client assertion")
	// ErrReplayed: this assertion was used before.
	ErrReplayed = errors.New("ceremony: client assertion used before")
)

// A Door authenticates parties that call us.
type Door struct {
	// Audience is what callers must put into aud.
	Audience string
	// Path validates the caller's chain and its status as of at.
	Path func(ctx context.Context, chain []*x509.Certificate, at time.Time) error
	// Once remembers an assertion of a party until it expires, durably enough that
	// another instance sees it. It returns ErrReplayed when it was there already.
	Once func(ctx context.Context, party, jti string, expires time.Time) error
}

// A Caller is a party that proved itself.
type Caller struct {
	Party     string
	Leaf      *x509.Certificate // carries the caller's roles
	Assertion ClientAssertion
}

// An Entry is an assertion that is still to be remembered.
type Entry struct {
	Party   string
	ID      string
	Expires time.Time // it need not be remembered longer
}

// Enter checks the Authorization header of a call as Check does, and that the
// assertion is new.
func (d Door) Enter(ctx context.Context, authorization string, at time.Time) (Caller, error) {
	caller, entry, err := d.Check(ctx, authorization, at)
	if err != nil {
		return Caller{}, err
	}
	if err := d.Once(ctx, entry.Party, entry.ID, entry.Expires); err != nil {
		return Caller{}, err
	}
	return caller, nil
}

// Check checks the Authorization header of a call: form, audience, moment,
// signature, that the certificate names the party, its path and status. The
// assertion may have been used before: whoever acts on the call remembers the Entry
// in the transaction that acts, or before. Errors wrap those of this package, of
// jws, and whatever Path returned.
func (d Door) Check(ctx context.Context, authorization string, at time.Time) (Caller, Entry, error) {
	compact, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return Caller{}, Entry{}, ErrNoAssertion
	}
	m, err := ParseClientAssertion(compact)
	if err != nil {
		return Caller{}, Entry{}, err
	}
	a := m.Unverified()
	if a.Audience != d.Audience {
		return Caller{}, Entry{}, ErrAudience
	}
	if err := checkWindow(a.IssuedAt, a.Expires, MaxAssertion, at); err != nil {
		return Caller{}, Entry{}, err
	}
	if id, ok := PartyOf(m.Chain()[0]); !ok || id != a.Issuer {
		return Caller{}, Entry{}, ErrNotRegistered
	}
	if a, err = m.Verify(); err != nil {
		return Caller{}, Entry{}, err
	}
	if err := d.Path(ctx, m.Chain(), at); err != nil {
		return Caller{}, Entry{}, fmt.Errorf("ceremony: caller %s: %w", a.Issuer, err)
	}
	return Caller{Party: a.Issuer, Leaf: m.Chain()[0], Assertion: a}, Entry{a.Issuer, a.ID, time.Unix(a.Expires, 0).Add(Skew)}, nil
}
