package ra

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"tegata/internal/cms"
	"tegata/internal/jws"
	"tegata/internal/pki"
	"tegata/issuer/status"
)

// applied is an application whose signature and content were checked. Whose
// card it is, and whether that is good, only the ledger can tell.
type applied struct {
	content Application
	signed  *cms.Signed
	reissue bool // for a signature certificate alone
}

// What an application may ask for.
var (
	forPair     = []string{string(pki.PhoneAuth), string(pki.PhoneSign)}
	forSignOnly = []string{string(pki.PhoneSign)}
)

// application checks the CMS of claims: one signature of the certificate inside
// over the canonical content, and every field of that content.
func (r *RA) application(c ApplyClaims, deviceKey [32]byte, at time.Time) (applied, error) {
	signed, err := cms.Verify(c.Application, nil)
	switch {
	case errors.Is(err, cms.ErrSignature), errors.Is(err, cms.ErrContent), errors.Is(err, cms.ErrCertificate):
		return applied{}, ErrApplicationSignature.Because(err)
	case err != nil:
		return applied{}, ErrApplicationMalformed.Because(err)
	}
	var a Application
	if err := jws.Decode(signed.Content, &a); err != nil {
		return applied{}, ErrApplicationMalformed.Because(err)
	}
	if !bytes.Equal(a.Canonical(), signed.Content) {
		return applied{}, ErrApplicationMalformed.Because(errors.New("ra: the content is not canonical"))
	}
	when, err := time.Parse(time.RFC3339, a.Time)
	if err != nil || when.UTC().Format(time.RFC3339) != a.Time {
		return applied{}, ErrApplicationMalformed.Because(errors.New("ra: the time is not RFC 3339 in UTC"))
	}
	switch {
	case !validID(a.Nonce):
		return applied{}, ErrApplicationMalformed.Because(errors.New("ra: the nonce is not 128 bits"))
	case !slices.Equal(a.Certificates, forPair) && !slices.Equal(a.Certificates, forSignOnly):
		return applied{}, ErrCertificateChoice
	case a.ApplicantCertificateSHA256 != pki.Fingerprint(signed.Certificate.Raw):
		return applied{}, ErrApplicationCertificate.Because(errors.New("ra: the content names another certificate than the signer's"))
	case a.Enrolment != c.ID || a.DeviceKeySHA256 != hex.EncodeToString(deviceKey[:]):
		return applied{}, ErrDeviceKeyMismatch
	case when.Before(at.Add(-ApplicationWindow)) || when.After(at.Add(StepWindow)):
		return applied{}, ErrApplicationTime.With("now", at.Format(time.RFC3339))
	case a.TermsVersion != r.config.Terms.Version:
		return applied{}, ErrTermsOutdated.With("terms_version", r.config.Terms.Version)
	}
	return applied{content: a, signed: signed, reissue: len(a.Certificates) == 1}, nil
}

// signer finds the card's certificate that signed a, as we issued it. A
// certificate that is byte for byte in our own record needs no path: we made it.
func (a applied) signer(ctx context.Context, tx Tx) (CertificateRecord, error) {
	cert, err := tx.Certificate(ctx, pki.CardSign, pki.SerialOf(a.signed.Certificate))
	if errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(cert.DER, a.signed.Certificate.Raw) {
		return cert, ErrApplicationCertificate
	}
	return cert, err
}

// whyNot says why the holder of a card without a signature certificate cannot
// apply. Whoever has the card to a phone learns of its holder only whether they are
// under 15, which the missing certificate tells as good as always; and it takes an
// attested phone to ask.
func (r *RA) whyNot(ctx context.Context, c ApplyClaims, at time.Time) error {
	if len(c.Application) > 0 {
		return ErrApplicationMalformed.Because(errors.New("ra: an application beside an authentication certificate"))
	}
	leaf, err := x509.ParseCertificate(c.AuthCertificate)
	if err != nil {
		return ErrApplicationCertificate.Because(err)
	}
	var person PersonRecord
	err = r.store.Read(ctx, func(tx Tx) error {
		cert, err := tx.Certificate(ctx, pki.CardAuth, pki.SerialOf(leaf))
		if errors.Is(err, ErrNotFound) || err == nil && !bytes.Equal(cert.DER, leaf.Raw) {
			return ErrApplicationCertificate
		}
		if err != nil {
			return err
		}
		person, err = tx.Person(ctx, cert.Person)
		return err
	})
	if err != nil {
		return err
	}
	birth, err := person.Attributes.Birth()
	switch {
	case err != nil:
		return err
	case person.Died:
		return ErrPersonDied
	case pki.Age(birth, at) < minAge:
		return ErrUnder15
	}
	return ErrNoSignature
}

// cardGood refuses a card whose signature certificate is not good at this
// moment, each state with its own sentence.
func cardGood(ctx context.Context, tx Tx, cert CertificateRecord, at time.Time) error {
	entry, err := tx.Status(ctx, cert.Kind, cert.Serial)
	switch {
	case errors.Is(err, status.ErrUnknown):
		return ErrCardUnknown
	case err != nil:
		return err
	case entry.Status == status.Revoked:
		return ErrCardRevoked
	// RFC 5280, section 4.1.2.5: the validity period includes notAfter.
	case at.After(cert.NotAfter) || at.Before(cert.NotBefore):
		return ErrCardExpired
	case entry.Status == status.Held:
		return ErrCardHeld
	}
	return nil
}

// cardOf is the signature certificate of an enrolment's card.
func cardOf(ctx context.Context, tx Tx, e EnrolmentRecord) (CardRecord, CertificateRecord, error) {
	card, err := tx.Card(ctx, e.Card)
	if err != nil {
		return card, CertificateRecord{}, err
	}
	cert, err := tx.Certificate(ctx, pki.CardSign, card.SignSerial)
	return card, cert, err
}
