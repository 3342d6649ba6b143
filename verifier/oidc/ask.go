package oidc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/internal/ceremony"
)

// askLife is how long a person has for one request to the phone.
const askLife = 5 * time.Minute

// maxAsks is how often the phone may be asked in one login.
const maxAsks = 5

// askOrStay asks the phone, unless it is asked already by the same way and may still
// answer: who presses again, or has the page open twice, does not lose an approval that is
// on its way. ErrTooManyAsks.
func (p *Provider) askOrStay(ctx context.Context, l Login, c Client, channel ceremony.Channel) error {
	stands, err := p.stands(ctx, l, channel)
	if err != nil || stands {
		return err
	}
	if err := p.c.Store.CountAsk(ctx, l.ID, maxAsks); errors.Is(err, ErrUsed) {
		return ErrTooManyAsks
	} else if err != nil {
		return fmt.Errorf("oidc: ask: %w", err)
	}
	_, err = p.ask(ctx, l, c, channel)
	return err
}

// stands says whether the phone is asked by this way and may still answer.
func (p *Provider) stands(ctx context.Context, l Login, channel ceremony.Channel) (bool, error) {
	at := p.c.Now()
	if l.ResultID == "" || l.Channel != string(channel) || !at.Before(l.AskedUntil) {
		return false, nil
	}
	r, err := p.result(ctx, l, "", at)
	if err != nil {
		return false, err
	}
	switch r.State {
	case ceremony.StateWaiting:
		// A QR code is taken for a minute; one that nobody can scan any more does not stand.
		return channel != ceremony.Cross || at.Before(l.AskedUntil.Add(ceremony.MaxQR-askLife)), nil
	case ceremony.StateOpened, ceremony.StateDone:
		return true, nil
	}
	// Expired; or answered, and the browser that was to bring the code did not come: its
	// approval still counts, see comeBack.
	return false, nil
}

// ask puts a client's request to the gateway, for the phone to fetch.
func (p *Provider) ask(ctx context.Context, l Login, c Client, channel ceremony.Channel) (Login, error) {
	at := p.c.Now()
	about, purpose, err := p.purposeOf(ctx, l, c, at)
	if err != nil {
		return l, err
	}
	id := ceremony.NewID()
	q := ceremony.Request{
		Issuer: p.c.Party, Audience: p.c.Verifier, OnBehalfOf: c.ID, ID: id, Nonce: ceremony.NewID(),
		IssuedAt: at.Unix(), Expires: at.Add(askLife).Unix(),
		Purpose: ceremony.Purpose{Code: purpose.Code, Sentence: purpose.Sentence},
		Kind:    ceremony.Login, Risk: ceremony.Risk(l.Risk), Claims: claimsOf(l.Scopes), Channel: channel,
		ResponseURI: p.c.Issuer + "/v1/requests/" + id + "/answer",
	}
	switch {
	case about != nil:
		q.Kind = ceremony.SignDoc
		p.place(&q, *about)
	case len(q.Claims) > 0:
		q.Kind = ceremony.Consent
	}
	if channel == ceremony.Cross {
		q.Match = ceremony.DrawMatch()
	}
	compact, err := ceremony.SignRequest(p.c.Signer, p.c.Chain, q)
	if err != nil {
		return l, fmt.Errorf("oidc: ask: %w", err)
	}
	caller, entry := p.caller("", at)
	started, err := p.start(ctx, l, about, caller, entry, ceremony.Start{Request: compact, ReturnURL: p.returnURL()}, at)
	if err != nil {
		return l, err
	}
	if l.Channel == string(ceremony.Same) {
		l.Earlier = append(l.Earlier, l.ResultID)
	}
	l.Channel, l.ResultID, l.RequestURI, l.Match = string(channel), started.ResultID, started.RequestURI, started.Match
	l.AskedUntil = time.Unix(started.ExpiresAt, 0).UTC()
	return l, p.c.Store.PutLogin(ctx, l, at)
}

// start hands a request to the gateway, with the documents when some are to be signed.
func (p *Provider) start(ctx context.Context, l Login, about *SignAbout, caller ceremony.Caller, entry ceremony.Entry, body ceremony.Start, at time.Time) (ceremony.Started, error) {
	if about == nil {
		return p.c.Gateway.Start(ctx, caller, entry, body, at)
	}
	content, err := p.c.Store.SignContent(ctx, l.Transaction, at)
	if errors.Is(err, ErrNotFound) {
		return ceremony.Started{}, ErrLoginOver
	}
	if err != nil {
		return ceremony.Started{}, fmt.Errorf("oidc: ask: %w", err)
	}
	signing := ceremony.SignStart{Start: body, Document: content}
	if len(about.Documents) > 0 {
		signing.Document = nil
		for _, d := range about.Documents {
			signing.Documents = append(signing.Documents, ceremony.Brought{Document: content[:d.Size]})
			content = content[d.Size:]
		}
	}
	return p.c.Gateway.StartSigning(ctx, caller, entry, signing, at)
}

// purposeOf is what a login is for: the client's purpose, or, with what is to be signed,
// that of the transaction. ErrLoginOver when the transaction is over.
func (p *Provider) purposeOf(ctx context.Context, l Login, c Client, at time.Time) (*SignAbout, ceremony.RegisteredPurpose, error) {
	if l.Transaction == "" {
		return nil, c.Purpose, nil
	}
	t, err := p.c.Store.SignTransaction(ctx, l.Transaction, at)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return nil, c.Purpose, fmt.Errorf("oidc: sign transaction: %w", err)
	}
	purpose, ok := c.signPurpose(t.About.Purpose) // it may have been registered anew meanwhile
	if err != nil || !ok {
		return nil, c.Purpose, ErrLoginOver
	}
	return &t.About, purpose, nil
}
