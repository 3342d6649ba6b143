package document

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
	"tegata/internal/tsp"
)

// opened is a token on the way to being believed.
type opened struct {
	TimeStamp
	token  *tsp.Token
	result *TimeStampResult
}

// proof checks the time-stamps of a signature and returns the earliest moment that
// one of them proves; zero when none does. A token that proves nothing does not make
// the signature fail: it is then judged as if it had none.
//
// A token counts as of now or, when its authority's certificate has ended since, as
// of the moment that a later token which covers it proves (EN 319 102-1, 5.6.2).
func (c Checker) proof(ctx context.Context, s Signature, at time.Time) ([]TimeStampResult, time.Time) {
	results := make([]TimeStampResult, len(s.TimeStamps))
	var tokens []opened
	for i, t := range s.TimeStamps {
		token, err := open(t, s.Certificates)
		if err != nil {
			results[i].Problem = err
			continue
		}
		results[i].Time = token.Time
		tokens = append(tokens, opened{t, token, &results[i]})
	}
	slices.SortStableFunc(tokens, func(a, b opened) int { return b.token.Time.Compare(a.token.Time) }) // latest first
	var proven time.Time
	for i, t := range tokens {
		moment := at
		for _, later := range tokens[:i] {
			if later.result.Problem == nil && later.Covers != nil && later.Covers(t.DER) && later.token.Proven().Before(moment) {
				moment = later.token.Proven()
			}
		}
		if p := c.believe(ctx, t, s, moment, at); p != nil {
			t.result.Problem = p
			continue
		}
		if proven.IsZero() || t.token.Proven().Before(proven) {
			proven = t.token.Proven()
		}
	}
	return results, proven
}

// open reads a token and checks what needs no trust anchor.
func open(t TimeStamp, candidates []*x509.Certificate) (*tsp.Token, *problem.Problem) {
	imprint := t.Imprint
	if imprint == nil {
		imprint = func(crypto.Hash) []byte { return nil }
	}
	token, err := tsp.Open(t.DER, imprint, candidates...)
	switch {
	case err == nil:
		return token, nil
	case errors.Is(err, tsp.ErrImprint):
		return nil, ErrStampImprint
	case errors.Is(err, tsp.ErrCertificate):
		return nil, ErrStampAuthority.Because(err)
	}
	return nil, ErrStampMalformed.Because(err)
}

// stampSkew is how far the clocks of a time-stamp authority and of who judges may differ.
const stampSkew = time.Minute

// believe checks the authority behind a token as of moment: its path, that it works
// under the operator's policy, and its status.
func (c Checker) believe(ctx context.Context, t opened, s Signature, moment, at time.Time) *problem.Problem {
	carried, err := t.token.Signed.ValidationData()
	if err != nil {
		return ErrStampMalformed.Because(err)
	}
	// Nothing is proven by what is from after the moment of judgement: evidence tells that
	// moment itself.
	if t.token.Time.After(at.Add(stampSkew)) {
		return ErrStampMalformed.Because(errors.New("document: a time-stamp from after the moment of judgement"))
	}
	if !t.token.Policy.Equal(c.Arc.TimeStampPolicy()) {
		return ErrStampAuthority.Because(tsp.ErrPolicy)
	}
	path, err := certpath.Validate(t.token.Signed.Certificate, slices.Concat(t.token.Signed.Certificates, carried.Certificates, s.Certificates),
		c.anchors(pki.Ops), certpath.ForRole(c.Arc, pki.RoleTSA), moment)
	if errors.Is(err, certpath.ErrExpired) {
		return ErrStampExpired
	}
	if err != nil {
		return ErrStampAuthority.Because(err)
	}
	if leaf := path[0]; t.token.Time.Before(leaf.NotBefore) || t.token.Time.After(leaf.NotAfter) {
		return ErrStampAuthority.Because(errors.New("document: stamped outside of the authority's time"))
	}
	t.result.Path = path
	q := question{path: path, carried: slices.Concat(carried.OCSP, s.OCSP)}
	if moment.Before(at) {
		q.before = moment
	}
	status, err := c.status(ctx, q, at)
	if err != nil {
		return ErrStampStatus.Because(err)
	}
	t.result.Status = status
	switch status.State {
	case certpath.Good:
		return nil
	case certpath.Revoked:
		if !status.Since.Before(moment) || endedInPeace(status.Reason) && !status.Since.Before(t.token.Proven()) {
			return nil
		}
		return ErrStampRevoked.With("reason", reasonName(status.Reason))
	}
	return ErrStampStatus
}

// endedInPeace: RFC 3161, section 4: tokens of an authority that ended for one of these
// reasons remain good when they are from before; with any other reason, or none, all
// of its tokens are void.
func endedInPeace(reason int) bool {
	const affiliationChanged, superseded, cessationOfOperation = 3, 4, 5
	return reason == affiliationChanged || reason == superseded || reason == cessationOfOperation
}
