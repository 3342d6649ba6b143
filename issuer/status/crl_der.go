package status

import (
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/issuer/profile"
)

// tbsCertList encodes what a CRL says (RFC 5280, section 5.1): version 2, the
// entries in the order given, and the extensions of the profile.
func tbsCertList(o profile.Operator, i profile.Issuer, s Scope, c CRL, entries []Entry) ([]byte, error) {
	var list []byte
	for _, e := range entries {
		list = appendEntry(list, e)
	}
	var b cryptobyte.Builder
	var err error
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(1) // v2
		i.Algorithm.AddAlgorithm(b)
		b.AddBytes(i.Certificate.RawSubject)
		profile.AddTime(b, c.ThisUpdate)
		profile.AddTime(b, c.NextUpdate)
		if len(list) > 0 { // RFC 5280, section 5.1.2.6: absent when there is nothing to list
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(list) })
		}
		err = o.CRLExtensions(b, i, s.Partition, c.Number)
	})
	if err != nil {
		return nil, fmt.Errorf("status: CRL: %w", err)
	}
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("status: CRL: %w", err)
	}
	return der, nil
}

// appendEntry appends one revokedCertificates entry. A country's list has
// millions, so it is written without reflection and without small buffers.
func appendEntry(list []byte, e Entry) []byte {
	var extensions []byte
	if e.Reason != Unspecified {
		// RFC 5280, section 5.3.1: reasonCode 2.5.29.21, ENUMERATED.
		extensions = append(extensions, 0x30, 10, 6, 3, 0x55, 0x1D, 0x15, 4, 3, 0x0A, 1, byte(e.Reason))
	}
	if !e.Invalid.IsZero() {
		// RFC 5280, section 5.3.2: invalidityDate 2.5.29.24, always GeneralizedTime.
		extensions = append(extensions, 0x30, 24, 6, 3, 0x55, 0x1D, 0x18, 4, 17, 0x18, 15)
		extensions = e.Invalid.UTC().AppendFormat(extensions, "20060102150405Z")
	}
	content := make([]byte, 0, 96)
	content = append(content, 2, byte(len(e.Serial))) // ours are positive and have 16 octets
	content = append(content, e.Serial[:]...)
	content = appendTime(content, e.Since)
	if len(extensions) > 0 {
		content = append(content, 0x30, byte(len(extensions)))
		content = append(content, extensions...)
	}
	list = append(list, 0x30, byte(len(content))) // at most 16+2+17+2+38 octets: a short length
	return append(list, content...)
}

// appendTime appends a Time: UTCTime through 2049 (RFC 5280, section 5.1.2.6).
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	if t.Year() < 2050 {
		return t.AppendFormat(append(b, 0x17, 13), "060102150405Z")
	}
	return t.AppendFormat(append(b, 0x18, 15), "20060102150405Z")
}
