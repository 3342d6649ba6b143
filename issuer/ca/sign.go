package ca

import (
	"context"
	"crypto/rand"
	"fmt"

	"tegata/internal/pki"
	"tegata/issuer/profile"
)

// sign puts i's signature under tbs and verifies it before anybody sees it: a
// signature made by a faulty computation can give an RSA key away.
func (i issuer) sign(tbs []byte) ([]byte, error) {
	h := i.Algorithm.Hash()
	digest := h.New()
	digest.Write(tbs)
	signature, err := i.signer.Sign(rand.Reader, digest.Sum(nil), h)
	if err != nil {
		return nil, fmt.Errorf("ca: sign with %s: %w", i.Label(), err)
	}
	if i.Certificate != nil {
		if err := i.Certificate.CheckSignature(i.Algorithm.X509(), tbs, signature); err != nil {
			return nil, fmt.Errorf("ca: the signature of %s is wrong: %w", i.Label(), err)
		}
	}
	der, err := profile.Assemble(tbs, i.Algorithm, signature)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	return der, nil
}

// SignCRL signs a tbsCertList that package status made. ErrBehind of that package
// when the clock has run backwards.
func (c *CA) SignCRL(_ context.Context, kind pki.Kind, generation int, tbs []byte) ([]byte, error) {
	if err := c.config.Ledger.Steady(); err != nil {
		return nil, fmt.Errorf("ca: sign CRL: %w", err)
	}
	i, err := c.generation(kind, generation)
	if err != nil {
		return nil, err
	}
	return i.sign(tbs)
}
