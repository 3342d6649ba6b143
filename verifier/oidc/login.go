package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
	"tegata/verifier/gateway"
)

// grantLife is how long a grant lasts that stands on no session.
const grantLife = 10 * time.Minute

// riskOf is the class that a client's request is asked in: its floor, or the first of
// acr_values that it may ask for (OpenID Connect Core, section 3.1.2.1: in order of
// preference). ok is false when that is more than its profile allows.
func (p *Provider) riskOf(c Client, wishes []string) (risk ceremony.Risk, ok bool) {
	risk = c.Purpose.RiskFloor
	for _, wish := range wishes {
		i := slices.IndexFunc([]ceremony.Risk{ceremony.R1, ceremony.R2, ceremony.R3}, func(r ceremony.Risk) bool { return p.acr(r) == wish })
		if i < 0 {
			continue
		}
		if wished := []ceremony.Risk{ceremony.R1, ceremony.R2, ceremony.R3}[i]; !wished.Below(risk) {
			risk = wished
		}
		break
	}
	return risk, c.Profile == FAPI2 || risk.Below(ceremony.R3)
}

// claimsOf are the attributes that scopes ask for.
func claimsOf(scopes []string) (claims []string) {
	for _, claim := range ceremony.AttributeClaims() {
		if slices.Contains(scopes, claim) {
			claims = append(claims, claim)
		}
	}
	return claims
}

// returnURL is where the phone sends the browser back to; it is registered with the
// gateway.
func (p *Provider) returnURL() string { return p.c.Pages + "/login/return" }

// ReturnURL is what the provider's own registration at the gateway must list.
func ReturnURL(pages string) string { return pages + "/login/return" }

// phoneLink is the address by which a phone is asked: a link on this device, a QR code
// for another one.
func (p *Provider) phoneLink(requestURI string) string {
	return p.c.Phone + "/open?" + url.Values{"request_uri": {requestURI}}.Encode()
}

// result asks the gateway how a request stands.
func (p *Provider) result(ctx context.Context, l Login, responseCode string, at time.Time) (ceremony.Result, error) {
	caller, entry := p.caller(responseCode, at)
	if l.Transaction != "" {
		signed, err := p.c.Gateway.SignResult(ctx, caller, entry, l.ResultID, at)
		return signed.Result, err
	}
	return p.c.Gateway.Result(ctx, caller, entry, l.ResultID, at)
}

// poll asks how a login stands, and finishes one that crossed devices when the phone has
// approved. A login on the same device is never finished by it.
func (p *Provider) poll(ctx context.Context, l Login, c Client) (Login, string, error) {
	at := p.c.Now()
	r, err := p.result(ctx, l, "", at)
	if err != nil {
		return l, "", err
	}
	switch {
	case r.State == ceremony.StateExpired:
		return l, "", gateway.ErrRequestExpired
	case r.State != ceremony.StateDone:
		return l, r.State, nil
	}
	l, err = p.finish(ctx, l, c, r, at)
	return l, r.State, err
}

// comeBack finishes the login of a browser to which the phone brought a response code.
// The code belongs to one of the logins that this very browser began, or to none.
func (p *Provider) comeBack(ctx context.Context, cookie, responseCode string) (Login, error) {
	at := p.c.Now()
	if cookie == "" || !ceremony.ValidID(responseCode) {
		return Login{}, ErrOtherBrowser
	}
	logins, err := p.c.Store.LoginsOf(ctx, hash(cookie), at)
	if err != nil {
		return Login{}, fmt.Errorf("oidc: return: %w", err)
	}
	for _, l := range logins {
		if l.Claimed {
			continue
		}
		l.cookie = cookie
		asked := l.Earlier
		if l.Channel == string(ceremony.Same) {
			asked = append(asked, l.ResultID)
		}
		for _, l.ResultID = range asked {
			r, err := p.result(ctx, l, responseCode, at)
			switch {
			case errors.Is(err, gateway.ErrBrowserLost), err == nil && r.State != ceremony.StateDone:
				continue
			case err != nil:
				return l, err
			}
			c, err := p.c.Store.Client(ctx, l.Client)
			if err != nil {
				return l, fmt.Errorf("oidc: return: %w", err)
			}
			return p.finish(ctx, l, c, r, at)
		}
	}
	return Login{}, ErrOtherBrowser
}

