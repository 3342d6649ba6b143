package helpdesk

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
)

// ErrNotFound is what a Store returns for what is not there.
var ErrNotFound = errors.New("helpdesk: no such record")

// Store keeps the roster and the cases.
type Store interface {
	// PutAgent puts somebody on the roster, or takes them off it (EndedAt).
	PutAgent(ctx context.Context, who audit.Actor, a Agent) error
	// AgentOf finds who is on the roster, by what the issuer calls the holder of their
	// cards. ErrNotFound, also for who was taken off.
	AgentOf(ctx context.Context, person string) (Agent, error)
	// Agents lists the roster.
	Agents(ctx context.Context) ([]Agent, error)

	// OpenCase keeps a new case with its first event. ErrTaken when the number is taken.
	OpenCase(ctx context.Context, who audit.Actor, c Case) error
	// Note adds an event to a case. ErrNotFound.
	Note(ctx context.Context, who audit.Actor, number string, e Event) error
	// Case finds a case with its events, CaseAbout the one about a reference. ErrNotFound.
	Case(ctx context.Context, number string) (Case, error)
	CaseAbout(ctx context.Context, reference [32]byte) (Case, error)
	// Cases lists the newest, without their events but the last.
	Cases(ctx context.Context, limit int) ([]Case, error)
}

// ErrTaken is a case number that another case has.
var ErrTaken = errors.New("helpdesk: the number is taken")

// Agent is somebody on the roster.
type Agent struct {
	ID      string // pseudonym, as histories show it
	Person  string // what the issuer calls the holder of their cards to this helpdesk
	AddedAt time.Time
	EndedAt time.Time // zero while on the roster
}

// CaseKind is how a case began.
type CaseKind string

// The kinds.
const (
	CaseCall    CaseKind = "call"    // somebody called and told four facts
	CaseSupport CaseKind = "support" // somebody told a support number
)

// Case is what agents did about one call. It says nothing about whose phone it was.
type Case struct {
	Number    string
	Kind      CaseKind
	Reference [32]byte // SHA-256 of the view that it is about; zero for none
	Agent     string   // who opened it
	OpenedAt  time.Time
	Events    []Event // oldest first
}

// What happened in a case.
type What string

// The events.
const (
	Asked       What = "asked"        // the issuer was asked to suspend
	Suspended   What = "suspended"    // and did
	Refused     What = "refused"      // and refused: Code
	NotAnswered What = "not-answered" // and could not, or was not reached: Code
	Viewed      What = "viewed"       // a support number was looked at
)

// Event is one thing that an agent did.
type Event struct {
	At    time.Time
	Agent string
	What  What
	Code  string
}

// Last is the newest event.
func (c Case) Last() Event {
	if len(c.Events) == 0 {
		return Event{}
	}
	return c.Events[len(c.Events)-1]
}
