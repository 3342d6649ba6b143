package oidc

import (
	"context"
	"errors"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
)

// What a Store says.
var (
	// ErrNotFound: there is no such record, or its time is over.
	ErrNotFound = errors.New("oidc: not found")
	// ErrUsed: what may be used once was used before, or somebody else was first.
	ErrUsed = errors.New("oidc: used before")
	// ErrChanged: the registration is not the one that was read, or its client has ended.
	ErrChanged = errors.New("oidc: changed since it was read")
)

// Store keeps what the provider must not forget. Every change is durable when the call
// returns, and each call is one transaction. Codes, tokens and cookies come to it as
// SHA-256 only.
type Store interface {
	Developers
	Applications

	// Client finds a registered client. ErrNotFound.
	Client(ctx context.Context, id string) (Client, error)
	// PutClient registers a client or replaces its registration, with an audit record.
	PutClient(ctx context.Context, who audit.Actor, at time.Time, c Client) error

	// PutLogin keeps a login, new or changed. Who claimed it stays, and when it came.
	PutLogin(ctx context.Context, l Login, at time.Time) error
	// CountAsk counts one more request to the phone in a login. ErrUsed when there were
	// most of them.
	CountAsk(ctx context.Context, id string, most int) error
	// Login finds a login whose time is not over at the moment. ErrNotFound.
	Login(ctx context.Context, id string, at time.Time) (Login, error)
	// LoginsOf lists a browser's logins, newest first.
	LoginsOf(ctx context.Context, browser [32]byte, at time.Time) ([]Login, error)
	// TakePushed finds a login by its pushed request, once. ErrNotFound.
	TakePushed(ctx context.Context, pushed [32]byte, at time.Time) (Login, error)
	// ClaimLogin gives the right to finish a login to the first who asks. ErrUsed.
	ClaimLogin(ctx context.Context, id string) error

	// PutGrant keeps a new grant with its code, if that is not zero, and an audit record.
	PutGrant(ctx context.Context, who audit.Actor, g Grant, code [32]byte) error
	// Grant finds a grant whose time is not over. One that ended has only its ids.
	// ErrNotFound.
	Grant(ctx context.Context, id string, at time.Time) (Grant, error)
	// GrantByCode and GrantByRefresh find a grant by the hash of its code or of any of
	// its refresh tokens; current says that the token is the latest. ErrNotFound.
	GrantByCode(ctx context.Context, code [32]byte, at time.Time) (Grant, error)
	GrantByRefresh(ctx context.Context, refresh [32]byte, at time.Time) (g Grant, current bool, err error)
	// Redeem uses up a grant's code and gives it its first refresh token, if that is not
	// zero. ErrUsed when the code was used or the grant has ended.
	Redeem(ctx context.Context, id, content string, refresh [32]byte, at time.Time) error
	// Rotate puts a refresh token in the place of the latest. ErrUsed when from is not
	// the latest any more, or the grant has ended. from and to may be the same.
	Rotate(ctx context.Context, id, content string, from, to [32]byte, at time.Time) error
	// NoteUse keeps when a grant was used, to the minute.
	NoteUse(ctx context.Context, id string, at time.Time) error
	// EndGrant ends a grant and erases what it held; with notice, its client is to be
	// told. An ended one stays as it is.
	EndGrant(ctx context.Context, who audit.Actor, id, why string, notice *Notice, at time.Time) error
	// GrantsOfSession and GrantsOfSID list the grants that stand, by the gateway's
	// session or by the sid of their ID Tokens.
	GrantsOfSession(ctx context.Context, session string) ([]Grant, error)
	GrantsOfSID(ctx context.Context, sid string) ([]Grant, error)
	// GrantsOf lists the grants of a person whose time is not over, ended ones too.
	GrantsOf(ctx context.Context, person string, at time.Time) ([]Grant, error)
	// EndGrantsOf ends a person's grants at a client, as EndGrant does each, with the
	// notices that notice makes, and puts use into the person's history: all or nothing.
	// When none stands, nothing happens.
	EndGrantsOf(ctx context.Context, who audit.Actor, person, client, why string, notice func(Grant) *Notice, use ceremony.Use) error

	// PutToken keeps an access token, or changes it. Token finds one whose time is not
	// over. ErrNotFound.
	PutToken(ctx context.Context, t Token) error
	Token(ctx context.Context, token [32]byte, at time.Time) (Token, error)

	// PutSignTransaction keeps a new transaction with its document. When its client used
	// its key before, it returns the one of then with ErrUsed, and keeps nothing.
	PutSignTransaction(ctx context.Context, t SignTransaction, content []byte, at time.Time) (SignTransaction, error)
	// SignTransaction finds one whose time is not over, and SignContent the document of one
	// that nobody has signed yet. ErrNotFound.
	SignTransaction(ctx context.Context, id string, at time.Time) (SignTransaction, error)
	SignContent(ctx context.Context, id string, at time.Time) ([]byte, error)
	// HoldSignTransaction lets one that nobody has signed yet last at least until then.
	HoldSignTransaction(ctx context.Context, id string, until time.Time) error
	// UseSignTransaction gives a transaction to the login in which it was signed, erases its
	// document and lets it last until then. Again for the same login it is no error. ErrUsed
	// when it was another's first, or is over.
	UseSignTransaction(ctx context.Context, id, login string, at, until time.Time) error

	// DueNotices lists notices that are to be sent; PutNotice says when one is tried
	// again, DropNotice that it was sent or is given up.
	DueNotices(ctx context.Context, at time.Time, limit int) ([]Notice, error)
	PutNotice(ctx context.Context, n Notice) error
	DropNotice(ctx context.Context, id string) error

	// JTI remembers the id of a client's assertion or proof until the moment. ErrUsed
	// when it is there.
	JTI(ctx context.Context, id string, until time.Time) error

	// SweepOIDC erases what is over as of at.
	SweepOIDC(ctx context.Context, at time.Time) error
}

