package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"time"

	"tegata/internal/certpath"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/problem"
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

// partyPath checks that a chain is a registered party's and that it is good, by OCSP.
func (at site) partyPath(ctx context.Context, chain []*x509.Certificate, when time.Time) error {
	path, err := certpath.Validate(chain[0], chain[1:], opsAuthorities(at.anchors), certpath.ForRole(at.arc, pki.RoleParty), when)
	if err != nil {
		return err
	}
	s, err := certpath.OCSP{Client: httpd.Client(5 * time.Second)}.Status(ctx, path[0], path[1], when)
	if err != nil {
		return errPartyStatus.Because(err)
	}
	if s.State != certpath.Good {
		return fmt.Errorf("the party's certificate is %s", s.State)
	}
	return nil
}

// errPartyStatus is a caller whose certificate's status is not known: nothing is decided.
var errPartyStatus = problem.NewCouldNotCheck("party-status",
	"呼び出し元の証明書の状態を確かめられませんでした。", "まだ何も変わっていません。しばらくしてからもう一度送ってください。",
	"Whether the caller's certificate is still good could not be checked.", "Nothing was changed. Send it again in a while.")

// opsAuthorities are the roots under which parties and the issuer's feed signer stand.
func opsAuthorities(anchors []gateway.Anchor) (list []*x509.Certificate) {
	for _, a := range anchors {
		if a.Kind == pki.Ops {
			list = append(list, a.Certificate)
		}
	}
	return list
}
