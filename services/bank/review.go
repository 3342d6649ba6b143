package bank

import (
	"context"
	"errors"
	"slices"
	"time"

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
	if err := b.tellCreditors(ctx, at); err != nil {
		return err
	}
	return b.conf.Store.Erase(ctx, at)
}

// review asks for the certificate's status anew: who lost the phone after they signed, or
// never signed and found out, stopped it by then.
func (b *Bank) review(ctx context.Context, at time.Time, a Application) error {
	v, err := b.conf.Verifier.Verify(ctx, a.Signature, a.Document)
	if err != nil {
		b.conf.Log.WarnContext(ctx, "a review could not be done; it is tried again", "application", a.ID, "error", err)
		return b.conf.Store.Postpone(ctx, a.ID, at.Add(retryReview))
	}
	r := a.Record
	status, asOf := v.Status()
	r.Reviewer, r.ReviewedAt, r.StatusAtReview = automatic, at, status
	switch {
	case status == "good" && asOf.Before(a.DueAt):
		// What the verifier heard last is from before the review was due: who stopped the phone
		// until then counts, also when the news takes its time.
		return b.conf.Store.Postpone(ctx, a.ID, at.Add(retryNews))
	case status == "held" || status == "revoked":
		return b.stop(ctx, at, a, WhyCertificate, r)
	case v.Verdict == "indeterminate": // the status could not be learned
		return b.conf.Store.Postpone(ctx, a.ID, at.Add(retryReview))
	case v.Verdict != relying.Passed:
		return b.stop(ctx, at, a, WhyCertificate, r)
	case slices.Contains(b.listed, listed{sameName(a.Attributes.Name), a.Attributes.Birthdate}):
		return b.stop(ctx, at, a, WhyScreening, r)
	}
	until := at.Add(Cooling)
	return b.conf.Store.Open(ctx, at, a.ID, r, until, b.word(a.Choices.Product, false, until))
}

func (b *Bank) stop(ctx context.Context, at time.Time, a Application, why string, r Record) error {
	r.RetentionUntil = Retention(at)
	return b.conf.Store.Stop(ctx, at, a.ID, why, r)
}
