package phone

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"tegata/holder/element"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// Giving a phone up (スマホを手放す). The order is always the same: revoked at the
// authority first, then wiped, and the receipt proves it to anybody. Only when the
// authority cannot be reached, and the person says so, is the phone wiped first; its
// word that the certificates are to be revoked was signed and kept before.

// endedForced is a registration whose phone was wiped before the authority was told.
const endedForced = "forced"

// ErrNotRevokedYet is a phone that was wiped while its certificates are still good.
var ErrNotRevokedYet = problem.NewCouldNotCheck("not-revoked-yet",
	"電子証明書は、まだ失効していません。", "スマホがつながりしだい、失効の届け出を自動で送ります。急ぐときは、停止コードかカードで止めてください。",
	"The certificates are not revoked yet.", "As soon as the phone has a line it tells the authority by itself. If it is urgent, stop them by lock code or card.")

// Stop ends the use of the certificates (利用停止, スマホを手放す): they are revoked
// at the authority first, then the element is wiped. The receipt proves it to
// anybody. Repeated after a crash it goes on. A phone whose pair ended another way, by a
// new phone that took over for example, is wiped and gets its receipt too.
func (p *Phone) Stop(ctx context.Context) (Receipt, error) {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.connected(ctx)
	if err != nil {
		return Receipt{}, err
	}
	return p.stop(ctx, r)
}

func (p *Phone) stop(ctx context.Context, r Record) (Receipt, error) {
	open, live, last, err := p.enrolments(ctx)
	if err != nil {
		return Receipt{}, err
	}
	if open != nil {
		if err := p.abandon(ctx, open); err != nil {
			return Receipt{}, err
		}
		if last == open && live == nil { // what was registered before it
			if last, err = p.registeredBefore(ctx); err != nil {
				return Receipt{}, err
			}
		}
	}
	switch {
	case live != nil:
		return p.stopLive(ctx, r, live)
	case last != nil && r.Receipt != nil && (r.Receipt.Of == last.ID || r.Receipt.Of == "" && last.Ended == endedStopped):
		return *r.Receipt, nil // done before; its answer was lost
	case last != nil && !last.RegisteredAt.IsZero() && p.element.HasKeys():
		return p.stopEnded(ctx, r, last)
	}
	return Receipt{}, ErrNotRegistered
}

// registeredBefore is the newest registration that was ever in use; nil when there is none.
func (p *Phone) registeredBefore(ctx context.Context) (*Enrolment, error) {
	all, err := p.store().Enrolments(ctx, p.id)
	if err != nil {
		return nil, fmt.Errorf("phone: %s: registrations: %w", p.id, err)
	}
	for i := range all {
		if !all[i].RegisteredAt.IsZero() {
			return &all[i], nil
		}
	}
	return nil, nil
}

// stopLive gives up the pair in use.
func (p *Phone) stopLive(ctx context.Context, r Record, live *Enrolment) (Receipt, error) {
	if live.Step != StepStopping {
		live.Step = StepStopping
		if err := p.keep(ctx, live); err != nil {
			return Receipt{}, err
		}
	}
	var s ra.Stopped
	if err := p.step(ctx, "/v1/revocations", p.claims(live.ID, ra.StepStop), nil, &s); err != nil {
		why := endedWhy(err)
		if why == "" {
			return Receipt{}, err
		}
		if err := p.gone(ctx, live, why, err); problem.From(err).Kind == problem.OurFault {
			return Receipt{}, err
		}
		receipt, failed := p.stopEnded(ctx, r, live)
		if failed == nil || !final(failed) {
			return receipt, failed
		}
		if wiped := p.element.Reset(); wiped != nil { // nothing was left to revoke
			return Receipt{}, fmt.Errorf("phone: wipe: %w", wiped)
		}
		return Receipt{}, err
	}
	return p.stopped(ctx, r, live, s)
}

