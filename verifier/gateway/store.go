package gateway

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
)

// What a Store says.
var (
	ErrNotFound = errors.New("gateway: not found")
	// ErrUsed: an id, a code or a request that can be used once was used before.
	ErrUsed = errors.New("gateway: used before")
	// ErrReplayed: the caller's assertion was used before.
	ErrReplayed = errors.New("gateway: assertion used before")
	// ErrLimitReached: the holder's daily limit leaves no use today.
	ErrLimitReached = errors.New("gateway: daily limit reached")
	// ErrOpeningsReached: the person signed as many applications for accounts as may be.
	ErrOpeningsReached = errors.New("gateway: account openings reached")
	// ErrRulesChanged: the holder's rules are not of the version that was named.
	ErrRulesChanged = errors.New("gateway: the holder's rules have changed")
)

// AssertionOf is under what Once remembers the assertions of a party.
func AssertionOf(party string) string { return "assertion " + party }

// replayed is what package ceremony calls an assertion that was used before.
func replayed(err error) error {
	if errors.Is(err, ErrUsed) || errors.Is(err, ErrReplayed) {
		return ceremony.ErrReplayed
	}
	return err
}

// Store keeps what the gateway must not forget. Every change is durable when the
// call returns, and each call is one transaction.
type Store interface {
	// Party returns a registered party. ErrNotFound.
	Party(ctx context.Context, id string) (Party, error)
	// PutParty registers a party or replaces its registration, with an audit record.
	PutParty(ctx context.Context, who audit.Actor, at time.Time, p Party) error
	// Logo returns the picture of this id (ceremony.LogoID) that a party has. ErrNotFound.
	Logo(ctx context.Context, party, id string) ([]byte, error)

	// PutRequest keeps a new request and remembers by whose assertion. ErrReplayed when
	// that was used before, ErrUsed when the request's id or nonce is known.
	PutRequest(ctx context.Context, by ceremony.Entry, r Request) error
	// Request and RequestByResult find a request. ErrNotFound.
	Request(ctx context.Context, id string) (Request, error)
	RequestByResult(ctx context.Context, resultID string) (Request, error)
	// Document returns the n-th document of a request of kind sign, from 1, as PutRequest
	// kept it. ErrNotFound when there is none, or none any more.
	Document(ctx context.Context, id string, n int) ([]byte, error)
	// Signed returns what Finish kept of documents that were signed, in the request's
	// order. ErrNotFound when it kept none, or they are gone.
	Signed(ctx context.Context, id string) ([]Signed, error)
	// Open gives a waiting request to a phone, or again to the same phone. ErrUsed
	// when another phone has it or it was answered.
	Open(ctx context.Context, id string, phone [32]byte, at time.Time) error
	// NoteUndecided keeps why an answer could not be judged; the request stays open.
	NoteUndecided(ctx context.Context, id, code string) error
	// Finish stores the verdict, uses up the nonce, adds the use to the holder's
	// list, keeps the session, and writes the audit record, all or nothing. ErrUsed when
	// another answer was first, ErrNotFound when there is no such request. With o.Count,
	// ErrRulesChanged when the holder's rules have another version by now, ErrLimitReached
	// when the day's uses are as many as it allows; with o.Opening, ErrOpeningsReached when as
	// many count as may.
	Finish(ctx context.Context, who audit.Actor, o Outcome) error
	// TakeCode uses up the response code of a request and remembers by whose assertion.
	// ErrReplayed when that was used before, ErrUsed when the code was, is another, or
	// its time is over.
	TakeCode(ctx context.Context, by ceremony.Entry, id string, code [32]byte, at time.Time) error
	// RenewCode puts a new code in the place of one that was not used. ErrUsed when it
	// was.
	RenewCode(ctx context.Context, id string, code [32]byte, until time.Time) error

	// Person returns the person of a certificate (SHA-256 of its DER) as the issuer
	// told. ErrNotFound when it was never asked.
	Person(ctx context.Context, certificate [32]byte) (string, error)
	PutPerson(ctx context.Context, certificate [32]byte, person string, at time.Time) error
	// Uses lists the uses of all certificates of a person, newest first.
	Uses(ctx context.Context, person string, limit int) ([]ceremony.Use, error)

	// Session finds a session that has not ended. ErrNotFound.
	Session(ctx context.Context, id string) (Session, error)
	// Watched lists the certificates on which sessions stand.
	Watched(ctx context.Context) ([]CertificateName, error)
	// SessionsOf lists the sessions that stand on a certificate.
	SessionsOf(ctx context.Context, n CertificateName) ([]Session, error)
	// EndSession puts an event for its party in the place of a session. ErrUsed when
	// the session is gone.
	EndSession(ctx context.Context, s Session, e Event, at time.Time) error
	// Events lists what waits for a party, oldest first; DropEvents forgets some.
	Events(ctx context.Context, party string, limit int) ([]Event, error)
	DropEvents(ctx context.Context, party string, ids []string) error
	// Rules returns what a person has limited: the zero Rules when nothing.
	Rules(ctx context.Context, person string) (ceremony.Rules, error)
	// PutRules makes c.Rules those of the person, with an audit record, and uses up the
	// nonce and the proposal that c names. ErrRulesChanged when c.Rules.Version is not one
	// more than what holds, ErrUsed when the nonce or proposal was used, ErrNotFound when
	// there is no such proposal. A change whose id was made before does nothing and is no
	// error, if it says the same; ErrUsed if not.
	PutRules(ctx context.Context, who audit.Actor, c RulesChange) error
	// TellingsDue lists at most limit changes that the issuer is to tell a person of by a
	// moment, the longest due first. ClaimTelling counts a try and moves Due on to next,
	// durably, before the try; false when somebody else has moved it since it was listed.
	// SettleTelling forgets it: it was told, or never can be.
	TellingsDue(ctx context.Context, at time.Time, limit int) ([]Telling, error)
	ClaimTelling(ctx context.Context, t Telling, next time.Time) (bool, error)
	SettleTelling(ctx context.Context, who audit.Actor, id string, at time.Time, why string) error
	// RulesChanges lists the latest changes, newest first.
	RulesChanges(ctx context.Context, person string, limit int) ([]ceremony.RulesChanged, error)
	// PutProposal keeps rules that a card is to confirm. Put again it does nothing;
	// ErrUsed when its id is known for something else.
	PutProposal(ctx context.Context, who audit.Actor, p Proposal) error
	// Proposal finds one. ErrNotFound.
	Proposal(ctx context.Context, id string) (Proposal, error)

	// Once remembers id under what until the moment. ErrUsed when it is there.
	Once(ctx context.Context, what, id string, until time.Time) error

	// Sweep erases what is due as of at; NextDue tells when there is more.
	Sweep(ctx context.Context, at time.Time) error
	NextDue(ctx context.Context) (time.Time, bool, error)

	// Marks keeps the highest CRL number and feed sequence ever seen.
	certpath.Marks
}

