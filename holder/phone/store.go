package phone

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/issuer/ra"
)

// What a Store answers.
var (
	ErrNotFound = errors.New("phone: not found")
	ErrExists   = errors.New("phone: there is one already")
	ErrMoved    = errors.New("phone: somebody else was first")
)

// Store keeps what the phones of this machine must not forget. What a method
// wrote is durable when it returns. No secret ever comes here.
type Store interface {
	// AddPhone keeps a new phone; ErrExists when there is one of that id.
	AddPhone(ctx context.Context, r Record) error
	// PutPhone replaces a phone's record; ErrNotFound.
	PutPhone(ctx context.Context, r Record) error
	// Phone returns a record; ErrNotFound.
	Phone(ctx context.Context, id string) (Record, error)
	// Phones returns all, in the order in which they were made.
	Phones(ctx context.Context) ([]Record, error)

	// PutEnrolment keeps a step of a registration: a new one when Version is 0,
	// else the one whose Version is as given; ErrMoved otherwise. Kept is e with
	// its Version raised by one. at and the step go into the audit chain.
	PutEnrolment(ctx context.Context, at time.Time, e Enrolment) (kept Enrolment, err error)
	// Enrolments returns a phone's registrations, newest first.
	Enrolments(ctx context.Context, phone string) ([]Enrolment, error)

	// PutUse writes or replaces an entry of the history, by ID.
	PutUse(ctx context.Context, phone string, u Use) error
	// Uses returns the entries that began last first.
	Uses(ctx context.Context, phone string, limit int) ([]Use, error)

	// PutAsk writes or replaces a fetched request, by ID.
	PutAsk(ctx context.Context, a Asking) error
	// Asks returns the requests that wait on a phone, oldest first.
	Asks(ctx context.Context, phone string) ([]Asking, error)
	// DropAsk forgets a request; none of that id is no error.
	DropAsk(ctx context.Context, phone, id string) error

	// CloseAsk forgets a request and keeps copies of what was signed for it, all or
	// nothing. A copy of an ID that is there takes its place.
	CloseAsk(ctx context.Context, at time.Time, phone, id string, copies []Copy) error
	// Copies returns the copies of a phone without document and signature, newest first.
	Copies(ctx context.Context, phone string) ([]Copy, error)
	// Copy returns one with all its parts; ErrNotFound.
	Copy(ctx context.Context, phone, id string) (Copy, error)
	// DropCopies erases those that are named; one that is not there is no error.
	DropCopies(ctx context.Context, at time.Time, phone string, ids ...string) error
	// DropAllCopies erases all of a phone.
	DropAllCopies(ctx context.Context, at time.Time, phone string) error

	// PutOrder writes or replaces an order that the authority has not got yet, by ID.
	PutOrder(ctx context.Context, at time.Time, o Order) error
	// Orders returns those of a phone.
	Orders(ctx context.Context, phone string) ([]Order, error)
	// DropOrder forgets one; none of that id is no error.
	DropOrder(ctx context.Context, at time.Time, phone, id string) error

	// Wipe forgets a phone's registrations, history, requests and copies: what a factory
	// reset leaves nothing of. The phone itself stays, and so do orders: they name nobody,
	// and what they are to end is still good.
	Wipe(ctx context.Context, at time.Time, phone string) error
}

// Record is a phone and its settings.
type Record struct {
	ID       string    `json:"id"`
	Name     string    `json:"name"`
	Resident string    `json:"resident,omitempty"` // whose it is in the sandbox
	Model    string    `json:"model"`              // id of a Model
	Reader   string    `json:"reader"`             // host:port where cards dial in
	NFC      bool      `json:"nfc"`
	Network  bool      `json:"network"`
	Power    bool      `json:"power"`
	Unlocked bool      `json:"unlocked"` // the boot loader
	Picture  string    `json:"picture,omitempty"`
	Word     string    `json:"word,omitempty"`
	Prefer   string    `json:"prefer,omitempty"`  // way of unlocking that is asked for first; "": the PIN
	Receipt  *Receipt  `json:"receipt,omitempty"` // of the last time it was given up
	Demands  []Demand  `json:"demands,omitempty"` // that verifiers told, oldest first
	MadeAt   time.Time `json:"made_at"`
}

// Step is how far a registration has come. Each is written before the next is
// taken.
type Step string

