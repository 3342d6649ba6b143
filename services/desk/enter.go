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
	StatePIN  State = "pin"  // type the number and its PIN at the reader's key pad
	StateIn   State = "in"   // this browser is signed in
)

// Progress is how an entry stands.
type Progress struct {
	State  State
	Number string // what this browser shows, to be typed at the key pad before the PIN
	Until  time.Time
	Wrong  error // why the last attempt failed, when the person may try again
}

// Step takes what lies in the reader as far as it goes now, and says how a browser's
// entry stands: what a waiting page asks again and again. The card is not that browser's:
// whoever typed beside it named one by its number, and an attempt is that one's, whichever
// page had it made. An error has ended the entry. What may be tried again is in
// Progress.Wrong: a wrong PIN at once; a number that nobody shows, and a card that could
// not be checked, after the card was put anew.
func (d *Desk) Step(ctx context.Context, token string) (Progress, error) {
	d.asking.Lock()
	defer d.asking.Unlock()
	now := d.config.Now()
	p, tap, err := d.standing(token, now)
	if err != nil || p.State != StatePIN {
		return p, err
	}
	d.ask(ctx, tap, now)
	p, _, err = d.standing(token, now)
	return p, err
}

// standing is how a browser's entry stands with what lies in the reader.
func (d *Desk) standing(token string, now time.Time) (Progress, *reader.Tap, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.session != nil && d.session.browser == hash(token) {
		return Progress{State: StateIn}, nil, nil
	}
	e := d.entryOf(hash(token))
	switch {
	case e == nil || token == "":
		return Progress{}, nil, ErrNotSignedIn
	case e.over != nil:
		return Progress{}, nil, e.over
	case !now.Before(e.until):
		return Progress{}, nil, ErrEntryOver
	}
	p := Progress{State: StatePIN, Number: e.number, Until: e.until, Wrong: e.wrong}
	tap := d.config.Reader.Current()
	switch {
	case tap == nil:
		p.State = StatePut
	case tap == e.before, tap == d.anew:
		p.State = StateTake
	}
	return p, tap, nil
}

// ask makes one attempt with what lies in the reader, for the browser whose number was
// typed. The caller holds asking. The page that had it made may be anybody's: that it is
// closed ends nothing.
func (d *Desk) ask(ctx context.Context, tap *reader.Tap, now time.Time) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askingTime)
	defer cancel()
	var e *entry
	var s *session
	j, number, err := typed(ctx, tap)
	if err == nil {
		// Before the PIN goes anywhere: a number that leads to nobody costs no try.
		if e = d.numbered(number, tap, now); e == nil {
			err = ErrNumber
		}
	}
	if err == nil {
		s, err = d.enter(ctx, j, tap, now)
	}
	d.settle(ctx, attempt{tap, e, s, err}, now)
}

// typed opens the card and reads the number that was typed beside it. Errors: those of
// cardProblem, or ErrNoCard.
func typed(ctx context.Context, tap *reader.Tap) (*eid.JPKI, string, error) {
	j, err := eid.Open(ctx, tap)
	if err != nil {
		return nil, "", cardProblem(err)
	}
	if j.Phone() {
		return nil, "", ErrNoCard
	}
	number, err := j.NumberAtPad(ctx)
	if err != nil {
		return nil, "", cardProblem(err)
	}
	return j, number, nil
}

// attempt is what came of a card and what was typed beside it.
type attempt struct {
	tap     *reader.Tap
	entry   *entry   // whose it was; nil when no browser was named
	session *session // nil when it failed
	err     error
}

// settle keeps what came of an attempt. One that names no browser is told to all who wait.
func (d *Desk) settle(ctx context.Context, a attempt, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case errors.Is(a.err, eid.ErrNothingTyped), errors.Is(a.err, reader.ErrCardRemoved):
		return
	case errors.Is(a.err, ErrPIN):
		a.entry.wrong = a.err
		return
	case a.err == nil && a.entry.over != nil: // left, or dropped, meanwhile
		d.anew = a.tap
		return
	case a.err == nil:
		a.entry.over = ErrNotSignedIn
		for _, e := range d.waiting(now) {
			e.over = ErrTaken
		}
		a.session.browser = a.entry.browser
		d.session, d.ended = a.session, ended{}
		d.log.InfoContext(ctx, "signed in", "desk", d.config.Name, "staff", a.session.staff.ID)
		return
	}
	d.anew = a.tap
	d.log.InfoContext(ctx, "an entry was refused", "desk", d.config.Name, "code", problem.From(a.err).Code)
	switch {
	case a.entry == nil:
		for _, e := range d.waiting(now) {
			e.wrong = a.err
		}
	case problem.From(a.err).Kind == problem.CouldNotCheck:
		a.entry.wrong = a.err
	default:
		a.entry.over = a.err
	}
}

// enter has the card in the reader prove whose it is. Errors: eid.ErrNothingTyped,
// reader.ErrCardRemoved, or a problem.
func (d *Desk) enter(ctx context.Context, j *eid.JPKI, tap *reader.Tap, now time.Time) (*session, error) {
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
