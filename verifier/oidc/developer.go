package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

// Managed is a client that its developer looks after.
type Managed struct {
	Client  string
	Token   [32]byte // hash of the management token
	Contact string   // mail address, or "" in a sandbox
	At      time.Time
}

// Amendment is a developer's change of what is registered.
type Amendment struct {
	Was     Client         // as it was read
	Client  Client         // what takes its place
	Party   *gateway.Party // what phones are shown from then on; nil: as before
	Contact *string        // where its developer is reached from then on; nil: as before
}

// Developers is the part of a Store for clients that their developers manage.
type Developers interface {
	// PutManaged keeps who manages a client; Managed finds it. ErrNotFound.
	PutManaged(ctx context.Context, who audit.Actor, m Managed) error
	Managed(ctx context.Context, client string) (Managed, error)
	// Amend makes a developer's change of a registration in one step. ErrChanged when another
	// one than Was stands by now, or none: a client that ended does not come back.
	Amend(ctx context.Context, who audit.Actor, at time.Time, a Amendment) error
	// SetContact changes where a client's developer is reached, if somebody manages it.
	SetContact(ctx context.Context, who audit.Actor, at time.Time, client, contact string) error
	// RemoveClient ends a client's party if it stands, and erases who manages it, its traffic,
	// its application and its pictures: one step, so that nothing is approved in between.
	RemoveClient(ctx context.Context, who audit.Actor, at time.Time, client string) error
	// NoteTraffic keeps what a client asked, and of all of its only the newest keep.
	// TrafficOf lists them, newest first.
	NoteTraffic(ctx context.Context, t Traffic, keep int) error
	TrafficOf(ctx context.Context, client string) ([]Traffic, error)
}

var (
	// ErrManagement answers who does not manage the client that it names.
	ErrManagement = problem.NewRefused(403, "client-management",
		"この client_id と管理トークンの組はありません。", "何も変わっていません。登録したときに一度だけ表示された管理トークンを入れてください。なくしたときは、新しく登録してください。",
		"There is no such pair of client_id and management token.", "Nothing has changed. Enter the management token that was shown once at the registration; if it is lost, register anew.")
	// ErrClientChanged answers a change of a registration that somebody else changed since it
	// was read.
	ErrClientChanged = problem.NewYourTurn(409, "client-changed",
		"登録が、その間に変わりました。", "何も変わっていません。いまの登録を確かめて、もう一度行ってください。",
		"The registration has changed meanwhile.", "Nothing has changed by this. Look at it as it is now, and do it again.")
	// ErrManyClients answers too many registrations in a short time.
	ErrManyClients = problem.New(problem.CouldNotCheck, 429, "too-many-clients",
		problem.Text{Title: "短い時間に多くの登録がありました。", Detail: "何も登録していません。1分ほど待って、もう一度お試しください。"},
		problem.Text{Title: "Many clients were registered in a short time.", Detail: "Nothing was registered. Wait a minute and try again."})
)

// developer is who does what a management token allows.
var developer = audit.System("developer")

// registered is what a developer is shown once.
type registered struct {
	ID, Secret, Management string
}

// registerSelf registers a client, or has the operator asked to, under an id that is drawn
// here: nobody takes another party's name, nor one that ended and still stands in
// histories. ErrManyClients, ErrManyApplications, or as Register.
func (p *Provider) registerSelf(ctx context.Context, source string, c Client, contact string) (registered, error) {
	out := registered{ID: "rp-" + strings.ToLower(rand.Text()[:12]), Management: rand.Text()}
	if p.c.Sandbox {
		out.ID = "dev-" + out.ID[len("rp-"):]
	}
	c.ID, c.Sector = out.ID, out.ID
	if c.Authentication == SecretBasic {
		out.Secret, c.SecretSHA256 = NewSecret()
	}
	if err := p.checkContact(contact); err != nil {
		return registered{}, err
	}
	m := Managed{Client: c.ID, Token: hash(out.Management), Contact: contact, At: p.c.Now()}
	if !p.c.Sandbox {
		return out, p.apply(ctx, source, c, &m)
	}
	if err := c.check(false); err != nil {
		return registered{}, err
	}
	if !p.newClients.Allow() {
		return registered{}, ErrManyClients
	}
	if err := p.Register(ctx, developer, c); err != nil {
		return registered{}, err
	}
	if err := p.c.Store.PutManaged(ctx, developer, m); err != nil {
		return registered{}, fmt.Errorf("oidc: register: %w", err)
	}
	return out, nil
}

// maxContact bounds a mail address in bytes (RFC 5321, section 4.5.3.1.3).
const maxContact = 254

// checkContact: the operator writes there. In a sandbox nobody does.
func (p *Provider) checkContact(s string) error {
	if s == "" && p.c.Sandbox {
		return nil
	}
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > maxContact || !ceremony.Showable(s) {
		return clientError("連絡先は、メールアドレスを1つだけ入れてください。", "the contact is no mail address")
	}
	return nil
}

// charge is a client in its developer's charge.
type charge struct {
	Managed
	Held
}

// State is how the client stands, for its developer.
func (c charge) State() string {
	switch a := c.Application; {
	case a == nil, a.State == Ended && c.Registered != nil: // an operator registered it again
		return Approved
	case a.State == Approved && c.Registered == nil: // ended without a word
		return Ended
	default:
		return a.State
	}
}

