package ceremony

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Bodies and headers of the verifier's endpoints, as asking parties and phones
// write and read them.

// PhoneHeader carries 128 random bits (NewID) that a phone draws for one
// request: the request object is given to the first phone that fetches it, and
// again only to that phone, until it is answered. A link preview sends none and
// uses nothing up.
const PhoneHeader = "Tegata-Phone"

// RequestMediaType and RegistrationMediaType are the media types of signed
// objects served as they are.
const (
	RequestMediaType      = "application/tegata-request+jwt"
	RegistrationMediaType = "application/tegata-registration+jwt"
)

// Start is the body of POST /v1/requests, with the party's client assertion.
type Start struct {
	Request string `json:"request"` // compact JWS
	// ReturnURL is where the browser goes after a same-device answer; one of the
	// registered ones. Empty: the first of them.
	ReturnURL string `json:"return_url,omitempty"`
}

// Started answers Start.
type Started struct {
	RequestURI string `json:"request_uri"`     // for the phone: link or QR code
	ResultID   string `json:"result_id"`       // for the party alone
	Match      string `json:"match,omitempty"` // the number to show on the asking screen
	ExpiresAt  int64  `json:"expires_at"`      // seconds since 1970
}

// Posted is the body of POST /v1/requests/{jti}/answer: an answer, or, from the
// phone that fetched the request (PhoneHeader), the word that there will be none.
type Posted struct {
	Answer string `json:"answer,omitempty"` // compact JWE around the answer JWS
	// Signed are, for kind sign, what Results in the answer name, in their order: each
	// sealed by SealSigned.
	Signed []string `json:"signed,omitempty"`
	// Decline ends the request without unlocking anything: refusing must not be
	// harder than agreeing. It proves nothing about who refused.
	Decline string `json:"decline,omitempty"` // one of the reasons
}

// Carried is an answer on its way over a terminal, from a phone that has no network
// (docs/card.md): what the terminal's party posts for it, and under which PhoneHeader. That
// is Bearer's value, not the phone's own, under which anybody could refuse in its name.
type Carried struct {
	Phone  string `json:"phone"`
	Posted Posted `json:"posted"`
}

