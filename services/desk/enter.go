package desk

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tegata/holder/eid"
	"tegata/holder/reader"
	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// State of an entry, as the waiting page shows it.
type State string

// The states.
const (
	StatePut  State = "put"  // put your card to the reader
	StateTake State = "take" // a card lies there since before: take it away first
	StatePIN  State = "pin"  // type its PIN at the reader's key pad
	StateIn   State = "in"   // this browser is signed in
)

// Progress is how an entry stands.
type Progress struct {
	State State
	Until time.Time
	Wrong error // why the last attempt failed, when the person may try again: ErrPIN
}

// Step takes an entry as far as it goes now: what a waiting page asks again and again.
// An error that is a problem has ended the entry, but for those that could not be
// checked: the card may be put again.
func (d *Desk) Step(ctx context.Context, token string) (Progress, error) {
	d.asking.Lock()
	defer d.asking.Unlock()
	now := d.config.Now()
	d.mu.Lock()
	e := d.entry
	in := d.session != nil && d.session.browser == hash(token)
	d.mu.Unlock()
	switch {
	case in:
		return Progress{State: StateIn}, nil
	case e == nil || token == "" || e.browser != hash(token):
		return Progress{}, ErrNotSignedIn
	case !now.Before(e.until):
		d.Leave(token)
		return Progress{}, ErrEntryOver
	}
	tap := d.config.Reader.Current()
	switch {
	case tap == nil:
		return Progress{State: StatePut, Until: e.until, Wrong: e.wrong}, nil
	case tap == e.before:
		return Progress{State: StateTake, Until: e.until}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askingTime)
	defer cancel()
	s, err := d.enter(ctx, tap, now)
	switch {
	case errors.Is(err, eid.ErrNothingTyped):
		return Progress{State: StatePIN, Until: e.until, Wrong: e.wrong}, nil
	case errors.Is(err, reader.ErrCardRemoved):
		return Progress{State: StatePut, Until: e.until, Wrong: e.wrong}, nil
	case errors.Is(err, ErrPIN):
		e.wrong = err // asking holds everybody else off
		return Progress{State: StatePIN, Until: e.until, Wrong: err}, nil
	case err != nil:
		d.Leave(token)
		d.log.InfoContext(ctx, "an entry was refused", "desk", d.config.Name, "code", problem.From(err).Code)
		return Progress{}, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.entry != e { // left meanwhile
		return Progress{}, ErrNotSignedIn
	}
	s.browser = e.browser
	d.entry, d.session = nil, s
	d.log.InfoContext(ctx, "signed in", "desk", d.config.Name, "staff", s.staff.ID)
	return Progress{State: StateIn}, nil
}

// enter has the card in the reader prove whose it is. Errors: eid.ErrNothingTyped,
// reader.ErrCardRemoved, or a problem.
func (d *Desk) enter(ctx context.Context, tap *reader.Tap, now time.Time) (*session, error) {
	j, err := eid.Open(ctx, tap)
	if err != nil {
		return nil, cardProblem(err)
	}
	if j.Phone() {
		return nil, ErrNoCard
	}
	signer, err := j.SignerAtPad(ctx)
	if err != nil {
		return nil, cardProblem(err)
	}
	leaf := signer.Certificate()
	said := challenge{Desk: d.config.Name, Origin: d.config.Origin, At: now, Nonce: rand.Text()}.text()
	digest := sha256.Sum256(said)
	signature, err := signer.Sign(nil, digest[:], crypto.SHA256)
	if err != nil {
		return nil, cardProblem(err)
	}
	if err := signedBy(leaf, said, signature); err != nil {
		return nil, ErrSignature.Because(err)
	}
	path, err := certpath.Validate(leaf, nil, d.config.Roots, certpath.For(d.config.Arc, pki.CardAuth), now)
	switch {
	case errors.Is(err, certpath.ErrExpired), errors.Is(err, certpath.ErrNotYetValid):
		return nil, ErrCardBad.Because(err)
	case err != nil:
		return nil, ErrNoCard.Because(err)
	}
	if err := d.good(ctx, path, now); err != nil {
		return nil, err
	}
	person, err := d.config.Whose(ctx, leaf.Raw)
	if err != nil {
		return nil, ErrCardUnchecked.Because(err)
	}
	staff, err := d.staff(ctx, person)
	if err != nil {
		return nil, err
	}
	return &session{tap: tap, staff: staff, person: person, path: path, checked: now, seen: now}, nil
}

// challenge is what the card signs. Its first line is in nothing else that a card's
// authentication key signs: neither in signed attributes of CMS, which begin with the
// byte 31, nor in a TLS handshake, which begins with spaces, nor in a JWS.
type challenge struct {
	Desk, Origin, Nonce string
	At                  time.Time
}

func (c challenge) text() []byte {
	return fmt.Appendf(nil, "tegata-desk-sign-in/1\ndesk %q\norigin %q\ntime %s\nnonce %s\n", c.Desk, c.Origin, c.At.UTC().Format(time.RFC3339), c.Nonce)
}

// signedBy checks the signature here too: the reader's side of the tap is not trusted
// to have done so.
func signedBy(leaf *x509.Certificate, said, signature []byte) error {
	key, ok := leaf.PublicKey.(*rsa.PublicKey)
	if !ok {
		return errors.New("desk: the card's key is not RSA")
	}
	digest := sha256.Sum256(said)
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature)
}

// cardProblem says in the desk's words what a card or its holder did.
func cardProblem(err error) error {
	if wrong, ok := errors.AsType[*eid.SecretError](err); ok {
		if wrong.Blocked() {
			return ErrPINBlocked.Because(err)
		}
		return ErrPIN.With("tries_left", wrong.TriesLeft).Because(err)
	}
	switch {
	case errors.Is(err, eid.ErrNothingTyped), errors.Is(err, reader.ErrCardRemoved):
		return err
	case errors.Is(err, eid.ErrNoKeyPad):
		return ErrNoKeyPad.Because(err)
	case errors.Is(err, eid.ErrNotJPKI), errors.Is(err, eid.ErrNotOpen), errors.Is(err, eid.ErrAbsent):
		return ErrNoCard.Because(err)
	}
	return ErrSignature.Because(err)
}