// stopEnded asks for the receipt of a pair that ended already.
func (p *Phone) stopEnded(ctx context.Context, r Record, e *Enrolment) (Receipt, error) {
	var s ra.Stopped
	if err := p.step(ctx, "/v1/revocations", p.claims(e.ID, ra.StepReceipt), nil, &s); err != nil {
		return Receipt{}, err
	}
	return p.stopped(ctx, r, e, s)
}

// stopped keeps the receipt, and wipes.
func (p *Phone) stopped(ctx context.Context, r Record, e *Enrolment, s ra.Stopped) (Receipt, error) {
	if err := p.keepReceipt(ctx, r, e.ID, s); err != nil {
		return Receipt{}, err
	}
	if e.Step != StepEnded {
		if err := p.end(ctx, e, endedStopped); err != nil {
			return Receipt{}, err
		}
	}
	if err := p.element.Reset(); err != nil {
		return Receipt{}, fmt.Errorf("phone: wipe: %w", err)
	}
	return p.receiptOf(e.ID, s), nil
}

func (p *Phone) receiptOf(of string, s ra.Stopped) Receipt {
	receipt := Receipt{URL: p.phones.c.Issuer + "/v1/revocations/" + s.Receipt, ID: s.Receipt, Tag: s.Tag, At: s.RevokedAt, Of: of}
	if page := p.phones.c.Receipts; page != "" {
		receipt.Page = page + "?id=" + url.QueryEscape(s.Receipt)
	}
	return receipt
}

func (p *Phone) keepReceipt(ctx context.Context, r Record, of string, s ra.Stopped) error {
	receipt := p.receiptOf(of, s)
	r.Receipt = &receipt
	if err := p.store().PutPhone(ctx, r); err != nil {
		return fmt.Errorf("phone: receipt: %w", err)
	}
	return p.note(ctx, &Use{ID: s.Receipt, Kind: UseStopped, Result: ResultDone})
}

// ForceStop is Stop on a phone that cannot reach the authority: it is wiped, and its
// word that the certificates are to be revoked is sent when there is a line again. Until
// then they are good. What can be told at once is told: a phone with a line does Stop.
// Repeated after a crash it goes on.
func (p *Phone) ForceStop(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	r, err := p.powered(ctx)
	if err != nil {
		return err
	}
	if r.Network {
		_, err := p.stop(ctx, r)
		if err == nil || problem.From(err).Kind != problem.CouldNotCheck {
			return err
		}
	}
	open, live, _, err := p.enrolments(ctx)
	if err != nil {
		return err
	}
	e := live
	if e == nil {
		if e, err = p.registeredBefore(ctx); err != nil {
			return err
		}
	}
	if e == nil || !p.element.HasKeys() {
		return ErrNotRegistered
	}
	message, err := p.element.SignStep(element.TypeEnrolment, p.claims(e.ID, ra.StepStopLate), nil)
	if err != nil {
		return fmt.Errorf("phone: order: %w", err)
	}
	now := p.now()
	// Kept before anything is wiped: afterwards nobody could sign it.
	if err := p.store().PutOrder(ctx, now, Order{ID: e.ID, Phone: p.id, Message: message, At: now, Next: now}); err != nil {
		return fmt.Errorf("phone: order: %w", err)
	}
	return p.wipeUntold(ctx, open, e)
}

// wipeUntold is what comes after the order was kept.
func (p *Phone) wipeUntold(ctx context.Context, open, e *Enrolment) error {
	if err := p.note(ctx, &Use{ID: "order " + e.ID, Kind: UseStopped, Result: ResultPending}); err != nil {
		return err
	}
	for _, one := range []struct {
		e   *Enrolment
		why string
	}{{open, endedAbandoned}, {e, endedForced}} {
		if one.e != nil && one.e.Step != StepEnded {
			if err := p.end(ctx, one.e, one.why); err != nil {
				return err
			}
		}
	}
	if err := p.element.Reset(); err != nil {
		return fmt.Errorf("phone: wipe: %w", err)
	}
	return nil
}

