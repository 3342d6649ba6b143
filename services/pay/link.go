package pay

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Why a mandate was refused, beside the bank's codes and the words that it gives a browser.
const (
	WhyHolder = "holder_mismatch" // the account is of somebody else
	WhyLetter = "letter"          // what the bank gave was no letter of its, or of other limits
	WhyBank   = "unreachable"     // the bank did not answer when it was asked
	WhyNoCode = "no_code"         // the browser came back with neither a code nor a reason
	WhyOther  = "other"           // with a reason that nobody knows
)

// bankReasons are what the bank gives a browser to bring.
var bankReasons = []string{WhyHolder, "no_account", "declined", "expired"}

// Times of a mandate.
const (
	// mandateLapse is a little more than the bank gives the person.
	mandateLapse = 15 * time.Minute
	// mandateLife is for how long a mandate is asked.
	mandateLife = 365 * 24 * time.Hour
	// retell is when the bank is told again that did not hear.
	retell = time.Minute
)

// Link records that a person wants to link an account, asks the bank, and returns the
// mandate and where the browser goes. holder is from the login that the person just went
// through. When the bank could not be asked there is no link, and the error is its.
func (p *Pay) Link(ctx context.Context, sub string, holder Attributes, id, state string, once, day int64) (Mandate, string, error) {
	w, err := p.open(ctx, sub)
	if err != nil {
		return Mandate{}, "", err
	}
	at := p.conf.Now()
	l, err := LimitsOf(holder, at)
	switch {
	case err != nil:
		return Mandate{}, "", err
	case !holder.whole():
		return Mandate{}, "", ErrFacts
	case w.Stopped():
		return Mandate{}, "", ErrStopped
	case once <= 0 || day < once:
		return Mandate{}, "", ErrAmount
	case once > l.Charge:
		return Mandate{}, "", ErrChargeOnce
	case day > l.ChargeDay:
		return Mandate{}, "", ErrChargeDay
	}
	m := Mandate{ID: id, Wallet: w.ID, State: MandateAsked, Holder: holder, LimitOnce: once, LimitDay: day, ValidTo: at.Add(mandateLife).Truncate(time.Second), AskedAt: at}
	if err := p.conf.Store.AskMandate(ctx, at, m); err != nil {
		return Mandate{}, "", err
	}
	to, err := p.conf.Bank.Push(ctx, m, state)
	if err != nil {
		// Whether the bank heard of it is open: it is told that it is over.
		return m, "", errors.Join(err, p.drop(ctx, id, WhyBank))
	}
	return m, to, nil
}

// drop refuses an asked mandate, and tells the bank.
func (p *Pay) drop(ctx context.Context, id, why string) error {
	err := p.conf.Store.Drop(ctx, p.conf.Now(), id, MandateRefused, why, false)
	if errors.Is(err, ErrMoved) {
		return nil // it is over already
	}
	if err != nil {
		return err
	}
	return p.tellBank(ctx, id)
}

// tellBank tells the bank now that a mandate is over, or has it told later.
func (p *Pay) tellBank(ctx context.Context, id string) error {
	if err := p.conf.Bank.End(ctx, id); err != nil {
		p.conf.Log.WarnContext(ctx, "the bank did not hear that a mandate is over; it is told again", "mandate", id, "error", err)
		return p.conf.Store.Told(ctx, id, p.conf.Now().Add(retell))
	}
	return p.conf.Store.Told(ctx, id, time.Time{})
}

// Return takes what the browser brought back from the bank for a mandate that this person
// asked for: a code, or the bank's reason. The holder in the bank's letter is compared
// letter by letter with the one of the mandate. It returns the mandate with ErrLinkRefused
// when there is no link; any other error leaves it asked, and the same again is tried anew.
func (p *Pay) Return(ctx context.Context, sub, id, code, reason string) (Mandate, error) {
	w, err := p.open(ctx, sub)
	if err != nil {
		return Mandate{}, err
	}
	m, err := p.conf.Store.Mandate(ctx, w.ID, id)
	if err != nil {
		return Mandate{}, err
	}
	if m.State == MandateAsked {
		if err := p.settle(ctx, m, code, reason); err != nil {
			return m, err
		}
		if m, err = p.conf.Store.Mandate(ctx, w.ID, id); err != nil {
			return m, err
		}
	}
	if m.State != MandateActive {
		return m, ErrLinkRefused
	}
	return m, nil
}

func (p *Pay) settle(ctx context.Context, m Mandate, code, reason string) error {
	if code == "" {
		switch {
		case reason == "":
			reason = WhyNoCode
		case !slices.Contains(bankReasons, reason):
			reason = WhyOther
		}
		return p.drop(ctx, m.ID, reason)
	}
	g, err := p.conf.Bank.Redeem(ctx, m.ID, code)
	no, refused := errors.AsType[*BankRefusal](err)
	switch {
	case refused:
		return p.drop(ctx, m.ID, no.Code)
	case errors.Is(err, ErrBankLetter):
		return p.drop(ctx, m.ID, WhyLetter)
	case err != nil:
		return err
	case g.Holder != m.Holder:
		return p.drop(ctx, m.ID, WhyHolder)
	case g.Account == "" || g.LimitOnce <= 0 || g.LimitOnce > m.LimitOnce || g.LimitDay > m.LimitDay || g.ValidTo.After(m.ValidTo) || g.FirstLimit <= 0 ||
		g.FirstUntil.IsZero() || g.GrantedAt.IsZero() || len(g.Evidence) != 64:
		return p.drop(ctx, m.ID, WhyLetter)
	}
	err = p.conf.Store.Grant(ctx, p.conf.Now(), g)
	if errors.Is(err, ErrMoved) { // it lapsed meanwhile, or another request of this browser was first
		return nil
	}
	return err
}

// Mandates are all of a person's wallet, the newest first.
func (p *Pay) Mandates(ctx context.Context, sub string) ([]Mandate, error) {
	w, err := p.open(ctx, sub)
	if err != nil {
		return nil, err
	}
	return p.conf.Store.Mandates(ctx, w.ID)
}

// End ends a mandate of a person's, and tells the bank. One that is over stays as it is.
// It returns ErrNotFound.
func (p *Pay) End(ctx context.Context, sub, id string) error {
	w, err := p.open(ctx, sub)
	if err != nil {
		return err
	}
	if _, err := p.conf.Store.Mandate(ctx, w.ID, id); err != nil {
		return err
	}
	if err := p.conf.Store.EndMandate(ctx, p.conf.Now(), id, ByWallet); err != nil {
		return err
	}
	m, err := p.conf.Store.Mandate(ctx, w.ID, id)
	if err != nil || m.Told {
		return err
	}
	return p.tellBank(ctx, id)
}

// Ended takes the bank's letter that a mandate is over. The same letter again, and one about
// a mandate that we do not have, change nothing: under none of them is anything taken. It
// returns ErrBankLetter, and errors of package httpd and the store.
func (p *Pay) Ended(ctx context.Context, letter string) error {
	var body struct {
		ID string    `json:"id"`
		At time.Time `json:"at"`
	}
	if err := p.conf.Bank.Read(ctx, "mandate-ended+jwt", letter, &body); err != nil {
		return err
	}
	if body.ID == "" {
		return ErrBankLetter.Because(errors.New("pay: without an id"))
	}
	err := p.conf.Store.EndMandate(ctx, p.conf.Now(), body.ID, ByBank)
	if errors.Is(err, ErrNotFound) {
		p.conf.Log.WarnContext(ctx, "the bank ended a mandate that is not here")
		return nil
	}
	return err
}
