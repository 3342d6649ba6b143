package main

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"path/filepath"

	"tegata/internal/attest"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/issuer/profile"
	"tegata/sandbox"
	"tegata/services/street"
	"tegata/verifier/gateway"
)

// openFactory opens the maker of the sandbox's phones: the one whose root the
// registration authority trusts.
func (n *neighbourhood) openFactory(ctx context.Context) error {
	r, err := n.openRoom(ctx, n.dir, "factory", nil)
	if err != nil {
		return err
	}
	path := filepath.Join(r.dir, "maker")
	n.maker, err = attest.OpenMaker(r.sealer, path)
	if errors.Is(err, fs.ErrNotExist) {
		n.maker, err = attest.CreateMaker(n.files, r.sealer, path, sandbox.MakerName, n.clock.Now())
	}
	return err
}

// buildRest opens those who need the present: verifier, phones, portal, and the
// street's own key.
func (n *neighbourhood) buildRest(ctx context.Context) (err error) {
	n.addWork(n.municipality.register) // not before: walking through the years builds it anew
	if n.verifier, err = n.openVerifier(ctx, n.site()); err != nil {
		return err
	}
	n.closers = append(n.closers, n.verifier)
	n.addWork(n.verifier.gateway)
	n.open("verifier", n.verifier.doors(n.settings, func(h http.Handler) http.Handler { return n.settings.ownName("verifier", h) },
		n.guardedDocuments(n.settings, n.verifier.metrics, n.verifier.sandboxRoutes(n.token, n.settings.machine("verifier")))))

	n.addWork(n.phones.phones) // not before: a phone that was registered years ago and then lay in a drawer checks in from now on

	if n.portal, err = n.openPortal(ctx, n.site(), portalName); err != nil {
		return err
	}
	n.closers = append(n.closers, n.portal)
	registration := portalRegistration(n.settings, portalName)
	registration.Keys = []string{ceremony.KeyID(n.portal.who.chain[0])}
	if err := n.verifier.gateway.Register(ctx, sandboxOperator, registration); err != nil {
		return err
	}
	n.open("portal", n.settings.ownName("portal", n.portal.routes(n.settings)))

	if n.helpdesk, err = n.openHelpdesk(ctx, n.site(), n.settings.readerAt(helpdeskReader)); err != nil {
		return err
	}
	n.closers = append(n.closers, n.helpdesk)
	n.addWork(n.helpdesk.helpdesk)
	n.open("helpdesk", n.settings.ownName("helpdesk", n.helpdesk.routes(n.settings)))

	if n.bank, err = n.openBank(ctx, n.site()); err != nil {
		return err
	}
	n.closers = append(n.closers, n.bank)
	if err := n.bank.register(ctx, n.settings, n.verifier); err != nil {
		return err
	}
	n.addWork(informed{n.bank.bank, n.verifier.wait})
	n.open("bank", n.settings.ownName("bank", n.bank.routes(n.settings, n.token)))

	code, err := n.secrets.Till(payShop)
	if err != nil {
		return err
	}
	if n.pay, err = n.openPay(ctx, n.site(), n.settings.readerAt(payReader), code); err != nil {
		return err
	}
	n.closers = append(n.closers, n.pay)
	if err := n.pay.register(ctx, n.settings, n.verifier); err != nil {
		return err
	}
	n.addWork(n.pay.pay)
	n.open("pay", n.settings.ownName("pay", n.pay.routes(n.settings)))

	if n.carrier, err = n.openCarrier(ctx, n.site()); err != nil {
		return err
	}
	n.closers = append(n.closers, n.carrier)
	if err := n.carrier.register(ctx, n.settings, n.verifier); err != nil {
		return err
	}
	n.addWork(informed{n.carrier.carrier, n.verifier.wait})
	n.open("carrier", n.settings.ownName("carrier", n.carrier.routes(n.settings, n.token)))

	if n.streetRoom, err = n.openRoom(ctx, n.dir, "street", nil); err != nil {
		return err
	}
	return n.registerShop(ctx)
}

// shopKey opens the trial counter's own key, which rests in the street's room.
func (n *neighbourhood) shopKey(ctx context.Context) (street.ShopKey, error) {
	if n.streetRoom == nil {
		return street.ShopKey{}, errBeingMade
	}
	party := profile.Party{ID: street.ShopID, Role: pki.RoleParty, Origins: []string{n.settings.page("street")}}
	who, err := certify(ctx, n.issuer.ca, n.streetRoom, street.ShopID, party, n.clock.Now())
	return street.ShopKey{Signer: who.signer, Chain: who.chain}, err
}

// registerShop registers the trial counter, as any party is.
func (n *neighbourhood) registerShop(ctx context.Context) error {
	key, err := n.shopKey(ctx)
	if err != nil {
		return err
	}
	origin := n.settings.page("street")
	return n.verifier.gateway.Register(ctx, sandboxOperator, gateway.Party{
		ID: street.ShopID, Name: ceremony.Text{JA: "ためしの窓口", EN: "Trial counter"}, Mark: "ため", Purposes: street.ShopPurposes(),
		Origins: []string{origin}, ReturnURLs: []string{origin + street.ShopReturn}, Keys: []string{ceremony.KeyID(key.Chain[0])},
	})
}
