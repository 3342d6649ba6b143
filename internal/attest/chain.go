package attest

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"
)

// What a chain can be refused for. Each is a different answer to the person.
var (
	ErrMalformed    = errors.New("attest: malformed")
	ErrUnknownMaker = errors.New("attest: chain ends at no maker that we know")
	ErrMakerRevoked = errors.New("attest: the maker withdrew this key")
	ErrChainExpired = errors.New("attest: certificate of the chain outside its validity")
	ErrBrokenChain  = errors.New("attest: certificates do not follow from each other")
	ErrOtherKey     = errors.New("attest: attestation is of another key")
	ErrOldChallenge = errors.New("attest: attestation answers another challenge")
	ErrSoftware     = errors.New("attest: key lives in software")
	ErrExportable   = errors.New("attest: key can be exported")
	ErrNotGenerated = errors.New("attest: key was not generated in the hardware")
	ErrPurpose      = errors.New("attest: key is for something other than signing")
	ErrUnlockedBoot = errors.New("attest: phone did not start in a verified state")
	ErrNoElement    = errors.New("attest: chain names no element")
	ErrProof        = errors.New("attest: request is not signed by its own key")
	ErrRequest      = errors.New("attest: the request does not hold")
	ErrKeyType      = errors.New("attest: key is of another type or size")
)

// Limits of a chain: a phone's has three to five certificates of about 1 kB.
const (
	maxChain       = 6
	maxCertificate = 16 << 10 // bytes
)

// Trust is what a verifier of attestations has configured.
type Trust struct {
	Roots []*x509.Certificate // the makers
	// ElementExtension is <arc>.7, where the element id and reset counter stand.
	ElementExtension asn1.ObjectIdentifier
	// Revoked reports whether a maker withdrew a certificate of the chain; nil
	// when the makers publish no list.
	Revoked func(*x509.Certificate) bool
}

// A Statement is what a verified chain says about the key of its leaf. All but
// Challenge and the element come from the hardwareEnforced list only.
type Statement struct {
	Challenge    []byte
	Level        SecurityLevel // the lower of attestation and key
	Generated    bool          // origin is present and "generated"
	Exportable   bool          // either list says so
	SignOnly     bool          // the one purpose is signing
	DeviceLocked bool
	VerifiedBoot BootState // BootFailed when the chain does not say
	Brand        string
	Manufacturer string
	Model        string
	HasElement   bool // our extension is there
	ElementID    [16]byte
	ResetCounter uint32
	Description  KeyDescription // as it came
}

// Statement sums up d. It believes softwareEnforced in one thing only: that a
// key is exportable.
func (d KeyDescription) Statement() Statement {
	hw := d.Hardware
	s := Statement{
		Challenge:    d.Challenge,
		Level:        min(d.AttestationLevel, d.KeyMintLevel),
		Generated:    hw.Origin != nil && *hw.Origin == OriginGenerated,
		Exportable:   hw.Exportable || d.Software.Exportable,
		SignOnly:     len(hw.Purpose) == 1 && hw.Purpose[0] == PurposeSign,
		VerifiedBoot: BootFailed,
		Brand:        hw.Brand, Manufacturer: hw.Manufacturer, Model: hw.Model,
		Description: d,
	}
	if r := hw.RootOfTrust; r != nil {
		s.DeviceLocked, s.VerifiedBoot = r.DeviceLocked, r.VerifiedBoot
	}
	return s
}

