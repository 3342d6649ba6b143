package certpath

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Kept answers from OCSP answers that somebody kept: each an OCSPResponse or a
// BasicOCSPResponse, as signatures carry them. A kept answer proves what was true at
// its thisUpdate, long after that too, so that nothing here is too old: how late an
// answer must be is NotBefore.
type Kept struct {
	Answers [][]byte
	// NotBefore is the earliest thisUpdate that counts.
	NotBefore time.Time
}

// Status returns the latest answer about cert whose thisUpdate is neither before
// NotBefore nor after at. Its responder must have been the issuer's when the answer
// was produced; whether it is still one is not asked (id-pkix-ocsp-nocheck). Every
// error wraps ErrNoStatus.
func (k Kept) Status(_ context.Context, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	var best Status
	reason := errors.New("none about this certificate")
	for _, der := range k.Answers {
		s, err := kept(der, cert, issuer, at)
		if err == nil && s.ThisUpdate.Before(k.NotBefore) {
			err = errors.New("the answer is from before the moment in question")
		}
		if err != nil {
			reason = err
			continue
		}
		if best.State == "" || s.ThisUpdate.After(best.ThisUpdate) {
			best = s
		}
	}
	if best.State == "" {
		return Status{}, fmt.Errorf("%w: kept ocsp: %w", ErrNoStatus, reason)
	}
	return best, nil
}

func kept(der []byte, cert, issuer *x509.Certificate, at time.Time) (Status, error) {
	basic, err := BasicOCSP(der)
	if err != nil {
		return Status{}, err
	}
	r, err := parseBasic(basic)
	if err != nil {
		return Status{}, err
	}
	found, err := about(r, cert, issuer)
	if err != nil {
		return Status{}, err
	}
	// A responder is judged as of the moment in which it spoke.
	if err := (OCSP{}).authorized(r, issuer, r.producedAt); err != nil {
		return Status{}, err
	}
	switch {
	case found.thisUpdate.After(at.Add(clockSkew)) || r.producedAt.After(at.Add(clockSkew)):
		return Status{}, errors.New("the answer is from the future")
	case r.producedAt.Before(found.thisUpdate.Add(-clockSkew)),
		!found.nextUpdate.IsZero() && r.producedAt.After(found.nextUpdate):
		return Status{}, errors.New("the answer was produced at an impossible time")
	}
	return Status{State: found.state, Reason: found.reason, Since: found.revokedAt, ThisUpdate: found.thisUpdate, Source: "ocsp"}, nil
}

// about finds the one answer about cert, by the hash that each CertID uses.
func about(r *basicResponse, cert, issuer *x509.Certificate) (*singleResponse, error) {
	var found *singleResponse
	for i := range r.answers {
		id := r.answers[i].id
		want, err := OCSP{SHA1: id.hash.Equal(oidSHA1)}.identify(cert, issuer)
		if err != nil {
			return nil, err
		}
		if !id.equal(want) {
			continue
		}
		if found != nil {
			return nil, errors.New("two answers about one certificate")
		}
		found = &r.answers[i]
	}
	if found == nil {
		return nil, errors.New("no answer about this certificate")
	}
	return found, nil
}

// BasicOCSP returns the BasicOCSPResponse in an OCSPResponse, which is what
// revocation-values carry; one that is basic already is returned as it is. It checks
// no more than the outer form.
func BasicOCSP(der []byte) ([]byte, error) {
	in := cryptobyte.String(der)
	var outer cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, errOCSP
	}
	if outer.PeekASN1Tag(cbasn1.SEQUENCE) {
		return der, nil
	}
	return unwrapOCSP(der)
}
