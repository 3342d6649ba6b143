package attest

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// Numbers of the KeyMint interface that we use (android.hardware.security.keymint).
const (
	PurposeSign = 2

	AlgorithmRSA = 1
	AlgorithmEC  = 3

	DigestSHA256 = 4
	DigestSHA384 = 5

	PaddingPSS         = 3
	PaddingPKCS1v5Sign = 5

	CurveP256 = 1

	OriginGenerated        = 0 // the only one a private key cannot have come in by
	OriginImported         = 2
	OriginSecurelyImported = 4
)

// Tags of AuthorizationList.
const (
	tagPurpose        = 1
	tagAlgorithm      = 2
	tagKeySize        = 3
	tagDigest         = 5
	tagPadding        = 6
	tagECCurve        = 10
	tagRSAExponent    = 200
	tagNoAuthRequired = 503
	tagExportable     = 602 // KM_TAG_EXPORTABLE of Keymaster 1; gone since, since nothing may be exported
	tagCreation       = 701
	tagOrigin         = 702
	tagRootOfTrust    = 704
	tagOSVersion      = 705
	tagOSPatchLevel   = 706
	tagBrand          = 710
	tagDevice         = 711
	tagProduct        = 712
	tagManufacturer   = 716
	tagModel          = 717
)

// BootState is how the phone's system was checked when it started.
type BootState int

// The states of VerifiedBootState.
const (
	BootVerified   BootState = 0
	BootSelfSigned BootState = 1
	BootUnverified BootState = 2
	BootFailed     BootState = 3
)

func (b BootState) String() string {
	switch b {
	case BootVerified:
		return "verified"
	case BootSelfSigned:
		return "self-signed"
	case BootUnverified:
		return "unverified"
	case BootFailed:
		return "failed"
	}
	return fmt.Sprintf("BootState(%d)", int(b))
}

// RootOfTrust is the state in which the phone started.
type RootOfTrust struct {
	VerifiedBootKey  []byte
	DeviceLocked     bool
	VerifiedBoot     BootState
	VerifiedBootHash []byte // absent before version 3
}

// rootOfTrust is RootOfTrust in ASN.1.
type rootOfTrust struct {
	VerifiedBootKey  []byte
	DeviceLocked     bool
	VerifiedBoot     asn1.Enumerated
	VerifiedBootHash []byte `asn1:"optional,omitempty"`
}

// An AuthorizationList is one of the two lists of a KeyDescription. A nil
// pointer is an absent field: a present 0 means something (an origin of 0 is
// "generated").
type AuthorizationList struct {
	Purpose        []int
	Algorithm      *int
	KeySize        *int // bits
	Digest         []int
	Padding        []int
	ECCurve        *int
	RSAExponent    *int
	NoAuthRequired bool
	Exportable     bool
	Created        *int // milliseconds since 1970
	Origin         *int
	RootOfTrust    *RootOfTrust
	OSVersion      *int
	OSPatchLevel   *int
	Brand          string
	Device         string
	Product        string
	Manufacturer   string
	Model          string
	Other          []Field // fields that we have no use for, as they came
}

// A Field is one [Tag] EXPLICIT entry of an AuthorizationList.
type Field struct {
	Tag   int
	Value []byte // the DER inside the explicit tag
}

// marshal writes the list in DER: fields in the order of their tags.
//
// encoding/asn1 cannot do this with a struct: tags above 30 need the long form,
// and absent fields in between would shift the later ones. So each field is a
// RawValue of its own.
func (a AuthorizationList) marshal() ([]byte, error) {
	fields := slices.Clone(a.Other)
	var failed error
	add := func(tag int, v any, params string) {
		der, err := asn1.MarshalWithParams(v, params)
		if err != nil && failed == nil {
			failed = fmt.Errorf("attest: write field %d: %w", tag, err)
		}
		fields = append(fields, Field{tag, der})
	}
	for tag, set := range map[int][]int{tagPurpose: a.Purpose, tagDigest: a.Digest, tagPadding: a.Padding} {
		if set != nil {
			add(tag, set, "set")
		}
	}
	for tag, n := range map[int]*int{
		tagAlgorithm: a.Algorithm, tagKeySize: a.KeySize, tagECCurve: a.ECCurve, tagRSAExponent: a.RSAExponent,
		tagCreation: a.Created, tagOrigin: a.Origin, tagOSVersion: a.OSVersion, tagOSPatchLevel: a.OSPatchLevel,
	} {
		if n != nil {
			add(tag, *n, "")
		}
	}
	for tag, there := range map[int]bool{tagNoAuthRequired: a.NoAuthRequired, tagExportable: a.Exportable} {
		if there {
			add(tag, asn1.NullRawValue, "")
		}
	}
	for tag, s := range map[int]string{
		tagBrand: a.Brand, tagDevice: a.Device, tagProduct: a.Product, tagManufacturer: a.Manufacturer, tagModel: a.Model,
	} {
		if s != "" {
			add(tag, []byte(s), "")
		}
	}
	if r := a.RootOfTrust; r != nil {
		add(tagRootOfTrust, rootOfTrust{r.VerifiedBootKey, r.DeviceLocked, asn1.Enumerated(r.VerifiedBoot), r.VerifiedBootHash}, "")
	}
	if failed != nil {
		return nil, failed
	}
	slices.SortFunc(fields, func(x, y Field) int { return x.Tag - y.Tag })
	var body []byte
	for _, f := range fields {
		der, err := asn1.Marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: f.Tag, IsCompound: true, Bytes: f.Value})
		if err != nil {
			return nil, fmt.Errorf("attest: write field %d: %w", f.Tag, err)
		}
		body = append(body, der...)
	}
	return asn1.Marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: body})
}

