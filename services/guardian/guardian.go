// Package guardian is the consent of a guardian (法定代理人, 親権者) to what a minor of 15 to 17
// signed at a service: who may give it, the invitation by which they come to it, and the
// document that they sign.
//
// It owns the rules; the service has its own pages, its own review and its own records, and a
// Store keeps consents.
//
// # Trust
//
// Who somebody is comes from their login alone. That somebody holds parental authority is in
// no certificate and no claim: it is what they declare, under their signature, and a service
// decides on what it can compare. An invitation is a secret of the minor's, who gives it to
// whom they like; so it shows nothing of them until somebody grown up, by the login, has said
// that they are the guardian, and from then on it is of that person alone.
package guardian

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"tegata/internal/ui"
	"tegata/services/relying"
)

// Life is how long a minor's document waits for the consent, and an invitation with it.
const Life = 7 * 24 * time.Hour

// Years from which somebody signs for themselves with a consent (no certificate for
// signatures is given below), and from which they need none (民法 第4条).
const (
	Youngest = 15
	Adult    = 18
)

// Why nothing came of what a minor signed.
const (
	WhyConsent     = "consent"              // nobody consented in time
	WhyWithdrawn   = "withdrawn"            // the minor took it back before anybody consented
	WhyAddress     = "guardian"             // somebody consented who is registered at another address
	WhyCertificate = "guardian-certificate" // that of who consented was held or revoked when it counted
)

// Person is somebody as their login says.
type Person struct {
	Sub       string `json:"-"` // pairwise, at the service
	Name      string `json:"name"`
	Address   string `json:"address"`
	Birthdate string `json:"birthdate"` // YYYY-MM-DD
}

var japan = time.FixedZone("JST", 9*60*60) // where birthdays begin

// Age is somebody's age in years on the day of at, in Japan. Who is born on 29 February is a
// year older on 1 March of other years, as the wall's calendar has it.
func Age(birthdate string, at time.Time) (int, error) {
	birth, err := time.Parse(time.DateOnly, birthdate)
	if err != nil {
		return 0, fmt.Errorf("guardian: birthdate: %w", err)
	}
	at = at.In(japan)
	years := at.Year() - birth.Year()
	if at.Month() < birth.Month() || at.Month() == birth.Month() && at.Day() < birth.Day() {
		years--
	}
	return years, nil
}

// Needed says whether somebody of that birth date needs a consent.
func Needed(birthdate string, at time.Time) bool {
	years, err := Age(birthdate, at)
	return err == nil && years >= Youngest && years < Adult
}

// Record is what the verifier found about a consent's signature.
type Record struct {
	Issuer          string    `json:"issuer"`      // kind of the certificate's authority
	Certificate     string    `json:"certificate"` // SHA-256 of the certificate, hex
	SignatureSHA256 string    `json:"signature"`   // hex
	VerifiedAt      time.Time `json:"verified_at"` // by the verifier
	Verifier        string    `json:"verifier"`    // its URL
}

// Consent is one that a minor's document waits for, or has.
type Consent struct {
	Subject   string // id of the document
	Minor     string // sub
	Link      [32]byte
	Until     time.Time
	Guardian  Person // Sub is "" until somebody took the invitation; the rest until they signed
	ID        string // of what they signed
	Document  []byte
	Signature []byte // detached CMS; nil until they signed
	Record    Record
	SignedAt  time.Time
}

// Signed says whether the consent was given.
func (c Consent) Signed() bool { return !c.SignedAt.IsZero() }

// Lines are those of what the guardian signs, for a page.
func (c Consent) Lines() []string {
	return strings.FieldsFunc(string(c.Document), func(r rune) bool { return r == '\n' })
}

// SameAddress says whether the register has the guardian where it has the minor: the one
// fact about the relation that a service can compare.
func (c Consent) SameAddress(minor string) bool {
	return c.Guardian.Address != "" && c.Guardian.Address == minor
}

// Open says whether the consent can still be given. It returns ErrSigned, ErrOver.
func (c Consent) Open(at time.Time) error {
	switch {
	case c.Signed():
		return ErrSigned
	case !at.Before(c.Until):
		return ErrOver
	}
	return nil
}

// Admits says whether somebody may give the consent at a moment. It returns ErrSigned,
// ErrOver, ErrSelf, ErrFacts, ErrMinor or ErrTaken.
func (c Consent) Admits(who Person, at time.Time) error {
	if err := c.Open(at); err != nil {
		return err
	}
	switch {
	case who.Sub == c.Minor:
		return ErrSelf
	case who.Name == "" || who.Address == "" || who.Birthdate == "":
		return ErrFacts
	}
	switch years, err := Age(who.Birthdate, at); {
	case err != nil:
		return err
	case years < Adult:
		return ErrMinor
	case c.Guardian.Sub != "" && c.Guardian.Sub != who.Sub:
		return ErrTaken
	}
	return nil
}