// draft is what the developer goes on from: what waits or was refused, or what is
// registered.
func (c charge) draft() Client {
	switch s := c.State(); {
	case c.Registered != nil && s != Applied && s != Refused:
		return *c.Registered
	case c.Application != nil:
		return c.Application.Client
	}
	return Client{ID: c.ID} // ended, and nothing was applied for
}

// manages finds the client that a management token opens (as RFC 7592, section 3, has
// it: one client, one token). ErrManagement.
func (p *Provider) manages(ctx context.Context, id, token string) (charge, error) {
	m, err := p.c.Store.Managed(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return charge{}, ErrManagement
	}
	if err != nil {
		return charge{}, fmt.Errorf("oidc: manage: %w", err)
	}
	sum := hash(token)
	if subtle.ConstantTimeCompare(sum[:], m.Token[:]) != 1 {
		return charge{}, ErrManagement
	}
	h, err := p.HeldOne(ctx, id)
	if err == nil && h.Registered == nil && h.Application == nil { // the operator of the sandbox ended it
		err = ErrManagement
	}
	if errors.Is(err, ErrNotFound) {
		err = ErrManagement
	}
	return charge{m, h}, err
}

// change replaces a registration, or applies for that, and changes the contact, which nobody
// approves: all of it or nothing. What authenticates the client stays unless the form says
// otherwise. secret is set when one was drawn. ErrClientOver, ErrClientChanged, or as apply.
func (p *Provider) change(ctx context.Context, source string, of charge, c Client, contact string) (secret string, err error) {
	if of.State() == Ended {
		return "", ErrClientOver
	}
	if err := p.checkContact(contact); err != nil {
		return "", err
	}
	draft := of.draft()
	c.ID, c.Sector = draft.ID, draft.Sector
	if of.Registered != nil {
		c.categorise(of.Registered.Purpose.Category)
		c.keepOpenings(*of.Registered)
	}
	if c.Authentication == SecretBasic {
		switch {
		case of.Registered != nil && of.Registered.SecretSHA256 != "":
			c.SecretSHA256 = of.Registered.SecretSHA256
		case draft.SecretSHA256 != "":
			c.SecretSHA256 = draft.SecretSHA256
		default:
			secret, c.SecretSHA256 = NewSecret()
		}
	}
	switch {
	case p.c.Sandbox:
		err = p.amend(ctx, of, c, &contact)
	case of.State() != Refused && digestOf(draft) == digestOf(c): // it is registered so, or waits
		if contact != of.Managed.Contact {
			err = p.c.Store.SetContact(ctx, developer, p.c.Now(), c.ID, contact)
		}
	default:
		m := of.Managed
		m.Contact, m.At = contact, p.c.Now()
		err = p.apply(ctx, source, c, &m)
	}
	if err != nil {
		return "", err
	}
	return secret, nil
}

// amend puts c in the place of what is registered, if that is still what was read and its
// client has not ended. With a contact phones are shown c, too; without one nothing but the
// secret differs. ErrClientOver, ErrClientChanged, or as fits.
func (p *Provider) amend(ctx context.Context, of charge, c Client, contact *string) error {
	if of.Registered == nil {
		return ErrClientOver
	}
	a := Amendment{Was: *of.Registered, Client: c, Contact: contact}
	if contact != nil {
		party, err := p.fits(ctx, c)
		if err != nil {
			return err
		}
		a.Party = &party
	}
	err := p.c.Store.Amend(ctx, developer, p.c.Now(), a)
	if errors.Is(err, ErrChanged) {
		if _, err := p.client(ctx, c.ID); errors.Is(err, ErrNotFound) {
			return ErrClientOver
		}
		return ErrClientChanged
	}
	if err != nil {
		return fmt.Errorf("oidc: change %s: %w", c.ID, err)
	}
	return nil
}

// rotate draws another secret; the one before is worth nothing from then on. Nobody
// approves that: it gives the client nothing, and one that leaked has to go at once.
// ErrClient, ErrClientOver, ErrClientChanged.
func (p *Provider) rotate(ctx context.Context, of charge) (secret string, err error) {
	if of.Registered == nil {
		return "", clientError("登録されたあとに、つくり直せます。", "another secret is drawn for what is registered")
	}
	c := *of.Registered
	if c.Authentication != SecretBasic {
		return "", clientError("%s には client_secret がありません。", "%s has no secret", PrivateKeyJWT)
	}
	secret, c.SecretSHA256 = NewSecret()
	if err := p.amend(ctx, of, c, nil); err != nil {
		return "", err
	}
	return secret, nil
}

// remove ends a client: it asks nothing more, and its grants end as at an operator's end.
// What waits is taken back.
func (p *Provider) remove(ctx context.Context, of charge) error {
	if err := p.c.Store.RemoveClient(ctx, developer, p.c.Now(), of.ID); err != nil {
		return fmt.Errorf("oidc: remove %s: %w", of.ID, err)
	}
	return nil
}

// setLogo gives a client the picture that was sent, or with none takes its picture away,
// as change does.
func (p *Provider) setLogo(ctx context.Context, source string, of charge, sent []byte) (err error) {
	if of.State() == Ended {
		return ErrClientOver
	}
	c := of.draft()
	c.Logo = ""
	if len(sent) > 0 {
		if c.Logo, err = p.KeepLogo(ctx, c.ID, sent); err != nil {
			return err
		}
	}
	_, err = p.change(ctx, source, of, c, of.Managed.Contact)
	return err
}
