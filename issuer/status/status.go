// Package status answers one question: is this certificate still good?
//
// It owns the status ledger and its projections: the OCSP responder (RFC 6960,
// 5019 and 9654), the CRLs (RFC 5280, section 5) and the signed change feed. Who
// may hold or revoke is decided in package ra; keys are in package ca.
//
// Good means: issued, and no open hold, and not revoked. Holds have causes, each
// lifted only by its own; outside all of them are certificateHold.
//
// # Time
//
// An answer says what was true at its ThisUpdate. A change that is being written
// may commit after a later answer was asked for, so every write that may change
// the ledger is bracketed: the change is dated inside the bracket, and ThisUpdate
// never lies after the beginning of an open one. Hence no answer says Good for a
// certificate that was revoked before its ThisUpdate.
//
// # Trust
//
// The ledger is trusted: whoever can write it can hide a revocation. HTTP
// callers are not: the worst they can do is make us slow. The keys used here
// sign OCSP answers and feed batches and nothing else; CRLs are signed by package
// ca on request.
package status

import (
	"errors"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/profile"
)

// Status is what is answered about a certificate that was issued.
type Status string

// The three states; a certificate that was never issued is Unknown, which no
// entry of the ledger is.
const (
	Good    Status = "good"
	Held    Status = "held" // certificateHold
	Revoked Status = "revoked"
)

// Cause is why a certificate is on hold. Each cause is lifted in its own way.
type Cause string

// The causes.
const (
	Unregistered Cause = "unregistered" // issued, and the holder has not pressed 登録する yet
	Lost         Cause = "lost"         // reported lost
	Silent       Cause = "silent"       // no check-in, or no unlock
	Suspected    Cause = "suspected"    // two copies of one element may be about
)

// Causes lists all of them.
func Causes() []Cause { return []Cause{Unregistered, Lost, Silent, Suspected} }

// Op is what a Change does.
type Op string

// The operations.
const (
	Open   Op = "open"   // begin a hold of one cause
	Lift   Op = "lift"   // end the hold of one cause
	Revoke Op = "revoke" // final
)

// Reasons of RFC 5280, section 5.3.1, that the ledger gives.
const (
	Unspecified          = 0
	KeyCompromise        = 1
	AffiliationChanged   = 3
	Superseded           = 4
	CessationOfOperation = 5
	CertificateHold      = 6 // of a held certificate; never of a revoked one
	PrivilegeWithdrawn   = 9
)

// Change is one change of one certificate. Repeating a change changes nothing.
type Change struct {
	Kind   pki.Kind
	Serial pki.Serial
	Op     Op
	Cause  Cause     // Open and Lift
	Reason int       // Revoke: one of the reasons above, but not CertificateHold
	At     time.Time // when it was decided; the ledger dates the change itself, never earlier
	// Invalid is when the key or the facts are known or feared to have been wrong
	// (RFC 5280, section 5.3.2), zero when there is no such moment.
	Invalid time.Time
}

// Hold is one open hold.
type Hold struct {
	Cause Cause
	Since time.Time
}

// Entry is the state of one issued certificate.
type Entry struct {
	Kind       pki.Kind
	Generation int
	Serial     pki.Serial
	Partition  string
	NotAfter   time.Time
	Status     Status
	Holds      []Hold    // open ones, the earliest first
	Reason     int       // CertificateHold when held; the given one when revoked
	Since      time.Time // when it was revoked, or when the earliest open hold began
	Invalid    time.Time // invalidity date, or zero
	GoodSince  time.Time // when it last became good; zero when it never was
}

// Label is the name of the authority and generation that issued e.
func (e Entry) Label() string { return profile.Label(e.Kind, e.Generation) }

// Errors that callers may branch on.
var (
	// ErrUnknown: no certificate of that kind and serial number was ever issued.
	ErrUnknown = errors.New("status: no such certificate was issued")
	// ErrFinal: the certificate is revoked, and no hold of it can be lifted.
	ErrFinal = errors.New("status: the certificate is revoked for ever")
	// ErrBehind: what is known is older than promised, or the clock ran
	// backwards: nothing is answered.
	ErrBehind = errors.New("status: cannot tell at the moment")
	// ErrEntered: the certificate was entered before.
	ErrEntered = errors.New("status: the certificate was entered before")
)
