package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/jws"
	"tegata/internal/pki"
)

func pemOf(c *x509.Certificate) string { return string(pki.EncodePEM(c.Raw)) }

// Result tells the asking party how its request stands. The verdict of a request
// on the same device is given only against the response code that the browser
// brought back, once and within 60 seconds: polling never completes a login.
//
// The caller's entry is remembered before anything is told, and together with the
// code when one is used up.
func (g *Gateway) Result(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, resultID string, at time.Time) (ceremony.Result, error) {
	told, err := g.standing(ctx, caller, entry, resultID, false, at)
	return told.Result, err
}

// told is a result, and the request that it is of.
type told struct {
	ceremony.Result
	request Request
	asked   ceremony.Request
}

// standing is Result. Requests of kind sign have an address of their own for theirs:
// signing says at which of the two it is asked for.
func (g *Gateway) standing(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, resultID string, signing bool, at time.Time) (told, error) {
	r, q, err := g.resultOf(ctx, caller, resultID)
	if err == nil && signing != (q.Unverified().Kind == ceremony.SignDoc) {
		err = ErrResultUnknown
	}
	code := caller.Assertion.ResponseCode
	if takes := err == nil && r.State == Done && r.Channel == ceremony.Same && code != ""; !takes {
		if err := g.remember(ctx, entry); err != nil {
			return told{}, err
		}
	}
	if err != nil {
		return told{}, err
	}
	asked := q.Unverified()
	pending := told{ceremony.Result{State: ceremony.StateWaiting, Channel: r.Channel, Purpose: asked.Purpose.Code, ExpiresAt: r.ExpiresAt.Unix()}, r, asked}
	if r.State != Done {
		pending.Code = r.Undecided
		switch {
		case !at.Before(r.ExpiresAt):
			pending.State = ceremony.StateExpired
		case r.State == Opened:
			pending.State = ceremony.StateOpened
		}
		return pending, nil
	}
	// A signature cannot be asked for again as a login can: once the browser has brought
	// the code, its party may fetch it until it is erased.
	again := signing && r.CodeUsed && code == ""
	if r.Channel == ceremony.Same && !again {
		if code == "" {
			pending.State = ceremony.StateAnswered
			return pending, nil
		}
		if err := g.takeCode(ctx, entry, r, code, at); err != nil {
			return told{}, err
		}
	} else if code != "" { // another device has none
		return told{}, ErrBrowserLost
	}
	if !at.Before(r.Outcome.EraseAt) {
		return told{}, ErrResultErased
	}
	result, err := g.deliver(ctx, r, q, at)
	return told{result, r, asked}, err
}

// takeCode uses up the response code. A wrong, late or used one is the sign of a
// link that was opened in another browser than the one that began.
func (g *Gateway) takeCode(ctx context.Context, entry ceremony.Entry, r Request, code string, at time.Time) error {
	err := g.c.Store.TakeCode(ctx, entry, r.ID, sha256.Sum256([]byte(code)), at)
	switch {
	case errors.Is(err, ErrUsed):
		return ErrBrowserLost
	case errors.Is(err, ErrReplayed):
		return callerProblem(replayed(err))
	case err != nil:
		return fmt.Errorf("gateway: result: %w", err)
	}
	return nil
}

// remember uses an entry up by itself.
func (g *Gateway) remember(ctx context.Context, e ceremony.Entry) error {
	return callerProblem(g.door.Once(ctx, e.Party, e.ID, e.Expires))
}

// resultOf finds the request of a caller's result.
func (g *Gateway) resultOf(ctx context.Context, caller ceremony.Caller, resultID string) (r Request, q *jws.Message[ceremony.Request], err error) {
	if !ceremony.ValidID(resultID) {
		return r, nil, ErrResultUnknown
	}
	r, err = g.c.Store.RequestByResult(ctx, resultID)
	if errors.Is(err, ErrNotFound) || err == nil && r.Party != caller.Party {
		return r, nil, ErrResultUnknown
	}
	if err != nil {
		return r, nil, fmt.Errorf("gateway: result: %w", err)
	}
	if q, err = ceremony.KeptRequest(r.JWS); err != nil {
		return r, nil, fmt.Errorf("gateway: stored request %s: %w", r.ID, err)
	}
	return r, q, nil
}