// Bearer is the PhoneHeader of whoever carries this very answer (Posted.Answer), and of
// nothing else: HMAC-SHA-256 under the SHA-256 of the phone's own, which is what a verifier
// keeps of that.
func Bearer(phone [sha256.Size]byte, answer string) string {
	h := hmac.New(sha256.New, phone[:])
	sum := sha256.Sum256([]byte(answer))
	h.Write(sum[:])
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// Taken answers Posted once a verdict is stored. A verdict that is not passed
// comes as problem details instead, with the same redirect as a member.
type Taken struct {
	Verdict  Verdict `json:"verdict"`
	Redirect string  `json:"redirect,omitempty"` // same device: open this in the browser that began
}

// States of a request as its party sees it.
const (
	StateWaiting  = "waiting"  // nobody has fetched it
	StateOpened   = "opened"   // a phone shows it
	StateAnswered = "answered" // same device: the browser must bring the code
	StateDone     = "done"     // the verdict is in the result
	StateExpired  = "expired"  // nobody answered in time
)

// Result answers GET /v1/requests/{result_id}.
type Result struct {
	State         string            `json:"state"`
	Verdict       Verdict           `json:"verdict,omitempty"`
	SubIndication string            `json:"sub_indication,omitempty"`
	Code          string            `json:"code,omitempty"`   // why it did not pass
	Reason        string            `json:"reason,omitempty"` // the holder's, with code holder-refused
	Sub           string            `json:"sub,omitempty"`    // pairwise to the party's sector
	Claims        map[string]string `json:"claims,omitempty"`
	ACR           string            `json:"acr,omitempty"`
	AMR           []string          `json:"amr,omitempty"`
	Channel       Channel           `json:"channel,omitempty"`
	Purpose       string            `json:"purpose,omitempty"`
	AnsweredAt    int64             `json:"answered_at,omitempty"`
	// SessionUntil is the latest end of a session that stands on this verdict;
	// 30 minutes when the request crossed devices or was handed over at a terminal.
	SessionUntil int64 `json:"session_until,omitempty"`
	// Session names such a session in events (POST /v1/events); empty when none come.
	Session   string            `json:"session,omitempty"`
	Receipt   string            `json:"receipt,omitempty"`
	Grants    map[string]string `json:"grants,omitempty"` // by scope
	Holder    string            `json:"holder,omitempty"` // with a certificates grant: the {pairwise} of the issuer's path
	ExpiresAt int64             `json:"expires_at,omitempty"`
}

// Use is one line of GET /v1/uses.
type Use struct {
	At      int64    `json:"at"`
	Party   string   `json:"party"`
	Name    Text     `json:"name"`
	Purpose Text     `json:"purpose"`
	Kind    Want     `json:"kind"`
	Risk    Risk     `json:"risk"`
	Channel Channel  `json:"channel"`
	Verdict Verdict  `json:"verdict"`
	Code    string   `json:"code,omitempty"`
	Why     Text     `json:"why,omitzero"`     // the verifier's sentence for Code
	Claims  []string `json:"claims,omitempty"` // what was given

	// Older entries lack what follows.

	Category    Category `json:"category,omitempty"`
	PurposeCode string   `json:"purpose_code,omitempty"`
	AMR         []string `json:"amr,omitempty"`      // how it was unlocked
	Terminal    string   `json:"terminal,omitempty"` // id of the terminal
	Place       Text     `json:"place,omitzero"`     // where that stands; none online
	Receipt     string   `json:"receipt,omitempty"`  // number of the verifier's receipt

	Document  *UsedDocument  `json:"document,omitempty"`  // of kind sign
	Documents []UsedDocument `json:"documents,omitempty"` // instead, when they were several
}

// UseEnd is the kind of a use that is none: the holder ended what a relying party had
// of them. Nobody can ask for it.
const UseEnd Want = "end"

// Link is one line of GET /v1/links: what a relying party has of a person since a login
// over OpenID Connect. Moments are seconds since 1970.
type Link struct {
	ID     string   `json:"id"` // client_id
	Name   Text     `json:"name"`
	Mark   string   `json:"mark"`
	Logo   string   `json:"logo,omitempty"` // as in its registration: see CheckLogo
	Since  int64    `json:"since"`
	Used   int64    `json:"last_used"` // within a minute
	Until  int64    `json:"until"`     // it ends by itself
	Claims []string `json:"claims,omitempty"`
	Ended  int64    `json:"ended,omitempty"` // 0 while it stands
	Why    LinkEnd  `json:"why,omitempty"`   // of one that ended
}

// LinkEnd is who or what ended a link.
type LinkEnd string

// The ends of a link.
const (
	EndedByHolder      LinkEnd = "holder"      // at the portal
	EndedByParty       LinkEnd = "party"       // it logged the person out, or gave its token back
	EndedByCertificate LinkEnd = "certificate" // of the phone: it is no longer good
	EndedByMisuse      LinkEnd = "misuse"      // a token came twice
)

// Links answers GET /v1/links: those that stand, then those that ended lately, each
// newest first.
type Links struct {
	Links []Link `json:"links"`
}

// Uses answers GET /v1/uses, newest first.
type Uses struct {
	Uses []Use `json:"uses"`
}

// LinkageQuery and Linkage are POST /v1/verifier/linkage at the issuer.
type LinkageQuery struct {
	Certificate string `json:"certificate"` // base64 of DER
}

// Linkage answers LinkageQuery: the person, pairwise to the asking verifier,
// stable over renewal, moving and a new phone.
type Linkage struct {
	Person string `json:"person"`
}

// AttributesQuery and Attributes are POST /v1/verifier/attributes at the issuer.
type AttributesQuery struct {
	Release string `json:"release"`
}

// Attributes answers AttributesQuery: the person as in Linkage, the released
// claims, and the moment (RFC 3339) the register is of.
type Attributes struct {
	Person string            `json:"person"`
	Claims map[string]string `json:"claims"`
	AsOf   string            `json:"as_of"`
}
