package pay

import (
	"fmt"
	"time"
)

// Limits are in whole yen.
type Limits struct {
	Pay       int64 // a payment
	PayDay    int64 // all payments of a day
	Charge    int64 // a charge
	ChargeDay int64 // all charges of a day
	Balance   int64 // what a wallet may hold
}

// LimitsOf are those of a holder on a day; ErrTooYoung below 15.
func LimitsOf(holder Attributes, at time.Time) (Limits, error) {
	birth, err := time.Parse(time.DateOnly, holder.Birthdate)
	if err != nil {
		return Limits{}, fmt.Errorf("pay: birthdate: %w", err)
	}
	switch years := age(birth, at); {
	case years < 15:
		return Limits{}, ErrTooYoung
	case years < 18: // 民法 第4条: a minor may dispose of what they were given for a purpose (第5条第3項), in small sums
		return Limits{Pay: 5_000, PayDay: 10_000, Charge: 5_000, ChargeDay: 10_000, Balance: 30_000}, nil
	}
	return Limits{Pay: 50_000, PayDay: 100_000, Charge: 50_000, ChargeDay: 100_000, Balance: 300_000}, nil
}

// japan is where days and birthdays begin.
var japan = time.FixedZone("JST", 9*60*60)

// age is in years on the day of now.
func age(birth, now time.Time) int {
	now = now.In(japan)
	years := now.Year() - birth.Year()
	if now.Month() < birth.Month() || now.Month() == birth.Month() && now.Day() < birth.Day() {
		years--
	}
	return years
}

// dayOf is when the day of a moment began.
func dayOf(at time.Time) time.Time {
	y, m, d := at.In(japan).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, japan)
}

// NightFrom and NightTo are the hours between which no money moves.
const (
	NightFrom = 23
	NightTo   = 6
)

// moves says why money of a wallet does not move at a moment.
func moves(w Wallet, at time.Time) error {
	h := at.In(japan).Hour()
	switch {
	case !w.Open():
		return ErrNotFound
	case w.Stopped():
		return ErrStopped
	case !w.NightOpen && (h >= NightFrom || h < NightTo):
		return ErrNight
	}
	return nil
}

// mayCharge is the rule of a charge.
func mayCharge(amount int64, at time.Time) Rule {
	return func(s Standing) error {
		l, err := LimitsOf(s.Wallet.Holder, at)
		if err != nil {
			return err
		}
		m := s.Mandate
		switch err := moves(s.Wallet, at); {
		case err != nil:
			return err
		case m.Wallet != s.Wallet.ID:
			return ErrNotFound
		case m.State != MandateActive || !at.Before(m.ValidTo):
			return ErrMandateOver
		case amount <= 0:
			return ErrAmount
		case amount > l.Charge || amount > m.LimitOnce:
			return ErrChargeOnce
		case s.ChargedToday+amount > l.ChargeDay || s.UnderToday+amount > m.LimitDay:
			return ErrChargeDay
		case at.Before(m.FirstUntil) && s.UnderFirst+amount > m.FirstLimit:
			return ErrFirstDay
		case s.Wallet.Balance+s.Waiting+amount > l.Balance:
			return ErrBalance
		}
		return nil
	}
}

// mayPay is the rule of a payment. That the balance suffices is the ledger's own.
func mayPay(at time.Time) Rule {
	return func(s Standing) error {
		amount := s.Sale.Amount
		l, err := LimitsOf(s.Wallet.Holder, at)
		if err != nil {
			return err
		}
		switch err := moves(s.Wallet, at); {
		case err != nil:
			return err
		case amount > l.Pay:
			return ErrPayOnce
		case s.PaidToday+amount > l.PayDay:
			return ErrPayDay
		}
		return nil
	}
}

// mayClose is the rule of the end of a wallet.
func mayClose(s Standing) error {
	switch {
	case s.Waiting > 0:
		return ErrUnsettled
	case s.Wallet.Balance != 0:
		return ErrMoney
	}
	return nil
}
