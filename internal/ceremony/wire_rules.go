package ceremony

// Bodies of the verifier's endpoints about a holder's rules.

// RulesChange is the body of PUT /v1/rules and of POST /v1/rules/proposals. Rules names
// the version that shall be: one more than what holds.
type RulesChange struct {
	ID    string `json:"id"` // 128 bits, drawn by who sends it; the same change again does nothing
	Rules Rules  `json:"rules"`
}

// Who changed rules.
const (
	RulesByParty = "party" // for who was logged in there
	RulesByCard  = "card"
)

// HeldRules answers GET and PUT /v1/rules: what holds, and how it came to be, newest
// first.
type HeldRules struct {
	Rules   Rules          `json:"rules"`
	Changes []RulesChanged `json:"changes,omitempty"`
}

// RulesChanged is one change that was made.
type RulesChanged struct {
	At    int64  `json:"at"`              // seconds since 1970
	By    string `json:"by"`              // RulesByParty or RulesByCard
	Party string `json:"party,omitempty"` // which
	Rules Rules  `json:"rules"`           // after it
}

// RulesPrepared answers POST /v1/rules/proposals.
type RulesPrepared struct {
	URL       string `json:"url"` // where the phone finds it; whoever knows it can read it
	ExpiresAt int64  `json:"expires_at"`
}

// RulesProposal answers GET /v1/rules/proposals/{id}: rules that a card is to confirm.
type RulesProposal struct {
	ID        string `json:"id"`
	Verifier  string `json:"verifier"`
	From      Rules  `json:"from"` // what holds now
	To        Rules  `json:"to"`
	Done      bool   `json:"done,omitempty"` // was confirmed
	ExpiresAt int64  `json:"expires_at"`
}

// Loosening is the body of POST /v1/rules/loosenings. Without a proposal, the word is
// about no rules at all: it ends every one of them.
type Loosening struct {
	Proposal string `json:"proposal,omitempty"`
	Word     []byte `json:"word"` // base64: CMS SignedData of package cardword, purpose lower-rules
}

// Loosened answers Loosening.
type Loosened struct {
	Version int64 `json:"version"`
	At      int64 `json:"at"`
}
