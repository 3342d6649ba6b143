package ra

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/issuer/status"
)

// ErrNotFound is what a Tx returns for a row that is not there.
var ErrNotFound = errors.New("ra: no such record")

// Store keeps what the registration authority must not forget. It lives in the
// issuer's database, beside the ledger: what a step does to certificates, to
// its own records, to the second channel and to the audit log is one
// transaction.
type Store interface {
	// Read runs f on one consistent state.
	Read(ctx context.Context, f func(Tx) error) error
	// Write runs f and commits, durably, before it returns nil. f may run more
	// than once; when it returns an error nothing of it is kept.
	Write(ctx context.Context, f func(Tx) error) error
}

// Tx is one transaction. Every Get returns ErrNotFound when there is nothing.
type Tx interface {
	Person(ctx context.Context, id string) (PersonRecord, error)
	PutPerson(ctx context.Context, p PersonRecord) error
	// ContactsDue lists at most limit persons whose new address takes effect at or before
	// at, the earliest first; NextContact is the earliest such moment there is.
	ContactsDue(ctx context.Context, at time.Time, limit int) ([]string, error)
	NextContact(ctx context.Context) (time.Time, bool, error)

	Card(ctx context.Context, id string) (CardRecord, error)
	CardsOf(ctx context.Context, person string) ([]CardRecord, error) // oldest first
	PutCard(ctx context.Context, c CardRecord) error
	CardSignature(ctx context.Context, id string) (CardSignature, error)
	PutCardSignature(ctx context.Context, c CardSignature) error

	Enrolment(ctx context.Context, id string) (EnrolmentRecord, error)
	PutEnrolment(ctx context.Context, e EnrolmentRecord) error
	// Application is the CMS of an enrolment, kept as evidence; KeepApplication
	// is called once, with the enrolment's first record.
	Application(ctx context.Context, enrolment string) ([]byte, error)
	KeepApplication(ctx context.Context, enrolment string, cms []byte) error
	// EnrolmentsDue lists at most limit ids whose Due is at or before at, the
	// earliest first, and NextDue is the earliest Due there is.
	EnrolmentsDue(ctx context.Context, at time.Time, limit int) ([]string, error)
	NextDue(ctx context.Context) (time.Time, bool, error)
	// RegisteredBornOn lists the enrolments in StateRegistered of persons born
	// on that day ("YYYY-MM-DD").
	RegisteredBornOn(ctx context.Context, birth string) ([]EnrolmentRecord, error)
	EnrolmentByReceipt(ctx context.Context, receipt string) (EnrolmentRecord, error)
	// EnrolmentsOnElement lists the enrolments on one element that have not ended.
	EnrolmentsOnElement(ctx context.Context, element [16]byte) ([]EnrolmentRecord, error)

	// Certificate finds what was prepared or issued under a serial number.
	// CertificatesFor lists those of a card or an enrolment, oldest first. The
	// DER is there as soon as package ca recorded its signature.
	Certificate(ctx context.Context, kind pki.Kind, serial pki.Serial) (CertificateRecord, error)
	CertificatesOf(ctx context.Context, person string) ([]CertificateRecord, error) // newest first
	CertificatesFor(ctx context.Context, subject string) ([]CertificateRecord, error)
	PutCertificate(ctx context.Context, c CertificateRecord) error
	// TakeKey records that a public key (SHA-256 of its SubjectPublicKeyInfo) is
	// subject's, and returns whose it was before, or "".
	TakeKey(ctx context.Context, spki [32]byte, subject string) (owner string, err error)
	// TakeNonce does the same for the nonce of an application.
	TakeNonce(ctx context.Context, nonce, enrolment string, at time.Time) (owner string, err error)

	CheckIn(ctx context.Context, enrolment string, hash [32]byte) (answer []byte, err error)
	PutCheckIn(ctx context.Context, enrolment string, hash [32]byte, at time.Time, answer []byte) error
	// DropCheckIns forgets those before a moment: their iat is too old to be taken again.
	DropCheckIns(ctx context.Context, enrolment string, before time.Time) error

	Event(ctx context.Context, id string) (EventRecord, error)
	PutEvent(ctx context.Context, e EventRecord) error

	// Tries counts the tries under key since a moment; PutTry adds one, DropTry
	// takes it back.
	Tries(ctx context.Context, key [32]byte, since time.Time) (n int, oldest time.Time, err error)
	PutTry(ctx context.Context, key [32]byte, id string, at time.Time) error
	DropTry(ctx context.Context, key [32]byte, id string) error
	DropTries(ctx context.Context, before time.Time) error

	// Suspensions counts those of a person's phone that were recorded since a moment;
	// PutSuspension records one, and forgets those of the person before forget.
	Suspensions(ctx context.Context, person string, since time.Time) (n int, oldest time.Time, err error)
	PutSuspension(ctx context.Context, person, id string, way Way, at, forget time.Time) error

	// PutNoticeWatch notes that a party is told of a person's notices since a moment; the
	// zero moment ends it. Noticed lists what it is told of.
	PutNoticeWatch(ctx context.Context, party, pairwise, person string, since time.Time) error
	Noticed(ctx context.Context, party string, since time.Time, limit int) ([]Noted, error)

	Trust(ctx context.Context, id string) (TrustRecord, error)
	PutTrust(ctx context.Context, t TrustRecord) error
	// TrustsOf lists the relations of a person on either side that have not ended,
	// oldest first. TrustByCode finds one of those by the hash of its code.
	TrustsOf(ctx context.Context, person string) ([]TrustRecord, error)
	TrustByCode(ctx context.Context, hash [32]byte) (TrustRecord, error)

	// TakeAssertion remembers a client assertion or grant until it expires; false
	// when it was there already.
	TakeAssertion(ctx context.Context, party, id string, expires, at time.Time) (bool, error)

	PutPairwise(ctx context.Context, verifier, pairwise, person string) error
	PersonOfPairwise(ctx context.Context, verifier, pairwise string) (string, error)
	PutQuery(ctx context.Context, person, id string, q Query) error
	// QueriesOf are the newest of agents, and as many of everybody else: what an agent did
	// is pushed out by nobody. Newest first.
	QueriesOf(ctx context.Context, person string, limit int) ([]Query, error)

	SupportTx
	ReportTx

	PutNotice(ctx context.Context, person string, n Notice) error
	Notices(ctx context.Context, after string, limit int) ([]Notice, error) // oldest first

	// Status is the ledger's state of a certificate as this transaction sees it.
	Status(ctx context.Context, kind pki.Kind, serial pki.Serial) (status.Entry, error)
	// Change applies changes to the ledger as part of this transaction, by the
	// ledger's own rules.
	Change(ctx context.Context, at time.Time, who audit.Actor, changes ...status.Change) error
	// Audit writes a chained record as part of this transaction.
	Audit(ctx context.Context, at time.Time, who audit.Actor, action, object string, detail map[string]string) error
}

