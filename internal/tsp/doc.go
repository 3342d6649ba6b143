// Package tsp is the Time-Stamp Protocol (RFC 3161, with RFC 5816): requests,
// responses and the tokens in them, made and checked.
//
// It owns the encoding, what a time-stamp authority signs, and the check that a
// token is over a given digest and answers a given request. The signature under a
// token is package cms's. Whether the authority's certificate is any good (path,
// policy, status) is left to certpath and the caller; who may ask, and the record of
// serial numbers, to verifier/tsa.
//
// # Trust
//
// Requests, responses and tokens are strangers' bytes. A token that passed Open says
// that the holder of a key, certified for time-stamping and nothing else by whoever
// signed that certificate, has seen the digest at the moment that it names. Digests
// weaker than SHA-256 are read by nobody here.
package tsp

import (
	"crypto"
	_ "crypto/sha256" // SHA-256 of crypto.Hash
	_ "crypto/sha512" // SHA-384 and SHA-512
	"encoding/asn1"
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// What a token or a response can be refused for. What is wrong with the signature
// under a token is an error of package cms.
var (
	ErrMalformed   = errors.New("tsp: malformed")
	ErrWeakDigest  = errors.New("tsp: digest weaker than SHA-256")
	ErrImprint     = errors.New("tsp: the token is over something else")
	ErrNonce       = errors.New("tsp: the token answers another request")
	ErrPolicy      = errors.New("tsp: not the policy that was asked for")
	ErrCertificate = errors.New("tsp: the certificate is not one for time-stamping alone")
	// ErrDeclined: the authority did not grant a token; see also *Declined.
	ErrDeclined = errors.New("tsp: the authority declined")
)

var oidTimeStamping = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 8}

// digests are those that are read and written (RFC 5754, section 2).
var digests = []struct {
	hash crypto.Hash
	oid  asn1.ObjectIdentifier
}{
	{crypto.SHA256, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}},
	{crypto.SHA384, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}},
	{crypto.SHA512, asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}},
}

func tagged(n uint8) cbasn1.Tag { return cbasn1.Tag(n).ContextSpecific().Constructed() }

// addImprint writes a MessageImprint (RFC 3161, 2.4.1).
func addImprint(b *cryptobyte.Builder, h crypto.Hash, digest []byte) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, d := range digests {
				if d.hash == h {
					b.AddASN1ObjectIdentifier(d.oid)
				}
			}
			b.AddASN1NULL()
		})
		b.AddASN1OctetString(digest)
	})
}

// readImprint reads a MessageImprint: ErrMalformed, or ErrWeakDigest for an algorithm
// that is none of digests.
func readImprint(in *cryptobyte.String) (crypto.Hash, []byte, error) {
	var imprint, alg, params, digest cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&imprint, cbasn1.SEQUENCE) || !imprint.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&oid) ||
		!alg.Empty() && (!alg.ReadASN1(&params, cbasn1.NULL) || !params.Empty() || !alg.Empty()) ||
		!imprint.ReadASN1(&digest, cbasn1.OCTET_STRING) || !imprint.Empty() {
		return 0, nil, ErrMalformed
	}
	for _, d := range digests {
		if !oid.Equal(d.oid) {
			continue
		}
		// RFC 3161, 2.4.2: an imprint has the length of its algorithm's digests.
		if len(digest) != d.hash.Size() {
			return 0, nil, ErrMalformed
		}
		return d.hash, digest, nil
	}
	return 0, nil, ErrWeakDigest
}
