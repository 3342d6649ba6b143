package carrier

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Errors of a Store.
var (
	// ErrNotFound: no such line, change, SIM or link.
	ErrNotFound = errors.New("carrier: not found")
	// ErrTooMany: the person has MaxLines lines.
	ErrTooMany = errors.New("carrier: as many lines as one person may have")
	// ErrMoved: it is in another state; somebody else was first, or it is too late.
	ErrMoved = errors.New("carrier: it is in another state")
	// ErrWaiting: a change of this SIM waits already.
	ErrWaiting = errors.New("carrier: a change waits already")
	// ErrFrozen: the person froze changes of the SIM.
	ErrFrozen = errors.New("carrier: changes are frozen")
	// ErrEndFrozen: nor is a frozen line ended, which takes its SIM and its number too.
	ErrEndFrozen = fmt.Errorf("%w: the line is not ended", ErrFrozen)
	// ErrNotFrozen: there is nothing to lift.
	ErrNotFrozen = errors.New("carrier: changes are not frozen")
	// ErrNotPortable: a data line's number stays.
	ErrNotPortable = errors.New("carrier: this number is not ported")
	// ErrBound: another key signed than the one that the profile is bound to.
	ErrBound = errors.New("carrier: the profile is bound to another key")
	// ErrInstalled: the profile is in another phone.
	ErrInstalled = errors.New("carrier: the profile is in another phone")
)

// Token is the SHA-256 of what a link or a phone has; the thing itself is not kept.
type Token [32]byte

// Store keeps the carrier's state. Every write is one transaction with its audit record, its
// messages to the line and its mail: told is what happened, and what happened is told.
type Store interface {
	ConsentStore
	// Receive keeps a signed contract, state Signed or Awaiting, and begins to confirm its address by
	// confirm when there is one. The same ID again changes nothing and is no error. It
	// returns ErrTooMany.
	Receive(ctx context.Context, l Line, confirm *Confirm) error
	// Lines are a person's, the newest first. Line is one of them: ErrNotFound.
	Lines(ctx context.Context, sub string) ([]Line, error)
	Line(ctx context.Context, sub, id string) (Line, error)
	// DueLines and DueChanges list what is due, the oldest first, a hundred at most.
	DueLines(ctx context.Context, at time.Time) ([]Line, error)
	DueChanges(ctx context.Context, at time.Time) ([]Change, error)
	// NextDue is when something is due next; zero when nothing is.
	NextDue(ctx context.Context) (time.Time, error)
	// Activate gives a Signed line its number and a profile bound to the record's
	// certificate. ErrMoved.
	Activate(ctx context.Context, at time.Time, id string, r Record, tell Letter) error
	// Stop ends a Signed line that will not be activated. ErrMoved.
	Stop(ctx context.Context, at time.Time, id, why string, r Record, tell Letter) error
	// Postpone says when what is due of a line or a change is tried again. ErrMoved.
	Postpone(ctx context.Context, id string, until time.Time) error

	// Ask keeps a signed request for a change that waits, and tells it to the SIM and the
	// mail. veto is of the mail's link. The same ID again changes nothing. It returns what
	// Line.Allowed does.
	Ask(ctx context.Context, c Change, veto Token, tell Letter) error
	// Veto ends a change that waits. A change that was stopped is stopped: no error.
	// ErrMoved when it is done, ErrNotFound.
	Veto(ctx context.Context, at time.Time, id, by string, tell Letter) error
	// Changes are all that a person asked for, the newest first.
	Changes(ctx context.Context, sub string) ([]Change, error)
	// Change is one; by the mail's link, or by a phone whose installed SIM is the line's.
	// ErrNotFound.
	Change(ctx context.Context, id string) (Change, error)
	ChangeByLink(ctx context.Context, veto Token) (Change, error)
	ChangeBySIM(ctx context.Context, phone Token, id string) (Change, error)
	// Finish moves a change out of Waiting: to Done, with what that does, or to Halted.
	// reservation is of PortOut. ErrMoved.
	Finish(ctx context.Context, at time.Time, id string, to ChangeState, reservation Port, r Record, tell Letter) error
	// Freeze freezes changes of a line's SIM and ends one that waits. Freezing again
	// changes nothing. ErrNotFound.
	Freeze(ctx context.Context, at time.Time, sub, id string, tell Letter) error

	// Install keeps a signed request for it, an Install that is Done, and puts a line's
	// profile of an ICCID into a phone, once; the same phone again changes nothing. It
	// returns ErrBound when the record's certificate is not the profile's, ErrInstalled,
	// ErrNotFound, and ErrMoved when the line has another profile by now.
	Install(ctx context.Context, c Change, iccid string, phone Token) error
	// Inboxes are what the SIMs in a phone received.
	Inboxes(ctx context.Context, phone Token) ([]Inbox, error)

	// SetAddress begins to confirm an address. Confirm confirms it, tells the earlier ones
	// of it, and has them told of everything until then: ErrNotFound. Confirming again
	// changes nothing. Addresses are a person's, the newest first.
	SetAddress(ctx context.Context, at time.Time, sub string, c Confirm) error
	Confirm(ctx context.Context, at time.Time, link Token, until time.Time, tell Letter) error
	AddressByLink(ctx context.Context, link Token) (Address, error)
	Addresses(ctx context.Context, sub string) ([]Address, error)
	// Outbox is mail after the one of an ID, the oldest first.
	Outbox(ctx context.Context, after string, limit int) ([]Mail, error)

	// Erase takes away whatever was kept long enough.
	Erase(ctx context.Context, at time.Time) error
	// Count counts an event of which nothing else is kept. Counts are all of these.
	Count(ctx context.Context, what string) error
	Counts(ctx context.Context) (map[string]int64, error)
}
