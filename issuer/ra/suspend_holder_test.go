package ra_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"tegata/internal/ceremony"
	"tegata/issuer/ra"
	"tegata/issuer/status"
)

// suspendGrant is what a verifier gives the portal about a person who is logged in.
func (w *world) suspendGrant(ctx context.Context, c *card) (ceremony.Grant, error) {
	link, err := w.ra.Linkage(ctx, "verifier", c.issued.Certificates.Auth)
	hash := sha256.Sum256([]byte("request"))
	return ceremony.Grant{Issuer: "verifier", Audience: issuerURL, Party: "portal", Subject: link.Person, Scope: ceremony.ScopeSuspend,
		Login: base64.RawURLEncoding.EncodeToString(hash[:]), ID: ceremony.NewID(), IssuedAt: w.now.Unix(), Expires: w.now.Add(5 * time.Minute).Unix()}, err
}

// suspendAtPortal is the holder of a card, logged in, stopping the phone.
func (w *world) suspendAtPortal(ctx context.Context, c *card) error {
	g, err := w.suspendGrant(ctx, c)
	if err == nil {
		_, err = w.ra.SuspendByHolder(ctx, "portal", g.Subject, "", g)
	}
	return err
}

func TestThePortalSuspendsOnlyThePhoneOfWhoeverIsLoggedIn(t *testing.T) {
	w, c, p := registered(t)
	for name, change := range map[string]func(*ceremony.Grant){
		"another party's":   func(g *ceremony.Grant) { g.Party = "bank" },
		"for certificates":  func(g *ceremony.Grant) { g.Scope = ceremony.ScopeCertificates },
		"of a login of old": func(g *ceremony.Grant) { g.IssuedAt -= 3600; g.Expires -= 3600 },
		"to another issuer": func(g *ceremony.Grant) { g.Audience = "http://issuer.example" },
	} {
		g, err := w.suspendGrant(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		change(&g)
		_, err = w.ra.SuspendByHolder(t.Context(), "portal", g.Subject, "", g)
		t.Log(name)
		wantCode(t, err, ra.CodeGrantInvalid)
	}
	g, err := w.suspendGrant(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.ra.SuspendByHolder(t.Context(), "portal", "somebody else", "", g)
	wantCode(t, err, ra.CodeGrantInvalid)
	p.mustBe(status.Good, 0)
	if err := w.suspendAtPortal(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	if n := count(w.notices(), ra.NoticeSuspended); n != 1 {
		t.Errorf("told %d times", n)
	}
}
