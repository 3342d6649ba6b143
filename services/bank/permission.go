package bank

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// Creditor is a party that may ask this bank's customers for mandates.
type Creditor struct {
	ID        string
	Name      ui.Text
	KeysURL   string // its JWKS
	ReturnURL string // where the browser goes back to
	NotifyURL string // where it is told of what ended here
}

// creditor is a registered one.
func (b *Bank) creditor(id string) (Creditor, bool) {
	for _, c := range b.conf.Creditors {
		if c.ID == id {
			return c, true
		}
	}
	return Creditor{}, false
}

// AskMandate keeps a creditor's wish. It returns ErrMandate.
func (b *Bank) AskMandate(ctx context.Context, c Creditor, m Mandate) error {
	at := b.conf.Now()
	if len(m.ID) < 20 || len(m.ID) > 64 || len(m.Back) > 200 || !m.Terms.fits(at) || !m.Holder.whole() {
		return ErrMandate
	}
	m.Creditor, m.State, m.AskedAt = c.ID, Asked, at
	return b.conf.Store.Ask(ctx, m)
}

// Permission is a mandate that waits for its customer's signature.
type Permission struct {
	Mandate  Mandate
	Creditor Creditor
	Account  string
	Document []byte
}

// Lines are the document's, for a page.
func (p Permission) Lines() []string { return Draft{Document: p.Document}.Lines() }

// Masked is an account number as others see it.
func Masked(number string) string { return "•••" + number[max(0, len(number)-4):] }

// Consider puts a wish before a customer. Money goes only between accounts of one person: a
// wish about somebody else, and one of a customer without an account, is not put before
// them. Looking refuses nothing: Decline does. It returns ErrMandateUnknown, ErrMandateOver,
// ErrFacts, ErrHolder, ErrNoAccount or ErrHeld.
func (b *Bank) Consider(ctx context.Context, id, sub string, who Attributes) (Permission, error) {
	m, err := b.conf.Store.Mandate(ctx, id)
	if err != nil {
		return Permission{}, err
	}
	c, ok := b.creditor(m.Creditor)
	at := b.conf.Now()
	switch {
	case !ok, m.State != Asked, !at.Before(m.AskedAt.Add(mandateLife)):
		return Permission{}, ErrMandateOver
	case !who.whole():
		return Permission{}, ErrFacts
	case who != m.Holder: // letter by letter: nobody's best guess links two accounts
		return Permission{}, ErrHolder
	}
	a, err := b.conf.Store.Current(ctx, sub, Deposit)
	if errors.Is(err, ErrNotFound) || err == nil && a.State != Opened {
		return Permission{}, ErrNoAccount
	}
	if err == nil && a.Held() {
		err = ErrHeld
	}
	if err != nil {
		return Permission{}, err
	}
	p := Permission{Mandate: m, Creditor: c, Account: a.Number}
	p.Document = p.text(at, who)
	return p, nil
}

// Decline ends a wish for good, on the word of whoever is logged in: because it is not
// theirs to allow, or because they say no. It returns ErrMandateUnknown.
func (b *Bank) Decline(ctx context.Context, id, sub string, who Attributes) error {
	why := WhyDeclined
	switch _, err := b.Consider(ctx, id, sub, who); {
	case errors.Is(err, ErrMandateOver): // it is decided
		return nil
	case errors.Is(err, ErrHolder), errors.Is(err, ErrFacts):
		why = WhyHolder
	case errors.Is(err, ErrNoAccount):
		why = WhyAccount
	case errors.Is(err, ErrHeld): // saying no is always possible
	case err != nil:
		return err
	}
	err := b.conf.Store.Refuse(ctx, b.conf.Now(), id, why)
	if errors.Is(err, ErrMandateOver) { // somebody was first
		return nil
	}
	return err
}

// text is the permission as it is put before the customer, whole.
func (p Permission) text(on time.Time, who Attributes) []byte {
	var s strings.Builder
	line := func(label, value string) { fmt.Fprintf(&s, "%s：%s\n", label, value) }
	s.WriteString("口座からの引き落としの許可書\n手形銀行 御中\n\n")
	line("許可番号", p.Mandate.ID)
	line("日付", ui.Date(ui.JA, on))
	line("氏名", who.Name)
	line("引き落とされる口座", "手形銀行 9900-001 普通 "+p.Account)
	line("引き落とす者", p.Creditor.Name.JA)
	line("1回の上限", ui.Yen(ui.JA, p.Mandate.Terms.LimitOnce))
	line("1日の上限", ui.Yen(ui.JA, p.Mandate.Terms.LimitDay))
	line("最初の24時間の上限", ui.Yen(ui.JA, FirstLimit))
	line("期限", ui.Date(ui.JA, p.Mandate.Terms.ValidTo))
	fmt.Fprintf(&s, "\n上の者が、上の限度まで、私の口座から引き落とすことを許可します。この許可は、いつでも手形銀行か%sで終えられます。\n", p.Creditor.Name.JA)
	s.WriteString("I allow the above to take money from my account within the limits above. I can end this at either side at any time.\n")
	return []byte(s.String())
}

// Grant checks what was signed by itself and keeps it. It returns the one-time code for the
// creditor, and ErrSignature, ErrHolder, ErrHeld, ErrMandateOver, and errors of verifier and store.
func (b *Bank) Grant(ctx context.Context, sub string, p Permission, login Attributes, s relying.Signed) (code string, err error) {
	if s.Verdict != relying.Passed || s.Sub != sub || login != p.Mandate.Holder {
		return "", ErrSignature
	}
	r, err := b.recorded(ctx, s.Signature, p.Document, login.Name)
	if err != nil {
		return "", err
	}
	code = rand.Text()
	m := p.Mandate
	m.Sub, m.Account, m.Document, m.Signature, m.Evidence = sub, p.Account, p.Document, s.Signature, r.SignatureSHA256
	m.GrantedAt, m.Code = b.conf.Now(), sha256.Sum256([]byte(code))
	return code, b.conf.Store.Grant(ctx, m)
}

// BackTo is where the browser goes back to with a mandate's outcome.
func (c Creditor) BackTo(m Mandate, name, value string) string {
	return c.ReturnURL + "?" + url.Values{"mandate": {m.ID}, "state": {m.Back}, name: {value}}.Encode()
}

// Outcome is where the browser of a decided wish goes; "" while it is open.
func (b *Bank) Outcome(ctx context.Context, id string) (string, error) {
	m, err := b.conf.Store.Mandate(ctx, id)
	if err != nil {
		return "", err
	}
	c, ok := b.creditor(m.Creditor)
	switch {
	case !ok:
		return "", ErrMandateOver
	case m.State == Refused:
		return c.BackTo(m, "error", m.Why), nil
	case m.State == Lapsed, m.State == Asked && !b.conf.Now().Before(m.AskedAt.Add(mandateLife)):
		return c.BackTo(m, "error", WhyExpired), nil
	}
	return "", nil
}

// Mandates are what a customer allowed, the newest first.
func (b *Bank) Mandates(ctx context.Context, sub string) ([]Mandate, error) {
	return b.conf.Store.Mandates(ctx, sub)
}

// Mandate is one of a customer's. It returns ErrMandateUnknown, also for somebody else's.
func (b *Bank) Mandate(ctx context.Context, sub, id string) (Mandate, error) {
	m, err := b.conf.Store.Mandate(ctx, id)
	if err == nil && m.Sub != sub {
		err = ErrMandateUnknown
	}
	if err != nil {
		return Mandate{}, err
	}
	return m, nil
}
