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
	if key.N.Bit(0) == 0 || new(big.Int).GCD(nil, nil, key.N, oddPrimes).Cmp(big.NewInt(1)) != 0 {
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
// with the smallest a. It finds what zlint's e_rsa_fermat_factorization finds, counts
// in remainders, and takes a root only of what may be a square.
func closePrimes(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) == 0 {
		return true
	}
	a.Add(a, big.NewInt(1))
	square := new(big.Int).Mul(a, a)
	square.Sub(square, n) // b², if it is one
	var q, r big.Int
	modulus := new(big.Int).SetUint64(squareModulus)
	restA, rest := q.Mod(a, modulus).Uint64(), r.Mod(square, modulus).Uint64()
	for round := range uint64(fermatRounds) {
		if maySquare(rest) && isSquare(a, square, round) {
			return true
		}
		rest = (rest + 2*restA + 1) % squareModulus // (a+1)² - n
		restA++
	}
	return false
}

// isSquare says whether (a+k)² - n is a square, when square is a² - n.
func isSquare(a, square *big.Int, k uint64) bool {
	step := new(big.Int).SetUint64(k)
	x := new(big.Int).Lsh(a, 1)
	x.Add(x, step).Mul(x, step).Add(x, square) // a² - n + k(2a + k)
	root := new(big.Int).Sqrt(x)
	return root.Mul(root, root).Cmp(x) == 0
}

// squareModulus is the product of what maySquare divides by.
const squareModulus = 64 * 63 * 65 * 11

// The remainders that squares leave.
var squares64, squares63, squares65, squares11 = squaresModulo(64), squaresModulo(63), squaresModulo(65), squaresModulo(11)

func squaresModulo(m uint64) (is [65]bool) {
	for i := range m {
		is[i*i%m] = true
	}
	return is
}

// maySquare is false of no square and of 99 in a hundred other numbers, told by
// their remainder modulo squareModulus: a square is one modulo 64, 63, 65 and 11 too
// (Cohen, A Course in Computational Algebraic Number Theory, algorithm 1.7.3).
func maySquare(rest uint64) bool {
	return squares64[rest%64] && squares63[rest%63] && squares65[rest%65] && squares11[rest%11]
}

// oddPrimes is the product of all odd primes below 752, the bound of the document.
var oddPrimes = hexadecimal("" +
	"17b15f270460ec0c572736ed1a6c0e2486bfbba511125e2b3aea2eb072d86b322244d85a1b287f5ec78edba5336836bc85c4" +
	"eb7751f354aec8934acad6b94d6c026bdb5b93c297f050b377d12fee9b82210a0a84d8175a1448716b55514bbf26c4833eb2" +
	"33d324f7912b95e2238c0bf9486271161eb6cd2d655fc43093333ef4e3e1")

func hexadecimal(text string) *big.Int {
	n, ok := new(big.Int).SetString(text, 16)
	if !ok {
		panic("profile: a constant is no number")
	}
	return n
}
