package gateway

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// attempt is one answer on its way through the checks.
type attempt struct {
	request Request
	asked   ceremony.Request
	answer  *jws.Message[ceremony.Answer]
	claims  ceremony.Answer
	release *jws.Message[ceremony.Release] // nil when no attribute is granted
	signed  [][]byte                       // of kind sign: what the answer names in Results
	judged  []Signed                       // the same, once all were found good
	wrong   int                            // of signed, from 1: the one that was not
	kind    pki.Kind
	leaf    *x509.Certificate
	path    []*x509.Certificate
	expired error // certpath.ErrExpired or ErrNotYetValid
	status  certpath.Status
	person  string
	given   map[string]string
	bound   bound // what the holder's rules say about it
	at      time.Time
}

// Answer checks a phone's answer to request id and stores the verdict. source is
// where it came from, for the rate counter. A verdict other than passed is
// returned as Taken and as an error with its code; an answer that could not be
// judged, or that fails before its signature and path have been found good,
// changes nothing.
func (g *Gateway) Answer(ctx context.Context, id, phone, source string, body ceremony.Posted, at time.Time) (ceremony.Taken, error) {
	if !g.failed.Open(source) {
		return ceremony.Taken{}, ErrTooMany
	}
	if body.Decline != "" {
		return g.decline(ctx, id, phone, body, at)
	}
	a, err := g.authentic(ctx, id, phone, body, at)
	if errors.Is(err, errAgain) {
		return g.again(ctx, a.request, at)
	}
	if err != nil {
		if p, ok := errors.AsType[*problem.Problem](err); ok && p.Kind != problem.CouldNotCheck {
			g.failed.Count(source)
		}
		return ceremony.Taken{}, err
	}
	taken, err := g.settle(ctx, a)
	if errors.Is(err, ErrRequestUsed) { // the same bytes, at the same moment
		r, reread := g.request(ctx, id)
		if hash := a.answer.Hash(); reread == nil && (sentBefore(r, hash, phone, at) || carriedBefore(r, hash, body.Answer, phone, at)) {
			return g.again(ctx, r, at)
		}
	}
	return taken, err
}

// settle judges an answer and stores the verdict. When the holder's rules change
// between the two, it is judged anew by those that hold now.
func (g *Gateway) settle(ctx context.Context, a *attempt) (ceremony.Taken, error) {
	id := a.request.ID
	verdict := g.judge(ctx, a)
	if p, ok := errors.AsType[*problem.Problem](verdict); verdict != nil && (!ok || p.Kind != problem.Refused) {
		code := "internal"
		if ok {
			code = p.Code
		}
		if err := g.c.Store.NoteUndecided(ctx, id, code); err != nil {
			return ceremony.Taken{}, fmt.Errorf("gateway: answer %s: %w", id, err)
		}
		return ceremony.Taken{}, verdict
	}
	taken, err := g.finish(ctx, a, verdict)
	switch {
	case errors.Is(err, ErrLimitReached): // counted where the verdict is stored
		return g.finish(ctx, a, ErrDailyLimit)
	case errors.Is(err, ErrOpeningsReached):
		return g.finish(ctx, a, ErrManyOpenings)
	case errors.Is(err, ErrRulesChanged) && a.bound.tries < 3:
		a.bound.tries++
		return g.settle(ctx, a)
	}
	return taken, err
}