// Login is a relying party's request under way.
type Login struct {
	ID      string   `json:"-"` // 128 bits
	Client  string   `json:"client"`
	Content string   `json:"content"` // the engine's own
	Pushed  [32]byte `json:"-"`       // hash of the handle of a pushed request; zero: none
	Browser [32]byte `json:"-"`       // hash of the cookie of the browser that began it; zero: not yet
	Scopes  []string `json:"scopes,omitempty"`
	Risk    string   `json:"risk,omitempty"`
	Hint    string   `json:"hint,omitempty"` // sub of id_token_hint
	// Transaction is the document that is to be signed in this login; "": none.
	Transaction string `json:"transaction,omitempty"`

	Channel    string    `json:"channel,omitempty"` // of the request to the phone; "": none yet
	ResultID   string    `json:"result,omitempty"`
	RequestURI string    `json:"request_uri,omitempty"`
	Match      string    `json:"match,omitempty"`
	AskedUntil time.Time `json:"asked_until,omitzero"`
	// Earlier are the results of requests before that one, on the same device: an approval of
	// one may still be on its way back.
	Earlier []string `json:"earlier,omitempty"`

	// Useless: after the last answer, trying again is of no use for now.
	Useless bool `json:"useless,omitempty"`
	// Failed is the code of the last answer, when the client is told it as the person goes
	// back.
	Failed string `json:"failed,omitempty"`

	Sealed  []byte    `json:"sealed,omitempty"` // Redirect, for this browser alone
	Until   time.Time `json:"-"`
	Claimed bool      `json:"-"`

	// Redirect is where the browser goes; "" while the login is not over. It may hold a
	// code, and is not kept: see sealFor.
	Redirect string `json:"-"`
	cookie   string // of the browser that is here now; not kept
}

// Grant is what a person's approval gave to a client.
type Grant struct {
	ID       string
	Client   string
	Subject  string // pairwise
	Session  string // the gateway's name of the login; "": none that could end
	SID      string // in ID Tokens
	Person   string // as the gateway names them
	Given    string // names of the attributes that were given, with spaces between
	Content  string // the engine's own
	CodeUsed bool
	Ended    bool
	Why      string
	Begun    time.Time
	Used     time.Time // the last time, to the minute
	EndedAt  time.Time // zero while it stands
	Until    time.Time
}

// Why grants end.
const (
	whyHolder      = "ended by the holder"
	whyRevoked     = "revoked"
	whyLoggedOut   = "logged out"
	whySessionOver = "session over"
	whyCertificate = "certificate " // and its state
	whyCodeAgain   = "used twice"
	whyTokenAgain  = "refresh token used again"
)

// SignTransaction is what a client brought to be signed: a document, or several.
type SignTransaction struct {
	ID     string // UUID
	Client string
	Key    [32]byte // hash of its Idempotency-Key; zero: none
	Body   [32]byte // hash of all that came with it
	About  SignAbout
	UsedBy string // the login in which it was signed; "": not yet
	Until  time.Time
}

// SignAbout is what is known of the documents of a transaction beside their bytes.
type SignAbout struct {
	AboutDocument                 // the one
	Documents     []AboutDocument `json:"documents,omitempty"` // or several, whose bytes are kept one after another
	Purpose       string          `json:"purpose"`
	// Encrypt is the public JWK that the result is sealed to; "": it is given in clear.
	Encrypt string `json:"encrypt,omitempty"`
}

// AboutDocument is what is known of one document beside its bytes.
type AboutDocument struct {
	Name      string `json:"name,omitempty"`
	MediaType string `json:"media_type,omitempty"`
	Format    string `json:"format,omitempty"`
	SHA256    string `json:"sha256,omitempty"` // base64url
	Size      int    `json:"size,omitempty"`   // bytes
}

// all are the documents of a transaction, in their order.
func (a SignAbout) all() []AboutDocument {
	if len(a.Documents) > 0 {
		return a.Documents
	}
	return []AboutDocument{a.AboutDocument}
}

// Token is an access token.
type Token struct {
	Hash    [32]byte
	Grant   string
	Content string // the engine's own
	Until   time.Time
}

// Notice is a logout that a client is to be told of (OpenID Connect Back-Channel
// Logout 1.0).
type Notice struct {
	ID     string
	Client string
	SID    string
	Sub    string
	Tries  int
	Due    time.Time
	Until  time.Time // given up after this
}
