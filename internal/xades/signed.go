package xades

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"time"
)

// Form is how signature and content lie to one another.
type Form string

// The three forms.
const (
	Enveloped  Form = "enveloped"
	Enveloping Form = "enveloping"
	Detached   Form = "detached"
)

// Level is a level of XAdES baseline (EN 319 132-1, section 6) by what a signature
// carries. It promises nothing about what time-stamps and answers are worth.
type Level string

// The levels; "" is plain XML Signature.
const (
	NoLevel Level = ""
	LevelB  Level = "B-B"
	LevelT  Level = "B-T"   // a SignatureTimeStamp
	LevelLT Level = "B-LT"  // certificates and OCSP answers inside
	LevelTA Level = "B-LTA" // an ArchiveTimeStamp over all that
)

// Signed is one signature that holds.
type Signed struct {
	Form     Form
	Contents []Content // what was signed: one, but for an enveloping signature of several Objects

	// Certificate is the signer's. With XAdES the signed properties name it. Without
	// (Bound is false) it is the only one that came along and fits the key: another
	// certificate of the same key could stand in its place.
	Certificate  *x509.Certificate
	Certificates []*x509.Certificate // all that came along, in no order that means anything
	Bound        bool

	SigningTime time.Time // claimed by the signer, UTC; zero when the signer claims none
	Level       Level
	TimeStamps  []TimeStamp // in the order of the document
	OCSP        [][]byte    // OCSPResponse each, DER

	// NotEvaluated names the XAdES properties that are there and were not looked at:
	// signed ones such as a policy or a role, unsigned ones such as CRLs.
	NotEvaluated []string
}

// Content is what a reference was to.
type Content struct {
	// Octets are the bytes that were digested: of XML the canonical form, without
	// comments. Whoever acts on a signature acts on these and nothing else.
	Octets    []byte
	URI       string
	MediaType string // as the signer names it; "" when not named
}

// TimeStampKind says what a token is over.
type TimeStampKind string

// The kinds of time-stamps that are read.
const (
	SignatureTimeStamp TimeStampKind = "SignatureTimeStamp"
	ArchiveTimeStamp   TimeStampKind = "ArchiveTimeStamp"
)

// TimeStamp is a token as it came along. The caller compares the token's imprint
// with the digest of Octets, and judges who made it.
type TimeStamp struct {
	Kind   TimeStampKind
	Token  []byte // RFC 3161 TimeStampToken, DER
	Octets []byte // what its imprint must be the digest of

	earlier [][]byte // tokens that are part of Octets
}

// Imprint is the digest that the token must hold.
func (t TimeStamp) Imprint(h crypto.Hash) []byte { return digest(h, t.Octets) }

// Covers tells whether an ArchiveTimeStamp is over this other token of the same
// signature too: it keeps the other's worth when its algorithms grow weak.
func (t TimeStamp) Covers(token []byte) bool {
	for _, e := range t.earlier {
		if bytes.Equal(e, token) {
			return true
		}
	}
	return false
}

// Is tells whether data looks like XML: after a byte order mark and white space it
// begins with a tag. Whether it is XML, and signed, Signatures says.
func Is(data []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(bytes.TrimPrefix(data, []byte("\ufeff")), " \t\r\n"), []byte("<"))
}
