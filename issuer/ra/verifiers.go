package ra

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/pki"
	"tegata/issuer/status"
)

func verifierActor(id string) audit.Actor {
	return audit.Actor{Party: "verifier", Kind: "party", ID: id}
}

// Linkage tells a registered verifier the person behind a certificate: the same
// id for every certificate of this person, old and new, signature and
// authentication, card and phone, and another id for every other verifier.
func (r *RA) Linkage(ctx context.Context, verifier string, der []byte) (Linkage, error) {
	at := r.at()
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return Linkage{}, ErrUnknownCertificate.Because(err)
	}
	var out Linkage
	err = r.store.Write(ctx, func(tx Tx) error {
		found, err := ours(ctx, tx, cert)
		if err != nil {
			return err
		}
		out.Person, err = r.link(ctx, tx, verifier, found.Person)
		if err != nil {
			return err
		}
		return r.logQuery(ctx, tx, at, found.Person, Query{At: at, Verifier: verifier, What: "linkage"})
	})
	return out, err
}

// ours finds the record of a certificate that is byte for byte one we issued.
// ErrUnknownCertificate.
func ours(ctx context.Context, tx Tx, cert *x509.Certificate) (CertificateRecord, error) {
	for _, kind := range []pki.Kind{pki.PhoneAuth, pki.PhoneSign, pki.CardAuth, pki.CardSign} {
		found, err := tx.Certificate(ctx, kind, pki.SerialOf(cert))
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return found, err
		}
		if bytes.Equal(found.DER, cert.Raw) {
			return found, nil
		}
	}
	return CertificateRecord{}, ErrUnknownCertificate
}

// link is the pairwise id of a person, remembered so that a grant about it is
// understood later.
func (r *RA) link(ctx context.Context, tx Tx, verifier, person string) (string, error) {
	id := r.pairwise(verifier, person)
	return id, tx.PutPairwise(ctx, verifier, id, person)
}

// logQuery records a question for the person to see, and for the auditor.
func (r *RA) logQuery(ctx context.Context, tx Tx, at time.Time, person string, q Query) error {
	id := randomID()
	if err := tx.PutQuery(ctx, person, id, q); err != nil {
		return err
	}
	return tx.Audit(ctx, at, verifierActor(q.Verifier), "query", id, map[string]string{"what": q.What, "refused": q.Refused})
}

