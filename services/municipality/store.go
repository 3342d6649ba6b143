package municipality

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
)

// What a Store's methods return for callers to branch on.
var (
	// ErrNotFound: there is no such row.
	ErrNotFound = errors.New("municipality: not found")
	// ErrTaken: the id belongs to another resident.
	ErrTaken = errors.New("municipality: the id is taken")
	// ErrMoved: the row is not in the state that was read any more.
	ErrMoved = errors.New("municipality: somebody else was first")
)

// Store keeps the register. Both methods run a body that may be run again.
type Store interface {
	Read(ctx context.Context, body func(Tx) error) error
	// Write is durable when it returns nil, and undoes everything otherwise.
	Write(ctx context.Context, body func(Tx) error) error
}

// Tx is one transaction on the register.
type Tx interface {
	// Resident returns ErrNotFound when there is none.
	Resident(ctx context.Context, id string) (Record, error)
	// AddResident returns ErrTaken when the id is there already.
	AddResident(ctx context.Context, r Record) error
	// UpdateResident replaces a resident whose Version is r's, and returns
	// ErrMoved when it is another.
	UpdateResident(ctx context.Context, r Record) error
	// Residents lists residents in the order of their ids, after the id after.
	Residents(ctx context.Context, after string, limit int) ([]Record, error)

	// Card returns ErrNotFound when the resident has no such card.
	Card(ctx context.Context, resident, id string) (Card, error)
	// AddCard returns ErrTaken when the id is anybody's.
	AddCard(ctx context.Context, c Card) error
	// UpdateCard replaces a card that is in state from, or returns ErrMoved.
	UpdateCard(ctx context.Context, c Card, from CardState) error
	// CardsOf lists a resident's cards, oldest order first.
	CardsOf(ctx context.Context, resident string) ([]Card, error)

	// Event returns ErrNotFound when the resident has no such event.
	Event(ctx context.Context, resident, id string) (Event, error)
	// AddEvent gives the event its place behind the resident's others; ErrTaken
	// when the id is anybody's.
	AddEvent(ctx context.Context, e Event) error
	// UpdateEvent replaces an event that is in state from, or returns ErrMoved. One
	// that was planned takes its place behind the resident's others.
	UpdateEvent(ctx context.Context, e Event, from EventState) error
	// EventsOf lists a resident's events in their order.
	EventsOf(ctx context.Context, resident string) ([]Event, error)

	// SetWork notes that the resident has open work and when to try it; ClearWork
	// that nothing is open.
	SetWork(ctx context.Context, w Work) error
	ClearWork(ctx context.Context, resident string) error
	// WorkOf returns ErrNotFound when nothing is open.
	WorkOf(ctx context.Context, resident string) (Work, error)
	// DueWork lists whose work is due at or before at, earliest first.
	DueWork(ctx context.Context, at time.Time, limit int) ([]string, error)
	// NextWork is the earliest moment that work is due; false when none is open.
	NextWork(ctx context.Context) (time.Time, bool, error)

	// Audit chains a record of who did what; without it the step fails.
	Audit(ctx context.Context, at time.Time, who audit.Actor, action, object string, detail map[string]string) error
}

// Record is a resident as kept.
type Record struct {
	Resident
	RegisteredAt time.Time
	ChangedAt    time.Time
	RequestHash  [32]byte // of the registration, so that a repeated one is known
	Version      int64
}

// CardState is how far a card has come.
type CardState string

// The states, in their order. CardRefused is the end of an order that the issuer
// or the cards role refused; CardReplaced of a card that a newer one followed;
// CardReturned of one whose certificates ended with nothing in their place.
const (
	CardOrdered      CardState = "ordered"      // nobody was asked yet
	CardRequested    CardState = "requested"    // its keys are made; the request to the issuer stands
	CardIssued       CardState = "issued"       // its certificates are here
	CardReady        CardState = "ready"        // they are in the card, which waits at the desk for its holder
	CardPersonalised CardState = "personalised" // they are in the card, and the holder has it
	CardReplaced     CardState = "replaced"
	CardReturned     CardState = "returned"
	CardRefused      CardState = "refused"
)

// known tells whether the issuer may know the person by this card.
func (s CardState) known() bool { return s != CardOrdered && s != CardRefused }

// open tells whether there is work to do for the card.
func (s CardState) open() bool { return s == CardOrdered || s == CardRequested || s == CardIssued }

// Card is one card and the papers of its making, or a signature certificate that a
// card gets after its first ones.
type Card struct {
	Resident, ID string
	State        CardState
	Onto         string // the card that the signature certificate is for; "": a card of its own
	Signature    bool   // with a signature certificate: false under 15
	SignEnded    bool   // that certificate is for particulars that changed, or was given back
	Lost         bool
	Waits        bool   // made ready only, to be handed over when the holder comes
	Request      []byte // JSON, as sent to the issuer; the same bytes each time
	Papers       []byte // JSON, as written into the card
	NotAfter     time.Time
	OrderedAt    time.Time
	DoneAt       time.Time
	Trouble      string // the code of what refused it
}

// EventState is what became of an event.
type EventState string

// The states. EventLocal is one that the issuer need not hear of: it does not
// know the person, or nothing came of it.
const (
	EventWaiting   EventState = "waiting"
	EventDelivered EventState = "delivered"
	EventRefused   EventState = "refused"
	EventLocal     EventState = "local"
	EventPlanned   EventState = "planned"   // for a day to come
	EventCancelled EventState = "cancelled" // planned, and taken back
)

// Event is something that happened to a resident or a card, and the message
// that tells the issuer.
type Event struct {
	Resident, ID string
	Seq          int64 // place among the resident's; given by AddEvent
	Kind         EventKind
	State        EventState
	Message      []byte   // JSON, as sent to the issuer; the same bytes each time. Planned: the Report
	RequestHash  [32]byte // of what was asked of us, so that a repeated one is known
	At           time.Time
	On           time.Time // the beginning of the day for which it was reported; zero: at once
	DoneAt       time.Time
	Changed      int    // certificates that the issuer changed by it
	Trouble      string // the code of what refused it
}

// Work is one resident's line of open work.
type Work struct {
	Resident string
	Due      time.Time
	Attempts int    // failed ones in a row
	Trouble  string // the code of the last failure
}
