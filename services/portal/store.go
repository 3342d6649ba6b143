package portal

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
)

// ErrNotFound is what a Store returns for what is not there.
var ErrNotFound = errors.New("portal: no such record")

// ErrTaken is what OpenCase returns when the number is another case's.
var ErrTaken = errors.New("portal: the number is taken")

// Store keeps what the portal must not forget. Tokens of browsers come to it as
// SHA-256 hashes only.
type Store interface {
	// PutLogin records a login that a browser began.
	PutLogin(ctx context.Context, who audit.Actor, l Login) error
	// Login finds a login by the hash of its browser's token. ErrNotFound.
	Login(ctx context.Context, browser [32]byte) (Login, error)
	// Finish opens a session for a login and takes in what the verdict brought, in
	// one transaction. A login is finished once: when it was finished before,
	// nothing changes and false is returned.
	Finish(ctx context.Context, who audit.Actor, browser [32]byte, a Account, s Session) (bool, error)
	// Account finds an account by its pairwise id. ErrNotFound.
	Account(ctx context.Context, person string) (Account, error)
	// PutSnapshot keeps what issuer and verifier said about a person at a moment.
	PutSnapshot(ctx context.Context, who audit.Actor, person string, s Snapshot) error
	// Session finds a session whose time is not over at the moment and which nobody
	// logged out of, and its account. ErrNotFound.
	Session(ctx context.Context, token [32]byte, at time.Time) (Session, Account, error)
	// EndSession ends a session, of which nothing is found after that, though its
	// certificate ended it before; ending an ended one is no error.
	EndSession(ctx context.Context, who audit.Actor, token [32]byte, at time.Time) error
	// EndSessions ends sessions by the verifier's names for them; ones that it does not
	// know, or that ended before, are no error.
	EndSessions(ctx context.Context, who audit.Actor, ended []EndedSession, at time.Time) error
	// PutPush keeps a browser that is told of notices; PushesOf lists those of a holder,
	// AnyPush says whether there is one at all. DropPush and DropPushes end one, and all
	// of a person.
	PutPush(ctx context.Context, who audit.Actor, p PushSubscription) error
	PushesOf(ctx context.Context, holder string) ([]PushSubscription, error)
	AnyPush(ctx context.Context) (bool, error)
	DropPush(ctx context.Context, who audit.Actor, endpoint string, at time.Time) error
	DropPushes(ctx context.Context, who audit.Actor, person string, at time.Time) error
	// TakePushed notes that a browser is being told of a notice; false when it was before.
	// DropPushed takes that back.
	TakePushed(ctx context.Context, notice, endpoint string, at time.Time) (bool, error)
	DropPushed(ctx context.Context, notice, endpoint string) error
	// Snapshot returns the latest snapshot. ErrNotFound.
	Snapshot(ctx context.Context, person string) (Snapshot, error)

	// OpenCase keeps a case and returns it, or the one that this person opened for this
	// use before. ErrTaken.
	OpenCase(ctx context.Context, who audit.Actor, c Case) (Case, error)
	// HoldCase notes when the phone was put on hold for a case, once. Its Hold is over.
	HoldCase(ctx context.Context, who audit.Actor, number string, held, at time.Time) error
	// PutHold has the issuer asked with what a later login brought; of a case whose phone
	// is on hold nothing changes. RefuseHold notes why it never will do it: of the Hold
	// that c has, and not of one that was put since.
	PutHold(ctx context.Context, who audit.Actor, number string, h Hold, at time.Time) error
	RefuseHold(ctx context.Context, who audit.Actor, c Case, code string, at time.Time) error
	// HoldsDue and ClaimHold are CasesDue and ClaimCase of what the issuer is to be asked.
	HoldsDue(ctx context.Context, at time.Time, limit int) ([]Case, error)
	ClaimHold(ctx context.Context, c Case, next time.Time) (bool, error)
	// Cases lists a person's, newest first.
	Cases(ctx context.Context, person string) ([]Case, error)
	// CasesDue lists at most limit cases that the helpdesk is to be told of by a moment,
	// the longest due first. ClaimCase counts a try and moves Due on to next, durably,
	// before the try; false when somebody else has moved it since it was listed.
	// SettleCase notes that the helpdesk was told, or, with a code, why it never takes the
	// case in.
	CasesDue(ctx context.Context, at time.Time, limit int) ([]Case, error)
	ClaimCase(ctx context.Context, c Case, next time.Time) (bool, error)
	SettleCase(ctx context.Context, who audit.Actor, number, code string, at time.Time) error
}

// Login is a login under way.
type Login struct {
	Browser    [32]byte // SHA-256 of the token in the browser that began it
	Channel    string   // ceremony.Same or ceremony.Cross
	ResultID   string   // opens the result, together with the portal's own key
	RequestURI string   // what the phone fetches
	Match      string   // the number to show, when it crosses devices
	BegunAt    time.Time
	ExpiresAt  time.Time
	Finished   bool
}

// Account is a person as the portal knows one.
type Account struct {
	Person    string // pairwise id; the same through renewal, moving and a new phone
	Name      string // as released by the holder
	NameAsOf  time.Time
	CreatedAt time.Time
}

// Session is one browser that is logged in.
type Session struct {
	Token   [32]byte // SHA-256 of the cookie
	Person  string
	Channel string
	ACR     string
	Begun   time.Time
	Ends    time.Time
	Login   string // the verifier's name for this session; "" when it tells nothing of it
	Ended   string // why it ended before its time: the state of its certificate

	Holder string            // pairwise to the verifier, as the grants name the person
	Grants map[string]string // those of the login that last, by scope; none once it ended
}

// Snapshot is what issuer and verifier said when the person logged in.
type Snapshot struct {
	At           time.Time     `json:"at"`
	Certificates []Certificate `json:"certificates"`
	Phone        *Phone        `json:"phone,omitempty"`
	Uses         []Use         `json:"uses"`
	Queries      []Query       `json:"queries,omitempty"`
	// MissingCertificates and MissingUses say that one of the two could not be
	// asked: the page says so instead of showing nothing.
	MissingCertificates bool `json:"missing_certificates,omitempty"`
	MissingUses         bool `json:"missing_uses,omitempty"`
}