// VerifyChain checks chain, leaf first, as of at, and returns what it says and
// the leaf. A root at the end of the chain may be left out. It does not judge
// the statement: that is Verify's.
//
// Errors: ErrMalformed, ErrBrokenChain, ErrChainExpired, ErrUnknownMaker,
// ErrMakerRevoked.
func VerifyChain(chain [][]byte, trust Trust, at time.Time) (Statement, *x509.Certificate, error) {
	certs, err := parseChain(chain)
	if err != nil {
		return Statement{}, nil, err
	}
	root := findRoot(certs[len(certs)-1], trust.Roots)
	if root == nil {
		return Statement{}, nil, ErrUnknownMaker
	}
	if !bytes.Equal(root.Raw, certs[len(certs)-1].Raw) {
		certs = append(certs, root)
	}
	if len(certs) < 2 {
		// A root attests makers' keys, never itself.
		return Statement{}, nil, fmt.Errorf("%w: a root alone", ErrBrokenChain)
	}
	for i, c := range certs {
		if at.Before(c.NotBefore) || at.After(c.NotAfter) {
			return Statement{}, nil, fmt.Errorf("%w: certificate %d", ErrChainExpired, i)
		}
		if trust.Revoked != nil && trust.Revoked(c) {
			return Statement{}, nil, fmt.Errorf("%w: certificate %d", ErrMakerRevoked, i)
		}
		if i == 0 {
			continue
		}
		if err := follows(certs[i-1], c, i-1); err != nil {
			return Statement{}, nil, err
		}
	}
	s, err := statementOf(certs[0], trust.ElementExtension)
	if err != nil {
		return Statement{}, nil, err
	}
	return s, certs[0], nil
}

func parseChain(chain [][]byte) ([]*x509.Certificate, error) {
	if len(chain) == 0 || len(chain) > maxChain {
		return nil, fmt.Errorf("%w: chain of %d certificates", ErrMalformed, len(chain))
	}
	certs := make([]*x509.Certificate, len(chain))
	for i, der := range chain {
		if len(der) > maxCertificate {
			return nil, fmt.Errorf("%w: certificate %d has %d bytes", ErrMalformed, i, len(der))
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("%w: certificate %d: %v", ErrMalformed, i, err)
		}
		certs[i] = c
	}
	return certs, nil
}

// findRoot returns the root that last is or was signed by: by signature, never
// by name alone.
func findRoot(last *x509.Certificate, roots []*x509.Certificate) *x509.Certificate {
	for _, r := range roots {
		if bytes.Equal(r.Raw, last.Raw) {
			return r
		}
	}
	for _, r := range roots {
		if bytes.Equal(r.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(r) == nil {
			return r
		}
	}
	return nil
}

// follows checks that parent vouches for child; below is how many certificates
// lie between parent and the leaf.
func follows(child, parent *x509.Certificate, below int) error {
	if !bytes.Equal(child.RawIssuer, parent.RawSubject) {
		return fmt.Errorf("%w: issuer and subject differ", ErrBrokenChain)
	}
	// RFC 5280, 4.2.1.9 and 4.2.1.3: only a CA whose key may sign certificates
	// signs one. An attested signing key thus attests nothing itself.
	if err := child.CheckSignatureFrom(parent); err != nil {
		return fmt.Errorf("%w: %v", ErrBrokenChain, err)
	}
	// RFC 5280, 4.2.1.9: pathLenConstraint counts the CA certificates below.
	if parent.MaxPathLen > 0 || parent.MaxPathLenZero {
		if below > parent.MaxPathLen {
			return fmt.Errorf("%w: path longer than its certificate allows", ErrBrokenChain)
		}
	}
	// The description counts only where the maker's own key put it; a
	// certificate above the leaf that has one is an attested key playing maker.
	for _, e := range parent.Extensions {
		if e.Id.Equal(KeyDescriptionOID()) {
			return fmt.Errorf("%w: an attested key vouches for another", ErrBrokenChain)
		}
	}
	return nil
}

func statementOf(leaf *x509.Certificate, elementOID asn1.ObjectIdentifier) (Statement, error) {
	var s Statement
	var el Element
	var described, hasElement bool
	for _, e := range leaf.Extensions { // crypto/x509 refuses one that comes twice
		var err error
		switch {
		case e.Id.Equal(KeyDescriptionOID()):
			var d KeyDescription
			if d, err = ParseKeyDescription(e.Value); err == nil {
				s, described = d.Statement(), true
			}
		case len(elementOID) > 0 && e.Id.Equal(elementOID):
			if el, err = ParseElement(e.Value); err == nil {
				hasElement = true
			}
		}
		if err != nil {
			return Statement{}, err
		}
	}
	if !described {
		return Statement{}, fmt.Errorf("%w: leaf describes no key", ErrMalformed)
	}
	if hasElement {
		s.HasElement, s.ElementID, s.ResetCounter = true, el.ID, el.ResetCounter
	}
	return s, nil
}
