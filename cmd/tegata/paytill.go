package main

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"net/http"

	"tegata/holder/reader"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/internal/ui"
	"tegata/issuer/profile"
	"tegata/services/pay"
	"tegata/verifier/gateway"
)

// The sandbox's one shop that takes the wallet: its till's slot, and where that listens from
// the base port. payTillID is who asks there.
const (
	payShop   = "asahi"
	payTillID = "tegata-pay-till"
	paySlot   = "pay:asahi"
	payReader = 17
)

// tillParts are what a till has beside the wallet.
type tillParts struct {
	who    identity
	shop   pay.Shop
	reader *reader.Reader
	tills  *pay.Tills
}

// openTill certifies who asks at the till and the till itself, and has its reader listen.
func (p *payRole) openTill(ctx context.Context, at site, slot string, client *http.Client) (err error) {
	t := &p.till
	if t.who, err = at.certify(ctx, p.room, "till", profile.Party{ID: payTillID, Role: pki.RoleParty, Origins: []string{at.page("pay")}}); err != nil {
		return err
	}
	key, ok := t.who.signer.(*ecdsa.PrivateKey)
	if !ok {
		return errors.New("cmd: the till's key is not on P-256")
	}
	terminal, err := at.certify(ctx, p.room, "terminal", profile.Party{ID: "asahi-1", Role: pki.RoleTerminal, Origins: []string{at.page("pay")}})
	if err != nil {
		return err
	}
	if t.reader, err = reader.Listen(slot); err != nil {
		return usagef("%v; stop the program that has this port, or make another sandbox with `tegata init -data DIR -listen HOST:PORT`", err)
	}
	t.shop = pay.Shop{ID: payShop, Name: ui.Text{JA: "お茶処あさひ 本町店", EN: "Asahi Tea House, Honmachi"}, Address: ui.Text{JA: "見本県手形市本町一丁目4番5号", EN: "1-4-5 Honmachi, Tegata, Mihon"},
		Till: "asahi-1", Certificate: terminal.chain[0], Slot: t.reader, Reader: t.reader.Addr()}
	asker := pay.NewAsker(pay.AskerConfig{Party: payTillID, Key: key, Chain: t.who.chain, Verifier: verifierID, Origin: at.machine("verifier"), HTTP: client, Now: at.now})
	t.tills = pay.NewTills(p.pay, asker, t.shop)
	return nil
}

// registerTill registers who asks at the till, in the wallet's sector: the sub of whoever
// agrees there is the wallet's.
func (p *payRole) registerTill(ctx context.Context, at places, v *verifier) error {
	text := func(t ui.Text) ceremony.Text { return ceremony.Text{JA: t.JA, EN: t.EN} }
	s := p.till.shop
	return v.gateway.Register(ctx, sandboxOperator, gateway.Party{ID: payTillID, Sector: payID, Name: text(payName), Mark: "pay",
		Origins: []string{at.page("pay")}, ReturnURLs: []string{at.page("pay") + "/till"}, Keys: []string{ceremony.KeyID(p.till.who.chain[0])},
		Purposes:  []ceremony.RegisteredPurpose{{Code: pay.TillPurpose, Category: ceremony.Private, RiskFloor: ceremony.R2, Sentence: text(pay.TillSentence())}},
		Terminals: []ceremony.RegisteredTerminal{{ID: s.Till, Place: text(s.Name), Address: text(s.Address), Key: ceremony.KeyID(s.Certificate)}}})
}

// Close lets go of what the till waits for, and closes the room.
func (p *payRole) Close() error {
	var err error
	if p.till.reader != nil {
		err = p.till.reader.Close()
	}
	if p.till.tills != nil {
		err = errors.Join(err, p.till.tills.Close())
	}
	return errors.Join(err, p.room.Close())
}
