package oidc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

// States of an application. A registered client whose application was approved may have
// another one since, for a change.
const (
	Applied  = "applied"
	Approved = "approved"
	Refused  = "refused"
	Ended    = "ended" // the operator ended the client
)

// ApplicationLife is how long an application waits for the operator, and one that came to
// nothing can be read by its developer. Then all that is kept of it is erased.
const ApplicationLife = 30 * 24 * time.Hour

// maxOpen is how many applications may wait at once: strangers fill no more than that.
const maxOpen = 200

// What one source may apply for, changes too: ten at once, and ten an hour.
const (
	appliedPerSecond = 10.0 / 3600
	applyBurst       = 10
)

// maxWhy bounds an operator's sentence in bytes: it goes into the audit chain.
const maxWhy = 400

// Application is what a developer asks the operator to register. Only the newest of a
// client is kept.
type Application struct {
	Client  Client // as it would be registered
	State   string
	Why     string    // the operator's sentence; "" while it waits
	At      time.Time // when it was sent
	Decided time.Time // zero while it waits
}

// Digest names what an operator judges: hex SHA-256 of the registration as it would be,
// without the secret's.
func (a Application) Digest() string { return digestOf(a.Client) }

func digestOf(c Client) string {
	c.SecretSHA256 = ""
	text, err := json.Marshal(c)
	if err != nil {
		return "" // JWKS that is no JSON; check refuses it
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Applications is the part of a Store for what waits for an operator.
type Applications interface {
	// Apply keeps an application, waiting, in the place of the client's earlier one, and m
	// with it when that is not nil. ErrFull when most others wait already, ErrUsed when the
	// operator ended the client.
	Apply(ctx context.Context, who audit.Actor, a Application, m *Managed, most int) error
	// Application finds a client's newest. ErrNotFound.
	Application(ctx context.Context, client string) (Application, error)
	// Applications lists them, the longest unchanged first; Clients every client that was ever
	// registered, by id.
	Applications(ctx context.Context) ([]Application, error)
	Clients(ctx context.Context) ([]Client, error)
	// Decide writes down what became of the application of this digest, if it still waits; with
	// party, client and party are registered in the same step, in the place of was (nil: nothing
	// is registered). ErrUsed when it was decided, or replaced, before; ErrChanged when another
	// registration than was stands by now.
	Decide(ctx context.Context, who audit.Actor, a Application, digest string, was *Client, party *gateway.Party) error
	// EndClient ends a client's party, whichever registration stands by now, and what waits of
	// it, and writes down why for its developer: one step, so that nothing is approved in
	// between. ErrNotFound when none stands.
	EndClient(ctx context.Context, who audit.Actor, at time.Time, client, why string) error

	// PutLogo keeps a picture of a client's under its ceremony.LogoID until neither its
	// registration nor its application names it. Logo finds it. ErrNotFound.
	PutLogo(ctx context.Context, client, id string, png []byte) error
	Logo(ctx context.Context, client, id string) ([]byte, error)
}

// ErrFull: as many applications wait as may.
var ErrFull = errors.New("oidc: no more applications")

var (
	// ErrClientWaiting answers a request of a client that nobody has approved.
	ErrClientWaiting = problem.NewRefused(403, "openid-client-waiting",
		"このサービスは、まだ承認されていません。", nothingGivenJA+"運用者が承認するまで、このサービスにはログインできません。",
		"This service has not been approved yet.", nothingGivenEN+"Nobody can log in to it before the operator has approved it.")
	// ErrManyApplications answers who applies while as many wait as the operator takes, or
	// who applied too often.
	ErrManyApplications = problem.New(problem.CouldNotCheck, 429, "too-many-applications",
		problem.Text{Title: "いまは申し込みを受け付けられません。", Detail: "何も変わっていません。同じ接続元からの申し込みか、承認を待つ申し込みが多すぎます。1時間ほど待って、もう一度お試しください。"},
		problem.Text{Title: "No more applications are taken now.", Detail: "Nothing has changed. Too many came from here, or wait. Try again in an hour."})
	// ErrNoApplication tells the operator that nothing of this client waits to be decided.
	ErrNoApplication = problem.NewYourTurn(404, "application-unknown",
		"承認を待つ申し込みはありません。", "tegata client list で、待っている申し込みを確かめてください。",
		"No application of this client waits.", "See which ones do with tegata client list.")
	// ErrApplicationChanged keeps an operator from approving what they have not seen.
	ErrApplicationChanged = problem.NewYourTurn(409, "application-changed",
		"申し込みの内容が、確かめたものと違います。", "何も変わっていません。tegata client show で確かめ、そこに出る digest を -seen に入れてください。",
		"This is not the application that you looked at.", "Nothing has changed. Look at it with tegata client show, and give the digest that it prints as -seen.")
	// ErrClientOver answers the developer of a client that the operator ended.
	ErrClientOver = problem.NewRefused(403, "client-over",
		"このサービスの登録は終わっています。", "何も変わっていません。続けるときは、新しく申し込んでください。",
		"The registration of this service is over.", "Nothing has changed. To go on, apply anew.")
	// ErrWhy tells the operator that a decision wants a sentence.
	ErrWhy = problem.NewYourTurn(422, "decision-why",
		"理由の文がありません。", "-why に、1行で400バイトまでの文を入れてください。監査記録に残り、開発者が読みます。個人の名前は書かないでください。",
		"The decision has no reason.", "Give one line of at most 400 bytes as -why. It stays in the audit chain and its developer reads it: name no person.")
)

// apply puts an application before the operator. ErrManyApplications, or as fits.
func (p *Provider) apply(ctx context.Context, source string, c Client, m *Managed) error {
	if _, err := p.fits(ctx, c); err != nil {
		return err
	}
	if !p.applying.Count(source) {
		return ErrManyApplications
	}
	err := p.c.Store.Apply(ctx, developer, Application{Client: c, State: Applied, At: p.c.Now()}, m, maxOpen)
	switch {
	case errors.Is(err, ErrFull):
		return ErrManyApplications
	case errors.Is(err, ErrUsed):
		return ErrClientOver
	case err != nil:
		return fmt.Errorf("oidc: apply: %w", err)
	}
	return nil
}

// waits says whether a client that is not registered has an application before the
// operator.
func (p *Provider) waits(ctx context.Context, id string) bool {
	if p.c.Sandbox {
		return false
	}
	a, err := p.c.Store.Application(ctx, id)
	return err == nil && a.State == Applied
}

// Approval is what an operator says beside yes.
type Approval struct {
	Seen     string            // the digest of what they looked at
	Why      string            // for the audit chain and the developer
	Category ceremony.Category // by which holders lock and limit; "": as registered, or private
	Sector   string            // of a first registration: see Client; "": the client's own
	Opens    []string          // codes of purposes of signing that open an account, beside those that are registered so
}

// ApproveClient registers what a client applied for: from then on phones show it.
// ErrNoApplication, ErrApplicationChanged, ErrClientChanged, ErrWhy, or as Register.
func (p *Provider) ApproveClient(ctx context.Context, who audit.Actor, id string, said Approval) error {
	a, err := p.openOf(ctx, id, said.Why)
	if err != nil {
		return err
	}
	if a.Digest() != said.Seen {
		return ErrApplicationChanged
	}
	c, category := &a.Client, said.Category
	var was *Client
	registered, err := p.client(ctx, id)
	switch {
	case err == nil:
		was = &registered
		// People's sub comes from the sector: it never changes by a form.
		if said.Sector != "" && said.Sector != registered.Sector {
			return clientError("登録されたサービスの sector は変わりません。", "a registered client keeps its sector")
		}
		c.Sector, category = registered.Sector, cmp.Or(category, registered.Purpose.Category)
		if c.Authentication == SecretBasic && registered.Authentication == SecretBasic {
			c.SecretSHA256 = registered.SecretSHA256 // another one may have been made since
		}
	case errors.Is(err, ErrNotFound):
		c.Sector = cmp.Or(said.Sector, c.Sector)
	default:
		return fmt.Errorf("oidc: approve %s: %w", id, err)
	}
	c.categorise(category)
	if was != nil {
		c.keepOpenings(*was)
	}
	if err := c.open(said.Opens); err != nil {
		return err
	}
	party, err := p.fits(ctx, *c)
	if err != nil {
		return err
	}
	a.State, a.Why, a.Decided = Approved, said.Why, p.c.Now()
	return p.decide(ctx, who, a, said.Seen, was, &party)
}

// categorise gives all purposes of a client a category, which is the operator's word.
func (c *Client) categorise(category ceremony.Category) {
	c.Purpose.Category = category
	c.SignPurposes = slices.Clone(c.SignPurposes)
	for i := range c.SignPurposes {
		c.SignPurposes[i].Category = category
	}
}

// keepOpenings marks the purposes that open an account as they are registered: a developer's
// form does not ask.
func (c *Client) keepOpenings(registered Client) {
	for i := range c.SignPurposes {
		p := &c.SignPurposes[i]
		p.OpensAccount = slices.ContainsFunc(registered.SignPurposes, func(r ceremony.RegisteredPurpose) bool { return r.Code == p.Code && r.OpensAccount })
	}
}

// open marks purposes of signing that open an account. ErrClient when there is none of a code.
func (c *Client) open(codes []string) error {
	for _, code := range codes {
		i := slices.IndexFunc(c.SignPurposes, func(p ceremony.RegisteredPurpose) bool { return p.Code == code })
		if i < 0 {
			return clientError("署名の目的 %s はありません。", "there is no purpose of signing %s", code)
		}
		c.SignPurposes[i].OpensAccount = true
	}
	return nil
}

// RefuseClient turns an application down; a registration that it was to change stays. why is
// what its developer reads. ErrNoApplication, ErrApplicationChanged, ErrWhy.
func (p *Provider) RefuseClient(ctx context.Context, who audit.Actor, id, why string) error {
	a, err := p.openOf(ctx, id, why)
	if err != nil {
		return err
	}
	seen := a.Digest()
	a.State, a.Why, a.Decided = Refused, why, p.c.Now()
	return p.decide(ctx, who, a, seen, nil, nil)
}

// EndClient ends a registered client with all its grants, and tells its developer why. An
// application of it ends, too. gateway.ErrNoParty, ErrWhy.
func (p *Provider) EndClient(ctx context.Context, who audit.Actor, id, why string) error {
	if !goodWhy(why) {
		return ErrWhy
	}
	err := p.c.Store.EndClient(ctx, who, p.c.Now(), id, why)
	if errors.Is(err, ErrNotFound) {
		return gateway.ErrNoParty // a party that is no client is not ended here, either
	}
	if err != nil {
		return fmt.Errorf("oidc: end %s: %w", id, err)
	}
	return nil
}

func goodWhy(why string) bool {
	return strings.TrimSpace(why) != "" && len(why) <= maxWhy && ceremony.Showable(why)
}

func (p *Provider) openOf(ctx context.Context, id, why string) (Application, error) {
	if !goodWhy(why) {
		return Application{}, ErrWhy
	}
	a, err := p.c.Store.Application(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && a.State != Applied {
		return a, ErrNoApplication
	}
	if err != nil {
		return a, fmt.Errorf("oidc: application %s: %w", id, err)
	}
	return a, nil
}

func (p *Provider) decide(ctx context.Context, who audit.Actor, a Application, seen string, was *Client, party *gateway.Party) error {
	err := p.c.Store.Decide(ctx, who, a, seen, was, party)
	switch {
	case errors.Is(err, ErrUsed):
		return ErrApplicationChanged
	case errors.Is(err, ErrChanged):
		return ErrClientChanged
	case err != nil:
		return fmt.Errorf("oidc: decide %s: %w", a.Client.ID, err)
	}
	return nil
}
