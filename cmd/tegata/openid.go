package main

import (
	"context"
	"crypto"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"time"

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

// openidName is the sandbox's: what its pages and phones call it alike.
var openidName = ui.Text{JA: "手形ログイン", EN: "Tegata Login"}

// openOpenID opens the provider in the verifier's room: with a key of its own, under a
// certificate of its own.
func (v *verifier) openOpenID(ctx context.Context, at site, store *verifierstore.Store) error {
	if at.openID == (ui.Text{}) {
		return nil
	}
	who, err := at.certify(ctx, v.room, openidID, openidParty(at))
	if err != nil {
		return err
	}
	err = v.gateway.Register(ctx, audit.System(verifierID), gateway.Party{
		ID: openidID, Name: ceremony.Text(at.openID), Mark: "verifier", Keys: []string{ceremony.KeyID(who.chain[0])},
		Origins: []string{at.page("verifier")}, ReturnURLs: []string{oidc.ReturnURL(at.page("verifier"))},
		// It asks for nothing of its own: each relying party's purpose is registered with that party.
		Purposes: []ceremony.RegisteredPurpose{{Code: openidID, RiskFloor: ceremony.R3,
			Sentence: ceremony.Text{JA: "ログインを取り次ぎます。", EN: "Passes a login on."}}},
	})
	if err != nil {
		return err
	}
	residents := ""
	if at.sandbox {
		residents = at.page("street") + "/residents"
	}
	v.openid, err = oidc.New(oidc.Config{
		Issuer: at.machine("verifier"), Pages: at.page("verifier"), Party: openidID, Verifier: verifierID, Phone: at.page("phone"),
		Signer: who.signer, Chain: who.chain, Key: v.signingKey, Gateway: v.gateway, Store: store.OIDC(), Now: at.now,
		Name: at.openID, Sandbox: at.sandbox, Residents: residents, Secure: !at.sandbox, Log: v.log,
	})
	if err == nil && !at.sandbox {
		v.countApplications(at.now)
	}
	return err
}

// countApplications tells whoever watches the role that somebody waits for the operator: the
// verifier has no mail server.
func (v *verifier) countApplications(now func() time.Time) {
	waiting := func(value func(n int, since time.Time) float64) func() float64 {
		return func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			n, since, err := v.openid.Waiting(ctx)
			if err != nil {
				v.log.Error("the applications could not be counted", "error", fmt.Errorf("metrics: %w", err))
				return -1
			}
			return value(n, since)
		}
	}
	v.metrics.Gauge("tegata_client_applications_waiting", "Applications of relying parties that wait for the operator.",
		waiting(func(n int, _ time.Time) float64 { return float64(n) }))
	v.metrics.Gauge("tegata_client_applications_oldest_seconds", "Since when the first of them waits; 0 when none does.", waiting(func(n int, since time.Time) float64 {
		if n == 0 {
			return 0
		}
		return now().Sub(since).Seconds()
	}))
}

// openidParty is what the provider's certificate says of it.
func openidParty(at places) profile.Party {
	return profile.Party{ID: openidID, Role: pki.RoleParty, Origins: []string{at.page("verifier")}}
}

// signingKey is a key of ID Tokens. One that is not there is made, also where nothing
// else is: each lasts for a period, and clients learn of it from the JWKS.
func (v *verifier) signingKey(label string) (crypto.Signer, error) {
	return v.keys.OpenOrMake(label, secret.P256)
}

// doors are the verifier's doors: pages of the provider for browsers, and everything
// else for programs. own keeps the pages to the role's own name, where it has another
// one for programs; nil: it has one for both.
func (v *verifier) doors(at places, own func(http.Handler) http.Handler, programs http.Handler) http.Handler {
	if v.openid == nil {
		return programs
	}
	pages := httpd.Guard(httpd.GuardOptions{Names: at.names("verifier"), Pages: true, MaxBody: oidc.MaxForm, Log: v.log, Metrics: v.metrics, Refuse: v.openid.Refuse}, v.openid.Pages())
	if own != nil {
		pages = own(pages)
	}
	return oidc.Beside(pages, programs)
}

// clientRegister registers a relying party with a production verifier, or replaces its
// registration. Its secret, if it has one, is drawn now and shown this once.
func clientRegister(ctx context.Context, c console, flags *flag.FlagSet, args []string) error {
	path := flags.String("config", "", "the verifier's configuration")
	in := flags.String("in", "", "the registration, JSON; see docs/relying-parties.md")
	logo := flags.String("logo", "", "its picture, PNG")
	if _, err := parse(flags, args); err != nil {
		return err
	}
	if *path == "" || *in == "" {
		return usagef("-config and -in are needed; see -h")
	}
	client, err := readClient(*in)
	if err != nil {
		return usagef("-in %s: %v", *in, err)
	}
	var picture []byte
	if *logo != "" {
		if picture, err = os.ReadFile(*logo); err != nil {
			return err
		}
	}
	secret := ""
	err = withClients(ctx, c, *path, func(p *oidc.Provider) (err error) {
		if *logo != "" {
			if client.Logo, err = p.KeepLogo(ctx, client.ID, picture); err != nil {
				return err
			}
		}
		secret, err = register(ctx, p, operator(), client)
		return err
	})
	if err == nil {
		fmt.Fprintf(c.out, "%s\t%s\n", client.ID, secret)
	}
	return err
}

func readClient(path string) (client oidc.Client, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return client, err
	}
	return client, httpd.DecodeJSON(text, &client)
}

// register draws the secret of a client that authenticates by one, and registers it.
func register(ctx context.Context, p *oidc.Provider, who audit.Actor, c oidc.Client) (secret string, err error) {
	if c.Authentication == oidc.SecretBasic {
		secret, c.SecretSHA256 = oidc.NewSecret()
	}
	return secret, p.Register(ctx, who, c)
}

// register registers a client with the verifier that is open.
func (v *verifier) register(ctx context.Context, who audit.Actor, c oidc.Client) (secret string, err error) {
	return register(ctx, v.openid, who, c)
}

// addedClient answers the registration of a client.
type addedClient struct {
	ClientID string `json:"client_id"`
	Issuer   string `json:"issuer"`
	Secret   string `json:"client_secret,omitempty"` // shown this once
}

// sandboxRoutes are routes with the operator's door by which clients are registered.
func (v *verifier) sandboxRoutes(token httpd.OperatorToken, issuer string) *httpd.Mux {
	mux := v.routes()
	mux.Handle("POST /v1/clients", token.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var c oidc.Client
		if err := httpd.ReadJSON(w, r, &c); err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		secret, err := v.register(r.Context(), sandboxOperator, c)
		if errors.Is(err, oidc.ErrClient) {
			err = oidc.ErrRegistration.With("why", err.Error())
		}
		if err != nil {
			httpd.WriteProblem(w, r, err)
			return
		}
		httpd.WriteJSON(w, http.StatusCreated, addedClient{c.ID, issuer, secret})
	})))
	return mux
}