// PersonRecord is a person as of the register.
type PersonRecord struct {
	ID           string
	Attributes   pki.Attributes
	Municipality Municipality
	Contact      Contact
	NewContact   Contact   // a change that has not taken effect yet
	ContactFrom  time.Time // when it does; zero when there is none
	RegisterSaid Contact   // the register's last word on the address
	Died         bool
	AsOf         time.Time // of the last word from the register
	Card         string    // latest card, "" when none
	Open         string    // enrolment that is applied or issued, or ""
	Phone        string    // registered enrolment, or ""
}

// CardRecord is a card that was issued certificates, or is being.
type CardRecord struct {
	ID           string
	Person       string
	Holder       string // random; what the authority's records say instead of a name
	RequestHash  [32]byte
	AuthSerial   pki.Serial // zero until prepared
	SignSerial   pki.Serial // the latest; zero: none
	Municipality Municipality
	IssuedAt     time.Time
	NotAfter     time.Time
	Issued       bool
	Ended        bool
}

// EnrolmentRecord is one registration, from the application to the end of the
// phone. Zero times have not happened.
type EnrolmentRecord struct {
	ID     string
	Person string
	Holder string // random
	State  State

	// the application
	ReissueOf         string // the registration for which a signature certificate is to be issued anew; "" for a registration
	Renews            bool   // also while the present one is good, which ends then
	ApplicationSHA256 [32]byte
	Card              string
	DeviceKey         []byte // SubjectPublicKeyInfo, DER
	Nonce             []byte // the authority's
	LockCodeSalt      []byte
	Element           [16]byte
	ResetCounter      uint32
	Manufacturer      string
	Brand             string
	Model             string
	AppliedAt         time.Time
	ExpiresAt         time.Time

	// keys and certificates
	AuthKey    [32]byte // SHA-256 of the SubjectPublicKeyInfo, zero until step "keys"
	SignKey    [32]byte
	AuthSerial pki.Serial
	SignSerial pki.Serial
	NotAfter   time.Time

	// registered
	RegisteredAt     time.Time
	LockCodeVerifier secret.Verifier
	BirthDate        string // YYYY-MM-DD, for suspension by lock code

	// the lease
	Ctr            uint64
	ForkCtr        uint64 // the highest since it went back; 0: it never did since the phone was last in its holder's hand
	LastCheckIn    time.Time
	LastUnlock     time.Time
	LostSince      time.Time
	SilentSince    time.Time
	SuspectedSince time.Time
	Done           time.Time // timed rules up to this moment were carried out
	Due            time.Time // next moment at which one must be

	// the end
	Ended   EndReason
	EndedAt time.Time
	Receipt string // of a revocation, or ""
}

// CertificateRecord is a serial number that was prepared, and the certificate
// once it is signed.
type CertificateRecord struct {
	Kind       pki.Kind
	Serial     pki.Serial
	Person     string
	Subject    string // the card's or the enrolment's id
	Phone      bool
	PreparedAt time.Time
	DER        []byte // nil until package ca recorded its signature
	NotBefore  time.Time
	NotAfter   time.Time
}

// EventRecord is a register event that was carried out.
type EventRecord struct {
	ID          string
	Person      string
	RequestHash [32]byte
	At          time.Time
	Changed     int
}
