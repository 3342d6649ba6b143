package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/services/carrier"
	"tegata/services/relying"
	carrierstore "tegata/store/carrier"
	"tegata/verifier/oidc"
)

// carrierID is the sandbox's mobile carrier, as a client of the OpenID Provider.
const carrierID = "tegata-carrier"

// carrierActivation is how long an activation takes there.
const carrierActivation = time.Minute

// carrierRole is the mobile carrier.
type carrierRole struct {
	*room
	carrier *carrier.Carrier
	handler *carrier.Handler
	key     *ecdsa.PrivateKey // of the client
}

// openCarrier opens the carrier's room.
func (b build) openCarrier(ctx context.Context, at site) (*carrierRole, error) {
	r, err := b.openRoom(ctx, at.base, "carrier", carrierstore.Schema)
	if err != nil {
		return nil, err
	}
	role := &carrierRole{room: r}
	if err := role.open(at); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return role, nil
}

func (c *carrierRole) open(at site) (err error) {
	if c.key, err = c.clientKey(); err != nil {
		return err
	}
	party, err := relying.New(relying.Config{Issuer: at.machine("verifier"), ClientID: carrierID, Key: c.key, KeyID: clientKeyID, RedirectURI: carrierReturn(at), HTTP: httpd.Client(outsiderTimeout)})
	if err != nil {
		return err
	}
	c.carrier = carrier.New(carrier.Config{Store: carrierstore.New(c.db), Verifier: party, VerifierURL: at.machine("verifier"), Origin: at.page("carrier"),
		ActivateAfter: carrierActivation, Now: at.now, Log: c.log})
	c.handler, err = carrier.NewHandler(carrier.Options{Carrier: c.carrier, Party: party, Sandbox: at.sandbox, Secure: !at.sandbox, Now: at.now, Log: c.log})
	return err
}

func carrierReturn(at places) string { return at.page("carrier") + "/callback" }

// register registers the carrier with the verifier, as any such party is.
func (c *carrierRole) register(ctx context.Context, at places, v *verifier) error {
	purpose := func(code string, risk ceremony.Risk, ja, en string, claims ...string) ceremony.RegisteredPurpose {
		return ceremony.RegisteredPurpose{Code: code, Category: ceremony.Private, RiskFloor: risk, Sentence: ceremony.Text{JA: ja, EN: en}, Claims: claims}
	}
	set, err := json.Marshal(publicKeys(c.key))
	if err != nil {
		return err
	}
	contract := purpose(carrier.SignPurpose, ceremony.R3, "携帯電話回線の契約書に署名します。", "Sign the contract for a mobile line.")
	contract.OpensAccount = true
	_, err = v.register(ctx, sandboxOperator, oidc.Client{ID: carrierID, Name: ceremony.Text{JA: "手形モバイル", EN: "Tegata Mobile"}, Mark: "carrier",
		Profile: oidc.FAPI2, Authentication: oidc.PrivateKeyJWT, JWKS: set, RedirectURIs: []string{carrierReturn(at)}, BackchannelLogoutURI: at.machine("carrier") + "/v1/logout",
		Purpose: purpose("mobile", ceremony.R2, "携帯電話会社の画面に入ります。", "Log in at the mobile carrier.", "name", "address", "birthdate"),
		SignPurposes: []ceremony.RegisteredPurpose{
			contract,
			purpose(carrier.ConsentPurpose, ceremony.R3, "お子さんの回線の契約への同意書に署名します。", "Sign your consent to your child's line.", "name", "address", "birthdate"),
			purpose(carrier.ChangePurpose, ceremony.R3, "SIM や回線の申込書に署名します。", "Sign a request about a SIM or a line."),
		}})
	return err
}

// routes are the carrier's pages, and its outbox for the sandbox's street alone.
func (c *carrierRole) routes(at places, token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, c.db.Ping)
	httpd.WithMetrics(mux, c.metrics)
	mux.Handle("GET /v1/outbox", token.Guard(c.handler.Outbox()))
	mux.Handle("/", c.handler.Routes())
	return httpd.Guard(httpd.GuardOptions{Names: at.names("carrier"), Pages: true, Log: c.log, Metrics: c.metrics, Refuse: c.handler.Refuse}, mux)
}
