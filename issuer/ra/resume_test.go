package ra_test

import (
	"crypto"
	"crypto/x509"
	"testing"
	"time"

	"tegata/internal/pki"
	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// word is what a card says about a phone, or about nothing but itself.
func (c *card) word(p *phone, purpose ra.WordPurpose) ra.CardWord {
	w := ra.CardWord{CertificateSHA256: pki.Fingerprint(c.issued.Certificates.Auth), Nonce: randomID(), Purpose: purpose, Time: c.w.now.Format(time.RFC3339)}
	if p != nil {
		spki, err := x509.MarshalPKIXPublicKey(&p.device.PublicKey)
		if err != nil {
			c.w.t.Fatal(err)
		}
		w.Enrolment, w.DeviceKeySHA256 = p.id, sum(spki)
	}
	return w
}

// says has the card's authentication key sign a word.
func (c *card) says(p *phone, w ra.CardWord) []byte {
	return p.signWith(crypto.Signer(c.auth), c.issued.Certificates.Auth, w.Canonical())
}

func (p *phone) resumeClaims(word []byte) ra.ResumeClaims {
	c := ra.ResumeClaims{CheckInClaims: p.checkInClaims(), Word: word}
	c.Step = ra.StepResume
	return c
}

func (p *phone) sendResume(c ra.ResumeClaims) (ra.Resumed, error) {
	return p.w.ra.Resume(p.w.t.Context(), p.jws(ra.TypeCheckIn, c, nil))
}

// lost is a registered phone that was suspended by its card from another device.
func lost(t *testing.T) (*world, *card, *phone) {
	w, c, p := registered(t)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(nil, ra.WordSuspend))}, ""); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
	return w, c, p
}

func TestAFoundPhoneIsResumedWithTheCard(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db, began)
		c := w.issueCard("card-1", hanako(), 0)
		p := w.newPhone(2)
		p.enrol(c)
		w.pass(time.Hour)
		if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "198.51.100.7"); err != nil {
			t.Fatal(err)
		}
		heldAt := w.now
		w.pass(2 * day)
		step := p.jws(ra.TypeCheckIn, p.resumeClaims(c.says(p, c.word(p, ra.WordResume))), nil)
		got, err := w.ra.Resume(t.Context(), step)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Reissue || len(got.Holds) != 0 || !got.HeldSince.Equal(heldAt) {
			t.Errorf("got %+v", got)
		}
		pair := p.pair()
		if pair[0].Status != status.Good {
			t.Errorf("the authentication certificate is %s", pair[0].Status)
		}
		// No signature made while the phone was lost may look valid later.
		if pair[1].Status != status.Revoked || pair[1].Reason != status.Superseded || pair[1].Since.After(heldAt.Add(time.Second)) {
			t.Errorf("the signature certificate is %s, reason %d, since %v", pair[1].Status, pair[1].Reason, pair[1].Since)
		}
		again, err := w.ra.Resume(t.Context(), step)
		if err != nil || !again.ResumedAt.Equal(got.ResumedAt) {
			t.Errorf("sent again: %+v, %v", again, err)
		}
		if n := count(w.notices(), ra.NoticeFound); n != 1 {
			t.Errorf("told %d times", n)
		}
		w.pass(29 * day)
		if p.pair()[0].Status == status.Revoked {
			t.Error("revoked as if it were still lost")
		}
		if err := w.db.CheckAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A suspected phone (its counter went back) is resumed too, and counts from where it is.
func TestASuspectedPhoneIsResumedWithTheCard(t *testing.T) {
	w, c, p := registered(t)
	p.ctr += 10
	if _, err := p.checkIn(); err != nil {
		t.Fatal(err)
	}
	p.ctr -= 8 // restored from a copy
	if got, err := p.checkIn(); err != nil || len(got.Holds) != 1 || got.Holds[0] != "suspected" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if _, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))); err != nil {
		t.Fatal(err)
	}
	if e := p.pair()[0]; e.Status != status.Good {
		t.Errorf("still %s", e.Status)
	}
	w.pass(time.Minute)
	if got, err := p.checkIn(); err != nil || len(got.Holds) != 0 {
		t.Errorf("the next check-in: %+v, %v", got, err)
	}
}

