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

	// Reported finds the case of a report by the name that its party gave it. ErrNotFound.
	Reported(ctx context.Context, report string) (Case, error)
	// Queue lists the reports that nobody closed, the oldest first, without their events
	// but the last.
	Queue(ctx context.Context, limit int) ([]Case, error)
	// Move brings a report from one state to another, with the event that does. ErrMoved
	// when it was not in that state; ErrNotFound.
	Move(ctx context.Context, who audit.Actor, number string, from, to ReportState, e Event) error

	// TakeAssertion remembers a caller's assertion until it expires; false when it was
	// there already.
	TakeAssertion(ctx context.Context, party, id string, expires, at time.Time) (bool, error)
}

// ErrMoved is a report that is in another state: somebody else was first.
var ErrMoved = errors.New("helpdesk: the report is in another state")

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
	CaseReport  CaseKind = "report"  // somebody reported a use as not their own, at a party
)

// Case is what agents did about one call or report. It says nothing about whose phone it was.
type Case struct {
	Number    string
	Kind      CaseKind
	Reference [32]byte // SHA-256 of the view that it is about; zero for none
	Agent     string   // who opened it; "" for a report
	OpenedAt  time.Time
	Events    []Event // oldest first

	Report *Report // of a report
	State  ReportState
}

// What happened in a case.
type What string

// The events.
const (
	Asked       What = "asked"        // the issuer was asked to suspend
	Suspended   What = "suspended"    // and did
	Refused     What = "refused"      // and refused: Code
	NotAnswered What = "not-answered" // and could not, or was not reached: Code
	Viewed      What = "viewed"       // a support number, or a report, was looked at
	Reported    What = "reported"     // at a party, by the holder
	Taken       What = "taken"        // a report: somebody works on it
	Noted       What = "noted"        // what was done: Code is a Step
	Closed      What = "closed"       // Code is an Outcome
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
