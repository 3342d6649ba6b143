package tsp

import (
	"crypto"
	"crypto/rand"
	"encoding/asn1"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// MediaTypes of a request and of its answer over HTTP (RFC 3161, 3.4).
const (
	QueryMediaType = "application/timestamp-query"
	ReplyMediaType = "application/timestamp-reply"
)

// Request is a TimeStampReq (RFC 3161, 2.4.1).
type Request struct {
	Hash    crypto.Hash
	Imprint []byte
	Policy  asn1.ObjectIdentifier // nil: the authority's own
	Nonce   *big.Int              // nil: none
	CertReq bool                  // the token shall carry the authority's certificate
}

// maxNonce bounds a nonce, in bits.
const maxNonce = 512

// NewRequest asks for a time-stamp over a digest, with a fresh nonce of 128 bits and
// the authority's certificate in the token: without it nobody could check the token
// later. It panics when the digest is not h's.
func NewRequest(h crypto.Hash, digest []byte) Request {
	if len(digest) != h.Size() {
		panic("tsp: a digest of another algorithm")
	}
	var nonce [16]byte
	rand.Read(nonce[:]) // never fails
	nonce[0] |= 0x80    // always 128 bits long
	return Request{Hash: h, Imprint: digest, Nonce: new(big.Int).SetBytes(nonce[:]), CertReq: true}
}

// Marshal writes the request in DER.
func (r Request) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1)
		addImprint(b, r.Hash, r.Imprint)
		if r.Policy != nil {
			b.AddASN1ObjectIdentifier(r.Policy)
		}
		if r.Nonce != nil {
			b.AddASN1BigInt(r.Nonce)
		}
		if r.CertReq { // DEFAULT FALSE is not encoded (X.690, 11.5)
			b.AddASN1Boolean(true)
		}
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("tsp: request: %w", err)
	}
	return der, nil
}

// ParseRequest reads a request as an authority does. Its errors are *Declined, with
// the failure that RFC 3161, 2.4.2 has for it, and wrap ErrMalformed or
// ErrWeakDigest where it is that.
func ParseRequest(der []byte) (Request, error) {
	r := Request{}
	in := cryptobyte.String(der)
	var fields cryptobyte.String
	var version int64
	if !in.ReadASN1(&fields, cbasn1.SEQUENCE) || !in.Empty() || !fields.ReadASN1Integer(&version) {
		return r, &Declined{BadDataFormat, ErrMalformed}
	}
	if version != 1 {
		return r, &Declined{BadRequest, fmt.Errorf("%w: version %d", ErrMalformed, version)}
	}
	var err error
	switch r.Hash, r.Imprint, err = readImprint(&fields); err {
	case nil:
	case ErrWeakDigest:
		return r, &Declined{BadAlg, err}
	default:
		return r, &Declined{BadDataFormat, err}
	}
	if fields.PeekASN1Tag(cbasn1.OBJECT_IDENTIFIER) && !fields.ReadASN1ObjectIdentifier(&r.Policy) {
		return r, &Declined{BadDataFormat, ErrMalformed}
	}
	if fields.PeekASN1Tag(cbasn1.INTEGER) {
		r.Nonce = new(big.Int)
		if !fields.ReadASN1Integer(r.Nonce) || r.Nonce.BitLen() > maxNonce {
			return r, &Declined{BadDataFormat, ErrMalformed}
		}
	}
	if fields.PeekASN1Tag(cbasn1.BOOLEAN) && !fields.ReadASN1Boolean(&r.CertReq) {
		return r, &Declined{BadDataFormat, ErrMalformed}
	}
	// RFC 3161, 2.4.1: an extension that is not understood, critical or not, is a
	// reason not to issue a token.
	if fields.PeekASN1Tag(tagged(0)) {
		return r, &Declined{UnacceptedExtension, fmt.Errorf("tsp: no extension is known here")}
	}
	if !fields.Empty() {
		return r, &Declined{BadDataFormat, ErrMalformed}
	}
	return r, nil
}
