package status

import (
	"context"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
)

// Store keeps the ledger. Sequence numbers begin at 1, have no gaps, and are
// visible to readers in order.
type Store interface {
	// Watch has b called around every transaction that may change the ledger,
	// those of package ra included. It is called once, before the first of them.
	Watch(b Bracket)

	// ApplyChanges applies all changes in one transaction, or none, by Decide, and
	// dates them by DateOf. Each that changed something has an audit record in
	// the same transaction. ErrUnknown, ErrFinal.
	ApplyChanges(ctx context.Context, who audit.Actor, changes ...Change) error

	// EnterCertificates turns recorded drafts into issued certificates, durably, all
	// or none. ErrEntered when one was entered before, ErrUnknown when one was never
	// recorded.
	EnterCertificates(ctx context.Context, who audit.Actor, issued ...Issued) error

	// LoadStatus calls each for every issued certificate, without its Holds, in no
	// order and perhaps twice, and returns the sequence number and the moment of
	// the last change.
	LoadStatus(ctx context.Context, each func(Recorded)) (seq int64, last time.Time, err error)

	// StatusChanges lists at most limit changes after a sequence number, in order.
	StatusChanges(ctx context.Context, after int64, limit int) ([]Recorded, error)

	// StatusSnapshot lists, in the order of their last change, at most limit
	// certificates that were last changed after a sequence number and expire after
	// notAfter, and returns the last sequence number there is, as of one moment.
	StatusSnapshot(ctx context.Context, after int64, notAfter time.Time, limit int) (head int64, list []Recorded, err error)

	// StatusEntry is the state of one certificate with its Holds. ErrUnknown.
	StatusEntry(ctx context.Context, kind pki.Kind, serial pki.Serial) (Entry, error)

	// LatestCRL is the last CRL kept for a scope; false when there is none. The
	// empty partition is the whole authority.
	LatestCRL(ctx context.Context, s Scope) (CRL, bool, error)

	// ChangedSeq is the sequence number of the last change that the scope's CRL
	// shows; false when no certificate of the partition was ever entered.
	ChangedSeq(ctx context.Context, s Scope) (int64, bool, error)

	// Listed lists the held and revoked certificates of a scope that expire after
	// notAfter, ordered by serial number, without their Holds, and the scope's
	// ChangedSeq and the latest date of its changes, all as of the same moment.
	Listed(ctx context.Context, s Scope, notAfter time.Time) (seq int64, at time.Time, list []Entry, err error)

	// KeepCRL durably replaces the scope's CRL when the kept one still has number
	// c.Number-1 (or there is none, for 1). false when somebody else was first.
	KeepCRL(ctx context.Context, who audit.Actor, s Scope, c CRL) (bool, error)
}

// Bracket is called when a transaction begins; begun is its moment by the
// ledger's clock, and unless within is 0 the transaction is given up when its commit
// has not begun within that time: other processes answer as if none took longer. done is
// called when it has ended, changed telling whether it may have changed the ledger, or
// found that another had: its caller is answered when answers show that too.
type Bracket func() (begun time.Time, within time.Duration, done func(ctx context.Context, changed bool))

// DateOf is the date that a change decided at at gets in a transaction that began
// at begun: the later of the two, so that no answer given before the transaction
// began contradicts it.
func DateOf(at, begun time.Time) time.Time {
	if at.After(begun) {
		return at
	}
	return begun
}

// Recorded is an entry as it was after one change.
type Recorded struct {
	Seq int64
	At  time.Time
	Entry
}

// Scope is what one CRL covers: a partition, or with an empty Partition the whole
// authority.
type Scope struct {
	Kind       pki.Kind
	Generation int
	Partition  string
}

// CRL is a signed revocation list.
type CRL struct {
	Number     int64 // from 1, one more each time
	ThisUpdate time.Time
	NextUpdate time.Time
	Seq        int64 // ChangedSeq that it shows
	DER        []byte
}