// finish takes a verdict to the client. A refusal by the person goes there too; what
// else did not pass is the person's to read, who may try again.
func (p *Provider) finish(ctx context.Context, l Login, c Client, r ceremony.Result, at time.Time) (Login, error) {
	if r.Verdict != ceremony.Passed {
		if r.Code == gateway.ErrHolderRefused.Code {
			return p.refuse(ctx, l, "access_denied", "")
		}
		l.Channel, l.ResultID, l.RequestURI = "", "", ""
		l.Failed, l.Useless = "", false
		switch r.Code {
		case gateway.ErrDataChanged.Code:
			l.Failed, l.Useless = r.Code, true
		case gateway.ErrNotNow.Code: // for days; why is not the client's to know
			l.Useless = true
		}
		return l, errors.Join(gateway.Failure(r.Code), p.c.Store.PutLogin(ctx, l, at))
	}
	if l.Hint != "" && l.Hint != r.Sub { // OpenID Connect Core, section 3.1.2.2
		return p.refuse(ctx, l, "login_required", "")
	}
	person, err := p.c.Gateway.PersonOf(ctx, p.c.Party, l.ResultID)
	if err != nil {
		return l, err
	}
	o := outcome{Sub: r.Sub, Scopes: []string{"openid"}, Facts: facts{
		Claims: r.Claims, ACR: r.ACR, AMR: r.AMR, AuthTime: p.wall(time.Unix(r.AnsweredAt, 0)).Unix(), SID: ceremony.NewID(),
		Session: r.Session, UntilMS: at.Add(grantLife).UnixMilli(), Person: person,
	}}
	if l.Transaction != "" {
		// Several logins may have been begun over one document: the first signature is the one.
		err := p.c.Store.UseSignTransaction(ctx, l.Transaction, l.ID, at, at.Add(signKeptLife))
		if errors.Is(err, ErrUsed) {
			return p.refuse(ctx, l, "access_denied", "the document was signed in another login")
		}
		if err != nil {
			return l, fmt.Errorf("oidc: sign transaction: %w", err)
		}
		o.Scopes = append(o.Scopes, scopeSign)
		o.Facts.Transaction, o.Facts.Result = l.Transaction, l.ResultID
	}
	for _, claim := range claimsOf(l.Scopes) {
		if r.Claims[claim] != "" { // the holder may have kept it
			o.Scopes = append(o.Scopes, claim)
		}
	}
	if r.Session != "" {
		o.Facts.UntilMS = time.Unix(r.SessionUntil, 0).UnixMilli()
	}
	return p.complete(ctx, l, o)
}

// refuse ends a login without a code.
func (p *Provider) refuse(ctx context.Context, l Login, code, description string) (Login, error) {
	return p.complete(ctx, l, outcome{Error: code, Description: description})
}

// giveUp ends a login that the person goes back from. Why an earlier answer did not pass is
// theirs to tell, but for what keeps anybody from signing until they were at a desk: who
// waits for a document hears that, and can offer them something else. The description
// is of the characters that RFC 6749, section 4.1.2.1, allows.
func (p *Provider) giveUp(ctx context.Context, l Login) (Login, error) {
	if l.Failed == "" {
		return p.refuse(ctx, l, "access_denied", "")
	}
	why := strings.ReplaceAll(gateway.Failure(l.Failed).EN.Title, `"`, "'")
	return p.complete(ctx, l, outcome{Error: "access_denied", Description: l.Failed + ": " + why, Cause: l.Failed})
}

// complete has the engine end a login, once: who comes second finds where the first was
// sent.
func (p *Provider) complete(ctx context.Context, l Login, o outcome) (Login, error) {
	c, err := p.c.Store.Client(ctx, l.Client)
	if err != nil {
		return l, fmt.Errorf("oidc: complete: %w", err)
	}
	switch err := p.c.Store.ClaimLogin(ctx, l.ID); {
	case errors.Is(err, ErrUsed):
		return l, ErrLoginOver
	case err != nil:
		return l, fmt.Errorf("oidc: complete: %w", err)
	}
	redirect, err := p.engines[c.Profile].complete(ctx, l.ID, o)
	if err != nil {
		return l, err
	}
	p.noteOutcome(ctx, c, o)
	cookie := l.cookie
	if l, err = p.c.Store.Login(ctx, l.ID, p.c.Now()); err != nil { // the engine wrote its part
		return l, fmt.Errorf("oidc: complete: %w", err)
	}
	if l.Sealed, err = sealFor(cookie, redirect); err != nil {
		return l, fmt.Errorf("oidc: complete: %w", err)
	}
	l.Redirect, l.cookie = redirect, cookie
	return l, p.c.Store.PutLogin(ctx, l, p.c.Now())
}

