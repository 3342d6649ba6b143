package xades

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha256" // of crypto.Hash
	_ "crypto/sha512"
	"fmt"
	"math/big"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// Identifiers of RFC 9231 and XML Encryption.
const (
	uriSHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
	uriSHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
	uriSHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"
	uriMore   = "http://www.w3.org/2001/04/xmldsig-more#"
)

// algorithm is a signature algorithm.
type algorithm struct {
	ec   bool
	hash crypto.Hash
}

var algorithms = map[string]algorithm{
	uriMore + "rsa-sha256":   {false, crypto.SHA256},
	uriMore + "rsa-sha384":   {false, crypto.SHA384},
	uriMore + "rsa-sha512":   {false, crypto.SHA512},
	uriMore + "ecdsa-sha256": {true, crypto.SHA256},
	uriMore + "ecdsa-sha384": {true, crypto.SHA384},
	uriMore + "ecdsa-sha512": {true, crypto.SHA512},
}

var digests = map[string]crypto.Hash{uriSHA256: crypto.SHA256, uriSHA384: crypto.SHA384, uriSHA512: crypto.SHA512}

// algorithmOf returns the signature algorithm that an identifier names.
func algorithmOf(uri string) (algorithm, error) {
	if a, ok := algorithms[uri]; ok {
		return a, nil
	}
	if strings.Contains(uri, "#hmac-") {
		return algorithm{}, fmt.Errorf("%w: %s", ErrHMAC, uri)
	}
	return algorithm{}, refuse(uri)
}

func digestOf(uri string) (crypto.Hash, error) {
	if h, ok := digests[uri]; ok {
		return h, nil
	}
	return 0, refuse(uri)
}

// refuse says why an algorithm is not among the accepted.
func refuse(uri string) error {
	for _, weak := range []string{"sha1", "sha224", "md5", "ripemd160"} {
		if strings.HasSuffix(uri, weak) {
			return fmt.Errorf("%w: %s", ErrWeakDigest, uri)
		}
	}
	return fmt.Errorf("%w: %q", ErrAlgorithm, uri)
}

// suite is what we sign with.
type suite struct {
	algorithm
	uri, digestURI string
}

// suiteFor returns the algorithms for a key: RSA with PKCS #1 v1.5 and SHA-256, EC
// with the hash of its curve's size.
func suiteFor(pub crypto.PublicKey) (suite, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return suite{algorithm{false, crypto.SHA256}, uriMore + "rsa-sha256", uriSHA256}, nil
	case *ecdsa.PublicKey:
		switch k.Curve.Params().BitSize {
		case 256:
			return suite{algorithm{true, crypto.SHA256}, uriMore + "ecdsa-sha256", uriSHA256}, nil
		case 384:
			return suite{algorithm{true, crypto.SHA384}, uriMore + "ecdsa-sha384", uriSHA384}, nil
		}
	}
	return suite{}, fmt.Errorf("%w: no algorithm for a %T", ErrAlgorithm, pub)
}

// verify checks value, as it stands in SignatureValue, over octets.
func (a algorithm) verify(pub crypto.PublicKey, octets, value []byte) error {
	sum := digest(a.hash, octets)
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); a.ec || bits < 2048 || bits > 8192 {
			return fmt.Errorf("%w: RSA key of %d bits", ErrSignature, bits)
		}
		if rsa.VerifyPKCS1v15(k, a.hash, sum, value) != nil {
			return ErrSignature
		}
		return nil
	case *ecdsa.PublicKey:
		bits := k.Curve.Params().BitSize
		if !a.ec || bits != 256 && bits != 384 {
			return fmt.Errorf("%w: EC key of %d bits", ErrSignature, bits)
		}
		// XML Signature 1.1, section 6.4.3: r and s, each as long as the order.
		size := bits / 8
		if len(value) != 2*size {
			return fmt.Errorf("%w: %d bytes", ErrSignature, len(value))
		}
		r, s := new(big.Int).SetBytes(value[:size]), new(big.Int).SetBytes(value[size:])
		if !ecdsa.Verify(k, sum, r, s) {
			return ErrSignature
		}
		return nil
	}
	return fmt.Errorf("%w: key of type %T", ErrSignature, pub)
}

// encode turns what a crypto.Signer returns into what SignatureValue holds.
func (a algorithm) encode(pub crypto.PublicKey, signature []byte) ([]byte, error) {
	k, ec := pub.(*ecdsa.PublicKey)
	if !ec {
		return signature, nil
	}
	der := cryptobyte.String(signature)
	var both cryptobyte.String
	var r, s big.Int
	if !der.ReadASN1(&both, cbasn1.SEQUENCE) || !der.Empty() || !both.ReadASN1Integer(&r) || !both.ReadASN1Integer(&s) || !both.Empty() {
		return nil, fmt.Errorf("%w: not an ECDSA-Sig-Value", ErrSignature)
	}
	bits := k.Curve.Params().BitSize
	if r.Sign() < 0 || s.Sign() < 0 || r.BitLen() > bits || s.BitLen() > bits {
		return nil, fmt.Errorf("%w: out of range", ErrSignature)
	}
	value := make([]byte, bits/4)
	r.FillBytes(value[:bits/8])
	s.FillBytes(value[bits/8:])
	return value, nil
}

func digest(h crypto.Hash, octets []byte) []byte {
	d := h.New()
	d.Write(octets)
	return d.Sum(nil)
}
