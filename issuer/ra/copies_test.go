package ra_test

import (
	"testing"

	"tegata/issuer/ra"
	"tegata/issuer/status"
	"tegata/store"
	"tegata/store/issuer"
	"tegata/store/storetest"
)

// checks sends a check-in, and a day passes.
func (l life) checks(p *phone) ra.CheckedIn {
	l.t.Helper()
	got, err := p.checkIn()
	if err != nil {
		l.t.Fatal(err)
	}
	l.w.pass(day)
	return got
}

// twoCopies registers p with c and has two copies of it live: on hold when they part,
// revoked as of then when both went on.
func twoCopies(l life, c *card, p *phone) {
	l.t.Helper()
	p.enrol(c)
	twin := *p
	l.checks(p)
	since := l.w.now
	l.checks(&twin) // from where it was copied
	p.mustBe(status.Held, status.CertificateHold, status.Suspected)
	l.checks(p)
	p.mustBe(status.Held, status.CertificateHold, status.Suspected)
	if got := l.checks(&twin); got.State != ra.StateEnded {
		l.t.Errorf("both went on, and it is answered %+v", got)
	}
	p.mustBe(status.Revoked, status.KeyCompromise)
	for _, e := range p.pair() {
		if !e.Since.Equal(since) {
			l.t.Errorf("revoked as of %v, held since %v", e.Since, since)
		}
	}
	if s, err := p.show(); err != nil || s.Ended != ra.EndedCopied {
		l.t.Errorf("it stands at %+v, %v", s, err)
	}
}

func TestAnElementThatWasPutBackOnceIsNoSecondCopy(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		l.checks(l.p)
		l.checks(l.p)
		l.p.ctr -= 2 // it lost what it did since
		for range 5 {
			l.checks(l.p)
		}
		l.are("held suspected", "held suspected")
		// With the card in hand the phone is believed, and what it counted before is forgotten.
		l.resume()
		l.are("good", "revoked superseded")
		l.p.ctr -= 3
		l.checks(l.p)
		l.are("held suspected", "revoked superseded")
		l.mustBeWhole()
	})
}

func TestTheVeryMessageAgainIsNoSecondCopy(t *testing.T) {
	storetest.Each(t, issuer.Schema, func(t *testing.T, db *store.DB) {
		l := lifeIn(t, db)
		twin := *l.p
		l.checks(l.p)
		claims := twin.checkInClaims()
		compact := twin.jws(ra.TypeCheckIn, claims, nil)
		for range 3 {
			if _, err := l.w.ra.CheckIn(t.Context(), compact); err != nil {
				t.Fatal(err)
			}
		}
		l.are("held suspected", "held suspected")
	})
}