// Release hands attributes to a verifier against the holder's own release: a
// JWS by a key of a phone whose certificate is good at this moment, which names
// this verifier and each claim. Refused ones are visible to the holder too.
func (r *RA) Release(ctx context.Context, verifier, release string) (Released, error) {
	at := r.at()
	m, err := ceremony.ParseRelease(release)
	if err != nil {
		return Released{}, ErrReleaseInvalid.Because(err)
	}
	said, err := m.Verify()
	if err != nil {
		return Released{}, ErrReleaseInvalid.Because(err)
	}
	var out Released
	var refusal error
	err = r.store.Write(ctx, func(tx Tx) error {
		out, refusal = Released{}, nil
		cert, err := ours(ctx, tx, m.Chain()[0])
		if err != nil {
			return err
		}
		q := Query{At: at, Verifier: verifier, What: "attributes", Claims: said.Claims}
		if refusal, err = judgeRelease(ctx, tx, verifier, said, cert, at); err != nil {
			return err
		}
		if refusal != nil {
			q.Refused = CodeReleaseInvalid
			if errors.Is(refusal, ErrReleaseCertificate) {
				q.Refused = CodeReleaseCertificate
			}
			return r.logQuery(ctx, tx, at, cert.Person, q)
		}
		p, err := tx.Person(ctx, cert.Person)
		if err != nil {
			return err
		}
		if out.Person, err = r.link(ctx, tx, verifier, p.ID); err != nil {
			return err
		}
		if out.Claims, err = releasedClaims(p.Attributes, said.Claims); err != nil {
			return err
		}
		out.AsOf = p.AsOf
		return r.logQuery(ctx, tx, at, p.ID, q)
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return Released{}, err
	}
	return out, nil
}

// judgeRelease returns the refusal of a release that cannot be honoured, or nil.
func judgeRelease(ctx context.Context, tx Tx, verifier string, said ceremony.Release, cert CertificateRecord, at time.Time) (refusal, err error) {
	if said.Verifier != verifier {
		return ErrReleaseInvalid.Because(errors.New("ra: the release is for another verifier")), nil
	}
	if err := said.Fresh(at); err != nil {
		return ErrReleaseInvalid.Because(err), nil
	}
	if !cert.Phone { // a card cannot show what it signs, so it cannot consent
		return ErrReleaseInvalid.Because(errors.New("ra: a release is signed by a phone")), nil
	}
	entry, err := tx.Status(ctx, cert.Kind, cert.Serial)
	if err != nil {
		return nil, err
	}
	if entry.Status != status.Good || at.After(cert.NotAfter) || at.Before(cert.NotBefore) {
		return ErrReleaseCertificate, nil
	}
	return nil, nil
}

func releasedClaims(a pki.Attributes, names []string) (ReleasedClaims, error) {
	var c ReleasedClaims
	if slices.Contains(names, ceremony.ClaimName) {
		c.Name = a.Name
	}
	if slices.Contains(names, ceremony.ClaimAddress) {
		c.Address = a.Address
	}
	if slices.Contains(names, ceremony.ClaimBirthDate) {
		birth, err := a.Birth()
		if err != nil {
			return c, err
		}
		c.BirthDate = birth.Format(time.DateOnly)
	}
	if slices.Contains(names, ceremony.ClaimGender) {
		c.Gender = map[string]string{"1": "male", "2": "female"}[a.Sex]
		if c.Gender == "" {
			c.Gender = "unspecified"
		}
	}
	return c, nil
}

// Holding answers a party with the holder's certificates, phone, and who asked
// about them. g is a grant whose signature, path and role were checked; it is
// used up here, in the transaction of the answer.
func (r *RA) Holding(ctx context.Context, party, pairwise string, g ceremony.Grant) (Holding, error) {
	at := r.at()
	var out Holding
	err := r.store.Write(ctx, func(tx Tx) error {
		out = Holding{Certificates: []HeldCertificate{}, Queries: []Query{}}
		fresh, err := tx.TakeAssertion(ctx, "grant "+g.Issuer, g.ID, time.Unix(g.Expires, 0).Add(ceremony.Skew), at)
		if err != nil {
			return err
		}
		if !fresh {
			return ErrGrantInvalid.Because(ceremony.ErrReplayed)
		}
		person, err := r.granted(ctx, tx, ceremony.ScopeCertificates, party, pairwise, g, at)
		if err != nil {
			return err
		}
		if err := r.logQuery(ctx, tx, at, person, Query{At: at, Verifier: party, What: "certificates"}); err != nil {
			return err
		}
		return r.holding(ctx, tx, person, at, &out)
	})
	return out, err
}

func (r *RA) holding(ctx context.Context, tx Tx, person string, at time.Time, out *Holding) error {
	p, err := tx.Person(ctx, person)
	if err != nil {
		return err
	}
	certs, err := tx.CertificatesOf(ctx, person)
	if err != nil {
		return err
	}
	for _, c := range certs {
		entry, err := tx.Status(ctx, c.Kind, c.Serial)
		if errors.Is(err, status.ErrUnknown) {
			continue // prepared, and not signed yet
		}
		if err != nil {
			return err
		}
		out.Certificates = append(out.Certificates, held(c, entry, at))
	}
	if p.Phone != "" {
		e, err := tx.Enrolment(ctx, p.Phone)
		if err != nil {
			return err
		}
		out.Phone = &HeldPhone{Manufacturer: e.Manufacturer, Model: e.Model, RegisteredAt: e.RegisteredAt, LastSeen: &e.LastCheckIn, LastUnlock: &e.LastUnlock}
	}
	queries, err := tx.QueriesOf(ctx, person, 100)
	if len(queries) > 0 {
		out.Queries = queries
	}
	return err
}

func held(c CertificateRecord, entry status.Entry, at time.Time) HeldCertificate {
	h := HeldCertificate{Kind: string(c.Kind), Serial: c.Serial.String(), NotBefore: c.NotBefore, NotAfter: c.NotAfter, State: string(entry.Status)}
	for _, hold := range entry.Holds {
		h.Holds = append(h.Holds, string(hold.Cause))
	}
	switch {
	case entry.Status == status.Revoked:
		h.Reason, h.Since = &entry.Reason, &entry.Since
	case at.After(c.NotAfter):
		h.State = "expired"
	case entry.Status == status.Held:
		h.Since = &entry.Since
	}
	return h
}
