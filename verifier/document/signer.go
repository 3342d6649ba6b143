package document

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
)

// freshFor is how old a kept answer may be that is taken for the status at a moment:
// what an OCSP answer of ours lasts.
const freshFor = 10 * time.Minute

// forAuthentication says whether a certificate calls itself one for logins. Nothing is
// believed yet; a stranger's certificate calls itself nothing of ours.
func (c Checker) forAuthentication(leaf *x509.Certificate) bool {
	for _, k := range pki.Kinds() {
		if !k.Signature() && slices.ContainsFunc(leaf.PolicyIdentifiers, c.Arc.Policy(k).Equal) {
			return true
		}
	}
	return false
}

// anchors are the roots of a kind.
func (c Checker) anchors(k pki.Kind) (roots []*x509.Certificate) {
	for _, a := range c.Anchors {
		if a.Kind == k {
			roots = append(roots, a.Certificate)
		}
	}
	return roots
}

// signerPath validates the signer's certificate as of a moment, as one of a signature
// authority's. The path comes with certpath.ErrExpired or ErrNotYetValid when only its
// time is wrong, and is nil with any other error.
func (c Checker) signerPath(s Signature, moment time.Time) ([]*x509.Certificate, pki.Kind, error) {
	reason := error(certpath.ErrNoPath)
	for _, k := range []pki.Kind{pki.PhoneSign, pki.CardSign} {
		path, err := certpath.Validate(s.Certificate, s.Certificates, c.anchors(k), certpath.For(c.Arc, k), moment)
		if path != nil {
			return path, k, err
		}
		if !errors.Is(err, certpath.ErrNoPath) {
			reason = err
		}
	}
	return nil, "", ErrPath.Because(reason)
}

// inTime turns what certpath said about the certificate's time into a verdict: expired
// by the signer's own words, or perhaps signed in time with nothing to prove it.
func (r Result) inTime(err error) error {
	switch leaf := r.Path[0]; {
	case errors.Is(err, certpath.ErrNotYetValid):
		return ErrNotYetValid
	case !errors.Is(err, certpath.ErrExpired):
		return nil
	case !r.Claimed.IsZero() && r.Claimed.After(leaf.NotAfter):
		return ErrExpired
	default:
		return ErrOutOfBounds
	}
}

// question is what has to be known of a certificate's status.
type question struct {
	path    []*x509.Certificate
	carried [][]byte // answers that came along in the document
	// proven: a carried answer of this moment or later says enough, since it knows of
	// every revocation before. Zero: none does, however fresh: whoever signs with a
	// stolen key would put one from before the theft into the document.
	proven time.Time
	// before: where nobody knows any more, carried answers from shortly before this
	// moment count, which a later time-stamp proves. Zero: they do not.
	before time.Time
}

// status learns a certificate's status. An error is ErrStatusUnavailable.
func (c Checker) status(ctx context.Context, q question, at time.Time) (certpath.Status, error) {
	ask := func(source certpath.StatusSource) (certpath.Status, error) {
		return source.Status(ctx, q.path[0], q.path[1], at)
	}
	if !q.proven.IsZero() {
		if s, err := ask(certpath.Kept{Answers: q.carried, NotBefore: q.proven}); err == nil && s.State != certpath.Unknown {
			return s, nil
		}
	}
	sources := []certpath.StatusSource{certpath.Kept{Answers: c.Kept, NotBefore: at.Add(-freshFor)}}
	if c.Status != nil {
		sources = append([]certpath.StatusSource{c.Status}, sources...)
	}
	if !q.before.IsZero() {
		sources = append(sources, certpath.Kept{Answers: q.carried, NotBefore: q.before.Add(-freshFor)})
	}
	var last certpath.Status
	var reason error
	for _, source := range sources {
		s, err := ask(source)
		if err == nil && s.State != certpath.Unknown {
			return s, nil
		}
		if err == nil {
			last = s
		} else {
			reason = errors.Join(reason, err)
		}
	}
	if last.State != "" { // somebody answered, and does not know it
		return last, nil
	}
	return certpath.Status{}, ErrStatusUnavailable.Because(reason)
}

// once asks a source once about each certificate, so that all signatures of one check
// rest on the same answers.
type once struct {
	certpath.StatusSource
	known map[string]answered
}

type answered struct {
	certpath.Status
	err error
}

// Status implements certpath.StatusSource. It is for one check, one after the other.
func (o once) Status(ctx context.Context, cert, issuer *x509.Certificate, at time.Time) (certpath.Status, error) {
	a, ok := o.known[string(cert.Raw)]
	if !ok {
		a.Status, a.err = o.StatusSource.Status(ctx, cert, issuer, at)
		o.known[string(cert.Raw)] = a
	}
	return a.Status, a.err
}

// asking returns a checker that asks its source once about each certificate.
func (c Checker) asking() Checker {
	if _, is := c.Status.(once); c.Status != nil && !is {
		c.Status = once{c.Status, map[string]answered{}}
	}
	return c
}

// standing turns the status of the signer's certificate into a verdict. What happened
// to the certificate after the proven moment does not concern a signature that was
// there before (ETSI EN 319 102-1, 5.5.4).
func (r Result) standing(err error) error {
	if err != nil {
		return err
	}
	before := !r.Proven.IsZero() && !r.Status.Since.Before(r.Proven)
	switch r.Status.State {
	case certpath.Good:
		return nil
	case certpath.Revoked:
		if before {
			return nil
		}
		revoked := ErrRevokedNoPOE
		if !r.Claimed.IsZero() && !r.Claimed.Before(r.Status.Since) {
			revoked = ErrRevoked // the signer's own words say so
		}
		return revoked.With("reason", reasonName(r.Status.Reason)).With("revoked_at", r.Status.Since)
	case certpath.Held:
		if before {
			return nil
		}
		return ErrHeld.With("held_since", r.Status.Since)
	}
	return ErrStatusUnknown
}

// reasonName is a CRLReason as RFC 5280, 5.3.1 spells it.
func reasonName(reason int) string {
	names := []string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}
	if reason < 0 || reason >= len(names) || names[reason] == "" {
		return "unspecified"
	}
	return names[reason]
}
