package ra_test

import (
	"bytes"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/internal/pkitest"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// again is the same phone with a message of its own: a new key for signatures, from
// the pool, under a new id.
func (p *phone) again(key int) *phone {
	q := *p
	q.id, q.chain, q.cms, q.sign = randomID(), nil, nil, pkitest.Key(p.w.t, key)
	q.applied, q.issued = ra.Applied{}, ra.Issued{}
	return &q
}

// signFor has the card sign an application for a signature certificate alone.
func (p *phone) signFor(c *card) []byte {
	a := p.application(c)
	a.Certificates = []string{"phone-sign"}
	return p.signWith(c.sign, c.issued.Certificates.Sign, a.Canonical())
}

// applyForSign asks for a signature certificate alone.
func (p *phone) applyForSign(c *card) error {
	p.cms = p.signFor(c)
	return p.apply(c, false)
}

func (p *phone) signKeyStep() string {
	claims := p.keyClaims()
	claims.Auth = ra.KeyProof{}
	return p.jws(ra.TypeEnrolment, claims, nil)
}

func (p *phone) signKey() (err error) {
	p.issued, err = p.w.ra.Keys(p.w.t.Context(), p.id, p.signKeyStep())
	return err
}

func (p *phone) takeOverStep() string {
	claims := ra.RegisterClaims{StepClaims: p.claims(ra.StepRegister), SignSHA256: sum(p.issued.Certificates.Sign)}
	return p.jws(ra.TypeEnrolment, claims, nil)
}

func (p *phone) takeOver() error {
	_, err := p.w.ra.Register(p.w.t.Context(), p.id, p.takeOverStep())
	return err
}

// reissue goes the whole way to a new signature certificate, with a key of the pool.
func (p *phone) reissue(c *card, key int) *phone {
	p.w.t.Helper()
	q := p.again(key)
	for _, step := range []func() error{func() error { return q.applyForSign(c) }, q.signKey, q.takeOver} {
		if err := step(); err != nil {
			p.w.t.Fatal(err)
		}
	}
	p.ctr = q.ctr
	return q
}

func TestASignatureCertificateIsIssuedAnew(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		p := w.newPhone(2)
		p.enrol(c)
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(nil, ra.WordSuspend))}, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))); err != nil {
			t.Fatal(err)
		}
		q := p.again(4)
		if err := q.applyForSign(c); err != nil {
			t.Fatal(err)
		}
		if err := q.signKey(); err != nil {
			t.Fatal(err)
		}
		if len(q.issued.Certificates.Auth) > 0 {
			t.Error("another authentication certificate was issued")
		}
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Held {
			t.Errorf("before it is written it is %s", e.Status)
		}
		for range 2 { // sent again it gets the same answer
			if err := q.takeOver(); err != nil {
				t.Fatal(err)
			}
		}
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Good {
			t.Errorf("the new certificate is %s", e.Status)
		}
		p.ctr = q.ctr
		if e := p.pair(); e[0].Status != status.Good || e[1].Status != status.Revoked {
			t.Errorf("the old pair is %s %s", e[0].Status, e[1].Status)
		}
		if bytes.Equal(p.issued.Certificates.Sign, q.issued.Certificates.Sign) {
			t.Error("the certificate is the old one")
		}
		if n := count(w.notices(), ra.NoticeReissued); n != 1 {
			t.Errorf("told %d times", n)
		}
		// From now on whatever happens to the phone happens to it.
		p.unlocked = w.now
		w.pass(time.Minute)
		if _, err := p.checkIn(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
			t.Fatal(err)
		}
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Held {
			t.Errorf("the phone is lost and its new certificate is %s", e.Status)
		}
		w.pass(30 * day)
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked {
			t.Errorf("the phone ended and its new certificate is %s", e.Status)
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A certificate that nobody wrote into the phone ends after a day, and the phone's
// login goes on.
func TestAReissueThatIsNotFinishedEnds(t *testing.T) {
	w, c, p := found(t)
	q := p.again(4)
	if err := q.applyForSign(c); err != nil {
		t.Fatal(err)
	}
	if err := q.signKey(); err != nil {
		t.Fatal(err)
	}
	w.pass(25 * time.Hour)
	if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked {
		t.Errorf("got %s", e.Status)
	}
	if e := p.pair()[0]; e.Status != status.Good {
		t.Errorf("the phone's authentication certificate is %s", e.Status)
	}
	wantCode(t, q.takeOver(), ra.CodeEnrolmentEnded)
	r := p.again(6)
	r.ctr = q.ctr
	if err := r.applyForSign(c); err != nil {
		t.Errorf("another try: %v", err)
	}
}

func TestReissuesThatAreRefused(t *testing.T) {
	t.Run("while the present one is good", func(t *testing.T) {
		_, c, p := registered(t)
		wantCode(t, p.again(4).applyForSign(c), ra.CodeReissueNotNeeded)
		p.mustBe(status.Good, 0)
	})
	t.Run("while the phone is lost", func(t *testing.T) {
		_, c, p := lost(t)
		wantCode(t, p.again(4).applyForSign(c), ra.CodeReissueNotNeeded)
	})
	t.Run("on another phone", func(t *testing.T) {
		w, c, _ := found(t)
		wantCode(t, w.newPhone(4).applyForSign(c), ra.CodeReissueElsewhere)
	})
	t.Run("without a registered phone", func(t *testing.T) {
		w := newWorld(t)
		c := w.issueCard("card-1", hanako(), 0)
		wantCode(t, w.newPhone(2).applyForSign(c), ra.CodeReissueElsewhere)
	})
	t.Run("after a move, with the card's old certificate", func(t *testing.T) {
		_, c, p := registered(t)
		if _, err := c.event(ra.EventMoved); err != nil {
			t.Fatal(err)
		}
		wantCode(t, p.again(4).applyForSign(c), ra.CodeCardRevoked)
		if e := p.pair(); e[0].Status != status.Good || e[1].Status != status.Revoked {
			t.Errorf("got %s %s", e[0].Status, e[1].Status)
		}
	})
	t.Run("with a key for authentication too", func(t *testing.T) {
		_, c, p := found(t)
		q := p.again(4)
		if err := q.applyForSign(c); err != nil {
			t.Fatal(err)
		}
		wantCode(t, q.keys(), ra.CodeCSR)
	})
	t.Run("lost again before it was taken over", func(t *testing.T) {
		w, c, p := found(t)
		q := p.again(4)
		if err := q.applyForSign(c); err != nil {
			t.Fatal(err)
		}
		if err := q.signKey(); err != nil {
			t.Fatal(err)
		}
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
			t.Fatal(err)
		}
		wantCode(t, q.takeOver(), ra.CodeReissueNotNeeded)
		if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Held {
			t.Errorf("got %s", e.Status)
		}
	})
}