// mine finds a login of this browser's.
func (p *Provider) mine(ctx context.Context, id, cookie string) (Login, Client, error) {
	if !ceremony.ValidID(id) {
		return Login{}, Client{}, ErrLoginOver
	}
	l, err := p.c.Store.Login(ctx, id, p.c.Now())
	switch {
	case errors.Is(err, ErrNotFound):
		return l, Client{}, ErrLoginOver
	case err != nil:
		return l, Client{}, fmt.Errorf("oidc: login: %w", err)
	// Whoever has the address and not the cookie began nothing: a link that was mailed.
	case cookie == "" || l.Browser != hash(cookie):
		return Login{}, Client{}, ErrOtherBrowser
	}
	l.cookie = cookie
	if len(l.Sealed) > 0 {
		if l.Redirect, err = openFor(cookie, l.Sealed); err != nil {
			return l, Client{}, err
		}
	}
	c, err := p.c.Store.Client(ctx, l.Client)
	if err != nil {
		return l, c, fmt.Errorf("oidc: login: %w", err)
	}
	return l, c, nil
}

// begin checks an authorization request and binds it to a browser. redirect is set when
// the client is to be told an error at once.
func (p *Provider) begin(ctx context.Context, r request, cookie string) (l Login, redirect string, err error) {
	c, err := p.client(ctx, r.query.Get("client_id"))
	if errors.Is(err, ErrNotFound) {
		if p.waits(ctx, r.query.Get("client_id")) {
			return l, "", ErrClientWaiting
		}
		return l, "", ErrClientUnknown
	}
	if err != nil {
		return l, "", fmt.Errorf("oidc: begin: %w", err)
	}
	wishes := strings.Fields(r.query.Get("acr_values"))
	if code := p.cleanForm(r.query, c); code != "" {
		to := r.query.Get("redirect_uri")
		if !slices.Contains(c.RedirectURIs, to) {
			return l, "", ErrRequest.Because(errors.New("oidc: " + code))
		}
		return l, p.errorAt(to, r.query.Get("state"), code), nil
	}
	a, redirect, err := p.engines[c.Profile].begin(r.cleaned())
	if err != nil || redirect != "" {
		return l, redirect, err
	}
	if l, err = p.c.Store.Login(ctx, a.ID, p.c.Now()); err != nil {
		return l, "", fmt.Errorf("oidc: begin: %w", err)
	}
	risk, ok := p.riskOf(c, wishes)
	if r.query.Has("request_uri") {
		risk, ok = ceremony.Risk(l.Risk), true // as it was pushed
	}
	l.Browser, l.cookie, l.Scopes, l.Risk, l.Hint = hash(cookie), cookie, a.Scopes, string(risk), a.Hint
	if err := p.c.Store.PutLogin(ctx, l, p.c.Now()); err != nil {
		return l, "", fmt.Errorf("oidc: begin: %w", err)
	}
	switch {
	case !ok: // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
		l, err = p.refuse(ctx, l, "unmet_authentication_requirements", "this class takes the profile fapi2")
	case a.Prompt == "none": // there is no session here by which anybody could be logged in silently
		l, err = p.refuse(ctx, l, "login_required", "")
	}
	return l, l.Redirect, err
}

// errorAt is a client's address with an error for it.
func (p *Provider) errorAt(to, state, code string) string {
	v := url.Values{"error": {code}, "iss": {p.c.Issuer}}
	if state != "" {
		v.Set("state", state)
	}
	separator := "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	return to + separator + v.Encode()
}

// over says whether trying again is of use.
func over(err error) bool {
	p := problem.From(err)
	return p.Code == ErrLoginOver.Code || p.Code == ErrOtherBrowser.Code || p.Code == ErrRequest.Code || p.Code == ErrClientUnknown.Code || p.Code == ErrClientWaiting.Code
}
