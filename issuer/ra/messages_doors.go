package ra

import (
	"time"

	"tegata/internal/pki"
	"tegata/issuer/profile"
)

// Every door below asks for "Authorization: Bearer" with a client assertion
// of package ceremony under the ops authority: role municipality for
// /v1/card-issuances, /v1/card-reissues and /v1/register-events, role verifier for
// /v1/verifier/..., role party plus a grant for /v1/holders/..., and the
// sandbox's street for /v1/outbox.

// Person is what the register says of a person. Id is the register's random
// id: no number of the person's, and never shown to a verifier.
type Person struct {
	ID           string         `json:"id"` // 1–64 characters [A-Za-z0-9_-]
	Attributes   pki.Attributes `json:"attributes"`
	Municipality Municipality   `json:"municipality"`
	Contact      Contact        `json:"contact"`
}

// Municipality is where a person is registered.
type Municipality = profile.Municipality

// Contact is the second channel: how notices reach the person without the
// phone.
type Contact struct {
	Channel string `json:"channel"` // ChannelMail, or "mailbox" in the sandbox
	Address string `json:"address"`
}

// ChannelMail is the channel whose addresses are those of mails (RFC 5321).
const ChannelMail = "mail"

// CardIssuance is the body of POST /v1/card-issuances: certificates for a card
// that the municipality is about to hand over. Idempotent by ID.
type CardIssuance struct {
	ID      string `json:"id"` // client-chosen, 1–64 characters [A-Za-z0-9_-]; names the card from now on
	Person  Person `json:"person"`
	AuthCSR []byte `json:"auth_csr"`           // DER, RFC 2986
	SignCSR []byte `json:"sign_csr,omitempty"` // absent: no signature certificate (under 15)
}

// CardIssued answers a card issuance, or a re-issue, then with the signature
// certificate alone. They are good at once, and end on the fifth birthday after the
// card was issued.
type CardIssued struct {
	ID           string       `json:"id"`
	Certificates Certificates `json:"certificates"`
	Authorities  Certificates `json:"authorities"`
	NotAfter     time.Time    `json:"not_after"`
}

// CardReissue is the body of POST /v1/card-reissues: a new signature certificate for
// a card that the person has, since the one in it ended when they moved or changed
// names. The card's authentication certificate stays. Idempotent by ID.
type CardReissue struct {
	ID      string `json:"id"`   // client-chosen, 1–64 characters [A-Za-z0-9_-]
	Card    string `json:"card"` // issuance id
	Person  Person `json:"person"`
	SignCSR []byte `json:"sign_csr"` // DER, RFC 2986: of a key that was never certified
}

// EventKind is what happened to a person or a card.
type EventKind string

// What the register tells.
const (
	EventMoved       EventKind = "moved"        // attributes: address and municipality changed
	EventNameChanged EventKind = "name-changed" // attributes: name, sex or birth date changed
	EventDied        EventKind = "died"
	EventEmigrated   EventKind = "emigrated" // left the country for good: the register has no resident of that id any more
	EventCardLost    EventKind = "card-lost"
	EventCardFound   EventKind = "card-found"
	EventCardRenewed EventKind = "card-renewed" // card: the new one, already issued
	EventCardRevoked EventKind = "card-revoked" // card: given back, or the holder no longer wants its certificates
	EventAnnounced   EventKind = "announced"    // of, on: that will happen; until then nothing changes, and the person is told
)

// RegisterEvent is the body of POST /v1/register-events. Idempotent by ID.
type RegisterEvent struct {
	ID           string          `json:"id"` // client-chosen, 1–64 characters [A-Za-z0-9_-]
	Person       string          `json:"person"`
	Kind         EventKind       `json:"kind"`
	Attributes   *pki.Attributes `json:"attributes,omitempty"`   // moved, name-changed
	Municipality *Municipality   `json:"municipality,omitempty"` // moved
	Card         string          `json:"card,omitempty"`         // issuance id; absent: the person's latest card
	Certificate  pki.Kind        `json:"certificate,omitempty"`  // card-revoked: "card-sign", that one alone; absent: both
	Of           EventKind       `json:"of,omitempty"`           // announced: moved, name-changed, emigrated or card-revoked
	On           string          `json:"on,omitempty"`           // announced: the day in Japan, YYYY-MM-DD
	Cancelled    bool            `json:"cancelled,omitempty"`    // announced: it will not happen after all
}

