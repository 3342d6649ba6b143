package xades

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/c14n"
)

// MaxAdded is how many bytes a signature may grow by on its way from B-B to B-LTA,
// and once more with each further ArchiveTimeStamp.
const MaxAdded = 40 << 10

// Stamp fetches a time-stamp token (RFC 3161, DER of the TimeStampToken) over an
// imprint, which is a SHA-256 digest. Whether the token is genuine is for Stamp to
// make sure of; that it holds the imprint is checked here.
type Stamp func(ctx context.Context, imprint []byte) (token []byte, err error)

// AddSignatureTimeStamp raises a signature from B-B to B-T (EN 319 132-1, section
// 5.3). content is the detached content, or nil.
//
// Errors: those of Signatures, ErrLevel, ErrTimeStamp, stamp's own.
func AddSignatureTimeStamp(ctx context.Context, document, content []byte, stamp Stamp) ([]byte, error) {
	r, err := extend(document, content, LevelB)
	if err != nil {
		return nil, err
	}
	octets, err := exclusive.Element(r.value, nil)
	if err != nil {
		return nil, err
	}
	element, err := stamped(ctx, "xades:SignatureTimeStamp", octets, stamp)
	if err != nil {
		return nil, err
	}
	return r.add(content, element)
}

// AddValues raises a signature from B-T to B-LT (sections 5.4.1 and 5.4.2): the
// certificates by which its own and its time-stamps' are judged, and OCSP answers
// about them, DER. What the signature carries already is left out. A signature that
// has values gets more of them as TimeStampValidationData (section 5.5.1), which is
// what a further ArchiveTimeStamp wants first.
//
// Errors: those of Signatures, ErrLevel, ErrMalformed for a value that is no
// certificate or successful OCSP answer (a CRL, say).
func AddValues(document, content []byte, certificates, answers [][]byte) ([]byte, error) {
	r, err := extend(document, content, LevelT, LevelLT, LevelTA)
	if err != nil {
		return nil, err
	}
	var values, revocation strings.Builder
	for _, der := range certificates {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate: %w", ErrMalformed, err)
		}
		if !r.carries(cert) {
			r.signed.Certificates = append(r.signed.Certificates, cert)
			values.WriteString("<xades:EncapsulatedX509Certificate>" + encode64(der) + "</xades:EncapsulatedX509Certificate>")
		}
	}
	for _, der := range answers {
		if !isAnswer(der) {
			return nil, fmt.Errorf("%w: not a successful OCSP answer", ErrMalformed)
		}
		known := false
		for _, other := range r.signed.OCSP {
			known = known || bytes.Equal(other, der)
		}
		if !known {
			r.signed.OCSP = append(r.signed.OCSP, der)
			revocation.WriteString("<xades:EncapsulatedOCSPValue>" + encode64(der) + "</xades:EncapsulatedOCSPValue>")
		}
	}
	if len(r.signed.OCSP) == 0 {
		return nil, fmt.Errorf("%w: B-LT without an OCSP answer", ErrLevel)
	}
	return r.add(content, r.wrapValues(values.String(), revocation.String())...)
}

// wrapValues writes the elements that hold values; none when there are no values.
func (r *reading) wrapValues(certificates, answers string) []string {
	const declared = ` xmlns:xades="` + spaceXAdES + `"`
	var list []string
	if certificates != "" {
		list = append(list, "<xades:CertificateValues"+declared+">"+certificates+"</xades:CertificateValues>")
	}
	if answers != "" {
		list = append(list, "<xades:RevocationValues"+declared+"><xades:OCSPValues>"+answers+"</xades:OCSPValues></xades:RevocationValues>")
	}
	if r.signed.Level == LevelT || len(list) == 0 {
		return list
	}
	return []string{`<xades141:TimeStampValidationData xmlns:xades141="` + space141 + `">` + strings.Join(list, "") + "</xades141:TimeStampValidationData>"}
}

// AddArchiveTimeStamp raises a signature from B-LT to B-LTA, or renews one that is
// B-LTA before the algorithms or the certificate of its last time-stamp grow weak
// (section 5.5.2).
//
// Errors: those of Signatures, ErrLevel, ErrTimeStamp, stamp's own.
func AddArchiveTimeStamp(ctx context.Context, document, content []byte, stamp Stamp) ([]byte, error) {
	r, err := extend(document, content, LevelLT, LevelTA)
	if err != nil {
		return nil, err
	}
	octets, err := r.archived(exclusive, len(r.properties.elements))
	if err != nil {
		return nil, err
	}
	element, err := stamped(ctx, "xades141:ArchiveTimeStamp", octets, stamp)
	if err != nil {
		return nil, err
	}
	return r.add(content, element)
}

