package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/feed"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/services/portal"
	verifierstore "tegata/store/verifier"
	"tegata/verifier/document"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
	"tegata/verifier/tsa"
)

// Registered ids of the sandbox's parties.
const (
	verifierID     = "verifier"
	portalID       = "portal"
	municipalityID = "municipality"
	streetID       = "street"
	helpdeskID     = "helpdesk"
)

// verifier is who checks.
type verifier struct {
	*room
	gateway  *gateway.Gateway
	follower *gateway.Follower
	document *document.Handler
	tsa      *tsa.TSA // nil: no certificate for it is installed
	openid   *oidc.Provider
}

// openVerifier opens the verifier's room. Its certificates come from the
// operations authority, its trust anchors are the authorities' certificates as an
// operator would install them; everything else it learns over HTTP.
func (b build) openVerifier(ctx context.Context, at site) (*verifier, error) {
	r, err := b.openRoom(ctx, at.base, "verifier", verifierstore.Schema)
	if err != nil {
		return nil, err
	}
	v := &verifier{room: r}
	if err := v.open(ctx, at); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return v, nil
}

func (v *verifier) open(ctx context.Context, at site) error {
	party := verifierParty(at)
	sign, err := at.certify(ctx, v.room, "sign", party)
	if err != nil {
		return err
	}
	party.Encryption = true
	decrypt, err := at.certify(ctx, v.room, "decrypt", party)
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
	store := verifierstore.New(v.db)
	signing := gateway.Key{Signer: sign.signer, Chain: sign.chain}
	issuer := at.machine("issuer")
	v.follower = &gateway.Follower{ID: verifierID, URL: issuer, Audience: issuer, Feed: issuer, Arc: at.arc, Anchors: at.anchors, Sign: signing,
		Client: httpd.Client(feed.Heartbeat + 20*time.Second), Marks: store, Now: at.now, Log: v.log}
	if err := v.follower.Begin(ctx); err != nil {
		return err
	}
	v.gateway, err = gateway.New(gateway.Config{
		ID: verifierID, Origin: at.machine("verifier"), Arc: at.arc, Anchors: at.anchors, Sign: signing,
		Decrypt: gateway.EncryptionKey{Key: key, Chain: decrypt.chain}, SubKey: subKey,
		Status: certpath.Feed{Index: v.follower.Index, Label: gateway.Labels(at.anchors)}, Feed: v.follower.Index,
		Issuer: issuer, IssuerAudience: issuer, Client: httpd.Client(10 * time.Second),
		Store: store, Now: at.now, Log: v.log, Trace: at.sink,
	})
	if err != nil {
		return err
	}
	v.follower.Changed = v.gateway.Changed
	if err := v.openDocuments(ctx, at, store); err != nil {
		return err
	}
	return v.openOpenID(ctx, at, store)
}

// tellEvery is how often the verifier looks for changes of rules to tell of.
const tellEvery = time.Second

// run follows the issuer's feed, and ends sessions as it says, until ctx ends.
func (v *verifier) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return v.follower.Run(ctx) })
	group.Go(func() error { return v.gateway.WatchSessions(ctx) })
	group.Go(func() error { return v.gateway.RunTellings(ctx, tellEvery) })
	if v.openid != nil {
		group.Go(func() error { return v.openid.Run(ctx) })
	}
	return group.Wait()
}

// verifierParty is what the verifier's certificates say of it; the one for answers
// is for encryption.
func verifierParty(at places) profile.Party {
	return profile.Party{ID: verifierID, Role: pki.RoleVerifier, Origins: []string{at.machine("verifier")}}
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

func (v *verifier) routes() *httpd.Mux {
	mux := httpd.NewMux()
	httpd.WithHealth(mux, v.gateway.Ready)
	httpd.WithMetrics(mux, v.metrics)
	withOpenAPI(mux, "verifier")
	mux.Handle("POST /v1/verify", v.document.Routes())
	if v.tsa != nil {
		mux.Handle("POST /tsa", v.tsa.Routes())
	}
	rest := v.gateway.Routes()
	if v.openid != nil {
		v.openid.Routes(mux)
		rest = v.openid.Signing(rest)
	} else { // nobody logs in by OpenID Connect here, and nobody's portal is out of order for it
		mux.HandleFunc("GET /v1/links", func(w http.ResponseWriter, _ *http.Request) {
			httpd.WriteJSON(w, http.StatusOK, ceremony.Links{Links: []ceremony.Link{}})
		})
	}
	mux.Handle("/", rest)
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
		RiskFloor: ceremony.R1, Claims: []string{ceremony.ClaimName}, Category: ceremony.Government,
	}
}

// portalRegistration is what a verifier's operator is asked to register: what
// phones show of the portal, and what it may do. Its key is added to it.
func portalRegistration(at places, name ui.Text) gateway.Party {
	origin := at.page("portal")
	return gateway.Party{
		ID: portalID, Name: ceremony.Text{JA: name.JA, EN: name.EN}, Mark: "portal",
		Purposes: []ceremony.RegisteredPurpose{portalPurpose()}, Origins: []string{origin},
		ReturnURLs: []string{origin + "/login/return"},
		Grants:     ceremony.Scopes(),
	}
}
