package gateway

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/jws"
	"tegata/internal/trace"
)

// Start takes a request from its asking party and puts it where the phone can
// fetch it. The caller's entry is remembered with it; a request that is refused
// uses nothing up.
func (g *Gateway) Start(ctx context.Context, caller ceremony.Caller, entry ceremony.Entry, body ceremony.Start, at time.Time) (ceremony.Started, error) {
	n, err := g.admit(ctx, caller, body, at)
	if err != nil {
		return ceremony.Started{}, err
	}
	if n.asked.Kind == ceremony.SignDoc {
		return ceremony.Started{}, ErrDocumentMissing
	}
	return g.put(ctx, entry, n, nil, at)
}

// admitted is a request that was found good.
type admitted struct {
	message   *jws.Message[ceremony.Request]
	asked     ceremony.Request
	party     Party
	returnURL string
}

// admit checks a request against who sends it, who signed it and what is registered.
func (g *Gateway) admit(ctx context.Context, caller ceremony.Caller, body ceremony.Start, at time.Time) (n admitted, err error) {
	m, err := ceremony.ParseRequest(body.Request)
	if err != nil {
		return n, requestProblem(err)
	}
	q := m.Unverified()
	p, err := g.c.Store.Party(ctx, q.Issuer)
	if errors.Is(err, ErrNotFound) || err == nil && p.Ended {
		return n, ErrPartyUnregistered
	}
	if err != nil {
		return n, err
	}
	if caller.Party != q.Issuer {
		return n, ErrNotAsRegistered
	}
	on, err := g.askedFor(ctx, q, at)
	if err != nil {
		return n, err
	}
	where := ""
	if q.Terminal != nil {
		where = q.Terminal.ID
	}
	if err := g.registrationAt(p, where, at).Allows(m, on); err != nil {
		return n, requestProblem(err)
	}
	if err := q.Fresh(at); err != nil {
		return n, requestProblem(err)
	}
	if q.ResponseURI != g.answerURL(q.ID) || !q.DocumentsAt(g.c.Origin) {
		return n, ErrAddress
	}
	if _, err := m.Verify(); err != nil {
		return n, ErrNotAsRegistered.Because(err)
	}
	if err := g.checkParty(ctx, m.Chain(), at); err != nil {
		return n, err
	}
	if q.Terminal != nil {
		if err := g.checkTerminal(ctx, *q.Terminal, at); err != nil {
			return n, err
		}
	}
	if err := g.supported(q); err != nil {
		return n, err
	}
	n = admitted{message: m, asked: q, party: p}
	if q.Channel == ceremony.Same {
		n.returnURL, err = returnURL(p, body.ReturnURL)
	}
	return n, err
}