// authentic goes through the checks that must not change anything: malformed,
// unsupported certificate, wrong audience or request hash, expired request, nonce
// unknown or used (read), signature mismatch, path invalid. errAgain, with the
// request, says that this very answer was judged before.
func (g *Gateway) authentic(ctx context.Context, id, phone string, body ceremony.Posted, at time.Time) (*attempt, error) {
	// 1. malformed
	compact, err := ceremony.Open(body.Answer, g.c.Decrypt.Key, g.c.Decrypt.Chain[0])
	if err != nil {
		return nil, ErrAnswerMalformed.Because(err)
	}
	m, err := ceremony.ParseAnswer(compact)
	if errors.Is(err, jws.ErrAlgorithm) {
		return nil, ErrCertificateKind.Because(err)
	}
	if err != nil {
		return nil, ErrAnswerMalformed.Because(err)
	}
	a := &attempt{answer: m, leaf: m.Chain()[0], at: at}
	if a.release, err = releaseIn(m.Unverified()); err != nil {
		return nil, ErrAnswerMalformed.Because(err)
	}
	if a.signed, err = g.signedIn(m.Unverified(), body.Signed); err != nil {
		return nil, ErrAnswerMalformed.Because(err)
	}
	// 2. unsupported certificate
	var ok bool
	if a.kind, ok = g.kindOf(a.leaf); !ok {
		return nil, ErrCertificateKind
	}
	// 3. wrong audience or request hash
	if a.request, err = g.request(ctx, id); err != nil {
		return nil, err
	}
	if err := g.answers(a); err != nil {
		return nil, err
	}
	if sentBefore(a.request, m.Hash(), phone, at) || carriedBefore(a.request, m.Hash(), body.Answer, phone, at) {
		return a, errAgain
	}
	// 4. expired request
	if !at.Before(a.request.ExpiresAt) {
		return nil, ErrRequestExpired
	}
	if issued := time.Unix(m.Unverified().IssuedAt, 0); issued.After(at.Add(ceremony.Skew)) || issued.Before(a.request.IssuedAt.Add(-ceremony.Skew)) {
		return nil, ErrClock
	}
	// 5. nonce unknown or used; read here, used up with the verdict
	if m.Unverified().Nonce != a.request.Nonce || a.request.State == Done {
		return nil, ErrRequestUsed
	}
	// 6. signature mismatch
	if a.claims, err = m.Verify(); err != nil {
		return nil, ErrSignature.Because(err)
	}
	if a.release != nil {
		if _, err := a.release.Verify(); err != nil {
			return nil, ErrSignature.Because(err)
		}
	}
	// 7. path invalid
	a.path, err = certpath.Validate(a.leaf, m.Chain()[1:], anchors(g.c.Anchors, a.kind), certpath.For(g.c.Arc, a.kind), at)
	if errors.Is(err, certpath.ErrExpired) || errors.Is(err, certpath.ErrNotYetValid) {
		a.expired, err = err, nil
	}
	if err != nil {
		return nil, ErrPath.Because(err)
	}
	return a, nil
}

// answers checks that the answer, and the release in it, belong to this request
// and this verifier.
func (g *Gateway) answers(a *attempt) error {
	q, err := ceremony.KeptRequest(a.request.JWS)
	if err != nil {
		return fmt.Errorf("gateway: stored request %s: %w", a.request.ID, err)
	}
	a.asked = q.Unverified()
	unverified := a.answer.Unverified()
	err = unverified.Answers(q)
	if errors.Is(err, ceremony.ErrAudience) || unverified.Audience != g.c.ID {
		return ErrWrongRequest
	}
	if err != nil {
		return ErrAnswerMalformed.Because(err)
	}
	wanted := 0
	if unverified.Decision == ceremony.Approve {
		wanted = len(a.asked.ToSign())
	}
	if len(a.signed) != wanted {
		return ErrAnswerMalformed.Because(errors.New("gateway: an approval of kind sign signs each document, and nothing else signs any"))
	}
	if a.release == nil {
		return nil
	}
	r := a.release.Unverified()
	if r.Verifier != g.c.ID || r.Request != q.Hash() || !a.release.Chain()[0].Equal(a.leaf) {
		return ErrWrongRequest
	}
	if !sameClaims(r.Claims, attributesIn(unverified.Granted)) {
		return ErrAnswerMalformed
	}
	return nil
}

// releaseIn parses the release inside an answer. Attributes need one, and nothing
// else does.
func releaseIn(a ceremony.Answer) (*jws.Message[ceremony.Release], error) {
	if (a.Release != "") != (len(attributesIn(a.Granted)) > 0) {
		return nil, errors.New("gateway: a release goes with granted attributes")
	}
	if a.Release == "" {
		return nil, nil
	}
	return ceremony.ParseRelease(a.Release)
}

func attributesIn(claims []string) []string {
	var out []string
	for _, c := range claims {
		if slices.Contains(ceremony.AttributeClaims(), c) {
			out = append(out, c)
		}
	}
	return out
}

func sameClaims(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(c string) bool { return !slices.Contains(b, c) })
}

