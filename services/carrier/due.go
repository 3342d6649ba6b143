package carrier

import (
	"context"
	"errors"
	"time"

	"tegata/services/guardian"
	"tegata/services/relying"
)

// What is due is tried again after retry when the certificate's status could not be learned,
// and after retryNews when the verifier has no news yet from when it was due.
const (
	retry     = time.Minute
	retryNews = 5 * time.Second
)

// NextDue is when something is due by itself; false when nothing is.
func (c *Carrier) NextDue(ctx context.Context) (time.Time, bool, error) {
	at, err := c.conf.Store.NextDue(ctx)
	return at, !at.IsZero(), err
}

// RunDue activates lines and makes changes that are due at a moment, ends what waited for a
// guardian for too long, and erases what was
// kept long enough.
func (c *Carrier) RunDue(ctx context.Context, at time.Time) error {
	// Each round decides or postpones what it was given: it ends.
	for {
		lines, err := c.conf.Store.DueLines(ctx, at)
		if err != nil {
			return err
		}
		changes, err := c.conf.Store.DueChanges(ctx, at)
		if err != nil {
			return err
		}
		if len(lines)+len(changes) == 0 {
			break
		}
		for _, l := range lines {
			// Another process may have been first, or the customer: then it is decided.
			if err := c.activate(ctx, at, l); err != nil && !errors.Is(err, ErrMoved) {
				return err
			}
		}
		for _, change := range changes {
			if err := c.finish(ctx, at, change); err != nil && !errors.Is(err, ErrMoved) {
				return err
			}
		}
	}
	if err := c.conf.Store.Unconsented(ctx, at, unconsentedLetter()); err != nil {
		return err
	}
	return c.conf.Store.Erase(ctx, at)
}

// anew asks for the certificate's status again: who lost the phone after a signature, or
// never signed and found out, stopped the certificate by due. again is not 0 when nothing
// is known yet: after so long it is tried again.
func (c *Carrier) anew(ctx context.Context, at, due time.Time, r *Record, signature, document []byte) (holds bool, again time.Duration) {
	v, err := c.conf.Verifier.Verify(ctx, signature, document)
	if err != nil {
		c.conf.Log.WarnContext(ctx, "a certificate's status could not be learned; it is tried again", "error", err)
		return false, retry
	}
	status, asOf := v.Status()
	r.CheckedAt, r.StatusAtCheck = at, status
	switch {
	case status == "held" || status == "revoked":
		return false, 0
	case status == "good" && asOf.Before(due):
		return false, retryNews // also when the news takes its time, who stopped it by due has stopped it
	case v.Verdict == "indeterminate":
		return false, retry
	}
	return v.Verdict == relying.Passed && v.Certificate() == r.Certificate, 0
}

func (c *Carrier) activate(ctx context.Context, at time.Time, l Line) error {
	r := l.Record
	switch holds, again := c.anew(ctx, at, l.ActivateAt, &r, l.Signature, l.Document); {
	case again > 0:
		return c.conf.Store.Postpone(ctx, l.ID, at.Add(again))
	case !holds:
		r.RetentionUntil = Retention(at)
		return c.conf.Store.Stop(ctx, at, l.ID, WhyCertificate, r, stoppedLetter())
	}
	v, err := c.conf.Store.ConsentTo(ctx, l.ID)
	switch {
	case err == nil:
		why, again := c.consented(ctx, at, l, v)
		if again > 0 {
			return c.conf.Store.Postpone(ctx, l.ID, at.Add(again))
		}
		if why != "" {
			r.RetentionUntil = Retention(at)
			return c.conf.Store.Stop(ctx, at, l.ID, why, r, guardianLetter())
		}
		r.Guardian = GuardianSameAddress
	case !errors.Is(err, guardian.ErrUnknown): // which is of who is of age
		return err
	}
	return c.conf.Store.Activate(ctx, at, l.ID, r, activeLetter())
}

func (c *Carrier) finish(ctx context.Context, at time.Time, change Change) error {
	l, err := c.conf.Store.Line(ctx, change.Sub, change.Line)
	if err != nil {
		return err
	}
	r := change.Record
	holds, again := c.anew(ctx, at, change.DueAt, &r, change.Signature, change.Document)
	if again > 0 {
		return c.conf.Store.Postpone(ctx, change.ID, at.Add(again))
	}
	to, port := Done, Port{}
	if !holds {
		to = Halted
	} else if change.Kind == PortOut {
		port = reservation(at)
	}
	return c.conf.Store.Finish(ctx, at, change.ID, to, port, r, endedLetter(change.Kind, to, l.Number))
}
