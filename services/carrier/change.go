package carrier

import (
	"slices"
	"time"
)

// Kind is what a change of a SIM does.
type Kind string

// The kinds of a change. Each takes a signature, is told to the old SIM and to the mail, and
// waits.
const (
	Reissue  Kind = "reissue"  // a new eSIM, bound to the key that signs; the old one dies
	PortOut  Kind = "port"     // a reservation by which another carrier takes the number
	Unfreeze Kind = "unfreeze" // changes may be asked for again
	EndLine  Kind = "end"      // the contract ends, and with it the eSIM and the number
)

// Install is the request by which a profile goes into a phone. It moves nothing, and so it does
// not wait: it is kept as a change that is Done.
const Install Kind = "install"

// Kinds are all kinds that wait.
func Kinds() []Kind { return []Kind{Reissue, PortOut, Unfreeze, EndLine} }

// Wait is how long a change waits for whoever holds the old SIM.
const Wait = 24 * time.Hour

// ChangeState is where a change is.
type ChangeState string

// The states of a change.
const (
	Waiting   ChangeState = "waiting"
	Done      ChangeState = "done"
	Vetoed    ChangeState = "vetoed"    // by the old SIM or from the mail
	Withdrawn ChangeState = "withdrawn" // by the customer, logged in
	Halted    ChangeState = "halted"    // the certificate was held or revoked in the meantime
)

// Who may stop a change that waits.
const (
	BySIM    = "sim"
	ByMail   = "mail"
	ByPerson = "person" // logged in
)

// Change is one, with the signed request.
type Change struct {
	ID         string
	Line       string
	Sub        string
	Kind       Kind
	State      ChangeState
	By         string // who stopped it
	Attributes Attributes
	Document   []byte
	Signature  []byte
	Record     Record
	AskedAt    time.Time
	DueAt      time.Time
	EndedAt    time.Time
}

// Allowed says whether a change may be asked for now. It returns ErrNotFound, ErrWaiting,
// ErrFrozen, ErrEndFrozen, ErrNotFrozen or ErrNotPortable.
func (l Line) Allowed(k Kind) error {
	switch {
	case l.State != Active:
		return ErrNotFound
	case l.Waits():
		return ErrWaiting
	case k == Unfreeze && !l.Frozen:
		return ErrNotFrozen
	case k == EndLine && l.Frozen:
		return ErrEndFrozen
	case k != Unfreeze && l.Frozen:
		return ErrFrozen
	case k == PortOut && !l.Plan().Portable():
		return ErrNotPortable
	case !slices.Contains(Kinds(), k):
		return ErrNotFound
	}
	return nil
}
