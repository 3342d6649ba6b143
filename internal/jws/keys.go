package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-jose/go-jose/v4"
)

// sign signs the signing input with any crypto.Signer: a file, a card, a token. A
// crypto.Signer gives ECDSA signatures as a DER sequence; RFC 7518, section 3.4
// wants r and s side by side.
func sign(signer crypto.Signer, alg jose.SignatureAlgorithm, input []byte) ([]byte, error) {
	h, err := hashOf(alg)
	if err != nil {
		return nil, err
	}
	digest := sum(h, input)
	if alg == PS256 {
		// RFC 7518, section 3.5: the salt is as long as the hash.
		return signer.Sign(rand.Reader, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h})
	}
	der, err := signer.Sign(rand.Reader, digest, h)
	if err != nil {
		return nil, err
	}
	var rs struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(der, &rs); err != nil || len(rest) != 0 {
		return nil, errors.New("jws: the signer's answer is not an ECDSA signature")
	}
	size := h.Size() // P-256 with SHA-256 and P-384 with SHA-384: as long as the digest
	if rs.R.BitLen() > 8*size || rs.S.BitLen() > 8*size {
		return nil, errors.New("jws: the signer's answer does not fit its curve")
	}
	out := make([]byte, 2*size)
	rs.R.FillBytes(out[:size])
	rs.S.FillBytes(out[size:])
	return out, nil
}

// verify checks one signature with one key. The salt length of PSS is checked too,
// as RFC 7518, section 3.5 has it.
func verify(key crypto.PublicKey, alg jose.SignatureAlgorithm, input, signature []byte) error {
	h, err := hashOf(alg)
	if err != nil {
		return err
	}
	digest := sum(h, input)
	switch key := key.(type) {
	case *rsa.PublicKey:
		return rsa.VerifyPSS(key, h, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h})
	case *ecdsa.PublicKey:
		if len(signature) != 2*h.Size() {
			return ErrSignature
		}
		r := new(big.Int).SetBytes(signature[:h.Size()])
		s := new(big.Int).SetBytes(signature[h.Size():])
		if !ecdsa.Verify(key, digest, r, s) {
			return ErrSignature
		}
		return nil
	}
	return ErrAlgorithm
}

func hashOf(alg jose.SignatureAlgorithm) (crypto.Hash, error) {
	switch alg {
	case ES256, PS256:
		return crypto.SHA256, nil
	case ES384:
		return crypto.SHA384, nil
	}
	return 0, fmt.Errorf("%w: %s", ErrAlgorithm, alg)
}

func sum(h crypto.Hash, data []byte) []byte {
	w := h.New()
	w.Write(data)
	return w.Sum(nil)
}
