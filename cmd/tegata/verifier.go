package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"net/http"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/clock"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/trace"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
	"tegata/services/portal"
	verifierstore "tegata/store/verifier"
	"tegata/verifier/gateway"
)

// Registered ids of the sandbox's parties.
const (
	verifierID     = "verifier"
	portalID       = "portal"
	municipalityID = "municipality"
	streetID       = "street"
)

// verifier is who checks.
type verifier struct {
	*room
	gateway  *gateway.Gateway
	follower *gateway.Follower
}

// openVerifier opens the verifier's room. Its certificates come from the
// operations authority, its trust anchors are the authorities' certificates as an
// operator would install them; everything else it learns over HTTP.
func (b build) openVerifier(ctx context.Context, dir string, s settings, c *clock.Clock, authority *ca.CA, sink trace.Sink) (*verifier, error) {
	r, err := b.openRoom(ctx, dir, "verifier", verifierstore.Schema)
	if err != nil {
		return nil, err
	}
	v := &verifier{room: r}
	if err := v.open(ctx, s, c, authority, sink); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return v, nil
}

func (v *verifier) open(ctx context.Context, s settings, c *clock.Clock, authority *ca.CA, sink trace.Sink) error {
	origin := s.machine("verifier")
	party := profile.Party{ID: verifierID, Role: pki.RoleVerifier, Origins: []string{origin}}
	sign, err := certify(ctx, authority, v.room, "sign", party, c.Now())
	if err != nil {
		return err
	}
	party.Encryption = true
	decrypt, err := certify(ctx, authority, v.room, "decrypt", party, c.Now())
	if err != nil {
		return err
	}
	key, ok := decrypt.signer.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("verifier: the decryption key is not on P-256")
	}
	subKey, err := v.symmetric("sub")
	if err != nil {
		return err
	}
	operator := authority.Operator()
	var anchors []gateway.Anchor
	for _, i := range authority.Issuers() {
		anchors = append(anchors, gateway.Anchor{Kind: i.Kind, Label: i.Label(), Certificate: i.Certificate})
	}
	store := verifierstore.New(v.db)
	signing := gateway.Key{Signer: sign.signer, Chain: sign.chain}
	issuer := s.machine("issuer")
	v.follower = &gateway.Follower{ID: verifierID, URL: issuer, Audience: issuer, Feed: issuer, Arc: operator.Arc, Anchors: anchors, Sign: signing,
		Client: httpd.Client(feed.Heartbeat + 20*time.Second), Marks: store, Now: c.Now, Log: v.log}
	if err := v.follower.Begin(ctx); err != nil {
		return err
	}
	v.gateway, err = gateway.New(gateway.Config{
		ID: verifierID, Origin: origin, Arc: operator.Arc, Anchors: anchors, Sign: signing,
		Decrypt: gateway.EncryptionKey{Key: key, Chain: decrypt.chain}, SubKey: subKey,
		Status: certpath.Feed{Index: v.follower.Index, Label: gateway.Labels(anchors)}, Feed: v.follower.Index,
		Issuer: issuer, IssuerAudience: issuer, Client: httpd.Client(10 * time.Second),
		Store: store, Now: c.Now, Log: v.log, Trace: sink,
	})
	return err
}

// wait returns when the verifier can check: its feed has caught up.
func (v *verifier) wait(ctx context.Context) error {
	for v.gateway.Ready(ctx) != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

func (v *verifier) routes() http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, v.gateway.Ready)
	mux.Handle("/", v.gateway.Routes())
	return mux
}

// portalPurpose is what the portal may ask for: its words are registered once, and
// phones show them.
func portalPurpose() ceremony.RegisteredPurpose {
	return ceremony.RegisteredPurpose{
		Code: portal.LoginPurpose,
		Sentence: ceremony.Text{
			JA: "ポータルにログインして、証明書の状態と利用の記録を見ます。",
			EN: "Log in to the portal to see the state of your certificates and the record of their use."},
		RiskFloor: ceremony.R1, Claims: []string{ceremony.ClaimName},
	}
}

// registerPortal is the operator's act of registering the portal.
func (v *verifier) registerPortal(ctx context.Context, s settings, who identity, at time.Time) error {
	origin := s.page("portal")
	actor := audit.Actor{Party: "operator", Kind: "party", ID: "sandbox"}
	err := v.gateway.Register(ctx, actor, gateway.Party{
		ID: portalID, Name: ceremony.Text{JA: portalName.JA, EN: portalName.EN}, Mark: "portal",
		Purposes: []ceremony.RegisteredPurpose{portalPurpose()}, Origins: []string{origin},
		ReturnURLs: []string{origin + "/login/return"}, VerifiedSince: at.Format(time.DateOnly),
		Keys: []string{ceremony.KeyID(who.chain[0])}, Grants: []string{ceremony.ScopeCertificates, ceremony.ScopeUses},
	})
	if err != nil {
		return fmt.Errorf("register the portal: %w", err)
	}
	return nil
}
