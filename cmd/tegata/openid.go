package main

import (
	"context"
	"crypto"
	"errors"
	"net/http"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	verifierstore "tegata/store/verifier"
	"tegata/verifier/gateway"
	"tegata/verifier/oidc"
)

// openidID is the registered id of the OpenID Provider, which is an asking party of the
// gateway like any other.
const openidID = "openid"

// openidName is what its pages and phones call it alike.
var openidName = ui.Text{JA: "手形ログイン", EN: "Tegata Login"}

// openOpenID opens the provider in the verifier's room: with a key of its own, under a
// certificate of its own.
func (v *verifier) openOpenID(ctx context.Context, at site, store *verifierstore.Store) error {
	if !at.sandbox {
		return nil // not served in production yet, see docs/relying-parties.md
	}
	who, err := at.certify(ctx, v.room, openidID, profile.Party{ID: openidID, Role: pki.RoleParty, Origins: []string{at.page("verifier")}})
	if err != nil {
		return err
	}
	err = v.gateway.Register(ctx, audit.System(verifierID), gateway.Party{
		ID: openidID, Name: ceremony.Text{JA: openidName.JA, EN: openidName.EN}, Mark: "verifier", Keys: []string{ceremony.KeyID(who.chain[0])},
		Origins: []string{at.page("verifier")}, ReturnURLs: []string{oidc.ReturnURL(at.page("verifier"))},
		// It asks for nothing of its own: each relying party's purpose is registered with that party.
		Purposes: []ceremony.RegisteredPurpose{{Code: openidID, RiskFloor: ceremony.R3,
			Sentence: ceremony.Text{JA: "ログインを取り次ぎます。", EN: "Passes a login on."}}},
	})
	if err != nil {
		return err
	}
	v.openid, err = oidc.New(oidc.Config{
		Issuer: at.machine("verifier"), Pages: at.page("verifier"), Party: openidID, Verifier: verifierID, Phone: at.page("phone"),
		Signer: who.signer, Chain: who.chain, Key: v.signingKey, Gateway: v.gateway, Store: store.OIDC(), Now: at.now,
		Name: openidName, Sandbox: at.sandbox, Secure: !at.sandbox, Log: v.log,
	})
	return err
}

// signingKey is a key of ID Tokens. One that is not there is made, also where nothing
// else is: each lasts for a period, and clients learn of it from the JWKS.
func (v *verifier) signingKey(label string) (crypto.Signer, error) {
	return v.keys.OpenOrMake(label, secret.P256)
}

// verifierDoors are the verifier's doors: pages of the provider for browsers, by its own name,
// and everything else for programs, by its address.
func (s settings) verifierDoors(v *verifier, programs http.Handler) http.Handler {
	pages := httpd.Guard(httpd.GuardOptions{Names: s.names("verifier"), Pages: true, Log: v.log, Metrics: v.metrics, Refuse: v.openid.Refuse}, v.openid.Pages())
	return oidc.Beside(s.ownName("verifier", pages), programs)
}

// addedClient answers the registration of a client.
type addedClient struct {
	ClientID string `json:"client_id"`
	Issuer   string `json:"issuer"`
	Secret   string `json:"client_secret,omitempty"` // shown this once
}

// sandboxRoutes are routes with the operator's door by which clients are registered.
func (v *verifier) sandboxRoutes(token httpd.OperatorToken, issuer string) *http.ServeMux {
	mux := v.routes()
	mux.Handle("POST /v1/clients", token.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c oidc.Client
		if err := httpd.ReadJSON(w, r, &c); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		out := addedClient{ClientID: c.ID, Issuer: issuer}
		if c.Authentication == oidc.SecretBasic {
			out.Secret, c.SecretSHA256 = oidc.NewSecret()
		}
		err := v.openid.Register(r.Context(), sandboxOperator, c)
		if errors.Is(err, oidc.ErrClient) {
			err = oidc.ErrRegistration.With("why", err.Error())
		}
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		httpd.WriteJSON(w, http.StatusCreated, out)
	})))
	return mux
}
