package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/problem"
)

// Managed is a client that a developer of the sandbox registered.
type Managed struct {
	Client  string
	Token   [32]byte // hash of the management token
	Contact string
	At      time.Time
}

// Developers is the part of a Store for clients that their developers manage.
type Developers interface {
	// PutManaged keeps who manages a client; Managed finds it. ErrNotFound.
	PutManaged(ctx context.Context, who audit.Actor, m Managed) error
	Managed(ctx context.Context, client string) (Managed, error)
	// DropManaged erases both that and the client's traffic.
	DropManaged(ctx context.Context, who audit.Actor, at time.Time, client string) error
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
	// ErrNoPortal answers who would register by itself where the operator registers.
	ErrNoPortal = problem.NewRefused(403, "client-self-service",
		"ここでは、登録は運用者が行います。", "何も登録していません。登録する内容を運用者に渡してください（tegata client register）。",
		"The operator registers clients here.", "Nothing was registered. Hand your registration to the operator (tegata client register).")
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

// registerSelf registers a client under an id that is drawn here: nobody takes another
// party's name, nor one that ended and still stands in histories. ErrNoPortal,
// ErrManyClients, or as Register.
func (p *Provider) registerSelf(ctx context.Context, c Client, contact string) (registered, error) {
	if !p.c.Sandbox {
		return registered{}, ErrNoPortal
	}
	out := registered{ID: "dev-" + strings.ToLower(rand.Text()[:12]), Management: rand.Text()}
	c.ID = out.ID
	if c.Authentication == SecretBasic {
		out.Secret, c.SecretSHA256 = NewSecret()
	}
	if c.Sector == "" {
		c.Sector = c.ID
	}
	if err := c.check(); err != nil {
		return registered{}, err
	}
	if !p.newClients.Allow() {
		return registered{}, ErrManyClients
	}
	if err := p.Register(ctx, developer, c); err != nil {
		return registered{}, err
	}
	m := Managed{Client: c.ID, Token: hash(out.Management), Contact: contact, At: p.c.Now()}
	if err := p.c.Store.PutManaged(ctx, developer, m); err != nil {
		return registered{}, fmt.Errorf("oidc: register: %w", err)
	}
	return out, nil
}

// manages finds the client that a management token opens (as RFC 7592, section 3, has
// it: one client, one token). ErrManagement.
func (p *Provider) manages(ctx context.Context, id, token string) (Client, Managed, error) {
	m, err := p.c.Store.Managed(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Client{}, m, ErrManagement
	}
	if err != nil {
		return Client{}, m, fmt.Errorf("oidc: manage: %w", err)
	}
	sum := hash(token)
	if subtle.ConstantTimeCompare(sum[:], m.Token[:]) != 1 {
		return Client{}, m, ErrManagement
	}
	c, err := p.client(ctx, id)
	if errors.Is(err, ErrNotFound) { // the operator ended it
		return c, m, ErrManagement
	}
	return c, m, err
}

// change replaces a registration; what authenticates the client stays unless the form
// says otherwise. secret is set when one was drawn.
func (p *Provider) change(ctx context.Context, old, c Client) (secret string, err error) {
	c.ID, c.Sector, c.Mark = old.ID, old.Sector, old.Mark
	if c.Authentication == SecretBasic {
		if c.SecretSHA256 = old.SecretSHA256; c.SecretSHA256 == "" {
			secret, c.SecretSHA256 = NewSecret()
		}
	}
	return secret, p.Register(ctx, developer, c)
}

// rotate draws another secret; the one before is worth nothing from then on.
func (p *Provider) rotate(ctx context.Context, c Client) (secret string, err error) {
	if c.Authentication != SecretBasic {
		return "", clientError("%s has no secret", PrivateKeyJWT)
	}
	secret, c.SecretSHA256 = NewSecret()
	return secret, p.Register(ctx, developer, c)
}

// remove ends a client: it asks nothing more, and its grants end as at an operator's end.
func (p *Provider) remove(ctx context.Context, c Client) error {
	if err := p.c.Gateway.End(ctx, developer, c.ID); err != nil {
		return err
	}
	return p.c.Store.DropManaged(ctx, developer, p.c.Now(), c.ID)
}
