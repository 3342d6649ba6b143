package carrier

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tegata/services/guardian"
	"tegata/services/relying"
)

// Verifier checks a signature. *relying.Party does.
type Verifier interface {
	Verify(ctx context.Context, signature, content []byte) (relying.Verdict, error)
}

// Config is what a Carrier is built from.
type Config struct {
	Store         Store
	Verifier      Verifier
	VerifierURL   string        // for the record
	Origin        string        // of the pages, for links in mail
	ActivateAfter time.Duration // how long an activation takes
	Now           func() time.Time
	Log           *slog.Logger // nil is silent
}

// Carrier is what the carrier does, behind its pages.
type Carrier struct{ conf Config }

// What the carrier refuses, beside what its Store returns.
var (
	// ErrTooYoung: below 15, who has no certificate for signatures.
	ErrTooYoung = errors.New("carrier: below 15")
	// ErrClaims: the person let the carrier have no name, address or birth date, without
	// which there is no contract.
	ErrClaims = errors.New("carrier: a fact of the person is missing")
	// ErrChoices: no plan was chosen.
	ErrChoices = errors.New("carrier: choices")
	// ErrFilter: below 18, and the filter is off.
	ErrFilter = errors.New("carrier: below 18 without the filter")
	// ErrAddress: what was entered is no mail address.
	ErrAddress = errors.New("carrier: address")
	// ErrSoon: a confirmation was mailed a moment ago.
	ErrSoon = errors.New("carrier: mailed a moment ago")
	// ErrSignature: the signature does not hold, or is not of the person who logged in.
	ErrSignature = errors.New("carrier: signature")
)

// New is a carrier over its store.
func New(conf Config) *Carrier {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	return &Carrier{conf}
}

// japan is where birthdays begin.
var japan = time.FixedZone("JST", 9*60*60)

