package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"

	"tegata/internal/ceremony"
)

// Case is a use that its holder says was none of theirs (身に覚えがない).
type Case struct {
	Number    string // told to whoever helps: 8 digits
	Person    string
	UseID     string
	Use       Use // as it was shown
	OpenedAt  time.Time
	Suspended time.Time // when the phone was put on hold for it; zero when that has not come about
	Session   [32]byte  // SHA-256 of the cookie of the session that opened it; zero of an older one

	Report string    // 128 random bits: its name at issuer and helpdesk; "" when nobody is told of it
	Due    time.Time // the helpdesk is to be told of it then; zero once it was
	Tries  int       // of telling it, begun
	// Untaken is the code with which it refused the case for good; "" when it did not.
	Untaken string

	Hold Hold // what is left to do to stop the phone
}

// Hold is with what the issuer is asked to stop the phone for a case: kept beside it,
// because the session may end before the issuer has answered.
type Hold struct {
	Holder, Grant string    // of the login that reported; "" once nothing is left to ask
	Due           time.Time // it is asked then; zero when it is not any more
	Tries         int       // by itself, begun
	Refused       string    // the code with which it refused for good; "" when it did not
}

// caseInSight is how long whoever opened a case sees it after the phone's suspension has
// ended the session: long enough to note the number. The browser may be the very
// phone's, and somebody else's by then.
const caseInSight = 10 * time.Minute

// UseID names a use on the desk: the number of the verifier's receipt, or, of an older
// one, what it is known by.
func UseID(u Use) string {
	if u.Receipt != "" {
		return u.Receipt
	}
	return strconv.FormatInt(u.At, 10) + "-" + u.Party
}

// UseOf finds a use among those of the last login. ErrNoUse.
func (p *Portal) UseOf(ctx context.Context, token, id string) (Home, Use, error) {
	h, err := p.HomeOf(ctx, token)
	if err != nil {
		return Home{}, Use{}, err
	}
	i := slices.IndexFunc(h.Snapshot.Uses, func(u Use) bool { return UseID(u) == id })
	if i < 0 {
		return Home{}, Use{}, ErrNoUse
	}
	return h, h.Snapshot.Uses[i], nil
}

// NotMe opens a case for a use and puts the phone on hold at once. The case is written
// first, so that a line that breaks leaves a number to go on with. Pressed again, there
// is still one case, though the session has ended with the phone by then. The error
// beside a case is that the phone could not be put on hold, which HoldDue goes on trying.
// When no case can be kept the phone is put on hold all the same: ErrCaseUnkept. All of
// it goes on when ctx is cancelled.
func (p *Portal) NotMe(ctx context.Context, token, useID string) (Case, error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	h, use, err := p.UseOf(ctx, token, useID)
	var hold Hold
	if err == nil {
		hold, err = p.mayHold(ctx, token)
	}
	// Pressed twice: the session ended with the phone, before this or between those two.
	if errors.Is(err, ErrSessionHeld) {
		if c, found := p.reported(ctx, token, func(c Case) bool { return c.UseID == useID }); found == nil {
			return c, nil
		}
	}
	if err == nil {
		hold.Due = p.at().Add(reportAgain(0))
	} else if !errors.Is(err, ErrNoSuspend) {
		return Case{}, err
	}
	c := Case{Person: h.Session.Person, UseID: useID, Use: use, OpenedAt: p.at(), Session: hash(token), Hold: hold, Report: ceremony.NewID()}
	if p.config.Helpdesk != "" {
		c.Due = c.OpenedAt
	}
	opened, err := p.open(ctx, c)
	if err != nil { // a phone does not wait for our records
		p.log.ErrorContext(ctx, "a case could not be kept", "error", err)
		if hold.Grant == "" {
			return Case{}, ErrNoSuspend
		}
		if _, err := p.suspend(ctx, hold, ""); err != nil {
			return Case{}, err
		}
		return Case{}, ErrCaseUnkept.Because(err)
	}
	return p.holdFor(ctx, token, opened)
}

