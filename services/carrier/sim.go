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

// Install puts a line's profile into a phone, while the key holds that it is bound to: who
// lost the phone that signed, and stopped it, stopped the profile too. ErrBound, ErrUnsure,
// ErrInstalled, ErrNotFound.
func (c *Carrier) Install(ctx context.Context, sub, id, phone string) error {
	l, err := c.conf.Store.Line(ctx, sub, id)
	if err != nil {
		return err
	}
	if l.SIM.State == Ready {
		if err := c.bound(ctx, l); err != nil {
			return err
		}
	}
	return c.conf.Store.Install(ctx, c.conf.Now(), sub, id, TokenOf(phone))
}

// bound asks whether the key holds that a line's profile is bound to.
func (c *Carrier) bound(ctx context.Context, l Line) error {
	r, signature, document := l.Record, l.Signature, l.Document
	if l.SIM.Origin != l.ID {
		change, err := c.conf.Store.Change(ctx, l.SIM.Origin)
		if err != nil {
			return err
		}
		r, signature, document = change.Record, change.Signature, change.Document
	}
	// What the verifier has heard is a minute old at most, or it says that it does not know.
	switch holds, again := c.anew(ctx, c.conf.Now(), time.Time{}, &r, signature, document); {
	case again > 0:
		return ErrUnsure
	case !holds || r.Certificate != l.SIM.Certificate:
		return ErrBound
	}
	return nil
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
