package ra

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"tegata/internal/attest"
	"tegata/internal/secret"
)

// The types of the two JWS that a device key signs, and nothing else
// (RFC 7515, section 4.1.9: the typ header without "application/").
const (
	TypeEnrolment = "tegata-enrolment+jwt"
	TypeCheckIn   = "tegata-checkin+jwt"
)

// A StepName says which message of a registration a JWS is.
type StepName string

// The steps. StepStop ends the use of a registered phone (利用停止); StepShow
// asks where a registration stands and changes nothing.
const (
	StepApply    StepName = "apply"
	StepKeys     StepName = "keys"
	StepRegister StepName = "register"
	StepShow     StepName = "show"
	StepStop     StepName = "stop"
	StepStopLate StepName = "stop-late" // StepStop by a phone that was wiped before the authority could be told
	StepReceipt  StepName = "receipt"   // of a phone whose pair ended already: a new phone took over, for example
	StepCheckIn  StepName = "checkin"
	StepResume   StepName = "resume"
	StepSupport  StepName = "support-number"
)

// A StepBody is the body of every POST of a phone: one compact JWS, ES256 by
// the element's device key. GET /v1/enrolments/{id} carries the same JWS (step
// "show") as "Authorization: Bearer JWS" instead.
//
// The header of "apply" has x5c, the attestation chain of the device key
// (leaf first, RFC 7515, section 4.1.6), whose challenge is
// DeviceKeyChallenge(id). Later steps are verified with the key kept from
// "apply"; x5c may be left out there.
type StepBody struct {
	Step string `json:"step"`
}

// StepClaims are the claims that every step has.
type StepClaims struct {
	Aud  string   `json:"aud"`  // the issuer's URL, as in its configuration
	ID   string   `json:"id"`   // enrolment id: 128 random bits, base64url without padding, chosen by the phone
	Step StepName `json:"step"` // must agree with the endpoint
	IAT  int64    `json:"iat"`  // seconds; at most StepWindow away from the authority's clock
	Ctr  uint64   `json:"ctr"`  // the element's counter, added by the element
}

// StepWindow is how far iat may be from the authority's clock, either way.
const StepWindow = 10 * time.Minute

// StopLateWindow is how old an order of step "stop-late" may be. Longer than any lease
// lives without a check-in; all that such an order can do is end its own phone.
const StopLateWindow = 180 * 24 * time.Hour

// window is how old a step may be.
func (s StepName) window() time.Duration {
	if s == StepStopLate {
		return StopLateWindow
	}
	return StepWindow
}

// ApplyClaims are the claims of step "apply", POST /v1/enrolments.
type ApplyClaims struct {
	StepClaims
	Application []byte `json:"application,omitempty"` // base64: CMS SignedData by the card's signature key, content inside
	Replace     bool   `json:"replace,omitempty"`     // end an older open application (after open-application)
	// Renew asks, for "phone-sign" alone, for another certificate although the present
	// one is good: its password is forgotten. That one ends when the new one is there.
	Renew bool `json:"renew,omitempty"`
	// AuthCertificate comes instead of Application from a card that has no signature
	// certificate: it asks why such a card cannot apply, which the card cannot say.
	// The answer is always a refusal.
	AuthCertificate []byte `json:"auth_certificate,omitempty"` // base64 of DER
}

// Application is the content of the CMS. Its encoding is canonical (RFC 8785
// for these ASCII values: no spaces, members in this order), so that what the
// card signs is one text only: see Canonical.
type Application struct {
	ApplicantCertificateSHA256 string   `json:"applicant_certificate_sha256"` // lower-case hex, of the card's signature certificate (DER)
	Certificates               []string `json:"certificates"`                 // ["phone-auth","phone-sign"]; ["phone-sign"] alone: issue that one anew
	DeviceKeySHA256            string   `json:"device_key_sha256"`            // lower-case hex, of the device key's SubjectPublicKeyInfo (DER)
	Enrolment                  string   `json:"enrolment"`                    // the enrolment id
	Nonce                      string   `json:"nonce"`                        // 128 random bits of the phone's, base64url without padding; used once
	TermsVersion               string   `json:"terms_version"`                // of GET /v1/terms
	Time                       string   `json:"time"`                         // RFC 3339, UTC, whole seconds
}

// Canonical returns the one encoding of a that the authority accepts.
func (a Application) Canonical() []byte {
	b, err := json.Marshal(a)
	if err != nil { // strings and a slice of strings: cannot fail
		panic("ra: application: " + err.Error())
	}
	return b
}

// DeviceKeyChallenge is the attestation challenge of the device key: SHA-256
// of the enrolment id as sent (its characters, not the bytes they encode).
func DeviceKeyChallenge(enrolment string) []byte {
	h := sha256.Sum256([]byte(enrolment))
	return h[:]
}

// KeyChallenge is the attestation challenge of both certified keys: SHA-256 of
// the application CMS (DER) followed by the authority's nonce.
func KeyChallenge(application, nonce []byte) []byte {
	h := sha256.New()
	h.Write(application)
	h.Write(nonce)
	return h.Sum(nil)
}

