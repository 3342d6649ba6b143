package bank

import (
	"context"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"

	"tegata/internal/httpd"
	"tegata/services/relying"
)

// Types of letters between a creditor and a bank.
const (
	typeAsk     = "mandate-request+jwt"
	typeRedeem  = "mandate-redeem+jwt"
	typeMandate = "mandate+jwt"
	typeCharge  = "charge+jwt"
	typeEnd     = "mandate-end+jwt"
	typeEnded   = "mandate-ended+jwt"
)

// envelope is a letter as JSON.
type envelope struct {
	Letter string `json:"letter"`
}

// open reads a creditor's letter by its published keys. It returns ErrLetter, or that the
// keys could not be had.
func (b *Bank) open(ctx context.Context, typ string, e envelope, from string, body any) (Creditor, error) {
	c, ok := b.creditor(from)
	if !ok {
		return Creditor{}, ErrLetter
	}
	keys, err := b.keysOf(ctx, c)
	if err != nil {
		return Creditor{}, err
	}
	if err := (relying.Letter{Type: typ, From: c.ID, To: b.conf.ID}).Open(keys, e.Letter, body); err != nil {
		return Creditor{}, ErrLetter.Because(err)
	}
	return c, nil
}

// keysLife is for how long a creditor's keys are not asked for again: whoever sends what
// says that it is the creditor's makes this bank fetch no more often than that.
const keysLife = time.Minute

// keysOf are a creditor's published keys.
func (b *Bank) keysOf(ctx context.Context, c Creditor) (jose.JSONWebKeySet, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.keys[c.ID]; ok && time.Since(k.at) < keysLife {
		return k.set, nil
	}
	var set jose.JSONWebKeySet
	if err := httpd.GetJSON(ctx, b.conf.HTTP, c.KeysURL, &set); err != nil {
		return set, err
	}
	if b.keys == nil {
		b.keys = map[string]fetched{}
	}
	b.keys[c.ID] = fetched{set, time.Now()}
	return set, nil
}

// fetched are keys with when they were fetched.
type fetched struct {
	set jose.JSONWebKeySet
	at  time.Time
}

// seal signs a letter to a creditor.
func (b *Bank) seal(typ, to string, body any) (envelope, error) {
	text, err := relying.Letter{Type: typ, From: b.conf.ID, To: to}.Seal(b.conf.Key, b.conf.KeyID, body)
	return envelope{text}, err
}

// retryTelling is when a creditor that could not be told is told again.
const retryTelling = time.Minute

// EndMandate ends a customer's mandate, and tells the creditor. It returns
// ErrMandateUnknown, also for somebody else's.
func (b *Bank) EndMandate(ctx context.Context, sub, id string) error {
	if _, err := b.Mandate(ctx, sub, id); err != nil {
		return err
	}
	if err := b.conf.Store.End(ctx, b.conf.Now(), id, ByCustomer); err != nil {
		return err
	}
	return b.tellCreditors(context.WithoutCancel(ctx), b.conf.Now())
}

// tellCreditors tells of mandates that ended here. One that does not answer is told again.
func (b *Bank) tellCreditors(ctx context.Context, at time.Time) error {
	all, err := b.conf.Store.Untold(ctx, at)
	if err != nil {
		return err
	}
	var errs []error
	for _, m := range all {
		err := b.tell(ctx, m)
		if err != nil {
			b.conf.Log.WarnContext(ctx, "a creditor could not be told that a mandate ended; it is tried again", "creditor", m.Creditor, "error", err)
		}
		errs = append(errs, b.conf.Store.Told(ctx, m.ID, err == nil, at.Add(retryTelling)))
	}
	return errors.Join(errs...)
}

func (b *Bank) tell(ctx context.Context, m Mandate) error {
	c, ok := b.creditor(m.Creditor)
	if !ok {
		return nil // it is no creditor of ours any more
	}
	e, err := b.seal(typeEnded, c.ID, map[string]any{"id": m.ID, "at": m.EndedAt.UTC().Format(time.RFC3339)})
	if err != nil {
		return err
	}
	var nothing struct{}
	return httpd.PostJSON(ctx, b.conf.HTTP, c.NotifyURL, e, &nothing)
}
