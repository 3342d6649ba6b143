package ra_test

import (
	"context"
	"crypto/x509"
	"errors"
	"sync"
	"testing"
	"time"

	"tegata/internal/audit"
	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/internal/problem"
	"tegata/internal/secret"
	"tegata/issuer/ca"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

func TestACardGetsOneNewSignatureCertificate(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		wantCode(t, l.c.reissue("sign-1", 4), ra.CodeReissueNotNeeded)
		first, auth := l.c.issued.Certificates, l.w.status(l.c.issued.Certificates.Auth, pki.CardAuth).Serial
		l.event(ra.EventMoved)
		wantCode(t, l.c.reissue("sign-2", 4), ra.CodeEventNotApplicable) // for the address that was left
		l.c.moved()
		wantCode(t, l.c.reissueWith("sign-3", l.c.sign), ra.CodeKeyUnsuitable) // its old key
		wantCode(t, l.c.reissueWith("sign-3", l.c.auth), ra.CodeKeyUnsuitable)
		before := l.w.notices()
		for range 2 { // the second time it is the same
			if err := l.c.reissue("sign-4", 4); err != nil {
				t.Fatal(err)
			}
		}
		if n := len(l.w.notices()) - len(before); n != 1 {
			t.Errorf("%d notices", n)
		}
		leaf, err := x509.ParseCertificate(l.c.issued.Certificates.Sign)
		if err != nil {
			t.Fatal(err)
		}
		says, err := pki.ParseAttributes(pki.SandboxArc(), leaf)
		if err != nil || says != l.c.person.Attributes || !leaf.NotAfter.Equal(l.c.issued.NotAfter) {
			t.Errorf("it says %+v until %v: %v", says, leaf.NotAfter, err)
		}
		if e := l.w.status(l.c.issued.Certificates.Sign, pki.CardSign); e.Status != status.Good {
			t.Errorf("it is %s", e.Status)
		}
		if e := l.w.status(l.c.issued.Certificates.Auth, pki.CardAuth); e.Status != status.Good || e.Serial != auth {
			t.Errorf("the card's authentication certificate is %s, %v", e.Status, e.Serial)
		}
		wantCode(t, l.c.reissue("sign-5", 6), ra.CodeReissueNotNeeded)
		if err := l.c.reissueWith("sign-4", pkitest.Key(t, 6)); !isCode(err, ra.CodeIssuanceConflict) {
			t.Errorf("other content under the same id: %v", err)
		}

		// The card's own issuance, asked for again, is answered as it was.
		again, err := l.w.ra.IssueCard(t.Context(), "city", ra.CardIssuance{ID: "card-1", Person: hanako(),
			AuthCSR: csr(t, pkitest.Key(t, 0)), SignCSR: csr(t, pkitest.Key(t, 1))})
		if err != nil || string(again.Certificates.Sign) != string(first.Sign) {
			t.Errorf("another certificate under the issuance's id: %v", err)
		}

		// It goes the way of the card: held when that is lost, and revoked with it.
		l.event(ra.EventCardLost)
		if e := l.w.status(l.c.issued.Certificates.Sign, pki.CardSign); e.Status != status.Held {
			t.Errorf("the lost card's is %s", e.Status)
		}
		wantCode(t, l.c.reissue("sign-6", 6), ra.CodeCardHeld)
		l.event(ra.EventCardRevoked)
		if e := l.w.status(l.c.issued.Certificates.Sign, pki.CardSign); e.Status != status.Revoked {
			t.Errorf("the returned card's is %s", e.Status)
		}
		wantCode(t, l.c.reissue("sign-7", 6), ra.CodeCardRevoked)
		l.mustBeWhole()
	})
}

func isCode(err error, code ra.Code) bool {
	p, ok := errors.AsType[*problem.Problem](err)
	return ok && p.Code == code
}

// overtaking has something happen between the signing of a certificate and the record
// of it.
type overtaking struct {
	*ca.CA
	meanwhile func()
}

func (o overtaking) IssueAll(ctx context.Context, who audit.Actor, drafts ...*ca.Draft) ([]*x509.Certificate, error) {
	out, err := o.CA.IssueAll(ctx, who, drafts...)
	o.meanwhile()
	return out, err
}

func TestANewSignatureCertificateThatNewsOvertakesEndsAtOnce(t *testing.T) {
	for name, kind := range map[string]ra.EventKind{"moved again": ra.EventNameChanged, "died": ra.EventDied, "card revoked": ra.EventCardRevoked} {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
				l := lifeIn(t, db)
				l.event(ra.EventMoved)
				l.c.moved()
				slow, err := ra.New(ra.Config{URL: issuerURL, Arc: pki.SandboxArc(), Policy: l.w.policy, Terms: l.w.ra.Terms(), Key: l.w.key, LockCost: secret.TestCost()},
					l.w.store, overtaking{l.w.ca, sync.OnceFunc(func() { l.event(kind) })}, func() time.Time { return l.w.now }, ra.Options{})
				if err != nil {
					t.Fatal(err)
				}
				for range 2 {
					_, err := slow.ReissueCard(t.Context(), "city", ra.CardReissue{ID: "sign-2", Card: l.c.id, Person: l.c.person, SignCSR: csr(t, pkitest.Key(t, 4))})
					if !isCode(err, ra.CodeEventNotApplicable) {
						t.Errorf("got %v", err)
					}
				}
				err = l.w.store.Read(t.Context(), func(tx ra.Tx) error {
					certs, err := tx.CertificatesOf(t.Context(), l.c.person.ID)
					for _, c := range certs {
						if e := l.w.status(c.DER, c.Kind); c.Kind == pki.CardSign && e.Status == status.Good {
							t.Error("a signature certificate is good after all")
						}
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}
