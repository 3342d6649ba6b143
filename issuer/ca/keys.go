package ca

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"tegata/internal/secret"
	"tegata/issuer/profile"
)

// keys are the private keys at rest, sealed under the operator's sealing key.
func (c *CA) keys() secret.Keys {
	return secret.Keys{Dir: c.config.Dir, Sealer: c.config.Sealer, Files: c.config.Files}
}

// generate draws a key for an authority.
func generate(a profile.Algorithm) (crypto.Signer, error) {
	switch a {
	case profile.RSA2048SHA256:
		return rsa.GenerateKey(rand.Reader, 2048)
	case profile.ECDSAP384SHA384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	}
	return nil, fmt.Errorf("ca: no algorithm is called %.24q", a)
}