// recoverGivenUp finishes the wiping of a phone that was killed on the way.
func (p *Phone) recoverGivenUp(ctx context.Context, open, live, last *Enrolment) error {
	if !p.element.HasKeys() {
		return nil
	}
	orders, err := p.store().Orders(ctx, p.id)
	if err != nil {
		return err
	}
	for _, e := range []*Enrolment{live, last} {
		for _, o := range orders {
			if e != nil && o.ID == e.ID { // its keys are still here
				return p.wipeUntold(ctx, open, e)
			}
		}
	}
	if live != nil || open != nil || last == nil {
		return nil
	}
	r, err := p.record(ctx)
	if err != nil {
		return err
	}
	if last.Ended == endedStopped || r.Receipt != nil && r.Receipt.Of == last.ID {
		return p.element.Reset() // the authority had revoked, the wiping was next
	}
	return nil
}

// Deliver tells the authority what it could not be told when the phone was wiped.
// ErrNotRevokedYet when it cannot be told now either.
func (p *Phone) Deliver(ctx context.Context) error {
	p.work.Lock()
	defer p.work.Unlock()
	orders, err := p.store().Orders(ctx, p.id)
	if err != nil || len(orders) == 0 {
		return err
	}
	if _, err := p.connected(ctx); err != nil {
		return ErrNotRevokedYet.Because(err)
	}
	for _, o := range orders {
		if err := p.tellOrder(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

func (p *Phone) tellOrder(ctx context.Context, o Order) error {
	var s ra.Stopped
	err := httpd.PostJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+"/v1/revocations", ra.StepBody{Step: o.Message}, &s)
	now := p.now()
	if err != nil && !undeliverable(err) {
		o.Next = now.Add(checkInRetry)
		if kept := p.store().PutOrder(ctx, now, o); kept != nil {
			return fmt.Errorf("phone: order: %w", kept)
		}
		return ErrNotRevokedYet.Because(err)
	}
	use := &Use{Kind: UseStopped, Result: ResultDone}
	if err != nil {
		use = refusal(UseStopped, err)
	} else if r, err := p.record(ctx); err != nil {
		return err
	} else if err := p.keepReceipt(ctx, r, o.ID, s); err != nil {
		return err
	}
	use.ID, use.At = "order "+o.ID, o.At
	if err := p.note(ctx, use); err != nil {
		return err
	}
	if err := p.store().DropOrder(ctx, now, p.id, o.ID); err != nil {
		return fmt.Errorf("phone: order: %w", err)
	}
	return nil
}

// undeliverable tells whether an order will never be taken: it is too old, so that every
// lease has ended, or the authority knows of no such phone, or refuses the order itself.
// A counter that is behind is no such thing: it says that a copy of the element is about,
// and then the certificates may well be good. The order is kept and sent again.
func undeliverable(err error) bool {
	switch problem.From(err).Code {
	case ra.CodeStepStale:
		return true
	case ra.CodeElementSuspected:
		return false
	}
	return final(err)
}

// waiting is since when the phone has been wiped and the authority not told; zero when
// there is nothing to tell.
func (p *Phone) waiting(ctx context.Context) (since time.Time, err error) {
	orders, err := p.store().Orders(ctx, p.id)
	if err != nil {
		return since, fmt.Errorf("phone: %s: orders: %w", p.id, err)
	}
	for _, o := range orders {
		if since.IsZero() || o.At.Before(since) {
			since = o.At
		}
	}
	return since, nil
}

// RevokeByCard revokes the phone of whoever's card is held to this one, for good: that
// phone may be switched off, or gone. Any phone will do, and nothing of it stays here but
// the receipt that is returned.
func (p *Phone) RevokeByCard(ctx context.Context, pin secret.PIN) (Receipt, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return Receipt{}, err
	}
	word, err := p.word(ctx, pin, ra.CardWord{Purpose: ra.WordRevoke})
	if err != nil {
		return Receipt{}, err
	}
	var s ra.Stopped
	err = httpd.PostJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+"/v1/revocations", ra.Revocation{Word: word}, &s)
	return p.receiptOf("", s), err
}
