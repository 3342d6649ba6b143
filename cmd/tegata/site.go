package main

import (
	"context"
	"crypto/x509"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/verifier/gateway"
)

// places says where each role is reached: fixed by init in a sandbox, named by the
// configuration in production.
type places interface {
	// machine is a role's endpoint for programs, page its origin for browsers, both
	// without a path. names are the values of Host that it answers to.
	machine(role string) string
	page(role string) string
	names(role string) []string
}

// site is what a role is told of the world when it is opened. Nothing in it is
// another party's.
type site struct {
	places
	base    string // the folder of the rooms
	arc     pki.Arc
	sandbox bool
	now     func() time.Time
	sink    trace.Sink // nil in production
	openID  ui.Text    // the OpenID Provider's name; zero: there is none

	// certify is where a party gets its certificate under the ops authority: the
	// sandbox's operations desk, or in production what the operator put into the room.
	certify func(ctx context.Context, r *room, label string, party profile.Party) (identity, error)
	// anchors are the authorities' certificates as an operator would install them.
	anchors []gateway.Anchor
}

// verifierPath checks that a chain is the verifier's.
func (at site) verifierPath(chain []*x509.Certificate, when time.Time) error {
	if len(chain) == 0 {
		return certpath.ErrNoPath
	}
	_, err := certpath.Validate(chain[0], chain[1:], opsAuthorities(at.anchors), certpath.ForRole(at.arc, pki.RoleVerifier), when)
	return err
}

// opsAuthorities are the roots under which parties and the issuer's feed signer stand.
func opsAuthorities(anchors []gateway.Anchor) (list []*x509.Certificate) {
	for _, a := range anchors {
		if a.Kind == pki.Ops {
			list = append(list, a.Certificate)
		}
	}
	return list
}
