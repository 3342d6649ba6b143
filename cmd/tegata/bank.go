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
	"tegata/services/bank"
	"tegata/services/relying"
	bankstore "tegata/store/bank"
	"tegata/verifier/oidc"
)

// bankID is the sandbox's bank, as a client of the OpenID Provider and as a party that may
// have signatures checked.
const bankID = "tegata-bank"

// bankReview is how long the sandbox's bank takes for a review.
const bankReview = time.Minute

// bankRole is the bank.
type bankRole struct {
	*room
	bank    *bank.Bank
	handler *bank.Handler
	key     *ecdsa.PrivateKey // of the client
}

// openBank opens the bank's room.
func (b build) openBank(ctx context.Context, at site) (*bankRole, error) {
	r, err := b.openRoom(ctx, at.base, "bank", bankstore.Schema)
	if err != nil {
		return nil, err
	}
	role := &bankRole{room: r}
	if err := role.open(ctx, at); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return role, nil
}

func (b *bankRole) open(_ context.Context, at site) (err error) {
	if b.key, err = b.clientKey(); err != nil {
		return err
	}
	party, err := relying.New(relying.Config{Issuer: at.machine("verifier"), ClientID: bankID, Key: b.key, KeyID: clientKeyID, RedirectURI: bankReturn(at), HTTP: httpd.Client(outsiderTimeout)})
	if err != nil {
		return err
	}
	b.bank, err = bank.New(bank.Config{Store: bankstore.New(b.db), Verifier: party, VerifierURL: at.machine("verifier"), Origin: at.page("bank"), ReviewAfter: bankReview,
		ID: bankID, Key: b.key, KeyID: clientKeyID, Creditors: creditors(at), HTTP: httpd.Client(outsiderTimeout), Now: at.now, Log: b.log})
	if err != nil {
		return err
	}
	b.handler, err = bank.NewHandler(bank.Options{Bank: b.bank, Party: party, Keys: publicKeys(b.key), Origin: at.page("bank"), Sandbox: at.sandbox, Secure: !at.sandbox, Now: at.now, Log: b.log})
	return err
}

// creditors are who may ask this bank's customers for mandates.
func creditors(at places) []bank.Creditor {
	return []bank.Creditor{{ID: payID, Name: payName, KeysURL: at.machine("pay") + "/v1/keys",
		ReturnURL: at.page("pay") + "/bank/return", NotifyURL: at.machine("pay") + "/v1/mandate-ended"}}
}

func bankReturn(at places) string { return at.page("bank") + "/callback" }

// register registers the bank with the verifier, as any such party is.
func (b *bankRole) register(ctx context.Context, at places, v *verifier) error {
	purpose := func(code string, risk ceremony.Risk, ja, en string) ceremony.RegisteredPurpose {
		return ceremony.RegisteredPurpose{Code: code, Category: ceremony.Private, RiskFloor: risk, Sentence: ceremony.Text{JA: ja, EN: en}}
	}
	name := ceremony.Text{JA: "手形銀行", EN: "Tegata Bank"}
	login := purpose("bank", ceremony.R2, "銀行の画面に入ります。", "Sign in at the bank.")
	sign := purpose(bank.SignPurpose, ceremony.R3, "口座開設の申込書に署名します。", "Sign the application for an account.")
	set, err := json.Marshal(publicKeys(b.key))
	if err != nil {
		return err
	}
	permit := purpose(bank.PermitPurpose, ceremony.R3, "口座からの引き落としを許可します。", "Allow charges to your account.")
	login.Claims = []string{"name", "address", "birthdate", "gender"}
	release := purpose(bank.ReleasePurpose, ceremony.R3, "口座の停止を解く申込書に署名します。", "Sign the request to end the hold on your account.")
	consent := purpose(bank.ConsentPurpose, ceremony.R3, "お子さんの口座開設への同意書に署名します。", "Sign your consent to your child's account.")
	sign.Claims, permit.Claims, release.Claims, consent.Claims = login.Claims, login.Claims, login.Claims, login.Claims
	sign.OpensAccount = true
	_, err = v.register(ctx, sandboxOperator, oidc.Client{ID: bankID, Name: name, Mark: "bank", Profile: oidc.FAPI2, Authentication: oidc.PrivateKeyJWT, JWKS: set,
		RedirectURIs: []string{bankReturn(at)}, BackchannelLogoutURI: at.machine("bank") + "/v1/logout", Purpose: login, SignPurposes: []ceremony.RegisteredPurpose{sign, permit, release, consent}})
	return err
}

// routes are the bank's pages, and its outbox for the sandbox's street alone.
func (b *bankRole) routes(at places, token httpd.OperatorToken) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, b.db.Ping)
	httpd.WithMetrics(mux, b.metrics)
	mux.Handle("GET /v1/outbox", token.Guard(b.handler.Outbox()))
	mux.Handle("/", b.handler.Routes())
	return httpd.Guard(httpd.GuardOptions{Names: at.names("bank"), Pages: true, Log: b.log, Metrics: b.metrics, Refuse: b.handler.Refuse}, mux)
}
