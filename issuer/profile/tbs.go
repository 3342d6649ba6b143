package profile

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"tegata/internal/pki"
)

// algorithmIdentifier is a's AlgorithmIdentifier. RFC 4055, section 5: RSA has
// NULL parameters; RFC 5758, section 3.2: ECDSA has none.
func (a Algorithm) algorithmIdentifier(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if a == ECDSAP384SHA384 {
			b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 10045, 4, 3, 3})
			return
		}
		b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 11})
		b.AddASN1NULL()
	})
}

// TBS encodes the tbsCertificate of c (RFC 5280, section 4.1). It refuses what
// c's profile does not allow; Linter.Check checks the result again.
func (o Operator) TBS(c Certificate) ([]byte, error) {
	if err := o.admit(c); err != nil {
		return nil, err
	}
	subject, err := o.subjectName(c)
	if err != nil {
		return nil, fmt.Errorf("profile: subject: %w", err)
	}
	issuer := subject
	if c.Purpose != Authority {
		issuer = c.Issuer.Certificate.RawSubject
	}
	spki, err := x509.MarshalPKIXPublicKey(c.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("profile: public key: %w", err)
	}
	extensions, err := o.extensions(c)
	if err != nil {
		return nil, err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.Tag(0).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1Int64(2) // v3
		})
		b.AddASN1BigInt(c.Serial.Big())
		c.Issuer.Algorithm.algorithmIdentifier(b)
		b.AddBytes(issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			AddTime(b, c.NotBefore)
			AddTime(b, c.NotAfter)
		})
		b.AddBytes(subject)
		b.AddBytes(spki)
		b.AddASN1(cbasn1.Tag(3).Constructed().ContextSpecific(), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, e := range extensions {
					e.add(b)
				}
			})
		})
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("profile: tbsCertificate: %w", err)
	}
	return der, nil
}

// AddTime adds a Time. RFC 5280, section 4.1.2.5: UTCTime through 2049,
// GeneralizedTime from 2050, in UTC with seconds and no fraction.
func AddTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC().Truncate(time.Second)
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
	} else {
		b.AddASN1GeneralizedTime(t)
	}
}

// Assemble puts a signature under tbs: a Certificate or, just the same, a
// CertificateList.
func Assemble(tbs []byte, a Algorithm, signature []byte) ([]byte, error) {
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		a.algorithmIdentifier(b)
		b.AddASN1BitString(signature)
	})
	der, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("profile: assemble: %w", err)
	}
	return der, nil
}

// admit refuses a draft that no profile describes.
func (o Operator) admit(c Certificate) error {
	if err := o.Check(); err != nil {
		return err
	}
	if o.Arc.Policy(c.Kind) == nil {
		return fmt.Errorf("profile: no kind of certificate is called %.20q", c.Kind)
	}
	// RFC 5280, section 4.1.2.2: a serial number is positive; ours always have 16 octets.
	if c.Serial[0]&0x80 != 0 || c.Serial[0] == 0 {
		return errors.New("profile: the serial number is not one of ours")
	}
	if c.Issuer.Kind != c.Kind || c.Purpose != Authority && c.Issuer.Certificate == nil {
		return errors.New("profile: the issuer is not the authority of this kind")
	}
	if err := checkKey(c.Kind, c.Purpose, c.Issuer.Algorithm, c.PublicKey); err != nil {
		return err
	}
	if err := checkValidity(c); err != nil {
		return err
	}
	if c.Purpose != Holder {
		return nil
	}
	return o.admitHolder(c)
}

func checkValidity(c Certificate) error {
	switch {
	case c.NotBefore.Nanosecond() != 0 || c.NotAfter.Nanosecond() != 0:
		return errors.New("profile: validity is in whole seconds")
	case !c.NotAfter.After(c.NotBefore):
		return errors.New("profile: the certificate would end before it begins")
	case c.NotAfter.Sub(c.NotBefore) > longest(c.Kind, c.Purpose):
		return fmt.Errorf("profile: a %s %s certificate lives at most %d days", c.Kind, c.Purpose, longest(c.Kind, c.Purpose)/day)
	case c.Purpose == Authority:
		return nil
	case c.NotBefore.Before(c.Issuer.Certificate.NotBefore) || c.NotAfter.After(c.Issuer.Certificate.NotAfter):
		return errors.New("profile: the certificate would live longer than its authority")
	}
	return nil
}

func (o Operator) admitHolder(c Certificate) error {
	if c.Kind == pki.Ops {
		return o.admitParty(c)
	}
	if c.Party.ID != "" || c.Party.Role != "" || len(c.Party.Origins) > 0 || c.Party.Encryption {
		return errors.New("profile: a person's certificate names no party")
	}
	if c.Kind.Authentication() {
		if c.Subject.Attributes != (pki.Attributes{}) || c.Subject.Municipality != (Municipality{}) {
			return errors.New("profile: an authentication certificate says nothing about the person")
		}
		return nil
	}
	m := c.Subject.Municipality
	if !digits(m.Code) || len(m.Code) < 5 || len(m.Code) > 6 || m.Prefecture == "" || m.City == "" {
		return errors.New("profile: a signature certificate needs a municipality with a code of 5 or 6 digits")
	}
	return nil
}

func digits(s string) bool {
	for _, r := range s {
		if r < '0' || r > '9' {
			return false
		}
	}
	return s != ""
}
