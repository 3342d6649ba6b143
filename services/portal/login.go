package portal

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/problem"
)

// loginTime is how long a person has for one login.
const loginTime = 5 * time.Minute

// How long a session lasts at most; the verifier may say less. An answer that
// crossed devices may have been relayed by a page in between, and opens the
// shorter one whatever the verifier says.
const (
	sessionTime = 60 * time.Minute
	crossTime   = 30 * time.Minute
)

// Begin asks the verifier for a login and binds it to a new browser token, which
// the caller sets as a cookie. Errors are problems: the verifier's own, or
// httpd.Unreachable.
func (p *Portal) Begin(ctx context.Context, channel ceremony.Channel) (token string, l Login, err error) {
	at := p.at()
	request, err := p.request(channel, at)
	if err != nil {
		return "", Login{}, fmt.Errorf("portal: begin a login: %w", err)
	}
	header, err := p.bearer(p.config.VerifierID, "")
	if err != nil {
		return "", Login{}, fmt.Errorf("portal: begin a login: %w", err)
	}
	var started ceremony.Started
	start := ceremony.Start{Request: request, ReturnURL: p.returnURL()}
	if err := httpd.PostJSON(ctx, p.client, p.config.Verifier+"/v1/requests", start, &started, header); err != nil {
		return "", Login{}, err
	}
	token = rand.Text()
	l = Login{Browser: hash(token), Channel: string(channel), ResultID: started.ResultID, RequestURI: started.RequestURI,
		Match: started.Match, BegunAt: at, ExpiresAt: time.Unix(started.ExpiresAt, 0).UTC()}
	if err := p.store.PutLogin(ctx, p.who(""), l); err != nil {
		return "", Login{}, fmt.Errorf("portal: begin a login: %w", err)
	}
	return token, l, nil
}

// returnURL is where the phone sends this browser back to; it is registered with
// the verifier.
func (p *Portal) returnURL() string { return p.config.Origin + "/login/return" }

// request signs what the phone will show.
func (p *Portal) request(channel ceremony.Channel, at time.Time) (string, error) {
	id := ceremony.NewID()
	r := ceremony.Request{
		Issuer: p.config.Party, Audience: p.config.VerifierID, ID: id, Nonce: ceremony.NewID(),
		IssuedAt: at.Unix(), Expires: at.Add(loginTime).Unix(),
		Purpose: p.config.Purpose, Kind: ceremony.Login, Risk: ceremony.R1,
		Claims: []string{ceremony.ClaimName}, Channel: channel,
		ResponseURI: p.config.Verifier + "/v1/requests/" + id + "/answer",
	}
	if channel == ceremony.Cross {
		r.Match = ceremony.DrawMatch()
	}
	return ceremony.SignRequest(p.config.Signer, p.config.Chain, r)
}

// Waiting returns the login that a browser began. ErrOtherBrowser when it began
// none, ErrLoginOver when its time is over.
func (p *Portal) Waiting(ctx context.Context, token string) (Login, error) {
	l, err := p.store.Login(ctx, hash(token))
	if errors.Is(err, ErrNotFound) || token == "" {
		return Login{}, ErrOtherBrowser
	}
	if err != nil {
		return Login{}, fmt.Errorf("portal: find a login: %w", err)
	}
	if l.Finished || p.at().After(l.ExpiresAt) {
		return l, ErrLoginOver
	}
	return l, nil
}

// State of a login that crosses devices, as the asking screen shows it.
type State string

// The states: nobody has opened it, a phone shows it, or it is done.
const (
	StateWaiting State = ceremony.StateWaiting
	StateOpened  State = ceremony.StateOpened
	StateDone    State = ceremony.StateDone
)

// Poll asks how a login on another device stands, and finishes it when the phone
// has approved: then session is the new cookie's value. A login on the same
// device never completes by polling.
func (p *Portal) Poll(ctx context.Context, token string) (state State, session string, err error) {
	l, err := p.Waiting(ctx, token)
	if err != nil {
		return "", "", err
	}
	result, err := p.result(ctx, l, "")
	if err != nil {
		return "", "", err
	}
	if l.Channel != string(ceremony.Cross) || result.State != ceremony.StateDone {
		return State(result.State), "", pollError(result)
	}
	session, err = p.finish(ctx, l, result)
	return StateDone, session, err
}

func pollError(r ceremony.Result) error {
	switch {
	case r.State == ceremony.StateExpired:
		return ErrLoginOver
	case r.State == ceremony.StateDone && r.Verdict != ceremony.Passed:
		return failure(r.Code)
	}
	return nil
}

