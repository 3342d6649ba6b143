package bank

import (
	"context"
	"errors"
	"slices"
	"time"

	"tegata/services/guardian"
	"tegata/services/relying"
)

// automatic is who reviews: there is no clerk at this bank.
const automatic = "automatic"

// NextDue is when something is due by itself; false when nothing is.
func (b *Bank) NextDue(ctx context.Context) (time.Time, bool, error) {
	at, err := b.conf.Store.NextDue(ctx)
	return at, !at.IsZero(), err
}

// RunDue does the reviews that are due at a moment, ends what waited for too long and the
// first days of accounts, tells creditors, and erases what was kept long enough.
func (b *Bank) RunDue(ctx context.Context, at time.Time) error {
	due, err := b.conf.Store.Due(ctx, at)
	if err != nil {
		return err
	}
	for _, a := range due {
		// Another process may have been first: then it is decided.
		if err := b.review(ctx, at, a); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	if err := b.conf.Store.Lapse(ctx, at); err != nil {
		return err
	}
	if err := b.conf.Store.Cooled(ctx, at); err != nil {
		return err
	}
	if err := b.conf.Store.Unconsented(ctx, at, unconsentedLetter()); err != nil {
		return err
	}
	if err := b.tellCreditors(ctx, at); err != nil {
		return err
	}
	return b.conf.Store.Erase(ctx, at)
}

// finding is what is known of a signature at a review.
type finding struct {
	status string        // good, held, revoked; "" when it could not be learned
	holds  bool          // the signature does, by a certificate that was good when the review was due
	again  time.Duration // after which it is asked for again; 0: it is known
}

// anew asks for the certificate's status anew: who lost the phone after they signed, or
// never signed and found out, stopped it by then.
func (b *Bank) anew(ctx context.Context, a Application, signature, document []byte) finding {
	v, err := b.conf.Verifier.Verify(ctx, signature, document)
	if err != nil {
		b.conf.Log.WarnContext(ctx, "a review could not be done; it is tried again", "application", a.Reference(), "error", err)
		return finding{again: retryReview}
	}
	status, asOf := v.Status()
	switch {
	case status == "good" && asOf.Before(a.DueAt):
		// What the verifier heard last is from before the review was due: who stopped the phone
		// until then counts, also when the news takes its time.
		return finding{again: retryNews}
	case status == "held" || status == "revoked":
		return finding{status: status}
	case v.Verdict == "indeterminate": // the status could not be learned
		return finding{again: retryReview}
	}
	return finding{status: status, holds: v.Verdict == relying.Passed}
}

// review decides on an application.
func (b *Bank) review(ctx context.Context, at time.Time, a Application) error {
	f := b.anew(ctx, a, a.Signature, a.Document)
	r := a.Record
	r.Reviewer, r.ReviewedAt, r.StatusAtReview = automatic, at, f.status
	switch {
	case f.again > 0:
		return b.conf.Store.Postpone(ctx, a.ID, at.Add(f.again))
	case !f.holds:
		return b.stop(ctx, at, a, WhyCertificate, r)
	case b.isListed(a.Attributes.Name, a.Attributes.Birthdate):
		return b.stop(ctx, at, a, WhyScreening, r)
	}
	c, err := b.conf.Store.ConsentTo(ctx, a.ID)
	switch {
	case errors.Is(err, guardian.ErrUnknown): // of age
	case err != nil:
		return err
	default:
		if f := b.anew(ctx, a, c.Signature, c.Document); f.again > 0 {
			return b.conf.Store.Postpone(ctx, a.ID, at.Add(f.again))
		} else if !f.holds {
			return b.stop(ctx, at, a, guardian.WhyCertificate, r)
		}
		// That somebody is a parent is what they declared. A stranger may declare it too; one who
		// lives there is held for what they say, and for anybody else there is the branch.
		if !c.SameAddress(a.Attributes.Address) {
			return b.stop(ctx, at, a, guardian.WhyAddress, r)
		}
		r.Guardian = GuardianSameAddress
		if b.isListed(c.Guardian.Name, c.Guardian.Birthdate) {
			return b.stop(ctx, at, a, WhyScreening, r)
		}
	}
	until := at.Add(Cooling)
	return b.conf.Store.Open(ctx, at, a.ID, r, until, b.word(a.Choices.Product, false, until))
}

// isListed says whether somebody is on the list of sanctioned people.
func (b *Bank) isListed(name, birthdate string) bool {
	return slices.Contains(b.listed, listed{sameName(name), birthdate})
}

func (b *Bank) stop(ctx context.Context, at time.Time, a Application, why string, r Record) error {
	r.RetentionUntil = Retention(at)
	return b.conf.Store.Stop(ctx, at, a.ID, why, r, unopenedLetter())
}
