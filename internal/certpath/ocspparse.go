package certpath

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"math/big"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// errOCSP is a malformed answer; which part does not matter to anybody.
var errOCSP = errors.New("malformed OCSP response")

// certID names a certificate in OCSP (RFC 6960, section 4.1.1).
type certID struct {
	hash     asn1.ObjectIdentifier
	nameHash []byte
	keyHash  []byte
	serial   *big.Int
}

func (c certID) equal(d certID) bool {
	return c.hash.Equal(d.hash) && bytes.Equal(c.nameHash, d.nameHash) && bytes.Equal(c.keyHash, d.keyHash) && c.serial.Cmp(d.serial) == 0
}

// singleResponse is the answer about one certificate.
type singleResponse struct {
	id                     certID
	state                  State
	revokedAt              time.Time
	reason                 int
	thisUpdate, nextUpdate time.Time // nextUpdate is zero when absent
}

// basicResponse is a BasicOCSPResponse (RFC 6960, section 4.2.1).
type basicResponse struct {
	tbs, signature []byte
	algorithm      x509.SignatureAlgorithm
	byName         []byte // responder: DER of its name, or
	byKey          []byte // SHA-1 of its key
	producedAt     time.Time
	answers        []singleResponse
	nonce          []byte // nil when there was none
	certs          []*x509.Certificate
}

const maxAnswers, maxResponderCerts = 16, 4

// parseOCSP reads an OCSPResponse. Anything left over, doubled or unknown and
// critical is an error.
func parseOCSP(der []byte) (*basicResponse, error) {
	basic, err := unwrapOCSP(der)
	if err != nil {
		return nil, err
	}
	return parseBasic(basic)
}

// unwrapOCSP returns the BasicOCSPResponse in an OCSPResponse.
func unwrapOCSP(der []byte) (cryptobyte.String, error) {
	in := cryptobyte.String(der)
	var outer, bytesField, wrapper, body cryptobyte.String
	var status int
	var kind asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() || !outer.ReadASN1Enum(&status) {
		return nil, errOCSP
	}
	if status != 0 { // RFC 6960, section 4.2.1: only `successful` carries an answer
		return nil, errors.New("the responder declined")
	}
	if !outer.ReadASN1(&bytesField, contextTag(0)) || !outer.Empty() ||
		!bytesField.ReadASN1(&wrapper, cbasn1.SEQUENCE) || !bytesField.Empty() ||
		!wrapper.ReadASN1ObjectIdentifier(&kind) || !kind.Equal(oidOCSPBasic) ||
		!wrapper.ReadASN1(&body, cbasn1.OCTET_STRING) || !wrapper.Empty() {
		return nil, errOCSP
	}
	return body, nil
}

func contextTag(n uint8) cbasn1.Tag { return cbasn1.Tag(n).Constructed().ContextSpecific() }

func parseBasic(body cryptobyte.String) (*basicResponse, error) {
	var basic, tbs, alg, certs cryptobyte.String
	var hasCerts bool
	r := &basicResponse{}
	if !body.ReadASN1(&basic, cbasn1.SEQUENCE) || !body.Empty() ||
		!basic.ReadASN1Element(&tbs, cbasn1.SEQUENCE) || !basic.ReadASN1(&alg, cbasn1.SEQUENCE) ||
		!basic.ReadASN1BitStringAsBytes(&r.signature) || !basic.ReadOptionalASN1(&certs, &hasCerts, contextTag(0)) || !basic.Empty() {
		return nil, errOCSP
	}
	r.tbs = tbs
	var err error
	if r.algorithm, err = parseAlgorithm(alg); err != nil {
		return nil, err
	}
	if hasCerts {
		if r.certs, err = parseCerts(certs); err != nil {
			return nil, err
		}
	}
	return r, r.parseData(tbs)
}

func parseCerts(in cryptobyte.String) ([]*x509.Certificate, error) {
	var list, one cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() {
		return nil, errOCSP
	}
	var certs []*x509.Certificate
	for !list.Empty() {
		if !list.ReadASN1Element(&one, cbasn1.SEQUENCE) || len(certs) == maxResponderCerts {
			return nil, errOCSP
		}
		c, err := x509.ParseCertificate(one)
		if err != nil {
			return nil, errOCSP
		}
		certs = append(certs, c)
	}
	return certs, nil
}

// parseData reads ResponseData.
func (r *basicResponse) parseData(tbs cryptobyte.String) error {
	var data, version, responder, responses, exts cryptobyte.String
	var has bool
	if !tbs.ReadASN1(&data, cbasn1.SEQUENCE) || !data.ReadOptionalASN1(&version, &has, contextTag(0)) {
		return errOCSP
	}
	var v int
	if has && (!version.ReadASN1Integer(&v) || v != 0 || !version.Empty()) {
		return errOCSP
	}
	switch {
	case data.PeekASN1Tag(contextTag(1)):
		if !data.ReadASN1(&responder, contextTag(1)) {
			return errOCSP
		}
		r.byName = responder
	default:
		if !data.ReadASN1(&responder, contextTag(2)) ||
			!responder.ReadASN1((*cryptobyte.String)(&r.byKey), cbasn1.OCTET_STRING) || !responder.Empty() {
			return errOCSP
		}
	}
	if !data.ReadASN1GeneralizedTime(&r.producedAt) || !data.ReadASN1(&responses, cbasn1.SEQUENCE) {
		return errOCSP
	}
	for !responses.Empty() {
		if len(r.answers) == maxAnswers {
			return errOCSP
		}
		one, err := parseSingle(&responses)
		if err != nil {
			return err
		}
		r.answers = append(r.answers, one)
	}
	if !data.ReadOptionalASN1(&exts, &has, contextTag(1)) || !data.Empty() {
		return errOCSP
	}
	if !has {
		return nil
	}
	return eachExtension(exts, func(id asn1.ObjectIdentifier, critical bool, value cryptobyte.String) error {
		switch {
		case id.Equal(oidOCSPNonce):
			// RFC 9654, section 2.1: an OCTET STRING of 1 to 128 octets.
			if !value.ReadASN1((*cryptobyte.String)(&r.nonce), cbasn1.OCTET_STRING) || !value.Empty() || len(r.nonce) == 0 || len(r.nonce) > 128 {
				return errOCSP
			}
		case critical:
			return ErrExtension
		}
		return nil
	})
}