// judge goes through the checks whose outcome is a verdict: certificate expired,
// revoked or on hold, status unknown (fail closed), the holder's own refusal, the
// holder's own rules, risk class not met, match number wrong, and the person behind it
// all. The daily limit is counted last, where the verdict is stored. nil is passed;
// a problem of kind refused is a verdict; anything else decided nothing.
func (g *Gateway) judge(ctx context.Context, a *attempt) error {
	// 8. certificate expired
	if a.expired != nil {
		return ErrExpired.Because(a.expired)
	}
	// 9. revoked or on hold; 10. status unknown
	var err error
	a.status, err = g.c.Status.Status(ctx, a.path[0], a.path[1], a.at)
	if err != nil {
		return ErrStatusUnavailable.Because(err)
	}
	switch a.status.State {
	case certpath.Revoked:
		g.knowPerson(ctx, a)
		if a.kind == pki.PhoneSign && a.status.Reason == affiliationChanged {
			return ErrDataChanged
		}
		return ErrRevoked.With("reason", a.status.Reason)
	case certpath.Held:
		g.knowPerson(ctx, a)
		return ErrHeld
	case certpath.Good:
	default:
		return ErrStatusUnknown
	}
	linked := g.knowPerson(ctx, a)
	if a.claims.Decision == ceremony.Refuse {
		return ErrHolderRefused
	}
	// 11. locked, or at quiet hours; an unknown person's rules are asked for below
	if linked == nil {
		if err := g.rulesAllow(ctx, a); err != nil {
			return err
		}
	}
	// 12. risk class not met, the one that the holder raised it to included
	if err := a.riskMet(); err != nil {
		return err
	}
	// 13. match number wrong
	if a.claims.Match != a.request.Match {
		return ErrMatch
	}
	if linked != nil {
		return linked
	}
	// A party may have ended since it asked: nothing is given to it any more.
	for _, id := range []string{a.request.Party, a.asked.OnBehalfOf} {
		if _, err := g.party(ctx, id); id != "" && err != nil {
			return err
		}
	}
	if err := g.judgeSigned(ctx, a); err != nil {
		return err
	}
	return g.fetchAttributes(ctx, a)
}

// affiliationChanged is the reason of a certificate whose data do not hold any more, while
// nobody suspects its key (RFC 5280, section 5.3.1).
const affiliationChanged = 3

// coolingOff is how long a new pair may not be used for R3.
const coolingOff = 24 * time.Hour

// riskMet compares certificate, unlocking and age of the pair with the risk class.
func (a *attempt) riskMet() error {
	if err := a.raisedMet(); err != nil {
		return err
	}
	if a.kind == pki.PhoneSign && a.bound.demand == ceremony.DemandPassword && a.asked.Risk != ceremony.R3 {
		return nil // raised by the holder: the cooling-off is of R3 itself
	}
	if a.kind != wantedKind(a.asked.Risk) {
		return ErrRisk.With("needs", string(wantedKind(a.asked.Risk)))
	}
	amr := a.claims.AMR
	if a.asked.Risk != ceremony.R3 {
		if !slices.Contains(amr, "pin") && !slices.Contains(amr, "user") {
			return ErrRisk.With("needs", "pin")
		}
		return nil
	}
	if !slices.Contains(amr, "pwd") { // never biometrics alone
		return ErrRisk.With("needs", "pwd")
	}
	// The feed carries the moment the pair became good. Without it: a pair is
	// registered within 24 hours after its issue or revoked, so that 48 hours after
	// notBefore the cooling-off has surely passed.
	end := a.status.GoodSince.Add(coolingOff)
	if a.status.GoodSince.IsZero() {
		end = a.leaf.NotBefore.Add(2 * coolingOff)
	}
	if a.at.Before(end) {
		return ErrCoolingOff.With("until", end.Unix())
	}
	return nil
}

// decline ends a request on the word of the phone that fetched it. It says
// nothing about a person, and goes into nobody's history.
func (g *Gateway) decline(ctx context.Context, id, phone string, body ceremony.Posted, at time.Time) (ceremony.Taken, error) {
	if body.Answer != "" || !ceremony.ValidReason(body.Decline) {
		return ceremony.Taken{}, ErrAnswerMalformed
	}
	r, err := g.request(ctx, id)
	if err != nil {
		return ceremony.Taken{}, err
	}
	switch {
	case !ceremony.ValidID(phone):
		return ceremony.Taken{}, ErrPhoneHeader
	case sentBefore(r, "", phone, at):
		return g.again(ctx, r, at)
	case !at.Before(r.ExpiresAt):
		return ceremony.Taken{}, ErrRequestExpired
	case r.State == Done:
		return ceremony.Taken{}, ErrRequestUsed
	case r.State != Opened || r.Phone != sha256.Sum256([]byte(phone)):
		return ceremony.Taken{}, ErrTaken
	}
	q, err := ceremony.KeptRequest(r.JWS)
	if err != nil {
		return ceremony.Taken{}, fmt.Errorf("gateway: stored request %s: %w", id, err)
	}
	a := &attempt{request: r, asked: q.Unverified(), at: at, claims: ceremony.Answer{Decision: ceremony.Refuse, Reason: body.Decline}}
	return g.finish(ctx, a, ErrHolderRefused)
}
