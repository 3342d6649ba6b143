package pages

import (
	"context"
	"time"

	"tegata/internal/secret"
	"tegata/internal/ui"
)

// Phones is the phones of this machine.
type Phones interface {
	// List names them in a fixed order.
	List(ctx context.Context) ([]Brief, error)
	// Find returns a phone by id, or a problem "no-such-phone".
	Find(ctx context.Context, id string) (Phone, error)
}

// Brief is a phone in the list.
type Brief struct {
	ID      string
	Name    string // "佐藤 花子のスマホ"
	Model   string
	Holder  bool // has a registered holder
	Power   bool
	Picture string
	Word    string
}

// Phone is one phone as its pages see it. Every error is a *problem.Problem or
// becomes one; a *secret.WeakError where a secret is chosen.
type Phone interface {
	// Look is everything that the frame, the home screen and the settings
	// show. It asks nobody and changes nothing.
	Look(ctx context.Context) (Look, error)

	// Needs checks what a registration needs, each with a plain answer.
	Needs(ctx context.Context) ([]Need, error)
	// Terms is the text to agree to, from the authority.
	Terms(ctx context.Context) (Terms, error)
	// Apply reads the card held to the phone under its signature password,
	// has it sign the application and sends it. replace ends an older open
	// application; without it one is the problem "open-application".
	Apply(ctx context.Context, card secret.Password, terms string, replace bool) error
	// CheckPIN says whether a PIN may be chosen: nil or *secret.WeakError.
	CheckPIN(ctx context.Context, pin secret.PIN) error
	// CheckPassword says whether a password may be chosen; card is the
	// card's password typed before, or zero.
	CheckPassword(ctx context.Context, password, card secret.Password) error
	// MakeKeys sets the two secrets, makes both key pairs, and fetches and
	// writes the certificates. Repeating it continues.
	MakeKeys(ctx context.Context, pin secret.PIN, password, card secret.Password) error
	// Register switches the certificates on and returns the lock code, which
	// is shown once and kept nowhere.
	Register(ctx context.Context) (secret.LockCode, error)
	// Abandon ends the open registration of this phone.
	Abandon(ctx context.Context) error

	// Fetch gets and checks the request behind a link. Fetching the same link
	// again gives the same Ask until it is answered.
	Fetch(ctx context.Context, link string) (Ask, error)
	// Asked is a fetched request that has not been answered; a problem
	// "no-such-request" or "request-expired" otherwise.
	Asked(ctx context.Context, id string) (Ask, error)
	// Answer answers a fetched request. A wrong secret is the problem
	// "wrong-phone-pin" or "wrong-phone-password" with tries_left, and the
	// request stays; after anything else it is over.
	Answer(ctx context.Context, id string, reply Reply) (Outcome, error)

	// Uses is the history, newest first, at most limit entries.
	Uses(ctx context.Context, limit int) ([]Use, error)

	// RemoveCard takes away what is held to the phone.
	RemoveCard(ctx context.Context) error
	// Set changes one of the phone's own settings.
	Set(ctx context.Context, change Change) error
	// Stop ends the use of the certificates [利用停止] and gives the receipt.
	Stop(ctx context.Context) (Receipt, error)
}

// Table is the sandbox's table with the cards on it. In production there is
// none, and people hold real cards to real phones.
type Table interface {
	// Cards lists the cards that can be held to a phone.
	Cards(ctx context.Context) ([]Card, error)
	// Hold holds a card to the phone until it is taken away.
	Hold(ctx context.Context, phone, card string) error
}

// Card is a card on the sandbox's table.
type Card struct {
	ID, Name string
	Note     ui.Text // "15歳未満", "期限切れ"; empty for an ordinary one
}

// Stage is how far this phone's registration is.
type Stage string

// The stages, in order.
const (
	StageNone       Stage = "none"       // nothing begun
	StageApplied    Stage = "applied"    // card read, application accepted: secrets next
	StageIssued     Stage = "issued"     // certificates written: [登録する] next
	StageRegistered Stage = "registered" // in use
	StageEnded      Stage = "ended"      // was in use; revoked
)