// A silence ends by an unlock and a check-in, as ever: the card says who holds the
// phone, not that anybody uses it.
func TestASilenceIsNotLiftedByTheCard(t *testing.T) {
	w, c, p := registered(t)
	w.pass(20 * day)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(nil, ra.WordSuspend))}, ""); err != nil {
		t.Fatal(err)
	}
	w.pass(11 * day)
	p.mustBe(status.Held, status.CertificateHold, status.Lost, status.Silent)
	got, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume))))
	if err != nil || len(got.Holds) != 1 || got.Holds[0] != "silent" {
		t.Fatalf("got %+v, %v", got, err)
	}
	if e := p.pair()[0]; e.Status != status.Held || len(e.Holds) != 1 || e.Holds[0].Cause != status.Silent {
		t.Errorf("got %+v", e)
	}
	w.pass(time.Minute)
	p.unlocked = w.now
	if got, err := p.checkIn(); err != nil || len(got.Holds) != 0 {
		t.Errorf("after an unlock and a check-in: %+v, %v", got, err)
	}
	if e := p.pair()[0]; e.Status != status.Good {
		t.Errorf("still %s", e.Status)
	}
}

// What ended for ever while the phone was lost does not come back, and is no reason
// to leave the rest on hold.
func TestAResumeLiftsWhatIsLeft(t *testing.T) {
	w, c, p := found(t)
	newer := w.issueCard("card-2", c.person, 4)
	q := p.reissue(newer, 6)
	if _, err := w.ra.RegisterEvent(t.Context(), "city", ra.RegisterEvent{ID: "ev-1", Person: "hanako", Kind: ra.EventCardRevoked, Card: c.id}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sendResume(p.resumeClaims(newer.says(p, newer.word(p, ra.WordResume)))); err != nil {
		t.Fatal(err)
	}
	if auth, sign := p.pair()[0], w.status(q.issued.Certificates.Sign, pki.PhoneSign); auth.Reason != status.CessationOfOperation || sign.Reason != status.Superseded {
		t.Errorf("got %+v, %+v", auth, sign)
	}
	if got, err := p.checkIn(); err != nil || len(got.Holds) > 0 {
		t.Errorf("the next check-in: %+v, %v", got, err)
	}
}

func TestResumptionsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		claim func(w *world, c *card, p *phone) ra.ResumeClaims
		want  ra.Code
	}{
		{"without a word of the card", func(w *world, c *card, p *phone) ra.ResumeClaims { return p.resumeClaims([]byte("no word")) }, ra.CodeWordMalformed},
		{"with another person's card", func(w *world, _ *card, p *phone) ra.ResumeClaims {
			other := w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)), 4)
			return p.resumeClaims(other.says(p, other.word(p, ra.WordResume)))
		}, ra.CodeWordCertificate},
		{"with a word that another key signed", func(w *world, c *card, p *phone) ra.ResumeClaims {
			return p.resumeClaims(p.signWith(crypto.Signer(c.sign), c.issued.Certificates.Auth, c.word(p, ra.WordResume).Canonical()))
		}, ra.CodeWordSignature},
		{"with a word of the signature key", func(w *world, c *card, p *phone) ra.ResumeClaims {
			word := c.word(p, ra.WordResume)
			word.CertificateSHA256 = pki.Fingerprint(c.issued.Certificates.Sign)
			return p.resumeClaims(p.signWith(crypto.Signer(c.sign), c.issued.Certificates.Sign, word.Canonical()))
		}, ra.CodeWordCertificate},
		{"with a word to suspend", func(w *world, c *card, p *phone) ra.ResumeClaims {
			return p.resumeClaims(c.says(p, c.word(nil, ra.WordSuspend)))
		}, ra.CodeWordMalformed},
		{"with a word about another phone", func(w *world, c *card, p *phone) ra.ResumeClaims {
			return p.resumeClaims(c.says(p, c.word(w.newPhone(6), ra.WordResume)))
		}, ra.CodeDeviceKeyMismatch},
		{"with an old word", func(w *world, c *card, p *phone) ra.ResumeClaims {
			word := c.says(p, c.word(p, ra.WordResume))
			w.pass(2 * time.Hour)
			return p.resumeClaims(word)
		}, ra.CodeApplicationTime},
		{"with a word that was used", func(w *world, c *card, p *phone) ra.ResumeClaims {
			word := c.says(p, c.word(nil, ra.WordSuspend))
			if _, err := w.ra.Suspend(w.t.Context(), ra.Suspension{Word: word}, ""); err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.ra.Suspend(w.t.Context(), ra.Suspension{Word: word}, ""); err == nil {
				w.t.Error("a word worked twice")
			}
			used := c.says(p, c.word(p, ra.WordResume))
			if _, err := p.sendResume(p.resumeClaims(used)); err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.ra.Suspend(w.t.Context(), ra.Suspension{BirthDate: "1980-02-17", LockCode: digits(p)}, "x"); err != nil {
				w.t.Fatal(err)
			}
			return p.resumeClaims(used)
		}, ra.CodeApplicationReplayed},
		{"with a card that is held itself", func(w *world, c *card, p *phone) ra.ResumeClaims {
			if _, err := c.event(ra.EventCardLost); err != nil {
				w.t.Fatal(err)
			}
			return p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))
		}, ra.CodeCardHeld},
		{"on an element that was reset", func(w *world, c *card, p *phone) ra.ResumeClaims {
			claims := p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))
			claims.ResetCounter++
			return claims
		}, ra.CodeElementSuspected},
		{"on a phone that is unlocked", func(w *world, c *card, p *phone) ra.ResumeClaims {
			claims := p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))
			claims.DeviceLocked = new(false)
			return claims
		}, ra.CodeAttestationBoot},
		{"after a month", func(w *world, c *card, p *phone) ra.ResumeClaims {
			w.pass(31 * day)
			return p.resumeClaims(c.says(p, c.word(p, ra.WordResume)))
		}, ra.CodeEnrolmentEnded},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, card, p := lost(t)
			claims := c.claim(w, card, p)
			before := p.pair()
			_, err := p.sendResume(claims)
			wantCode(t, err, c.want)
			if after := p.pair(); after[0].Status != before[0].Status || after[1].Status != before[1].Status {
				t.Errorf("the pair was %s %s and is %s %s", before[0].Status, before[1].Status, after[0].Status, after[1].Status)
			}
		})
	}
	t.Run("a phone that is not held", func(t *testing.T) {
		_, c, p := registered(t)
		_, err := p.sendResume(p.resumeClaims(c.says(p, c.word(p, ra.WordResume))))
		wantCode(t, err, ra.CodeNothingToResume)
		p.mustBe(status.Good, 0)
	})
}

func TestACardSuspendsItsOwnersPhoneAndNobodyElses(t *testing.T) {
	w, c, p := registered(t)
	other := w.issueCard("card-2", resident("taro", "手形　太郎", time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)), 4)
	_, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: other.says(p, other.word(nil, ra.WordSuspend))}, "")
	wantCode(t, err, ra.CodeNoPhone)
	_, err = w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(p, ra.WordResume))}, "")
	wantCode(t, err, ra.CodeWordMalformed)
	_, err = w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(nil, ra.WordSuspend)), LockCode: digits(p)}, "")
	wantCode(t, err, ra.CodeBadRequest)
	p.mustBe(status.Good, 0)
	if _, err := w.ra.Suspend(t.Context(), ra.Suspension{Word: c.says(p, c.word(nil, ra.WordSuspend))}, ""); err != nil {
		t.Fatal(err)
	}
	p.mustBe(status.Held, status.CertificateHold, status.Lost)
}
