package main

import (
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"tegata/internal/attest"
	"tegata/sandbox"
)

// factory is where the sandbox's phones are made: the maker whose root the
// authority trusts, and a copycat whose root nobody knows.
type factory struct{ known, copycat attest.Maker }

// roots are the makers that the registration authority trusts.
func (f factory) roots() []*x509.Certificate { return []*x509.Certificate{f.known.Root} }

// openFactory opens the makers' room.
func (n *neighbourhood) openFactory(ctx context.Context) error {
	r, err := n.openRoom(ctx, n.dir, "factory", nil)
	if err != nil {
		return err
	}
	for _, m := range []struct {
		into       *attest.Maker
		file, name string
	}{{&n.factory.known, "maker", sandbox.MakerName}, {&n.factory.copycat, "copycat", sandbox.CopycatName}} {
		path := filepath.Join(r.dir, m.file)
		*m.into, err = attest.OpenMaker(r.sealer, path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrNotExist) {
			*m.into, err = attest.CreateMaker(n.files, r.sealer, path, m.name, n.clock.Now())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// buildRest opens those who need the present: verifier, phones, portal, and the
// street's own key.
func (n *neighbourhood) buildRest(ctx context.Context) (err error) {
	if n.verifier, err = n.openVerifier(ctx, n.dir, n.settings, n.clock, n.issuer.ca, n.sink()); err != nil {
		return err
	}
	n.closers = append(n.closers, n.verifier)
	n.addWork(n.verifier.gateway)
	n.open("verifier", n.guarded("verifier", n.verifier.routes()))
	return nil
}