// Look is the state of a phone.
type Look struct {
	ID, Name      string
	Now           time.Time
	Stage         Stage
	OpenUntil     time.Time // an open registration ends then
	Holder        string    // the holder's name; "" before an application
	Picture       string
	Word          string
	Model         string
	Models        []Model // what the sandbox can make this phone be
	Boot          string  // "verified", "unlocked"
	NFC           bool
	Network       bool
	Power         bool
	ReaderPort    string // where a card dials in: 127.0.0.1:8431
	Tapped        string // what is held to the phone; "" = nothing
	Certificates  []Certificate
	LastCheckIn   time.Time
	PINTries      int // left
	PasswordTries int
	Waiting       []Waiting // requests that wait for an answer
}

// Model is a phone model of the sandbox.
type Model struct {
	ID, Name  string
	Supported bool
}

// Certificate is one of the phone's two.
type Certificate struct {
	Kind      string // "phone-auth", "phone-sign"
	State     string // "good", "held", "revoked", "expired", "unknown"
	Cause     string // of a hold: "unregistered", "lost", "silent", "suspected"
	Serial    string
	NotBefore time.Time
	NotAfter  time.Time
	Issuer    string
	PEM       string
}

// Need is one thing that a registration needs.
type Need struct {
	Code string // names the sentence: "model", "boot", "nfc", "network", "power", "card", "age"
	OK   bool
	Ask  bool // only the person can know: a card at hand, the password remembered
}

// Terms is what one agrees to.
type Terms struct {
	Version string
	Text    ui.Text
}

// Waiting is a request that has been fetched and not answered.
type Waiting struct {
	ID    string
	Party ui.Text
	What  ui.Text
	Until time.Time
}

// Ask is a request, checked, in the words of the asking party's registration.
type Ask struct {
	ID      string
	Party   Party
	Through *Party    // asks on behalf of Party: the OpenID Provider
	Channel string    // "same", "cross", "tap"
	Place   ui.Text   // terminal's place and address; empty = this phone
	Browser string    // the asking browser, when it is another device
	What    ui.Text   // the registered sentence
	Kind    string    // "login", "consent", "sign", …
	Risk    string    // "R1", "R2", "R3"
	Data    []Datum   // what is asked for
	Write   []ui.Text // what will be written or paid
	Match   []string  // three numbers, when the request crosses devices
	Secret  string    // "pin" or "password": one secret a request
	Tries   int       // left
	Until   time.Time // when the request ends
	Next    ui.Text   // what happens after agreeing
}

// Party is who asks, as registered.
type Party struct {
	ID    string
	Name  ui.Text
	Mark  string
	Since time.Time // verified since
}

// Datum is one piece of data that is asked for.
type Datum struct {
	Code     string
	Optional bool // may be refused alone
}

// Reply is what the person decided.
type Reply struct {
	Approve  bool
	Reason   string   // of a refusal: "not-me", "unwanted", "too-much", "no-match"
	Granted  []string // of the optional data
	Match    string
	PIN      secret.PIN      // for Ask.Secret "pin"
	Password secret.Password // for Ask.Secret "password"
}

// Outcome is what happened with the answer.
type Outcome struct {
	Approved bool
	Redirect string  // same device: where this browser goes on; "" otherwise
	Party    ui.Text // who asked
	What     ui.Text
	At       time.Time
}

// Use is one entry of the history.
type Use struct {
	At     time.Time
	Kind   string // "login", …, "registered", "refused", "check-in", "card-read"
	Party  ui.Text
	What   ui.Text
	Result string // "approved", "refused", "failed", "done"
	Code   string // of a failure
	Data   []string
	Where  ui.Text
}

// Change is one setting; nil fields stay.
type Change struct {
	NFC, Network, Power *bool
	Model, Boot         *string
	Picture, Word       *string
}

// Receipt shows that a phone was given up.
type Receipt struct {
	URL string // where anybody can check it
	Tag string // what the wiped phone still shows
	At  time.Time
}
