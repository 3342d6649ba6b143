package ra_test

import (
	"errors"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// applyToRenew asks for a signature certificate although the present one is good.
func (p *phone) applyToRenew(c *card) (err error) {
	p.cms = p.signFor(c)
	chain := p.attest(&p.device.PublicKey, ra.DeviceKeyChallenge(p.id))
	claims := ra.ApplyClaims{StepClaims: p.claims(ra.StepApply), Application: p.cms, Renew: true}
	p.applied, err = p.w.ra.Apply(p.w.t.Context(), p.jws(ra.TypeEnrolment, claims, chain))
	return err
}

// A password that is forgotten goes with its key: the certificate under a new key is
// good in the moment in which the old one ends, and until then the old one is.
func TestAForgottenPasswordIsReplacedWithItsKey(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		p := w.newPhone(2)
		p.enrol(c)
		q := p.again(4)
		if err := q.applyToRenew(c); err != nil {
			t.Fatal(err)
		}
		if err := q.signKey(); err != nil {
			t.Fatal(err)
		}
		p.mustBe(status.Good, 0) // whatever becomes of it, nobody is without
		for range 2 {            // sent again it gets the same answer
			if err := q.takeOver(); err != nil {
				t.Fatal(err)
			}
		}
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
			t.Errorf("the new certificate is %s", e.Status)
		}
		old := p.pair()
		if old[0].Status != status.Good {
			t.Errorf("the authentication certificate is %s", old[0].Status)
		}
		if old[1].Status != status.Revoked || old[1].Reason != status.Superseded || !old[1].Since.Equal(w.status(q.issued.Certificates.Sign, pki.PhoneSign).GoodSince) {
			t.Errorf("the old certificate is %s (%d) since %v", old[1].Status, old[1].Reason, old[1].Since)
		}
		if n := count(w.notices(), ra.NoticeReissued); n != 1 {
			t.Errorf("told %d times", n)
		}
		p.ctr = q.ctr
		p.unlocked = w.now
		w.pass(time.Minute)
		if _, err := p.checkIn(); err != nil {
			t.Fatal(err)
		}
		stopped, err := w.ra.Stop(t.Context(), p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil))
		if err != nil {
			t.Fatal(err)
		}
		if r, err := w.ra.Revocation(t.Context(), stopped.Receipt); err != nil || !r.Clear {
			t.Errorf("the receipt shows %+v, %v", r, err)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Not finished within a day it leaves everything as it was.
func TestARenewalThatIsNotFinishedChangesNothing(t *testing.T) {
	w, c, p := registered(t)
	q := p.again(4)
	if err := errors.Join(q.applyToRenew(c), q.signKey()); err != nil {
		t.Fatal(err)
	}
	w.pass(25 * time.Hour)
	p.mustBe(status.Good, 0)
	wantCode(t, q.takeOver(), ra.CodeEnrolmentEnded)
	if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked {
		t.Errorf("the certificate that nobody took is %s", e.Status)
	}
}

func TestRenewalsThatAreRefused(t *testing.T) {
	t.Run("while the phone is lost", func(t *testing.T) {
		_, c, p := lost(t)
		wantCode(t, p.again(4).applyToRenew(c), ra.CodeReissueNotNeeded)
	})
	t.Run("lost before it was taken over", func(t *testing.T) {
		w, c, p := registered(t)
		q := p.again(4)
		if err := errors.Join(q.applyToRenew(c), q.signKey()); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, q.takeOver(), ra.CodeReissueNotNeeded)
		p.mustBe(status.Held, status.CertificateHold, status.Lost)
	})
	t.Run("on another phone", func(t *testing.T) {
		w, c, _ := registered(t)
		wantCode(t, w.newPhone(4).applyToRenew(c), ra.CodeReissueElsewhere)
	})
	t.Run("by another person's card", func(t *testing.T) {
		w, _, p := registered(t)
		other := hanako()
		other.ID = "somebody-else"
		wantCode(t, p.again(4).applyToRenew(w.issueCard("card-9", other, 6)), ra.CodeReissueElsewhere)
		p.mustBe(status.Good, 0)
	})
	t.Run("by a card that is reported lost", func(t *testing.T) {
		_, c, p := registered(t)
		if _, err := c.event(ra.EventCardLost); err != nil {
			t.Fatal(err)
		}
		wantCode(t, p.again(4).applyToRenew(c), ra.CodeCardHeld)
	})
}
