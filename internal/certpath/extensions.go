package certpath

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
)

// Identifiers of RFC 5280, section 4.2 and 5.2.
var (
	oidKeyUsage           = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName     = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints   = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLNumber          = asn1.ObjectIdentifier{2, 5, 29, 20}
	oidIssuingPoint       = asn1.ObjectIdentifier{2, 5, 29, 28}
	oidNameConstraints    = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidCertPolicies       = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidPolicyMappings     = asn1.ObjectIdentifier{2, 5, 29, 33}
	oidAuthorityKeyID     = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidPolicyConstraints  = asn1.ObjectIdentifier{2, 5, 29, 36}
	oidExtKeyUsage        = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidInhibitAnyPolicy   = asn1.ObjectIdentifier{2, 5, 29, 54}
	oidOCSPSigning        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}
	oidOCSPNoCheck        = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidOCSPNonce          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 2}
	oidOCSPBasic          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}
	oidReasonCode         = asn1.ObjectIdentifier{2, 5, 29, 21}
	oidInvalidityDate     = asn1.ObjectIdentifier{2, 5, 29, 24}
	maxExtensionsAccepted = 32
)

// extensions refuses what Validate does not process. RFC 5280, section 4.2: a
// critical extension that is not recognised means that the certificate is
// refused. The four that limit a path are refused even when not critical: passing
// them over would be more lenient than their issuer meant.
func extensions(c *x509.Certificate) error {
	if len(c.Extensions) > maxExtensionsAccepted {
		return fmt.Errorf("%w: too many", ErrExtension)
	}
	for _, e := range c.Extensions {
		switch {
		case e.Id.Equal(oidNameConstraints), e.Id.Equal(oidPolicyMappings),
			e.Id.Equal(oidPolicyConstraints), e.Id.Equal(oidInhibitAnyPolicy):
			return fmt.Errorf("%w: %s", ErrExtension, e.Id)
		case !e.Critical:
		case e.Id.Equal(oidKeyUsage), e.Id.Equal(oidBasicConstraints), e.Id.Equal(oidCertPolicies),
			e.Id.Equal(oidExtKeyUsage), e.Id.Equal(oidSubjectAltName):
		default:
			return fmt.Errorf("%w: critical %s", ErrExtension, e.Id)
		}
	}
	return nil
}

// extUsages reads extendedKeyUsage as it stands.
func extUsages(c *x509.Certificate) ([]asn1.ObjectIdentifier, error) {
	for _, e := range c.Extensions {
		if !e.Id.Equal(oidExtKeyUsage) {
			continue
		}
		var uses []asn1.ObjectIdentifier
		if rest, err := asn1.Unmarshal(e.Value, &uses); err != nil || len(rest) > 0 {
			return nil, fmt.Errorf("%w: extended key usage is malformed", ErrExtension)
		}
		return uses, nil
	}
	return nil, nil
}
