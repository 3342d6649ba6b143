package pay

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/services/relying"
)

// BankConfig says who the bank is and who we are to it.
type BankConfig struct {
	ID     string            // the bank's, in its letters
	Origin string            // where its pages are: a browser is sent nowhere else
	API    string            // where its machine answers
	Self   string            // our id, in our letters
	Key    *ecdsa.PrivateKey // on P-256, by which our letters are signed
	KeyID  string
	HTTP   *http.Client // httpd.Client
}

// Bank is the bank as the wallet speaks to it: by letters, each of them signed.
type Bank struct {
	c BankConfig

	mu   sync.Mutex // guards what follows
	keys jose.JSONWebKeySet
	at   time.Time // when keys were fetched, by the wall's clock
}

// NewBank makes it; nothing is asked of the bank yet.
func NewBank(c BankConfig) (*Bank, error) {
	origin, err := url.Parse(c.Origin)
	if err != nil || origin.Host == "" || origin.Path != "" || c.ID == "" || c.API == "" || c.Self == "" || c.Key == nil || c.KeyID == "" || c.HTTP == nil {
		return nil, errors.New("pay: the bank's id, origin or address, or our id, key or HTTP client is missing")
	}
	return &Bank{c: c}, nil
}

// A BankRefusal is the bank's clear no, in its own code.
type BankRefusal struct{ Code string }

func (e *BankRefusal) Error() string { return "pay: the bank refuses: " + e.Code }

// Unwrap is the refusal in the wallet's own words.
func (e *BankRefusal) Unwrap() error {
	switch e.Code {
	case "bank-charge-once":
		return ErrChargeOnce
	case "bank-charge-day":
		return ErrChargeDay
	case "bank-charge-first":
		return ErrFirstDay
	case "bank-charge-funds":
		return ErrBankFunds
	case "bank-cooling":
		return ErrBankCooling
	case "bank-held":
		return ErrBankHeld
	case "bank-mandate-over", "bank-mandate-unknown":
		return ErrMandateOver
	}
	return ErrBankRefused
}

// bankCodes are the codes by which the bank says that it decided, and no. With any other
// answer, and with none, what became of a call is open.
var bankCodes = map[string]bool{
	"bank-mandate": true, "bank-mandate-unknown": true, "bank-mandate-code": true, "bank-mandate-over": true,
	"bank-charge-once": true, "bank-charge-day": true, "bank-charge-first": true, "bank-charge-funds": true, "bank-cooling": true, "bank-held": true,
}

// keysLife is for how long the bank's keys are used before they are fetched again.
const keysLife = time.Minute

func (b *Bank) published(ctx context.Context) (jose.JSONWebKeySet, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() && time.Since(b.at) < keysLife {
		return b.keys, nil
	}
	var set jose.JSONWebKeySet
	if err := httpd.GetJSON(ctx, b.c.HTTP, b.c.API+"/v1/keys", &set); err != nil {
		return set, fmt.Errorf("pay: the bank's keys: %w", err)
	}
	b.keys, b.at = set, time.Now()
	return set, nil
}

// send sends a letter to a path at the bank. A *BankRefusal, or an error after which it is
// open what the bank did.
func (b *Bank) send(ctx context.Context, path, typ string, body, out any) error {
	text, err := relying.Letter{Type: typ, From: b.c.Self, To: b.c.ID}.Seal(b.c.Key, b.c.KeyID, body)
	if err != nil {
		return err
	}
	err = httpd.PostJSON(ctx, b.c.HTTP, b.c.API+path, map[string]string{"letter": text}, out)
	if err == nil {
		return nil
	}
	if said, ok := errors.AsType[*problem.Problem](err); ok && bankCodes[said.Code] {
		return &BankRefusal{said.Code}
	}
	return fmt.Errorf("pay: %s: %w", typ, err)
}

// Read reads a letter of the bank's to us. ErrBankLetter; errors of package httpd when its
// keys could not be fetched.
func (b *Bank) Read(ctx context.Context, typ, text string, body any) error {
	keys, err := b.published(ctx)
	if err != nil {
		return err
	}
	if err := (relying.Letter{Type: typ, From: b.c.ID, To: b.c.Self}).Open(keys, text, body); err != nil {
		return ErrBankLetter.Because(err)
	}
	return nil
}

// Push asks for a mandate and returns where the browser goes: a page of the bank's.
func (b *Bank) Push(ctx context.Context, m Mandate, state string) (string, error) {
	body := struct {
		ID        string     `json:"id"`
		LimitOnce int64      `json:"limit_once"`
		LimitDay  int64      `json:"limit_day"`
		ValidTo   time.Time  `json:"valid_to"`
		Holder    Attributes `json:"holder"`
		State     string     `json:"state"`
	}{m.ID, m.LimitOnce, m.LimitDay, m.ValidTo.UTC(), m.Holder, state}
	var out struct {
		URL string `json:"url"`
	}
	if err := b.send(ctx, "/v1/mandates", "mandate-request+jwt", body, &out); err != nil {
		return "", err
	}
	if !strings.HasPrefix(out.URL, b.c.Origin+"/") {
		return "", ErrBankAnswer.Because(errors.New("pay: it leads elsewhere"))
	}
	return out.URL, nil
}

// Redeem fetches the mandate that the person allowed. ErrBankLetter when what came is none,
// or another one.
func (b *Bank) Redeem(ctx context.Context, id, code string) (Grant, error) {
	var out struct {
		Letter string `json:"letter"`
	}
	body := map[string]string{"id": id, "code": code}
	if err := b.send(ctx, "/v1/mandates/"+url.PathEscape(id)+"/redeem", "mandate-redeem+jwt", body, &out); err != nil {
		return Grant{}, err
	}
	var g Grant
	if err := b.Read(ctx, "mandate+jwt", out.Letter, &g); err != nil {
		return Grant{}, err
	}
	if g.ID != id {
		return Grant{}, ErrBankLetter.Because(errors.New("pay: of another mandate"))
	}
	return g, nil
}

// Charge takes money under a mandate; the same charge again takes nothing more.
func (b *Bank) Charge(ctx context.Context, c Charge) error {
	body := struct {
		ID     string `json:"id"`
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}{c.Mandate, c.ID, c.Amount}
	var out struct {
		Charge string `json:"charge"`
		Amount int64  `json:"amount"`
	}
	if err := b.send(ctx, "/v1/mandates/"+url.PathEscape(c.Mandate)+"/charges", "charge+jwt", body, &out); err != nil {
		return err
	}
	if out.Charge != c.ID || out.Amount != c.Amount {
		return ErrBankAnswer.Because(errors.New("pay: of another charge"))
	}
	return nil
}

// End tells the bank that a mandate is over. One that the bank does not know is over too.
func (b *Bank) End(ctx context.Context, id string) error {
	err := b.send(ctx, "/v1/mandates/"+url.PathEscape(id)+"/end", "mandate-end+jwt", map[string]string{"id": id}, nil)
	if no, ok := errors.AsType[*BankRefusal](err); ok && (no.Code == "bank-mandate-unknown" || no.Code == "bank-mandate-over") {
		return nil
	}
	return err
}
