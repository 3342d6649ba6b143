package profile

import (
	"encoding/asn1"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/pki"
)

// Extensions of RFC 5280, section 4.2, RFC 6960 and ours.
var (
	oidSubjectKeyID      = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage          = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSubjectAltName    = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints  = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidCRLDistribution   = asn1.ObjectIdentifier{2, 5, 29, 31}
	oidPolicies          = asn1.ObjectIdentifier{2, 5, 29, 32}
	oidAuthorityKeyID    = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage       = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidAuthorityInfo     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}
	oidOCSPNoCheck       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 5}
	oidCPS               = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 2, 1}
	oidOCSP              = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1}
	oidCAIssuers         = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 2}
	oidUseClientAuth     = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}
	oidUseEmail          = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 4}
	oidUseOCSPSigning    = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 9}
	oidUseDocument       = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 36} // RFC 9336
	digitalSignature     = 0                                                 // bits of KeyUsage, RFC 5280, section 4.2.1.3
	nonRepudiation       = 1
	keyAgreement         = 4
	keyCertSign, cRLSign = 5, 6
)

type extension struct {
	id       asn1.ObjectIdentifier
	critical bool
	value    []byte // DER inside the OCTET STRING
}

func (e extension) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(e.id)
		if e.critical { // DEFAULT FALSE is not encoded (X.690, section 11.5)
			b.AddASN1Boolean(true)
		}
		b.AddASN1OctetString(e.value)
	})
}

// build runs f and returns what it wrote.
func build(f func(*cryptobyte.Builder)) []byte {
	var b cryptobyte.Builder
	f(&b)
	return b.BytesOrPanic() // f adds only values that always encode
}

// extensions lists what c carries, in the order of the profile.
func (o Operator) extensions(c Certificate) ([]extension, error) {
	keyID, err := pki.SubjectKeyID(c.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	skid := extension{oidSubjectKeyID, false, build(func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyID) })}
	if c.Purpose == Authority {
		list := []extension{authorityKeyID(keyID), skid, keyUsage(keyCertSign, cRLSign), authorityConstraints()}
		if o.Sandbox {
			mark := pki.SandboxMark()
			list = append(list, extension{mark.Id, mark.Critical, mark.Value})
		}
		return list, nil
	}
	list := []extension{authorityKeyID(c.Issuer.Certificate.SubjectKeyId), skid}
	if c.Purpose == Responder {
		return append(list, keyUsage(digitalSignature), extKeyUsage(oidUseOCSPSigning), noCheck()), nil
	}
	points, err := o.distributionPoints(c)
	if err != nil {
		return nil, err
	}
	use, names, err := o.use(c)
	if err != nil {
		return nil, err
	}
	list = append(list, use...)
	list = append(list, o.policies(c.Kind), names, points, o.authorityInfo(c.Issuer.Label()))
	return list, nil
}

// use gives key usages and names of a holder's certificate.
func (o Operator) use(c Certificate) ([]extension, extension, error) {
	switch {
	case c.Kind.Signature():
		names, err := pki.MarshalAttributes(o.Arc, c.Subject.Attributes)
		if err != nil {
			return nil, extension{}, fmt.Errorf("profile: %w", err)
		}
		// Never clientAuth: web servers refuse the certificate at a login because of it.
		return []extension{keyUsage(digitalSignature, nonRepudiation), extKeyUsage(oidUseDocument, oidUseEmail)},
			extension{oidSubjectAltName, false, names}, nil
	case c.Kind.Authentication():
		return []extension{keyUsage(digitalSignature), extKeyUsage(oidUseClientAuth)}, uris(uuidURN()), nil
	}
	bit := digitalSignature
	if c.Party.Encryption {
		bit = keyAgreement
	}
	use := extKeyUsage(o.Arc.Role(c.Party.Role))
	use.critical = c.Party.Role == pki.RoleTSA // RFC 3161, section 2.3: MUST be critical
	return []extension{keyUsage(bit), use},
		uris(append([]string{PartyURN(c.Party.ID)}, c.Party.Origins...)...), nil
}

// keyUsage is critical. RFC 5280, section 4.2.1.3: conforming authorities SHOULD
// mark it so; X.690, section 11.2.2: trailing zero bits are cut off.
func keyUsage(bits ...int) extension {
	var octet byte
	last := 0
	for _, bit := range bits {
		octet |= 0x80 >> bit
		last = max(last, bit)
	}
	return extension{oidKeyUsage, true, []byte{byte(cbasn1.BIT_STRING), 2, byte(7 - last), octet}}
}

func extKeyUsage(uses ...asn1.ObjectIdentifier) extension {
	return extension{oidExtKeyUsage, false, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, use := range uses {
				b.AddASN1ObjectIdentifier(use)
			}
		})
	})}
}

// authorityConstraints: CA, path length 0, critical (RFC 5280, section 4.2.1.9).
func authorityConstraints() extension {
	return extension{oidBasicConstraints, true, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1Boolean(true)
			b.AddASN1Int64(0)
		})
	})}
}

// authorityKeyID is the authorityKeyIdentifier (RFC 5280, section 4.2.1.1) of
// certificates and CRLs; an authority's own names its own key, since generations
// share a name.
func authorityKeyID(keyID []byte) extension {
	return extension{oidAuthorityKeyID, false, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(keyID) })
		})
	})}
}

// noCheck: RFC 6960, section 4.2.2.2.1: the responder's own certificate need not
// be checked during its (short) life.
func noCheck() extension { return extension{oidOCSPNoCheck, false, []byte{5, 0}} }

// policies is critical: a certificate is used for what its policy says or not at
// all. One policy with the address of the practice statement.
func (o Operator) policies(k pki.Kind) extension {
	return extension{oidPolicies, true, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(o.Arc.Policy(k))
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(oidCPS)
						b.AddASN1(cbasn1.IA5String, func(b *cryptobyte.Builder) { b.AddBytes([]byte(o.CPSURL())) })
					})
				})
			})
		})
	})}
}

// addURI adds a GeneralName uniformResourceIdentifier (RFC 5280, section 4.2.1.6).
func addURI(b *cryptobyte.Builder, uri string) {
	b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(uri)) })
}

func uris(list ...string) extension {
	return extension{oidSubjectAltName, false, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, uri := range list {
				addURI(b, uri)
			}
		})
	})}
}

func (o Operator) authorityInfo(label string) extension {
	return extension{oidAuthorityInfo, false, build(func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, access := range []struct {
				method asn1.ObjectIdentifier
				uri    string
			}{{oidOCSP, o.OCSPURL()}, {oidCAIssuers, o.AuthorityURL(label)}} {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1ObjectIdentifier(access.method)
					addURI(b, access.uri)
				})
			}
		})
	})}
}
