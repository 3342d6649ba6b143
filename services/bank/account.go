package bank

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"time"

	"tegata/services/notice"
)

// Product is what an account is for.
type Product string

// The products: a deposit account, and a securities account, whose money moves over the
// deposit account of the same person.
const (
	Deposit    Product = "deposit"
	Securities Product = "securities"
)

// Choices are what an applicant says; everything else comes from the provider.
type Choices struct {
	Occupation string `json:"occupation"` // one of Occupations
	Purpose    string `json:"purpose"`    // one of Purposes
	PEP        bool   `json:"pep"`        // a foreign politically exposed person (外国PEPs)
	Abroad     bool   `json:"abroad"`     // resident for tax outside of Japan
	Card       bool   `json:"card"`       // a cash card by post

	Product Product `json:"product"`
	Tax     string  `json:"tax,omitempty"`  // of a securities account: one of Taxes
	NISA    bool    `json:"nisa,omitempty"` // likewise: with a NISA account
}

// Attributes are the four facts, as the provider gave them with the person's consent.
type Attributes struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	Birthdate string `json:"birthdate"` // YYYY-MM-DD
	Gender    string `json:"gender"`
}

// whole says whether all four are there.
func (a Attributes) whole() bool {
	return a.Name != "" && a.Address != "" && a.Birthdate != "" && a.Gender != ""
}

// Born is the date of birth; zero where it is not one.
func (a Attributes) Born() time.Time {
	t, _ := time.Parse(time.DateOnly, a.Birthdate) // zero with an error
	return t
}

// State is where an application is.
type State string

// The states of an application.
const (
	Awaiting  State = "awaiting"  // signed by a minor and recorded; a guardian has to consent
	Reviewing State = "reviewing" // signed and recorded; a review is due
	Opened    State = "opened"
	Stopped   State = "stopped" // not opened; Why says the reason
	Closed    State = "closed"  // was opened, and ended by the customer
	Undone    State = "undone"  // was opened, which the customer undid in the first days
)

// Why an application was stopped; a minor's also as package guardian says.
const (
	WhyCertificate = "certificate" // held or revoked between signing and review
	WhyScreening   = "screening"
)

// Application is one, with its record of identity.
type Application struct {
	ID         string
	Sub        string
	State      State
	Why        string
	Choices    Choices
	Attributes Attributes
	Document   []byte // what was signed
	Signature  []byte // detached CMS
	Record     Record
	DueAt      time.Time // of the review; of an awaiting one: until when it waits
	ReviewAt   time.Time // when it is tried next
	Number     string    // of the account; "" until it is opened
	OpenedAt   time.Time
	ClosedAt   time.Time // or undone
	CoolUntil  time.Time // until when the opening may be undone; zero once that is over
	HeldAt     time.Time // since when nothing goes out; zero when it does
}

// Reference is what documents, pages and logs call the application with the id by. The id
// itself opens the receipt for whoever knows it, without a login, and stands in that page's
// address alone: a guardian reads the document, and others a log.
func Reference(id string) string {
	sum := sha256.Sum256([]byte("bank application " + id))
	return base32.StdEncoding.EncodeToString(sum[:])[:12]
}

// Reference is that of this application.
func (a Application) Reference() string { return Reference(a.ID) }

// Record is the record of identity verification (確認記録).
type Record struct {
	Method          string    `json:"method"`        // MethodSignature
	Issuer          string    `json:"issuer"`        // kind of the certificate's authority
	SignatureSHA256 string    `json:"signature"`     // hex
	VerifiedAt      time.Time `json:"verified_at"`   // by the verifier
	Verifier        string    `json:"verifier"`      // its URL
	Reviewer        string    `json:"reviewer"`      // "" until reviewed
	RetentionUntil  time.Time `json:"retention"`     // zero while the contract runs
	ReviewedAt      time.Time `json:"reviewed_at"`   // zero until reviewed
	StatusAtReview  string    `json:"review_status"` // good, held, revoked
	// Guardian is what the review could compare about who consented: GuardianSameAddress.
	Guardian string `json:"guardian,omitempty"`
}

// MethodSignature is how everybody here is identified: a signature by the certificate of
// the person's phone. Which letter the law gives to it has changed and will; the content
// does not.
const MethodSignature = "phone-signature"

// Retention is how long a record is kept after the contract ended (犯罪収益移転防止法
// 第6条第2項: seven years).
func Retention(ended time.Time) time.Time { return ended.AddDate(7, 0, 0) }

// Errors of a Store, beside ErrSecond.
var (
	// ErrNotFound: no such application.
	ErrNotFound = errors.New("bank: not found")
	// ErrMoved: somebody else was first.
	ErrMoved = errors.New("bank: it is in another state")
)

// Store keeps the bank's state. Every call is one transaction with its audit record.
type Store interface {
	MandateStore
	CoolingStore
	PaperStore
	ConsentStore
	// Receive keeps a signed application, state Reviewing or Awaiting. The same ID again changes nothing
	// and is no error. It returns ErrSecond.
	Receive(ctx context.Context, at time.Time, a Application) error
	// Application is one by its ID. It returns ErrNotFound.
	Application(ctx context.Context, id string) (Application, error)
	// Current is the application of a person for a product that awaits, is under review or opened,
	// else the last one. It returns ErrNotFound.
	Current(ctx context.Context, sub string, p Product) (Application, error)
	// All are a person's that are kept, the newest first.
	All(ctx context.Context, sub string) ([]Application, error)
	// Due lists applications whose review is due, the oldest first.
	Due(ctx context.Context, at time.Time) ([]Application, error)
	// NextDue is when the next review, telling, lapse, erasure or end of the first days is due; zero when none is.
	NextDue(ctx context.Context) (time.Time, error)
	// Stop moves an application out of Reviewing that is not opened, and posts tell when a
	// guardian consented to it. It returns ErrMoved.
	Stop(ctx context.Context, at time.Time, id, why string, r Record, tell notice.Letter) error
	// Postpone moves a review. It returns ErrMoved.
	Postpone(ctx context.Context, id string, until time.Time) error
	// Close ends an account and its mandates, and posts tell when its opening could be undone.
	// Ending an ended one again changes nothing. It returns ErrNotFound, ErrSecurities while a
	// securities account hangs on it, ErrHeld, or ErrNotEmpty when there is money in it.
	Close(ctx context.Context, at time.Time, sub string, p Product, tell notice.Letter) error
	// Erase takes away whatever was kept long enough.
	Erase(ctx context.Context, at time.Time) error
	// Count counts an event of which nothing else is kept: what somebody began and gave up.
	Count(ctx context.Context, what string) error
	// Counts are all of these.
	Counts(ctx context.Context) (map[string]int64, error)
}
