package phone

import (
	"context"
	"fmt"
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

// errand is what a phone does by itself at its time.
type errand struct {
	at    time.Time
	phone *Phone
	do    func(context.Context) error
}

// NextDue is when the next phone that is on checks in by itself, or tells what it
// could not tell before.
func (ps *Phones) NextDue(ctx context.Context) (time.Time, bool, error) {
	next, err := ps.next(ctx)
	if err != nil || next == nil {
		return time.Time{}, false, err
	}
	return next.at, true, nil
}

func (ps *Phones) next(ctx context.Context) (first *errand, err error) {
	all, err := ps.All(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range all {
		r, err := p.record(ctx)
		if err != nil {
			return nil, err
		}
		if !r.Power || !r.Network {
			continue // a phone that is off does nothing, and nobody waits for it
		}
		errands, err := p.errands(ctx)
		if err != nil {
			return nil, err
		}
		for _, e := range errands {
			if first == nil || e.at.Before(first.at) {
				first = &e
			}
		}
	}
	return first, nil
}

func (p *Phone) errands(ctx context.Context) (list []errand, err error) {
	_, live, _, err := p.enrolments(ctx)
	if err != nil {
		return nil, err
	}
	if live != nil { // also one that was about to be given up, when nobody said that it was
		list = append(list, errand{live.NextCheckIn, p, p.CheckIn})
	}
	orders, err := p.store().Orders(ctx, p.id)
	if err != nil {
		return nil, fmt.Errorf("phone: %s: orders: %w", p.id, err)
	}
	for _, o := range orders {
		list = append(list, errand{o.Next, p, p.Deliver})
	}
	withdrawn, err := p.withdrawals(ctx)
	return append(list, withdrawn...), err
}

// RunDue does what phones do by themselves, for each whose time has come. An authority
// that does not answer is tried again an hour later.
func (ps *Phones) RunDue(ctx context.Context, at time.Time) error {
	for {
		next, err := ps.next(ctx)
		if err != nil || next == nil || next.at.After(at) {
			return err
		}
		if err := next.do(ctx); err != nil {
			if problem.From(err).Kind == problem.OurFault {
				return err
			}
			ps.c.Log.InfoContext(ctx, "the authority was not told", "phone", next.phone.id, "code", problem.From(err).Code)
		}
	}
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