// open keeps a case under a number that is free: eight digits that nobody counts up.
func (p *Portal) open(ctx context.Context, c Case) (Case, error) {
	for range 20 {
		number, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
		if err != nil {
			return Case{}, fmt.Errorf("portal: case: %w", err)
		}
		c.Number = fmt.Sprintf("%08d", number)
		opened, err := p.store.OpenCase(ctx, p.who(c.Person), c)
		if errors.Is(err, ErrTaken) {
			continue
		}
		if err != nil {
			return Case{}, fmt.Errorf("portal: case: %w", err)
		}
		return opened, nil
	}
	return Case{}, errors.New("portal: case: no number is free")
}

// HoldFor puts the phone on hold for a case that was opened while that was not possible.
// It goes on when ctx is cancelled.
func (p *Portal) HoldFor(ctx context.Context, token, number string) (Case, error) {
	ctx, cancel := outliving(ctx)
	defer cancel()
	c, err := p.CaseOf(ctx, token, number)
	if err != nil {
		return Case{}, err
	}
	return p.holdFor(ctx, token, c)
}

// holdFor asks the issuer at once, with what this login brought: HoldDue asks again when
// there is no answer.
func (p *Portal) holdFor(ctx context.Context, token string, c Case) (Case, error) {
	if !c.Suspended.IsZero() {
		return c, nil
	}
	h, err := p.mayHold(ctx, token)
	if errors.Is(err, ErrSessionHeld) { // it is on hold already
		return p.held(ctx, c, p.at())
	}
	if err != nil {
		return c, err
	}
	if c.Hold.Grant != h.Grant { // of an earlier login, or none is left
		h.Due = p.at().Add(reportAgain(0))
		c.Hold = h
		if err := p.store.PutHold(ctx, p.who(c.Person), c.Number, h, p.at()); err != nil {
			p.log.ErrorContext(ctx, "a suspension could not be kept", "case", c.Number, "error", err)
		}
	}
	at, err := p.suspend(ctx, h, c.Report)
	if err != nil {
		return c, err
	}
	return p.held(ctx, c, at)
}

func (p *Portal) held(ctx context.Context, c Case, at time.Time) (Case, error) {
	c.Suspended, c.Hold = at, Hold{}
	if err := p.store.HoldCase(ctx, p.who(c.Person), c.Number, at, p.at()); err != nil {
		return c, fmt.Errorf("portal: case: %w", err)
	}
	return c, nil
}

// CaseOf finds a case of who is logged in, or of the session that opened it a moment ago:
// the report that stopped the phone ends the session, and whoever made it must see the
// number. ErrNoCase, of other people's too.
func (p *Portal) CaseOf(ctx context.Context, token, number string) (Case, error) {
	return p.reported(ctx, token, func(c Case) bool { return c.Number == number })
}

// reported finds a case among those of the person of a session that is live; of one that
// is on hold, the case that it opened itself, for a while: otherwise ErrSessionHeld.
func (p *Portal) reported(ctx context.Context, token string, is func(Case) bool) (Case, error) {
	s, _, err := p.SessionOf(ctx, token)
	held := errors.Is(err, ErrSessionHeld)
	if held {
		s, _, err = p.store.Session(ctx, hash(token), p.at())
	}
	if errors.Is(err, ErrNotFound) { // logged out meanwhile
		return Case{}, ErrNotLoggedIn
	}
	if err != nil {
		return Case{}, err
	}
	all, err := p.store.Cases(ctx, s.Person)
	if err != nil {
		return Case{}, fmt.Errorf("portal: case: %w", err)
	}
	i := slices.IndexFunc(all, func(c Case) bool {
		return is(c) && (!held || c.Session == s.Token && p.at().Sub(c.OpenedAt) <= caseInSight)
	})
	switch {
	case i >= 0:
		return all[i], nil
	case held:
		return Case{}, ErrSessionHeld
	}
	return Case{}, ErrNoCase
}

// CasesOf lists the cases of who is logged in, newest first.
func (p *Portal) CasesOf(ctx context.Context, token string) ([]Case, error) {
	s, _, err := p.SessionOf(ctx, token)
	if err != nil {
		return nil, err
	}
	all, err := p.store.Cases(ctx, s.Person)
	if err != nil {
		return nil, fmt.Errorf("portal: cases: %w", err)
	}
	return all, nil
}
