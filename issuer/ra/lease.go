package ra

import (
	"time"

	"tegata/internal/pki"
)

// The clocks of a registration and of a registered phone.
const (
	OpenFor           = 24 * time.Hour      // an application not registered by then is ended
	SilentAfter       = 30 * 24 * time.Hour // without a check-in
	LockedAfter       = 90 * 24 * time.Hour // without a PIN or biometric unlock
	RevokedAfterHold  = 30 * 24 * time.Hour // on hold, whatever the cause
	ApplicationWindow = time.Hour           // between an application's time and its arrival
)

const day = 24 * time.Hour

// A timed is something the clock makes happen to an enrolment.
type timed int

const (
	timedExpire    timed = iota // an open application ends
	timedSweep                  // certificates that were being signed while it ended are revoked
	timedWarn                   // a silent hold is near
	timedSilent                 // the silent hold begins
	timedHeldStill              // the pair is still on hold
	timedRevoke                 // it was on hold too long
	timedEndsSoon               // its certificates will expire
	timedOver                   // its certificates expired
)

// An appointment is a timed rule and its moment.
type appointment struct {
	what timed
	at   time.Time
	days int // for notices: days until, or since
}

// heldSince is when the earliest open hold of a registered pair began; zero
// when there is none.
func (e EnrolmentRecord) heldSince() time.Time {
	var first time.Time
	for _, t := range []time.Time{e.LostSince, e.SilentSince, e.SuspectedSince} {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// silentAt is when nobody will have been seen for too long: the earlier of the
// two clocks.
func (e EnrolmentRecord) silentAt() time.Time {
	seen, unlocked := e.LastCheckIn.Add(SilentAfter), e.LastUnlock.Add(LockedAfter)
	if unlocked.Before(seen) {
		return unlocked
	}
	return seen
}

// appointments lists all timed rules of e, past ones included; of those of one moment
// the first is kept first.
func (e EnrolmentRecord) appointments() []appointment {
	switch e.State {
	case StateApplied, StateIssued:
		return []appointment{{what: timedExpire, at: e.ExpiresAt}}
	case StateEnded:
		if e.SignKey != [32]byte{} && e.SignSerial == (pki.Serial{}) {
			return []appointment{{what: timedSweep, at: e.EndedAt.Add(time.Hour)}}
		}
		return nil
	}
	list := []appointment{
		{timedEndsSoon, e.NotAfter.Add(-90 * day), 90},
		{timedEndsSoon, e.NotAfter.Add(-30 * day), 30},
		{timedEndsSoon, e.NotAfter.Add(-3 * day), 3},
		{what: timedOver, at: e.NotAfter},
	}
	held := e.heldSince()
	if !held.IsZero() {
		for _, days := range []int{1, 14, 27} {
			list = append(list, appointment{timedHeldStill, held.Add(time.Duration(days) * day), days})
		}
		list = append(list, appointment{timedRevoke, held.Add(RevokedAfterHold), 30})
	}
	if e.SilentSince.IsZero() {
		silent := e.silentAt()
		if held.IsZero() { // who knows that it is on hold is not told to go and use it
			list = append(list, appointment{timedWarn, silent.Add(-10 * day), 10}, appointment{timedWarn, silent.Add(-3 * day), 3})
		}
		list = append(list, appointment{timedSilent, silent, 0})
	}
	return list
}

// next returns the appointments of e at the earliest moment after e.Done; none
// when nothing is left to come.
func (e EnrolmentRecord) next() []appointment {
	var due []appointment
	for _, a := range e.appointments() {
		switch {
		case a.at.IsZero() || !a.at.After(e.Done):
		case len(due) == 0 || a.at.Before(due[0].at):
			due = []appointment{a}
		case a.at.Equal(due[0].at):
			due = append(due, a)
		}
	}
	return due
}

// schedule sets Due from the rest.
func (e *EnrolmentRecord) schedule() {
	e.Due = time.Time{}
	if due := e.next(); len(due) > 0 {
		e.Due = due[0].at
	}
}