// The steps. Up to signed nothing has left the phone.
const (
	StepDrafted    Step = "drafted"    // content chosen; the card signs next
	StepSigned     Step = "signed"     // signed by the card; may have arrived or not
	StepApplied    Step = "applied"    // the authority has it; secrets next
	StepIssued     Step = "issued"     // certificates arrived; written next
	StepWritten    Step = "written"    // in the element, on hold; [登録する] next
	StepRegistered Step = "registered" // good
	StepStopping   Step = "stopping"   // about to be given up
	StepEnded      Step = "ended"
)

// Open tells whether a registration is under way.
func (s Step) Open() bool {
	switch s {
	case StepDrafted, StepSigned, StepApplied, StepIssued, StepWritten:
		return true
	}
	return false
}

// Enrolment is one registration of a phone, from the draft to its end.
type Enrolment struct {
	ID      string    `json:"id"`
	Phone   string    `json:"phone"`
	Version int64     `json:"version"`
	Step    Step      `json:"step"`
	BegunAt time.Time `json:"begun_at"`
	Reissue string    `json:"reissue,omitempty"` // the registration for which a signature certificate is to be issued anew; "" for a registration
	Renew   bool      `json:"renew,omitempty"`   // also while the present one is good: its password is forgotten

	// Of the card, when it was read.
	Holder string    `json:"holder,omitempty"`
	Birth  time.Time `json:"birth,omitzero"`

	Content     ra.Application `json:"content"`               // what the card signs
	Application []byte         `json:"application,omitempty"` // the CMS, from StepSigned on

	// Of the authority's answers.
	Nonce        []byte           `json:"nonce,omitempty"`
	LockCodeSalt []byte           `json:"lock_code_salt,omitempty"`
	LockCodeCost ra.LockCost      `json:"lock_code_cost,omitzero"`
	ExpiresAt    time.Time        `json:"expires_at,omitzero"`
	Certificates *ra.Certificates `json:"certificates,omitempty"`
	Authorities  *ra.Certificates `json:"authorities,omitempty"`
	RegisteredAt time.Time        `json:"registered_at,omitzero"`

	// Of check-ins.
	LastCheckIn time.Time `json:"last_check_in,omitzero"`
	NextCheckIn time.Time `json:"next_check_in,omitzero"`
	Holds       []string  `json:"holds,omitempty"`
	HoldsAt     time.Time `json:"holds_at,omitzero"`    // when they were learned between two check-ins
	SignEnded   bool      `json:"sign_ended,omitempty"` // the signature certificate ended alone; another can be applied for

	Ended   string    `json:"ended,omitempty"` // ra.EndReason, or a code of ours
	EndedAt time.Time `json:"ended_at,omitzero"`
}

// Asking is a request that was fetched and checked and waits for the person.
type Asking struct {
	ID           string    `json:"id"` // the request's jti
	Phone        string    `json:"phone"`
	Link         string    `json:"link"`                // request_uri
	Fetcher      string    `json:"fetcher"`             // what PhoneHeader carries for this request
	Tapped       bool      `json:"tapped,omitempty"`    // a terminal that the phone was held to gave Link
	Request      string    `json:"request"`             // compact JWS; empty until it arrived
	Registration string    `json:"registration"`        // of who asks, compact JWS
	OnBehalfOf   string    `json:"on_behalf,omitempty"` // registration of the party asked for
	Logo         []byte    `json:"logo,omitempty"`      // of who is shown, as registered; empty for none
	At           time.Time `json:"at"`                  // fetched
	Until        time.Time `json:"until"`               // the request ends
	Sealed       string    `json:"sealed,omitempty"`    // the answer, signed, perhaps not arrived
	Withdrawn    string    `json:"withdrawn,omitempty"` // why Sealed was taken back without a network; it is not carried then
	TellAt       time.Time `json:"tell_at,omitzero"`    // that is sent then
	Approved     []string  `json:"approved,omitempty"`  // granted with it
	UseID        string    `json:"use,omitempty"`       // its entry in the history
	Document     []byte    `json:"document,omitempty"`  // of kind sign, as it is shown and signed: before there could be several
	Documents    [][]byte  `json:"documents,omitempty"` // the same of all
	Signed       []string  `json:"signed,omitempty"`    // sealed to the verifier, goes with the answer
	Copies       [][]byte  `json:"copies,omitempty"`    // of Signed, sealed for the phone's own keeping
	SignedAt     time.Time `json:"signed_at,omitzero"`
	NoRoom       bool      `json:"no_room,omitempty"` // there are none, because there is no room for them
}

