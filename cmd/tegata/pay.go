package main

import (
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"tegata/internal/ceremony"
	"tegata/internal/httpd"
	"tegata/internal/ui"
	"tegata/services/pay"
	"tegata/services/relying"
	paystore "tegata/store/pay"
	"tegata/verifier/oidc"
)

// payID is the sandbox's wallet, as a client of the OpenID Provider and in its letters.
const payID = "tegata-pay"

// payName is what the bank calls it, as the verifier does.
var payName = ui.Text{JA: "てがたペイ", EN: "Tegata Pay"}

// payRole is the wallet.
type payRole struct {
	*room
	pay     *pay.Pay
	handler *pay.Handler
	key     *ecdsa.PrivateKey // of the client, and of its letters
	till    tillParts
}

// openPay opens the wallet's room and its till, whose reader listens at slot and whose
// clerks sign in by a code.
func (b build) openPay(ctx context.Context, at site, slot, code string) (*payRole, error) {
	r, err := b.openRoom(ctx, at.base, "pay", paystore.Schema)
	if err != nil {
		return nil, err
	}
	role := &payRole{room: r}
	if err := role.open(ctx, at, slot, code); err != nil {
		return nil, errors.Join(err, role.Close())
	}
	return role, nil
}

func (p *payRole) open(ctx context.Context, at site, slot, code string) (err error) {
	if p.key, err = p.clientKey(); err != nil {
		return err
	}
	client := httpd.Client(outsiderTimeout)
	party, err := relying.New(relying.Config{Issuer: at.machine("verifier"), ClientID: payID, Key: p.key, KeyID: clientKeyID, RedirectURI: payReturn(at), HTTP: client})
	if err != nil {
		return err
	}
	name := ui.Text{JA: "手形銀行", EN: "Tegata Bank"}
	bank, err := pay.NewBank(pay.BankConfig{ID: bankID, Origin: at.page("bank"), API: at.machine("bank"), Self: payID, Key: p.key, KeyID: clientKeyID, HTTP: client})
	if err != nil {
		return err
	}
	p.pay = pay.New(pay.Config{Store: paystore.New(p.db), Verifier: party, VerifierURL: at.machine("verifier"), Bank: bank, Now: at.now, Log: p.log})
	if err := p.openTill(ctx, at, slot, client); err != nil {
		return err
	}
	if err := p.till.tills.SetCode(ctx, p.till.shop.ID, code); err != nil {
		return fmt.Errorf("the till's code: %w", err)
	}
	p.handler, err = pay.NewHandler(pay.Options{Pay: p.pay, Party: party, Tills: p.till.tills, Hold: at.page("street") + "/hold", Codes: at.page("street") + "/offers?secrets=till-" + p.till.shop.ID + "#secrets", Bank: name, Key: &p.key.PublicKey, KeyID: clientKeyID, Sandbox: at.sandbox, Secure: !at.sandbox, Now: at.now, Log: p.log})
	return err
}

func payReturn(at places) string { return at.page("pay") + "/callback" }

// register registers the wallet with the verifier, as any such party is.
func (p *payRole) register(ctx context.Context, at places, v *verifier) error {
	purpose := func(code string, risk ceremony.Risk, ja, en string) ceremony.RegisteredPurpose {
		return ceremony.RegisteredPurpose{Code: code, Category: ceremony.Private, RiskFloor: risk, Sentence: ceremony.Text{JA: ja, EN: en},
			Claims: []string{"name", "address", "birthdate", "gender"}}
	}
	set, err := json.Marshal(publicKeys(p.key))
	if err != nil {
		return err
	}
	if err := p.registerTill(ctx, at, v); err != nil {
		return err
	}
	_, err = v.register(ctx, sandboxOperator, oidc.Client{ID: payID, Name: ceremony.Text{JA: payName.JA, EN: payName.EN}, Mark: "pay", Profile: oidc.FAPI2,
		Authentication: oidc.PrivateKeyJWT, JWKS: set, RedirectURIs: []string{payReturn(at)}, BackchannelLogoutURI: at.machine("pay") + "/v1/logout",
		Purpose:      purpose("pay", ceremony.R2, "ウォレットの画面で、あなたを確かめます。", "Confirm on the wallet's pages that it is you."),
		SignPurposes: []ceremony.RegisteredPurpose{purpose(pay.SignPurpose, ceremony.R3, "ウォレットの利用規約に署名します。", "Sign the terms of a wallet.")}})
	return err
}

// routes are the wallet's pages, and where the bank tells it something.
func (p *payRole) routes(at places) http.Handler {
	mux := http.NewServeMux()
	httpd.WithHealth(mux, p.db.Ping)
	httpd.WithMetrics(mux, p.metrics)
	mux.Handle("/", p.handler.Routes())
	return httpd.Guard(httpd.GuardOptions{Names: at.names("pay"), Pages: true, Log: p.log, Metrics: p.metrics, Refuse: p.handler.Refuse}, mux)
}
