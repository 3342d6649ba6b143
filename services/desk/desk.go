package desk

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"tegata/holder/reader"
	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// How long what lasts.
const (
	EntryTime  = 2 * time.Minute  // for putting the card and typing its PIN
	IdleTime   = 15 * time.Minute // without a press
	recheck    = 5 * time.Minute  // after which a certificate is asked about again
	askingTime = 10 * time.Second // of one attempt with the card
)

// Staff is somebody who works here.
type Staff struct {
	ID string // the party's name for them: a pseudonym
}

// Roster says who is staff. ErrNotStaff when nobody is known as person.
type Roster interface {
	Staff(ctx context.Context, person string) (Staff, error)
}

// Config is what a desk is built from.
type Config struct {
	Name   string         // of this desk: "helpdesk:1"; the challenge names it
	Origin string         // of the party's pages; the challenge names it
	Reader *reader.Reader // this desk's own

	Arc    pki.Arc
	Roots  []*x509.Certificate // the authorities of authentication certificates of cards
	Status certpath.StatusSource
	// Whose says who the holder of a card is: one text for every card that a person
	// ever has.
	Whose  func(ctx context.Context, certificate []byte) (person string, err error)
	Roster Roster

	Now func() time.Time
	Log *slog.Logger // nil: none
}

// Desk is one desk. Its methods may be called by many goroutines.
type Desk struct {
	config Config
	log    *slog.Logger

	asking sync.Mutex // one conversation with the card at a time

	mu      sync.Mutex  // guards the fields below
	entries []*entry    // oldest first
	anew    *reader.Tap // lies there, and must be put anew: what was typed there did not serve
	session *session
	ended   ended
}

// ended is why the last session ended: its browser is told until another begins.
type ended struct {
	browser [32]byte
	why     error
}

// session is a browser whose card lies in the reader.
type session struct {
	browser [32]byte
	tap     *reader.Tap
	staff   Staff
	person  string
	path    []*x509.Certificate
	checked time.Time
	seen    time.Time
}

// New makes a desk. It returns an error when the configuration lacks something.
func New(c Config) (*Desk, error) {
	switch {
	case c.Name == "" || c.Origin == "":
		return nil, errors.New("desk: configuration: name or origin is missing")
	case c.Reader == nil:
		return nil, errors.New("desk: configuration: a desk has a reader")
	case len(c.Roots) == 0 || c.Status == nil:
		return nil, errors.New("desk: configuration: no authority, or no status: nobody could be let in")
	case c.Whose == nil || c.Roster == nil || c.Now == nil:
		return nil, errors.New("desk: configuration: whose, roster or clock is missing")
	}
	d := &Desk{config: c, log: c.Log}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	return d, nil
}

// Reader is where cards are put, host:port.
func (d *Desk) Reader() string { return d.config.Reader.Addr() }

// live is the session while its card lies there and it is not idle, nil otherwise. The
// caller holds mu.
func (d *Desk) live() *session {
	if d.session == nil || d.session.over(d.config.Now()) != nil {
		return nil
	}
	return d.session
}

// over says what ended a session, nil when nothing did.
func (s *session) over(now time.Time) error {
	select {
	case <-s.tap.Removed():
		return ErrCardTaken
	default:
	}
	if !now.Before(s.seen.Add(IdleTime)) {
		return ErrIdle
	}
	return nil
}

// Signed says who works in a browser, and counts as a press. Errors are problems:
// ErrNotSignedIn, ErrCardTaken, ErrIdle, ErrCardBad, ErrCardUnchecked, ErrNotStaff. All
// but ErrCardUnchecked have ended the session.
func (d *Desk) Signed(ctx context.Context, token string) (Staff, error) {
	return d.signed(ctx, token, true)
}

// Peek is Signed for a page that asks by itself whether anything is new: it is no press.
func (d *Desk) Peek(ctx context.Context, token string) (Staff, error) {
	return d.signed(ctx, token, false)
}

func (d *Desk) signed(ctx context.Context, token string, press bool) (Staff, error) {
	now := d.config.Now()
	d.mu.Lock()
	s := d.session
	if s == nil || token == "" || s.browser != hash(token) {
		defer d.mu.Unlock()
		if s == nil && token != "" && d.ended.browser == hash(token) {
			return Staff{}, d.ended.why
		}
		return Staff{}, ErrNotSignedIn
	}
	err := s.over(now)
	old := now.Sub(s.checked) >= recheck
	if err == nil && press {
		s.seen = now
	}
	d.mu.Unlock()
	if err == nil && old {
		err = d.good(ctx, s.path, now)
	}
	var staff Staff
	if err == nil {
		staff, err = d.staff(ctx, s.person)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case err == nil && old:
		s.checked = now
	case err != nil && d.session == s && problem.From(err).Kind != problem.CouldNotCheck && problem.From(err).Kind != problem.OurFault:
		d.session, d.ended = nil, ended{s.browser, err}
		d.log.InfoContext(ctx, "a session ended", "desk", d.config.Name, "staff", s.staff.ID, "code", problem.From(err).Code)
	}
	return staff, err
}

// good asks whether a card's certificate is good now: ErrCardBad, ErrCardUnchecked.
func (d *Desk) good(ctx context.Context, path []*x509.Certificate, at time.Time) error {
	if at.After(path[0].NotAfter) {
		return ErrCardBad.Because(errors.New("desk: the certificate has expired"))
	}
	s, err := d.config.Status.Status(ctx, path[0], path[1], at)
	switch {
	case err != nil:
		return ErrCardUnchecked.Because(err)
	case s.State == certpath.Unknown:
		return ErrCardUnchecked.Because(certpath.ErrNoStatus)
	case s.State != certpath.Good:
		return ErrCardBad.Because(fmt.Errorf("desk: the certificate is %s", s.State))
	}
	return nil
}

func (d *Desk) staff(ctx context.Context, person string) (Staff, error) {
	s, err := d.config.Roster.Staff(ctx, person)
	if err != nil && !errors.Is(err, ErrNotStaff) {
		return Staff{}, problem.From(err)
	}
	return s, err
}

// hash is how a browser's token rests.
func hash(token string) [32]byte { return sha256.Sum256([]byte(token)) }
