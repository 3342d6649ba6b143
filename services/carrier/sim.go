package carrier

import (
	"context"
	"crypto/rand"
	"errors"
	"time"
)

// DrawChange writes a request for a change. It returns ErrClaims, ErrNotFound and what
// Line.Allowed returns.
func (c *Carrier) DrawChange(ctx context.Context, sub string, who Attributes, line string, k Kind) (Draft, error) {
	l, err := c.conf.Store.Line(ctx, sub, line)
	if err != nil {
		return Draft{}, err
	}
	if err := errors.Join(l.Allowed(k), who.Whole()); err != nil {
		return Draft{}, err
	}
	d := Draft{ID: rand.Text(), Kind: k, Line: line, Number: l.Number, Who: who}
	d.Document = request(d.ID, c.conf.Now(), who, l, k)
	return d, nil
}

// ask keeps a signed request, and tells it to the SIM and to the mail in the same step.
func (c *Carrier) ask(ctx context.Context, sub string, d Draft, signature []byte, r Record) error {
	at := c.conf.Now()
	due := at.Add(Wait)
	link := rand.Text()
	return c.conf.Store.Ask(ctx, Change{ID: d.ID, Line: d.Line, Sub: sub, Kind: d.Kind, State: Waiting, Attributes: d.Who, Document: d.Document,
		Signature: signature, Record: r, AskedAt: at, DueAt: due}, TokenOf(link), askedLetter(d.Kind, d.Number, due, c.conf.Origin+"/stop/"+link))
}

// ChangeByLink is the change that a mail's link stops: ErrNotFound.
func (c *Carrier) ChangeByLink(ctx context.Context, link string) (Change, error) {
	return c.conf.Store.ChangeByLink(ctx, TokenOf(link))
}

// VetoByLink stops a change by a mail's link, without a login. ErrNotFound, ErrMoved when it
// is too late.
func (c *Carrier) VetoByLink(ctx context.Context, link string) error {
	change, err := c.conf.Store.ChangeByLink(ctx, TokenOf(link))
	if err != nil {
		return err
	}
	return c.veto(ctx, change, ByMail)
}

// VetoBySIM stops a change from the phone that holds the line's SIM, without a login.
// ErrNotFound, ErrMoved when it is too late.
func (c *Carrier) VetoBySIM(ctx context.Context, phone, id string) error {
	change, err := c.conf.Store.ChangeBySIM(ctx, TokenOf(phone), id)
	if err != nil {
		return err
	}
	return c.veto(ctx, change, BySIM)
}

// Withdraw takes a person's own change back. ErrNotFound, ErrMoved when it is too late.
func (c *Carrier) Withdraw(ctx context.Context, sub, line, id string) error {
	change, err := c.conf.Store.Change(ctx, id)
	if err == nil && (change.Sub != sub || change.Line != line) {
		err = ErrNotFound
	}
	if err != nil {
		return err
	}
	return c.veto(ctx, change, ByPerson)
}

func (c *Carrier) veto(ctx context.Context, change Change, by string) error {
	l, err := c.conf.Store.Line(ctx, change.Sub, change.Line)
	if err != nil {
		return err
	}
	return c.conf.Store.Veto(ctx, c.conf.Now(), change.ID, by, endedLetter(change.Kind, Vetoed, l.Number))
}

// Freeze freezes changes of a line's SIM at once, and stops one that waits: who is worried
// need prove nothing more. ErrNotFound.
func (c *Carrier) Freeze(ctx context.Context, sub, id string) error {
	l, err := c.conf.Store.Line(ctx, sub, id)
	if err != nil {
		return err
	}
	return c.conf.Store.Freeze(ctx, c.conf.Now(), sub, id, frozenLetter(l.Number))
}

// Changes are all that a person asked for.
func (c *Carrier) Changes(ctx context.Context, sub string) ([]Change, error) {
	return c.conf.Store.Changes(ctx, sub)
}

// DrawInstall writes a request to put a line's profile into a phone. ErrClaims, ErrNotFound,
// ErrInstalled.
func (c *Carrier) DrawInstall(ctx context.Context, sub string, who Attributes, line, phone string) (Draft, error) {
	l, err := c.conf.Store.Line(ctx, sub, line)
	switch {
	case err != nil:
		return Draft{}, err
	case l.SIM.State == Installed:
		return Draft{}, ErrInstalled
	case l.SIM.State != Ready:
		return Draft{}, ErrNotFound
	case who.Whole() != nil:
		return Draft{}, ErrClaims
	}
	d := Draft{ID: rand.Text(), Kind: Install, Line: line, Number: l.Number, Who: who, iccid: l.SIM.ICCID, phone: TokenOf(phone)}
	d.Document = installation(d.ID, c.conf.Now(), who, l, d.phone)
	return d, nil
}

// install puts a profile into the phone that a signed request names. The signature was checked
// a moment ago, and so was the status of its certificate, which has to be the profile's: a
// login alone, whoever it was relayed to, gets no profile.
func (c *Carrier) install(ctx context.Context, sub string, d Draft, signature []byte, r Record) error {
	at := c.conf.Now()
	return c.conf.Store.Install(ctx, Change{ID: d.ID, Line: d.Line, Sub: sub, Kind: Install, State: Done, Attributes: d.Who, Document: d.Document,
		Signature: signature, Record: r, AskedAt: at, DueAt: at, EndedAt: at}, d.iccid, d.phone)
}

// Inboxes are what the SIMs in a phone received.
func (c *Carrier) Inboxes(ctx context.Context, phone string) ([]Inbox, error) {
	if phone == "" {
		return nil, nil
	}
	return c.conf.Store.Inboxes(ctx, TokenOf(phone))
}

// reservation is by what another carrier takes a number over.
func reservation(at time.Time) Port {
	digits := make([]byte, 10)
	for i := range digits {
		for digits[i] == 0 {
			var b [1]byte
			rand.Read(b[:]) // never fails
			if b[0] < 250 { // else the digits would not be alike
				digits[i] = '0' + b[0]%10
			}
		}
	}
	return Port{Reservation: string(digits), Until: at.Add(portLife)}
}
