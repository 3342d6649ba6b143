package status

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/pki"
)

// Limits of a request. A request of the greatest size has fewer CertIDs than fit.
const (
	maxRequest = 16 << 10 // bytes
	maxCertIDs = 64
	maxNonce   = 128 // octets; RFC 9654, section 2.1
)

var (
	derSHA1   = []byte{0x2B, 0x0E, 0x03, 0x02, 0x1A}                         // 1.3.14.3.2.26
	derSHA256 = []byte{0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01} // 2.16.840.1.101.3.4.2.1
	oidNonce  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
)

// errMalformed is all that a requester is told (RFC 6960, section 2.3).
var errMalformed = errors.New("status: malformed OCSP request")

// hashAlgorithm is how a CertID names its issuer.
type hashAlgorithm uint8

const (
	otherHash hashAlgorithm = iota // no issuer of ours is named that way
	sha1Hash
	sha256Hash
)

// certID is RFC 6960, section 4.1.1's CertID.
type certID struct {
	raw      []byte // as sent: the answer repeats it octet for octet
	hash     hashAlgorithm
	nameHash []byte
	keyHash  []byte
	serial   pki.Serial
	ours     bool // serial is of the form that our authorities give out
}

// request is an OCSPRequest.
type request struct {
	ids   []certID
	nonce []byte // the extension's value as sent; nil when there is none
}

var (
	explicit0 = cbasn1.Tag(0).Constructed().ContextSpecific()
	explicit1 = cbasn1.Tag(1).Constructed().ContextSpecific()
	explicit2 = cbasn1.Tag(2).Constructed().ContextSpecific()
)

// parseRequest reads an OCSPRequest (RFC 6960, section 4.1.1). A signature on it is
// allowed and ignored: anybody may ask.
func parseRequest(der []byte) (request, error) {
	if len(der) > maxRequest {
		return request{}, errMalformed
	}
	input := cryptobyte.String(der)
	var whole, tbs, list cryptobyte.String
	if !input.ReadASN1(&whole, cbasn1.SEQUENCE) || !input.Empty() ||
		!whole.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!whole.SkipOptionalASN1(explicit0) || !whole.Empty() { // optionalSignature
		return request{}, errMalformed
	}
	var version int64
	if !tbs.ReadOptionalASN1Integer(&version, explicit0, int64(0)) || version != 0 ||
		!tbs.SkipOptionalASN1(explicit1) || // requestorName
		!tbs.ReadASN1(&list, cbasn1.SEQUENCE) {
		return request{}, errMalformed
	}
	var r request
	for !list.Empty() {
		id, ok := readSingle(&list)
		if !ok || len(r.ids) == maxCertIDs {
			return request{}, errMalformed
		}
		r.ids = append(r.ids, id)
	}
	var extensions cryptobyte.String
	var present bool
	if len(r.ids) == 0 || !tbs.ReadOptionalASN1(&extensions, &present, explicit2) || !tbs.Empty() {
		return request{}, errMalformed
	}
	if present && !r.readExtensions(extensions) {
		return request{}, errMalformed
	}
	return r, nil
}

// readSingle reads one Request of the list.
func readSingle(list *cryptobyte.String) (certID, bool) {
	var single, id, algorithm cryptobyte.String
	var raw cryptobyte.String
	if !list.ReadASN1(&single, cbasn1.SEQUENCE) || !single.ReadASN1Element(&raw, cbasn1.SEQUENCE) ||
		!single.SkipOptionalASN1(explicit0) || !single.Empty() { // singleRequestExtensions say nothing we know
		return certID{}, false
	}
	c := certID{raw: raw}
	content := raw
	var nameHash, keyHash cryptobyte.String
	if !content.ReadASN1(&id, cbasn1.SEQUENCE) || !id.ReadASN1(&algorithm, cbasn1.SEQUENCE) || !c.readHash(algorithm) ||
		!id.ReadASN1(&nameHash, cbasn1.OCTET_STRING) || !id.ReadASN1(&keyHash, cbasn1.OCTET_STRING) ||
		!c.readSerial(&id) || !id.Empty() {
		return certID{}, false
	}
	c.nameHash, c.keyHash = nameHash, keyHash
	return c, true
}

// readHash reads the hashAlgorithm. The two that everybody uses are told by their
// octets; decoding an OID makes garbage.
func (c *certID) readHash(algorithm cryptobyte.String) bool {
	var oid cryptobyte.String
	rest := algorithm
	if !rest.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) {
		return false
	}
	switch {
	case bytes.Equal(oid, derSHA1):
		c.hash = sha1Hash
	case bytes.Equal(oid, derSHA256):
		c.hash = sha256Hash
	default:
		var other asn1.ObjectIdentifier
		return algorithm.ReadASN1ObjectIdentifier(&other)
	}
	return true
}

// readSerial reads an INTEGER; what no authority of ours gives out is not ours.
func (c *certID) readSerial(id *cryptobyte.String) bool {
	whole := *id
	var octets cryptobyte.String
	if whole.ReadASN1(&octets, cbasn1.INTEGER) && len(octets) == len(c.serial) && octets[0]&0x80 == 0 && octets[0] != 0 {
		copy(c.serial[:], octets) // the form of every serial number of ours
		c.ours, *id = true, whole
		return true
	}
	serial := new(big.Int)
	if !id.ReadASN1Integer(serial) {
		return false
	}
	c.serial, c.ours = pki.SerialFromBig(serial)
	return true
}

// readExtensions takes the nonce out of the requestExtensions.
func (r *request) readExtensions(extensions cryptobyte.String) bool {
	var list cryptobyte.String
	if !extensions.ReadASN1(&list, cbasn1.SEQUENCE) || !extensions.Empty() {
		return false
	}
	for !list.Empty() {
		var extension, value cryptobyte.String
		var oid asn1.ObjectIdentifier
		var critical bool
		if !list.ReadASN1(&extension, cbasn1.SEQUENCE) || !extension.ReadASN1ObjectIdentifier(&oid) ||
			!extension.ReadOptionalASN1Boolean(&critical, cbasn1.BOOLEAN, false) ||
			!extension.ReadASN1(&value, cbasn1.OCTET_STRING) || !extension.Empty() {
			return false
		}
		if !oid.Equal(oidNonce) {
			if critical { // RFC 6960, section 4.4: only non-critical ones may be ignored
				return false
			}
			continue
		}
		if r.nonce != nil || !validNonce(value) {
			return false
		}
		r.nonce = value
	}
	return true
}

// validNonce: RFC 9654, section 2.1: the value is an OCTET STRING of 1 to 128
// octets; a responder refuses any other length with malformedRequest.
func validNonce(value cryptobyte.String) bool {
	var nonce cryptobyte.String
	return value.ReadASN1(&nonce, cbasn1.OCTET_STRING) && value.Empty() && len(nonce) >= 1 && len(nonce) <= maxNonce
}
