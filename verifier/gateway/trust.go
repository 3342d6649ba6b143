package gateway

import (
	"context"
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

// checkParty validates the chain of an asking party and its status, as of at.
func (g *Gateway) checkParty(ctx context.Context, chain []*x509.Certificate, at time.Time) error {
	return g.checkOps(ctx, chain, pki.RoleParty, ErrPartyCertificate, at)
}

// checkTerminal does the same for the terminal that a request names. Its operations
// authority is one of ours: a terminal's certificate comes without those above it.
func (g *Gateway) checkTerminal(ctx context.Context, t ceremony.Terminal, at time.Time) error {
	leaf, err := t.Certificate()
	if err != nil {
		return ErrTerminalCertificate.Because(err)
	}
	return g.checkOps(ctx, []*x509.Certificate{leaf}, pki.RoleTerminal, ErrTerminalCertificate, at)
}

// checkOps validates the chain of somebody under the ops authority and its status; no is
// what to say of one that is not good.
func (g *Gateway) checkOps(ctx context.Context, chain []*x509.Certificate, role pki.Role, no *problem.Problem, at time.Time) error {
	path, err := certpath.Validate(chain[0], chain[1:], anchors(g.c.Anchors, pki.Ops), certpath.ForRole(g.c.Arc, role), at)
	if err != nil {
		return no.Because(err)
	}
	s, err := g.c.Status.Status(ctx, path[0], path[1], at)
	if err != nil {
		return ErrStatusUnavailable.Because(err)
	}
	switch s.State {
	case certpath.Good:
		return nil
	case certpath.Unknown:
		return ErrStatusUnknown
	}
	return no.Because(fmt.Errorf("gateway: a %s's certificate is %s, reason %d", role, s.State, s.Reason))
}

// Enter authenticates an asking party by its Authorization header, and remembers
// that it did.
func (g *Gateway) Enter(ctx context.Context, authorization string, at time.Time) (ceremony.Caller, error) {
	caller, err := g.door.Enter(ctx, authorization, at)
	return caller, callerProblem(err)
}

// Check is Enter for a step that remembers the entry in its own transaction.
func (g *Gateway) Check(ctx context.Context, authorization string, at time.Time) (ceremony.Caller, ceremony.Entry, error) {
	caller, entry, err := g.door.Check(ctx, authorization, at)
	return caller, entry, callerProblem(err)
}

// callerProblem tells a caller no more than that it is not believed.
func callerProblem(err error) error {
	if p, ok := errors.AsType[*problem.Problem](err); ok {
		return p
	}
	for _, known := range []error{jws.ErrMalformed, jws.ErrAlgorithm, jws.ErrSignature, ceremony.ErrNoAssertion, ceremony.ErrReplayed,
		ceremony.ErrAudience, ceremony.ErrExpired, ceremony.ErrNotYet, ceremony.ErrNotRegistered} {
		if errors.Is(err, known) {
			return ErrCaller.Because(err)
		}
	}
	return err
}

// kindOf tells which of the two kinds that may answer a certificate says it is,
// by its policy. Nothing is believed yet.
func (g *Gateway) kindOf(leaf *x509.Certificate) (pki.Kind, bool) {
	for _, k := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign} {
		if slices.ContainsFunc(leaf.PolicyIdentifiers, g.c.Arc.Policy(k).Equal) {
			return k, true
		}
	}
	return "", false
}

// wantedKind is the certificate that a risk class is answered with: one secret a
// request.
func wantedKind(r ceremony.Risk) pki.Kind {
	if r == ceremony.R3 {
		return pki.PhoneSign
	}
	return pki.PhoneAuth
}
