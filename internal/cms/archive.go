package cms

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// ErrHashIndex: an archive time-stamp without a readable ats-hash-index-v3, or one
// that names what is not in the signature.
var ErrHashIndex = errors.New("cms: ats-hash-index-v3 does not fit the signature")

// A HashIndex is an ats-hash-index-v3 (ETSI EN 319 122-1, 5.5.2): hashes of all that
// stood around a signature when an archive time-stamp was made over it. Whatever is
// added later does not disturb it, whatever is taken away or changed does.
type HashIndex struct {
	der   []byte
	hash  crypto.Hash
	certs [][]byte
	crls  [][]byte
	attrs [][]byte
}

// HashIndex makes the index of the signature as it is now.
func (s *Signed) HashIndex(h crypto.Hash) (*HashIndex, error) {
	x := &HashIndex{hash: h}
	for _, c := range s.message.certs {
		x.certs = append(x.certs, digest(h, c))
	}
	for _, a := range s.unsigned {
		for _, v := range a.values {
			x.attrs = append(x.attrs, digestOfValue(h, a.oid, v))
		}
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		addAlgorithm(b, oidOfDigest(h), false)
		for _, list := range [][][]byte{x.certs, x.crls, x.attrs} {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, sum := range list {
					b.AddASN1OctetString(sum)
				}
			})
		}
	})
	var err error
	if x.der, err = b.Bytes(); err != nil {
		return nil, fmt.Errorf("cms: hash index: %w", err)
	}
	return x, nil
}

func digest(h crypto.Hash, parts ...[]byte) []byte {
	d := h.New()
	for _, p := range parts {
		d.Write(p)
	}
	return d.Sum(nil)
}

// digestOfValue hashes the DER of an attribute's type and one of its values, one
// after the other.
func digestOfValue(h crypto.Hash, oid asn1.ObjectIdentifier, value []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1ObjectIdentifier(oid)
	return digest(h, b.BytesOrPanic(), value) // an identifier that was parsed or is ours
}

// ArchiveImprint is the digest that an archive-time-stamp-v3 with this index is over
// (ETSI EN 319 122-1, 5.5.3): eContentType, the hash of the signed content, the
// fields of SignerInfo up to the signature, and the index, one after the other. The
// signature must have been verified: the content is in s.
func (s *Signed) ArchiveImprint(h crypto.Hash, x *HashIndex) ([]byte, error) {
	var head, signer cryptobyte.Builder
	head.AddASN1ObjectIdentifier(s.message.contentType)
	s.message.addSigner(&signer)
	fields, err := signer.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cms: archive time-stamp: %w", err)
	}
	return digest(h, head.BytesOrPanic(), digest(h, s.Content), fields, x.der), nil
}

// AddArchiveTimeStamp adds an archive-time-stamp-v3: the token, with the index that
// its imprint covers as unsigned attribute. The signature is then B-LTA.
func (s *Signed) AddArchiveTimeStamp(token []byte, x *HashIndex) error {
	t, err := VerifyTSTInfo(token)
	if err != nil {
		return err
	}
	if err := t.add(oidHashIndexV3, x.der); err != nil {
		return err
	}
	if token, err = t.Marshal(); err != nil {
		return err
	}
	return s.add(oidArchiveTimeStampV3, token)
}

// ArchiveTimeStamps are the tokens of all archive-time-stamp-v3, unchecked.
func (s *Signed) ArchiveTimeStamps() [][]byte { return s.values(oidArchiveTimeStampV3) }

// Covered reads the index of an archive time-stamp of this signature and checks that
// all it names is there. Whether the token's imprint is ArchiveImprint of the index
// is for the caller to compare.
//
// ErrHashIndex when the index is missing, malformed or names what is not there.
func (s *Signed) Covered(token *Signed) (*HashIndex, error) {
	values := token.values(oidHashIndexV3)
	if len(values) != 1 {
		return nil, fmt.Errorf("%w: none", ErrHashIndex)
	}
	x, err := parseHashIndex(values[0])
	if err != nil {
		return nil, err
	}
	now, err := s.HashIndex(x.hash)
	if err != nil {
		return nil, err
	}
	for _, list := range []struct{ named, there [][]byte }{{x.certs, now.certs}, {x.crls, now.crls}, {x.attrs, now.attrs}} {
		for _, sum := range list.named {
			if !contains(list.there, sum) {
				return nil, fmt.Errorf("%w: something it names was taken away or changed", ErrHashIndex)
			}
		}
	}
	return x, nil
}

func contains(list [][]byte, sum []byte) bool {
	for _, one := range list {
		if bytes.Equal(one, sum) {
			return true
		}
	}
	return false
}

// Names says whether the index covers a time-stamp token of the signature.
func (x *HashIndex) Names(token []byte) bool {
	return contains(x.attrs, digestOfValue(x.hash, oidSignatureTimeStamp, token)) ||
		contains(x.attrs, digestOfValue(x.hash, oidArchiveTimeStampV3, token))
}

// parseHashIndex reads ATSHashIndexV3. The algorithm has no default in version 3.
func parseHashIndex(der []byte) (*HashIndex, error) {
	x := &HashIndex{der: der}
	in := cryptobyte.String(der)
	var fields cryptobyte.String
	if !in.ReadASN1(&fields, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, fmt.Errorf("%w: malformed", ErrHashIndex)
	}
	oid, _, ok := readAlgorithm(&fields)
	if !ok {
		return nil, fmt.Errorf("%w: malformed", ErrHashIndex)
	}
	if x.hash = digestOfOID(oid); x.hash == 0 {
		return nil, ErrWeakDigest
	}
	for _, list := range []*[][]byte{&x.certs, &x.crls, &x.attrs} {
		var sums, sum cryptobyte.String
		if !fields.ReadASN1(&sums, cbasn1.SEQUENCE) {
			return nil, fmt.Errorf("%w: malformed", ErrHashIndex)
		}
		for !sums.Empty() {
			if !sums.ReadASN1(&sum, cbasn1.OCTET_STRING) || len(*list) == 4*maxUnsigned {
				return nil, fmt.Errorf("%w: malformed", ErrHashIndex)
			}
			*list = append(*list, sum)
		}
	}
	if !fields.Empty() {
		return nil, fmt.Errorf("%w: malformed", ErrHashIndex)
	}
	return x, nil
}