// Return finishes a login in the browser that began it, with the one-time code
// that the phone brought back. It returns the value of the session cookie.
func (p *Portal) Return(ctx context.Context, token, responseCode string) (session string, err error) {
	l, err := p.Waiting(ctx, token)
	if err != nil {
		return "", err
	}
	if !ceremony.ValidID(responseCode) { // cut off, or made up
		return "", ErrOtherBrowser
	}
	result, err := p.result(ctx, l, responseCode)
	if err != nil {
		return "", err
	}
	if err := pollError(result); err != nil {
		return "", err
	}
	if result.State != ceremony.StateDone {
		return "", ErrOtherBrowser // a code that does not open this login's result
	}
	return p.finish(ctx, l, result)
}

func (p *Portal) result(ctx context.Context, l Login, responseCode string) (ceremony.Result, error) {
	header, err := p.bearer(p.config.VerifierID, responseCode)
	if err != nil {
		return ceremony.Result{}, fmt.Errorf("portal: ask for a result: %w", err)
	}
	var result ceremony.Result
	err = httpd.GetJSON(ctx, p.client, p.config.Verifier+"/v1/requests/"+l.ResultID, &result, header)
	return result, err
}

// finish opens the session. The account is made at the first login, which must
// bring the name; a later login may bring a newer one.
func (p *Portal) finish(ctx context.Context, l Login, r ceremony.Result) (string, error) {
	if r.Verdict != ceremony.Passed {
		return "", failure(r.Code)
	}
	at := p.at()
	account, err := p.store.Account(ctx, r.Sub)
	switch {
	case errors.Is(err, ErrNotFound):
		account = Account{Person: r.Sub, CreatedAt: at}
	case err != nil:
		return "", fmt.Errorf("portal: finish a login: %w", err)
	}
	if name := r.Claims[ceremony.ClaimName]; name != "" {
		account.Name, account.NameAsOf = name, at
	}
	if account.Name == "" {
		return "", ErrNoName
	}
	token := rand.Text()
	s := Session{Token: hash(token), Person: r.Sub, Channel: l.Channel, ACR: r.ACR, Begun: at, Ends: at.Add(sessionTime),
		Login: r.Session, Holder: r.Holder, Grants: lasting(r.Grants)}
	if l.Channel == string(ceremony.Cross) {
		s.Ends = at.Add(crossTime)
	}
	if until := time.Unix(r.SessionUntil, 0).UTC(); r.SessionUntil > 0 && until.Before(s.Ends) {
		s.Ends = until
	}
	first, err := p.store.Finish(ctx, p.who(r.Sub), l.Browser, account, s)
	if err != nil {
		return "", fmt.Errorf("portal: finish a login: %w", err)
	}
	if !first { // the same answer, brought twice
		return "", ErrLoginOver
	}
	p.takeSnapshot(ctx, r)
	return token, nil
}

// lasting are the grants that serve while a session lasts. The others open what is
// read once, at the login.
func lasting(grants map[string]string) map[string]string {
	kept := maps.Clone(grants)
	delete(kept, ceremony.ScopeCertificates)
	delete(kept, ceremony.ScopeUses)
	return kept
}

// SessionOf returns who is logged in with a cookie. ErrNotLoggedIn; ErrSessionHeld or
// ErrSessionRevoked when the certificate that opened the session is no longer good;
// ErrSessionUnchecked when the verifier cannot be asked whether it is.
func (p *Portal) SessionOf(ctx context.Context, token string) (Session, Account, error) {
	if token == "" {
		return Session{}, Account{}, ErrNotLoggedIn
	}
	s, a, err := p.store.Session(ctx, hash(token), p.at())
	if err == nil && s.Ended == "" && s.Login != "" && !p.hearing.fresh(p.at()) {
		// Nothing was heard for a minute, or the clock was moved on: ask now.
		if _, err := p.listen(ctx, true); err != nil {
			return Session{}, Account{}, ErrSessionUnchecked.Because(err)
		}
		s, a, err = p.store.Session(ctx, hash(token), p.at())
	}
	switch {
	case errors.Is(err, ErrNotFound):
		return Session{}, Account{}, ErrNotLoggedIn
	case err != nil:
		return Session{}, Account{}, problem.Internal.Because(err)
	case s.Ended == ceremony.CertificateHeld:
		return Session{}, Account{}, ErrSessionHeld
	case s.Ended != "":
		return Session{}, Account{}, ErrSessionRevoked
	}
	return s, a, nil
}

// Logout ends the session of a cookie, whatever has become of it: nobody is asked whether
// it is still good, and one that ended with its certificate shows nothing any more.
func (p *Portal) Logout(ctx context.Context, token string) error {
	if token == "" {
		return nil
	}
	s, _, err := p.store.Session(ctx, hash(token), p.at())
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err == nil {
		err = p.store.EndSession(ctx, p.who(s.Person), hash(token), p.at())
	}
	if err != nil {
		return fmt.Errorf("portal: log out: %w", err)
	}
	return nil
}
