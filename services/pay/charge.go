package pay

import (
	"context"
	"errors"
	"time"
)

// firstAsk is when a charge is asked again of which the asking process died; after that the
// time doubles, up to lastAsk.
const (
	firstAsk = time.Minute
	lastAsk  = time.Hour
)

// Charge fills a person's wallet under a mandate. The charge is recorded before the bank
// hears of it. The same id again asks for the same charge: it is never made twice. It
// returns ErrNotFound, ErrMoved, what a rule refuses, a *BankRefusal, and ErrUnclear.
func (p *Pay) Charge(ctx context.Context, sub, id, mandate string, amount int64) (Charge, error) {
	w, err := p.open(ctx, sub)
	if err != nil {
		return Charge{}, err
	}
	at := p.conf.Now()
	c, err := p.conf.Store.AskCharge(ctx, at, dayOf(at), Charge{ID: id, Wallet: w.ID, Mandate: mandate, Amount: amount, NextAt: at.Add(firstAsk)}, mayCharge(amount, at))
	if code := codeOf(err); code != "" {
		return Charge{}, errors.Join(err, p.conf.Store.Tell(ctx, w.ID, Notice{At: at, Kind: "charge-refused", Amount: amount, Why: code}))
	}
	if err != nil {
		return Charge{}, err
	}
	return p.ask(ctx, c)
}

// AskAgain asks the bank about a charge of a person's now. It returns ErrNotFound and what
// Charge returns of the bank.
func (p *Pay) AskAgain(ctx context.Context, sub, id string) (Charge, error) {
	w, err := p.open(ctx, sub)
	if err != nil {
		return Charge{}, err
	}
	c, err := p.conf.Store.Charge(ctx, w.ID, id)
	if err != nil {
		return Charge{}, err
	}
	return p.ask(ctx, c)
}

// ask asks the bank, and keeps its answer.
func (p *Pay) ask(ctx context.Context, c Charge) (Charge, error) {
	switch c.State {
	case ChargeDone:
		return c, nil
	case ChargeRefused:
		return c, &BankRefusal{Code: c.Why}
	}
	err := p.conf.Bank.Charge(ctx, c)
	no, refused := errors.AsType[*BankRefusal](err)
	switch {
	case refused:
		if err := p.conf.Store.ChargeRefused(ctx, p.conf.Now(), c.ID, no.Code); err != nil {
			return c, err
		}
		c.State, c.Why = ChargeRefused, no.Code
		return c, no
	case err != nil:
		wait := min(firstAsk<<min(c.Tries, 10), lastAsk)
		p.conf.Log.WarnContext(ctx, "a charge's answer is open; the bank is asked again", "charge", c.ID, "error", err)
		return c, errors.Join(ErrUnclear.Because(err), p.conf.Store.AskAgain(ctx, c.ID, p.conf.Now().Add(wait)))
	}
	if err := p.conf.Store.Charged(ctx, p.conf.Now(), c.ID); err != nil {
		return c, err
	}
	c.State = ChargeDone
	return c, nil
}

// NextDue is when something is due by itself; false when nothing is.
func (p *Pay) NextDue(ctx context.Context) (time.Time, bool, error) {
	at, err := p.conf.Store.NextDue(ctx, mandateLapse)
	return at, !at.IsZero(), err
}

// RunDue lets mandates lapse for which nobody came back, tells the bank what is over, ends
// sales that nobody paid in time, asks about charges whose answer is open, and erases what
// was kept long enough.
func (p *Pay) RunDue(ctx context.Context, at time.Time) error {
	late, err := p.conf.Store.Overdue(ctx, at.Add(-mandateLapse))
	if err != nil {
		return err
	}
	for _, m := range late {
		// Another process may have been first, or the person came back: then it is decided.
		if err := p.conf.Store.Drop(ctx, at, m.ID, MandateLapsed, "", false); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	tell, err := p.conf.Store.ToTell(ctx, at)
	if err != nil {
		return err
	}
	for _, m := range tell {
		if err := p.tellBank(ctx, m.ID); err != nil {
			return err
		}
	}
	unpaid, err := p.conf.Store.LateSales(ctx, at)
	if err != nil {
		return err
	}
	for _, s := range unpaid {
		if err := p.conf.Store.EndSale(ctx, at, s.ID, SaleOver, WhyUnanswered); err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
	due, err := p.conf.Store.DueCharges(ctx, at)
	if err != nil {
		return err
	}
	for _, c := range due {
		_, err := p.ask(ctx, c)
		if _, refused := errors.AsType[*BankRefusal](err); err != nil && !refused && !errors.Is(err, ErrUnclear) {
			// One wallet's trouble is not the others': it is said, and tried again.
			p.conf.Log.ErrorContext(ctx, "a charge could not be kept", "charge", c.ID, "error", err)
			if err := p.conf.Store.AskAgain(ctx, c.ID, at.Add(lastAsk)); err != nil {
				return err
			}
		}
	}
	return p.conf.Store.Erase(ctx, at)
}
