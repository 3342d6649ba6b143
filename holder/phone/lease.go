package phone

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"tegata/holder/element"
	"tegata/internal/clock"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// CheckIn tells the authority that this phone is still in its holder's hands:
// signed by the element, with the element's own account of resets, boot state
// and the last unlock. What it answers, holds included, is kept.
func (p *Phone) CheckIn(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	_, live, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	if live == nil {
		return ErrNotRegistered
	}
	return p.checkIn(ctx, live)
}

func (p *Phone) checkIn(ctx context.Context, e *Enrolment) error {
	var c ra.CheckedIn
	claims := ra.CheckInClaims{StepClaims: p.claims(e.ID, ra.StepCheckIn)}
	err := p.post(ctx, element.TypeCheckIn, "/v1/checkins", claims, nil, &c)
	now := p.now()
	if why := ""; err != nil {
		if why = endedWhy(err); why != "" {
			return p.gone(ctx, e, why, err)
		}
		e.NextCheckIn = now.Add(checkInRetry)
		if kept := p.keep(ctx, e); kept != nil {
			return kept
		}
		return err
	}
	if c.State == ra.StateEnded {
		return p.gone(ctx, e, string(c.State), ra.ErrEnrolmentEnded)
	}
	e.LastCheckIn, e.NextCheckIn, e.Holds = now, now.Add(checkInEvery), c.Holds
	if err := p.keep(ctx, e); err != nil {
		return err
	}
	return p.note(ctx, &Use{Kind: UseCheckIn, Result: ResultDone})
}

// gone writes down that the authority ended a registered pair.
func (p *Phone) gone(ctx context.Context, e *Enrolment, why string, err error) error {
	if kept := p.end(ctx, e, why); kept != nil {
		return kept
	}
	if noted := p.note(ctx, ended(UseCheckIn, why, err)); noted != nil {
		return noted
	}
	return err
}

var _ clock.Work = (*Phones)(nil)

// NextDue is when the next phone that is on checks in by itself.
func (ps *Phones) NextDue(ctx context.Context) (time.Time, bool, error) {
	due, _, err := ps.next(ctx)
	return due, !due.IsZero(), err
}

func (ps *Phones) next(ctx context.Context) (due time.Time, first *Phone, err error) {
	all, err := ps.All(ctx)
	if err != nil {
		return due, nil, err
	}
	for _, p := range all {
		r, err := p.record(ctx)
		if err != nil {
			return due, nil, err
		}
		_, live, _, err := p.enrolments(ctx)
		if err != nil {
			return due, nil, err
		}
		if !r.Power || !r.Network || live == nil || live.Step != StepRegistered {
			continue // a phone that is off does nothing, and nobody waits for it
		}
		if first == nil || live.NextCheckIn.Before(due) {
			due, first = live.NextCheckIn, p
		}
	}
	return due, first, nil
}

// RunDue checks in for every phone whose time has come. An authority that does
// not answer is tried again an hour later.
func (ps *Phones) RunDue(ctx context.Context, at time.Time) error {
	for {
		due, p, err := ps.next(ctx)
		if err != nil || p == nil || due.After(at) {
			return err
		}
		if err := p.CheckIn(ctx); err != nil {
			if problem.From(err).Kind == problem.OurFault {
				return err
			}
			ps.c.Log.InfoContext(ctx, "check-in did not succeed", "phone", p.id, "code", problem.From(err).Code)
		}
	}
}

