package profile

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"math/big"
)

// checkRSA refuses what NIST SP 800-89, section 5.3.3 (partial validation) would:
// another size, another exponent, an even modulus or one with a small factor.
func checkRSA(pub crypto.PublicKey) error {
	key, ok := pub.(*rsa.PublicKey)
	if !ok || key.N == nil || key.N.BitLen() != 2048 || key.E != 65537 {
		return errors.New("profile: the public key must be RSA of 2048 bits with exponent 65537")
	}
	product, _ := new(big.Int).SetString(oddPrimes, 16)
	if key.N.Bit(0) == 0 || new(big.Int).GCD(nil, nil, key.N, product).Cmp(big.NewInt(1)) != 0 {
		return errors.New("profile: the RSA modulus has a small factor")
	}
	return nil
}

// oddPrimes is the product of all odd primes below 752, the bound of the document.
const oddPrimes = "" +
	"17b15f270460ec0c572736ed1a6c0e2486bfbba511125e2b3aea2eb072d86b322244d85a1b287f5ec78edba5336836bc85c4" +
	"eb7751f354aec8934acad6b94d6c026bdb5b93c297f050b377d12fee9b82210a0a84d8175a1448716b55514bbf26c4833eb2" +
	"33d324f7912b95e2238c0bf9486271161eb6cd2d655fc43093333ef4e3e1"
