package status

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// responseStatus is RFC 6960, section 4.2.1's OCSPResponseStatus.
type responseStatus uint8

const (
	successful       responseStatus = 0
	malformedRequest responseStatus = 1
	internalError    responseStatus = 2
	tryLater         responseStatus = 3
	unauthorized     responseStatus = 6 // RFC 5019, section 2.2.3: not a certificate we can tell about
)

// failure is an OCSPResponse without an answer.
func failure(s responseStatus) []byte {
	return []byte{0x30, 3, byte(cbasn1.ENUM), 1, byte(s)}
}

var (
	oidBasicResponse   = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidECDSAWithSHA256 = asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 2}
)

// answer is what a response says, before it is encoded.
type answer struct {
	produced   time.Time
	thisUpdate time.Time
	nextUpdate time.Time
	singles    []single
	nonce      []byte // repeated as sent
}

type single struct {
	id certID
	finding
}

// encode signs a with the responder's P-256 key (RFC 6960, section 4.2.1). The
// responder's certificate goes along; the requester has its issuer.
func (a answer) encode(responder *x509.Certificate, signer crypto.Signer) ([]byte, error) {
	var data cryptobyte.Builder
	data.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(explicit2, func(b *cryptobyte.Builder) { // responderID byKey, shorter than byName
			b.AddASN1OctetString(responder.SubjectKeyId)
		})
		b.AddASN1GeneralizedTime(a.produced)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, s := range a.singles {
				a.addSingle(b, s)
			}
		})
		if a.nonce != nil {
			b.AddASN1(explicit1, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidNonce)
						b.AddASN1OctetString(a.nonce)
					})
				})
			})
		}
	})
	tbs, err := data.Bytes()
	if err != nil {
		return nil, fmt.Errorf("status: encode answer: %w", err)
	}
	digest := sha256.Sum256(tbs)
	signature, err := signer.Sign(rand.Reader, digest[:], crypto.SHA256)
	if err != nil {
		return nil, fmt.Errorf("status: sign answer: %w", err)
	}
	return wrap(tbs, signature, responder.Raw)
}

// addSingle adds one SingleResponse.
func (a answer) addSingle(b *cryptobyte.Builder, s single) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.id.raw)
		switch s.status {
		case Good:
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(*cryptobyte.Builder) {})
		case "":
			b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(*cryptobyte.Builder) {}) // unknown
		default:
			b.AddASN1(explicit1, func(b *cryptobyte.Builder) { // revoked: a hold is reason certificateHold
				b.AddASN1GeneralizedTime(s.revocationTime())
				if s.reason != Unspecified { // RFC 5280, section 5.3.1: absent rather than unspecified
					b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(s.reason)) })
				}
			})
		}
		b.AddASN1GeneralizedTime(a.thisUpdate)
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) { b.AddASN1GeneralizedTime(a.nextUpdate) })
	})
}

// wrap makes an OCSPResponse of the signed ResponseData.
func wrap(tbs, signature, certificate []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(int64(successful))
		b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasicResponse)
				b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddBytes(tbs)
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(oidECDSAWithSHA256) // RFC 5758, section 3.2: no parameters
						})
						b.AddASN1BitString(signature)
						b.AddASN1(explicit0, func(b *cryptobyte.Builder) {
							b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(certificate) })
						})
					})
				})
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("status: encode answer: %w", err)
	}
	return der, nil
}