// Stop ends the use of the certificates (利用停止, スマホを手放す): they are revoked
// at the authority first, then the element is wiped. The receipt proves it to
// anybody. Repeated after a crash it goes on.
func (p *Phone) Stop(ctx context.Context) (Receipt, error) {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.connected(ctx)
	if err != nil {
		return Receipt{}, err
	}
	open, live, last, err := p.enrolments(ctx)
	if err != nil {
		return Receipt{}, err
	}
	if open != nil {
		if err := p.abandon(ctx, open); err != nil {
			return Receipt{}, err
		}
	}
	switch {
	case live != nil:
	case last != nil && last.Ended == endedStopped && r.Receipt != nil:
		return *r.Receipt, nil // done before; its answer was lost
	default:
		return Receipt{}, ErrNotRegistered
	}
	if live.Step != StepStopping {
		live.Step = StepStopping
		if err := p.keep(ctx, live); err != nil {
			return Receipt{}, err
		}
	}
	var s ra.Stopped
	if err := p.step(ctx, "/v1/revocations", p.claims(live.ID, ra.StepStop), nil, &s); err != nil {
		if why := endedWhy(err); why != "" {
			if err := p.gone(ctx, live, why, err); problem.From(err).Kind == problem.OurFault {
				return Receipt{}, err
			}
			if wiped := p.element.Reset(); wiped != nil { // nothing was left to revoke
				return Receipt{}, fmt.Errorf("phone: wipe: %w", wiped)
			}
		}
		return Receipt{}, err
	}
	r.Receipt = &Receipt{URL: p.phones.c.Issuer + "/v1/revocations/" + s.Receipt, ID: s.Receipt, Tag: s.Tag, At: s.RevokedAt}
	if page := p.phones.c.Receipts; page != "" {
		r.Receipt.Page = page + "?id=" + url.QueryEscape(s.Receipt)
	}
	if err := p.store().PutPhone(ctx, r); err != nil {
		return Receipt{}, fmt.Errorf("phone: receipt: %w", err)
	}
	if err := p.note(ctx, &Use{ID: s.Receipt, Kind: UseStopped, Result: ResultDone}); err != nil {
		return Receipt{}, err
	}
	if err := p.end(ctx, live, endedStopped); err != nil {
		return Receipt{}, err
	}
	if err := p.element.Reset(); err != nil {
		return Receipt{}, fmt.Errorf("phone: wipe: %w", err)
	}
	return *r.Receipt, nil
}

// Reset is a factory reset: nothing of the person's is left on the phone, and
// nobody is told. What the authority still holds good ends as a lease does, or
// when this element is registered again.
func (p *Phone) Reset(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.powered(ctx)
	if err != nil {
		return err
	}
	if err := p.element.Reset(); err != nil {
		return fmt.Errorf("phone: reset: %w", err)
	}
	if err := p.store().Wipe(ctx, p.now(), p.id); err != nil {
		return fmt.Errorf("phone: reset: %w", err)
	}
	r.Picture, r.Word, r.Prefer = "", "", ""
	return p.store().PutPhone(ctx, r)
}

// Unlock compares the PIN for its own sake: it renews the person's half of the
// lease, and tells the authority at once when it can.
func (p *Phone) Unlock(ctx context.Context, pin secret.PIN) error {
	return p.touch(ctx, element.Unlock{PIN: pin})
}

func (p *Phone) touch(ctx context.Context, u element.Unlock) error {
	p.work.Lock()
	defer p.work.Unlock()
	s, err := p.unlock(ctx, u)
	if err != nil {
		return err
	}
	s.Close()
	_, live, _, err := p.enrolments(ctx)
	if err != nil || live == nil {
		return err
	}
	// A hold for silence ends by unlock *and* check-in: the person who typed the
	// PIN is here now. Without a network the next check-in does it.
	if err := p.checkIn(ctx, live); err != nil && problem.From(err).Kind != problem.CouldNotCheck {
		return err
	}
	return nil
}

// unlock opens a key and writes wrong tries into the history.
func (p *Phone) unlock(ctx context.Context, u element.Unlock) (*element.Session, error) {
	if _, err := p.powered(ctx); err != nil {
		return nil, err
	}
	s, err := p.element.Unlock(u)
	if err == nil {
		return s, nil
	}
	return nil, p.notUnlocked(ctx, err)
}

// notUnlocked writes into the history why nothing was unlocked, and returns it in
// our words.
func (p *Phone) notUnlocked(ctx context.Context, err error) error {
	err = secretProblem(err)
	if noted := p.note(ctx, refusal(UseUnlock, err)); noted != nil {
		return noted
	}
	return err
}