// found is a phone that was lost and found.
func found(t *testing.T) (*world, *card, *phone) {
	w, c, p := lost(t)
	if _, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))); err != nil {
		t.Fatal(err)
	}
	return w, c, p
}

// reissuing is a found phone with a new signature certificate on its way into it.
func reissuing(t *testing.T) (w *world, c *card, p, q *phone) {
	t.Helper()
	w, c, p = found(t)
	q = p.again(4)
	if err := q.applyForSign(c); err != nil {
		t.Fatal(err)
	}
	if err := q.signKey(); err != nil {
		t.Fatal(err)
	}
	p.ctr = q.ctr
	return w, c, p, q
}

// A shop must see green when the phone is handed over, and nothing may wait for a
// phone that is no more.
func TestAReissueEndsWithItsPhone(t *testing.T) {
	w, c, p, q := reissuing(t)
	before := w.notices()
	stopped, err := w.ra.Stop(t.Context(), p.jws(ra.TypeEnrolment, p.claims(ra.StepStop), nil))
	if err != nil {
		t.Fatal(err)
	}
	if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked || e.Reason != status.CessationOfOperation {
		t.Errorf("the certificate on its way is %s (%d)", e.Status, e.Reason)
	}
	if r, err := w.ra.Revocation(t.Context(), stopped.Receipt); err != nil || !r.Clear {
		t.Errorf("the receipt shows %+v, %v", r, err)
	}
	wantCode(t, q.takeOver(), ra.CodeEnrolmentEnded)
	if n := len(w.notices()) - len(before); n != 1 {
		t.Errorf("told %d times of one end", n)
	}
	if err := w.newPhone(6).apply(c, false); err != nil {
		t.Errorf("the person is not free to apply: %v", err)
	}
}

// Whoever had the phone may have learned the password that its new key was made
// under, too.
func TestAReissueBegunBeforeALossEndsWhenThePhoneIsFound(t *testing.T) {
	w, c, p, q := reissuing(t)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))); err != nil {
		t.Fatal(err)
	}
	if got := wantCode(t, q.takeOver(), ra.CodeEnrolmentEnded); got.Extra["ended"] != string(ra.EndedFound) {
		t.Errorf("told %v", got.Extra)
	}
	if e := w.status(q.issued.Certificates.Sign, pki.PhoneSign); e.Status != status.Revoked {
		t.Errorf("the certificate of before is %s", e.Status)
	}
	if e := p.pair()[0]; e.Status != status.Good {
		t.Errorf("the authentication certificate is %s", e.Status)
	}
}

// A newer card is valid longer than the one that the phone was registered with.
func TestAReissueByANewerCardDoesNotOutliveThePhone(t *testing.T) {
	w, _, p := found(t)
	p.live(120 * day) // past a birthday
	newer := w.issueCard("card-2", hanako(), 6)
	q := p.reissue(newer, 4)
	auth, sign := p.pair()[0], w.status(q.issued.Certificates.Sign, pki.PhoneSign)
	if !sign.NotAfter.Equal(auth.NotAfter) || !newer.issued.NotAfter.After(sign.NotAfter) {
		t.Errorf("the phone's certificates end at %v and %v, the newer card's at %v", auth.NotAfter, sign.NotAfter, newer.issued.NotAfter)
	}
}

// A check-in may overtake the registration: the copy of the element that makes use
// of it is noticed all the same.
func TestATakeoverDoesNotTurnTheCounterBack(t *testing.T) {
	_, _, p, q := reissuing(t)
	late := q.takeOverStep()
	p.ctr = q.ctr
	if got, err := p.checkIn(); err != nil || len(got.Holds) > 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, err := q.w.ra.Register(t.Context(), q.id, late); err != nil {
		t.Fatal(err)
	}
	clone := *p
	clone.ctr--
	clone.unlocked = clone.unlocked.Add(time.Second) // another message with the same counter
	if got, err := clone.checkIn(); err != nil || len(got.Holds) != 1 {
		t.Errorf("the copy's check-in answered %+v, %v", got, err)
	}
}