// shown is the hash of what the person is shown of a request, which its id is not: whoever
// asks chose that, and may use it again. Each part is signed, and has a length.
func (a Asking) shown() string {
	h := sha256.New()
	for _, part := range []string{a.Request, a.Registration, a.OnBehalfOf, string(a.Logo)} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// contents are the bytes of the documents that are to be signed, in order.
func (a Asking) contents() [][]byte {
	if a.Document != nil {
		return [][]byte{a.Document}
	}
	return a.Documents
}

// Copy is a document that was signed on this phone, as the store keeps it. Its parts are
// sealed under a key that the store does not have; what each holds is this package's.
type Copy struct {
	ID        string
	Phone     string
	At        time.Time // signed
	Size      int       // of document and signature, bytes
	About     []byte
	Document  []byte // only from Store.Copy
	Signature []byte // only from Store.Copy
}

// Kinds of history entries beside ceremony.Want.
const (
	UseRegistered = "registered"
	UseCheckIn    = "check-in"
	UseCardRead   = "card-read"
	UseStopped    = "stopped"
	UseFound      = "found"    // resumed with the card
	UseReissued   = "reissued" // a new signature certificate
	UseLoosened   = "loosened" // limits, by the card
	UseRequest    = "request"  // one that was not shown

	UseContact     = "contact"      // where notices go, by the card; not which address
	UseContactKept = "contact-kept" // a change of that, taken back

	UseUnlock = "unlock" // a wrong or blocked secret

	UseBiometrics        = "biometrics" // enrolled
	UseBiometricsStopped = "biometrics-stopped"
	UseQuietHours        = "quiet-hours" // changed

	UseCompatible = "compatible" // compatibility mode was switched on
	UseAsCard     = "as-card"    // one raw signature for a terminal that takes the phone for a card

	UsePINChanged      = "pin-changed"      // by the present one
	UsePasswordChanged = "password-changed" // by the present one
	UsePINReset        = "pin-reset"        // by the signature password
)

// Results of a history entry.
const (
	ResultPending   = "pending"   // begun; whether it arrived is not known yet
	ResultWithdrawn = "withdrawn" // agreed to, then refused without a network; nobody was told yet
	ResultApproved  = "approved"
	ResultRefused   = "refused"
	ResultFailed    = "failed"
	ResultDone      = "done"
)

// Use is one entry of the history.
type Use struct {
	ID     string        `json:"id"`
	At     time.Time     `json:"at"`
	Kind   string        `json:"kind"` // ceremony.Want or one of ours
	Party  ceremony.Text `json:"party,omitzero"`
	What   ceremony.Text `json:"what,omitzero"`
	Where  ceremony.Text `json:"where,omitzero"`
	Result string        `json:"result"`
	Code   string        `json:"code,omitempty"`
	Why    ceremony.Text `json:"why,omitzero"` // the sentence of the problem with that code, as it was told
	Data   []string      `json:"data,omitempty"`

	Document  *ceremony.UsedDocument  `json:"document,omitempty"`  // of kind sign; not its content
	Documents []ceremony.UsedDocument `json:"documents,omitempty"` // instead, when they were several
}

// Receipt shows that a phone was given up.
type Receipt struct {
	URL  string    `json:"url"`            // where a program can check it: the authority's own answer
	Page string    `json:"page,omitempty"` // where anybody can; "" when there is no such page
	ID   string    `json:"id,omitempty"`   // its number
	Tag  string    `json:"tag"`            // what the wiped phone still shows
	At   time.Time `json:"at"`
	Of   string    `json:"of,omitempty"` // the registration that ended
}

// An Order is the phone's own word that its certificates are to be revoked, signed
// before the phone was wiped and not delivered yet.
type Order struct {
	ID      string    `json:"id"` // the registration that is to end
	Phone   string    `json:"phone"`
	Message string    `json:"message"` // compact JWS by a device key that is gone
	At      time.Time `json:"at"`      // signed
	Next    time.Time `json:"next"`    // it is sent then, when the phone has a line
}
