package bank

import (
	"context"
	"time"
)

// MandateState is where a mandate is.
type MandateState string

// The states of a mandate. Asked is a creditor's wish; the customer's signature makes it
// Granted; the creditor's redeeming of it within ten minutes makes it Active, so that a link
// stands on both sides or on neither.
const (
	Asked   MandateState = "asked"
	Granted MandateState = "granted"
	Active  MandateState = "active"
	Refused MandateState = "refused"
	Lapsed  MandateState = "lapsed"
	Ended   MandateState = "ended"
)

// Who ended a mandate.
const (
	ByCustomer = "customer"
	ByCreditor = "creditor"
	ByClosing  = "closing" // of the account
	ByNewer    = "newer"   // a mandate of the same account and creditor took its place
)

// Why a mandate was refused, as the creditor is told.
const (
	WhyHolder   = "holder_mismatch"
	WhyAccount  = "no_account"
	WhyDeclined = "declined"
	WhyExpired  = "expired"
)

// Limits of every mandate.
const (
	mandateLife = 10 * time.Minute // until it is granted, and from there until it is redeemed
	FirstLimit  = 10_000           // yen, in all, in the first day
	firstDay    = 24 * time.Hour
	maxLimit    = 1_000_000                // yen a day
	maxMandate  = 5 * 366 * 24 * time.Hour // how long one may run
)

// Terms are what a creditor may take.
type Terms struct {
	LimitOnce int64     `json:"limit_once"` // yen
	LimitDay  int64     `json:"limit_day"`
	ValidTo   time.Time `json:"valid_to"`
}

// fits says whether terms are of those that a bank lets a customer sign.
func (t Terms) fits(at time.Time) bool {
	return t.LimitOnce > 0 && t.LimitOnce <= t.LimitDay && t.LimitDay <= maxLimit && t.ValidTo.After(at) && t.ValidTo.Before(at.Add(maxMandate))
}

// Mandate is a customer's permission that a creditor takes money from the account.
type Mandate struct {
	ID        string // the creditor's choice
	Creditor  string
	State     MandateState
	Why       string     // of Refused
	By        string     // of Ended
	Holder    Attributes // of the creditor's customer; kept until it is decided
	Terms     Terms
	Back      string // the creditor's word for its browser's session
	Sub       string // of our customer; "" until granted
	Account   string
	Document  []byte // what was signed
	Signature []byte
	Evidence  string // SHA-256 of the signature, hex
	Code      [32]byte
	AskedAt   time.Time
	GrantedAt time.Time
	EndedAt   time.Time
}

// FirstUntil is until when the limit of the first day holds.
func (m Mandate) FirstUntil() time.Time { return m.GrantedAt.Add(firstDay) }

// Charge is money that a creditor took.
type Charge struct {
	ID     string    `json:"charge"` // the creditor's choice
	Amount int64     `json:"amount"`
	At     time.Time `json:"at"`
}

// Entry is one line of an account's ledger: insert-only, with the balance after it.
type Entry struct {
	At      time.Time
	Kind    string // one of the kinds
	Amount  int64  // yen; negative out of the account
	Balance int64
	About   string // of a charge: the creditor
}

// Kinds of entries.
const (
	CashIn   = "cash-in"
	CashOut  = "cash-out"
	Charged  = "charge"
	Returned = "returned" // when an opening is undone: what is left is given back at a branch
)

// MandateStore keeps mandates and ledgers. Every call is one transaction with its audit
// record.
type MandateStore interface {
	// Ask keeps a wish. The same wish again changes nothing; another one under the same ID
	// is ErrMandate.
	Ask(ctx context.Context, m Mandate) error
	// Mandate is one. It returns ErrMandateUnknown.
	Mandate(ctx context.Context, id string) (Mandate, error)
	// Mandates are a customer's that were granted, the newest first.
	Mandates(ctx context.Context, sub string) ([]Mandate, error)
	// Refuse ends a wish, and forgets the holder. It returns ErrMandateOver.
	Refuse(ctx context.Context, at time.Time, id, why string) error
	// Grant keeps what was signed. It returns ErrMandateOver, or ErrHeld.
	Grant(ctx context.Context, m Mandate) error
	// Redeem makes a granted mandate active, by the hash of its code, in place of an older one
	// of the same account and creditor; it returns it. The
	// same code again returns the same until ten minutes after it was granted. It returns
	// ErrMandateUnknown, ErrMandateCode or ErrMandateOver.
	Redeem(ctx context.Context, at time.Time, id string, code [32]byte) (Mandate, error)
	// Take takes money by an active mandate. What the creditor took from the account by older
	// mandates counts towards the limits: linking again begins none anew. The same charge again returns what it was, and
	// another amount under its ID is ErrMandate. It returns ErrMandateOver, ErrChargeOnce,
	// ErrChargeDay, ErrChargeFirst, ErrCooling, ErrHeld or ErrFunds.
	Take(ctx context.Context, at time.Time, id string, c Charge) (Charge, error)
	// End ends a mandate. Ending an ended one changes nothing. It returns ErrMandateUnknown.
	End(ctx context.Context, at time.Time, id, by string) error
	// Lapse ends what waited for too long.
	Lapse(ctx context.Context, at time.Time) error
	// Untold are ended mandates of which the creditor is due to be told.
	Untold(ctx context.Context, at time.Time) ([]Mandate, error)
	// Told notes that a creditor knows, or until when it is not tried again.
	Told(ctx context.Context, id string, done bool, next time.Time) error
	// Cash puts cash in, or takes it out when amount is negative. The same key again changes
	// nothing. It returns ErrFunds, ErrCooling or ErrHeld.
	Cash(ctx context.Context, at time.Time, account, key string, amount int64) error
	// Entries are the last lines of an account's ledger, the newest first.
	Entries(ctx context.Context, account string, max int) ([]Entry, error)
	// Balance is an account's, in yen.
	Balance(ctx context.Context, account string) (int64, error)
}
