package main

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"

	"tegata/internal/attest"
	"tegata/internal/ceremony"
	"tegata/sandbox"
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
	n.open("verifier", n.guarded(n.settings, "verifier", n.verifier.metrics, n.verifier.routes()))

	if n.phones, err = n.openPhones(ctx, n.site(), n.maker); err != nil {
		return err
	}
	n.closers = append(n.closers, n.phones)
	n.addWork(n.phones.phones)
	n.open("phone", n.settings.ownName("phone", n.phones.routes(n.settings, n.token)))

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

	n.streetRoom, err = n.openRoom(ctx, n.dir, "street", nil)
	return err
}
