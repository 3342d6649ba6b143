package bank

import (
	"context"
	"errors"
	"time"

	"tegata/services/guardian"
	"tegata/services/notice"
	"tegata/services/relying"
)

// What a minor of 15 to 17 signed waits for a guardian's consent, and is reviewed after it:
// two signatures by two people, each over a document of its own, the second of which has the
// first within it.

// GuardianSameAddress is the one thing about a guardian that a review can compare: the
// register has them where it has the minor.
const GuardianSameAddress = "same-address"

// ConsentStore keeps consents to applications.
type ConsentStore interface {
	guardian.Store
	// Consent keeps what a guardian signed, and has the application reviewed then. The same
	// again changes nothing. It returns guardian.ErrSigned, guardian.ErrOver,
	// guardian.ErrUnknown.
	Consent(ctx context.Context, c guardian.Consent, review time.Time) error
	// Withdraw stops a person's application that awaits a consent, and ends the invitation.
	// Withdrawing it again changes nothing. It returns ErrNotFound, or ErrMoved when somebody
	// consented by then.
	Withdraw(ctx context.Context, at time.Time, sub string) error
	// Unconsented stops applications for which nobody consented in time, and posts tell.
	Unconsented(ctx context.Context, at time.Time, tell notice.Letter) error
}

func guardianOf(sub string, a Attributes) guardian.Person {
	return guardian.Person{Sub: sub, Name: a.Name, Address: a.Address, Birthdate: a.Birthdate}
}

// Invite is the address that a minor gives to their guardian; an earlier one serves no more.
// It returns guardian.ErrUnknown, guardian.ErrSigned, guardian.ErrOver.
func (b *Bank) Invite(ctx context.Context, sub string) (string, error) {
	a, err := b.conf.Store.Current(ctx, sub, Deposit)
	if errors.Is(err, ErrNotFound) {
		err = guardian.ErrUnknown
	}
	if err != nil {
		return "", err
	}
	link, err := b.desk.Invite(ctx, a.ID, sub)
	return b.conf.Origin + "/consent/" + link, err
}

// Withdraw takes a minor's application back to which nobody has consented. It returns
// ErrNotFound, and ErrMoved when somebody has.
func (b *Bank) Withdraw(ctx context.Context, sub string) error {
	return b.conf.Store.Withdraw(ctx, b.conf.Now(), sub)
}

// DrawConsent writes what a guardian signs, who took the invitation. It returns what
// guardian.Desk.Draw does.
func (b *Bank) DrawConsent(ctx context.Context, link, sub string, who Attributes) (Paper, error) {
	c, err := b.desk.Open(ctx, link, guardianOf(sub, who))
	if err != nil {
		return Paper{}, err
	}
	a, err := b.conf.Store.Application(ctx, c.Subject)
	if err != nil {
		return Paper{}, err
	}
	c, err = b.desk.Draw(ctx, link, guardianOf(sub, who), a.Document, a.Signature)
	return Paper{ID: c.ID, Kind: Agree, Application: c.Subject, Sub: sub, Who: who, Document: c.Document, Consent: c, To: "/consent/" + link}, err
}

// agree keeps a signed consent.
func (b *Bank) agree(ctx context.Context, c guardian.Consent, login guardian.Person, s relying.Signed) error {
	c, err := b.desk.Receive(ctx, c, login, s)
	if err != nil {
		return err
	}
	return b.conf.Store.Consent(ctx, c, c.SignedAt.Add(b.conf.ReviewAfter))
}

// Guardians is where consents are taken.
func (b *Bank) Guardians() guardian.Desk { return b.desk }

// Consents are those that a person gave as a guardian.
func (b *Bank) Consents(ctx context.Context, sub string) ([]guardian.Consent, error) {
	return b.conf.Store.ConsentsBy(ctx, sub)
}

// unopenedLetter tells of the outcome that was promised to who consented. The reason is not in
// it: it is about one of two people, and both open the post.
func unopenedLetter() notice.Letter {
	return notice.New("bank-unopened", "手形銀行の口座は開きませんでした。", "親権者の方の同意を受けた申し込みです。申し込んだ方がログインすると、理由を見られます。",
		"No account was opened at Tegata Bank.", "It is about the application to which a parent or guardian consented. Who applied logs in to see why.")
}

func unconsentedLetter() notice.Letter {
	return notice.New("bank-unconsented", "手形銀行の口座は開きませんでした。", "期限までに、親権者の方の同意がありませんでした。もう一度申し込めます。",
		"No account was opened at Tegata Bank.", "No parent or guardian consented in time. One can apply again.")
}