// Applied answers step "apply". Every replay gets the same answer.
type Applied struct {
	ID           string    `json:"id"`
	State        State     `json:"state"` // StateApplied
	Nonce        []byte    `json:"nonce"` // the authority's, for KeyChallenge (base64)
	LockCodeSalt []byte    `json:"lock_code_salt"`
	LockCodeCost LockCost  `json:"lock_code_cost"`
	ExpiresAt    time.Time `json:"expires_at"` // unless registered by then, everything of it is revoked
}

// LockCost is the argon2id cost that the lock code's verifier must have.
type LockCost struct {
	TimeCost  uint32 `json:"time_cost"`
	MemoryKiB uint32 `json:"memory_kib"`
	Threads   uint8  `json:"threads"`
}

// A KeyProof proves one key of the element: that it can sign (the PKCS#10
// request) and where it lives (the attestation chain, leaf first).
type KeyProof = attest.KeyProof

// KeysClaims are the claims of step "keys", POST /v1/enrolments/{id}/keys.
// Sent again with the same two keys it gets the same certificates; with other
// keys it is refused. When the application was for "phone-sign" alone, Auth is the
// zero KeyProof.
type KeysClaims struct {
	StepClaims
	Auth KeyProof `json:"auth,omitzero"`
	Sign KeyProof `json:"sign"`
}

// Issued answers step "keys": both certificates, both on hold "unregistered".
type Issued struct {
	ID           string       `json:"id"`
	State        State        `json:"state"` // StateIssued
	Certificates Certificates `json:"certificates"`
	Authorities  Certificates `json:"authorities"` // the issuing authorities of the two
	ExpiresAt    time.Time    `json:"expires_at"`
}

// Certificates is a pair of certificates in DER. Sign is absent on a card
// without a signature certificate, Auth where only the other was applied for.
type Certificates struct {
	Auth []byte `json:"auth,omitempty"`
	Sign []byte `json:"sign,omitempty"`
}

// RegisterClaims are the claims of step "register",
// POST /v1/enrolments/{id}/registration: the phone has written both
// certificates and names them.
type RegisterClaims struct {
	StepClaims
	AuthSHA256       string          `json:"auth_sha256,omitempty"` // lower-case hex, of the certificate (DER); empty when it was not applied for
	SignSHA256       string          `json:"sign_sha256"`
	LockCodeVerifier secret.Verifier `json:"lock_code_verifier,omitzero"` // salt and cost of Applied; not read when phone-sign alone was applied for: the code stays
}

// Registered answers step "register".
type Registered struct {
	ID           string    `json:"id"`
	State        State     `json:"state"` // StateRegistered
	RegisteredAt time.Time `json:"registered_at"`
}

// State is where a registration stands.
type State string

// The states. An ended registration never moves again; why it ended is in
// Standing.Ended.
const (
	StateApplied    State = "applied"
	StateIssued     State = "issued"
	StateRegistered State = "registered"
	StateEnded      State = "ended"
)

// Standing answers step "show": where the registration stands, with all that
// the phone needs to go on from there.
type Standing struct {
	ID           string        `json:"id"`
	State        State         `json:"state"`
	Nonce        []byte        `json:"nonce,omitempty"`
	LockCodeSalt []byte        `json:"lock_code_salt,omitempty"`
	LockCodeCost *LockCost     `json:"lock_code_cost,omitempty"`
	ExpiresAt    *time.Time    `json:"expires_at,omitempty"`
	Certificates *Certificates `json:"certificates,omitempty"`
	Authorities  *Certificates `json:"authorities,omitempty"`
	RegisteredAt *time.Time    `json:"registered_at,omitempty"`
	Ended        EndReason     `json:"ended,omitempty"`
	EndedAt      *time.Time    `json:"ended_at,omitempty"`
	Holds        []string      `json:"holds,omitempty"` // causes of open holds on a registered pair
}

// EndReason says why a registration or a registered phone ended.
type EndReason string

// The reasons an enrolment ends.
const (
	EndedExpired     EndReason = "expired"      // not registered within 24 h
	EndedReplaced    EndReason = "replaced"     // a newer application ended this open one
	EndedSuperseded  EndReason = "superseded"   // a new phone was registered
	EndedCard        EndReason = "card"         // the card behind it changed, was renewed or revoked
	EndedDied        EndReason = "died"         // in the register
	EndedEmigrated   EndReason = "emigrated"    // in the register
	EndedCopied      EndReason = "copied"       // two live copies of its element were seen
	EndedStopped     EndReason = "stopped"      // the holder stopped (利用停止)
	EndedSilent      EndReason = "silent"       // nobody controlled it for too long
	EndedHeldTooLong EndReason = "held"         // on hold for 30 days
	EndedElement     EndReason = "element-gone" // its element was reset or registered by somebody else
	EndedValidity    EndReason = "validity"     // its certificates expired
	EndedReissued    EndReason = "reissued"     // it brought a registered phone a new signature certificate
	EndedFound       EndReason = "found"        // it was to bring one to a phone that was lost meanwhile, and is found
)

