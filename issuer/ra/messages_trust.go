package ra

import "time"

// Every message below comes from a party, with its client assertion and a grant
// (Tegata-Grant, scope "trust") of the person that its member "holder" names, pairwise
// to the verifier of the grant.

// TrustState is where a relation between two persons stands.
type TrustState string

// The states. Only an active one suspends anything.
const (
	TrustInvited  TrustState = "invited"  // a code was made; nobody has typed it yet
	TrustOpened   TrustState = "opened"   // somebody typed it, and is asked
	TrustAccepted TrustState = "accepted" // that person is willing, and the holder is asked
	TrustActive   TrustState = "active"   // the holder has confirmed who it is
	TrustEnded    TrustState = "ended"
)

// TrustInvitation is the body of POST /v1/trust: the holder asks somebody to stop the
// phone when needed.
type TrustInvitation struct {
	Holder string `json:"holder"`
	Label  string `json:"label"` // the holder's own word for that person; nobody else sees it
	Shown  string `json:"shown"` // what the holder is called to that person
}

// TrustStep is the body of POST /v1/trust/openings (with the code), and of
// POST /v1/trust/{id}/acceptance, /confirmation and /end.
type TrustStep struct {
	Holder string `json:"holder"` // who does it
	Code   string `json:"code,omitempty"`
}

// Trusting answers GET /v1/holders/{pairwise}/trust, and every step.
type Trusting struct {
	Trusted []Trusted `json:"trusted"` // whom this person trusts, oldest first
	Charges []Charge  `json:"charges"` // who trusts this person, oldest first
}

// Trusted is a person whom the holder trusts, as the holder sees it.
type Trusted struct {
	ID    string     `json:"id"`
	State TrustState `json:"state"`
	Label string     `json:"label"`
	Shown string     `json:"shown"`
	// Code is there while nobody has typed it: 9 digits in groups.
	Code string `json:"code,omitempty"`
	// Name is the registered name of who accepted, who was told so.
	Name  string    `json:"name,omitempty"`
	Since time.Time `json:"since"`           // of the state
	Until time.Time `json:"until,omitempty"` // when a step that is waited for comes too late
}

// Charge is a person who trusts the holder: all that the trusted person ever sees.
type Charge struct {
	ID      string     `json:"id"`
	State   TrustState `json:"state"`
	Name    string     `json:"name"`    // as the other person wished to be called
	Stopped bool       `json:"stopped"` // there is nothing left to stop
}
