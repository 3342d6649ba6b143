package oidc

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/luikyv/go-oidc/pkg/goidc"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

// manager keeps the library's sessions, grants and tokens in our store. The library
// reads, looks, and writes; that nobody else wrote in between is decided here.
type manager struct{ l *library }

// newToken draws a code, token or handle: 130 random bits.
func newToken(context.Context) string { return rand.Text() }

func hash(token string) [32]byte { return sha256.Sum256([]byte(token)) }

// found turns what the store says into the library's words. What is no answer at all
// is remembered: the library would call it a bad grant, and a client would throw away
// what is still good.
func found(ctx context.Context, err error) error {
	if errors.Is(err, ErrNotFound) {
		return goidc.ErrNotFound
	}
	if err != nil {
		callOf(ctx).trouble = err
	}
	return err
}

// invalidGrant is the answer to a code or refresh token that may not be used.
func invalidGrant(why string) error {
	return goidc.WrapError(goidc.ErrorCodeInvalidGrant, "invalid grant", errors.New(why))
}

// SaveSession implements goidc.AuthManager.
func (m *manager) SaveSession(ctx context.Context, as *goidc.AuthnSession) error {
	at := m.l.p.c.Now()
	login, err := m.l.p.c.Store.Login(ctx, as.ID, at)
	if errors.Is(err, ErrNotFound) {
		login = Login{ID: as.ID, Client: as.ClientID, Until: at.Add(loginSeconds * time.Second)}
		if as.PushedAuthReqID != "" {
			login.Pushed = hash(as.PushedAuthReqID)
			c, err := m.l.p.client(ctx, as.ClientID)
			if err != nil {
				return found(ctx, err)
			}
			asked, _ := ctx.Value(wishKey{}).(wish)
			risk, _ := m.l.p.riskOf(c, asked.classes) // who pushes may ask for every class
			login.Risk = string(risk)
			if asked.transaction != "" {
				login.Risk, login.Transaction = string(ceremony.R3), asked.transaction
				if err := m.hold(ctx, login, c, strings.Fields(as.Scopes), at); err != nil {
					return err
				}
			}
		}
	} else if err != nil {
		return found(ctx, err)
	}
	kept := *as
	kept.PushedAuthReqID = ""
	kept.Store = nil // what the person gave rests with the grant, which ends, and nowhere else
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("oidc: login: %w", err)
	}
	login.Content = string(text)
	return found(ctx, m.l.p.c.Store.PutLogin(ctx, login, at))
}

// Session implements goidc.AuthManager.
func (m *manager) Session(ctx context.Context, id string) (*goidc.AuthnSession, error) {
	login, err := m.l.p.c.Store.Login(ctx, id, m.l.p.c.Now())
	if err != nil {
		return nil, found(ctx, err)
	}
	return sessionOf(login)
}

// SessionByPushedAuthReqID implements goidc.PARManager. RFC 9126, section 4: a handle
// is used once.
func (m *manager) SessionByPushedAuthReqID(ctx context.Context, handle string) (*goidc.AuthnSession, error) {
	login, err := m.l.p.c.Store.TakePushed(ctx, hash(handle), m.l.p.c.Now())
	if err != nil {
		return nil, found(ctx, err)
	}
	return sessionOf(login)
}

func sessionOf(l Login) (*goidc.AuthnSession, error) {
	var as goidc.AuthnSession
	if err := json.Unmarshal([]byte(l.Content), &as); err != nil {
		return nil, fmt.Errorf("oidc: login: %w", err)
	}
	return &as, nil
}

