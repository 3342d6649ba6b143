package ra

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/issuer/ca"
	"tegata/issuer/profile"
)

// wanted is what a card or an enrolment (subject) is to have certificates for.
type wanted struct {
	subject string
	person  string
	phone   bool
	list    []ca.Request // Ref is filled in by issue
	again   string       // the re-issue onto a card that this is for, or ""
}

// reference names the one certificate of a kind that a subject ever gets, or that a
// re-issue onto a card brings.
func (w wanted) reference(k pki.Kind) string {
	switch {
	case w.phone:
		return "enrolment " + w.subject + " " + string(k)
	case w.again != "":
		return "card " + w.subject + " " + string(k) + " again " + w.again
	}
	return "card " + w.subject + " " + string(k)
}

// issue returns one certificate for each request, in their order, going on
// where an earlier attempt stopped: each is prepared under a reference of its
// own, so that what a crash left behind is found and used, never made a second
// time. Whose serial number it is, is recorded before anything is signed.
func (r *RA) issue(ctx context.Context, who audit.Actor, w wanted, at time.Time) ([]CertificateRecord, error) {
	requests := slices.Clone(w.list)
	for i := range requests {
		requests[i].Ref = w.reference(requests[i].Kind)
	}
	drafts, err := r.authority.PrepareAll(ctx, who, requests...)
	switch {
	case errors.Is(err, ca.ErrRefUsed):
		return nil, ErrConflict.Because(err)
	case err != nil:
		return nil, ErrCAUnavailable.Because(fmt.Errorf("ra: prepare: %w", err))
	}
	out := make([]CertificateRecord, len(drafts))
	for i, draft := range drafts {
		out[i] = CertificateRecord{
			Kind: requests[i].Kind, Serial: draft.Serial(), Person: w.person, Subject: w.subject, Phone: w.phone, PreparedAt: at,
		}
	}
	err = r.store.Write(ctx, func(tx Tx) error {
		for _, c := range out {
			if err := tx.PutCertificate(ctx, c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	issued, err := r.authority.IssueAll(ctx, who, drafts...)
	if err != nil {
		return nil, ErrCAUnavailable.Because(fmt.Errorf("ra: issue: %w", err))
	}
	for i, cert := range issued {
		out[i].DER, out[i].NotBefore, out[i].NotAfter = cert.Raw, cert.NotBefore, cert.NotAfter
	}
	return out, nil
}

// subjectOf is the subject of a phone's signature certificate: what the card's
// certificate says, and where it was issued.
func subjectOf(arc pki.Arc, card []byte, m Municipality) (profile.Subject, error) {
	cert, err := x509.ParseCertificate(card)
	if err != nil {
		return profile.Subject{}, fmt.Errorf("ra: card certificate: %w", err)
	}
	attributes, err := pki.ParseAttributes(arc, cert)
	if err != nil {
		return profile.Subject{}, fmt.Errorf("ra: card certificate: %w", err)
	}
	return profile.Subject{Municipality: m, Attributes: attributes}, nil
}
