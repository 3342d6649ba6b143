package profile

import (
	"crypto"
	"crypto/rsa"
	"errors"
	"math/big"
)

// checkRSA refuses what NIST SP 800-89, section 5.3.3 (partial validation) would:
// another size, another exponent, an even modulus or one with a small factor; and a
// modulus of two primes so close to each other that anybody finds them.
func checkRSA(pub crypto.PublicKey) error {
	key, ok := pub.(*rsa.PublicKey)
	if !ok || key.N == nil || key.N.BitLen() != 2048 || key.E != 65537 {
		return errors.New("profile: the public key must be RSA of 2048 bits with exponent 65537")
	}
	product, _ := new(big.Int).SetString(oddPrimes, 16)
	if key.N.Bit(0) == 0 || new(big.Int).GCD(nil, nil, key.N, product).Cmp(big.NewInt(1)) != 0 {
		return errors.New("profile: the RSA modulus has a small factor")
	}
	if closePrimes(key.N) {
		return errors.New("profile: the RSA modulus is of two primes close to each other")
	}
	return nil
}

// fermatRounds is how far from each other primes must be: as zlint and Let's
// Encrypt look for them.
const fermatRounds = 100

// closePrimes tries Fermat's factorization: n = a² - b² = (a + b)(a - b), beginning
// with the smallest a. It finds what zlint's e_rsa_fermat_factorization finds, and
// takes a root only of what may be a square.
func closePrimes(n *big.Int) bool {
	one := big.NewInt(1)
	a, step, root := new(big.Int).Sqrt(n), new(big.Int), new(big.Int)
	if step.Mul(a, a).Cmp(n) == 0 {
		return true
	}
	a.Add(a, one)
	square := new(big.Int).Mul(a, a)
	square.Sub(square, n) // b², if it is one
	for range fermatRounds {
		if maySquare(square) && root.Mul(root.Sqrt(square), root).Cmp(square) == 0 {
			return true
		}
		square.Add(square, step.Lsh(a, 1)).Add(square, one) // (a+1)² - n
		a.Add(a, one)
	}
	return false
}

// maySquare is false of no square and of 99 in a hundred other numbers: a square is
// one modulo 64, 63, 65 and 11 too (Cohen, A Course in Computational Algebraic Number
// Theory, algorithm 1.7.3).
func maySquare(x *big.Int) bool {
	low := uint64(0)
	for i := range 6 {
		low |= uint64(x.Bit(i)) << i
	}
	if !squareModulo(low, 64) {
		return false
	}
	rest := new(big.Int).Mod(x, big.NewInt(63*65*11)).Uint64()
	return squareModulo(rest, 63) && squareModulo(rest, 65) && squareModulo(rest, 11)
}

func squareModulo(x, m uint64) bool {
	for i := uint64(0); i <= m/2; i++ {
		if i*i%m == x%m {
			return true
		}
	}
	return false
}

// oddPrimes is the product of all odd primes below 752, the bound of the document.
const oddPrimes = "" +
	"17b15f270460ec0c572736ed1a6c0e2486bfbba511125e2b3aea2eb072d86b322244d85a1b287f5ec78edba5336836bc85c4" +
	"eb7751f354aec8934acad6b94d6c026bdb5b93c297f050b377d12fee9b82210a0a84d8175a1448716b55514bbf26c4833eb2" +
	"33d324f7912b95e2238c0bf9486271161eb6cd2d655fc43093333ef4e3e1"