// Born is the birth date, for a page; zero when it is not known.
func (a Attributes) Born() time.Time {
	t, err := time.ParseInLocation(time.DateOnly, a.Birthdate, japan)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Age is somebody's age in years on the day of at, in Japan. Who is born on 29 February is a
// year older on 1 March of other years, as the wall's calendar has it.
func (a Attributes) Age(at time.Time) (int, error) {
	return guardian.Age(a.Birthdate, at)
}

// MustFilter says whether somebody's line has to have the filter
// (青少年が安全に安心してインターネットを利用できる環境の整備等に関する法律 第15条; that a
// guardian may do without it there is nobody here to say).
func (c *Carrier) MustFilter(who Attributes) bool {
	years, err := who.Age(c.conf.Now())
	return err != nil || years < guardian.Adult
}

// Whole says whether all is there that a document names: ErrClaims.
func (a Attributes) Whole() error {
	if a.Name == "" || a.Address == "" || a.Birthdate == "" {
		return ErrClaims
	}
	return nil
}

// May says whether a person may take out a line. It returns ErrClaims, ErrTooYoung,
// ErrTooMany, or an error of the store.
func (c *Carrier) May(ctx context.Context, sub string, who Attributes) error {
	if err := who.Whole(); err != nil {
		return err
	}
	years, err := who.Age(c.conf.Now())
	if err != nil {
		return err
	}
	if years < guardian.Youngest {
		return ErrTooYoung
	}
	n, err := c.Count(ctx, sub)
	if err == nil && n >= MaxLines {
		return ErrTooMany
	}
	return err
}

// Count is how many lines a person has.
func (c *Carrier) Count(ctx context.Context, sub string) (n int, err error) {
	all, err := c.conf.Store.Lines(ctx, sub)
	for _, l := range all {
		if l.Counts() {
			n++
		}
	}
	return n, err
}

// Draft is what nobody has signed yet: a contract, or a request for a change. It is kept
// nowhere but with the browser's session.
type Draft struct {
	ID       string
	Kind     Kind   // "" for a contract
	Line     string // that is changed, or whose profile is put into a phone
	Number   string
	Who      Attributes
	Choices  Choices
	Document []byte
	Minor    bool             // a guardian has to consent (民法 第5条第1項)
	consent  guardian.Consent // of Agree
	link     string           // likewise: the invitation
	iccid    string           // of the profile that is put into a phone
	phone    Token            // into which
}

// Draw writes a contract. It returns ErrChoices, ErrFilter, ErrAddress, and what May returns.
func (c *Carrier) Draw(ctx context.Context, sub string, who Attributes, choices Choices) (Draft, error) {
	plan, ok := FindPlan(choices.Plan)
	if !ok {
		return Draft{}, ErrChoices
	}
	if choices.Mail != "" && !goodAddress(choices.Mail) {
		return Draft{}, ErrAddress
	}
	if err := c.May(ctx, sub, who); err != nil {
		return Draft{}, err
	}
	if c.MustFilter(who) && !choices.Filter {
		return Draft{}, ErrFilter
	}
	d := Draft{ID: rand.Text(), Who: who, Choices: choices, Minor: guardian.Needed(who.Birthdate, c.conf.Now())}
	d.Document = contract(d.ID, c.conf.Now(), who, choices, plan, d.Minor)
	return d, nil
}

// Receive checks what was signed by itself, compares it with the login whose facts the draft
// has, and records it before anything comes of it. Of a guardian's consent login are the facts
// of the login in which it was signed; of anything else they are not looked at. The same draft again changes nothing. It
// returns ErrSignature, what Store.Receive, Store.Ask, Store.Install and package guardian return, and errors of the verifier.
func (c *Carrier) Receive(ctx context.Context, sub string, d Draft, login Attributes, s relying.Signed) error {
	if d.Kind == Agree {
		return c.agree(ctx, sub, d, login, s)
	}
	r, err := c.recorded(ctx, sub, d, s)
	if err != nil {
		return err
	}
	if d.Kind == Install {
		return c.install(ctx, sub, d, s.Signature, r)
	}
	if d.Kind != "" {
		return c.ask(ctx, sub, d, s.Signature, r)
	}
	at := c.conf.Now()
	confirm, err := c.confirmation(ctx, sub, d.Choices.Mail)
	if err != nil {
		return err
	}
	state, due := Signed, at.Add(c.conf.ActivateAfter)
	if d.Minor {
		state, due = Awaiting, at.Add(guardian.Life)
	}
	return c.conf.Store.Receive(ctx, Line{ID: d.ID, Sub: sub, State: state, Choices: d.Choices, Attributes: d.Who, Document: d.Document,
		Signature: s.Signature, Record: r, SignedAt: at, ActivateAt: due}, confirm)
}

// recorded is the record of identity that a signature makes.
func (c *Carrier) recorded(ctx context.Context, sub string, d Draft, s relying.Signed) (Record, error) {
	if s.Verdict != relying.Passed || s.Sub != sub {
		return Record{}, ErrSignature
	}
	v, err := c.conf.Verifier.Verify(ctx, s.Signature, d.Document)
	if err != nil {
		return Record{}, err
	}
	name, kind := v.Signer()
	if v.Verdict != relying.Passed || name != d.Who.Name || v.Certificate() == "" {
		return Record{}, fmt.Errorf("%w: %s %s", ErrSignature, v.Verdict, v.Code)
	}
	sum := sha256.Sum256(s.Signature)
	return Record{Method: MethodSignature, Issuer: kind, Certificate: v.Certificate(), SignatureSHA256: hex.EncodeToString(sum[:]),
		VerifiedAt: v.CheckedAt, Verifier: c.conf.VerifierURL}, nil
}

// confirmation begins to confirm an address; nil when there is none, or it is confirmed.
func (c *Carrier) confirmation(ctx context.Context, sub, address string) (*Confirm, error) {
	if address == "" {
		return nil, nil
	}
	all, err := c.conf.Store.Addresses(ctx, sub)
	if err != nil || slices.ContainsFunc(all, func(a Address) bool { return a.Address == address && !a.ConfirmedAt.IsZero() && a.Until.IsZero() }) {
		return nil, err
	}
	link := rand.Text()
	return &Confirm{Address: address, Link: TokenOf(link), Letter: confirmLetter(c.conf.Origin + "/mail/" + link)}, nil
}

// Lines are a person's.
func (c *Carrier) Lines(ctx context.Context, sub string) ([]Line, error) {
	return c.conf.Store.Lines(ctx, sub)
}

// Line is one of a person's: ErrNotFound.
func (c *Carrier) Line(ctx context.Context, sub, id string) (Line, error) {
	return c.conf.Store.Line(ctx, sub, id)
}

// GaveUp counts somebody who began, and keeps nothing else.
func (c *Carrier) GaveUp(ctx context.Context) error { return c.conf.Store.Count(ctx, "gave-up") }

// mailEvery is how often one person may have a confirmation mailed: nobody's mailbox is
// filled through us.
const mailEvery = time.Minute

// SetAddress begins to confirm another address for notices: ErrAddress, ErrSoon, and
// ErrNotFound for who has no line.
func (c *Carrier) SetAddress(ctx context.Context, sub, address string) error {
	if !goodAddress(address) {
		return ErrAddress
	}
	all, err := c.conf.Store.Addresses(ctx, sub)
	if err != nil {
		return err
	}
	if len(all) > 0 && c.conf.Now().Before(all[0].AskedAt.Add(mailEvery)) {
		return ErrSoon
	}
	confirm, err := c.confirmation(ctx, sub, address)
	if err != nil || confirm == nil {
		return err
	}
	return c.conf.Store.SetAddress(ctx, c.conf.Now(), sub, *confirm)
}

// Addresses are a person's for notices.
func (c *Carrier) Addresses(ctx context.Context, sub string) ([]Address, error) {
	return c.conf.Store.Addresses(ctx, sub)
}

// AddressByLink is the address that a link confirms: ErrNotFound.
func (c *Carrier) AddressByLink(ctx context.Context, link string) (Address, error) {
	return c.conf.Store.AddressByLink(ctx, TokenOf(link))
}

// Confirm confirms an address by its link: ErrNotFound.
func (c *Carrier) Confirm(ctx context.Context, link string) error {
	at := c.conf.Now()
	return c.conf.Store.Confirm(ctx, at, TokenOf(link), at.Add(Overlap), movedLetter())
}
