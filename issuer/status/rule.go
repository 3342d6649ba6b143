package status

import (
	"fmt"
	"slices"
	"time"
)

// Decide applies one change to an entry as of at, the moment the ledger gives it.
// changed is false when there was nothing to do: repeating a change is not an
// error, and a hold adds nothing to a revoked certificate. It returns ErrFinal
// for lifting a hold of a revoked certificate.
func Decide(e Entry, c Change, at time.Time) (next Entry, changed bool, err error) {
	if err := c.check(); err != nil {
		return e, false, err
	}
	next = e
	next.Holds = slices.Clone(e.Holds)
	switch c.Op {
	case Open:
		return next.open(c, at)
	case Lift:
		return next.lift(c, at)
	default:
		return next.revoke(c, at)
	}
}

func (c Change) check() error {
	switch c.Op {
	case Open, Lift:
		if !slices.Contains(Causes(), c.Cause) || c.Reason != 0 || !c.Invalid.IsZero() {
			return fmt.Errorf("status: a hold needs one of the causes %q and nothing else", Causes())
		}
	case Revoke:
		// RFC 5280, section 5.3.1: 6 is a hold, 7 is not used, 8 is for delta CRLs;
		// 2 and 10 are for authorities.
		switch c.Reason {
		case Unspecified, KeyCompromise, AffiliationChanged, Superseded, CessationOfOperation, PrivilegeWithdrawn:
		default:
			return fmt.Errorf("status: reason %d does not end a certificate", c.Reason)
		}
		if c.Cause != "" {
			return fmt.Errorf("status: a revocation has a reason, no cause")
		}
	default:
		return fmt.Errorf("status: no operation is called %.20q", c.Op)
	}
	return nil
}

func (e Entry) holding(c Cause) int {
	return slices.IndexFunc(e.Holds, func(h Hold) bool { return h.Cause == c })
}

func (e Entry) open(c Change, at time.Time) (Entry, bool, error) {
	if e.Status == Revoked || e.holding(c.Cause) >= 0 {
		return e, false, nil
	}
	e.Holds = append(e.Holds, Hold{c.Cause, at})
	e.settle()
	return e, true, nil
}

func (e Entry) lift(c Change, at time.Time) (Entry, bool, error) {
	if e.Status == Revoked {
		return e, false, ErrFinal
	}
	i := e.holding(c.Cause)
	if i < 0 {
		return e, false, nil
	}
	e.Holds = slices.Delete(e.Holds, i, i+1)
	e.settle()
	if e.Status == Good {
		e.GoodSince = at
	}
	return e, true, nil
}

func (e Entry) revoke(c Change, at time.Time) (Entry, bool, error) {
	if e.Status == Revoked {
		return e, false, nil
	}
	since := at
	if e.Status == Held {
		// No signature made while the certificate was on hold may look valid later.
		since = e.Since
	}
	e.Status, e.Reason, e.Since, e.Invalid, e.Holds = Revoked, c.Reason, since, c.Invalid, nil
	return e, true, nil
}

// settle derives status, reason and date from the open holds.
func (e *Entry) settle() {
	slices.SortStableFunc(e.Holds, func(a, b Hold) int { return a.Since.Compare(b.Since) })
	if len(e.Holds) == 0 {
		e.Status, e.Reason, e.Since = Good, 0, time.Time{}
		return
	}
	e.Status, e.Reason, e.Since = Held, CertificateHold, e.Holds[0].Since
}