func parseSingle(in *cryptobyte.String) (singleResponse, error) {
	var s singleResponse
	var one, id, field, exts cryptobyte.String
	var has bool
	if !in.ReadASN1(&one, cbasn1.SEQUENCE) || !one.ReadASN1(&id, cbasn1.SEQUENCE) {
		return s, errOCSP
	}
	var err error
	if s.id, err = parseCertID(id); err != nil {
		return s, err
	}
	var tag cbasn1.Tag
	if !one.ReadAnyASN1(&field, &tag) {
		return s, errOCSP
	}
	switch tag {
	case cbasn1.Tag(0).ContextSpecific():
		s.state = Good
	case contextTag(1):
		s.state = Revoked
		if !field.ReadASN1GeneralizedTime(&s.revokedAt) {
			return s, errOCSP
		}
		var reason cryptobyte.String
		if !field.ReadOptionalASN1(&reason, &has, contextTag(0)) || !field.Empty() || has && (!reason.ReadASN1Enum(&s.reason) || !reason.Empty()) {
			return s, errOCSP
		}
		if s.reason == reasonHold {
			s.state = Held
		}
	case cbasn1.Tag(2).ContextSpecific():
		s.state = Unknown
	default:
		return s, errOCSP
	}
	if s.state != Revoked && s.state != Held && !field.Empty() || !one.ReadASN1GeneralizedTime(&s.thisUpdate) {
		return s, errOCSP
	}
	var next cryptobyte.String
	if !one.ReadOptionalASN1(&next, &has, contextTag(0)) || has && (!next.ReadASN1GeneralizedTime(&s.nextUpdate) || !next.Empty()) {
		return s, errOCSP
	}
	if !one.ReadOptionalASN1(&exts, &has, contextTag(1)) || !one.Empty() {
		return s, errOCSP
	}
	if !has {
		return s, nil
	}
	return s, eachExtension(exts, func(_ asn1.ObjectIdentifier, critical bool, _ cryptobyte.String) error {
		if critical {
			return ErrExtension
		}
		return nil
	})
}

func parseCertID(in cryptobyte.String) (certID, error) {
	id := certID{serial: new(big.Int)}
	var alg cryptobyte.String
	if !in.ReadASN1(&alg, cbasn1.SEQUENCE) || !alg.ReadASN1ObjectIdentifier(&id.hash) ||
		!in.ReadASN1((*cryptobyte.String)(&id.nameHash), cbasn1.OCTET_STRING) ||
		!in.ReadASN1((*cryptobyte.String)(&id.keyHash), cbasn1.OCTET_STRING) ||
		!in.ReadASN1Integer(id.serial) || !in.Empty() {
		return id, errOCSP
	}
	return id, nil
}

// eachExtension reads Extensions; an extension that stands twice is an error.
func eachExtension(in cryptobyte.String, f func(asn1.ObjectIdentifier, bool, cryptobyte.String) error) error {
	var list cryptobyte.String
	if !in.ReadASN1(&list, cbasn1.SEQUENCE) || !in.Empty() {
		return errOCSP
	}
	seen := map[string]bool{}
	for !list.Empty() {
		var ext, value cryptobyte.String
		var id asn1.ObjectIdentifier
		critical := false
		if !list.ReadASN1(&ext, cbasn1.SEQUENCE) || !ext.ReadASN1ObjectIdentifier(&id) ||
			ext.PeekASN1Tag(cbasn1.BOOLEAN) && !ext.ReadASN1Boolean(&critical) ||
			!ext.ReadASN1(&value, cbasn1.OCTET_STRING) || !ext.Empty() || seen[id.String()] || len(seen) == maxExtensionsAccepted {
			return errOCSP
		}
		seen[id.String()] = true
		if err := f(id, critical, value); err != nil {
			return err
		}
	}
	return nil
}

// parseAlgorithm names the signature algorithm. SHA-1 has a name too, so that an
// old answer can be read; strong refuses it.
func parseAlgorithm(in cryptobyte.String) (x509.SignatureAlgorithm, error) {
	var id asn1.ObjectIdentifier
	if !in.ReadASN1ObjectIdentifier(&id) {
		return 0, errOCSP
	}
	switch id.String() {
	case "1.2.840.113549.1.1.5":
		return x509.SHA1WithRSA, nil
	case "1.2.840.113549.1.1.11":
		return x509.SHA256WithRSA, nil
	case "1.2.840.113549.1.1.12":
		return x509.SHA384WithRSA, nil
	case "1.2.840.113549.1.1.13":
		return x509.SHA512WithRSA, nil
	case "1.2.840.10045.4.3.2":
		return x509.ECDSAWithSHA256, nil
	case "1.2.840.10045.4.3.3":
		return x509.ECDSAWithSHA384, nil
	case "1.2.840.10045.4.3.4":
		return x509.ECDSAWithSHA512, nil
	}
	return 0, errors.New("OCSP signature algorithm not accepted")
}
