package pay

import (
	"context"
	"time"
)

// Standing is what a rule about money looks at, as of the transaction in which the money
// moves.
type Standing struct {
	Wallet       Wallet
	Waiting      int64   // charges of which the bank's answer is open
	ChargedToday int64   // by all mandates, with those that wait
	PaidToday    int64   // above zero
	Mandate      Mandate // of a charge
	UnderToday   int64   // charged under Mandate today, with those that wait
	UnderFirst   int64   // charged under Mandate before its FirstUntil, with those that wait
	Sale         Sale    // of a payment
}

// Rule says why money may not move; nil when it may. It has no effect and may be asked
// more than once.
type Rule func(Standing) error

// Store keeps the wallet's state. Every call is one transaction with its audit record.
// "Today" begins at the day that a call is given.
type Store interface {
	// Open keeps a wallet with its signed terms. The same ID of the same person again
	// changes nothing and is no error. It returns ErrSecond.
	Open(ctx context.Context, at time.Time, w Wallet) error
	// WalletOf is the open wallet of a person, else the last one. It returns ErrNotFound.
	WalletOf(ctx context.Context, sub string) (Wallet, error)
	// Turn changes a wallet's protection. What stands so already changes nothing. It
	// returns ErrNotFound.
	Turn(ctx context.Context, at time.Time, wallet string, s Switch) error
	// Close ends an open wallet by a rule, and what it may take at the bank. It returns
	// ErrNotFound and what the rule returns.
	Close(ctx context.Context, at time.Time, wallet string, r Rule) error
	// Count counts an event of which nothing else is kept.
	Count(ctx context.Context, what string) error

	// AskMandate keeps a mandate, state MandateAsked.
	AskMandate(ctx context.Context, at time.Time, m Mandate) error
	// Mandate is one of a wallet's. It returns ErrNotFound.
	Mandate(ctx context.Context, wallet, id string) (Mandate, error)
	// Mandates are all of a wallet, the newest first.
	Mandates(ctx context.Context, wallet string) ([]Mandate, error)
	// Grant makes an asked mandate active. It returns ErrMoved.
	Grant(ctx context.Context, at time.Time, g Grant) error
	// Drop moves an asked mandate to MandateRefused or MandateLapsed, and has the bank told
	// unless it knows. It returns ErrMoved.
	Drop(ctx context.Context, at time.Time, id string, to MandateState, why string, bankKnows bool) error
	// EndMandate ends an active mandate; the bank is told unless it was the bank. One that is
	// over stays as it is. It returns ErrNotFound.
	EndMandate(ctx context.Context, at time.Time, id, by string) error
	// ToTell are the mandates of which the bank must hear that they are over.
	ToTell(ctx context.Context, at time.Time) ([]Mandate, error)
	// Told keeps that the bank knows, or when it is told again.
	Told(ctx context.Context, id string, again time.Time) error
	// Overdue are mandates that were asked before a moment and are asked still.
	Overdue(ctx context.Context, before time.Time) ([]Mandate, error)

	// AskCharge keeps a charge, state ChargeAsked, if the rule allows. The same ID, mandate
	// and amount again change nothing and give what there is; ErrMoved when they differ.
	AskCharge(ctx context.Context, at, day time.Time, c Charge, r Rule) (Charge, error)
	// Charged enters a charge into the ledger, once. It returns ErrMoved when it was refused,
	// and ErrLedger.
	Charged(ctx context.Context, at time.Time, id string) error
	// ChargeRefused ends a charge without an entry. It returns ErrMoved when it was done.
	ChargeRefused(ctx context.Context, at time.Time, id, why string) error
	// AskAgain keeps when the bank is asked again.
	AskAgain(ctx context.Context, id string, next time.Time) error
	// Charge is one of a wallet's. It returns ErrNotFound.
	Charge(ctx context.Context, wallet, id string) (Charge, error)
	// Waiting are a wallet's charges whose answer is open.
	Waiting(ctx context.Context, wallet string) ([]Charge, error)
	// DueCharges are those whose turn to be asked again has come.
	DueCharges(ctx context.Context, at time.Time) ([]Charge, error)

	// OpenSale keeps a sale, state SaleAsked, and lets go of any other at its till. The same
	// ID, shop and amount again are not fresh and change nothing; ErrMoved when they differ.
	OpenSale(ctx context.Context, at time.Time, s Sale) (fresh bool, err error)
	// SaleAsked keeps by what the verifier is asked about it. It returns ErrMoved.
	SaleAsked(ctx context.Context, id, result string) error
	// Sale is one of a shop's. It returns ErrNotFound.
	Sale(ctx context.Context, shop, id string) (Sale, error)
	// EndSale moves an asked sale to SaleRefused or SaleOver. It returns ErrMoved.
	EndSale(ctx context.Context, at time.Time, id string, to SaleState, why string) error
	// LateSales are asked still, and their time is over.
	LateSales(ctx context.Context, at time.Time) ([]Sale, error)
	// Pay moves an asked sale to SalePaid and enters the payment into the wallet's ledger if
	// the rule allows. The same sale from the same wallet again changes nothing. It returns
	// what the rule returns, ErrFunds, ErrLedger, and ErrMoved when the sale is over.
	Pay(ctx context.Context, at, day time.Time, sale, wallet string, r Rule) error

	// Sales are a shop's that were asked since a moment, the newest first.
	Sales(ctx context.Context, shop string, since time.Time, limit int) ([]Sale, error)
	// Takings are what a shop was paid of the sales since a moment, and what it gave back
	// since then, of whichever sale.
	Takings(ctx context.Context, shop string, since time.Time) (paid, back int64, err error)
	// GiveBack keeps a refund of one of a shop's sales and enters it into the ledger that paid,
	// if the rule allows and so much is left of the sale. The same ID, sale and amount again
	// change nothing. It returns ErrNotFound, what the rule returns, ErrRefundOver, ErrLedger,
	// and ErrMoved when the ID names another refund.
	GiveBack(ctx context.Context, shop string, f Refund, r Rule) error
	// Refunds are those of a sale, the oldest first.
	Refunds(ctx context.Context, sale string) ([]Refund, error)

	// SetTillCode keeps by what a till's code is known, in place of any other, and forgets the
	// tries and the browsers of that one.
	SetTillCode(ctx context.Context, at time.Time, shop string, c CodeCheck) error
	// TillCode is what is kept of a till's code. It returns ErrNotFound.
	TillCode(ctx context.Context, shop string) (TillCode, error)
	// UnlockTill forgets the tries at a till's code, and its locks.
	UnlockTill(ctx context.Context, at time.Time, shop string) error
	// TryTillCode counts a try (TillCode.Count), and gives by what it is compared. A device
	// that is known there (TillCode.Device) has its own count; any other, and "", the common
	// one. It returns ErrNotFound and ErrTillLocked.
	TryTillCode(ctx context.Context, at time.Time, shop, device string) (TillCode, error)
	// TillCodeRight forgets the tries at a version of a code: those of the device when it is
	// known there, else the common ones, and the device is known from now on. It returns
	// ErrMoved when there is another code by now.
	TillCodeRight(ctx context.Context, at time.Time, shop string, version int64, device string) error

	// Entries are the whole ledger of a wallet, oldest first. ErrLedger when it does not add up.
	Entries(ctx context.Context, wallet string) ([]Entry, error)
	// Standing is what a rule would look at now, without a mandate.
	Standing(ctx context.Context, wallet string, day time.Time) (Standing, error)
	// Tell adds a notice.
	Tell(ctx context.Context, wallet string, n Notice) error
	// Notices are a wallet's last ones, the newest first.
	Notices(ctx context.Context, wallet string, limit int) ([]Notice, error)

	// NextDue is when something is due by itself: lapse is how long after it was asked a
	// mandate is over. Zero when nothing is.
	NextDue(ctx context.Context, lapse time.Duration) (time.Time, error)
	// Erase takes away what was kept long enough.
	Erase(ctx context.Context, at time.Time) error
}