// Store keeps consents. Every write is one transaction with its audit record. What a minor's
// document becomes by a consent is the service's, and so is the call that keeps one.
type Store interface {
	// Invite puts an invitation in place of an earlier one, and forgets who took that. It
	// returns ErrUnknown, ErrSigned or ErrOver.
	Invite(ctx context.Context, at time.Time, subject, minor string, link [32]byte) error
	// ConsentByLink is the one of an invitation. It returns ErrUnknown.
	ConsentByLink(ctx context.Context, link [32]byte) (Consent, error)
	// ConsentTo is the one to a document. It returns ErrUnknown.
	ConsentTo(ctx context.Context, subject string) (Consent, error)
	// ConsentsBy are those that a guardian gave, the oldest first.
	ConsentsBy(ctx context.Context, sub string) ([]Consent, error)
	// TakeInvitation makes an invitation somebody's, who has it or takes it first. It returns
	// ErrUnknown, ErrSigned, ErrOver or ErrTaken.
	TakeInvitation(ctx context.Context, at time.Time, link [32]byte, sub string) error
}

// LinkOf is what is kept of an invitation.
func LinkOf(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// Verifier checks a signature. *relying.Party does.
type Verifier interface {
	Verify(ctx context.Context, signature, content []byte) (relying.Verdict, error)
}

// Desk is where a service takes consents.
type Desk struct {
	Store       Store
	Verifier    Verifier
	VerifierURL string // for the record
	Now         func() time.Time
	Service     string // in Japanese, as documents name it
}

// Peek says whether an invitation still serves, before anybody logged in. It returns
// ErrUnknown, ErrSigned, ErrOver.
func (d Desk) Peek(ctx context.Context, link string) error {
	c, err := d.Store.ConsentByLink(ctx, LinkOf(link))
	if err == nil {
		err = c.Open(d.Now())
	}
	return err
}

// Invite is a new invitation's secret. It returns what Store.Invite does.
func (d Desk) Invite(ctx context.Context, subject, minor string) (string, error) {
	link := rand.Text()
	return link, d.Store.Invite(ctx, d.Now(), subject, minor, LinkOf(link))
}

// Open is what an invitation is about, for somebody who may give the consent. It returns
// ErrUnknown, and what Admits does.
func (d Desk) Open(ctx context.Context, link string, who Person) (Consent, error) {
	c, err := d.Store.ConsentByLink(ctx, LinkOf(link))
	if err == nil {
		err = c.Admits(who, d.Now())
	}
	return c, err
}

// Take makes an invitation somebody's, who says by that that they are the guardian. It
// returns what Open and Store.TakeInvitation do.
func (d Desk) Take(ctx context.Context, link string, who Person) error {
	if _, err := d.Open(ctx, link, who); err != nil {
		return err
	}
	return d.Store.TakeInvitation(ctx, d.Now(), LinkOf(link), who.Sub)
}

// Draw writes what the guardian signs: their declaration, with the whole of what the minor
// signed below it. It returns what Open does, and ErrTaken for who did not take it.
func (d Desk) Draw(ctx context.Context, link string, who Person, minors, signature []byte) (Consent, error) {
	c, err := d.Open(ctx, link, who)
	if err == nil && c.Guardian.Sub != who.Sub {
		err = ErrTaken
	}
	if err != nil {
		return Consent{}, err
	}
	c.ID, c.Guardian = rand.Text(), who
	c.Document = d.text(c, minors, signature)
	return c, nil
}

// Receive checks what a guardian signed by itself, compares it with the login in which it
// was, and makes it whole, for the service to keep. It returns ErrSignature and errors of the
// verifier.
func (d Desk) Receive(ctx context.Context, c Consent, login Person, s relying.Signed) (Consent, error) {
	if s.Verdict != relying.Passed || s.Sub != c.Guardian.Sub || login != c.Guardian {
		return c, ErrSignature
	}
	v, err := d.Verifier.Verify(ctx, s.Signature, c.Document)
	if err != nil {
		return c, err
	}
	name, kind := v.Signer()
	if v.Verdict != relying.Passed || name != c.Guardian.Name {
		return c, ErrSignature.Because(fmt.Errorf("guardian: verdict %s %s", v.Verdict, v.Code))
	}
	c.Signature, c.SignedAt = s.Signature, d.Now()
	c.Record = Record{Issuer: kind, Certificate: v.Certificate(), SignatureSHA256: fmt.Sprintf("%x", sha256.Sum256(s.Signature)), VerifiedAt: v.CheckedAt, Verifier: d.VerifierURL}
	return c, nil
}

func (d Desk) text(c Consent, minors, signature []byte) []byte {
	born, _ := time.Parse(time.DateOnly, c.Guardian.Birthdate) // Admits has read it
	var s strings.Builder
	line := func(label, value string) { fmt.Fprintf(&s, "%s：%s\n", label, value) }
	s.WriteString("親権者の同意書\n" + d.Service + " 御中\n\n")
	line("受付番号", c.ID)
	line("日付", ui.Date(ui.JA, d.Now().In(japan)))
	line("同意する者の氏名", c.Guardian.Name)
	line("同意する者の住所", c.Guardian.Address)
	line("同意する者の生年月日", ui.Date(ui.JA, born))
	s.WriteString("\n私は、下の申し込みをした者の親権者です。下の申し込みの内容のすべてに同意します。\n")
	s.WriteString("I hold parental authority over who applied below, and agree to all of it.\n")
	s.WriteString("\n――― ここから、署名された申し込み ―――\n")
	s.Write(minors)
	s.WriteString("――― ここまで ―――\n")
	line("申し込みの署名のSHA-256", fmt.Sprintf("%x", sha256.Sum256(signature)))
	return []byte(s.String())
}
