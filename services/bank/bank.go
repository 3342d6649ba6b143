package bank

import (
	"context"
	"crypto/ecdsa"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/unicode/norm"

	"tegata/services/guardian"
	"tegata/services/relying"
)

//go:embed sanctions.json
var sanctionsJSON []byte

// listed is an entry of the sandbox's list of sanctioned people. None of them lives there.
type listed struct {
	Name      string `json:"name"`
	Birthdate string `json:"birthdate"`
}

// sameName is a name for comparing with a list: one way to write a letter (Unicode TR15,
// NFKC), and no spaces, of which registers have wide ones and lists any.
func sameName(name string) string {
	return strings.Join(strings.Fields(norm.NFKC.String(name)), "")
}

// Verifier checks a signature now. *relying.Party does.
type Verifier interface {
	Verify(ctx context.Context, signature, content []byte) (relying.Verdict, error)
}

// Config is what a Bank is built from.
type Config struct {
	Store       Store
	Verifier    Verifier
	VerifierURL string        // for the record
	Origin      string        // of the pages, for links in letters
	ReviewAfter time.Duration // how long a review takes
	ID          string        // as others name this bank in letters
	Key         *ecdsa.PrivateKey
	KeyID       string
	Creditors   []Creditor
	HTTP        *http.Client // to creditors
	Now         func() time.Time
	Log         *slog.Logger // nil is silent
}

// Bank is what the bank does, behind its pages.
type Bank struct {
	conf   Config
	listed []listed
	desk   guardian.Desk

	mu   sync.Mutex         // guards keys
	keys map[string]fetched // of creditors
}

// retryReview is when a review is tried again that could not learn a certificate's status.
const retryReview = time.Minute

// retryNews is when it is tried again where the verifier has no news yet.
const retryNews = 5 * time.Second

// New is a bank over its store.
func New(conf Config) (*Bank, error) {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	b := &Bank{conf: conf, desk: guardian.Desk{Store: conf.Store, Verifier: conf.Verifier, VerifierURL: conf.VerifierURL, Now: conf.Now, Service: "手形銀行"}}
	if err := json.Unmarshal(sanctionsJSON, &b.listed); err != nil {
		return nil, fmt.Errorf("bank: sanctions.json: %w", err)
	}
	for i := range b.listed {
		b.listed[i].Name = sameName(b.listed[i].Name)
	}
	return b, nil
}

// May says whether a person may apply for a product. ErrFacts, ErrTooYoung, ErrMinor,
// ErrSecond, for securities ErrNoAccount and ErrHeld, or an error of the store.
func (b *Bank) May(ctx context.Context, sub string, who Attributes, p Product) error {
	if !who.whole() {
		return ErrFacts
	}
	switch years, err := guardian.Age(who.Birthdate, b.conf.Now()); {
	case err != nil:
		return err
	case years < guardian.Youngest:
		return ErrTooYoung
	case years < guardian.Adult && p == Securities:
		return ErrMinor
	}
	if p == Securities {
		switch a, err := b.conf.Store.Current(ctx, sub, Deposit); {
		case errors.Is(err, ErrNotFound), err == nil && a.State != Opened:
			return ErrNoAccount
		case err == nil && a.Held():
			return ErrHeld
		case err != nil:
			return err
		}
	}
	a, err := b.conf.Store.Current(ctx, sub, p)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil && (a.State == Awaiting || a.State == Reviewing || a.State == Opened) {
		return ErrSecond
	}
	return err
}

// japan is where birthdays begin.
var japan = time.FixedZone("JST", 9*60*60)

// Draft is an application that nobody has signed. It is kept nowhere but with the
// browser's session.
type Draft struct {
	ID       string
	Who      Attributes
	Choices  Choices
	Minor    bool // a guardian has to consent (民法 第5条第1項)
	Document []byte
}

// Draw writes the application. It returns ErrChoices and what May returns.
func (b *Bank) Draw(ctx context.Context, id, sub string, who Attributes, c Choices) (Draft, error) {
	if !c.fits() {
		return Draft{}, ErrChoices
	}
	if err := b.May(ctx, sub, who, c.Product); err != nil {
		return Draft{}, err
	}
	minor := guardian.Needed(who.Birthdate, b.conf.Now())
	return Draft{ID: id, Who: who, Choices: c, Minor: minor, Document: Document(id, b.conf.Now().In(japan), who, c, minor)}, nil
}

// Receive checks what was signed by itself, compares it with the login, and records it
// before anything comes of it. The same draft again changes nothing. It returns
// ErrSignature, ErrSecond, and errors of the verifier and the store.
func (b *Bank) Receive(ctx context.Context, sub string, d Draft, login Attributes, s relying.Signed) error {
	if s.Verdict != relying.Passed || s.Sub != sub || login != d.Who {
		return ErrSignature
	}
	r, err := b.recorded(ctx, s.Signature, d.Document, d.Who.Name)
	if err != nil {
		return err
	}
	at := b.conf.Now()
	state, due := Reviewing, at.Add(b.conf.ReviewAfter)
	if d.Minor {
		state, due = Awaiting, at.Add(guardian.Life)
	}
	return b.conf.Store.Receive(ctx, at, Application{
		ID: d.ID, Sub: sub, State: state, Choices: d.Choices, Attributes: d.Who, Document: d.Document, Signature: s.Signature,
		ReviewAt: due, DueAt: due,
		Record: r,
	})
}

// Application is one by its ID, which is a secret of whoever signed it. It returns
// ErrNotFound.
func (b *Bank) Application(ctx context.Context, id string) (Application, error) {
	return b.conf.Store.Application(ctx, id)
}

// All are a person's applications that are kept, the newest first.
func (b *Bank) All(ctx context.Context, sub string) ([]Application, error) {
	return b.conf.Store.All(ctx, sub)
}

// Current is a person's application or account of a product. It returns ErrNotFound.
func (b *Bank) Current(ctx context.Context, sub string, p Product) (Application, error) {
	return b.conf.Store.Current(ctx, sub, p)
}

// Close ends a person's account, and tells creditors. It returns ErrNotFound,
// ErrNotEmpty, ErrSecurities, ErrHeld.
func (b *Bank) Close(ctx context.Context, sub string, p Product) error {
	if err := b.conf.Store.Close(ctx, b.conf.Now(), sub, p, closedLetter(p)); err != nil {
		return err
	}
	return b.tellCreditors(context.WithoutCancel(ctx), b.conf.Now())
}

// GaveUp counts somebody who began, and keeps nothing else.
func (b *Bank) GaveUp(ctx context.Context) error { return b.conf.Store.Count(ctx, "gave-up") }