// CheckInClaims are the claims of a check-in, POST /v1/checkins, typ
// TypeCheckIn, step "checkin". A check-in whose ctr or reset counter is not
// as it must be puts the pair on hold "suspected"; that is an answer, not an
// error.
type CheckInClaims struct {
	StepClaims
	LastUnlock   int64  `json:"last_unlock"`             // seconds: the last PIN or biometric unlock by the element's account; 0 when never
	ResetCounter uint64 `json:"reset_counter"`           // the element's, as in its attestation
	VerifiedBoot string `json:"verified_boot,omitempty"` // "verified", "self-signed", "unverified", "failed"; absent: as attested
	DeviceLocked *bool  `json:"device_locked,omitempty"`
}

// CheckedIn answers a check-in.
type CheckedIn struct {
	ID           string    `json:"id"`
	State        State     `json:"state"`
	Holds        []string  `json:"holds,omitempty"` // open causes: "lost", "silent", "suspected"
	At           time.Time `json:"at"`
	NextBefore   time.Time `json:"next_before"`             // without a check-in by then: hold "silent"
	UnlockBefore time.Time `json:"unlock_before,omitempty"` // without a PIN or biometric unlock by then: hold "silent"
}

// ResumeClaims are the claims of step "resume", POST /v1/resumptions, typ
// TypeCheckIn: a check-in, with what the element itself says of the phone, and a
// word of the card. Only a phone that is locked and verified resumes.
type ResumeClaims struct {
	CheckInClaims
	Word []byte `json:"word"` // base64: CMS SignedData by the card's authentication key, content a CardWord
}

// Resumed answers step "resume".
type Resumed struct {
	ID        string    `json:"id"`
	Holds     []string  `json:"holds,omitempty"` // causes that are still open: "silent"
	HeldSince time.Time `json:"held_since"`      // what happened from then on is shown to the person
	ResumedAt time.Time `json:"resumed_at"`
	Reissue   bool      `json:"reissue"` // the signature certificate ended with the hold; apply for a new one
}

// Revocation is the body of POST /v1/revocations: a step of the phone that is given up,
// or a word of its owner's card, from any device.
type Revocation struct {
	Step string `json:"step,omitempty"`
	Word []byte `json:"word,omitempty"` // base64: CMS SignedData by the card's authentication key, content a CardWord
}

// Stopped answers step "stop", POST /v1/revocations.
type Stopped struct {
	Receipt   string    `json:"receipt"` // 128 random bits, base64url: GET /v1/revocations/{receipt}
	Tag       string    `json:"tag"`     // 8 characters naming the element, which the wiped phone still shows
	RevokedAt time.Time `json:"revoked_at"`
}

// RevocationReceipt answers GET /v1/revocations/{receipt} from the ledger at
// this moment.
type RevocationReceipt struct {
	Receipt   string    `json:"receipt"`
	Tag       string    `json:"tag"`
	RevokedAt time.Time `json:"revoked_at"`
	Clear     bool      `json:"clear"` // nothing on that element is good or held
	AsOf      time.Time `json:"as_of"`
	Signed    string    `json:"signed"` // the same as a JWS of package receipt, by the issuer
}

// Suspension is the body of POST /v1/suspensions. One of the ways is filled in, and
// can do nothing but suspend:
//   - the lock code, with the birth date of who kept it;
//   - a word of the person's card, from any device;
//   - the person's id at a verifier, from a party with a client assertion and a grant
//     (Tegata-Grant, scope "suspend") of somebody who is logged in there;
//   - the same with the id of a relation and a grant of scope "trust": the phone of who
//     trusts that person;
//   - four facts or a view by support number, from an agent of the helpdesk.
type Suspension struct {
	BirthDate string `json:"birth_date,omitempty"` // YYYY-MM-DD
	LockCode  string `json:"lock_code,omitempty"`  // 10 digits and a check digit; spaces and hyphens are ignored
	Source    string `json:"source,omitempty"`     // with a lock code that somebody typed at a party: where from, in the party's words; needs its client assertion
	Word      []byte `json:"word,omitempty"`       // base64: CMS SignedData by the card's authentication key, content a CardWord
	Holder    string `json:"holder,omitempty"`     // pairwise to the verifier whose grant comes with it
	Trust     string `json:"trust,omitempty"`      // with holder: the relation
	Report    string `json:"report,omitempty"`     // with holder: 128 random bits, by which the party tells a helpdesk of the same case
	Repeat    bool   `json:"repeat,omitempty"`     // with report: the party asks again by itself; a report that is kept holds nothing again
	Facts     *Facts `json:"facts,omitempty"`      // what a caller told the helpdesk; needs its client assertion, and Agent
	Support   string `json:"support,omitempty"`    // a view by support number (SupportView.Support); the same
	Agent     string `json:"agent,omitempty"`      // the helpdesk's name for who acts: a pseudonym
}

// Suspended answers a suspension.
type Suspended struct {
	State string    `json:"state"` // "held"
	At    time.Time `json:"at"`
}

// Terms answers GET /v1/terms.
type Terms struct {
	Version string `json:"version"`
	JA      string `json:"ja"`
	EN      string `json:"en"`
}