// Party is a registered asking party.
type Party struct {
	ID            string
	Name          ceremony.Text
	Mark          string
	Logo          string `json:",omitempty"` // ceremony.LogoID of its picture; "" for none
	Purposes      []ceremony.RegisteredPurpose
	Origins       []string
	ReturnURLs    []string
	VerifiedSince string                        // YYYY-MM-DD
	Keys          []string                      // ceremony.KeyID of its certificates
	AsksFor       []string                      // parties it may name in on_behalf_of
	Through       string                        // the provider that asks for it; then it may have no keys
	Sector        string                        // sub is the same for all parties of a sector; empty: ID
	Grants        []string                      // scopes of the grants a login gives: the portal's
	Terminals     []ceremony.RegisteredTerminal // at which it may ask
	Ended         bool                          // no longer registered; kept for the history
}

// States of a request at rest.
const (
	Waiting = "waiting" // nobody has fetched it
	Opened  = "opened"  // a phone has
	Done    = "done"    // the verdict is stored, the nonce used up
)

// Request is a request under way and, once answered, its outcome.
type Request struct {
	ID        string
	ResultID  string
	Party     string
	Nonce     string
	JWS       string // the exact request
	Channel   ceremony.Channel
	Match     string // the right number, when the channel is cross
	ReturnURL string
	IssuedAt  time.Time
	ExpiresAt time.Time
	State     string
	Phone     [32]byte // SHA-256 of the phone's header; zero while waiting
	Undecided string   // code of the last answer that could not be judged
	Outcome   Outcome  // of a request that is done
	CodeUsed  bool     // the response code was taken: its party has the result
	Documents [][]byte // of kind sign, for PutRequest; otherwise Store.Document has them
}

// Signed is a document that was signed.
type Signed struct {
	Signature []byte // the detached CMS, or the signed PDF or XML document
	Report    []byte // the verdict on it, as JSON: a document.Answer
}

// Outcome is what came of an answer.
type Outcome struct {
	Request       string // id
	Verdict       ceremony.Verdict
	SubIndication string
	Code          string // why it did not pass
	Reason        string // the holder's, when refused
	Answer        string // base64url SHA-256 of the answer
	Certificate   [32]byte
	Person        string // pairwise to this verifier; empty when unknown
	Claims        map[string]string
	AMR           []string
	Receipt       string
	At            time.Time
	ResponseCode  [32]byte // SHA-256; zero when the channel needs none
	CodeUntil     time.Time
	EraseAt       time.Time
	Session       *Session      // that a passed login opens; nil when nobody watches over it
	Use           *ceremony.Use // nil when nobody is known to have answered
	Count         *Count        // of a use that the holder's daily limits count
	Opening       *Opening      // when it opens an account
	Signed        []Signed      // of kind sign, one for each document, when passed; Finish erases the documents when there is none
	Wrong         int           // of kind sign: the document, from 1, because of whose signature it did not pass
}

// Count is how a use is counted.
type Count struct {
	Category ceremony.Category // "" is not counted, but the version must hold all the same
	Rules    int64             // the version of the rules by which it was judged
	Limit    int               // of the category; 0 is none
	Total    int               // of all categories; 0 is none
	From, To time.Time         // the day
}

// RulesChange is one change of a person's rules.
type RulesChange struct {
	ID       string // made once
	Person   string
	Rules    ceremony.Rules
	By       string // ceremony.RulesByParty or RulesByCard
	Party    string
	Nonce    string // of a card's word, used up with it; "" when there is none
	NonceEnd time.Time
	Proposal string // confirmed by it; "" when there is none
	At       time.Time
	Tell     string // code that the issuer tells the person of it by; "" tells nobody
}

// Telling is a change of which a person is still to be told.
type Telling struct {
	ID     string // of the message to the issuer, which takes it once
	Person string
	Code   string
	Due    time.Time
	Tries  int // begun
}

// Proposal is rules that wait for the holder's card.
type Proposal struct {
	ID      string
	Person  string
	Rules   ceremony.Rules
	At      time.Time
	Expires time.Time
	Done    bool
}
