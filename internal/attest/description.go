package attest

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
)

// KeyDescriptionOID is the Android Key Attestation extension.
func KeyDescriptionOID() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 1, 17}
}

// maxExtension is far above what any phone writes (under 2 kB), in bytes.
const maxExtension = 16 << 10

// SecurityLevel says where a key lives. A higher level is a safer place.
type SecurityLevel int

// The levels of the KeyDescription schema.
const (
	Software           SecurityLevel = 0
	TrustedEnvironment SecurityLevel = 1
	StrongBox          SecurityLevel = 2
)

func (l SecurityLevel) String() string {
	switch l {
	case Software:
		return "software"
	case TrustedEnvironment:
		return "trusted environment"
	case StrongBox:
		return "strongbox"
	}
	return fmt.Sprintf("SecurityLevel(%d)", int(l))
}

// KeyDescription is the extension as it stands in a certificate: Marshal of
// what ParseKeyDescription returned gives the same bytes.
type KeyDescription struct {
	Version          int           // attestationVersion: 400 is KeyMint 4
	AttestationLevel SecurityLevel // where the attestation was made
	KeyMintVersion   int
	KeyMintLevel     SecurityLevel // where the key lives
	Challenge        []byte
	UniqueID         []byte
	Software         AuthorizationList // what the operating system adds: believed of nothing
	Hardware         AuthorizationList // what the hardware enforces
}

// keyDescription is KeyDescription in ASN.1.
type keyDescription struct {
	Version          int
	AttestationLevel asn1.Enumerated
	KeyMintVersion   int
	KeyMintLevel     asn1.Enumerated
	Challenge        []byte
	UniqueID         []byte
	Software         asn1.RawValue
	Hardware         asn1.RawValue
}

// Marshal returns the DER of the extension's value.
func (d KeyDescription) Marshal() ([]byte, error) {
	software, err := d.Software.marshal()
	if err != nil {
		return nil, err
	}
	hardware, err := d.Hardware.marshal()
	if err != nil {
		return nil, err
	}
	der, err := asn1.Marshal(keyDescription{
		Version: d.Version, AttestationLevel: asn1.Enumerated(d.AttestationLevel),
		KeyMintVersion: d.KeyMintVersion, KeyMintLevel: asn1.Enumerated(d.KeyMintLevel),
		Challenge: d.Challenge, UniqueID: d.UniqueID,
		Software: asn1.RawValue{FullBytes: software}, Hardware: asn1.RawValue{FullBytes: hardware},
	})
	if err != nil {
		return nil, fmt.Errorf("attest: write key description: %w", err)
	}
	return der, nil
}

// ParseKeyDescription reads the extension's value. It returns ErrMalformed,
// wrapped, for anything but one whole KeyDescription in DER.
func ParseKeyDescription(der []byte) (KeyDescription, error) {
	if len(der) > maxExtension {
		return KeyDescription{}, fmt.Errorf("%w: key description of %d bytes", ErrMalformed, len(der))
	}
	var w keyDescription
	rest, err := asn1.Unmarshal(der, &w)
	if err != nil {
		return KeyDescription{}, fmt.Errorf("%w: key description: %v", ErrMalformed, err)
	}
	if len(rest) > 0 {
		return KeyDescription{}, fmt.Errorf("%w: %d bytes after the key description", ErrMalformed, len(rest))
	}
	d := KeyDescription{
		Version: w.Version, AttestationLevel: SecurityLevel(w.AttestationLevel),
		KeyMintVersion: w.KeyMintVersion, KeyMintLevel: SecurityLevel(w.KeyMintLevel),
		Challenge: w.Challenge, UniqueID: w.UniqueID,
	}
	for _, l := range []SecurityLevel{d.AttestationLevel, d.KeyMintLevel} {
		if l < Software || l > StrongBox {
			return KeyDescription{}, fmt.Errorf("%w: security level %d", ErrMalformed, l)
		}
	}
	if d.Version < 0 || d.KeyMintVersion < 0 {
		return KeyDescription{}, fmt.Errorf("%w: negative version", ErrMalformed)
	}
	if d.Software, err = parseAuthorizationList(w.Software); err != nil {
		return KeyDescription{}, fmt.Errorf("softwareEnforced: %w", err)
	}
	if d.Hardware, err = parseAuthorizationList(w.Hardware); err != nil {
		return KeyDescription{}, fmt.Errorf("hardwareEnforced: %w", err)
	}
	// X.690, 10 and 11: DER has one form of everything. What we would not write
	// the same way is not DER.
	if again, err := d.Marshal(); err != nil || !bytes.Equal(again, der) {
		return KeyDescription{}, fmt.Errorf("%w: key description is not in DER", ErrMalformed)
	}
	return d, nil
}

// An Element is our own extension <arc>.7: which secure element holds the key,
// and how many times that element has been reset.
type Element struct {
	ID           [16]byte // random, drawn when the element is made; survives a reset
	ResetCounter uint32
}

// element is Element in ASN.1:
//
//	Element ::= SEQUENCE { id OCTET STRING (SIZE(16)), resetCounter INTEGER (0..4294967295) }
type element struct {
	ID           []byte
	ResetCounter int64
}

// Marshal returns the DER of the extension's value.
func (e Element) Marshal() ([]byte, error) {
	return asn1.Marshal(element{ID: e.ID[:], ResetCounter: int64(e.ResetCounter)})
}

// ParseElement reads the value of the element extension; ErrMalformed otherwise.
func ParseElement(der []byte) (Element, error) {
	var w element
	rest, err := asn1.Unmarshal(der, &w)
	if err == nil && len(rest) > 0 {
		err = errors.New("trailing bytes")
	}
	if err != nil {
		return Element{}, fmt.Errorf("%w: element: %v", ErrMalformed, err)
	}
	if len(w.ID) != 16 {
		return Element{}, fmt.Errorf("%w: element id of %d bytes", ErrMalformed, len(w.ID))
	}
	if w.ResetCounter < 0 || w.ResetCounter > 1<<32-1 {
		return Element{}, fmt.Errorf("%w: reset counter out of range", ErrMalformed)
	}
	e := Element{ID: [16]byte(w.ID), ResetCounter: uint32(w.ResetCounter)}
	if again, err := e.Marshal(); err != nil || !bytes.Equal(again, der) {
		return Element{}, fmt.Errorf("%w: element is not in DER", ErrMalformed)
	}
	return e, nil
}