// EventDone answers a register event.
type EventDone struct {
	ID      string    `json:"id"`
	At      time.Time `json:"at"`
	Changed int       `json:"changed"` // certificates whose status this event changed
}

// LinkageQuery is the body of POST /v1/verifier/linkage.
type LinkageQuery struct {
	Certificate []byte `json:"certificate"` // DER, one of card-sign, card-auth, phone-sign, phone-auth
}

// Linkage answers with the person behind a certificate: the same text for
// every certificate this person ever had, and another text for every verifier.
type Linkage struct {
	Person string `json:"person"` // base64url of 32 bytes
}

// AttributesQuery is the body of POST /v1/verifier/attributes.
type AttributesQuery struct {
	Release string `json:"release"` // the holder's release JWS, package ceremony
}

// Released answers with the claims that the release names, as of the register.
type Released struct {
	Person string         `json:"person"` // as in Linkage
	Claims ReleasedClaims `json:"claims"`
	AsOf   time.Time      `json:"as_of"`
}

// ReleasedClaims has the released ones only.
type ReleasedClaims struct {
	Name      string `json:"name,omitempty"`
	Address   string `json:"address,omitempty"`
	BirthDate string `json:"birthdate,omitempty"` // YYYY-MM-DD
	Gender    string `json:"gender,omitempty"`    // "male", "female", "unspecified"
}

// Holding answers GET /v1/holders/{pairwise}/certificates with the header
// Tegata-Grant: the certificates of a person, the phone, and who looked.
type Holding struct {
	Certificates []HeldCertificate `json:"certificates"` // newest first
	Phone        *HeldPhone        `json:"phone,omitempty"`
	Queries      []Query           `json:"queries"` // newest first, at most 100
}

// HeldCertificate is one certificate and its state now.
type HeldCertificate struct {
	Kind      string     `json:"kind"`   // pki.Kind
	Serial    string     `json:"serial"` // lower-case hex
	NotBefore time.Time  `json:"not_before"`
	NotAfter  time.Time  `json:"not_after"`
	State     string     `json:"state"`            // "good", "held", "revoked", "expired"
	Holds     []string   `json:"holds,omitempty"`  // open causes
	Reason    *int       `json:"reason,omitempty"` // RFC 5280, section 5.3.1, when revoked
	Since     *time.Time `json:"since,omitempty"`  // of the hold or revocation
}

// HeldPhone is the registered phone: which one is alive, last seen when.
type HeldPhone struct {
	Manufacturer string     `json:"manufacturer"`
	Model        string     `json:"model"`
	RegisteredAt time.Time  `json:"registered_at"`
	LastSeen     *time.Time `json:"last_seen,omitempty"`
	LastUnlock   *time.Time `json:"last_unlock,omitempty"`
}

// Query is one question of a verifier's about this person.
type Query struct {
	At       time.Time `json:"at"`
	Verifier string    `json:"verifier"`
	What     string    `json:"what"`            // "linkage", "attributes", "certificates"; of a helpdesk: "support", "helper", "suspend", "staff", "report"
	Agent    string    `json:"agent,omitempty"` // of a helpdesk: its name for who looked, a pseudonym
	Claims   []string  `json:"claims,omitempty"`
	Refused  string    `json:"refused,omitempty"` // code, when it was refused
}

// Outbox answers GET /v1/outbox?after=ID: the second channel's notices.
type Outbox struct {
	Notices []Notice `json:"notices"`
}

// Notice is one message to a person over the second channel. It names no
// person: the address does.
type Notice struct {
	ID   string     `json:"id"` // give the last one seen as "after"
	At   time.Time  `json:"at"`
	To   Contact    `json:"to"`
	Kind NoticeKind `json:"kind"`
	JA   NoticeText `json:"ja"`
	EN   NoticeText `json:"en"`
}

// NoticeText is a notice in one language.
type NoticeText struct {
	Title string `json:"title"`
	Body  string `json:"body"`
}
