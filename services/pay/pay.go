package pay

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tegata/internal/problem"
	"tegata/services/relying"
)

// Verifier checks a signature. *relying.Party does.
type Verifier interface {
	Verify(ctx context.Context, signature, content []byte) (relying.Verdict, error)
}

// Config is what a Pay is built from.
type Config struct {
	Store       Store
	Verifier    Verifier
	VerifierURL string // for the record
	Bank        *Bank
	Now         func() time.Time
	Log         *slog.Logger // nil is silent
}

// Pay is what the wallet does, behind its pages.
type Pay struct{ conf Config }

// New is the wallet over its store.
func New(conf Config) *Pay {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	return &Pay{conf}
}

// May says whether a person may open a wallet, and with which limits. It returns
// ErrFacts, ErrSecond, ErrTooYoung, or an error of the store.
func (p *Pay) May(ctx context.Context, sub string, who Attributes) (Limits, error) {
	if !who.whole() {
		return Limits{}, ErrFacts
	}
	l, err := LimitsOf(who, p.conf.Now())
	if err != nil {
		return Limits{}, err
	}
	switch w, err := p.conf.Store.WalletOf(ctx, sub); {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return Limits{}, err
	case w.Open():
		return Limits{}, ErrSecond
	}
	return l, nil
}

// Draw writes the terms for a person. It returns what May returns.
func (p *Pay) Draw(ctx context.Context, id, sub string, who Attributes) (Draft, error) {
	l, err := p.May(ctx, sub, who)
	if err != nil {
		return Draft{}, err
	}
	return Draft{ID: id, Who: who, Document: Terms(id, p.conf.Now(), who, l)}, nil
}

// Receive has what was signed checked by the verifier, compares it with the login, and
// opens the wallet. The same draft again changes nothing. It returns ErrSignature,
// ErrSecond, and errors of the verifier and the store.
func (p *Pay) Receive(ctx context.Context, sub string, d Draft, login Attributes, s relying.Signed) error {
	if s.Verdict != relying.Passed || s.Sub != sub || login != d.Who {
		return ErrSignature
	}
	v, err := p.conf.Verifier.Verify(ctx, s.Signature, d.Document)
	if err != nil {
		return err
	}
	name, kind := v.Signer()
	if v.Verdict != relying.Passed || name != d.Who.Name {
		return ErrSignature.Because(fmt.Errorf("pay: %s %s", v.Verdict, v.Code))
	}
	sum := sha256.Sum256(s.Signature)
	at := p.conf.Now()
	return p.conf.Store.Open(ctx, at, Wallet{ID: d.ID, Sub: sub, Holder: d.Who, Terms: d.Document, Signature: s.Signature, OpenedAt: at,
		Record: Record{Method: MethodSignature, Issuer: kind, SignatureSHA256: hex.EncodeToString(sum[:]), VerifiedAt: v.CheckedAt, Verifier: p.conf.VerifierURL}})
}

// Wallet is a person's: open, or the last one. It returns ErrNotFound.
func (p *Pay) Wallet(ctx context.Context, sub string) (Wallet, error) {
	return p.conf.Store.WalletOf(ctx, sub)
}

// open is a person's open wallet.
func (p *Pay) open(ctx context.Context, sub string) (Wallet, error) {
	w, err := p.conf.Store.WalletOf(ctx, sub)
	if err == nil && !w.Open() {
		err = ErrNotFound
	}
	return w, err
}

// Protect stops a wallet, or closes its night again. It takes nothing but a press.
func (p *Pay) Protect(ctx context.Context, sub string, s Switch) error {
	if s != Stop && s != Night {
		return fmt.Errorf("pay: %q protects nothing", s)
	}
	w, err := p.open(ctx, sub)
	if err != nil {
		return err
	}
	return p.conf.Store.Turn(ctx, p.conf.Now(), w.ID, s)
}

// Lower takes a protection away. A new login came before it, which is for the caller to
// see to.
func (p *Pay) Lower(ctx context.Context, sub string, s Switch) error {
	if s != Resume && s != Day {
		return fmt.Errorf("pay: %q lowers nothing", s)
	}
	w, err := p.open(ctx, sub)
	if err != nil {
		return err
	}
	return p.conf.Store.Turn(ctx, p.conf.Now(), w.ID, s)
}

// Close ends a wallet without money and what it may take at the bank. It returns
// ErrNotFound, ErrMoney and ErrUnsettled.
func (p *Pay) Close(ctx context.Context, sub string) error {
	w, err := p.open(ctx, sub)
	if err != nil {
		return err
	}
	return p.conf.Store.Close(ctx, p.conf.Now(), w.ID, mayClose)
}

// GaveUp counts somebody who began, and keeps nothing else.
func (p *Pay) GaveUp(ctx context.Context) error { return p.conf.Store.Count(ctx, "gave-up") }

// Pay pays a sale from a person's wallet. The same again changes nothing. It returns
// ErrNotFound, ErrStopped, ErrNight, ErrPayOnce, ErrPayDay, ErrFunds, ErrLedger, and
// ErrMoved when the sale is over. What was refused is told to the holder.
func (p *Pay) Pay(ctx context.Context, sub string, s Sale) error {
	w, err := p.open(ctx, sub)
	if err != nil {
		return err
	}
	at := p.conf.Now()
	err = p.conf.Store.Pay(ctx, at, dayOf(at), s.ID, w.ID, mayPay(at))
	if code := codeOf(err); code != "" {
		return errors.Join(err, p.conf.Store.Tell(ctx, w.ID, Notice{At: at, Kind: "payment-refused", Amount: s.Amount, What: s.Name, Why: code}))
	}
	return err
}

// codeOf is the code of a refusal that a holder is told of; "" for everything else.
func codeOf(err error) string {
	p, ok := errors.AsType[*problem.Problem](err)
	if !ok || p.Kind == problem.CouldNotCheck || errors.Is(err, ErrNotFound) || errors.Is(err, ErrMoved) {
		return ""
	}
	return p.Code
}

// Standing is what a wallet's rules look at now.
func (p *Pay) Standing(ctx context.Context, w Wallet) (Standing, error) {
	return p.conf.Store.Standing(ctx, w.ID, dayOf(p.conf.Now()))
}

// Notices are a wallet's last ones, the newest first.
func (p *Pay) Notices(ctx context.Context, w Wallet, limit int) ([]Notice, error) {
	return p.conf.Store.Notices(ctx, w.ID, limit)
}

// Entries are a wallet's ledger, the oldest first. It returns ErrLedger.
func (p *Pay) Entries(ctx context.Context, w Wallet) ([]Entry, error) {
	return p.conf.Store.Entries(ctx, w.ID)
}

// Waiting are a wallet's charges whose answer is open.
func (p *Pay) Waiting(ctx context.Context, w Wallet) ([]Charge, error) {
	return p.conf.Store.Waiting(ctx, w.ID)
}

// ChargeOf is one of a wallet's charges. It returns ErrNotFound.
func (p *Pay) ChargeOf(ctx context.Context, w Wallet, id string) (Charge, error) {
	return p.conf.Store.Charge(ctx, w.ID, id)
}

// Mandate is one of a wallet's. It returns ErrNotFound.
func (p *Pay) Mandate(ctx context.Context, w Wallet, id string) (Mandate, error) {
	return p.conf.Store.Mandate(ctx, w.ID, id)
}