// SaveGrant implements goidc.GrantManager: it tells by what changed which of our steps
// this is.
func (m *manager) SaveGrant(ctx context.Context, g *goidc.Grant) error {
	p, at := m.l.p, m.l.p.c.Now()
	if g.RevokedAt != 0 {
		// RFC 6749, section 4.1.2: a code that comes again ends what it gave. Its client did not
		// ask for that, and is told.
		if stored, err := p.c.Store.Grant(ctx, g.ID, at); err == nil && stored.CodeUsed && callOf(ctx).path == pathToken {
			return found(ctx, p.endGrant(ctx, stored, whyCodeAgain, at))
		}
		return found(ctx, p.c.Store.EndGrant(ctx, audit.System(p.c.Party), g.ID, whyRevoked, nil, at))
	}
	kept := *g
	kept.AuthCode, kept.RefreshToken = "", ""
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("oidc: grant: %w", err)
	}
	stored, err := p.c.Store.Grant(ctx, g.ID, at)
	switch {
	case errors.Is(err, ErrNotFound) && g.AuthCode == "":
		// Nobody logged in: a client asked for a token of its own, which lasts as long (RFC
		// 6749, section 4.4).
		return found(ctx, p.c.Store.PutGrant(ctx, audit.System(p.c.Party), Grant{ID: g.ID, Client: g.ClientID, Subject: g.Subject, Content: string(text),
			Begun: at, Until: at.Add(tokenSeconds * time.Second)}, [32]byte{}))
	case errors.Is(err, ErrNotFound):
		f, err := factsOf(g)
		if err != nil {
			return err
		}
		who := audit.Actor{Party: p.c.Party, Kind: "person", ID: g.Subject}
		return found(ctx, p.c.Store.PutGrant(ctx, who, Grant{ID: g.ID, Client: g.ClientID, Subject: g.Subject, Session: f.Session, SID: f.SID, Content: string(text),
			Person: f.Person, Given: strings.Join(claimsOf(strings.Fields(g.Scopes)), " "), Begun: at, Until: time.UnixMilli(f.UntilMS).UTC()}, hash(g.AuthCode)))
	case err != nil:
		return found(ctx, err)
	case !stored.CodeUsed:
		var refresh [32]byte
		if g.RefreshToken != "" {
			refresh = hash(g.RefreshToken)
		}
		err = p.c.Store.Redeem(ctx, g.ID, string(text), refresh, at)
	default:
		err = p.c.Store.Rotate(ctx, g.ID, string(text), callOf(ctx).presented, hash(g.RefreshToken), at)
	}
	if errors.Is(err, ErrUsed) {
		// Somebody redeemed the same code or token between our reading and our writing.
		return errors.Join(found(ctx, p.endGrant(ctx, stored, whyCodeAgain, at)), invalidGrant("used a moment before"))
	}
	return found(ctx, err)
}

// endGrant ends a grant that stood and has its client told.
func (p *Provider) endGrant(ctx context.Context, g Grant, why string, at time.Time) error {
	notice, err := p.noticeFor(ctx, g, at)
	if err != nil {
		return err
	}
	return p.c.Store.EndGrant(ctx, audit.System(p.c.Party), g.ID, why, notice, at)
}

// standing reads a grant of ours and asks whether the login that it stands on still
// does. One that ended, or whose certificate is no longer good, reads as revoked.
func (p *Provider) standing(ctx context.Context, g Grant, at time.Time) (*goidc.Grant, error) {
	over := &goidc.Grant{ID: g.ID, ClientID: g.Client, RevokedAt: 1}
	if g.Ended {
		return over, nil
	}
	if g.Session != "" {
		err := p.c.Gateway.Standing(ctx, p.c.Party, g.Session, at)
		if errors.Is(err, gateway.ErrSessionOver) {
			return over, found(ctx, p.endGrant(ctx, g, whySessionOver, at))
		}
		if err != nil {
			return nil, found(ctx, err)
		}
	}
	var out goidc.Grant
	if err := json.Unmarshal([]byte(g.Content), &out); err != nil {
		return nil, fmt.Errorf("oidc: grant %s: %w", g.ID, err)
	}
	return &out, nil
}

// Grant implements goidc.GrantManager.
func (m *manager) Grant(ctx context.Context, id string) (*goidc.Grant, error) {
	at := m.l.p.c.Now()
	g, err := m.l.p.c.Store.Grant(ctx, id, at)
	if err != nil {
		return nil, found(ctx, err)
	}
	return m.l.p.standing(ctx, g, at)
}

// GrantByAuthCode implements goidc.AuthManager. The refresh token that goes out with
// the code is drawn now.
func (m *manager) GrantByAuthCode(ctx context.Context, code string) (*goidc.Grant, error) {
	p, at := m.l.p, m.l.p.c.Now()
	g, err := p.c.Store.GrantByCode(ctx, hash(code), at)
	if err != nil {
		return nil, found(ctx, err)
	}
	out, err := m.l.p.standing(ctx, g, at)
	if err != nil || out.RevokedAt != 0 {
		return out, err
	}
	c, err := p.c.Store.Client(ctx, g.Client)
	if err != nil {
		return nil, found(ctx, err)
	}
	if c.Refresh && g.Session != "" && !g.CodeUsed {
		out.RefreshToken = newToken(ctx)
	}
	return out, nil
}

