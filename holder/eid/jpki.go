package eid

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"

	"tegata/holder/apdu"
	"tegata/internal/secret"
)

// A Transmitter sends one command to a card and returns its answer; it is a
// reader.Tap.
type Transmitter interface {
	Transmit(ctx context.Context, command []byte) ([]byte, error)
}

var (
	// ErrNotJPKI says that what is held to the reader has no JPKI application.
	ErrNotJPKI = errors.New("eid: this is no card with a JPKI application")
	// ErrNotOpen says that it is a phone that does not play the card now: its
	// holder has not switched compatibility mode on.
	ErrNotOpen = errors.New("eid: the phone does not act as a card now")
	// ErrLocked says that a file or key needs its secret first.
	ErrLocked = errors.New("eid: this needs the secret first")
	// ErrAbsent says that a certificate is not there: a child under 15 has no
	// signature certificate, a blank card none at all.
	ErrAbsent = errors.New("eid: the card holds no such certificate")
	// ErrAnswer says that a card answered what no such card answers.
	ErrAnswer = errors.New("eid: the card's answer makes no sense")
)

// JPKI is the JPKI application of the card at a reader, selected. Whoever sends
// commands on the same tap beside it deselects it. It is for one goroutine.
type JPKI struct {
	card  Transmitter
	label string
}

// Open selects the JPKI application, which forgets what was verified before, and
// reads its label. Errors: ErrNotJPKI, ErrNotOpen, or the tap's.
func Open(ctx context.Context, t Transmitter) (*JPKI, error) {
	j := &JPKI{card: t}
	_, err := j.send(ctx, apdu.Command{INS: apdu.InsSelect, P1: 0x04, P2: 0x0C, Data: apdu.JPKIAID(), Le: apdu.NoLe})
	switch {
	case apdu.IsStatus(err, apdu.SWNotFound):
		return nil, ErrNotJPKI
	case apdu.IsStatus(err, apdu.SWConditions):
		return nil, ErrNotOpen
	case err != nil:
		return nil, fmt.Errorf("eid: select the JPKI application: %w", err)
	}
	info, err := j.readFile(ctx, apdu.EFTokenInfo)
	if err != nil {
		return nil, fmt.Errorf("eid: token information: %w", err)
	}
	if len(info) < apdu.TokenLabelLength {
		return nil, fmt.Errorf("eid: token information: %w", ErrAnswer)
	}
	j.label = strings.TrimRight(string(info[:apdu.TokenLabelLength]), " ")
	return j, nil
}

// Token is the label by which tokens are told apart: apdu.LabelCard or
// apdu.LabelPhone, or another that this package does not know.
func (j *JPKI) Token() string { return j.label }

// Phone reports whether this is a phone's element and no card.
func (j *JPKI) Phone() bool { return j.label == apdu.LabelPhone }

// Present reads which certificates there are.
func (j *JPKI) Present(ctx context.Context) (sign, auth bool, err error) {
	b, err := j.readFile(ctx, apdu.EFPresence)
	if err != nil {
		return false, false, fmt.Errorf("eid: which certificates: %w", err)
	}
	if len(b) < 2 {
		return false, false, fmt.Errorf("eid: which certificates: %w", ErrAnswer)
	}
	const there = 0x8F
	return b[0] == there, b[1] == there, nil
}

// Tries asks how many tries of a secret are left; asking costs none. 0 means
// blocked, or never set.
func (j *JPKI) Tries(ctx context.Context, which Secret) (int, error) {
	_, err := j.send(ctx, apdu.Command{INS: apdu.InsVerify, P2: apdu.ByShortID(which.file()), Le: apdu.NoLe})
	if pin, ok := errors.AsType[*apdu.PINError](err); ok {
		return pin.TriesLeft, nil
	}
	if err == nil {
		err = ErrAnswer
	}
	return 0, fmt.Errorf("eid: tries left of the %s: %w", which.EN(), err)
}

// Verify gives the card a secret: a secret.PIN for AuthPIN, a secret.Password
// for SignPassword. A *SecretError when the card refused it.
func (j *JPKI) Verify(ctx context.Context, which Secret, value secret.Revealer) error {
	if !which.accepts(value) {
		return fmt.Errorf("eid: verify the %s: %w", which.EN(), secret.ErrFormat)
	}
	var err error
	value.Reveal(func(b []byte) {
		_, err = j.send(ctx, apdu.Command{INS: apdu.InsVerify, P2: apdu.ByShortID(which.file()), Data: b, Le: apdu.NoLe})
	})
	if err != nil {
		return fmt.Errorf("eid: verify the %s: %w", which.EN(), refused(which, err))
	}
	return nil
}

// refused is an answer to VERIFY as a *SecretError, when it is one.
func refused(which Secret, err error) error {
	if pin, ok := errors.AsType[*apdu.PINError](err); ok {
		return &SecretError{Which: which, TriesLeft: pin.TriesLeft}
	}
	if errors.Is(err, apdu.ErrBlocked) {
		return &SecretError{Which: which, TriesLeft: 0, Before: true}
	}
	return err
}

// Change gives a secret a new value, after Verify of the old one.
func (j *JPKI) Change(ctx context.Context, which Secret, value secret.Revealer) error {
	if !which.accepts(value) {
		return fmt.Errorf("eid: change the %s: %w", which.EN(), secret.ErrFormat)
	}
	var err error
	value.Reveal(func(b []byte) {
		_, err = j.send(ctx, apdu.Command{INS: apdu.InsChangeReference, P1: 0x01, P2: apdu.ByShortID(which.file()), Data: b, Le: apdu.NoLe})
	})
	if err != nil {
		return fmt.Errorf("eid: change the %s: %w", which.EN(), meaning(err))
	}
	return nil
}

// AuthCertificate reads the authentication certificate: free on a card, after
// the PIN on a phone (ErrLocked). ErrAbsent when there is none.
func (j *JPKI) AuthCertificate(ctx context.Context) (*x509.Certificate, error) {
	return j.certificate(ctx, "authentication certificate", apdu.EFAuthCertificate)
}

// SignCertificate verifies the signature password and reads the signature
// certificate. Errors: *SecretError, ErrAbsent, ErrLocked.
func (j *JPKI) SignCertificate(ctx context.Context, password secret.Password) (*x509.Certificate, error) {
	if err := j.Verify(ctx, SignPassword, password); err != nil {
		return nil, err
	}
	return j.certificate(ctx, "signature certificate", apdu.EFSignCertificate)
}

// AuthAuthority reads the certificate of the authority of the authentication
// certificate, as the card has it: nobody vouches for it.
func (j *JPKI) AuthAuthority(ctx context.Context) (*x509.Certificate, error) {
	return j.certificate(ctx, "authority of the authentication certificate", apdu.EFAuthAuthority)
}

// SignAuthority is AuthAuthority for the signature certificate.
func (j *JPKI) SignAuthority(ctx context.Context) (*x509.Certificate, error) {
	return j.certificate(ctx, "authority of the signature certificate", apdu.EFSignAuthority)
}

func (j *JPKI) certificate(ctx context.Context, what string, fid uint16) (*x509.Certificate, error) {
	der, err := j.readFile(ctx, fid)
	if err != nil {
		return nil, fmt.Errorf("eid: read the %s: %w", what, err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("eid: read the %s: %w: %w", what, ErrAnswer, err)
	}
	return c, nil
}