// deliver puts the result together.
func (g *Gateway) deliver(ctx context.Context, r Request, q *jws.Message[ceremony.Request], at time.Time) (ceremony.Result, error) {
	o, asked := r.Outcome, q.Unverified()
	out := ceremony.Result{
		State: ceremony.StateDone, Verdict: o.Verdict, SubIndication: o.SubIndication, Code: toldParty(o.Code), Reason: o.Reason,
		Channel: r.Channel, Purpose: asked.Purpose.Code, AnsweredAt: o.At.Unix(), Receipt: o.Receipt, ExpiresAt: o.EraseAt.Unix(),
	}
	if o.Verdict != ceremony.Passed {
		return out, nil
	}
	p, err := g.c.Store.Party(ctx, r.Party)
	if err != nil {
		return ceremony.Result{}, fmt.Errorf("gateway: result: %w", err)
	}
	known := p // in whose sector the person has a name
	if asked.OnBehalfOf != "" {
		if known, err = g.c.Store.Party(ctx, asked.OnBehalfOf); err != nil {
			return ceremony.Result{}, fmt.Errorf("gateway: result: %w", err)
		}
	}
	out.Sub, out.Claims, out.AMR, out.ACR = g.sub(known.Sector, o.Person), o.Claims, o.AMR, g.acr(asked.Risk)
	if r.Channel != ceremony.Same {
		out.SessionUntil = o.At.Add(crossSession).Unix()
	}
	if o.Session != nil {
		out.Session, out.SessionUntil = o.Session.ID, o.Session.Until.Unix()
	}
	if asked.Kind == ceremony.Login && len(p.Grants) > 0 {
		out.Grants = map[string]string{}
		for _, scope := range p.Grants {
			if !ours(scope) && g.c.Issuer == "" {
				continue // there is nobody to take them
			}
			if out.Grants[scope], err = g.grant(p, o, q.Hash(), scope, at); err != nil {
				return ceremony.Result{}, fmt.Errorf("gateway: result: %w", err)
			}
		}
		out.Holder = o.Person
	}
	return out, nil
}

// ours tells whether a grant of this scope is shown to us, and not to the issuer.
func ours(scope string) bool {
	return scope == ceremony.ScopeUses || scope == ceremony.ScopeRules || scope == ceremony.ScopeLinks
}

// grant writes a grant for the person who logged in.
func (g *Gateway) grant(p Party, o Outcome, login, scope string, at time.Time) (string, error) {
	audience := g.c.IssuerAudience
	if ours(scope) {
		audience = g.c.ID
	}
	return ceremony.SignGrant(g.c.Sign.Signer, g.c.Sign.Chain, ceremony.Grant{
		Issuer: g.c.ID, Audience: audience, Party: p.ID, Subject: o.Person, Scope: scope, Login: login,
		ID: ceremony.NewID(), IssuedAt: at.Unix(), Expires: at.Add(ceremony.LongestGrant(scope)).Unix(),
	})
}

// maxUses is how many uses one answer lists.
const maxUses = 200

// Uses lists a person's uses and refused attempts for the party that holds a
// grant of theirs. The grant is used up.
func (g *Gateway) Uses(ctx context.Context, caller ceremony.Caller, compact string, at time.Time) (ceremony.Uses, error) {
	grant, err := g.granted(compact, caller, ceremony.ScopeUses, at)
	if err != nil {
		return ceremony.Uses{}, err
	}
	if err := g.c.Store.Once(ctx, "grant", grant.ID, time.Unix(grant.Expires, 0)); errors.Is(err, ErrUsed) {
		return ceremony.Uses{}, ErrGrant.Because(err)
	} else if err != nil {
		return ceremony.Uses{}, fmt.Errorf("gateway: uses: %w", err)
	}
	uses, err := g.c.Store.Uses(ctx, grant.Subject, maxUses)
	if err != nil {
		return ceremony.Uses{}, fmt.Errorf("gateway: uses: %w", err)
	}
	return ceremony.Uses{Uses: uses}, nil
}

// granted checks a grant of ours that a party holds. Whether it was used before is the
// caller's to ask.
func (g *Gateway) granted(compact string, caller ceremony.Caller, scope string, at time.Time) (ceremony.Grant, error) {
	m, err := ceremony.ParseGrant(compact)
	if err != nil {
		return ceremony.Grant{}, ErrGrant.Because(err)
	}
	// Our own signature, by our own key: no path to ask about.
	grant, err := m.VerifyWith(g.c.Sign.Signer.Public())
	if err == nil {
		err = grant.For(g.c.ID, caller.Party, scope, at)
	}
	if err != nil {
		return ceremony.Grant{}, ErrGrant.Because(err)
	}
	return grant, nil
}