// GrantByRefreshToken implements goidc.RefreshTokenManager. A token that was rotated
// away ends the whole family: one of the two who had it stole it (RFC 9700, section
// 4.14.2).
func (m *manager) GrantByRefreshToken(ctx context.Context, token string) (*goidc.Grant, error) {
	p, at := m.l.p, m.l.p.c.Now()
	presented := hash(token)
	g, latest, err := p.c.Store.GrantByRefresh(ctx, presented, at)
	if err != nil {
		return nil, found(ctx, err)
	}
	switch path := callOf(ctx).path; {
	case latest, path == pathRevoke: // whoever revokes an older token means all of them
	case path != pathToken:
		return nil, goidc.ErrNotFound // asking about it uses nothing
	default:
		if err := p.endGrant(ctx, g, whyTokenAgain, at); err != nil {
			return nil, found(ctx, err)
		}
		return nil, goidc.ErrNotFound
	}
	out, err := m.l.p.standing(ctx, g, at)
	if err != nil || out.RevokedAt != 0 {
		return out, err
	}
	callOf(ctx).presented, out.RefreshToken = presented, token
	return out, nil
}

// SaveToken implements goidc.OpaqueTokenManager.
func (m *manager) SaveToken(ctx context.Context, t *goidc.Token) error {
	p := m.l.p
	kept := *t
	kept.ID = ""
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("oidc: token: %w", err)
	}
	return found(ctx, p.c.Store.PutToken(ctx, Token{Hash: hash(t.ID), Grant: t.GrantID, Content: string(text),
		Until: p.c.Now().Add(time.Duration(t.LifetimeSecs()) * time.Second)}))
}

// Token implements goidc.OpaqueTokenManager.
func (m *manager) Token(ctx context.Context, token string) (*goidc.Token, error) {
	t, err := m.l.p.c.Store.Token(ctx, hash(token), m.l.p.c.Now())
	if err != nil {
		return nil, found(ctx, err)
	}
	var out goidc.Token
	if err := json.Unmarshal([]byte(t.Content), &out); err != nil {
		return nil, fmt.Errorf("oidc: token: %w", err)
	}
	out.ID = token
	return &out, nil
}

// consume remembers the jti of an assertion or a DPoP proof until it has expired.
func (m *manager) consume(ctx context.Context, jti string) error {
	err := m.l.p.once(ctx, jti)
	if err != nil && !errors.Is(err, ErrUsed) && !errors.Is(err, errLongID) {
		callOf(ctx).trouble = err
	}
	return err
}

// clients finds registered clients for the library. It registers none: that is the
// operator's act.
type clients struct{ p *Provider }

// Client implements goidc.DCRManager.
func (s clients) Client(ctx context.Context, id string) (*goidc.Client, error) {
	c, err := s.p.client(ctx, id)
	if err != nil {
		return nil, found(ctx, err)
	}
	return c.forLibrary()
}

func (c Client) forLibrary() (*goidc.Client, error) {
	out := &goidc.Client{ID: c.ID, Secret: c.SecretSHA256}
	out.RedirectURIs, out.ScopeIDs = c.RedirectURIs, c.scopes()
	out.ResponseTypes = []goidc.ResponseType{goidc.ResponseTypeCode}
	out.GrantTypes = []goidc.GrantType{goidc.GrantAuthorizationCode}
	if c.signs() {
		out.GrantTypes = append(out.GrantTypes, goidc.GrantClientCredentials)
	}
	if c.Refresh {
		out.GrantTypes = append(out.GrantTypes, goidc.GrantRefreshToken)
	}
	out.TokenAuthnMethod = goidc.AuthnMethod(c.Authentication)
	out.IDTokenSigAlg = goidc.SigAlgES256
	if len(c.JWKS) > 0 {
		set, err := c.keys()
		if err != nil {
			return nil, fmt.Errorf("oidc: client %s: %w", c.ID, err)
		}
		// A key for sealing proves nothing.
		set.Keys = slices.DeleteFunc(set.Keys, func(k jose.JSONWebKey) bool { return k.Use == "enc" })
		out.JWKS = &goidc.JSONWebKeySet{Keys: set.Keys}
	}
	return out, nil
}

var errNoRegistration = problem.Internal.Because(errors.New("oidc: clients are not registered over this door"))

// SaveClient implements goidc.DCRManager.
func (clients) SaveClient(context.Context, *goidc.Client) error { return errNoRegistration }

// DeleteClient implements goidc.DCRManager.
func (clients) DeleteClient(context.Context, string) error { return errNoRegistration }
