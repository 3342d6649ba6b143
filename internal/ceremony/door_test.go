package ceremony_test

import (
	"context"
	"crypto/x509"
	"errors"
	"strings"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/jws"
)

func TestTheDoor(t *testing.T) {
	s := newScene(t)
	used := map[string]bool{}
	errPath := errors.New("no path")
	door := ceremony.Door{Audience: "verifier",
		Path: func(_ context.Context, chain []*x509.Certificate, _ time.Time) error {
			if !chain[0].Equal(s.portalChain[0]) {
				return errPath
			}
			return nil
		},
		Once: func(_ context.Context, party, jti string, _ time.Time) error {
			if used[party+jti] {
				return ceremony.ErrReplayed
			}
			used[party+jti] = true
			return nil
		}}
	sign := func(a ceremony.ClientAssertion) string {
		compact, err := ceremony.SignClientAssertion(s.portal, s.portalChain, a)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + compact
	}
	good := sign(ceremony.NewClientAssertion("portal", "verifier", now))
	if caller, err := door.Enter(t.Context(), good, now); err != nil || caller.Party != "portal" {
		t.Fatalf("%+v, %v", caller, err)
	}
	stranger := newScene(t)
	foreign, err := ceremony.SignClientAssertion(stranger.portal, stranger.portalChain, ceremony.NewClientAssertion("portal", "verifier", now))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, header string
		at           time.Time
		want         error
	}{
		{"a second time", good, now, ceremony.ErrReplayed},
		{"nothing", "", now, ceremony.ErrNoAssertion},
		{"another scheme", "Basic " + good, now, ceremony.ErrNoAssertion},
		{"for another party", sign(ceremony.NewClientAssertion("portal", "issuer", now)), now, ceremony.ErrAudience},
		{"a minute later", sign(ceremony.NewClientAssertion("portal", "verifier", now)), now.Add(time.Minute), ceremony.ErrExpired},
		{"from the future", sign(ceremony.NewClientAssertion("portal", "verifier", now.Add(time.Minute))), now, ceremony.ErrNotYet},
		{"in another's name", sign(ceremony.NewClientAssertion("bank", "verifier", now)), now, ceremony.ErrNotRegistered},
		{"by another authority", "Bearer " + foreign, now, errPath},
		{"edited", good[:len(good)-4] + "AAAA", now, jws.ErrSignature},
	} {
		if _, err := door.Enter(t.Context(), c.header, c.at); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

func TestGrantsAndReceipts(t *testing.T) {
	s := newScene(t)
	g := ceremony.Grant{Issuer: "verifier", Audience: "issuer", Party: "portal", Subject: "p", Scope: ceremony.ScopeCertificates,
		Login: strings.Repeat("A", 43), ID: ceremony.NewID(), IssuedAt: now.Unix(), Expires: now.Add(5 * time.Minute).Unix()}
	compact, err := ceremony.SignGrant(s.verifier, s.verifierChain, g)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ceremony.ParseGrant(compact)
	if err != nil {
		t.Fatal(err)
	}
	if g, err = m.Verify(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, audience, party, scope string
		at                           time.Time
		want                         error
	}{
		{"as given", "issuer", "portal", ceremony.ScopeCertificates, now, nil},
		{"elsewhere", "verifier", "portal", ceremony.ScopeCertificates, now, ceremony.ErrAudience},
		{"by another party", "issuer", "bank", ceremony.ScopeCertificates, now, ceremony.ErrAudience},
		{"for more", "issuer", "portal", ceremony.ScopeUses, now, ceremony.ErrAudience},
		{"too late", "issuer", "portal", ceremony.ScopeCertificates, now.Add(5 * time.Minute), ceremony.ErrExpired},
	} {
		if err := g.For(c.audience, c.party, c.scope, c.at); !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	g.Expires = g.IssuedAt + 301
	if _, err := ceremony.SignGrant(s.verifier, s.verifierChain, g); !errors.Is(err, ceremony.ErrMalformed) {
		t.Errorf("five minutes and a second: %v", err)
	}
	r := ceremony.Receipt{Issuer: "verifier", Party: "portal", ID: ceremony.NewID(), Request: strings.Repeat("A", 43), Answer: strings.Repeat("A", 43),
		Verdict: ceremony.Failed, StatusSource: "feed", ThisUpdate: 1, At: now.Unix()}
	if _, err := ceremony.SignReceipt(s.verifier, s.verifierChain, r); !errors.Is(err, ceremony.ErrMalformed) {
		t.Errorf("failed, and no code: %v", err)
	}
}
