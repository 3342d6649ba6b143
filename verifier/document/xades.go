package document

import (
	"errors"

	"tegata/internal/problem"
	"tegata/internal/xades"
)

// xadesFormat reads XML signatures (ETSI EN 319 132-1).
type xadesFormat struct{}

// Is looks for a tag.
func (xadesFormat) Is(data []byte) bool { return xades.Is(data) }

// Read returns the signatures, outermost first. Package xades has checked each of them
// when it returns them, so nothing is left for Verify.
func (xadesFormat) Read(data, content []byte) ([]Signature, error) {
	found, err := xades.Signatures(data, content)
	if err != nil {
		return nil, fromXAdES(err)
	}
	var out []Signature
	for _, one := range found {
		s := Signature{
			Format: "XAdES", Level: string(one.Level), Certificate: one.Certificate, Certificates: one.Certificates,
			OCSP: one.OCSP, Claimed: one.SigningTime, Verify: func() error { return nil },
		}
		for _, t := range one.TimeStamps {
			s.TimeStamps = append(s.TimeStamps, TimeStamp{DER: t.Token, Imprint: t.Imprint, Covers: t.Covers})
		}
		if !one.Bound { // plain XML-DSig: another certificate of the same key could stand in the place of this one
			s.Findings = append(s.Findings, ErrNoSigningCertificate)
		}
		out = append(out, s)
	}
	return out, nil
}

// fromXAdES turns an error of package xades into one of this package's problems.
func fromXAdES(err error) error {
	for _, known := range []struct {
		is   error
		says *problem.Problem
	}{ // the more particular first
		{xades.ErrNoSignature, ErrNoSignature},
		{xades.ErrDTD, ErrForbiddenXML}, {xades.ErrEntity, ErrForbiddenXML}, {xades.ErrRemote, ErrForbiddenXML}, {xades.ErrTransform, ErrForbiddenXML},
		{xades.ErrSeveralSignatures, ErrPartly}, {xades.ErrPlace, ErrPartly}, {xades.ErrDuplicateID, ErrPartly}, {xades.ErrUnsigned, ErrPartly},
		{xades.ErrComment, ErrPartly}, {xades.ErrNamespace, ErrPartly}, {xades.ErrNoTarget, ErrPartly}, {xades.ErrTarget, ErrPartly},
		{xades.ErrNoContent, ErrContentMissing}, {xades.ErrContent, ErrContentChanged},
		{xades.ErrWeakDigest, ErrWeakDigest}, {xades.ErrHMAC, ErrAlgorithm}, {xades.ErrAlgorithm, ErrAlgorithm},
		{xades.ErrKeyInfo, ErrNoSigningCertificate}, {xades.ErrNoSigningCertificate, ErrNoSigningCertificate}, {xades.ErrCertificate, ErrSubstituted},
		{xades.ErrSignedProperties, ErrAttribute}, {xades.ErrSignature, ErrSignature},
	} {
		if errors.Is(err, known.is) {
			return known.says.Because(err)
		}
	}
	return Malformed(err)
}
