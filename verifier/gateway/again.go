package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/problem"
)

// errAgain: the same answer by the same phone; its verdict is told once more.
var errAgain = errors.New("gateway: answered before, by the same phone and in the same words")

// sentBefore tells whether the phone that fetched the request sends the very
// answer that was judged: the line broke before the verdict reached it. The
// phone's header is known to it and to us alone, so that a copy of the answer in
// other hands is a replay. answer is empty when the phone declined.
func sentBefore(r Request, answer, phone string, at time.Time) bool {
	return judgedAs(r, answer, at) && r.Phone == sha256.Sum256([]byte(phone))
}

// carriedBefore is sentBefore for who carries a phone's answer, sealed, and knows nothing of
// the phone but ceremony.Bearer's value for it.
func carriedBefore(r Request, answer, sealed, bearer string, at time.Time) bool {
	return judgedAs(r, answer, at) && hmac.Equal([]byte(bearer), []byte(ceremony.Bearer(r.Phone, sealed)))
}

// judgedAs tells whether a request that a phone fetched was judged by this answer, and that
// may still be told.
func judgedAs(r Request, answer string, at time.Time) bool {
	return r.State == Done && r.Outcome.Answer == answer && at.Before(r.Outcome.EraseAt) && r.Phone != ([32]byte{})
}

// again tells a stored verdict once more and changes nothing of it. A response
// code that nobody used is replaced by a new one; a used one stays used.
func (g *Gateway) again(ctx context.Context, r Request, at time.Time) (ceremony.Taken, error) {
	taken := ceremony.Taken{Verdict: r.Outcome.Verdict}
	if r.Channel == ceremony.Same {
		code := ceremony.NewID()
		err := g.c.Store.RenewCode(ctx, r.ID, sha256.Sum256([]byte(code)), at.Add(codeLife))
		switch {
		case err == nil:
			taken.Redirect = r.ReturnURL + "?response_code=" + code
		case !errors.Is(err, ErrUsed):
			return ceremony.Taken{}, fmt.Errorf("gateway: answer %s: %w", r.ID, err)
		}
	}
	if r.Outcome.Verdict == ceremony.Passed || r.Outcome.Code == ErrHolderRefused.Code {
		return taken, nil
	}
	for _, p := range judged() {
		if p.Code == r.Outcome.Code {
			return taken, p
		}
	}
	return taken, ErrRequestUsed
}

// judged are the verdicts with words of their own that a request can end with.
func judged() []*problem.Problem {
	return []*problem.Problem{ErrExpired, ErrRevoked, ErrDataChanged, ErrHeld, ErrRisk, ErrCoolingOff, ErrMatch, ErrAttributes,
		ErrLocked, ErrQuiet, ErrQuietPIN, ErrRaised, ErrDailyLimit, ErrManyOpenings, ErrSignedOther, ErrSignedWrong}
}

// Failure is the problem behind Result.Code, in words for the person: ErrRequestUsed when
// there are none.
func Failure(code string) *problem.Problem {
	for _, p := range append(judged(), ErrHolderRules, ErrNotNow, ErrHolderRefused) {
		if p.Code == code {
			return p
		}
	}
	return ErrRequestUsed
}