// exclusive is how we write what time-stamps are over: without the context, so that
// it is the same wherever the signature is carried.
var exclusive = c14n.Method{Exclusive: true}

// extend reads a signature that is to be raised from one of these levels.
func extend(document, content []byte, from ...Level) (*reading, error) {
	r, err := open(document, content)
	if err != nil {
		return nil, err
	}
	for _, level := range from {
		if r.signed.Level == level {
			return r, nil
		}
	}
	return nil, fmt.Errorf("%w: it is %q", ErrLevel, r.signed.Level)
}

// stamped returns the element that holds a token over octets.
func stamped(ctx context.Context, name string, octets []byte, stamp Stamp) (string, error) {
	imprint := sha256.Sum256(octets)
	token, err := stamp(ctx, imprint[:])
	if err != nil {
		return "", fmt.Errorf("xades: time-stamp: %w", err)
	}
	if !isToken(token) || !bytes.Contains(token, imprint[:]) {
		return "", ErrTimeStamp
	}
	return "<" + name + ` xmlns:xades="` + spaceXAdES + `" xmlns:xades141="` + space141 + `">` +
		`<ds:CanonicalizationMethod xmlns:ds="` + spaceDS + `" Algorithm="` + c14n.URIExclusive + `"></ds:CanonicalizationMethod>` +
		"<xades:EncapsulatedTimeStamp>" + encode64(token) + "</xades:EncapsulatedTimeStamp></" + name + ">", nil
}

// add puts elements at the end of UnsignedSignatureProperties and reads the result.
func (r *reading) add(content []byte, elements ...string) ([]byte, error) {
	at, addition := r.properties.node.ContentEnd, strings.Join(elements, "")
	const begin, end = `<xades:UnsignedSignatureProperties xmlns:xades="` + spaceXAdES + `">`, `</xades:UnsignedSignatureProperties>`
	switch p := r.properties; {
	case addition == "":
		return r.source, nil
	case p.list != nil && p.list.ContentEnd == p.list.End, p.unsigned != nil && p.unsigned.ContentEnd == p.unsigned.End:
		return nil, malformed(p.unsigned, "empty")
	case p.list != nil:
		at = p.list.ContentEnd
	case p.unsigned != nil: // other unsigned properties come after these
		at, addition = p.unsigned.ContentStart, begin+addition+end
	default:
		addition = `<xades:UnsignedProperties xmlns:xades="` + spaceXAdES + `">` + begin + addition + end + `</xades:UnsignedProperties>`
	}
	if size := r.added() + len(addition); size > MaxAdded*(1+r.archives()) {
		return nil, fmt.Errorf("%w: %d bytes of unsigned properties", ErrLimit, size)
	}
	raised := bytes.Join([][]byte{r.source[:at], []byte(addition), r.source[at:]}, nil)
	if _, err := open(raised, content); err != nil {
		return nil, fmt.Errorf("xades: what was added: %w", err)
	}
	return raised, nil
}

// added is how large the unsigned properties are.
func (r *reading) added() int {
	if r.properties.unsigned == nil {
		return 0
	}
	return r.properties.unsigned.End - r.properties.unsigned.Start
}

// archives counts ArchiveTimeStamps.
func (r *reading) archives() (n int) {
	for _, t := range r.signed.TimeStamps {
		if t.Kind == ArchiveTimeStamp {
			n++
		}
	}
	return n
}

var (
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidOCSPBasic  = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
)

// isToken tells whether der is a ContentInfo of SignedData (RFC 5652), which a
// TimeStampToken is.
func isToken(der []byte) bool {
	in := cryptobyte.String(der)
	var info cryptobyte.String
	var kind asn1.ObjectIdentifier
	return in.ReadASN1(&info, cbasn1.SEQUENCE) && in.Empty() && info.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidSignedData)
}

// isAnswer tells whether der is an OCSPResponse of status successful and type
// id-pkix-ocsp-basic (RFC 6960, section 4.2.1).
func isAnswer(der []byte) bool {
	in := cryptobyte.String(der)
	var outer, tagged, typed cryptobyte.String
	var status int
	var kind asn1.ObjectIdentifier
	return in.ReadASN1(&outer, cbasn1.SEQUENCE) && in.Empty() && outer.ReadASN1Enum(&status) && status == 0 &&
		outer.ReadASN1(&tagged, cbasn1.Tag(0).Constructed().ContextSpecific()) && outer.Empty() &&
		tagged.ReadASN1(&typed, cbasn1.SEQUENCE) && tagged.Empty() &&
		typed.ReadASN1ObjectIdentifier(&kind) && kind.Equal(oidOCSPBasic)
}