// put keeps an admitted request, with its documents when it is of kind sign.
func (g *Gateway) put(ctx context.Context, entry ceremony.Entry, n admitted, documents [][]byte, at time.Time) (ceremony.Started, error) {
	q := n.asked
	r := Request{
		ID: q.ID, ResultID: ceremony.NewID(), Party: n.party.ID, Nonce: q.Nonce, JWS: n.message.Raw(), Channel: q.Channel, ReturnURL: n.returnURL,
		IssuedAt: time.Unix(q.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(q.Expires, 0).UTC(), State: Waiting, Documents: documents,
	}
	if len(q.Match) > 0 {
		r.Match = q.Match[draw(len(q.Match))]
	}
	if err := g.c.Store.PutRequest(ctx, entry, r); errors.Is(err, ErrUsed) {
		return ceremony.Started{}, ErrReplayedRequest
	} else if errors.Is(err, ErrReplayed) {
		return ceremony.Started{}, callerProblem(replayed(err))
	} else if err != nil {
		return ceremony.Started{}, fmt.Errorf("gateway: start %s: %w", q.ID, err)
	}
	g.c.Trace.Note(ctx, trace.Event{
		At: at, From: n.party.ID, To: g.c.ID, Kind: "request",
		TitleJA: "依頼を預かりました", TitleEN: "A request was taken in",
		Detail: map[string]string{"request": r.ID, "purpose": q.Purpose.Sentence.JA, "risk": string(q.Risk), "channel": string(q.Channel), "signature": "ES256, " + n.party.ID},
	})
	return ceremony.Started{RequestURI: g.c.Origin + "/r/" + r.ID, ResultID: r.ResultID, Match: r.Match, ExpiresAt: r.ExpiresAt.Unix()}, nil
}

// askedFor is the registration of the party that a request names in on_behalf_of; nil
// when it names none.
func (g *Gateway) askedFor(ctx context.Context, q ceremony.Request, at time.Time) (*ceremony.Registration, error) {
	if q.OnBehalfOf == "" {
		return nil, nil
	}
	p, err := g.party(ctx, q.OnBehalfOf)
	if errors.Is(err, ErrNoParty) {
		return nil, ErrPartyUnregistered
	}
	if err != nil {
		return nil, err
	}
	on := g.registration(p, at)
	return &on, nil
}

// answerURL is the only response_uri that is accepted for a request.
func (g *Gateway) answerURL(id string) string { return g.c.Origin + "/v1/requests/" + id + "/answer" }

// supported refuses what this gateway cannot carry out yet, before a person is
// asked for it.
func (g *Gateway) supported(q ceremony.Request) error {
	switch q.Kind {
	case ceremony.Login, ceremony.Consent, ceremony.Eligibility, ceremony.Write, ceremony.SignDoc:
	default:
		return ErrKind
	}
	for _, c := range q.Claims {
		if !slices.Contains(ceremony.AttributeClaims(), c) || g.c.Issuer == "" {
			return ErrKind.With("claim", c)
		}
	}
	return nil
}

func returnURL(p Party, asked string) (string, error) {
	if asked == "" && len(p.ReturnURLs) > 0 {
		return p.ReturnURLs[0], nil
	}
	if !slices.Contains(p.ReturnURLs, asked) {
		return "", ErrReturnURL
	}
	return asked, nil
}

// draw returns a number from 0 to n-1, each equally likely.
func draw(n int) int64 {
	i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
	if err != nil { // crypto/rand does not fail
		panic(err)
	}
	return i.Int64()
}

// Fetch gives the request object to the first phone that asks for it, and again
// only to that phone, until it is answered. phone is the value of
// ceremony.PhoneHeader.
func (g *Gateway) Fetch(ctx context.Context, id, phone string, at time.Time) (string, error) {
	if !ceremony.ValidID(phone) {
		return "", ErrPhoneHeader
	}
	r, err := g.request(ctx, id)
	if err != nil {
		return "", err
	}
	switch {
	case r.State == Done:
		return "", ErrRequestUsed
	case !at.Before(r.ExpiresAt):
		return "", ErrRequestExpired
	case r.State == Waiting && r.Channel == ceremony.Cross && at.After(r.IssuedAt.Add(ceremony.MaxQR)):
		return "", ErrQRExpired
	}
	err = g.c.Store.Open(ctx, id, sha256.Sum256([]byte(phone)), at)
	if errors.Is(err, ErrUsed) {
		return "", ErrTaken
	}
	if err != nil {
		return "", fmt.Errorf("gateway: fetch %s: %w", id, err)
	}
	g.c.Trace.Note(ctx, trace.Event{
		At: at, From: "phone", To: g.c.ID, Kind: "request",
		TitleJA: "スマートフォンが依頼を受け取りました", TitleEN: "A phone fetched the request",
		Detail: map[string]string{"request": r.ID},
	})
	return r.JWS, nil
}

// request finds a request by the id that phones know.
func (g *Gateway) request(ctx context.Context, id string) (Request, error) {
	if !ceremony.ValidID(id) {
		return Request{}, ErrRequestUnknown
	}
	r, err := g.c.Store.Request(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return Request{}, ErrRequestUnknown
	}
	if err != nil {
		return Request{}, fmt.Errorf("gateway: request %s: %w", id, err)
	}
	return r, nil
}

// requestProblem turns what is wrong with a request into its code.
func requestProblem(err error) error {
	for _, known := range []struct {
		is      error
		problem error
	}{
		{ceremony.ErrChannel, ErrChannel.Because(err)},
		{ceremony.ErrRiskFloor, ErrRiskFloor.Because(err)},
		{ceremony.ErrTerminal, ErrTerminal.Because(err)},
		{ceremony.ErrNotRegistered, ErrNotAsRegistered.Because(err)},
		{ceremony.ErrAudience, ErrAudience.Because(err)},
		{ceremony.ErrOrigin, ErrAddress.Because(err)},
		{ceremony.ErrExpired, ErrRequestExpired.Because(err)},
		{ceremony.ErrNotYet, ErrRequestTime.Because(err)},
		{jws.ErrAlgorithm, ErrRequestMalformed.Because(err)},
		{ceremony.ErrSameDocument, ErrDocumentTwice.Because(err)},
		{ceremony.ErrMalformed, ErrRequestMalformed.Because(err)},
	} {
		if errors.Is(err, known.is) {
			return known.problem
		}
	}
	return err
}