// parseAuthorizationList walks the list field by field.
func parseAuthorizationList(seq asn1.RawValue) (AuthorizationList, error) {
	var a AuthorizationList
	if seq.Class != asn1.ClassUniversal || seq.Tag != asn1.TagSequence || !seq.IsCompound {
		return a, fmt.Errorf("%w: authorization list is no sequence", ErrMalformed)
	}
	last := -1
	for rest := seq.Bytes; len(rest) > 0; {
		var f asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &f); err != nil {
			return a, fmt.Errorf("%w: authorization list: %v", ErrMalformed, err)
		}
		if f.Class != asn1.ClassContextSpecific || !f.IsCompound {
			return a, fmt.Errorf("%w: authorization list: class %d", ErrMalformed, f.Class)
		}
		// The schema lists its fields by rising tag; a second occurrence could
		// contradict the first.
		if f.Tag <= last {
			return a, fmt.Errorf("%w: field %d after field %d", ErrMalformed, f.Tag, last)
		}
		last = f.Tag
		if err := a.parseField(f.Tag, f.Bytes); err != nil {
			return a, fmt.Errorf("%w: field %d: %v", ErrMalformed, f.Tag, err)
		}
	}
	return a, nil
}

// parseField reads the value inside one explicit tag.
func (a *AuthorizationList) parseField(tag int, der []byte) error {
	switch tag {
	case tagPurpose:
		return parseSet(der, &a.Purpose)
	case tagDigest:
		return parseSet(der, &a.Digest)
	case tagPadding:
		return parseSet(der, &a.Padding)
	case tagAlgorithm:
		return parseInt(der, &a.Algorithm)
	case tagKeySize:
		return parseInt(der, &a.KeySize)
	case tagECCurve:
		return parseInt(der, &a.ECCurve)
	case tagRSAExponent:
		return parseInt(der, &a.RSAExponent)
	case tagCreation:
		return parseInt(der, &a.Created)
	case tagOrigin:
		return parseInt(der, &a.Origin)
	case tagOSVersion:
		return parseInt(der, &a.OSVersion)
	case tagOSPatchLevel:
		return parseInt(der, &a.OSPatchLevel)
	case tagNoAuthRequired:
		return parseNull(der, &a.NoAuthRequired)
	case tagExportable:
		return parseNull(der, &a.Exportable)
	case tagBrand:
		return parseText(der, &a.Brand)
	case tagDevice:
		return parseText(der, &a.Device)
	case tagProduct:
		return parseText(der, &a.Product)
	case tagManufacturer:
		return parseText(der, &a.Manufacturer)
	case tagModel:
		return parseText(der, &a.Model)
	case tagRootOfTrust:
		var w rootOfTrust
		if err := unmarshalAll(der, &w, ""); err != nil {
			return err
		}
		if w.VerifiedBoot < 0 || w.VerifiedBoot > asn1.Enumerated(BootFailed) {
			return fmt.Errorf("boot state %d", w.VerifiedBoot)
		}
		a.RootOfTrust = &RootOfTrust{w.VerifiedBootKey, w.DeviceLocked, BootState(w.VerifiedBoot), w.VerifiedBootHash}
		return nil
	}
	var v asn1.RawValue
	if err := unmarshalAll(der, &v, ""); err != nil {
		return err
	}
	a.Other = append(a.Other, Field{tag, der})
	return nil
}

func parseSet(der []byte, to *[]int) error {
	set := []int{}
	if err := unmarshalAll(der, &set, "set"); err != nil {
		return err
	}
	if !slices.IsSorted(set) {
		return errors.New("set out of order") // X.690, 11.6
	}
	*to = set
	return nil
}

func parseInt(der []byte, to **int) error {
	*to = new(int)
	return unmarshalAll(der, *to, "")
}

func parseNull(der []byte, to *bool) error {
	var v asn1.RawValue
	if err := unmarshalAll(der, &v, ""); err != nil {
		return err
	}
	if v.Class != asn1.ClassUniversal || v.Tag != asn1.TagNull || v.IsCompound || len(v.Bytes) != 0 {
		return errors.New("no NULL")
	}
	*to = true
	return nil
}

func parseText(der []byte, to *string) error {
	var b []byte
	if err := unmarshalAll(der, &b, ""); err != nil {
		return err
	}
	if len(b) == 0 || len(b) > 256 {
		return fmt.Errorf("text of %d bytes", len(b))
	}
	*to = string(b)
	return nil
}

func unmarshalAll(der []byte, v any, params string) error {
	rest, err := asn1.UnmarshalWithParams(der, v, params)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return errors.New("trailing bytes")
	}
	return nil
}
