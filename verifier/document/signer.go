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

// freshFor is how old a status may be that is taken for the status now: what an OCSP
// answer of ours lasts.
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

// statusFrom is the moment from which on a status says something about this
// signature. A status of a later moment than the proven one counts whenever it was
// made: it knows of every revocation before. The status now always counts.
func (r Result) statusFrom(at time.Time) time.Time {
	now := at.Add(-freshFor)
	if !r.Proven.IsZero() && r.Proven.Before(now) {
		return r.Proven
	}
	return now
}

// status learns a certificate's status as of from or later: from what was kept, or by
// asking. An error is ErrStatusUnavailable.
func (c Checker) status(ctx context.Context, path []*x509.Certificate, carried [][]byte, from, at time.Time) (certpath.Status, error) {
	kept := certpath.Kept{Answers: slices.Concat(carried, c.Kept), NotBefore: from}
	s, err := kept.Status(ctx, path[0], path[1], at)
	if err == nil && s.State != certpath.Unknown {
		return s, nil
	}
	if c.Status != nil {
		s, err = c.Status.Status(ctx, path[0], path[1], at)
	}
	if err != nil {
		return certpath.Status{}, ErrStatusUnavailable.Because(err)
	}
	return s, nil
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
