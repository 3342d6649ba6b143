package carrier

import "time"

// Choices are what an applicant says; who they are comes from the provider.
type Choices struct {
	Plan   string `json:"plan"`   // code of one of Plans
	Filter bool   `json:"filter"` // フィルタリング
	Mail   string `json:"mail"`   // for notices; "" for none
}

// Attributes are the facts of a person, as the provider gave them with their consent.
type Attributes struct {
	Name      string `json:"name"`
	Address   string `json:"address"`
	Birthdate string `json:"birthdate"` // YYYY-MM-DD
}

// State is where a contract is.
type State string

// The states of a line.
const (
	Awaiting State = "awaiting" // signed by a minor and recorded; a guardian has to consent
	Signed   State = "signed"   // and recorded; its activation is due
	Active   State = "active"
	Stopped  State = "stopped" // never activated; Why says the reason
	Ended    State = "ended"   // by the customer
)

// WhyCertificate is why a line was not activated, or a change not made: the certificate was
// held or revoked when its status was asked for anew, or the signature no longer held. Why a
// minor's line was not activated is also as package guardian says.
const WhyCertificate = "certificate"

// MaxLines is how many lines one person has at most: lines are not to be collected for
// others.
const MaxLines = 5

// Line is one contract with its record of identity.
type Line struct {
	ID         string
	Sub        string
	State      State
	Why        string
	Choices    Choices
	Attributes Attributes
	Document   []byte // what was signed
	Signature  []byte // detached CMS
	Record     Record
	Number     string // "" until it is active
	Frozen     bool   // no change of the SIM may be asked for
	SignedAt   time.Time
	ActivateAt time.Time // of an awaiting one: until when it waits
	ActiveAt   time.Time
	EndedAt    time.Time
	Port       Port
	SIM        SIM    // the profile that counts; zero until the line is active
	Change     Change // the one that waits, else the last that did; zero when there was none
}

// Plan is the line's plan; zero for one that is not sold any more.
func (l Line) Plan() Plan { p, _ := FindPlan(l.Choices.Plan); return p }

// Counts says whether the line counts among a person's.
func (l Line) Counts() bool { return l.State == Awaiting || l.State == Signed || l.State == Active }

// Waits says whether a change of the SIM waits.
func (l Line) Waits() bool { return l.Change.State == Waiting }

// Port is the reservation by which another carrier takes a number over.
type Port struct {
	Reservation string // 10 digits
	Until       time.Time
}

// portLife is how long a reservation serves.
const portLife = 15 * 24 * time.Hour

// Record is the record of identity verification (本人確認記録; 携帯音声通信事業者による契約者等の
// 本人確認等及び携帯音声通信役務の不正な利用の防止に関する法律 第4条).
type Record struct {
	Method          string    `json:"method"`        // MethodSignature
	Issuer          string    `json:"issuer"`        // kind of the certificate's authority
	Certificate     string    `json:"certificate"`   // SHA-256 of the certificate under the signature, hex
	SignatureSHA256 string    `json:"signature"`     // hex
	VerifiedAt      time.Time `json:"verified_at"`   // by the verifier
	Verifier        string    `json:"verifier"`      // its URL
	CheckedAt       time.Time `json:"checked_at"`    // when the status was asked for anew; zero until then
	StatusAtCheck   string    `json:"checked_state"` // good, held, revoked
	RetentionUntil  time.Time `json:"retention"`     // zero while the contract runs
	// Guardian is what could be compared about who consented: GuardianSameAddress.
	Guardian string `json:"guardian,omitempty"`
}

// MethodSignature is how everybody here is identified: a signature by the certificate of the
// person's phone. Which letter an ordinance gives to it has changed and will; the content
// does not.
const MethodSignature = "phone-signature"

// Retention is until when a record is kept: three years from the end of the contract (the
// same Act, 第4条第2項).
func Retention(ended time.Time) time.Time { return ended.AddDate(3, 0, 0) }

// SIMState is where an eSIM profile is.
type SIMState string

// The states of a profile.
const (
	Ready     SIMState = "ready" // may be put into a phone, once
	Installed SIMState = "installed"
	Dead      SIMState = "dead"
)

// SIM is an eSIM profile: bound to the key that signed for it.
type SIM struct {
	ICCID       string
	Line        string
	Origin      string // of the contract or the change whose signature it was issued for
	Certificate string // SHA-256 of the certificate whose key signed, hex
	State       SIMState
	MadeAt      time.Time
	InstalledAt time.Time
	DeadAt      time.Time
}

// Key is the beginning of the certificate's SHA-256, for a page.
func (m SIM) Key() string { return m.Certificate[:min(16, len(m.Certificate))] + "…" }

// Message is what the network sends to a SIM. It needs no login to be read: it is on the
// phone that holds the SIM.
type Message struct {
	ID   string
	At   time.Time
	Kind string // "asked", "done", "vetoed", "stopped", "withdrawn", "welcome", "frozen"
	// Change is what it is about; zero for the two last.
	Change Change
}

// Inbox is one SIM in a phone with its messages, the latest first.
type Inbox struct {
	SIM      SIM
	Number   string
	Plan     Plan
	Frozen   bool
	Messages []Message
}
