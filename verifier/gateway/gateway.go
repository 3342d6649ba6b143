// Package gateway is where an asking party's request goes out, a phone's answer
// comes in, and a verdict with a receipt comes of it.
//
// It owns the registered parties, the requests under way, the order in which an
// answer is checked, the verdicts, and each person's list of uses. The messages
// are package ceremony's, paths and status package certpath's. OpenID Connect on
// top of the same verdicts is package oidc's.
//
// It follows RFC 9101 for requests by reference, ETSI EN 319 102-1 for the words
// of a verdict, RFC 7523 for callers.
//
// # Trust
//
// Nothing of the issuer is imported: this package learns about certificates as a
// stranger does, from paths, feed, OCSP and CRLs, and about persons from the
// issuer's registered-verifier API over HTTP. Asking parties are trusted with
// what they were registered for and nothing else. Phones are strangers until
// their answer has passed every check; whoever saw a QR code can neither spoil a
// request nor learn its result. When status cannot be learned, nothing passes.
package gateway

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/limit"
	"tegata/internal/pki"
	"tegata/internal/trace"
)

// Key is a signing key and its certificate chain, leaf first.
type Key struct {
	Signer crypto.Signer
	Chain  []*x509.Certificate
}

// EncryptionKey is the certified key that answers are sealed to.
type EncryptionKey struct {
	Key   *ecdsa.PrivateKey
	Chain []*x509.Certificate
}

// Anchor is one authority that this verifier believes.
type Anchor struct {
	Kind        pki.Kind
	Label       string // as the change feed calls it: "phone-auth", "phone-auth-2"
	Certificate *x509.Certificate
}

// Config is what a gateway needs. Every field without "optional" is required.
type Config struct {
	ID      string   // this verifier, as its certificates name it
	Origin  string   // its origin, as its certificates name it
	Arc     pki.Arc  // the operator's
	Anchors []Anchor // phone-auth, phone-sign and ops at least

	Sign    Key           // registrations, receipts, grants, calls to the issuer; role verifier
	Decrypt EncryptionKey // answers
	SubKey  []byte        // 32 bytes or more: sub = HMAC-SHA-256(SubKey, sector, person)

	// Status says whether a certificate is still good: the feed, or OCSP and CRL.
	Status certpath.StatusSource
	// Feed, optional, is shown by GET /v1/status, and says when sessions must end.
	Feed *feed.Index

	// Issuer is the URL of the registered-verifier API. Empty: there is none; then a
	// person is known by one certificate only, and requests for attributes are refused.
	Issuer         string
	IssuerAudience string       // what the issuer wants to be called; empty: Issuer
	Client         *http.Client // for the issuer

	Store Store
	Now   func() time.Time
	Log   *slog.Logger // optional
	Trace trace.Sink   // optional
}

// Failed answers that one source may send: a burst, then a few a second. Answers
// that pass do not count, so that an office behind one address is not locked out
// by its size.
const (
	failuresPerSecond = 1
	failureBurst      = 60
)

// Gateway answers asking parties and phones. Its methods may be called at once.
type Gateway struct {
	c      Config
	door   ceremony.Door
	failed *limit.Sources
	watch  *watch
}

// New checks c and makes a gateway of it.
func New(c Config) (*Gateway, error) {
	if c.Store == nil || c.Status == nil || c.Now == nil || c.Sign.Signer == nil || c.Decrypt.Key == nil {
		return nil, errors.New("gateway: store, status, clock and both keys are needed")
	}
	if len(c.SubKey) < 32 {
		return nil, errors.New("gateway: the key for sub has fewer than 32 bytes")
	}
	if c.Issuer != "" && c.Client == nil {
		return nil, errors.New("gateway: an issuer without a client to reach it")
	}
	if c.IssuerAudience == "" {
		c.IssuerAudience = c.Issuer
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if err := ownCertificates(c); err != nil {
		return nil, err
	}
	g := &Gateway{c: c, failed: limit.NewSources(failuresPerSecond, failureBurst), watch: newWatch()}
	g.door = ceremony.Door{Audience: c.ID, Path: g.checkParty, Once: func(ctx context.Context, party, jti string, until time.Time) error {
		return replayed(c.Store.Once(ctx, AssertionOf(party), jti, until))
	}}
	return g, nil
}

// ownCertificates finds a configuration that no phone would accept before a
// person does.
func ownCertificates(c Config) error {
	for _, own := range []struct {
		what    string
		chain   []*x509.Certificate
		key     any
		purpose certpath.Purpose
	}{
		{"signing", c.Sign.Chain, c.Sign.Signer.Public(), certpath.ForRole(c.Arc, pki.RoleVerifier)},
		{"encryption", c.Decrypt.Chain, c.Decrypt.Key.Public(), certpath.ForEncryption(c.Arc)},
	} {
		if len(own.chain) == 0 {
			return fmt.Errorf("gateway: no %s certificate", own.what)
		}
		leaf := own.chain[0]
		if k, ok := leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool }); !ok || !k.Equal(own.key) {
			return fmt.Errorf("gateway: the %s certificate is of another key", own.what)
		}
		if id, ok := ceremony.PartyOf(leaf); !ok || id != c.ID {
			return fmt.Errorf("gateway: the %s certificate does not name %s", own.what, c.ID)
		}
		if ceremony.At(c.Origin, ceremony.OriginsOf(leaf)...) != nil {
			return fmt.Errorf("gateway: the %s certificate does not name the origin %s", own.what, c.Origin)
		}
		if _, err := certpath.Validate(leaf, own.chain[1:], anchors(c.Anchors, pki.Ops), own.purpose, c.Now()); err != nil {
			return fmt.Errorf("gateway: the %s certificate: %w", own.what, err)
		}
	}
	return nil
}

// anchors returns the roots of one kind.
func anchors(all []Anchor, k pki.Kind) []*x509.Certificate {
	var roots []*x509.Certificate
	for _, a := range all {
		if a.Kind == k {
			roots = append(roots, a.Certificate)
		}
	}
	return roots
}

// Labels returns the function by which certpath.Feed names an authority.
func Labels(all []Anchor) func(*x509.Certificate) (string, bool) {
	return func(issuer *x509.Certificate) (string, bool) {
		for _, a := range all {
			if a.Certificate.Equal(issuer) {
				return a.Label, true
			}
		}
		return "", false
	}
}

// NextDue and RunDue make the gateway a clock.Work: what nobody may read any
// more is erased in time.
func (g *Gateway) NextDue(ctx context.Context) (time.Time, bool, error) {
	return g.c.Store.NextDue(ctx)
}

// RunDue erases claims that were not fetched, and forgets used ids that have
// expired, as of at.
func (g *Gateway) RunDue(ctx context.Context, at time.Time) error { return g.c.Store.Sweep(ctx, at) }
