package pay

import (
	"time"

	"tegata/services/relying"
)

// Attributes are the four facts of a person, as the provider gave them with their consent,
// or the bank in its letter.
type Attributes struct {
	Name      string `json:"name"`
	Birthdate string `json:"birthdate"` // YYYY-MM-DD
	Gender    string `json:"gender"`
	Address   string `json:"address"`
}

// AttributesOf are the four of a login's claims.
func AttributesOf(c relying.Claims) Attributes {
	return Attributes{Name: c.Name, Birthdate: c.Birthdate, Gender: c.Gender, Address: c.Address.Formatted}
}

// Born is the date of birth; zero where it is not one.
func (a Attributes) Born() time.Time {
	t, _ := time.Parse(time.DateOnly, a.Birthdate) // zero with an error
	return t
}

// whole says whether all four are there: a person may keep some at the phone.
func (a Attributes) whole() bool {
	return a.Name != "" && a.Birthdate != "" && a.Gender != "" && a.Address != ""
}

// Wallet is one person's, with the record of who that is.
type Wallet struct {
	ID        string
	Sub       string // pairwise: stays over renewals and new phones
	Holder    Attributes
	Terms     []byte // what was signed
	Signature []byte // detached CMS
	Record    Record
	OpenedAt  time.Time
	ClosedAt  time.Time // zero while it is open
	StoppedAt time.Time // zero unless its holder stopped it
	NightOpen bool      // money moves at night too
	Balance   int64     // yen: that of the last entry
}

// Open says whether the wallet is open.
func (w Wallet) Open() bool { return w.ClosedAt.IsZero() }

// Stopped says whether its holder stopped it.
func (w Wallet) Stopped() bool { return !w.StoppedAt.IsZero() }

// Record is the record of identity verification (確認記録).
type Record struct {
	Method          string    `json:"method"`    // MethodSignature
	Issuer          string    `json:"issuer"`    // kind of the certificate's authority
	SignatureSHA256 string    `json:"signature"` // hex
	VerifiedAt      time.Time `json:"verified_at"`
	Verifier        string    `json:"verifier"`  // its URL
	RetentionUntil  time.Time `json:"retention"` // zero while the contract runs
}

// MethodSignature is how everybody here is identified: a signature by the certificate of
// the person's phone. Which letter the law gives to it changes; the content does not.
const MethodSignature = "phone-signature"

// Retention is how long a record is kept after the contract ended (犯罪収益移転防止法
// 第6条第2項: seven years).
func Retention(ended time.Time) time.Time { return ended.AddDate(7, 0, 0) }

// Entry is one line of the ledger. Entries are added, and never changed or taken away.
type Entry struct {
	Seq     int64 // from 1, without a gap
	At      time.Time
	Kind    string // EntryCharge, EntryPayment or EntryRefund
	Ref     string // of the charge, the sale or the refund: each is entered once
	Amount  int64  // yen: above zero what came, below zero what went
	Balance int64  // after it: never below zero
	What    string // the account, or the shop's registered name
}

// The kinds of an entry.
const (
	EntryCharge  = "charge"
	EntryPayment = "payment"
	EntryRefund  = "refund"
)

// MandateState is where a mandate is.
type MandateState string

// The states of a mandate.
const (
	MandateAsked   MandateState = "asked" // the person is on the way to the bank, or comes back
	MandateActive  MandateState = "active"
	MandateRefused MandateState = "refused" // Why says the reason
	MandateLapsed  MandateState = "lapsed"  // nobody came back in time
	MandateEnded   MandateState = "ended"   // EndedBy says by whom
)

// Who ended a mandate.
const (
	ByWallet = "wallet"
	ByBank   = "bank"
)

// Mandate is what the bank allowed the wallet to take from an account, and the way there.
type Mandate struct {
	ID         string
	Wallet     string
	State      MandateState
	Holder     Attributes // fresh from the login in which the link was begun
	LimitOnce  int64
	LimitDay   int64
	ValidTo    time.Time
	AskedAt    time.Time
	Why        string // of a refusal
	Account    string // "•••0001", as the bank names it
	FirstLimit int64  // in total until FirstUntil
	FirstUntil time.Time
	GrantedAt  time.Time
	Evidence   string // SHA-256 of the permission's signature, hex
	EndedAt    time.Time
	EndedBy    string
	Told       bool      // nothing waits for the bank to hear that it is over
	TellAt     time.Time // when the bank is told (again); zero when nothing waits
}

// Grant is the bank's letter of a mandate (mandate+jwt).
type Grant struct {
	ID         string     `json:"id"`
	Holder     Attributes `json:"holder"`
	Account    string     `json:"account"`
	LimitOnce  int64      `json:"limit_once"`
	LimitDay   int64      `json:"limit_day"`
	ValidTo    time.Time  `json:"valid_to"`
	FirstLimit int64      `json:"first_limit"`
	FirstUntil time.Time  `json:"first_until"`
	GrantedAt  time.Time  `json:"granted_at"`
	Evidence   string     `json:"evidence"`
}

// ChargeState is where a charge is.
type ChargeState string

// The states of a charge.
const (
	ChargeAsked   ChargeState = "asked" // recorded; the bank's answer is not clear yet
	ChargeDone    ChargeState = "done"
	ChargeRefused ChargeState = "refused" // Why is the bank's code
)

// Charge is money on its way from the bank. Its ID is recorded before the bank hears of it,
// and stays the same however often the bank is asked.
type Charge struct {
	ID      string
	Wallet  string
	Mandate string
	Amount  int64
	State   ChargeState
	Why     string
	AskedAt time.Time
	NextAt  time.Time // when the bank is asked again
	Tries   int64
}

// SaleState is where a sale is.
type SaleState string

// The states of a sale.
const (
	SaleAsked   SaleState = "asked" // the till waits for a phone, or for its holder
	SalePaid    SaleState = "paid"
	SaleRefused SaleState = "refused" // the holder, or their wallet, said no
	SaleOver    SaleState = "over"    // nobody answered, the shop let go of it, or it could not be asked
)

// Why a sale was not paid, as the shop is told: no word of who it was, or of their wallet.
const (
	WhyDeclined   = "declined"   // the holder pressed no
	WhyNotProven  = "not-proven" // the phone's answer did not pass
	WhyWallet     = "wallet"     // no wallet, or one that does not pay this; the holder is told which
	WhyUnanswered = "unanswered" // nobody answered in time
	WhyCancelled  = "cancelled"  // by the shop
	WhyVerifier   = "verifier"   // nobody could be asked
)

// Sale is what a shop wants to be paid, once, within two minutes.
type Sale struct {
	ID        string
	Shop      string
	Name      string // of the shop, as it is registered
	Amount    int64
	State     SaleState
	Why       string
	Result    string // by which the verifier is asked what the phone said
	AskedAt   time.Time
	ExpiresAt time.Time
	Refunded  int64 // of Amount, when it was paid
}

// Left is what may still be given back.
func (s Sale) Left() int64 {
	if s.State != SalePaid {
		return 0
	}
	return s.Amount - s.Refunded
}

// Notice is what the wallet tells its holder, refused attempts too. Notices are added only.
type Notice struct {
	At     time.Time
	Kind   string
	Amount int64
	What   string // account or shop
	Why    string // of a refusal
}

// Switch is a change of a wallet's protection.
type Switch string

// The switches. Stop and Night protect more and take nothing; Resume and Day take a new login.
const (
	Stop   Switch = "stopped"
	Resume Switch = "resumed"
	Night  Switch = "night-closed"
	Day    Switch = "night-open"
)
