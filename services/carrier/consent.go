package carrier

import (
	"context"
	"time"

	"tegata/services/guardian"
	"tegata/services/notice"
	"tegata/services/relying"
)

// What a minor of 15 to 17 signed waits for a guardian's consent, and is activated after it.

// Agree is a guardian's consent to a contract. It is no change of a SIM, and is kept as a
// consent.
const Agree Kind = "consent"

// GuardianSameAddress is the one thing about a guardian that can be compared: the register
// has them where it has the minor.
const GuardianSameAddress = "same-address"

// ConsentStore keeps consents to contracts.
type ConsentStore interface {
	guardian.Store
	// Consent keeps what a guardian signed, and has the line activated then. The same again
	// changes nothing. It returns guardian.ErrSigned, guardian.ErrOver, guardian.ErrUnknown.
	Consent(ctx context.Context, c guardian.Consent, activate time.Time) error
	// WithdrawLine stops a person's line that awaits a consent, and ends the invitation.
	// Withdrawing it again changes nothing. It returns ErrNotFound, or ErrMoved when somebody
	// consented by then.
	WithdrawLine(ctx context.Context, at time.Time, sub, line string, tell Letter) error
	// Unconsented stops contracts to which nobody consented in time.
	Unconsented(ctx context.Context, at time.Time, tell Letter) error
}

// Guardians is where consents are taken.
func (c *Carrier) Guardians() guardian.Desk {
	return guardian.Desk{Store: c.conf.Store, Verifier: c.conf.Verifier, VerifierURL: c.conf.VerifierURL, Now: c.conf.Now, Service: "手形モバイル"}
}

func guardianOf(sub string, a Attributes) guardian.Person {
	return guardian.Person{Sub: sub, Name: a.Name, Address: a.Address, Birthdate: a.Birthdate}
}

// Invite is the address that a minor gives to their guardian; an earlier one serves no more.
// It returns guardian.ErrUnknown, guardian.ErrSigned, guardian.ErrOver.
func (c *Carrier) Invite(ctx context.Context, sub, line string) (string, error) {
	link, err := c.Guardians().Invite(ctx, line, sub)
	return c.conf.Origin + "/consent/" + link, err
}

// WithdrawLine takes a minor's contract back to which nobody has consented. It returns
// ErrNotFound, and ErrMoved when somebody has.
func (c *Carrier) WithdrawLine(ctx context.Context, sub, line string) error {
	return c.conf.Store.WithdrawLine(ctx, c.conf.Now(), sub, line, withdrawnLetter())
}

// DrawConsent writes what a guardian signs, who took the invitation. It returns what
// guardian.Desk.Draw does.
func (c *Carrier) DrawConsent(ctx context.Context, link, sub string, who Attributes) (Draft, error) {
	v, err := c.Guardians().Open(ctx, link, guardianOf(sub, who))
	if err != nil {
		return Draft{}, err
	}
	l, err := c.conf.Store.Line(ctx, v.Minor, v.Subject)
	if err != nil {
		return Draft{}, err
	}
	v, err = c.Guardians().Draw(ctx, link, guardianOf(sub, who), l.Document, l.Signature)
	return Draft{ID: v.ID, Kind: Agree, Who: who, Document: v.Document, consent: v, link: link}, err
}

// agree keeps a signed consent.
func (c *Carrier) agree(ctx context.Context, sub string, d Draft, login Attributes, s relying.Signed) error {
	v, err := c.Guardians().Receive(ctx, d.consent, guardianOf(sub, login), s)
	if err != nil {
		return err
	}
	return c.conf.Store.Consent(ctx, v, v.SignedAt.Add(c.conf.ActivateAfter))
}

// Consents are those that a person gave as a guardian.
func (c *Carrier) Consents(ctx context.Context, sub string) ([]guardian.Consent, error) {
	return c.conf.Store.ConsentsBy(ctx, sub)
}

// consented says why a line is not activated for its guardian's sake, "" when it is, and after
// how long it is looked at again when that is not known.
func (c *Carrier) consented(ctx context.Context, at time.Time, l Line, v guardian.Consent) (why string, again time.Duration) {
	holds, again := c.anew(ctx, at, l.ActivateAt, &Record{Certificate: v.Record.Certificate}, v.Signature, v.Document)
	switch {
	case again > 0:
		return "", again
	case !holds:
		return guardian.WhyCertificate, 0
	// That somebody is a parent is what they declared. A stranger may declare it too; one who
	// lives there is held for what they say, and for anybody else there is the shop.
	case !v.SameAddress(l.Attributes.Address):
		return guardian.WhyAddress, 0
	}
	return "", 0
}

func unconsentedLetter() Letter {
	return notice.New("carrier-unconsented", "回線は使えるようになりませんでした。", "期限までに、親権者の同意がありませんでした。契約は成立していません。",
		"The line was not activated.", "No parent or guardian consented in time. There is no contract.")
}

func withdrawnLetter() Letter {
	return notice.New("carrier-withdrawn", "回線の申し込みを取りやめました。", "ログインして取りやめられました。契約は成立していません。",
		"The request for a line was taken back.", "Somebody logged in and took it back. There is no contract.")
}

func guardianLetter() Letter {
	return notice.New("carrier-guardian", "回線は使えるようになりませんでした。", "親権者の同意を確かめられませんでした。契約は成立していません。ログインすると、理由を見られます。",
		"The line was not activated.", "The guardian's consent could not be confirmed. There is no contract. Log in to see why.")
}
